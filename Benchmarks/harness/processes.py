"""Runs programs that tell their results in lines of JSON."""

import json
import os
import select
import socket
import subprocess
import time

PATIENCE = 300.0


class ProgramFailed(Exception):
    """A program ended, or kept silent, before it had told what was waited for."""


class Running:
    """A program, and the lines it has told so far. Used as a context, it has ended afterwards."""

    def __init__(self, command, signal=None):
        self.command = command
        self.lines = []
        self._unread = b""
        descriptors = [] if signal is None else [signal.fileno()]
        if signal is not None:
            command = [*command, "--signal", str(signal.fileno())]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pass_fds=descriptors
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait_for(self, kind, within=PATIENCE):
        """The next line of that type."""
        deadline = time.monotonic() + within
        while True:
            line = self._next_line(deadline)
            if line is None:
                raise ProgramFailed(f"{self.command[0]} told no {kind}, and ended with {self.process.wait()}")
            self.lines.append(line)
            if line["type"] == kind:
                return line

    def end(self):
        """Asks a program that holds calls to end; its last words."""
        self.process.terminate()
        return self.wait_for("end", within=30.0)

    def _next_line(self, deadline):
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise ProgramFailed(f"{self.command[0]} kept silent")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                return None
            self._unread += chunk
        text, _, self._unread = self._unread.partition(b"\n")
        return json.loads(text)


def apart(first, second):
    """Gives two running programs a processor each, where there are two: where the system puts them is not what is measured."""
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(processors) > 1:
        os.sched_setaffinity(first.process.pid, {processors[0]})
        os.sched_setaffinity(second.process.pid, {processors[1]})


def lines_of(command, within=PATIENCE):
    """All that a program tells; it has to end well."""
    outcome = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=within)
    if outcome.returncode:
        raise ProgramFailed(f"{command[0]} ended with {outcome.returncode}")
    return [json.loads(line) for line in outcome.stdout.splitlines()]


class Call:
    """Two programs that are the ends of calls, and signal over a socket of their own. Used as a context, both have ended afterwards."""

    def __init__(self, first, second):
        ours, theirs = socket.socketpair()
        self.first, self.second = Running(first, ours), Running(second, theirs)
        ours.close()
        theirs.close()

    def __enter__(self):
        return self.first, self.second

    def __exit__(self, *_):
        self.second.__exit__()
        self.first.__exit__()
