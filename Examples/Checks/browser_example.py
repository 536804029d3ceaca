#!/usr/bin/env python3
"""The browser example's page in a headless Chromium (swift build --package-path Examples --product browser).

The server and the browser are in network namespaces of the check's own, which needs root: names of multicast DNS are looked up there and
nowhere else. Playwright, from PyPI, is in Interop/.tools/venv (Scripts/setup test), and drives Debian's Chromium.
"""

import argparse
import http.client
import re
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Interop"))
import chromium
import namespace

BROWSER = ROOT / "Examples" / ".build" / "debug" / "browser"
SERVER_ADDRESS, BROWSER_ADDRESS = "192.168.77.1", "192.168.77.2"
WITHIN = 60
# Two pages at once, of which the first one calls a second time.
CALLS = 3


class CheckFailed(Exception):
    """What went wrong, in words."""


# MARK: The server, and what it prints


class Server:
    def __init__(self, place, *flags):
        self.lines = []
        self._changed = threading.Condition()
        self._has_ended = False
        command = [str(BROWSER), "--listen", f"{SERVER_ADDRESS}:0", *flags]
        self._process = subprocess.Popen(
            namespace.inside(place, command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip())
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def until(self, text):
        """The first line that has the text, once it is there."""

        def found():
            return next((line for line in self.lines if text in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._has_ended, WITHIN)
        if not found():
            raise CheckFailed(f"the server has not said {text}, but {self.lines}")
        return found()

    @property
    def url(self):
        return self.until("http://").split()[1]

    @property
    def has_ended(self):
        return self._has_ended

    def dispose(self):
        self._process.kill()
        self._process.wait()


def check(hides, options):
    with namespace.link(default_route=True) as (here, there):
        server = Server(here, *(["--mdns"] if hides else []))
        try:
            command = [str(chromium.PYTHON), __file__, "--drive", server.url]
            command += ["--mdns"] if hides else []
            command += ["--dark"] if options.dark else []
            command += ["--screenshot", options.screenshot] if options.screenshot and not hides else []
            driver = subprocess.run(
                namespace.inside(there, command), capture_output=True, text=True, timeout=5 * WITHIN
            )
            if driver.returncode != 0:
                raise CheckFailed(f"{driver.stdout}{driver.stderr[-3000:]}; the server said {server.lines}")
            for number in range(1, CALLS + 1):
                server.until(f"page {number} is closed")
            # The first page went on, and restarted, when the others were closed.
            closed = server.lines.index("page 2 is closed")
            if not any(line.startswith("page 1 has the pair") for line in server.lines[closed:]):
                raise CheckFailed(f"the first page did not go on: {server.lines}")
            if server.has_ended:
                raise CheckFailed(f"the server has ended: {server.lines}")
        finally:
            server.dispose()


# MARK: The browser, in the other namespace


def drive(options):
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WITHIN * 1000)
    with sync_playwright() as playwright:
        # Root has no sandbox; the page is our own, and the network leads nowhere.
        browser = playwright.chromium.launch(executable_path=chromium.program(), args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, color_scheme="dark" if options.dark else "light"
        )
        def opened():
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(f"the page's script failed: {error}"))
            page.goto(options.drive)
            check_connected(page, expect)
            check_candidates(page, options.mdns)
            return page

        errors = []
        page = opened()
        # Checks alone show an address, which the client keeps to itself: this is the name that it has looked up.
        expect(page.locator("#agent-end")).to_contain_text(re.compile(r"to [0-9a-f-]{36}\.local:"))
        if options.screenshot:
            # A chart with something in it.
            page.wait_for_function(
                "document.getElementById('agent-chart').getAttribute('points').split(' ').length >= 12"
            )
            page.screenshot(path=options.screenshot, full_page=True)

        opened().close()
        fragment = page.locator("#agent-side dd").nth(2).inner_text()
        page.get_by_role("button", name="Restart ICE").click()
        expect(page.locator("#agent-side dd").nth(2)).not_to_have_text(fragment)
        check_connected(page, expect)
        check_candidates(page, options.mdns)
        errors += page.locator("#log li:has(.error)").all_inner_texts()

        page.get_by_role("button", name="Call again").click()
        check_connected(page, expect)
        errors += page.locator("#log li:has(.error)").all_inner_texts()
        if errors:
            raise CheckFailed(f"the page tells of errors: {errors}")
        check_stranger(context.new_page(), options.drive)
        browser.close()


def check_connected(page, expect):
    for end in ("#browser-end", "#agent-end"):
        expect(page.locator(end)).to_have_attribute("data-state", re.compile("connected|completed"))
        expect(page.locator(end)).to_have_attribute("data-selected", "yes")
    for field in ("browser-rtt", "agent-rtt"):
        expect(page.locator(f"[data-field={field}]")).to_have_text(re.compile(r"^[\d.]+ ms$"))
    # Those of the pair that an earlier generation leaves behind are not known any more.
    expect(page.locator("#pairs tr.selected .address")).to_have_count(2)
    expect(page.locator("#greetings")).to_have_text(re.compile("^[1-9]"))
    expect(page.locator("#channel")).to_have_text("connecting")


def check_candidates(page, hides):
    names = page.locator("#browser-side .address").all_inner_texts()
    if not any(name.endswith(".local") for name in names):
        raise CheckFailed(f"the browser has told no name, but {names}")
    ours = page.locator("#agent-side .address").all_inner_texts()
    if hides != all(address.endswith(".local") for address in ours) or not ours:
        raise CheckFailed(f"the server's candidates are {ours}")
    if BROWSER_ADDRESS in page.locator("body").inner_text():
        raise CheckFailed("the page shows the browser's address")


def check_stranger(page, url):
    """A page of somebody else's gets no client."""
    script = "url => new Promise(done => { const s = new WebSocket(url); s.onopen = () => done('open'); s.onerror = () => done('refused') })"
    if page.evaluate(script, url.replace("http:", "ws:") + "socket") != "refused":
        raise CheckFailed("a page from elsewhere has got a client")
    host = urllib.parse.urlsplit(url).netloc
    # Whoever owns a name can have it lead here, and his page has it in both headers.
    named = f"page.example.org:{host.split(':')[-1]}"
    for asked, origin, expected in ((named, named, 403), (host, named, 403), (host, host, 101)):
        if (status := upgraded(host, asked, origin)) != expected:
            raise CheckFailed(f"a page at {origin} that asks {asked} was answered with {status}, not {expected}")


def upgraded(address, host, origin):
    """The status that a WebSocket is answered with."""
    connection = http.client.HTTPConnection(address, timeout=WITHIN)
    try:
        connection.request("GET", "/socket", headers={
            "Host": host, "Origin": f"http://{origin}", "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        })  # fmt: skip
        return connection.getresponse().status
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screenshot", metavar="FILE", help="save what the page looks like, as PNG")
    parser.add_argument("--dark", action="store_true", help="with the dark colours")
    parser.add_argument("--drive", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--mdns", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drive:
        try:
            drive(options)
        except (CheckFailed, AssertionError) as error:
            sys.exit(str(error))
        return
    if not BROWSER.exists():
        sys.exit("browser is not built: swift build --package-path Examples --product browser")
    if reason := namespace.absence() or chromium.absence():
        print(f"skipped: the browser example: {reason}")
        return
    failures = 0
    for hides in (False, True):
        what = "the browser example, " + ("both ends by name" if hides else "the browser by name")
        try:
            check(hides, options)
            print(f"passed   {what}", flush=True)
        except (CheckFailed, OSError, subprocess.SubprocessError) as error:
            failures += 1
            print(f"FAILED   {what}: {error}", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
