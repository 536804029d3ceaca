"""Runs of `ice`, and what they print."""

import asyncio
import json
import os
import pty
import signal
from dataclasses import dataclass
from pathlib import Path

ICE = Path(__file__).resolve().parents[1] / ".build" / "debug" / "ice"
ENDS_WITHIN = 60.0


class CheckFailed(Exception):
    """What is not as it should be, in words."""


def expect(condition, words):
    if not condition:
        raise CheckFailed(words)


@dataclass
class Outcome:
    """How a run ended."""

    code: int
    text: str
    errors: str

    @property
    def lines(self):
        """What was printed, as JSON objects; each line must be one."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, kind):
        return [line for line in self.lines if line["type"] == kind]

    def last(self, kind):
        found = self.of(kind)
        expect(found, f"no line of type {kind}: {self.text[-500:]}{self.errors[-500:]}")
        return found[-1]

    def expect_code(self, code):
        expect(self.code == code, f"ended with {self.code}, not {code}: {self.text[-800:]}{self.errors[-800:]}")
        return self


def environment(**more):
    """Ours, without what would change a run."""
    names = ("ICE_TURN_USER", "ICE_TURN_PASSWORD", "NO_COLOR")
    return {**{name: value for name, value in os.environ.items() if name not in names}, "TERM": "xterm", **more}


class Run:
    """A program that runs, what it has printed, and a way to wait for what it has not printed yet."""

    def __init__(self, process):
        self._process = process
        self._lines = []
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())
        self._errors = asyncio.create_task(process.stderr.read())

    @classmethod
    async def start(cls, *arguments, **variables):
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                ICE, *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(**variables)
            )
        )

    async def _read(self):
        async for line in self._process.stdout:
            await self._note(line.decode())
        await self._note(None)

    async def _note(self, line):
        async with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    async def line(self, condition):
        """The first line that fulfils the condition."""

        def find():
            return next((line for line in self._lines if line is not None and condition(line)), None)

        async with asyncio.timeout(ENDS_WITHIN), self._changed:
            await self._changed.wait_for(lambda: find() is not None or None in self._lines)
        expect(find() is not None, f"ended before it printed what was waited for: {''.join(filter(None, self._lines))}")
        return find()

    def paste(self, text):
        self._process.stdin.write(text.encode() + b"\n")

    def end_input(self):
        self._process.stdin.close()

    def interrupt(self):
        self._process.send_signal(signal.SIGINT)

    async def outcome(self):
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                await self._reader
                await self._process.wait()
        finally:
            await self.stop()
        return Outcome(self._process.returncode, "".join(filter(None, self._lines)), (await self._errors).decode())

    async def stop(self):
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def ice(*arguments, **variables):
    """Runs a command to its end."""
    run = await Run.start(*arguments, **variables)
    run.end_input()
    return await run.outcome()


async def ice_on_terminal(*arguments, **variables):
    """Runs a command whose standard output is a terminal; gives its code and all that it wrote."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        ICE, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment(**variables)
    )
    os.close(theirs)
    written = asyncio.get_running_loop().run_in_executor(None, read_all, ours)
    try:
        async with asyncio.timeout(ENDS_WITHIN):
            await process.wait()
            return process.returncode, await written
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)


def read_all(descriptor):
    """All that comes until the other end is closed, which Linux tells by an error."""
    written = b""
    try:
        while chunk := os.read(descriptor, 4096):
            written += chunk
    except OSError:
        pass
    return written.decode()
