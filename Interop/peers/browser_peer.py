#!/usr/bin/env python3
"""An ICE agent in a headless Chromium behind JSON lines (see ../README.md).

The page (browser_page.html) does what is to be done; this program starts the browser, and hands its lines on over HTTP on the loopback
interface. There is no data: DTLS, which would have to come before it, never begins.
"""

import argparse
import http.server
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "browser_page.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless=new",
    # Root has no sandbox; the page is our own, and the network leads nowhere.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
]


def browser():
    """The browser's program; nothing where none is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Bridge(http.server.ThreadingHTTPServer):
    """Serves the page, gives it the lines that come in, and writes out those it says."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lines = queue.Queue()
        self.output = threading.Lock()

    def write(self, line):
        with self.output:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/page"):
            self.answer("text/html", PAGE.read_bytes())
        elif self.path == "/hear":
            lines = []
            try:
                lines.append(self.server.lines.get(timeout=10))
                while True:
                    lines.append(self.server.lines.get_nowait())
            except queue.Empty:
                pass
            self.answer("application/json", json.dumps(lines).encode())
        else:
            self.send_error(404)

    def do_POST(self):
        self.server.write(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer("text/plain", b"")

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--controlling", action="store_true", help="the browser offers")
    role.add_argument("--controlled", action="store_true", help="the browser answers")
    options = parser.parse_args()

    bridge = Bridge()
    threading.Thread(target=bridge.serve_forever, daemon=True).start()
    query = "role=controlling" if options.controlling else "role=controlled"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        url = f"http://127.0.0.1:{bridge.server_port}/page?{query}"
        process = subprocess.Popen(
            [browser(), *FLAGS, f"--user-data-dir={profile}", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            for text in sys.stdin:
                line = json.loads(text)
                if line["type"] == "close":
                    break
                bridge.lines.put(line)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
