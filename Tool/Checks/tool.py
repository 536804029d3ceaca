#!/usr/bin/env python3
"""Checks of the built `ice` from end to end, against a coturn and against itself on 127.0.0.1.

`swift build --package-path Tool` must have been run. A line for each check; those that need coturn are skipped where it is not
installed. The last line is "N passed, N failed, N skipped"; ends with 1 where one failed.
"""

import asyncio
import json
import sys
import tempfile
import traceback

from program import ICE, CheckFailed, Run, expect, ice, ice_on_terminal
from server import ADDRESS, ALLOWED, PASSWORD, USER, coturn, running_coturn

KNOWN = {"ICE_TURN_USER": USER, "ICE_TURN_PASSWORD": PASSWORD}
HERE = ["--loopback", "--address", ADDRESS]


# What needs no server


async def help_and_usage():
    for command in ([], ["gather"], ["nat"], ["turn-check"], ["connect"]):
        outcome = (await ice(*command, "--help")).expect_code(0)
        expect("--json" in outcome.text, f"{command} does not tell of --json")
    for wrong in (["no-command"], ["gather", "--stun", "turn:x"], ["nat"], ["turn-check", "turn:x"], ["connect", "--count", "0"]):
        (await ice(*wrong)).expect_code(64)


async def gather_alone():
    outcome = (await ice("gather", "--json", *HERE)).expect_code(0)
    kinds = [line["kind"] for line in outcome.of("candidate")]
    expect(kinds == ["host"], f"candidates of kinds {kinds}")
    expect(outcome.last("summary")["works"] is True, "the summary says that it does not work")


async def gather_from_ports():
    port = coturn.free_port()
    outcome = (await ice("gather", "--json", *HERE, "--ports", f"{port}-{port}")).expect_code(0)
    expect(outcome.last("candidate")["port"] == port, "the port is not of the range")


async def gather_from_nobody():
    outcome = (await ice("gather", "--json", *HERE, "--stun", f"stun:{ADDRESS}:{coturn.free_port()}")).expect_code(1)
    expect(outcome.last("error")["fault"]["name"] == "unreachable", f"{outcome.last('error')}")
    expect(outcome.last("summary")["servers"][0]["outcome"] == "failed", "the server is not told as failed")


async def plain_lines():
    outcome = (await ice("gather", *HERE)).expect_code(0)
    expect("\x1b" not in outcome.text and "\r" not in outcome.text, "a pipe gets escape sequences")
    expect("host  " in outcome.text and "calls will work" in outcome.text, outcome.text)


async def terminal():
    server = ["--stun", f"stun:{ADDRESS}:{coturn.free_port()}"]
    code, text = await ice_on_terminal("gather", *HERE, *server)
    expect(code == 1, f"ended with {code}: {text}")
    expect("\x1b[31m" in text, "a terminal gets no colours")
    code, text = await ice_on_terminal("gather", *HERE, *server, NO_COLOR="1")
    expect(code == 1, f"ended with {code}: {text}")
    expect("\x1b[3" not in text and "\x1b[1m" not in text, "colours in spite of NO_COLOR")


async def live_status():
    code, text = await ice_on_terminal("turn-check", f"turn:{ADDRESS}:{coturn.free_port()}?transport=tcp", **KNOWN)
    expect(code == 1, f"ended with {code}: {text}")
    expect("\r\x1b[K" in text and "allocating" in text, "a terminal gets no status line")


async def nat_without_server():
    outcome = (await ice("nat", "--json", f"{ADDRESS}:{coturn.free_port()}")).expect_code(1)
    expect(outcome.last("error")["fault"]["name"] == "unreachable", outcome.text)


# Connecting


async def paste_lines(*runs):
    """Carries the lines of two runs across."""
    lines = [json.loads(await run.line(lambda line: '"invitation"' in line))["line"] for run in runs]
    runs[0].paste(lines[1])
    runs[1].paste(lines[0])


async def connected(first, second, carry=paste_lines):
    try:
        await carry(first, second)
        return [await first.outcome(), await second.outcome()]
    finally:
        await first.stop()
        await second.stop()


async def connect_pasted():
    flags = ["connect", "--json", *HERE, "--count", "5", "--interval", "0.05"]
    for outcome in await connected(await Run.start(*flags), await Run.start(*flags)):
        summary = outcome.expect_code(0).last("summary")
        expect((summary["sent"], summary["received"], summary["loss"]) == (5, 5, 0), f"{summary}")
        expect(0 < summary["roundTrip"]["minimum"] <= summary["roundTrip"]["maximum"], f"{summary}")
        expect(not summary["relayed"] and ADDRESS in outcome.last("path")["local"], f"{outcome.last('path')}")
        expect(len(outcome.of("ping")) == 5, f"{len(outcome.of('ping'))} lines of pings")


async def connect_by_room():
    with tempfile.TemporaryDirectory() as room:
        flags = ["connect", "--json", *HERE, "--room", room, "--count", "5", "--interval", "0.05", "--throughput", "1"]

        async def nothing(*_):
            pass

        outcomes = await connected(await Run.start(*flags), await Run.start(*flags), nothing)
        for outcome in outcomes:
            rates = {line["direction"]: line for line in outcome.expect_code(0).of("throughput")}
            expect(set(rates) == {"up", "down"}, f"throughput of {set(rates)}")
            for line in rates.values():
                expect(line["bitsPerSecond"] > 1e6 and 0.5 < line["seconds"] < 2, f"{line}")
        up, down = outcomes[0].last("throughput"), outcomes[1].last("throughput")
        expect(up["direction"] != down["direction"] and up["bytes"] == down["bytes"], f"the sides do not agree: {up} {down}")


async def connect_by_unwritable_room():
    # Nobody may write there, not even root.
    outcome = (await ice("connect", "--json", *HERE, "--room", "/proc")).expect_code(1)
    expect(outcome.last("summary")["fault"]["name"] == "room", outcome.text)


async def connect_until_interrupted():
    flags = ["connect", *HERE, "--interval", "0.05"]

    async def interrupt(first, second):
        lines = [await run.line(lambda line: line.startswith("ice1:")) for run in (first, second)]
        first.paste(lines[1].strip())
        second.paste(f"  {lines[0].strip()} ")
        await first.line(lambda line: "pings" in line)
        await second.line(lambda line: "pings" in line)
        first.interrupt()

    ours, theirs = await connected(await Run.start(*flags), await Run.start(*flags), interrupt)
    for outcome in (ours, theirs):
        outcome.expect_code(0)
        expect("works, directly: round trip" in outcome.text, outcome.text)
    expect("the other side has left" in theirs.text, theirs.text)


async def connect_wrongly():
    run = await Run.start("connect", "--json", *HERE)
    try:
        line = json.loads(await run.line(lambda line: '"invitation"' in line))["line"]
        for wrong in ("hello", line[:-20], line):
            run.paste(wrong)
        run.end_input()
        outcome = (await run.outcome()).expect_code(1)
    finally:
        await run.stop()
    words = [error["fault"]["message"] for error in outcome.of("error")]
    expect(len(words) == 3 and "no line of" in words[0] and "not whole" in words[1] and "own line" in words[2], f"{words}")
    expect(outcome.last("summary")["fault"]["name"] == "no-line", outcome.text)


# With a server


async def gather_with_server(server):
    turn = ["--turn", f"turn:{server.clear}", "--turn", f"turn:{server.clear}?transport=tcp", "--turn", f"turns:{server.secure}"]
    outcome = (
        await ice("gather", "--json", *HERE, "--stun", server.clear, *turn, "--ca", server.certificate, **KNOWN)
    ).expect_code(0)
    ways = {line["relayProtocol"] for line in outcome.of("candidate") if line["kind"] == "relay"}
    expect(ways == {"udp", "tcp", "tls"}, f"relays over {ways}")
    summary = outcome.last("summary")
    expect((summary["host"], summary["relayed"], summary["works"]) == (1, 3, True), f"{summary}")
    outcomes = [one["outcome"] for one in summary["servers"]]
    # The server sees the address itself: there is no NAT.
    expect(outcomes == ["nothing-new", "candidates", "candidates", "candidates"], f"{outcomes}")


async def gather_relays_only(server):
    outcome = await ice("gather", "--json", *HERE, "--policy", "relay", "--turn", f"turn:{server.clear}", **KNOWN)
    kinds = [line["kind"] for line in outcome.expect_code(0).of("candidate")]
    expect(kinds == ["relay"], f"candidates of kinds {kinds}")


async def gather_with_wrong_password(server):
    outcome = await ice("gather", "--json", *HERE, "--turn", f"turn:{server.clear}", "--user", USER, "--password", "wrong")
    error = outcome.expect_code(1).last("error")
    expect((error["code"], error["fault"]["name"]) == (401, "credentials"), f"{error}")
    expect("--password" in error["fault"]["advice"], f"{error}")


async def gather_without_trust(server):
    outcome = await ice("gather", "--json", *HERE, "--turn", f"turns:{server.secure}", **KNOWN)
    error = outcome.expect_code(1).last("error")
    expect((error["code"], error["fault"]["name"]) == (701, "certificate-untrusted"), f"{error}")


def turn_urls(server):
    clear, secure = f"turn:{server.clear}", f"turns:{server.secure}"
    return [f"{clear}?transport=udp", f"{clear}?transport=tcp", f"{secure}?transport=tcp", f"{secure}?transport=udp"]


async def turn_check(server):
    flags = ["--ca", server.certificate, "--count", "10", "--interval", "0.01"]
    outcome = (await ice("turn-check", "--json", *turn_urls(server), *flags, **KNOWN)).expect_code(0)
    findings = outcome.of("relay")
    expect([one["transport"] for one in findings] == ["udp", "tcp", "tls", "dtls"], f"{findings}")
    for one in findings:
        expect(one["works"] and one["permission"] and one["channel"], f"{one}")
        expect((one["peer"], one["sent"], one["received"]) == ("allocation", 10, 10), f"{one}")
        expect(one["roundTrip"]["average"] > 0 and one["serverMilliseconds"] > 0, f"{one}")
    expect(outcome.last("summary")["working"] == 4, outcome.text)


async def turn_check_all_transports(server):
    # What is at the default port of TLS and DTLS, if anything, is not ours: one transport that works makes up for it.
    flags = ["--all-transports", "--count", "3", "--timeout", "1"]
    outcome = (await ice("turn-check", "--json", f"turn:{server.clear}", *flags, **KNOWN)).expect_code(0)
    works = {one["transport"]: one["works"] for one in outcome.of("relay")}
    expect(list(works) == ["udp", "tcp", "tls", "dtls"] and works["udp"] and works["tcp"], f"{works}")


async def turn_check_table(server):
    outcome = (await ice("turn-check", *turn_urls(server)[:3], "--count", "3", **KNOWN)).expect_code(1)
    expect("2 of 3 work" in outcome.text, outcome.text)
    row = next(line for line in outcome.text.splitlines() if line.startswith("failed  tls"))
    expect("(certificate-untrusted)" in row, row)


async def turn_check_fails(server, name, *flags, url=None, **variables):
    outcome = await ice(
        "turn-check", "--json", url or f"turn:{server.clear}", "--timeout", "3", *flags, **{**KNOWN, **variables}
    )
    finding = outcome.expect_code(1).last("relay")
    expect(finding["fault"]["name"] == name, f"{finding}")
    return finding


async def turn_check_wrong_password(server):
    await turn_check_fails(server, "credentials", ICE_TURN_PASSWORD="wrong")


async def turn_check_wrong_certificates(server):
    for url in (f"turns:{server.secure}", f"turns:{server.secure}?transport=udp"):
        await turn_check_fails(server, "certificate-untrusted", url=url)
        trusted = ["--ca", server.certificate, "--server-name", "turn.example.org"]
        await turn_check_fails(server, "certificate-name", *trusted, url=url)
    (await ice("turn-check", f"turns:{server.secure}", "--insecure", "--count", "3", **KNOWN)).expect_code(0)


async def turn_check_nobody(server):
    for query in ("udp", "tcp"):
        url = f"turn:{ADDRESS}:{coturn.free_port()}?transport={query}"
        await turn_check_fails(server, "unreachable", url=url)


async def nat(server):
    finding = (await ice("nat", "--json", server.clear)).expect_code(0).last("nat")
    expect(finding["mapping"] == "none" and finding["publicAddress"] == finding["localAddress"], f"{finding}")
    expect(any("no second address" in gap for gap in finding["gaps"]), f"{finding}")
    text = (await ice("nat", server.clear)).expect_code(0).text
    expect("there is no NAT" in text and "not found out" in text and "verdict" in text, text)


async def connect_over_relay(server):
    flags = ["connect", "--json", *HERE, "--relay-only", "--turn", f"turn:{server.clear}", "--count", "5"]
    runs = [await Run.start(*flags, "--interval", "0.05", **KNOWN) for _ in range(2)]
    for outcome in await connected(*runs):
        summary = outcome.expect_code(0).last("summary")
        expect(summary["relayed"] and summary["received"] == 5, f"{summary}")


async def nat_whole():
    async with running_coturn(discovery=True) as server:
        finding = (await ice("nat", "--json", server.clear)).expect_code(0).last("nat")
        expect((finding["mapping"], finding["filtering"]) == ("none", "endpoint-independent"), f"{finding}")
        expect(finding["gaps"] == [] and finding["preservesPort"] is True, f"{finding}")
        text = (await ice("nat", server.clear)).expect_code(0).text
        expect("there is no NAT" in text and "not found out" not in text, text)


async def expired_certificate():
    async with running_coturn(ALLOWED, is_expired=True) as server:
        trusted = ["--ca", server.certificate]
        await turn_check_fails(server, "certificate-expired", *trusted, url=f"turns:{server.secure}")


async def peers_denied():
    async with running_coturn() as server:
        finding = await turn_check_fails(server, "forbidden")
        expect(finding["relayedAddress"].startswith(ADDRESS) and finding["permission"] is False, f"{finding}")


async def one_allocation_only():
    async with running_coturn(ALLOWED, "--user-quota=1") as server:
        outcome = (await ice("turn-check", "--json", f"turn:{server.clear}", "--count", "5", **KNOWN)).expect_code(0)
        finding = outcome.last("relay")
        expect((finding["peer"], finding["received"]) == ("socket", 5), f"{finding}")


ALONE = [
    ("help and wrong calls", help_and_usage),
    ("gather without a server", gather_alone),
    ("gather from a range of ports", gather_from_ports),
    ("gather with a server that is not there", gather_from_nobody),
    ("plain lines in a pipe", plain_lines),
    ("colours on a terminal, none with NO_COLOR", terminal),
    ("a status line on a terminal", live_status),
    ("nat with a server that is not there", nat_without_server),
    ("connect by pasted lines, with pings", connect_pasted),
    ("connect through a folder, with throughput", connect_by_room),
    ("connect through a folder that can't be written to", connect_by_unwritable_room),
    ("connect until one side is interrupted", connect_until_interrupted),
    ("connect with lines that are none", connect_wrongly),
]

WITH_SERVER = [
    ("gather over udp, tcp and tls", gather_with_server),
    ("gather relayed candidates only", gather_relays_only),
    ("gather with a wrong password", gather_with_wrong_password),
    ("gather with a certificate that is not trusted", gather_without_trust),
    ("turn-check over udp, tcp, tls and dtls", turn_check),
    ("turn-check --all-transports", turn_check_all_transports),
    ("turn-check's table", turn_check_table),
    ("turn-check with a wrong password", turn_check_wrong_password),
    ("turn-check with certificates that are wrong", turn_check_wrong_certificates),
    ("turn-check with nobody there", turn_check_nobody),
    ("nat with a server of one address", nat),
    ("connect over a relay", connect_over_relay),
]

WITH_OTHER_SERVERS = [
    ("nat with a server of two addresses", nat_whole),
    ("turn-check with an expired certificate", expired_certificate),
    ("turn-check with a server that denies such peers", peers_denied),
    ("turn-check with a quota of one allocation", one_allocation_only),
]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    async def check(self, name, body, *arguments):
        try:
            await body(*arguments)
        except Exception as error:
            self.failed += 1
            known = isinstance(error, CheckFailed)
            print(f"FAILED   {name}: {error if known else traceback.format_exc()}", flush=True)
        else:
            self.passed += 1
            print(f"passed   {name}", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped: {name}: {why}", flush=True)


async def main():
    if not ICE.exists():
        sys.exit(f"{ICE} is not there: swift build --package-path Tool")
    tally = Tally()
    for name, body in ALONE:
        await tally.check(name, body)
    if coturn.is_installed():
        async with running_coturn(ALLOWED) as server:
            for name, body in WITH_SERVER:
                await tally.check(name, body, server)
        for name, body in WITH_OTHER_SERVERS:
            await tally.check(name, body)
    else:
        for name, _ in WITH_SERVER + WITH_OTHER_SERVERS:
            tally.skip(name, "coturn is not installed")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
