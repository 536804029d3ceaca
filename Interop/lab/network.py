"""The network of one cell: two hosts, what is between them, and what can happen to it.

    a --- [a0: NAT] --- [a0c: carrier's NAT] ---+
                                                net (a bridge) --- server (coturn)
    b --- [b0: NAT] ----------------------------+

All that is public is on one segment. What is for elsewhere goes to an address that takes it and does nothing, as far away as the
Internet ends here (a server without any route takes its relays down). Private networks are numbered as they are made.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from nat import FIREWALL, FIREWALL_RULES, KINDS, PUBLIC, Rules
from spaces import Spaces

INSIDE = str(Path(__file__).resolve().parent / "inside.py")
SERVER_4, SERVER_6 = "203.0.113.10", "2001:db8::10"
NOWHERE_4, NOWHERE_6 = "203.0.113.1", "2001:db8::1"


@dataclass(frozen=True)
class Uplink:
    """How a host is connected: behind which NATs, and over what kind of line."""

    kind: str = PUBLIC
    carrier: str = ""
    passes: str = "all"
    loss: int = 0
    delay: int = 0
    family: int = 4
    # Whether it comes only later, by `Network.join`.
    is_late: bool = False

    def __str__(self):
        words = [self.kind, self.carrier and f"+{self.carrier}", "IPv6" if self.family == 6 else ""]
        words += [f"{self.loss}% loss" if self.loss else "", f"{self.delay} ms" if self.delay else ""]
        words += [{"all": "", "tcp": "no UDP", "443": "TCP 443 only"}[self.passes], "late" if self.is_late else ""]
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Shared:
    """A NAT that both hosts are behind."""

    kind: str
    hairpins: bool = False
    joins: bool = False


@dataclass
class Attachment:
    """One end of a cable that has an address, and what it leads to."""

    space: str
    interface: str
    address: str
    prefix: int
    gateway: str
    upstream: str
    upstream_interface: str


@dataclass
class Side:
    """A host, its uplinks, and the NATs of each from the outside to the inside."""

    name: str
    uplinks: tuple
    attachments: list = field(default_factory=list)
    boxes: list = field(default_factory=list)


class Network:
    def __init__(self, spaces: Spaces, a, b, shared=None):
        self.spaces = spaces
        self.sides = {"a": Side("a", a), "b": Side("b", b)}
        self.rules = {}
        self._cables, self._wires = [], []
        self._scripts = {}
        self._hosts_on_segment, self._networks = count(20), count(1)
        self._ports = {"net": count(0)}
        self._lay_out(shared)

    def _lay_out(self, shared):
        self._scripts["net"] = ["ip link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0"]
        self._scripts["net"] += ["ip link set br0 up"]
        self._scripts["net"] += [f"ip addr add {NOWHERE_4}/24 dev br0", f"ip -6 addr add {NOWHERE_6}/64 dev br0 nodad"]
        self._scripts["server"] = ["ip link set lo up", f"ip addr add {SERVER_4}/24 dev up0"]
        self._scripts["server"] += [f"ip -6 addr add {SERVER_6}/64 dev up0 nodad", "ip link set up0 up"]
        self._scripts["server"] += [f"ip route add default via {NOWHERE_4}", f"ip -6 route add default via {NOWHERE_6}"]
        self._cable("server", "up0", "net")
        upstream = "net"
        if shared:
            upstream = self._add_box("shared", shared.kind, "net", hairpins=shared.hairpins, joins=shared.joins)
        for side in self.sides.values():
            self._scripts[side.name] = ["ip link set lo up", *_settings(uplink.family for uplink in side.uplinks)]
            for number, uplink in enumerate(side.uplinks):
                self._add_uplink(side, number, uplink, upstream)

    def _add_uplink(self, side, number, uplink, upstream):
        boxes, delay = [], uplink.delay
        if uplink.carrier:
            boxes.append(self._add_box(f"{side.name}{number}c", uplink.carrier, upstream, delay=delay))
            upstream, delay = boxes[-1], 0
        if uplink.kind in KINDS:
            limits = {"passes": uplink.passes, "loss": uplink.loss}
            boxes.append(self._add_box(f"{side.name}{number}", uplink.kind, upstream, delay=delay, **limits))
            upstream, delay = boxes[-1], 0
        attachment = self._attach(side.name, f"up{number}", upstream, uplink.family, delay)
        side.attachments.append(attachment)
        side.boxes.append(boxes)
        if not uplink.is_late:
            self._scripts[side.name] += _connect(attachment, number)

    def _add_box(self, name, kind, upstream, delay=0, **rules):
        self._ports[name] = count(0)
        attachment = self._attach(name, "wan", upstream, delay=delay)
        self.rules[name] = Rules(kind, attachment.address, **rules)
        self._scripts[name] = [
            "ip link set lo up", *_settings([4]), "echo 1 >/proc/sys/net/ipv4/ip_forward", "ip link set wan up",
            f"ip addr add {attachment.address}/{attachment.prefix} dev wan",
            f"ip route add default via {attachment.gateway}", *self._scripts.get(name, []),
        ]  # fmt: skip
        return name

    def _attach(self, space, interface, upstream, family=4, delay=0):
        """Leads a cable from an interface to the public segment or into a NAT, and finds an address for it."""
        if upstream == "net":
            host = next(self._hosts_on_segment)
            address, prefix = (f"203.0.113.{host}", 24) if family == 4 else (f"2001:db8::{host}", 64)
            gateway = NOWHERE_4 if family == 4 else NOWHERE_6
        else:
            network = f"192.168.{next(self._networks)}"
            address, prefix, gateway = f"{network}.2", 24, f"{network}.1"
        port = self._cable(space, interface, upstream, delay)
        if upstream != "net":
            self._scripts.setdefault(upstream, []).extend(
                [f"ip addr add {gateway}/24 dev {port}", f"ip link set {port} up"]
            )
        return Attachment(space, interface, address, prefix, gateway, upstream, port)

    def _cable(self, space, interface, upstream, delay=0):
        number = next(self._ports[upstream])
        port = f"port{number}" if upstream == "net" else f"lan{number}"
        if upstream == "net":
            self._scripts["net"] += [f"ip link set {port} master br0", f"ip link set {port} up"]
        if delay:
            wire = f"{space}-wire"
            ends = [((space, interface), (wire, "near")), ((wire, "far"), (upstream, port))]
            self._scripts[wire] = [f"ip link set {end} up promisc on arp off" for end in ("near", "far")]
            self._wires.append((wire, delay))
            for end_space, end in (ends[0][0], ends[1][1]):
                self._scripts.setdefault(end_space, []).insert(0, f"{sys.executable} {INSIDE} plain {end}")
        else:
            ends = [((space, interface), (upstream, port))]
        self._cables += ends
        return port

    async def build(self):
        await self.spaces.make(list(self._scripts), self._cables)
        await asyncio.gather(*(self.spaces.script(space, lines) for space, lines in self._scripts.items()))
        await asyncio.gather(*(self.spaces.rules(name, str(rules)) for name, rules in self.rules.items()))
        await asyncio.gather(*(self._until_lines_are_up(space) for space in self._scripts))
        for side in self.sides.values():
            if any(uplink.kind == FIREWALL for uplink in side.uplinks):
                await self.spaces.rules(side.name, FIREWALL_RULES)
        for wire, delay in self._wires:
            await self.spaces.spawn(wire, sys.executable, INSIDE, "wire", str(delay))

    async def _until_lines_are_up(self, space):
        """The kernel takes up to a second to let a new line carry anything; what is sent before is lost."""
        absent = {
            end for side in self.sides.values() for uplink, to in zip(side.uplinks, side.attachments) if uplink.is_late
            for end in ((to.space, to.interface), (to.upstream, to.upstream_interface))
        }  # fmt: skip
        ends = {end for cable in self._cables for end in cable} - absent
        names = sorted(interface for at, interface in ends if at == space)
        look = 'until [ "$(cat /sys/class/net/{}/operstate)" = up ]; do sleep 0.02; done'
        await self.spaces.script(space, [look.format(name) for name in names])

    # What can happen

    async def pull(self, side, number, way):
        """An uplink goes: the host sees its interface go down, or its line, or nobody is told at all."""
        end = self.sides[side].attachments[number]
        if way == "admin":
            await self.spaces.script(side, [f"ip link set {end.interface} down"])
        elif way == "carrier":
            await self.spaces.script(end.upstream, [f"ip link set {end.upstream_interface} down"])
        else:
            box = self.sides[side].boxes[number][-1]
            self.rules[box].is_black_hole = True
            await self.spaces.rules(box, str(self.rules[box]))

    async def join(self, side, number):
        """An uplink comes that was not there before."""
        await self.spaces.script(side, _connect(self.sides[side].attachments[number], number))

    async def rebind(self, side, resets=False):
        """Every NAT of the first uplink forgets all flows and mappings, and chooses other ports from now on.

        Both ends of a TCP connection that goes through it are told so on request, when they send something.
        """
        for box in self.sides[side].boxes[0]:
            self.rules[box].generation += 1
            self.rules[box].resets = resets
            await self.spaces.rules(box, str(self.rules[box]))

    async def readdress(self, side):
        """The host gets another address in the same network."""
        end = self.sides[side].attachments[0]
        old, (network, _, host) = end.address, end.address.rpartition(".")
        end.address = f"{network}.{int(host) + 100}"
        drop = [f"ip addr del {old}/{end.prefix} dev {end.interface}", f"while ip rule del from {old} 2>/dev/null; do :; done"]
        await self.spaces.script(side, drop + _connect(end, 0))


def _settings(families):
    """A host or a router: with IPv6 where it is wanted, and without routes over a line that is dead."""
    lines = [f"echo {int(6 not in set(families))} >/proc/sys/net/ipv6/conf/{scope}/disable_ipv6" for scope in ("all", "default")]
    return lines + [f"echo 1 >/proc/sys/net/ipv4/conf/{scope}/ignore_routes_with_linkdown" for scope in ("all", "default")]


def _connect(end, number):
    """An address, and the rule that what comes from it leaves by its own interface or not at all."""
    if ":" in end.address:
        lines = [f"ip link set {end.interface} up", f"ip -6 addr add {end.address}/{end.prefix} dev {end.interface} nodad"]
        return lines + [f"ip -6 route add default via {end.gateway} dev {end.interface}"]
    lines = [f"ip link set {end.interface} up", f"ip addr add {end.address}/{end.prefix} dev {end.interface}"]
    network = f"{end.address.rpartition('.')[0]}.0/{end.prefix}"
    table = 100 + number
    lines.append(f"ip route replace {network} dev {end.interface} src {end.address} table {table}")
    way = f"default via {end.gateway} dev {end.interface} src {end.address}"
    lines += [f"ip route replace {way} metric {table}", f"ip route replace {way} table {table}"]
    lines += [f"ip rule add from {end.address} pref {1000 + number} lookup {table}"]
    return lines + [f"ip rule add from {end.address} pref {1100 + number} unreachable"]
