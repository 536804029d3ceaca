"""STUN messages: reading, verifying, writing and answering them."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .processes import lines_of
from .programs import baseline, ours
from .results import Table, Topic, alternating, at_most, ratio

OPERATIONS = {
    "decode": "read a check's header, name and priority",
    "verify": "read a check, its fingerprint and its integrity",
    "encode": "write and sign a check",
    "answer": "verify a check, write and sign the answer",
}
HASHES = "two keyed HMACs"
# So few that callgrind gets through with it; what starting costs is taken off.
FEW, MORE = 500, 1500


def measure(options):
    program, hashes = ours("codec"), baseline("keyed_hmac", "libcrypto")
    commands = {name: program(name) for name in OPERATIONS}
    if not hashes.absence:
        commands[HASHES] = hashes("hmac")
    count = 100_000 if options.quick else 400_000
    found = alternating(3 if options.quick else 7, {
        name: lambda command=command: lines_of([*command, "--count", str(count)])[0] for name, command in commands.items()
    })  # fmt: skip
    hash_time = found.get(HASHES, {}).get("nanoseconds")
    table = Table(["operation", "ns", "of two HMACs", "allocations", "instructions"])
    for name, command in commands.items():
        result = found[name]
        instructions = None if options.quick else instructions_of(command)
        allocations = result.get("allocations")
        table.add(
            OPERATIONS.get(name, f"{name} in bare C"), result["nanoseconds"], ratio(result["nanoseconds"], hash_time),
            "" if allocations is None else f"{allocations:.1f}", instructions,
        )  # fmt: skip
    answer = found["answer"]
    return Topic(
        "Codec",
        "A connectivity check of 88 bytes and its success response. Two HMAC-SHA1 over as many bytes, with a context "
        "that was keyed once, are what verifying and answering cannot do without. Allocations are counted in `malloc`. Instructions "
        "are callgrind's, whose processor has no SHA extensions, so that hashing weighs more in them than in time.",
        [table],
        [
            at_most("verify and answer a check, of two keyed HMACs", ratio(answer["nanoseconds"], hash_time), 1.5, " times"),
            at_most("allocations for that", round(answer["allocations"], 2), 0),
        ],
        [] if not hashes.absence else [f"The bare C program is absent: {hashes.absence}."],
    )


def instructions_of(command):
    """Instructions of one operation, by callgrind; None where it is absent."""
    if not shutil.which("valgrind"):
        return None
    few, more = (callgrind([*command, "--count", str(count)]) for count in (FEW, MORE))
    return None if few is None or more is None else (more - few) / (MORE - FEW)


def callgrind(command):
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--tool=callgrind", f"--callgrind-out-file={Path(folder) / 'out'}"]
        outcome = subprocess.run(["valgrind", *flags, *command], capture_output=True, text=True, timeout=300)
        found = re.search(r"Collected : (\d+)", outcome.stderr)
        return int(found[1]) if outcome.returncode == 0 and found else None
