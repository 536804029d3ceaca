"""A Redis server of a check's own."""

import asyncio
import contextlib
import socket

from .process import Process


class Redis:
    """A redis-server that keeps nothing, and may be stopped and started again on its port."""

    def __init__(self, directory):
        self.directory, self.process = directory, None
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]

    async def start(self):
        self.process = await Process.start(
            "redis-server", "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", self.directory)
        await self.process.line("Ready to accept connections")

    async def kill(self):
        await self.process.dispose()

    async def ask(self, *words):
        client = await asyncio.create_subprocess_exec(
            "redis-cli", "-p", str(self.port), *words, stdout=asyncio.subprocess.PIPE)
        output, _ = await client.communicate()
        return output.decode().split("\n")[:-1]

    @contextlib.asynccontextmanager
    async def channel(self, pattern):
        """What is published meanwhile: an asynchronous function that gives the last channel and message but for "changed"."""
        listener = await Process.start("redis-cli", "redis-cli", "-p", str(self.port), "PSUBSCRIBE", pattern)
        try:
            await listener.line("^1$")

            async def last():
                lines = listener.lines[3:]
                news = [lines[i + 2:i + 4] for i in range(0, len(lines) - 3, 4)]
                return next((new for new in reversed(news) if new[1] != "changed"), None)
            yield last
        finally:
            await listener.dispose()

    async def keys(self):
        return sorted(key for key in await self.ask("KEYS", "*") if key)

    async def are_gone(self):
        return not await self.keys()

    async def documents(self):
        """All that is in the store."""
        values = {}
        for key in await self.keys():
            values[key] = await self.ask(*(("HGETALL", key) if key.endswith("Candidates") else ("GET", key)))
        return values
