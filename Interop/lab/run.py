#!/usr/bin/env python3
"""Calls between two ice-peers through real NATs, failures and bad lines, in network namespaces (see README.md beside this file).

ice-peer must have been built with optimization. Prints a table; ends with 1 where a cell is not as written down in cells.py.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import server as coturn
import talk
from cells import DIRECT, DISCONNECTED, FAILED, RELAY, TCP, Cell, all_cells
from network import Network
from spaces import LabError, Spaces, absence, sweep

ROOT = Path(__file__).resolve().parent.parent.parent
ICE_PEER = ROOT / "Examples" / ".build" / "release" / "ice-peer"
GRACE = 5.0


@dataclass
class Scene:
    """What an event can act on."""

    network: Network
    server: coturn.Server
    peers: dict

    def used_uplink(self, side):
        """The uplink that the side's pair goes over, by the address of its base."""
        address = self.peers[side].local_address
        ends = self.network.sides[side].attachments
        return next((number for number, end in enumerate(ends) if end.address == address), 0)


async def run_cell(cell: Cell, folder, trace):
    async with Spaces.made() as spaces:
        network = Network(spaces, cell.a, cell.b, cell.shared)
        await network.build()
        server = coturn.Server(spaces, folder, gives_tickets=cell.keeps_relay)
        await server.start()
        peers = {}
        try:
            for side in "ab":
                role = "--controlling" if side == cell.controlling else "--controlled"
                flags = [role, *cell.flags, *(cell.a_flags if side == "a" else cell.b_flags)]
                peers[side] = await talk.start(network, server, ICE_PEER, side, flags, trace, cell.has_relays)
            return await play(cell, Scene(network, server, peers))
        finally:
            for peer in peers.values():
                await peer.dispose()


async def play(cell, scene):
    a, b = scene.peers["a"], scene.peers["b"]
    outcome = talk.Outcome()
    began = time.monotonic()
    try:
        outcome.connected = await talk.connect(a, b, cell.connects + GRACE)
        await talk.settle(a, b, cell.path)
        outcome.path, outcome.pair = talk.path_of(a, b), "-".join(a.pair)
        if outcome.path not in (RELAY, "-") and (a.had_relay or b.had_relay):
            outcome.direct = max(peer.said("selected")[-1]["at"] for peer in (a, b)) - began
        if not (a.arrivals and b.arrivals):
            outcome.problem = "no data came"
        elif cell.event:
            await happen(cell, scene, outcome)
        if not outcome.problem and not cell.ends:
            outcome.problem = await talk.tidy(a, b)
    except talk.CallFailed as error:
        outcome.problem = str(error)
    return outcome


async def happen(cell, scene, outcome):
    a, b = scene.peers["a"], scene.peers["b"]
    before = a.local_address
    since = time.monotonic()
    await cell.event(scene)
    if cell.ends:
        outcome.disconnected, outcome.failed = await talk.until_given_up(a, since, FAILED + GRACE)
        return
    outcome.gap = await talk.watch(a, b, since, cell.recovers + 2 * GRACE)
    await talk.settle(a, b, cell.path_after, talk.RETURNS_WITHIN)
    outcome.path_after = talk.path_of(a, b)
    outcome.is_same_end = a.local_address == before
    restarts = [f"{name}: {line['reason']}" for name, peer in scene.peers.items() for line in peer.said("restart-needed")]
    outcome.said = "; ".join(restarts)
    if outcome.gap is None:
        outcome.problem = "the data did not come back"


def shortfalls(cell, outcome):
    """How the outcome is not as written down, in words."""
    if outcome.problem:
        yield outcome.problem.partition(";")[0]
        return
    if outcome.path not in cell.path.split("|"):
        yield f"{outcome.path} path"
    if outcome.connected > cell.connects:
        yield "connected late"
    if (outcome.direct or 0) > cell.connects and cell.path in (DIRECT, TCP):
        yield "direct late"
    if cell.ends:
        if outcome.disconnected is None or outcome.disconnected > DISCONNECTED:
            yield "disconnected late"
        if outcome.failed is None or outcome.failed > FAILED:
            yield "failed late"
    elif cell.recovers:
        if outcome.gap > cell.recovers:
            yield "back late"
        if outcome.path_after not in cell.path_after.split("|"):
            yield f"back over a {outcome.path_after} path"
        if cell.keeps_relay and not outcome.is_same_end:
            yield "back over another relay"


def in_words(cell, outcome):
    milliseconds = lambda seconds: "-" if seconds is None else f"{seconds * 1000:.0f} ms"
    if outcome.connected is None:
        return "-"
    words = f"{outcome.path} {outcome.pair} in {milliseconds(outcome.connected)}"
    if outcome.direct is not None:
        words += f", direct after {milliseconds(outcome.direct)}"
    if cell.ends:
        return f"{words}; disconnected {milliseconds(outcome.disconnected)}, failed {milliseconds(outcome.failed)}"
    if cell.recovers:
        words += f"; gap {milliseconds(outcome.gap)}, {outcome.path_after}{', restarted' if outcome.said else ''}"
    return words


def judge(cell, outcome):
    faults = "; ".join(shortfalls(cell, outcome))
    if not faults:
        return "ok", "ok" if not cell.known else "ok this time"
    return ("known", f"known: {cell.known}") if cell.known else ("FAILED", f"FAILED: {faults}")


async def run_all(cells, options):
    turns = asyncio.Semaphore(options.at_once)
    width = max(len(cell.name) for cell in cells)
    expected = max(len(cell.expectation) for cell in cells)
    results = []

    async def attempt(number, cell):
        trace = options.traces and f"{options.traces}/{number:03}"
        try:
            return await run_cell(cell, folder, trace)
        except LabError as error:
            return talk.Outcome(problem=f"the laboratory: {error}")

    async def in_turn(number, cell):
        """A busy machine, and lines that lose at random, may fail a cell once; both outcomes are told then."""
        async with turns:
            outcome = await attempt(number, cell)
            first = judge(cell, outcome)
            if first[0] != "FAILED":
                return outcome, ""
            return await attempt(number, cell), f" (at first {first[1]})"

    with tempfile.TemporaryDirectory() as folder:
        coturn.prepare(folder)
        tasks = [asyncio.create_task(in_turn(number, cell)) for number, cell in enumerate(cells)]
        try:
            for cell, task in zip(cells, tasks):
                outcome, before = await task
                kind, verdict = judge(cell, outcome)
                verdict += before
                got = in_words(cell, outcome)
                print(f"{cell.name:{width}}  {cell.expectation:{expected}}  {got:60}  {verdict}", flush=True)
                results.append({"name": cell.name, "expected": cell.expectation, "got": got, "verdict": kind, "first": before, **asdict(outcome)})
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return results


async def main(cells, options):
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, this.cancel)
    began = time.monotonic()
    results = await run_all(cells, options)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
    number = lambda verdict: sum(result["verdict"] == verdict for result in results)
    took = time.monotonic() - began
    print(f"{number('ok')} ok, {number('known')} known, {number('FAILED')} failed in {took:.0f} s")
    return 1 if number("FAILED") else 0


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="run only the cells whose name has this text")
    parser.add_argument("--json", metavar="FILE", help="save the table")
    parser.add_argument("--traces", metavar="FOLDER", help="save what each ice-peer traces, by the number of the cell")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="how many cells run beside each other")
    parser.add_argument("--list", action="store_true", help="tell the cells and what is expected of them")
    parser.add_argument("--check", action="store_true", help="tell whether there can be a laboratory here, and why not")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    options = options_of(sys.argv[1:])
    cells = [cell for cell in all_cells() if options.only in cell.name]
    if options.list:
        for cell in cells:
            print(f"{cell.name}: {cell.expectation}")
        sys.exit(0)
    if reason := absence():
        print(f"lab: skipped: {reason}")
        sys.exit(1 if options.check else 0)
    if options.check:
        sys.exit(0)
    if not ICE_PEER.exists():
        sys.exit("ice-peer is not built: swift build --package-path Examples -c release --product ice-peer")
    if not cells:
        sys.exit(f"no cell has {options.only!r} in its name")
    sweep()
    try:
        sys.exit(asyncio.run(main(cells, options)))
    except asyncio.CancelledError:
        sys.exit("stopped")
