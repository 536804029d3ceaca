#!/usr/bin/env python3
"""Holds many calls for a long time, and looks whether all stay connected, datagrams come back, and memory stays flat.

The serving ends are on one loop and one port in one process, the calling ends, with a socket each, in another; each of these sends a
datagram every ten seconds, which comes back. The last line is "N passed, N failed".
"""

import argparse
import sys
import time

from harness.processes import Call, ProgramFailed
from harness.programs import build_ours, ours

ECHO_EVERY = 10
SETTLED_AFTER = 20
# Of the heap of all clients. One allocation that is lost with each consent check comes to more within two minutes.
GROWTH = 0.01
ARRIVING = 0.99


class Checks:
    """What is looked at, and what was found wrong with it first; told as soon as it is, or at the end."""

    def __init__(self, count):
        self.count = count
        self.wrong = {}

    def check(self, what, holds, found):
        if holds:
            self.wrong.setdefault(what, "")
        elif not self.wrong.get(what):
            self.wrong[what] = found
            print(f"FAILED   {what}: {found}", flush=True)

    def look(self, ends, settled, status):
        self.check(f"all {ends} ends stay connected", status["usable"] == self.count, f"{status['usable']} of {self.count} are")
        growth = status["heap"] / settled["heap"] - 1
        self.check(f"the {ends} ends' memory stays flat", growth <= GROWTH, f"the heap has grown by {growth:.1%}")

    def look_at_echoes(self, calling):
        share = calling["received"] / max(1, calling["sent"])
        found = f"{calling['received']} of {calling['sent']} did"
        self.check(f"{ARRIVING:.0%} of the datagrams come back", share >= ARRIVING, found)

    def end(self):
        """How many have passed, and how many have failed."""
        passed = [what for what, found in self.wrong.items() if not found]
        for what in passed:
            print(f"passed   {what}")
        return len(passed), len(self.wrong) - len(passed)


def tell(began, serving, calling):
    print(
        f"{time.monotonic() - began:6.0f} s  {serving['usable']} and {calling['usable']} connected, "
        f"{calling['received']} of {calling['sent']} datagrams came back, heap {serving['heap'] / 2**20:.1f} and "
        f"{calling['heap'] / 2**20:.1f} MiB, processor {serving['cpu']:.1f} and {calling['cpu']:.1f} s",
        flush=True,
    )


def soak(options):
    program, report = ours("calls"), max(1, min(60, options.seconds // 4))
    arguments = ["--count", options.count, "--interval", report]
    caller = program("caller", *arguments, "--echo", ECHO_EVERY)
    with Call(program("server", *arguments), caller) as (server, calling):
        took = server.wait_for("connected")["seconds"]
        calling.wait_for("connected")
        print(f"{options.count} calls on one port were connected in {took:.1f} s", flush=True)
        began = time.monotonic()
        settled, checks = None, Checks(options.count)
        while time.monotonic() - began < options.seconds:
            statuses = server.wait_for("status"), calling.wait_for("status")
            tell(began, *statuses)
            if time.monotonic() - began < min(SETTLED_AFTER, options.seconds / 3):
                continue
            settled = settled or statuses
            for ends, first, status in zip(["serving", "calling"], settled, statuses):
                checks.look(ends, first, status)
        checks.look_at_echoes(calling.end())
        server.end()
        return checks.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="calls to hold (default 10000)")
    parser.add_argument("--seconds", type=int, default=3600, help="how long (default 3600)")
    options = parser.parse_args()
    build_ours()
    try:
        passed, failed = soak(options)
    except ProgramFailed as error:
        print(f"FAILED   {error}")
        passed, failed = 0, 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
