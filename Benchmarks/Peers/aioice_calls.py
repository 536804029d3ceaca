"""Calls between agents of aioice in one process: calls --count N --interval S, or data --size N --seconds S --window N."""

import argparse
import asyncio
import json
import resource
import time

import aioice
import aioice.ice


def tell(kind, **members):
    print(json.dumps({"type": kind, **members}), flush=True)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def tell_status(kind, usable):
    # Python's objects are not told apart from the rest of its memory.
    tell(kind, cpu=cpu(), heap=0, resident=resident(), usable=usable)


async def make_calls(count):
    began = time.monotonic()
    sides = [aioice.Connection(ice_controlling=index % 2 == 0) for index in range(2 * count)]
    await asyncio.gather(*(connect(sides[index], sides[index + 1]) for index in range(0, 2 * count, 2)))
    tell("connected", count=2 * count, seconds=time.monotonic() - began)
    return sides


async def connect(caller, callee):
    await asyncio.gather(caller.gather_candidates(), callee.gather_candidates())
    for side, peer in [(caller, callee), (callee, caller)]:
        side.remote_username, side.remote_password = peer.local_username, peer.local_password
        for candidate in peer.local_candidates:
            await side.add_remote_candidate(candidate)
        await side.add_remote_candidate(None)
    await asyncio.gather(caller.connect(), callee.connect())


async def hold(sides, interval):
    while True:
        await asyncio.sleep(interval)
        tell_status("status", len(sides))


async def send_data(sides, size, seconds, window):
    """The window is kept by what this process knows of both sides: no receipts are needed."""
    received = 0

    async def receive():
        nonlocal received
        while True:
            await sides[1].recv()
            received += 1

    receiver = asyncio.create_task(receive())
    began, before, sent, lost = time.monotonic(), cpu(), 0, 0
    packet = b"x" * size
    last_news, known = began, 0
    while time.monotonic() - began < seconds:
        if received != known:
            last_news, known = time.monotonic(), received
        if sent - lost - received < window:
            await sides[0].send(packet)
            sent += 1
        else:
            if time.monotonic() - last_news > 0.02:
                lost = sent - received
            await asyncio.sleep(0)
    span, spent = time.monotonic() - began, cpu() - before
    await asyncio.sleep(0.1)
    tell("data", sent=sent, received=received, seconds=span, cpu=spent)
    receiver.cancel()


def raise_descriptor_limit():
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
    except (ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def run(options):
    tell_status("base", 0)
    if options.command == "data":
        await send_data(await make_calls(1), options.size, options.seconds, options.window)
    else:
        await hold(await make_calls(options.count), options.interval)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["calls", "data"])
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--interval", type=float, default=1)
    parser.add_argument("--size", type=int, default=1200)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--window", type=int, default=64)
    raise_descriptor_limit()
    # aioice takes every address but the loopback one, and has no option for less or more.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
