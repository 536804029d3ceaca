#!/usr/bin/env python3
"""An ICE agent in a headless Chromium behind JSON lines (see ../README.md).

The page (browser_page.html) does what is to be done; this program hands its lines on, by Playwright. There is no data: DTLS, which would
have to come before it, never begins.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from playwright.async_api import Error, async_playwright

PAGE = Path(__file__).resolve().parent / "browser_page.html"


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def run(options):
    async with async_playwright() as playwright:
        # Root has no sandbox; the page is our own, and the network leads nowhere.
        browser = await playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.expose_function("say", say)
        await page.goto(PAGE.as_uri())
        await page.evaluate("role => begin(role)", "controlling" if options.controlling else "controlled")
        while text := await asyncio.to_thread(sys.stdin.readline):
            line = json.loads(text)
            if line["type"] == "close":
                break
            try:
                await page.evaluate("line => hear(line)", line)
            except Error as error:
                say({"type": "error", "message": f"{line['type']}: {error}"})
        await browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--controlling", action="store_true", help="the browser offers")
    role.add_argument("--controlled", action="store_true", help="the browser answers")
    parser.add_argument("--browser", required=True, metavar="FILE", help="the browser's program")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
