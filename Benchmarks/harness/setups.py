"""Calls that are set up all at once, in one process."""

from .processes import Running
from .programs import ours, peers
from .results import Table, Topic, alternating, at_least, ratio

CALLS = 500


def measure(options):
    present = [peer for peer in peers() if not peer.absence]
    own = ["pairs", "--count", CALLS, "--interval", 60]
    commands = {"swift-ice": ours("calls")(*own), "swift-ice, on a shared port": ours("calls")(*own, "--shared", "yes")}
    commands |= {peer.name: peer("calls", "--count", CALLS, "--interval", 60) for peer in present}
    found = alternating(
        3 if options.quick else 7, {name: lambda command=command: set_up(command) for name, command in commands.items()}
    )
    rates = {name: CALLS / result["seconds"] for name, result in found.items()}
    table = Table(["", f"ms for {CALLS} calls", "calls a second", "swift-ice is quicker by"])
    for name, result in found.items():
        table.add(name, result["seconds"] * 1000, rates[name], ratio(rates["swift-ice"], rates[name]))
    return Topic(
        "Setting calls up",
        f"{CALLS} calls in one process over 127.0.0.1, begun at once, each client with a socket of its own, until both ends of all of them "
        "are connected. swift-ice on one loop, `.server` profile, `.regular` nomination, and once more with all answering ends "
        "on one port; libjuice in its poll mode, which has a thread beside the one that makes the agents; libnice in one main context, with regular nomination too; "
        "pion and aioice as they come.",
        [table],
        [
            at_least("calls set up a second, of libjuice's", ratio(rates["swift-ice"], rates.get("libjuice")), 2, " times"),
            at_least("calls set up a second, of libnice's", ratio(rates["swift-ice"], rates.get("libnice")), 5, " times"),
        ],
        [f"{peer.name} is absent: {peer.absence}." for peer in peers() if peer.absence],
    )


def set_up(command):
    with Running(command) as program:
        return program.wait_for("connected", within=90.0)
