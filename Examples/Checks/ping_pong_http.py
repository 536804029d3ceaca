#!/usr/bin/env python3
"""Two ping-pong processes that signal over HTTP on the loopback interface (swift build --package-path Examples --product ping-pong)."""

import http.client
import http.server
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

PING_PONG = Path(__file__).resolve().parents[1] / ".build" / "debug" / "ping-pong"
PINGS = 5
ENDS_WITHIN = 30
JSON = {"Content-Type": "application/json"}


class CheckFailed(Exception):
    """What went wrong, in words."""


class PingPong:
    """One process, and the lines it has printed."""

    def __init__(self, *arguments):
        self.lines = []
        self._changed = threading.Condition()
        self._has_ended = False
        self._process = subprocess.Popen(
            [PING_PONG, "--signal", "http", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip())
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def matches(self, pattern):
        with self._changed:
            return [found for found in (re.search(pattern, line) for line in self.lines) if found]

    def until(self, pattern):
        """The first line that fits, once it is there."""
        with self._changed:
            self._changed.wait_for(lambda: self.matches(pattern) or self._has_ended, ENDS_WITHIN)
        found = self.matches(pattern)
        if not found:
            raise CheckFailed(f"no line like {pattern}:\n" + "\n".join(self.lines))
        return found[0]

    @property
    def url(self):
        return self.until(r"listens at (http://\S+)")[1]

    def end(self):
        """Its exit code."""
        code = self._process.wait(ENDS_WITHIN)
        self._reader.join(ENDS_WITHIN)
        return code

    def dispose(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def free_url():
    """Where nobody listens yet, for the process that is told before the other one is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "http://127.0.0.1:%d" % probe.getsockname()[1]


def address(url):
    return url.removeprefix("http://")


def check_call(one, other):
    for process in (one, other):
        if (code := process.end()) != 0:
            raise CheckFailed(f"it ended with {code}:\n" + "\n".join(process.lines))
    pongs = [len(process.matches(r" got   ping \d+ back")) for process in (one, other)]
    if sorted(pongs) != [0, PINGS]:
        raise CheckFailed(f"{pongs} pings came back, not {PINGS}:\n" + "\n".join(one.lines + other.lines))
    for teller, hearer in ((one, other), (other, one)):
        told = [found[1] for found in teller.matches(r" has   (candidate:.*|no more candidates)")]
        heard = [found[1] for found in hearer.matches(r" heard (candidate:.*|no more candidates)")]
        if told != heard or len(told) < 2:
            raise CheckFailed(f"told were {told}, heard {heard}")


def check_order(first_role, second_role):
    """One process is there, and looks for the other, before that one starts."""
    later = free_url()
    first = PingPong("--peer", later, *first_role)
    second = None
    try:
        url = first.url
        first.until("no more candidates")
        second = PingPong("--listen", address(later), "--peer", url, *second_role)
        check_call(first, second)
    finally:
        for process in filter(None, (first, second)):
            process.dispose()


class Post(http.server.BaseHTTPRequestHandler):
    """Hands candidates on as they come, and the parameters behind the last of them."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        office = self.server
        try:
            if self.path == "/parameters":
                office.held = body
            else:
                office.deliver(self.path, body)
                if self.path == "/candidate" and b'"candidate":""' in body:
                    office.deliver("/parameters", office.held)
        except OSError:
            # The other process is not there yet: without an answer, this one tries again.
            self.close_connection = True
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class PostOffice(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, destination):
        super().__init__(("127.0.0.1", 0), Post)
        self.held = None
        self.destination = destination
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def deliver(self, path, body):
        connection = http.client.HTTPConnection(address(self.destination), timeout=ENDS_WITHIN)
        try:
            connection.request("POST", path, body, JSON)
            if (status := connection.getresponse().status) != 204:
                raise CheckFailed(f"{path} was answered with {status}")
        finally:
            connection.close()


def check_late_parameters():
    """All candidates arrive before the parameters, in both directions."""
    first_url, second_url = free_url(), free_url()
    offices = [PostOffice(first_url), PostOffice(second_url)]
    first = PingPong("--listen", address(first_url), "--peer", offices[1].url)
    second = None
    try:
        second = PingPong("--listen", address(second_url), "--peer", offices[0].url, "--controlled")
        check_call(first, second)
        for process in (first, second):
            lines = [found[0] for found in process.matches("heard (the parameters|no more candidates)")]
            if lines != ["heard no more candidates", "heard the parameters"]:
                raise CheckFailed(f"the parameters did not come last: {lines}")
    finally:
        for process in filter(None, (first, second)):
            process.dispose()
        for office in offices:
            office.shutdown()
            office.server_close()


def posted(url, path, body, headers):
    """The status that a request is answered with."""
    connection = http.client.HTTPConnection(address(url), timeout=ENDS_WITHIN)
    try:
        connection.request("POST", path, body, headers, encode_chunked="Transfer-Encoding" in headers)
        return connection.getresponse().status
    finally:
        connection.close()


def check_strangers():
    """What others post is refused or passed over, and the call goes on."""
    later = free_url()
    callee = PingPong("--peer", later, "--controlled")
    caller = None
    try:
        candidate = b'{"candidate":"nonsense","sdpMid":"0","sdpMLineIndex":0}'
        hidden = b"POST /goodbye HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        # A web page can post this without being asked.
        for headers in ({"Content-Type": "text/plain"}, {}):
            if (status := posted(callee.url, "/goodbye", b"{}", headers)) != 415:
                raise CheckFailed(f"{headers} was answered with {status}")
        for body, headers, expected in (
            (b"nonsense", JSON, 400),
            (b" " * 70000, JSON, 413),
            (iter([b" " * 1000] * 100), {**JSON, "Transfer-Encoding": "chunked"}, 411),
            (hidden.ljust(70000), {"Content-Type": "text/plain"}, 415),
            (hidden.ljust(3000000), {"Content-Type": "text/plain"}, 415),
            (candidate, JSON, 204),
        ):
            if (status := posted(callee.url, "/candidate", body, headers)) != expected:
                raise CheckFailed(f"a candidate was answered with {status}, not {expected}")
        callee.until("passes over what is of no use")
        posted(callee.url, "/goodbye", b"{}", JSON)
        callee.until("passes over a goodbye")
        caller = PingPong("--listen", address(later), "--peer", callee.url)
        check_call(callee, caller)
        # Ours, and the caller's.
        if (goodbyes := len(callee.matches("heard goodbye"))) != 2:
            raise CheckFailed(f"{goodbyes} goodbyes: a body was taken for a request")
    finally:
        for process in filter(None, (callee, caller)):
            process.dispose()


def check_absent_peer():
    """Nobody ever comes: it ends in bounded time, and says why."""
    peer = free_url()
    process = PingPong("--peer", peer, "--wait", "1")
    try:
        if process.end() == 0 or not process.matches(f"no peer at {peer}"):
            raise CheckFailed("it did not say that there is no peer:\n" + "\n".join(process.lines))
    finally:
        process.dispose()


def check_taken_port():
    """Somebody else listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = PingPong("--listen", "127.0.0.1:%d" % taken.getsockname()[1], "--peer", free_url())
        try:
            if process.end() == 0 or not process.matches("is taken"):
                raise CheckFailed("it did not say that the port is taken:\n" + "\n".join(process.lines))
        finally:
            process.dispose()


CASES = {
    "the caller is there first": lambda: check_order([], ["--controlled"]),
    "the callee is there first": lambda: check_order(["--controlled"], []),
    "both want to call": lambda: check_order([], []),
    "candidates come before parameters": check_late_parameters,
    "strangers post nonsense and goodbyes": check_strangers,
    "nobody comes": check_absent_peer,
    "the port is taken": check_taken_port,
}


def main():
    if not PING_PONG.exists():
        sys.exit("ping-pong is not built: swift build --package-path Examples --product ping-pong")
    failures = 0
    for name, check in CASES.items():
        try:
            check()
            print(f"passed   ping-pong over HTTP: {name}", flush=True)
        except (CheckFailed, OSError, subprocess.TimeoutExpired) as error:
            failures += 1
            print(f"FAILED   ping-pong over HTTP: {name}: {error}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
