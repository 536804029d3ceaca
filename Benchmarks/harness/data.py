"""Datagrams through one connected pair."""

import asyncio

from .processes import Call, Running, apart, lines_of
from .programs import baseline, ours, peers
from .results import Table, Topic, alternating, at_least, ratio

import coturn  # of Interop

SIZES = [1200, 100]
# How many datagrams may be under way: as many as the kernel's buffers hold, so that a slow receiver costs time and not datagrams.
WINDOWS = {"single": 64, "coalesced": 64, "batched": 512}
# coturn has smaller ones.
RELAYED_WINDOW = 48
OURS, BARE_LOOP, BARE_TRAINS = "swift-ice", "bare C, libuv", "bare C, GSO and GRO"


def measure(options):
    rounds, seconds = (1, 0.5) if options.quick else (5, 1)
    tables, found = [], {}
    for size in SIZES:
        found[size] = alternating(rounds, ways(size, seconds))
        tables.append(table_of(f"{size} bytes:", found[size]))
    tables += [over_tcp(rounds, seconds), *relayed(rounds, seconds)]
    rates = {name: result["rate"] for name, result in found[1200].items()}
    delivered = min(found[1200][f"{OURS}, {mode}"]["delivered"] for mode in WINDOWS)
    single, batched = rates[f"{OURS}, single"], rates[f"{OURS}, batched"]
    return Topic(
        "Datagrams",
        "One pair over 127.0.0.1, two processes, each on a processor of its own; a receiver tells how far it has come, and a sender has at most so many datagrams under "
        f"way ({WINDOWS['single']} one by one, {WINDOWS['batched']} in batches), so that what is counted has arrived. *Single* sends "
        "each at once, *coalesced* lets those of one turn of the loop go together, *batched* sends many from one buffer and takes them "
        "as they arrive. The bare C programs do just the same without ICE, and the window of batches is the one that they are quickest "
        "with. With libnice, libjuice, pion and aioice both ends are in one process, which spares them the "
        "receipts: on two threads, but for aioice. Processor time and allocations are those of both ends.",
        tables,
        [
            at_least("1200-byte datagrams one by one, of a bare C libuv loop's", ratio(single, rates.get(BARE_LOOP)), 0.95, " times"),
            at_least("1200-byte datagrams in batches, of those one by one", ratio(batched, single), 3, " times"),
            at_least("1200-byte datagrams in batches, of a bare C GSO/GRO's", ratio(batched, rates.get(BARE_TRAINS)), 0.8, " times"),
            at_least("1200-byte datagrams that arrive", delivered * 100, 99, " %"),
        ],
        [f"{peer.name} is absent: {peer.absence}." for peer in peers() if peer.absence],
    )  # fmt: skip


def ways(size, seconds):
    """All ways to carry datagrams of that size, by name."""
    loop, trains = baseline("uv_datagrams", "libuv"), baseline("gso_datagrams")
    measurements = {
        f"{OURS}, single": lambda: through_pair(size, seconds, "single"),
        BARE_LOOP: lambda: through_sockets(loop, size, seconds, WINDOWS["single"]),
        f"{OURS}, coalesced": lambda: through_pair(size, seconds, "coalesced"),
        f"{OURS}, batched": lambda: through_pair(size, seconds, "batched"),
        BARE_TRAINS: lambda: through_sockets(trains, size, seconds, WINDOWS["batched"]),
    }
    for peer in peers():
        measurements[peer.name] = lambda peer=peer: through_peers(peer, size, seconds)
    absent = {BARE_LOOP: loop.absence, BARE_TRAINS: trains.absence} | {peer.name: peer.absence for peer in peers()}
    return {name: measure for name, measure in measurements.items() if not absent.get(name)}


def table_of(title, found):
    columns = ["", "datagrams a second", "Gbit/s", "arrived", "processor, µs each", "allocations each"]
    table = Table(columns, title=title)
    for name, result in found.items():
        gigabits, allocations = result["rate"] * result["size"] * 8 / 1e9, result.get("allocations")
        told = "" if allocations is None else f"{allocations:.3f}"
        table.add(name, result["rate"], gigabits, f"{result['delivered']:.2%}", result["cost"] * 1e6, told)
    return table


def over_tcp(rounds, seconds):
    ways = {
        f"{size} bytes, {mode}": lambda size=size, mode=mode: through_pair(size, seconds, mode, transport="tcp")
        for size in SIZES
        for mode in WINDOWS
    }
    return table_of("Over a connection of ICE-TCP:", alternating(rounds, ways))


def relayed(rounds, seconds):
    """Through a relay on this machine; nothing where there is none."""
    if not coturn.is_installed():
        return []

    async def with_relay():
        async with coturn.running_coturn() as server:
            flags = ["--turn", f"turn:{server.clear}", "--user", coturn.USER, "--password", coturn.PASSWORD]
            return await asyncio.to_thread(through_relay, rounds, seconds, flags)

    return [asyncio.run(with_relay())]


def through_relay(rounds, seconds, flags):
    ways = {
        f"{size} bytes, {mode}": lambda size=size, mode=mode: through_pair(size, seconds, mode, RELAYED_WINDOW, flags)
        for size in SIZES
        for mode in WINDOWS
    }
    title = "The sender behind a relay (coturn on this machine, which takes a processor of its own):"
    return table_of(title, alternating(rounds, ways))


def through_pair(size, seconds, mode, window=None, flags=(), transport="udp"):
    program = ours("data")
    common = ["--size", size, "--mode", mode, "--window", window or WINDOWS[mode], "--transport", transport]
    sender = program("send", *common, "--seconds", seconds, *flags)
    with Call(sender, program("receive", *common)) as (sending, receiving):
        # The relay is one more program, and the busiest.
        if not flags:
            apart(sending, receiving)
        return rate_of(size, sending.wait_for("sender"), receiving.wait_for("receiver"))


def through_sockets(program, size, seconds, window):
    common = ["--size", size, "--window", window]
    with Running(program("receive", *common)) as receiving:
        port = receiving.wait_for("listening")["port"]
        with Running(program("send", *common, "--seconds", seconds, "--port", port)) as sending:
            apart(sending, receiving)
            return rate_of(size, sending.wait_for("sender"), receiving.wait_for("receiver"))


def through_peers(peer, size, seconds):
    line = lines_of(peer("data", "--size", size, "--seconds", seconds, "--window", WINDOWS["single"]))[-1]
    return rate_of(size, line | {"cpu": 0}, line)


def rate_of(size, sender, receiver):
    received = receiver["received"]
    return {
        "size": size,
        "rate": received / sender["seconds"],
        "delivered": received / max(1, sender["sent"]),
        "cost": (sender["cpu"] + receiver["cpu"]) / max(1, received),
        # Of both ends, where they count them.
        "allocations": sender["allocations"] + receiver["allocations"] if "allocations" in sender else None,
    }
