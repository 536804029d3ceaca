#!/usr/bin/env python3
"""Carries TCP streams through a coturn with `relay-stream`, to a plain server and from a plain client. It must have been built.

All of it is on free ports of the loopback interface. The last line is "N passed, N failed, N skipped".
"""

import asyncio
import os
import re
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(EXAMPLES.parent / "Interop"))

import coturn  # noqa: E402

PROGRAM = EXAMPLES / ".build" / "debug" / "relay-stream"
WITHIN = 20
PAYLOAD = os.urandom(200_000)


class Failed(Exception):
    """What a case found, in words."""


async def within(what, work):
    try:
        return await asyncio.wait_for(work, WITHIN)
    except asyncio.TimeoutError:
        raise Failed(f"{what}: not within {WITHIN} s") from None


class RelayStream:
    """The program, with pipes."""

    def __init__(self, process):
        self.process = process

    @classmethod
    async def start(cls, url, *options):
        pipe = asyncio.subprocess.PIPE
        flags = ["--url", url, "--user", coturn.USER, "--password", coturn.PASSWORD, *options]
        return cls(await asyncio.create_subprocess_exec(str(PROGRAM), *flags, stdin=pipe, stdout=pipe, stderr=pipe))

    async def line(self, pattern):
        """The first line of what it tells that fits."""
        while line := (await within(pattern, self.process.stderr.readline())).decode():
            if match := re.search(pattern, line):
                return match
        raise Failed(f"it ended without a line like {pattern}")

    async def send(self, data):
        self.process.stdin.write(data)
        await within("to send", self.process.stdin.drain())

    async def receive(self, count):
        return await within("to receive", self.process.stdout.readexactly(count))

    async def end(self):
        """Waits for the end, and returns the exit status."""
        return await within("to end", self.process.wait())

    async def dispose(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def play(url, options, case):
    program = await RelayStream.start(url, *options)
    try:
        await case(program)
    finally:
        await program.dispose()


async def to_a_server(url, *options):
    async def echo(reader, writer):
        writer.write(await reader.readexactly(len(PAYLOAD)))
        await writer.drain()
        await reader.readline()
        writer.close()

    async def case(program):
        await program.line("connected with 127.0.0.1")
        await program.send(PAYLOAD)
        if await program.receive(len(PAYLOAD)) != PAYLOAD:
            raise Failed("other bytes came back")
        await program.send(b"end\n")
        if status := await program.end():
            raise Failed(f"it ended with {status}")

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await play(url, ["--connect", f"127.0.0.1:{port}", *options], case)


async def from_a_client(url, *options):
    async def case(program):
        relayed = (await program.line(r"waiting for 127\.0\.0\.1 at 127\.0\.0\.1:(\d+)"))[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(relayed))
        writer.write(b"question")
        if await program.receive(8) != b"question":
            raise Failed("other bytes arrived")
        await program.send(b"answer")
        if await within("to answer", reader.readexactly(6)) != b"answer":
            raise Failed("another answer came")
        writer.close()
        if status := await program.end():
            raise Failed(f"it ended with {status}")

    await play(url, ["--accept", "127.0.0.1", *options], case)


async def to_nobody(url, *options):
    async def case(program):
        await program.line("peerUnreachable: .*: check that it listens there")
        if await program.end() != 1:
            raise Failed("it did not end with 1")

    # A port that nobody listens on any more.
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    await play(url, ["--connect", f"127.0.0.1:{port}", *options], case)


async def over_udp(url, *options):
    async def case(program):
        await program.line(r"write turn:127\.0\.0\.1:\d+\?transport=tcp\.$")
        if not await program.end():
            raise Failed("it ended as if nothing was wrong")

    for fault in (url.split("?")[0], url.replace("=tcp", "=udp")):
        await play(fault, ["--connect", "127.0.0.1:1", *options], case)


async def not_for_tls():
    async def case(program):
        await program.line("is this its port for TLS or DTLS")
        if await program.end() != 1:
            raise Failed("it did not end with 1")

    async def web(reader, writer):
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await play(f"turns:127.0.0.1:{port}?transport=tcp", ["--connect", "127.0.0.1:1"], case)


async def main():
    if not PROGRAM.exists():
        sys.exit("relay-stream is not built: swift build --package-path Examples --product relay-stream")
    if not coturn.is_installed():
        print("skipped  coturn is not installed\n0 passed, 0 failed, 1 skipped")
        return 0
    failed = passed = 0
    async with coturn.running_coturn() as server:
        clear = (f"turn:{server.clear}?transport=tcp",)
        secure = (f"turns:{server.secure}?transport=tcp", "--insecure")
        cases = [
            ("to a plain TCP server", to_a_server, clear), ("to a plain TCP server under TLS", to_a_server, secure),
            ("from a plain TCP client", from_a_client, clear), ("to where nobody listens", to_nobody, clear),
            ("by a URL for UDP", over_udp, clear), ("under TLS to a port that speaks none", not_for_tls, ()),
        ]  # fmt: skip
        for name, case, arguments in cases:
            try:
                await case(*arguments)
            except (Failed, OSError, EOFError) as error:
                print(f"FAILED   {name}: {error}")
                failed += 1
            else:
                print(f"ok       {name}")
                passed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(asyncio.run(main()))
