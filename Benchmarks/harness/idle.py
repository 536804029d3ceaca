"""Calls that are connected and wait: what they cost in memory and processor time."""

from .processes import Call, ProgramFailed, Running
from .programs import ours, peers
from .results import Criterion, Table, Topic, at_most, ratio

CALLS = 500
COUNTS = [100, 1000, 10_000]
KIB = 1024
# Seconds from one status to the next; the first comes when the calls have settled.
INTERVAL = 5


def measure(options):
    window = 5 if options.quick else 30
    together, beside = measure_beside_peers(window)
    alone, flat = measure_counts(window, [100, 1000] if options.quick else COUNTS)
    return Topic(
        "Idle calls",
        f"Connected clients that send nothing, over 127.0.0.1; the processor time is that of {window} s, in which each client asks for "
        "consent about every 5 s and answers as often. The heap is what `malloc` has handed out (Go: heap and stacks in use), less what "
        "was in use before the first client; what the kernel holds for sockets is not in it.",
        [together, alone],
        beside + flat,
        [f"{peer.name} is absent: {peer.absence}." for peer in peers() if peer.absence],
    )


def measure_beside_peers(window):
    commands = {"swift-ice": ours("calls")("pairs", "--count", CALLS, "--interval", INTERVAL)}
    commands |= {
        peer.name: peer("calls", "--count", CALLS, "--interval", INTERVAL) for peer in peers() if not peer.absence
    }
    found = {name: idle_of_pairs(command, window) for name, command in commands.items()}
    own = found["swift-ice"]["load"]
    table = Table(
        ["", "heap of a client, KiB", "resident, KiB", "processor, ms a second", "of swift-ice's"],
        title=f"{2 * CALLS} clients in one process, both ends of {CALLS} calls:",
    )
    for name, result in found.items():
        heap = result["heap"] / KIB if result["heap"] else ""
        table.add(name, heap, result["resident"] / KIB, result["load"] * 1000, ratio(result["load"], own))
    criteria = [
        at_most(f"idle processor time of {2 * CALLS} clients, of {name}'s", ratio(own, found.get(name, {}).get("load")), 0.2, " times")
        for name in ["libjuice", "libnice"]
    ]
    return table, criteria


def measure_counts(window, counts):
    found = {count: idle_of_server(count, window) for count in counts}
    table = Table(
        ["clients", "heap of a client, KiB", "resident, KiB", "processor, ms a second", "µs a second and client"],
        title="The serving end of calls, in a process of its own, on one loop and one port (`.server`):",
    )
    for count, result in found.items():
        table.add(
            f"{count:,}".replace(",", " "), result["heap"] / KIB, result["resident"] / KIB, result["load"] * 1000,
            result["load"] / count * 1e6,
        )  # fmt: skip
    least, most = found[counts[0]], found[counts[-1]]
    loads = {count: result["load"] / count for count, result in found.items()}
    growth = ratio(loads[counts[-1]], loads[1000])
    return table, [
        at_most(f"heap of one of {counts[-1]} connected clients", most["heap"] / KIB, 8, " KiB"),
        at_most(f"that, of one of {counts[0]} clients'", ratio(most["heap"], least["heap"]), 1.1, " times"),
        at_most(f"processor time of one of {counts[-1]} idle clients, of one of 1000's", growth, 1.1, " times")
        if counts[-1] > 1000
        else Criterion("processor time at 10000 clients, of that at 1000", "at most 1.1 times", "", None),
    ]


def idle_of_pairs(command, window):
    with Running(command) as program:
        return watch(program, 2 * CALLS, window)


def idle_of_server(count, window):
    program = ours("calls")
    arguments = ["--count", count, "--interval", INTERVAL]
    with Call(program("server", *arguments), program("caller", *arguments)) as (server, _):
        return watch(server, count, window)


def watch(program, count, window):
    """Bytes of a client, and the processor's share, of a program that holds calls."""
    base = program.wait_for("base")
    program.wait_for("connected")
    before = program.wait_for("status")
    for _ in range(window // INTERVAL):
        after = program.wait_for("status")
    if after["usable"] != count:
        raise ProgramFailed(f"{program.command[0]} has lost {count - after['usable']} of its {count} ends")
    return {
        "heap": (after["heap"] - base["heap"]) / count,
        "resident": (after["resident"] - base["resident"]) / count,
        "load": (after["cpu"] - before["cpu"]) / window,
    }
