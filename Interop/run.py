#!/usr/bin/env python3
"""Calls between ice-peer and other ICE implementations (see README.md beside this file).

ice-peer must have been built; the peers come from Scripts/setup, and the calls with one that is not there are skipped.
The last line is "N passed, N failed, N skipped".
"""

import argparse
import asyncio
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

import coturn
from calls import BY_TURNS, TCP, TOGETHER, UDP, CallFailed, call
from implementations import Implementation, aioice, libjuice, libnice, ourselves, pion

PROGRAMS = Path(__file__).resolve().parent.parent / "Examples" / ".build" / "debug"
ICE_PEER = PROGRAMS / "ice-peer"
AT_ONCE = 4

LOOPBACK, STUN, EVERY_ADDRESS = "127.0.0.1", "127.0.0.1 and a STUN server", "every address"


@dataclass(frozen=True)
class Case:
    """One call: who talks in which roles, how, and where."""

    implementation: Implementation
    our_role: str
    their_role: str
    trickles: bool = True
    profile: str = "standard"
    nomination: str = "regular"
    place: str = LOOPBACK
    # How ice-peer reaches the relay that is all it may use; none where it calls directly.
    relay: str = ""
    # Whether ice-peer sends no checks.
    lite: bool = False
    restarts: str = ""
    # Whether ice-peer gathers for as long as the call lasts, and so never has all candidates.
    continual: bool = False
    # Whether ice-peer has its client on a port that others may share.
    shares: bool = False
    # TCP where both have nothing else, UDP where ice-peer has TCP too and is to do without.
    transport: str = ""

    def __str__(self):
        words = [f"{'lite ' if self.lite else ''}{self.our_role} to {self.implementation.name} {self.their_role}"]
        words += ["trickling" if self.trickles else "all candidates at once", f"{self.profile} {self.nomination}", self.place]
        words += [f"over a relay reached by {self.relay}" if self.relay else ""]
        words += [{TCP: "over TCP alone", UDP: "over UDP though there is TCP"}.get(self.transport, "")]
        words += [f"restarting {self.restarts}" if self.restarts else "", "continual" if self.continual else ""]
        words += ["on a shared port" if self.shares else ""]
        return ", ".join(word for word in words if word)

    def our_command(self, server):
        flags = [f"--{self.our_role}", "--profile", self.profile, "--nomination", self.nomination]
        if self.place != EVERY_ADDRESS:
            flags.append("--loopback")
        if self.lite:
            flags.append("--lite")
        if self.continual:
            flags += ["--continual", "--renomination"]
        if self.shares:
            flags += ["--shared-port", "0"]
        if self.transport == UDP:
            flags.append("--tcp")
        if self.relay:
            flags += server.relay_flags(self.relay)
        return [str(ICE_PEER), *flags, *self.common_flags(server)]

    def their_command(self, server):
        flags = [f"--{self.their_role}"]
        if self.implementation.chooses_nomination:
            flags += ["--nomination", self.nomination]
        if self.only_echoes:
            flags.append("--echo")
        return [*self.implementation.command, *flags, *self.common_flags(server)]

    def common_flags(self, server):
        flags = [] if self.trickles else ["--no-trickle"]
        # libnice ties its sockets to their interfaces: only from 127.0.0.1 do they reach a server that is there.
        if self.place != EVERY_ADDRESS:
            flags += ["--bind", LOOPBACK]
        if self.transport == TCP:
            flags.append("--tcp-only")
        if self.place == STUN:
            flags += ["--stun", server.clear]
        return flags

    @property
    def only_echoes(self):
        return self.transport == TCP and self.implementation.only_echoes_over_tcp

    @property
    def needs_server(self):
        return self.place == STUN or bool(self.relay)

    @property
    def absence(self):
        """Why the call cannot take place; empty when it can."""
        if self.implementation.absence:
            return f"{self.implementation.name}: {self.implementation.absence}"
        if self.needs_server and not coturn.is_installed():
            return "coturn: it is not installed"
        if self.place == EVERY_ADDRESS and not has_network():
            return "this machine has no address but the loopback one"
        return ""


def all_cases():
    roles = ["controlling", "controlled"]
    styles = [("standard", "regular"), ("fast", "eager")]
    for implementation in (aioice(), libnice(), pion(), libjuice()):
        for ours, theirs, trickles, style in product(roles, roles, [True, False], styles):
            if ours == theirs and not implementation.settles_roles:
                continue
            yield Case(implementation, ours, theirs, trickles, *style)
        if implementation.restarts:
            for ours, trickles, style in product(roles, [True, False], styles):
                theirs = "controlled" if ours == "controlling" else "controlling"
                yield Case(implementation, ours, theirs, trickles, *style, restarts=TOGETHER)
        for ours, place in product(roles, [STUN, EVERY_ADDRESS]):
            theirs = "controlled" if ours == "controlling" else "controlling"
            yield Case(implementation, ours, theirs, place=place)
            yield Case(implementation, ours, theirs, place=place, shares=True)
        for theirs, trickles in product(roles if implementation.name != "aioice" and implementation.settles_roles else roles[:1], [True, False]):
            yield Case(implementation, "controlled", theirs, trickles, lite=True)
        for ours, relay in product(roles, ["udp", "tcp", "tls", "dtls"]):
            theirs = "controlled" if ours == "controlling" else "controlling"
            yield Case(implementation, ours, theirs, relay=relay)
        yield Case(implementation, "controlled", "controlling", relay="udp", shares=True)


def cases_over_tcp():
    roles = ["controlling", "controlled"]
    for implementation in (libnice(), pion(), libjuice(), ourselves(ICE_PEER)):
        over_tcp = dict(transport=TCP)
        for ours, theirs, trickles in product(roles, roles, [True, False]):
            if ours == theirs and not implementation.settles_roles:
                continue
            yield Case(implementation, ours, theirs, trickles, **over_tcp)
        for ours, theirs in zip(roles, reversed(roles)):
            yield Case(implementation, ours, theirs, place=EVERY_ADDRESS, **over_tcp)
            yield Case(implementation, ours, theirs, shares=True, **over_tcp)
    # Who does not ask for TCP candidates gets them here all the same.
    for implementation in (aioice(), libnice(), pion(), libjuice(), ourselves(ICE_PEER, "--tcp")):
        for ours, theirs in zip(roles, reversed(roles)):
            yield Case(implementation, ours, theirs, transport=UDP)
    on_a_port = ourselves(ICE_PEER, "--shared-port", "0")
    for ours, theirs in zip(roles, reversed(roles)):
        for implementation in (libnice(), pion()):
            yield Case(implementation, ours, theirs, transport=TCP, restarts=TOGETHER)
        yield Case(ourselves(ICE_PEER), ours, theirs, transport=TCP, restarts=BY_TURNS)
        yield Case(on_a_port, ours, theirs, transport=TCP, shares=True, restarts=BY_TURNS)
    yield Case(ourselves(ICE_PEER), "controlled", "controlling", transport=TCP, lite=True)


def our_own_cases():
    for lite, trickles in product([False, True], [True, False]):
        yield Case(ourselves(ICE_PEER), "controlled", "controlling", trickles, lite=lite, restarts=BY_TURNS)
    yield Case(ourselves(ICE_PEER), "controlling", "controlled", restarts=BY_TURNS, continual=True)


def has_network():
    """Whether there is a route to anywhere; connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return not probe.getsockname()[0].startswith("127.")
        except OSError:
            return False


async def relay_echo(server):
    """Runs the example of a TURN client on its own against a real server; returns whether it got its echoes."""
    flags = ["--url", f"turn:{server.clear}", "--user", coturn.USER, "--password", coturn.PASSWORD, "--count", "3"]
    process = await asyncio.create_subprocess_exec(
        PROGRAMS / "relay-echo", *flags, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    passed = process.returncode == 0 and output.count(b" echoed ") == 3
    print("passed   relay-echo" if passed else f"FAILED   relay-echo: {output.decode()[-500:]}", flush=True)
    return passed


async def run_all(cases):
    """Runs the calls, a few at a time; tells of each whether it passed."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def run_one(case, server):
        async with turns:
            try:
                elapsed = await call(
                    case.our_command(server), case.their_command(server), case.trickles, case.restarts,
                    completes=not case.continual, transport=case.transport,
                    only_echoes=case.only_echoes,
                )  # fmt: skip
            except (CallFailed, OSError) as error:
                print(f"FAILED   {case}: {error}", flush=True)
                return False
            print(f"passed   {case} ({elapsed * 1000:.0f} ms after both were started)", flush=True)
            return True

    async with AsyncExitStack() as stack:
        server = None
        if any(case.needs_server for case in cases):
            server = await stack.enter_async_context(coturn.running_coturn())
        calls = [run_one(case, server) for case in cases]
        return await asyncio.gather(*calls, *([relay_echo(server)] if server else []))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter", nargs="?", default="", help="run only the calls whose line has this text")
    options = parser.parse_args()
    if not ICE_PEER.exists():
        sys.exit("ice-peer is not built: swift build --package-path Examples --product ice-peer")

    cases = [case for case in chain(all_cases(), cases_over_tcp(), our_own_cases()) if options.filter in str(case)]
    for case in cases:
        if case.absence:
            print(f"skipped  {case}: {case.absence}", flush=True)
    present = [case for case in cases if not case.absence]
    results = asyncio.run(run_all(present))
    passed, skipped = sum(results), len(cases) - len(present)
    print(f"{passed} passed, {len(results) - passed} failed, {skipped} skipped")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
