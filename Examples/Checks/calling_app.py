#!/usr/bin/env python3
"""Runs `calling-app`, and looks whether its two phones have talked. It must have been built.

The last line is "N passed, N failed, N skipped".
"""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / ".build" / "debug" / "calling-app"
WITHIN = 30.0

EXPECTED = [
    "bob's phone rings: alice",
    "alice's call is connecting",
    "alice's call is talking",
    "bob hears: hello bob",
    "alice hears: hello alice",
    "alice's call is over: she has hung up",
]


def main():
    if not PROGRAM.exists():
        sys.exit("calling-app is not built: swift build --package-path Examples --product calling-app")
    try:
        result = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=WITHIN)
    except subprocess.TimeoutExpired as error:
        print(f"FAILED   it did not end within {WITHIN:g} s: {error.stdout}\n0 passed, 1 failed, 0 skipped")
        return 1
    if result.returncode != 0 or result.stdout.splitlines() != EXPECTED:
        print(f"FAILED   it ended with {result.returncode}: {result.stderr[-500:]}\n{result.stdout}0 passed, 1 failed, 0 skipped")
        return 1
    print("ok       two phones called, talked and hung up\n1 passed, 0 failed, 0 skipped")
    return 0


sys.exit(main())
