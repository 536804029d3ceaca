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
from itertools import product
from pathlib import Path

import coturn
from calls import CallFailed, call
from implementations import Implementation, aioice, libnice

ICE_PEER = Path(__file__).resolve().parent.parent / "Examples" / ".build" / "debug" / "ice-peer"
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

    def __str__(self):
        how = "trickling" if self.trickles else "all candidates at once"
        whom = f"{self.our_role} to {self.implementation.name} {self.their_role}"
        return f"{whom}, {how}, {self.profile} {self.nomination}, {self.place}"

    def our_command(self, stun_server):
        flags = [f"--{self.our_role}", "--profile", self.profile, "--nomination", self.nomination]
        if self.place != EVERY_ADDRESS:
            flags.append("--loopback")
        return [str(ICE_PEER), *flags, *self.common_flags(stun_server)]

    def their_command(self, stun_server):
        flags = [f"--{self.their_role}"]
        if self.implementation.chooses_nomination:
            flags += ["--nomination", self.nomination]
        return [*self.implementation.command, *flags, *self.common_flags(stun_server)]

    def common_flags(self, stun_server):
        flags = [] if self.trickles else ["--no-trickle"]
        # libnice ties its sockets to their interfaces: only from 127.0.0.1 do they reach a server that is there.
        if self.place != EVERY_ADDRESS:
            flags += ["--bind", LOOPBACK]
        if self.place == STUN:
            flags += ["--stun", stun_server]
        return flags

    @property
    def absence(self):
        """Why the call cannot take place; empty when it can."""
        if self.implementation.absence:
            return f"{self.implementation.name}: {self.implementation.absence}"
        if self.place == STUN and not coturn.is_installed():
            return "coturn: it is not installed"
        if self.place == EVERY_ADDRESS and not has_network():
            return "this machine has no address but the loopback one"
        return ""


def all_cases():
    roles = ["controlling", "controlled"]
    styles = [("standard", "regular"), ("fast", "eager")]
    for implementation in (aioice(), libnice()):
        for ours, theirs, trickles, style in product(roles, roles, [True, False], styles):
            yield Case(implementation, ours, theirs, trickles, *style)
        for ours, place in product(roles, [STUN, EVERY_ADDRESS]):
            theirs = "controlled" if ours == "controlling" else "controlling"
            yield Case(implementation, ours, theirs, place=place)


def has_network():
    """Whether there is a route to anywhere; connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return not probe.getsockname()[0].startswith("127.")
        except OSError:
            return False


async def run_all(cases):
    """Runs the calls, a few at a time; tells of each whether it passed."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def run_one(case, stun_server):
        async with turns:
            try:
                elapsed = await call(case.our_command(stun_server), case.their_command(stun_server), case.trickles)
            except (CallFailed, OSError) as error:
                print(f"FAILED   {case}: {error}", flush=True)
                return False
            print(f"passed   {case} ({elapsed * 1000:.0f} ms after both were started)", flush=True)
            return True

    async with AsyncExitStack() as stack:
        stun_server = None
        if any(case.place == STUN for case in cases):
            stun_server = await stack.enter_async_context(coturn.running_coturn())
        return await asyncio.gather(*(run_one(case, stun_server) for case in cases))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter", nargs="?", default="", help="run only the calls whose line has this text")
    options = parser.parse_args()
    if not ICE_PEER.exists():
        sys.exit("ice-peer is not built: swift build --package-path Examples --product ice-peer")

    cases = [case for case in all_cases() if options.filter in str(case)]
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
