#!/usr/bin/env python3
"""Calls of `echo-load` to `echo-server`: full and lite, on one loop and on three, over UDP and TCP, and what becomes of strangers. Both must have been built.

The server has a free port of the loopback interface. The last line is "N passed, N failed, N skipped".
"""

import asyncio
import re
import signal
import socket
import struct
import sys
import time
import zlib
from pathlib import Path

from stage.process import Failed, Process

BUILT = Path(__file__).resolve().parent.parent / ".build" / "debug"
SERVER, LOAD = BUILT / "echo-server", BUILT / "echo-load"
SECRET = "of this check alone"
CLIENTS = 200
# The system has one address in 127.0.0.0/8 elsewhere, and spreads peers over loops on Linux only.
IS_LINUX = sys.platform.startswith("linux")


class Stage:
    def __init__(self):
        self.processes = []

    async def server(self, *options, has_input=True):
        process = await Process.start(
            "server", str(SERVER), "--address", "127.0.0.1", "--every", "1", *options, has_input=has_input, ECHO_SECRET=SECRET)
        self.processes.append(process)
        transports = " over UDP and TCP" if "--tcp" in options else ""
        place = (await process.line(
            rf"listening on (127\.0\.0\.1:\d+){transports} as a (full|lite) agent; loops: \d+")).group(1)
        return process, place

    async def load(self, place, *options, secret=SECRET):
        process = await Process.start("load", str(LOAD), place, *options, ECHO_SECRET=secret)
        self.processes.append(process)
        return process

    async def dispose(self):
        for process in self.processes:
            await process.dispose()


async def ended(server):
    """Ends the server, and returns what its last line tells."""
    server.process.send_signal(signal.SIGTERM)
    if status := await server.end():
        raise Failed(f"the server ended with {status}")
    return account(server.lines[-1])


def account(line):
    match = re.fullmatch(
        r"(\d+) calls are open, of (\d+) \(([\d ]+)\); (\d+) datagrams echoed, (\d+) dropped; (\d+) checks without a ticket, "
        r"(\d+) of calls on another loop, (\d+) too many", line)
    if not match:
        raise Failed(f"the server's account is {line!r}")
    names = ("open", "made", "loops", "echoed", "dropped", "refused", "elsewhere", "crowded")
    return {name: [int(word) for word in text.split()] if name == "loops" else int(text)
            for name, text in zip(names, match.groups())}


async def echoes(stage, kind, loops, *options):
    server, place = await stage.server(f"--{kind}", "--loops", str(loops), *options)
    load = await stage.load(
        place, "--clients", str(CLIENTS), "--addresses", "5" if IS_LINUX else "1", "--rate", "20", "--duration", "1", *options)
    await load.line(f"{CLIENTS} of {CLIENTS} connected, within")
    sent, echoed, lost = map(int, (await load.line(r"(\d+) datagrams sent, (\d+) echoed, (\d+) lost; round trip: median")).groups())
    if await load.end():
        raise Failed("the load is not content")
    told = await ended(server)
    # On a machine that is busy a buffer may overflow: hardly any is lost.
    if sent < CLIENTS * 19 or lost > sent // 100 or told["echoed"] < echoed:
        raise Failed(f"{sent} sent, {echoed} echoed, {lost} lost, and the server tells {told}")
    if (told["made"], len(told["loops"])) != (CLIENTS, loops) or told["crowded"] or told["refused"]:
        raise Failed(f"the server tells {told}")
    if IS_LINUX and not all(told["loops"]):
        raise Failed(f"a loop has nobody: {told}")
    return f"{echoed} of {sent} datagrams"


async def strangers(stage):
    """who has another secret, and who makes names up, gets no call; others do"""
    server, place = await stage.server()
    load = await stage.load(place, "--clients", "20", "--patience", "2", "--duration", "0.1", secret="quite another secret")
    await load.line("^0 of 20 connected")
    if await load.end() != 1:
        raise Failed("nobody got through, and the load is content")
    host, port = place.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(2000):
            stranger.sendto(check(f"name{number}:mine".encode(), number), (host, int(port)))
            stranger.sendto(b"nonsense", (host, int(port)))
        stranger.setblocking(False)
        load = await stage.load(place, "--clients", "20", "--duration", "0.5")
        await load.line("^20 of 20 connected")
        if await load.end():
            raise Failed("the load is not content")
        try:
            raise Failed(f"a stranger got {stranger.recv(2000)!r}")
        except BlockingIOError:
            pass
    told = await ended(server)
    if told["made"] != 20 or told["refused"] < 20:
        raise Failed(f"the server tells {told}")


def check(username, number):
    """A check as an agent sends it, with a code that is none."""
    def attribute(kind, value):
        return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)
    body = attribute(0x0006, username) + attribute(0x0024, bytes(4)) + attribute(0x802A, bytes(8))
    body += attribute(0x0008, bytes(20))
    head = struct.pack(">HHI", 0x0001, len(body) + 8, 0x2112A442) + number.to_bytes(12, "big")
    return head + body + attribute(0x8028, struct.pack(">I", zlib.crc32(head + body) ^ 0x5354554E))


async def udp_beside_tcp(stage):
    """a server that takes connections takes datagrams, too"""
    server, place = await stage.server("--tcp")
    for options in ((), ("--tcp",)):
        load = await stage.load(place, "--clients", "5", "--duration", "0.2", *options)
        await load.line("^5 of 5 connected")
        if await load.end():
            raise Failed("the load is not content")
    if (told := await ended(server))["made"] != 10:
        raise Failed(f"the server tells {told}")


async def nobody(stage):
    """where nobody answers the load ends within seconds, and says what to look at"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        # It does not listen, and keeps others from doing so.
        closed.bind(("127.0.0.1", 0))
        for place, options in ((silent, ()), (closed, ("--tcp",))):
            load = await stage.load("127.0.0.1:%d" % place.getsockname()[1], "--clients", "20", *options)
            began = time.monotonic()
            await load.line("^0 of 20 connected")
            await load.line("of what went wrong: nobody answers at 127.0.0.1:.*echo-server.*secret.*firewall")
            if await load.end() != 1:
                raise Failed("nobody is there, and the load is content")
            if (took := time.monotonic() - began) > 10:
                raise Failed(f"it took {took:.0f} s")


async def all_at_once(stage):
    """callers over TCP that are due all at once come no more at a time than a server lets in"""
    server, place = await stage.server("--tcp")
    load = await stage.load(place, "--clients", "100", "--ramp", "100000", "--duration", "0.2", "--tcp")
    await load.line("^100 of 100 connected")
    if await load.end():
        raise Failed("the load is not content")
    if (told := await ended(server))["made"] != 100:
        raise Failed(f"the server tells {told}")


async def standing_still(stage):
    """callers whose server stands still for a while have got through once"""
    server, place = await stage.server()
    load = await stage.load(place, "--clients", "5", "--rate", "10", "--duration", "8")
    await server.line("^5 calls are open")
    server.process.send_signal(signal.SIGSTOP)
    try:
        # They take the path for lost after five seconds, and take it up again.
        await asyncio.sleep(6)
    finally:
        server.process.send_signal(signal.SIGCONT)
    await load.line("^5 of 5 connected")
    if await load.end():
        raise Failed("the load is not content")
    await ended(server)


async def without_tcp(stage):
    """a server without --tcp is told apart from one that is not there: its port refuses"""
    _, place = await stage.server()
    load = await stage.load(place, "--clients", "2", "--tcp")
    await load.line("of what went wrong: nobody answers at .* with --tcp.*ECONNREFUSED")
    if await load.end() != 1:
        raise Failed("nobody got through, and the load is content")


async def crowded(stage):
    """a server that is full takes no more"""
    server, place = await stage.server("--calls", "5")
    load = await stage.load(place, "--clients", "10", "--patience", "2", "--duration", "0.2")
    await load.line("^5 of 10 connected")
    if await load.end() != 1:
        raise Failed("half got through, and the load is content")
    told = await ended(server)
    if told["made"] != 5 or not told["crowded"]:
        raise Failed(f"the server tells {told}")


async def end_of_input(stage):
    """the server ends with its input, where that is another program's, and says so"""
    server, _ = await stage.server("--loops", "2")
    server.process.stdin.close()
    await server.line("it ends: its input has ended")
    if status := await server.end():
        raise Failed(f"it ended with {status}")
    account(server.lines[-1])


async def no_input(stage):
    """without an input, as a service has none, the server goes on until a signal comes"""
    server, place = await stage.server(has_input=False)
    load = await stage.load(place, "--clients", "5", "--duration", "0.2")
    await load.line("^5 of 5 connected")
    if (told := await ended(server))["made"] != 5:
        raise Failed(f"the server tells {told}")
    await server.line("it ends: SIGTERM has come")


async def no_secret(stage):
    """without a secret it is told how to give one"""
    for program, *options in ((SERVER, "--address", "127.0.0.1"), (LOAD, "127.0.0.1:1")):
        process = await Process.start(program.name, str(program), *options, ECHO_SECRET="")
        stage.processes.append(process)
        await process.line("ECHO_SECRET .* needs 8 characters")
        if not await process.end():
            raise Failed(f"{program.name} ends as if nothing was wrong")


async def taken(stage):
    """on a port that another program has, the server says so, and tells of no calls"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = str(other.getsockname()[1])
        server = await Process.start("server", str(SERVER), "--address", "127.0.0.1", "--port", port, ECHO_SECRET=SECRET)
        stage.processes.append(server)
        await server.line(rf"127\.0\.0\.1:{port}")
        if not await server.end():
            raise Failed("it ends as if nothing was wrong")
    if any("calls are open" in line for line in server.lines):
        raise Failed("it tells of calls that it never waited for")


def cases():
    for kind in ("full", "lite"):
        for loops in (1, 3):
            yield f"{CLIENTS} callers of a {kind} agent, loops: {loops}", echoes, (kind, loops)
            yield f"{CLIENTS} callers of a {kind} agent over TCP, loops: {loops}", echoes, (kind, loops, "--tcp")
    for case in (
        strangers, udp_beside_tcp, all_at_once, standing_still, nobody, without_tcp, crowded, end_of_input, no_input, no_secret,
        taken):
        yield case.__doc__, case, ()


async def run(line, case, options):
    stage = Stage()
    try:
        found = await case(stage, *options)
        print(f"ok       echo-server: {line}{': ' + found if found else ''}", flush=True)
        return True
    except Failed as failure:
        print(f"FAILED   echo-server: {line}: {failure}", flush=True)
        for process in stage.processes:
            for text in process.lines[-20:]:
                print(f"         {process.name}: {text}")
        return False
    finally:
        await stage.dispose()


async def main():
    for program in (SERVER, LOAD):
        if not program.exists():
            sys.exit(f"{program.name} is not built: swift build --package-path Examples --product {program.name}")
    results = [await run(*case) for case in cases()]
    print(f"{results.count(True)} passed, {results.count(False)} failed, 0 skipped")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    asyncio.run(main())
