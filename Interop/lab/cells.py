"""The cells of the table, and what is expected of each.

Whether a direct path exists between two NATs is what RFC 5128 §3 and the definitions of RFC 4787 give: with endpoint-independent
mapping on both sides always; behind a symmetric NAT where the other side lets in ports that it has not sent to. All else needs a
relay. A limit is a goal: where ours does not make it yet, `known` says what it does instead, and the cell does not fail the run.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, product

from nat import ADDRESS_RESTRICTED, CONES, FIREWALL, FULL_CONE, LINUX, LINUX_OPEN, PORT_RESTRICTED, PUBLIC, SYMMETRIC
from network import Shared, Uplink

# Direct is over UDP; "tcp" is direct as well, over a connection of ICE-TCP.
DIRECT, RELAY, EITHER, TCP = "direct", "relay", "direct|relay", "tcp"

# Without delay and loss; seconds from both being started to both being connected.
CONNECTS_WITHIN = 1.0
# RFC 6298 §2: what opens a connection is sent again after a second.
OPENS_AT_ONCE = 2.5
# For a path that stood ready where its loss is seen, for one where nobody is told, and for one that is found anew.
READY, UNTOLD, ANEW, REBOUND = 0.3, 1.0, 3.0, 1.0
# Until the server is there again, and has been asked for new relays.
SERVED_ANEW = 5.0
# While the data goes on as if nothing were.
UNHARMED = 0.2
DISCONNECTED, FAILED = 6.0, 40.0

ONCE = ()
# Where much is lost, a call may begin over a relay, and is to leave it soon; with a fifth lost, nobody can promise when.
LATER = ("--renomination",)
CONTINUAL = ("--continual", "--renomination")
MOBILE = ("--continual", "--relay-only", "--mobility")
# Candidates over TCP as well; and all of them on the port that the strictest networks leave open.
ICE_TCP = ("--tcp",)
BOTH_OPEN = ("--tcp", "--tcp-simultaneous-open")
ICE_TCP_ON_443 = ("--tcp", "--shared-port", "443")
# No candidate over UDP, not even a relayed one.
TCP_ALONE = ("--tcp-only", "--tcp-relays")


@dataclass(frozen=True)
class Cell:
    name: str
    a: tuple
    b: tuple
    path: str = DIRECT
    connects: float = CONNECTS_WITHIN
    shared: Shared | None = None
    flags: tuple = ONCE
    # What one side is told beyond that.
    a_flags: tuple = ()
    b_flags: tuple = ()
    controlling: str = "a"
    # Whether the server gives relays, which else come before what takes long.
    has_relays: bool = True
    # What happens while data flows, how long data may be missing for it, and over what path it goes on.
    event: Callable | None = None
    recovers: float | None = None
    path_after: str = EITHER
    # Whether a's relay is the same afterwards.
    keeps_relay: bool = False
    # Whether the event is the end of the other side, so that there is nothing to recover.
    ends: bool = False
    known: str = ""

    @property
    def expectation(self):
        words = f"{self.path} in {self.connects:g} s"
        if self.ends:
            return f"{words}; disconnected in {DISCONNECTED:g} s, failed in {FAILED:g} s"
        if self.keeps_relay:
            return f"{words}; back over the same relay in {self.recovers:g} s"
        if self.recovers:
            after = "" if self.path_after == EITHER else f" {self.path_after}"
            return f"{words}; back{after} in {self.recovers:g} s"
        return words


def up(*uplinks, **members):
    """A host with uplinks behind these kinds of NAT."""
    return tuple(uplink if isinstance(uplink, Uplink) else Uplink(uplink, **members) for uplink in uplinks)


def path_between(one, other):
    strict = {SYMMETRIC, PORT_RESTRICTED, LINUX, FIREWALL}
    return RELAY if SYMMETRIC in (one, other) and {one, other} <= strict else DIRECT


def of_nats():
    for a, b in product((PUBLIC, *CONES, SYMMETRIC), repeat=2):
        yield Cell(f"{a} - {b}", up(a), up(b), path_between(a, b))
    for b in (PUBLIC, FULL_CONE, PORT_RESTRICTED, SYMMETRIC, LINUX):
        yield Cell(f"{LINUX} - {b}", up(LINUX), up(b), path_between(LINUX, b))
    # Which of two first packets came first decides whether a port changes under way.
    for b in (PUBLIC, PORT_RESTRICTED, LINUX_OPEN):
        yield Cell(f"{LINUX_OPEN} - {b}", up(LINUX_OPEN), up(b), DIRECT if b == PUBLIC else EITHER)
    for b in (PUBLIC, FIREWALL, PORT_RESTRICTED, SYMMETRIC):
        yield Cell(f"{FIREWALL} - {b}", up(FIREWALL), up(b), path_between(FIREWALL, b))


def of_networks():
    cone, v6, fenced6 = up(PORT_RESTRICTED), up(PUBLIC, family=6), up(FIREWALL, family=6)
    for passes, word in (("tcp", "UDP blocked"), ("443", "only TCP 443")):
        blocked = up(PORT_RESTRICTED, passes=passes)
        yield Cell(f"{word} - {PORT_RESTRICTED}", blocked, cone, RELAY)
        yield Cell(f"{word} - {PUBLIC}", blocked, up(PUBLIC), RELAY)
        yield Cell(f"{PUBLIC} - {word}", up(PUBLIC), blocked, RELAY)
    yield Cell("UDP blocked - only TCP 443", up(PORT_RESTRICTED, passes="tcp"), up(PORT_RESTRICTED, passes="443"), RELAY)
    yield Cell("IPv6 only", v6, v6)
    yield Cell("IPv6 only, behind firewalls", fenced6, fenced6)
    yield Cell("IPv6 only - IPv4 only", v6, cone, RELAY)
    dual = up(PORT_RESTRICTED) + fenced6
    yield Cell("dual stack - dual stack", dual, dual)
    yield Cell("dual stack - IPv6 only", dual, fenced6)
    yield Cell("dual stack - IPv4 only", dual, cone)
    yield Cell("dual stack, symmetric for IPv4", up(SYMMETRIC) + fenced6, up(SYMMETRIC) + fenced6)
    carrier = up(PORT_RESTRICTED, carrier=PORT_RESTRICTED)
    yield Cell("double NAT - public", carrier, up(PUBLIC))
    yield Cell("double NAT - double NAT", carrier, carrier)
    yield Cell("double NAT, symmetric carrier - port-restricted", up(PORT_RESTRICTED, carrier=SYMMETRIC), cone, RELAY)
    for name, inner, shared, path in (
        ("same NAT", PUBLIC, Shared(PORT_RESTRICTED, joins=True), DIRECT),
        ("same NAT, hosts apart, hairpin", PUBLIC, Shared(PORT_RESTRICTED, hairpins=True), DIRECT),
        ("same NAT, hosts apart, no hairpin", PUBLIC, Shared(PORT_RESTRICTED), RELAY),
        ("same carrier, hairpin", PORT_RESTRICTED, Shared(FULL_CONE, hairpins=True), DIRECT),
        ("same carrier, no hairpin", PORT_RESTRICTED, Shared(FULL_CONE), RELAY),
    ):
        yield Cell(name, up(inner), up(inner), path, shared=shared)


def of_tcp():
    """Networks that let nothing but TCP out reach what is public by ICE-TCP, and all else over a relay."""
    public, cone = up(PUBLIC), up(PORT_RESTRICTED)
    open_tcp = up(FULL_CONE, passes="tcp")
    blocked, web = up(PORT_RESTRICTED, passes="tcp"), up(PORT_RESTRICTED, passes="443")
    both = dict(flags=ICE_TCP)
    for role in "ab":
        name = f"UDP blocked - {PUBLIC}, ICE-TCP{'' if role == 'a' else ', controlled'}"
        yield Cell(name, blocked, public, TCP, controlling=role, **both)
    yield Cell(f"UDP blocked, {SYMMETRIC} - {PUBLIC}, ICE-TCP", up(SYMMETRIC, passes="tcp"), public, TCP, **both)
    yield Cell(f"{PUBLIC} - UDP blocked, ICE-TCP", public, blocked, TCP, **both)
    on_443 = dict(a_flags=ICE_TCP, b_flags=ICE_TCP_ON_443)
    yield Cell(f"only TCP 443 - {PUBLIC}, ICE-TCP on port 443", web, public, TCP, **on_443)
    yield Cell("UDP blocked - UDP blocked, ICE-TCP", blocked, blocked, RELAY, **both)
    # The port that connections are taken on, as the STUN server sees it over TCP.
    for role in "ab":
        word = "" if role == "a" else ", controlled"
        yield Cell(f"UDP blocked, {FULL_CONE} - UDP blocked, ICE-TCP{word}", open_tcp, blocked, TCP, controlling=role, **both)
    # Whose first packet opening a connection comes too early is let in with the second one, a second later.
    for a, b in ((PORT_RESTRICTED, PORT_RESTRICTED), (PORT_RESTRICTED, LINUX), (LINUX, LINUX)):
        yield Cell(
            f"UDP blocked, {a} - {b}, both open at once", up(a, passes="tcp"), up(b, passes="tcp"), TCP, OPENS_AT_ONCE,
            flags=BOTH_OPEN, has_relays=False,
        )  # fmt: skip
    for b, word in ((blocked, "UDP blocked"), (web, "only TCP 443"), (public, PUBLIC)):
        path = TCP if b is public else RELAY
        yield Cell(f"UDP blocked, and no way in: TCP relay - {word}", blocked, b, path, flags=TCP_ALONE)
    only_there = dict(a_flags=(*TCP_ALONE, "--relay-only"), b_flags=("--tcp-only",))
    yield Cell(f"UDP blocked, and no way in: TCP relay - {PORT_RESTRICTED} without a relay", blocked, cone, RELAY, **only_there)
    # Without ICE-TCP at either side they are among the other networks.
    for b, where, flags in (
        (public, "here", dict(a_flags=ICE_TCP)), (public, "there", dict(b_flags=ICE_TCP)), (public, "at both", both),
        (cone, "there", dict(b_flags=ICE_TCP)), (cone, "at both", both),
    ):  # fmt: skip
        yield Cell(f"only TCP 443 - {b[0].kind}, ICE-TCP {where}", web, b, RELAY, **flags)
    yield Cell(f"{PORT_RESTRICTED} - {PUBLIC}, ICE-TCP beside UDP", cone, public, **both)


def of_lines():
    for loss, limit in ((10, 2.0), (20, 4.0)):
        lossy = dict(loss=loss)
        yield Cell(
            f"{loss} % loss, direct", up(PORT_RESTRICTED, **lossy), up(PORT_RESTRICTED),
            DIRECT if loss < 20 else EITHER, connects=limit, flags=LATER,
        )
        yield Cell(f"{loss} % loss, relayed", up(SYMMETRIC, **lossy), up(SYMMETRIC), RELAY, connects=limit)
    for delay, limit in ((20, 1.0), (100, 3.0)):
        slow = dict(delay=delay)
        yield Cell(f"{delay} ms delay, direct", up(PORT_RESTRICTED, **slow), up(PORT_RESTRICTED), connects=limit)
        yield Cell(f"{delay} ms delay, relayed", up(SYMMETRIC, **slow), up(SYMMETRIC), RELAY, connects=limit)


# What can happen, as functions of the scene (see run.py).


def pulled(way):
    async def event(scene):
        await scene.network.pull("a", scene.used_uplink("a"), way)

    return event


def replaced(way):
    """The only uplink goes, and another one comes a little later."""

    async def event(scene):
        await scene.network.pull("a", 0, way)
        await asyncio.sleep(0.2)
        await scene.network.join("a", 1)

    return event


async def rebound(scene):
    await scene.network.rebind("a")


async def reset(scene):
    await scene.network.rebind("a", resets=True)


async def readdressed(scene):
    await scene.network.readdress("a")


async def server_restarted(scene):
    await scene.server.stop()
    await scene.server.start()


async def killed(scene):
    scene.peers["b"].kill()


def of_events():
    symmetric = up(SYMMETRIC)
    yield Cell("the peer is killed", up(PORT_RESTRICTED), up(PUBLIC), event=killed, ends=True)
    yield Cell("the relayed peer is killed", symmetric, symmetric, RELAY, event=killed, ends=True)
    two, cone = up(PORT_RESTRICTED, PORT_RESTRICTED), up(PORT_RESTRICTED)
    for way, limit in (("admin", READY), ("carrier", READY), ("black hole", UNTOLD)):
        for b, role in ((up(PUBLIC), "a"), (cone, "a"), (cone, "b")):
            name = f"uplink pulled ({way}), {b[0].kind} peer{'' if role == 'a' else ', controlled'}"
            yield Cell(name, two, b, flags=CONTINUAL, controlling=role, event=pulled(way), recovers=limit)
    late = up(PORT_RESTRICTED, Uplink(PORT_RESTRICTED, is_late=True))
    for way in ("admin", "carrier"):
        yield Cell(
            f"uplink replaced ({way})", late, cone, flags=CONTINUAL, event=replaced(way), recovers=ANEW, path_after=DIRECT
        )
    forgets = dict(flags=CONTINUAL, event=rebound)
    yield Cell("NAT forgets, public peer", cone, up(PUBLIC), recovers=REBOUND, path_after=DIRECT, **forgets)
    yield Cell("NAT forgets, port-restricted peer", cone, cone, recovers=ANEW, **forgets)
    for role in "ab":
        name = f"NAT forgets, relayed{'' if role == 'a' else ', controlled'}"
        yield Cell(name, symmetric, symmetric, RELAY, controlling=role, recovers=ANEW, path_after=RELAY, **forgets)
    for a, b in ((PORT_RESTRICTED, PUBLIC), (PUBLIC, PORT_RESTRICTED), (PORT_RESTRICTED, PORT_RESTRICTED)):
        yield Cell(f"address changes: {a} - {b}", up(a), up(b), flags=CONTINUAL, event=readdressed, recovers=ANEW)
    yield Cell("address changes, relayed", symmetric, symmetric, RELAY, flags=CONTINUAL, event=readdressed, recovers=ANEW)
    mobile = dict(flags=MOBILE, recovers=UNTOLD, path_after=RELAY, keeps_relay=True)
    yield Cell("address changes, relay moves along", symmetric, symmetric, RELAY, event=readdressed, **mobile)
    yield Cell("NAT forgets, relay moves along", symmetric, symmetric, RELAY, event=rebound, **mobile)
    over_tcp = up(PORT_RESTRICTED, passes="tcp")
    yield Cell("address changes, relay over TCP moves along", over_tcp, over_tcp, RELAY, event=readdressed, **mobile)
    goes_on = dict(flags=(*CONTINUAL, *ICE_TCP), path_after=TCP)
    for role in "ab":
        word = "" if role == "a" else ", controlled"
        tcp = (over_tcp, up(PUBLIC), TCP)
        yield Cell(f"connections reset, ICE-TCP{word}", *tcp, controlling=role, event=reset, recovers=READY, **goes_on)
        yield Cell(f"NAT forgets, ICE-TCP{word}", *tcp, controlling=role, event=rebound, recovers=REBOUND, **goes_on)
    web = up(PORT_RESTRICTED, passes="443")
    over_tls = dict(flags=CONTINUAL, path_after=RELAY)
    yield Cell("connections reset, relayed over TLS", web, web, RELAY, event=reset, recovers=ANEW, **over_tls)
    restarts = dict(flags=CONTINUAL, event=server_restarted)
    yield Cell("server restarted, direct", cone, cone, recovers=UNHARMED, path_after=DIRECT, **restarts)
    yield Cell("server restarted, relayed", symmetric, symmetric, RELAY, recovers=SERVED_ANEW, **restarts)
    yield Cell("server restarted, relayed over TCP", over_tcp, cone, RELAY, recovers=SERVED_ANEW, **restarts)


KNOWN: dict[str, str] = {}


def all_cells():
    # The longest first, so that the others fill the time beside them.
    for cell in chain(of_events(), of_nats(), of_networks(), of_tcp(), of_lines()):
        yield replace(cell, known=KNOWN.get(cell.name, ""))
