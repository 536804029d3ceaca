#!/usr/bin/env python3
"""Calls between the C program in Examples/EmbeddedInC and ice-peer, in all pairs of roles.

    Examples/Checks/embedded_in_c.py [--configuration release]

Each call connects, carries data both ways, restarts, and ends in peace: the program ends with 0 only if nothing was left open on its loop.
Where valgrind is there, one call runs under it. ice-peer must have been built. The last line is "N passed, N failed, N skipped".
"""

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(EXAMPLES.parent / "Interop"))

from calls import BY_TURNS, CallFailed, call  # noqa: E402

ICE_PEER = EXAMPLES / ".build" / "debug" / "ice-peer"
SOURCES = EXAMPLES / "EmbeddedInC"
PROGRAM = SOURCES / ".build" / "embedded-in-c"
# An error, or memory that nothing points to any more, ends the program with 9.
MEMCHECK = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]
ROLES = [("--controlling", "--controlled"), ("--controlled", "--controlling"), ("--controlled", "--controlled")]


def absence():
    """Why nothing can be checked; empty if all is there."""
    for program in ("cc", "make", "pkg-config"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if subprocess.run(["pkg-config", "--exists", "libuv", "jansson"]).returncode:
        return "libuv1-dev or libjansson-dev is not installed"
    if (version := swift_version()) < (6, 3):
        return f"the C library needs Swift 6.3, and this is {version[0]}.{version[1]}"
    return ""


def swift_version():
    words = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.search(r"Swift version (\d+)\.(\d+)", words).groups())


def cases():
    """What is called, and how: a line for people, both commands, and whether they trickle and restart."""
    for ours, theirs in ROLES:
        for trickles in (True, False):
            how = "trickling" if trickles else "all candidates at once"
            yield (
                f"ice-peer {ours} to C {theirs}, {how}, restarting",
                [str(ICE_PEER), ours, "--bind", "127.0.0.1", "--loopback"],
                [str(PROGRAM), theirs, "--bind", "127.0.0.1", "--loopback"],
                trickles,
                BY_TURNS,
            )
    us = [str(PROGRAM), "--loopback", "--profile", "fast", "--nomination", "eager"]
    yield "C to C, fast and eager", us, [str(PROGRAM), "--loopback", "--controlled"], True, ""


def without_debug_information(configuration):
    """A folder with a copy of the library that valgrind can read: it gives up on debug information of some of Swift's builds."""
    folder = SOURCES / ".build" / "stripped"
    folder.mkdir(exist_ok=True)
    library = EXAMPLES.parent / ".build" / configuration / "libSwiftICE.so"
    subprocess.run(["strip", "--strip-debug", "-o", str(folder / library.name), str(library)], check=True)
    return folder


async def run(line, ours, theirs, trickles, restarts):
    try:
        elapsed = await call(ours, theirs, trickles, restarts)
    except CallFailed as failure:
        print(f"FAILED   {line}: {failure}", flush=True)
        return False
    print(f"ok       {line}: connected after {elapsed:.2f} s", flush=True)
    return True


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configuration", default="debug", choices=("debug", "release"))
    configuration = parser.parse_args().configuration
    if reason := absence():
        print(f"skipped: {reason}\n0 passed, 0 failed, 1 skipped")
        return 0
    if not ICE_PEER.exists():
        sys.exit("ice-peer is not built: swift build --package-path Examples --product ice-peer")
    # Which configuration it was linked with is not to be seen from outside.
    subprocess.run(["make", "-s", "clean"], cwd=SOURCES, check=True)
    subprocess.run(["make", "-s", f"CONFIGURATION={configuration}"], cwd=SOURCES, check=True)
    results = [await run(*case) for case in cases()]
    skipped = 0
    if shutil.which("valgrind") and shutil.which("strip"):
        library = f"LD_LIBRARY_PATH={without_debug_information(configuration)}"
        theirs = ["env", library, *MEMCHECK, str(PROGRAM), "--controlled", "--bind", "127.0.0.1", "--loopback"]
        ours = [str(ICE_PEER), "--bind", "127.0.0.1", "--loopback"]
        results.append(await run("ice-peer to C under valgrind, restarting", ours, theirs, True, BY_TURNS))
    else:
        skipped = 1
        print("skipped: valgrind or strip is not installed")
    print(f"{results.count(True)} passed, {results.count(False)} failed, {skipped} skipped")
    return 0 if all(results) else 1


sys.exit(asyncio.run(main()))
