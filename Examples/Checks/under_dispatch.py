#!/usr/bin/env python3
"""Runs `under-dispatch`, and looks whether two clients have talked on a loop that the main queue turns. It must have been built.

The last line is "N passed, N failed, N skipped".
"""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / ".build" / "debug" / "under-dispatch"
WITHIN = 30.0

EXPECTED = [
    "caller is connected",
    "caller is completed",
    *(f"caller got ping {number} back" for number in range(1, 6)),
    "5 pings came back",
    "the loop is closed",
]


def main():
    if not PROGRAM.exists():
        sys.exit("under-dispatch is not built: swift build --package-path Examples --product under-dispatch")
    try:
        result = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=WITHIN)
    except subprocess.TimeoutExpired as error:
        print(f"FAILED   it did not end within {WITHIN:g} s: {error.stdout}\n0 passed, 1 failed, 0 skipped")
        return 1
    missing = [line for line in EXPECTED if line not in result.stdout.splitlines()]
    for line in missing:
        print(f"FAILED   no line is {line!r}")
    if result.returncode != 0:
        print(f"FAILED   it ended with {result.returncode}: {result.stderr[-500:]}")
    if missing or result.returncode != 0:
        print(result.stdout + "0 passed, 1 failed, 0 skipped")
        return 1
    print("ok       two clients talked under the main queue\n1 passed, 0 failed, 0 skipped")
    return 0


sys.exit(main())
