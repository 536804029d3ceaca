"""Network namespaces of our own: made, filled with interfaces and processes, and gone when the block ends.

Nothing in them has its other end outside, so that no packet can leave a laboratory and none can come in.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from contextlib import asynccontextmanager, suppress
from itertools import count

PREFIX = "icelab"
NEEDED = ("ip", "nft", "turnserver", "openssl", "ss")
ENDS_WITHIN = 2.0
_numbers = count(1)


class LabError(Exception):
    """What the laboratory itself could not do, in words."""


def absence():
    """Why there can be no laboratory on this machine; empty when there can."""
    if os.geteuid() != 0:
        return "it needs root"
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        return f"it needs {', '.join(missing)}"
    trial = f"{PREFIX}-{os.getpid()}-trial"
    try:
        for command in (
            ["ip", "netns", "add", trial],
            ["ip", "-n", trial, "link", "add", "x", "type", "veth", "peer", "name", "y"],
            ["ip", "-n", trial, "link", "add", "z", "type", "bridge"],
            ["ip", "-n", trial, "-6", "addr", "add", "2001:db8::1/64", "dev", "lo", "nodad"],
            ["ip", "netns", "exec", trial, "nft", "add table ip t; add chain ip t c { type nat hook postrouting priority 100; }"],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                words = (done.stderr or done.stdout).strip().splitlines()
                return f"this kernel refuses `{' '.join(command[:5])}` ({words[0] if words else done.returncode})"
    finally:
        subprocess.run(["ip", "netns", "del", trial], capture_output=True)
    return ""


def sweep():
    """Removes what a run that was killed has left behind: namespaces whose maker is no more."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name in (line.split()[0] for line in listed.splitlines() if line.startswith(f"{PREFIX}-")):
        maker = name.split("-")[1]
        if maker.isdigit() and not os.path.exists(f"/proc/{maker}"):
            _kill(subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout)
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def _kill(pids):
    for pid in pids.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


async def run(*command, text=""):
    """Runs a command to its end, with a text for its input; returns what it printed."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate(text.encode())
    if process.returncode:
        raise LabError(f"{' '.join(command)}: {errors.decode().strip()[-300:]} (given: {text.strip()[-300:]})")
    return output.decode()


class Spaces:
    """The namespaces of one laboratory, by short names."""

    def __init__(self):
        self._stem = f"{PREFIX}-{os.getpid()}-{next(_numbers)}-"
        self._names = []
        self._processes = []

    @classmethod
    @asynccontextmanager
    async def made(cls):
        spaces = cls()
        try:
            yield spaces
        finally:
            await asyncio.shield(spaces._remove())

    async def make(self, names, cables):
        """Makes namespaces, and cables between them: pairs of (namespace, interface)."""
        self._names += names
        lines = [f"netns add {self._stem}{name}" for name in names]
        for (space, interface), (other_space, other) in cables:
            lines.append(
                f"link add {interface} netns {self._stem}{space} type veth peer name {other} netns {self._stem}{other_space}"
            )
        await run("ip", "-batch", "-", text="\n".join(lines) + "\n")

    def command(self, space, *command):
        """The command line that runs a command inside a namespace."""
        return ["ip", "netns", "exec", f"{self._stem}{space}", *command]

    async def script(self, space, lines):
        """Runs lines of shell inside a namespace, up to the first that fails."""
        return await run(*self.command(space, "sh", "-e"), text="\n".join(lines) + "\n")

    async def rules(self, space, text):
        """Loads nftables rules inside a namespace, all of them at once."""
        await run(*self.command(space, "nft", "-f", "-"), text=text)

    async def spawn(self, space, *command):
        """Starts a process inside a namespace; it ends with the laboratory at the latest."""
        silent = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *self.command(space, *command), stdin=silent, stdout=silent, stderr=silent
        )
        self._processes.append(process)
        return process

    async def end(self, process):
        """Ends a process that was spawned, at once."""
        self._processes.remove(process)
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def _remove(self):
        for process in list(self._processes):
            await self.end(process)
        # What a process of ours has started in turn is in the namespaces too.
        for name in self._names:
            with suppress(LabError):
                _kill(await run("ip", "netns", "pids", f"{self._stem}{name}"))
        for name in self._names:
            with suppress(LabError):
                await run("ip", "netns", "del", f"{self._stem}{name}")
