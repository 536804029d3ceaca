"""Strangers that flood the port of calls."""

from .processes import Call, lines_of
from .programs import baseline, ours
from .results import Table, Topic, at_least, at_most

CALLS = 200
INTERVAL = 1
# Each call carries so many datagrams a second, and back.
PER_CALL = 10


def measure(options):
    flood = baseline("flood")
    if flood.absence:
        return Topic("Flood", "", notes=[f"The flooding program is absent: {flood.absence}."])
    seconds = 5 if options.quick else 20
    program = ours("calls")
    arguments = ["--count", CALLS, "--interval", INTERVAL]
    caller = program("caller", *arguments, "--echo", 1 / PER_CALL)
    with Call(program("server", *arguments), caller) as (server, calling):
        connected = server.wait_for("connected")
        calling.wait_for("connected")
        calling.wait_for("status")
        target = ["--port", connected["port"], "--ufrag", connected["ufrag"]]
        capacity = capacity_of(flood, connected["port"], target)

        # What the hardest flood has left behind is done with.
        for _ in range(3):
            before, before_echoes = server.wait_for("status"), calling.wait_for("status")
        dropped = dropped_at(connected["port"])
        sent = lines_of(flood("flood", *target, "--rate", capacity / 2, "--seconds", seconds))[0]
        for _ in range(seconds + 2):
            after, after_echoes = server.wait_for("status"), calling.wait_for("status")
        dropped = dropped_at(connected["port"]) - dropped

    kept = share_of_echoes(before_echoes, after_echoes)
    growth = after["heap"] - before["heap"]
    table = Table(["", ""])
    table.add("calls that stand, of so many", f"{after['usable']} of {CALLS}")
    table.add("the loop takes in of the flood, a second", capacity)
    table.add("the flood, a second", sent["sent"] / sent["seconds"])
    table.add("of that and of the calls the kernel had no room for", f"{dropped / sent['sent']:.2%}")
    echoes = after_echoes["sent"] - before_echoes["sent"]
    table.add("datagrams of the calls and back, a second", echoes / (seconds + 2))
    table.add("of these came back", f"{kept:.2%}")
    table.add("the heap grew by, KiB", growth / 1024)
    return Topic(
        "A flood on the shared port",
        f"{CALLS} calls stand on one port, and each of them sends {PER_CALL} datagrams a second that come back. Strangers on 16 other ports "
        "send by turns noise, checks for a user that is there under a wrong signature, and checks for users that are not there, which the "
        f"application is asked about: first as much as they can, to see what the loop takes in, then for {seconds} s half of that.",
        [table],
        [
            at_least("datagrams of calls that come back under a flood", kept * 100, 99, " %"),
            at_most("the heap grows under it by", growth / 1024, 64, " KiB"),
        ],
    )


def capacity_of(flood, port, target):
    """How many datagrams a second of a flood without bounds the loop takes in."""
    before = dropped_at(port)
    sent = lines_of(flood("flood", *target, "--rate", 0, "--seconds", 2))[0]
    return (sent["sent"] - (dropped_at(port) - before)) / sent["seconds"]


def dropped_at(port):
    """How many datagrams the kernel had no room for at a UDP port."""
    with open("/proc/net/udp") as file:
        lines = [line.split() for line in file.readlines()[1:]]
    return sum(int(line[-1]) for line in lines if int(line[1].rpartition(":")[2], 16) == port)


def share_of_echoes(before, after):
    # The last of those that were sent are still under way: no share is above all of them.
    sent, received = (after[name] - before[name] for name in ("sent", "received"))
    return min(1, received / max(1, sent))
