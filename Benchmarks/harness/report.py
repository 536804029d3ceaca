"""Shows what was measured on a terminal, and writes it down in Markdown."""

import platform
import subprocess
from pathlib import Path

from .results import Table


def show(topic):
    print(f"\n=== {topic.title}\n", flush=True)
    for table in topic.tables:
        print(table.plain() + "\n", flush=True)
    for note in topic.notes:
        print(f"skipped: {note}", flush=True)


def show_criteria(topics):
    print(f"\n=== What is asked\n\n{criteria_table(topics).plain()}", flush=True)


def criteria_table(topics):
    table = Table(["", "asked", "measured", "holds"])
    for topic in topics:
        for criterion in topic.criteria:
            table.add(criterion.what, criterion.asked, criterion.measured, criterion.verdict)
    return table


def write(path, topics, options):
    parts = [
        "# Performance",
        "`make bench` measures this and writes this page ([Benchmarks](../Benchmarks/README.md)). Programs take turns, each number is "
        "the median of several runs, and ratios are of one run on one machine: compare them, rather than numbers of other machines.",
        machine(),
        "## What is asked",
        criteria_table(topics).markdown(),
    ]
    if options.quick:
        parts.insert(2, "**These are numbers of a quick run, which shows that all works and not how fast it is.**")
    for topic in topics:
        parts += [f"## {topic.title}", topic.text, *(table.markdown() for table in topic.tables), *topic.notes]
    Path(path).write_text("\n\n".join(parts) + "\n")


def machine():
    """What it was measured on."""
    swift = first_line(["swift", "--version"])
    return (
        f"Measured on {cores()}, Linux {platform.release()}, {swift}; libuv {version('libuv')}, OpenSSL {version('libcrypto')}, "
        f"libnice {version('nice')}, all over the loopback interface. Both processors are shared by all programs of a measurement."
    )


def cores():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{len(models)} × {models[0]}" if models else platform.machine()


def version(package):
    return first_line(["pkg-config", "--modversion", package]) or "(absent)"


def first_line(command):
    try:
        lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    except OSError:
        lines = []
    return lines[0].strip() if lines else ""
