"""Kinds of NAT (RFC 4787) as rules of nftables.

The kernel's own NAT keeps no mappings of sockets, only flows: where another flow of the same socket leads is for it to choose anew.
The kinds with endpoint-independent mapping write down what it chose: `out` has the outside port of each inside socket, so that
its next flow gets the same; `back` has the socket of each outside port; `spoken` has whom each socket has sent to. They have one of
the first two each for UDP and for TCP; whom only certain addresses may reach over UDP, nobody reaches over TCP but by opening at once.
"""

from dataclasses import dataclass

PUBLIC, FIREWALL = "public", "firewall"
FULL_CONE, ADDRESS_RESTRICTED, PORT_RESTRICTED = "full-cone", "address-restricted", "port-restricted"
SYMMETRIC, LINUX, LINUX_OPEN = "symmetric", "linux", "linux-open"

PROTOCOLS = ("udp", "tcp")
CONES = (FULL_CONE, ADDRESS_RESTRICTED, PORT_RESTRICTED)
KINDS = (*CONES, SYMMETRIC, LINUX, LINUX_OPEN)


@dataclass
class Rules:
    """What one NAT is to do; `generation` counts what it has forgotten."""

    kind: str
    outside: str
    # Whether packets to the outside address from within come back in, and whether the inside networks reach each other.
    hairpins: bool = False
    joins: bool = False
    # What gets out: "all", "tcp", or "443" for TCP to that port.
    passes: str = "all"
    # In percent, each way.
    loss: int = 0
    generation: int = 1
    is_black_hole: bool = False
    # Whether TCP connections that it does not know any more are reset; else they lead to nowhere.
    resets: bool = False

    def __str__(self):
        body = "\n".join([*self._sets(), *self._translation(), *self._filter()])
        return f"table ip nat\ndelete table ip nat\ntable ip nat {{\n{body}\n}}\n"

    @property
    def _is_cone(self):
        return self.kind in CONES

    @property
    def _port_choice(self):
        """How an outside port is chosen: the inside one if it is free, but after it has forgotten any other."""
        return " random" if self.kind == SYMMETRIC or self.generation > 1 else ""

    def _sets(self):
        if not self._is_cone:
            return
        socket = "ipv4_addr . inet_service"
        remote = socket if self.kind == PORT_RESTRICTED else "ipv4_addr"
        for protocol in PROTOCOLS:
            yield f"map out_{protocol} {{ type {socket} : inet_service; flags dynamic; size 65535; }}"
            yield f"map back_{protocol} {{ type inet_service : {socket}; flags dynamic; size 65535; }}"
        yield f"set spoken {{ type {socket} . {remote}; flags dynamic; size 65535; }}"

    def _translation(self):
        # A zone has flows of its own: in a new one the kernel knows none of the old ones any more.
        yield f"chain zone {{ type filter hook prerouting priority raw; ct zone set {self.generation}; }}"
        ways_out = ['oifname "wan"', *(['iifname "lan*" oifname "lan*" ct status dnat'] if self.hairpins else [])]
        if self._is_cone:
            yield "chain in { type nat hook prerouting priority dstnat;"
            whence = "" if self.hairpins else 'iifname "wan" '
            for protocol in PROTOCOLS:
                yield f"{whence}ip daddr {self.outside} meta l4proto {protocol} dnat ip to {protocol} dport map @back_{protocol}"
            yield "}"
            yield "chain learn { type filter hook postrouting priority 110;"
            inside = "ct original ip saddr . ct original proto-src"
            for protocol in PROTOCOLS:
                flow = f"ip saddr {self.outside} meta l4proto {protocol} ct direction original"
                yield f"{flow} update @out_{protocol} {{ {inside} : {protocol} sport }}"
                yield f"{flow} update @back_{protocol} {{ {protocol} sport : {inside} }}"
            yield "}"
        yield "chain out { type nat hook postrouting priority srcnat;"
        for way in ways_out:
            for protocol in PROTOCOLS if self._is_cone else ():
                yield f"{way} meta l4proto {protocol} snat ip to {self.outside} : ip saddr . {protocol} sport map @out_{protocol}"
            yield f"{way} masquerade{self._port_choice}" if way == ways_out[0] else f"{way} snat ip to {self.outside}"
        yield "}"

    def _filter(self):
        yield "chain forward { type filter hook forward priority 0; policy drop;"
        if self.is_black_hole:
            yield "drop"
        unknown = "ct state new,invalid tcp flags & (syn | rst) == 0 reject with tcp reset" if self.resets else ""
        yield unknown
        if self.loss:
            yield f"numgen random mod 100 < {self.loss} drop"
        if self.passes != "all":
            yield "meta l4proto != tcp drop"
        if self.passes == "443":
            yield 'iifname "lan*" tcp dport != 443 drop'
        remote = {PORT_RESTRICTED: " . ip {0} . udp {1}port", ADDRESS_RESTRICTED: " . ip {0}"}.get(self.kind)
        inner_sets = self._is_cone and self.kind != FULL_CONE
        if inner_sets:
            # A hairpinned packet has the inside address of its peer here, on both ways.
            yield 'iifname "lan*" meta l4proto udp update @spoken { ip saddr . udp sport' + remote.format("daddr", "d") + " }"
        yield "ct state established,related accept"
        yield 'iifname "lan*" oifname "wan" accept'
        if self.joins:
            yield 'iifname "lan*" oifname "lan*" accept'
        if self.kind == FULL_CONE:
            yield "ct status dnat accept"
        elif inner_sets:
            yield "ct status dnat ip daddr . udp dport" + remote.format("saddr", "s") + " @spoken accept"
        yield "}"
        # Where the kernel answers strangers by itself, their flow takes the port that ours towards them would have had.
        if self.kind != LINUX_OPEN:
            yield f'chain input {{ type filter hook input priority 0; {unknown}; iifname "wan" ip protocol != icmp drop; }}'


FIREWALL_RULES = """
table inet wall {
  chain input { type filter hook input priority 0; policy drop;
    iifname "lo" accept
    meta l4proto { icmp, ipv6-icmp } accept
    ct state established,related accept
  }
}
"""
