"""Two ice-peers in a network of a cell: they connect, data flows both ways all the time, something happens, and it is measured."""

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from calls import Agent, CallFailed  # noqa: E402

EVERY_MS = 20
# A path is steady once nothing has been missing for this long that is longer than that.
STEADY_FOR, STEADY_GAP = 1.0, 0.2
# A call that began over a relay is moved to a direct path after some seconds.
SETTLES_WITHIN = 7.0
# One that came back over a relay is moved once the direct path has proved itself, by checks that are 15 s apart.
RETURNS_WITHIN = 20.0
# What an event does may show late: the kernel tells of a line that is down up to a second after.
WATCHED_FOR = 2.5


@dataclass
class Outcome:
    """What came of a cell; times in seconds."""

    path: str = "-"
    pair: str = ""
    # After how long the path was direct, where a relay came first.
    direct: float | None = None
    connected: float | None = None
    gap: float | None = None
    path_after: str = ""
    is_same_end: bool = False
    disconnected: float | None = None
    failed: float | None = None
    said: str = ""
    problem: str = ""


class Peer(Agent):
    """An ice-peer of whose data only the times of arrival are kept."""

    def __init__(self, name, process):
        super().__init__(name, process)
        self.arrivals = []

    async def _note(self, *lines):
        now = time.monotonic()
        for line in lines:
            if line["type"] == "data":
                self.arrivals.append(now)
            line["at"] = now
        await super()._note(*(line for line in lines if line["type"] != "data"))

    @property
    def pair(self):
        """The types of the pair in use; the last one told."""
        selected = self.said("selected")
        if not selected:
            return ("", "")
        return tuple(selected[-1][end].split(" typ ")[1].split()[0] for end in ("local", "remote"))

    @property
    def is_over_tcp(self):
        """Whether the pair in use goes over a connection between the two."""
        selected = self.said("selected")
        return bool(selected) and selected[-1]["local"].split()[2] == "tcp"

    @property
    def had_relay(self):
        """Whether a pair was in use that goes over a relay."""
        return any(" typ relay" in line[end] for line in self.said("selected") for end in ("local", "remote"))

    @property
    def local_address(self):
        words = self.said("selected")[-1]["local"].split()
        # A reflexive candidate's base is its related address.
        return words[words.index("raddr") + 1] if "raddr" in words else words[4]

    def longest_gap(self, since, until):
        """The longest time without data, in seconds; what came last before it counts from there."""
        before = [at for at in self.arrivals if at < since]
        times = [since if not before else max(before[-1], since - EVERY_MS / 1000)]
        times += [at for at in self.arrivals if since <= at <= until] + [until]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    async def stop(self):
        """Ends the program in peace; one that did so before is left."""
        if self._process.returncode is None:
            await self.end()

    def kill(self):
        self._process.kill()


async def start(network, server, ice_peer, side, flags, trace, has_relays=True):
    trace_flags = ["--trace", f"{trace}-{side}.jsonl"] if trace else []
    flags = [*server.flags(network.sides[side].uplinks, has_relays), *flags, *trace_flags]
    return await Peer.start(side, network.spaces.command(side, str(ice_peer), *flags))


async def connect(a, b, limit):
    """Lets the two connect, and begins the streams; returns after how long both were."""
    began = time.monotonic()
    for peer, other in ((a, b), (b, a)):
        peer.listen(other, trickles=True)
    for peer in (a, b):
        await peer.until("connection", lambda p=peer: p.is_connected, limit)
    connected = time.monotonic() - began
    for peer in (a, b):
        peer.tell({"type": "stream", "interval": EVERY_MS})
    return connected


def path_of(a, b):
    types = {*a.pair, *b.pair}
    if types & {"", "relay"}:
        return "-" if "" in types else "relay"
    return "tcp" if a.is_over_tcp or b.is_over_tcp else "direct"


async def settle(a, b, path, within=SETTLES_WITHIN):
    """Waits until the path is the one hoped for and data comes both ways, or for as long as that may take."""
    give_up_at = time.monotonic() + within
    while time.monotonic() < give_up_at:
        await asyncio.sleep(0.1)
        selected = [peer.said("selected")[-1]["at"] for peer in (a, b) if peer.said("selected")]
        is_calm = len(selected) == 2 and time.monotonic() - max(selected) > 0.5
        if is_calm and path_of(a, b) in path.split("|") and a.arrivals and b.arrivals:
            return


async def watch(a, b, since, at_most):
    """Watches the data from an event on; returns the longest gap in seconds, or None where the data does not come back."""
    while True:
        await asyncio.sleep(0.1)
        now = time.monotonic()
        is_steady = all(
            peer.arrivals and peer.arrivals[-1] > since and peer.longest_gap(now - STEADY_FOR, now) < STEADY_GAP
            for peer in (a, b)
        )
        if is_steady and now - since > WATCHED_FOR:
            return max(peer.longest_gap(since, now) for peer in (a, b))
        if now - since > at_most:
            return None


async def until_given_up(peer, since, at_most):
    """How long after an event the peer said `disconnected`, and `failed`; None for what it did not say."""
    while time.monotonic() - since < at_most and not peer.said("state", state="failed"):
        await asyncio.sleep(0.1)
    states = [line for line in peer.said("state") if line["at"] > since]
    first = lambda state: next((line["at"] - since for line in states if line["state"] == state), None)
    return first("disconnected"), first("failed")


async def tidy(*peers):
    """Ends both; what one of them complains of while it ends is told."""
    try:
        for peer in peers:
            await peer.stop()
    except CallFailed as error:
        return str(error)
    return ""
