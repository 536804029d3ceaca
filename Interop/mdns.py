#!/usr/bin/env python3
"""Calls between two ice-peers that tell each other their addresses by names of multicast DNS (see README.md beside this file).

They run in network namespaces of their own, which needs root: nothing is sent to a multicast group of any real network.
"""

import asyncio
import json
import sys
from pathlib import Path

import namespace
from calls import CONNECTED_WITHIN, Agent, CallFailed, exchange

ICE_PEER = Path(__file__).resolve().parent.parent / "Examples" / ".build" / "debug" / "ice-peer"
ADDRESSES = ("192.168.77.", "fe80:")


async def hidden_call(places, names, flags):
    """Connects two agents; those that are to hide their addresses must have, and nobody may have said the other's."""
    agents = []
    try:
        for place, role, hides in zip(places, ("--controlling", "--controlled"), names):
            command = [str(ICE_PEER), role, *flags, *(["--mdns"] if hides else [])]
            agents.append(await Agent.start(role[2:], namespace.inside(place, command)))
        ours, theirs = agents
        ours.listen(theirs, trickles=True)
        theirs.listen(ours, trickles=True)
        for agent in agents:
            await agent.until("completion", lambda a=agent: a.said("state", state="completed"), CONNECTED_WITHIN)
        await exchange(ours, theirs, ["ping"])
        await exchange(theirs, ours, ["pong"])
        for agent, hides, other_hides in zip(agents, names, reversed(names)):
            await check(agent, hides, other_hides)
        for agent in agents:
            await agent.end()
    finally:
        for agent in agents:
            await agent.dispose()


async def check(agent, hides, other_hides):
    candidates = [line["candidate"] for line in agent.said("candidate")]
    if not candidates:
        raise CallFailed(f"{agent.name} has told no candidate")
    if hides and not all(".local " in candidate for candidate in candidates):
        raise CallFailed(f"{agent.name} has told an address: {candidates}")

    def known():
        """What the remote candidates are called, by their kinds."""
        return [
            (candidate["candidateType"], candidate.get("address"))
            for line in agent.said("statistics")[-1:]
            for candidate in line["remoteCandidates"]
        ]

    # A check may have been ahead of the name that explains where it came from.
    for _ in range(50):
        count = len(agent.said("statistics"))
        agent.tell({"type": "statistics"})
        await agent.until("statistics", lambda: len(agent.said("statistics")) > count, 5)
        if not other_hides or any(kind == "host" and address.endswith(".local") for kind, address in known()):
            break
        await asyncio.sleep(0.1)
    else:
        raise CallFailed(f"{agent.name} has not looked a name up: {known()}")
    if hides and other_hides:
        shown = [line for line in agent.lines if any(ip in json.dumps(line) for ip in ADDRESSES)]
        if shown:
            raise CallFailed(f"{agent.name} has shown an address: {shown}")


def main():
    if not ICE_PEER.exists():
        sys.exit("ice-peer is not built: swift build --package-path Examples --product ice-peer")
    if reason := namespace.absence():
        print(f"skipped  calls by names of multicast DNS: {reason}")
        return
    failures = 0
    for what, names, same_machine, flags in (
        ("both by name", (True, True), False, []),
        ("the caller by name", (True, False), False, []),
        ("the callee by name", (False, True), False, []),
        ("both by name, on one machine", (True, True), True, []),
        ("both by name, over TCP alone", (True, True), False, ["--tcp-only"]),
    ):
        with namespace.link() as (a, b):
            try:
                asyncio.run(hidden_call((a, a if same_machine else b), names, flags))
                print(f"passed   multicast DNS, {what}", flush=True)
            except (CallFailed, OSError) as error:
                failures += 1
                print(f"FAILED   multicast DNS, {what}: {error}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
