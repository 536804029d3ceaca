#!/usr/bin/env python3
"""Calls between ice-peer and a browser, which both hide their addresses by multicast DNS, over UDP and over TCP alone (see README.md).

They run in network namespaces of their own, which needs root: nothing is sent to a multicast group of any real network.
"""

import asyncio
import json
import sys
from pathlib import Path

import chromium
import namespace
from calls import TCP, Agent, CallFailed, transports

HERE = Path(__file__).resolve().parent
ICE_PEER = HERE.parent / "Examples" / ".build" / "debug" / "ice-peer"
PEER = HERE / "peers" / "browser_peer.py"
# A browser takes its time to start.
CONNECTED_WITHIN = 60.0
# A pair that only looks as if it worked loses its consent.
STAYS_FOR = 6.0


async def call(places, our_role, hides, over_tcp):
    """Connects the two, and looks for a while whether they stay connected; returns what the browser told of itself."""
    their_role = "controlled" if our_role == "controlling" else "controlling"
    agents = []
    try:
        flags = [*(["--mdns"] if hides else []), *(["--tcp-only"] if over_tcp else [])]
        agents.append(
            await Agent.start("ice-peer", namespace.inside(places[0], [str(ICE_PEER), f"--{our_role}", *flags]))
        )
        command = [str(chromium.PYTHON), str(PEER), f"--{their_role}", "--browser", chromium.program()]
        agents.append(await Agent.start("the browser", namespace.inside(places[1], command)))
        ours, theirs = agents
        ours.listen(theirs, trickles=True)
        theirs.listen(ours, trickles=True)
        for agent in agents:
            await agent.until("connection", lambda a=agent: a.is_connected, CONNECTED_WITHIN)
        await asyncio.sleep(STAYS_FOR)
        for agent in agents:
            state = [line["state"] for line in agent.said("state")][-1]
            if state not in ("connected", "completed"):
                raise CallFailed(f"{agent.name} is {state} after {STAYS_FOR:g} s")
            if errors := agent.said("error"):
                raise CallFailed(f"{agent.name} reported {errors}")
        await (check_tcp(ours) if over_tcp else check(ours, theirs))
        for agent in agents:
            await agent.end()
    finally:
        for agent in agents:
            await agent.dispose()


async def check_tcp(ours):
    """The browser, which takes no connections, has opened one."""
    await ours.until("selected pair", lambda: ours.said("selected"), 5)
    if set(transports(ours)) != {TCP} or " tcptype passive" not in ours.said("selected")[-1]["local"]:
        raise CallFailed(f"ice-peer did not take a connection: {ours.said('selected')}")


async def check(ours, theirs):
    """The browser has told names alone, and ice-peer has looked them up and shown nothing but them."""
    told = [line["candidate"] for line in theirs.said("candidate") if " udp " in line["candidate"].lower()]
    if not told or not all(".local " in candidate for candidate in told):
        raise CallFailed(f"the browser has told no names: {told}")
    for _ in range(50):
        count = len(ours.said("statistics"))
        ours.tell({"type": "statistics"})
        await ours.until("statistics", lambda: len(ours.said("statistics")) > count, 5)
        known = [candidate.get("address") or "" for candidate in ours.said("statistics")[-1]["remoteCandidates"]]
        if any(address.endswith(".local") for address in known):
            break
        await asyncio.sleep(0.1)
    else:
        raise CallFailed(f"ice-peer has not looked up the browser's name: {known}")
    if "192.168.77.2" in json.dumps(ours.lines):
        raise CallFailed("ice-peer has shown the browser's address")


def main():
    if not ICE_PEER.exists():
        sys.exit("ice-peer is not built: swift build --package-path Examples --product ice-peer")
    reason = namespace.absence() or chromium.absence()
    if reason:
        print(f"skipped  calls with a browser: {reason}")
        return
    failures = 0
    for our_role in ("controlled", "controlling"):
        # Where it is to connect over TCP, Chromium asks the system for names, which knows none of these.
        for hides, over_tcp in ((True, False), (False, False), (False, True)):
            who = "which answers" if our_role == "controlling" else "which offers"
            names, how = "both by name" if hides else "the browser by name", ", over TCP alone" if over_tcp else ""
            what = f"{our_role} to a browser {who}, {names}{how}"
            with namespace.link(default_route=True) as places:
                try:
                    asyncio.run(call(places, our_role, hides, over_tcp))
                    print(f"passed   {what}", flush=True)
                except (CallFailed, OSError) as error:
                    failures += 1
                    print(f"FAILED   {what}: {error}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
