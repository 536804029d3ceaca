#!/usr/bin/env python3
"""Runs `async-await`, and looks whether two actors have connected and pinged each other. It must have been built.

The last line is "N passed, N failed, N skipped".
"""

import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent.parent / ".build" / "debug" / "async-await"
WITHIN = 30.0

EXPECTED = [
    r"caller is connected",
    r"callee is connected",
    r"caller uses \S+ \(\w+\) - \S+ \(\w+\)",
    r"both have a path",
    *(rf"caller got ping {number} back after [0-9]+\.[0-9]{{1,2}} ms" for number in range(1, 6)),
]


def main():
    if not PROGRAM.exists():
        sys.exit("async-await is not built: swift build --package-path Examples --product async-await")
    try:
        result = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=WITHIN)
    except subprocess.TimeoutExpired as error:
        print(f"FAILED   it did not end within {WITHIN:g} s: {error.stdout}\n0 passed, 1 failed, 0 skipped")
        return 1
    lines = result.stdout.splitlines()
    missing = [text for text in EXPECTED if not any(re.fullmatch(text, line) for line in lines)]
    for text in missing:
        print(f"FAILED   no line is like {text!r}")
    if result.returncode != 0:
        print(f"FAILED   it ended with {result.returncode}: {result.stderr[-500:]}")
    if missing or result.returncode != 0:
        print(result.stdout + "0 passed, 1 failed, 0 skipped")
        return 1
    print("ok       two actors connected and pinged each other\n1 passed, 0 failed, 0 skipped")
    return 0


sys.exit(main())
