"""Processes whose lines are waited for."""

import asyncio
import os
import re

# Longer than any of the programs waits itself, so that it can say what it has waited for in vain.
WITHIN = 60


class Failed(Exception):
    """What a case found, in words."""


async def until(what, condition, within=WITHIN):
    """Polls what no output tells of."""
    deadline = asyncio.get_running_loop().time() + within
    while not (result := await condition()):
        if asyncio.get_running_loop().time() > deadline:
            raise Failed(f"{what}: not within {within} s")
        await asyncio.sleep(0.05)
    return result


class Process:
    """A process whose lines are waited for; `seen` is how far they have been looked at."""

    def __init__(self, name, process):
        self.name, self.process, self.lines, self.seen = name, process, [], 0
        self.news, self.is_over = asyncio.Condition(), False
        self.reader = asyncio.create_task(self.read())

    @classmethod
    async def start(cls, name, *command, has_input=True, **variables):
        environment = {**os.environ, **variables}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe if has_input else asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=environment)
        return cls(name, process)

    async def read(self):
        while line := await self.process.stdout.readline():
            async with self.news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.news.notify_all()
        async with self.news:
            self.is_over = True
            self.news.notify_all()

    async def line(self, pattern, within=WITHIN):
        """The next line with the pattern, behind the last one that was waited for."""
        def find():
            for index in range(self.seen, len(self.lines)):
                if match := re.search(pattern, self.lines[index]):
                    self.seen = index + 1
                    return match
            return None

        async def wait():
            async with self.news:
                while not (match := find()):
                    if self.is_over:
                        raise Failed(f"{self.name} has ended without {pattern!r}")
                    await self.news.wait()
                return match
        try:
            return await asyncio.wait_for(wait(), within)
        except asyncio.TimeoutError:
            raise Failed(f"{self.name} did not say {pattern!r} within {within} s") from None

    def type(self, text):
        self.process.stdin.write(f"{text}\n".encode())

    async def end(self):
        """Waits for the end, and returns the exit status."""
        try:
            await asyncio.wait_for(self.process.wait(), WITHIN)
        except asyncio.TimeoutError:
            raise Failed(f"{self.name} does not end") from None
        await self.reader
        return self.process.returncode

    async def dispose(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self.reader
