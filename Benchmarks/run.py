#!/usr/bin/env python3
"""Measures the library beside bare C programs and other ICE implementations (see README.md beside this file)."""

import argparse
import subprocess
import sys

from harness import codec, connect, data, flood, idle, programs, report, setups
from harness.processes import ProgramFailed

TOPICS = {"codec": codec, "connect": connect, "setups": setups, "idle": idle, "data": data, "flood": flood}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", help=f"what to measure, of {', '.join(TOPICS)}; all without")
    parser.add_argument("--quick", action="store_true", help="shorter and fewer runs: to see that all works, not how fast it is")
    parser.add_argument("--report", metavar="FILE", help="write what was measured to this file, in Markdown")
    parser.add_argument("--strict", action="store_true", help="fail where a criterion does not hold")
    options = parser.parse_args()
    unknown = set(options.topics) - set(TOPICS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}: take some of {', '.join(TOPICS)}")

    programs.build_ours()
    measured, failed = [], 0
    for name in options.topics or TOPICS:
        try:
            measured.append(TOPICS[name].measure(options))
            report.show(measured[-1])
        except (ProgramFailed, subprocess.TimeoutExpired) as error:
            failed += 1
            print(f"FAILED   {name}: {error}", flush=True)
    report.show_criteria(measured)
    if options.report and not failed:
        report.write(options.report, measured, options)
    if options.strict:
        failed += sum(criterion.holds is False for topic in measured for criterion in topic.criteria)
    print(f"{len(measured)} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
