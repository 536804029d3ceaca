#!/usr/bin/env python3
"""Calls of call-room, with both sides in one process, and with two processes and a Redis server of their own between them.

    swift build --package-path Examples --product call-room && python3 Examples/Checks/call_room.py [WORDS OF A CASE]

The server is redis-server from PATH on a free port of the loopback interface; it keeps nothing on disk. Where it is not installed, the
cases that need it are skipped.
"""

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import sys
import tempfile

from stage.process import Failed, Process, until
from stage.redis import Redis
from stage.room import PROGRAM, SECRET, Stage, generation, over, talk

# The cases


async def in_one_process(stage):
    """both sides in one process"""
    process = await Process.start("call-room", str(PROGRAM))
    stage.processes.append(process)
    if status := await process.end():
        raise Failed(f"it ended with {status}")
    text = "\n".join(process.lines)
    for expected in ("creator got hello 3 to you", "joiner got hello 3", "waits for the room", "keeps [1-9][0-9]* candidates",
                     "restarts for the other side", "hears that the other side has ended"):
        if not re.search(expected, text):
            raise Failed(f"it did not say {expected!r}")
    fragments = re.findall("chose .* in the generation (.*)", text)
    if len(fragments) != 6 or len(set(fragments)) != 6:
        raise Failed(f"there were not three generations on each side: {fragments}")


async def creator_first(stage):
    """a call through Redis: documents are sealed, expire, and go"""
    creator, joiner = await stage.call()
    await talk(creator, joiner)
    creator.type("\x1b[31mred\x07\u202e")
    await joiner.line(r"got \[31mred$")
    keys = await stage.redis.keys()
    if [re.sub("^calls/[0-9a-f]{32}/", "", key) for key in keys] != [
            "answer", "answerCandidates", "offer", "offerCandidates", "rooms/lobby"]:
        raise Failed(f"the keys are {keys}")
    for key in keys:
        if not 0 < int((await stage.redis.ask("TTL", key))[0]) <= 60:
            raise Failed(f"{key} has no time to live")
    documents = str(await stage.redis.documents())
    for clear in ("candidate:", "127.0.0.1", "password", SECRET):
        if clear in documents:
            raise Failed(f"{clear!r} can be read in the store")
    await over(creator, joiner, stage.redis)
    for process in (creator, joiner):
        if SECRET in "\n".join(process.lines):
            raise Failed(f"{process.name} has shown the secret")


async def two_creators(stage):
    """two creators of one room, of whom the second is told; nobody joins, and both end with 1"""
    first = await stage.enter("create")
    await first.line("waits for the other side to join")
    await until("the offer", stage.redis.keys)
    second = await stage.enter("create")
    await second.line("the room has another creator already")
    for process in (second, first):
        process.type("/end")
        if (status := await process.end()) != 1:
            raise Failed(f"{process.name} ended with {status}")


async def joiner_first(stage):
    """a joiner that is there before the room"""
    joiner = await stage.enter("join")
    await joiner.line("waits for the room to be created")
    await until("candidates of the joiner", stage.redis.keys)
    creator = await stage.enter("create")
    await creator.line("keeps [0-9]+ candidates for the description to come")
    await generation(creator, joiner)
    await talk(creator, joiner)
    await over(joiner, creator, stage.redis)


async def ordered_and_filtered(stage):
    """candidates are taken best first, and only those of the rule"""
    creator = await stage.enter("create")
    await creator.line("signals through the store")
    joiner = await stage.enter("join", "--no-ipv6", "--no-link-local")
    await generation(creator, joiner)
    taken = [line.split() for line in joiner.lines if " takes candidate:" in line]
    refused = [line.split() for line in joiner.lines if " refuses candidate:" in line]
    if not taken or any(":" in words[6] for words in taken):
        raise Failed(f"it took {taken}")
    if any(":" not in words[6] for words in refused):
        raise Failed(f"it refused {refused}")
    if any(" takes candidate:" in line and ":" in line.split()[6] for line in creator.lines):
        raise Failed("the joiner has told an IPv6 address")
    priorities = [int(line.split()[5]) for line in joiner.lines if re.search(" (takes|refuses) candidate:", line)]
    if priorities != sorted(priorities, reverse=True):
        raise Failed(f"the order is {priorities}")
    await over(creator, joiner, stage.redis)


async def wrong_secret(stage):
    """who has the wrong secret is told so, and changes nothing"""
    creator, joiner = await stage.call()
    before = await stage.redis.documents()
    for part in ("join", "create"):
        intruder = await stage.enter(part, secret="another secret")
        await intruder.line("gives up: the room has another secret than the one given")
        if await intruder.end() != 1:
            raise Failed(f"{part} with the wrong secret is no error")
        if await stage.redis.documents() != before:
            raise Failed(f"{part} with the wrong secret has changed the room")
    await talk(creator, joiner)
    await over(creator, joiner, stage.redis)
    # Before there is a room, nobody can know that the secret is wrong.
    early = await stage.enter("join", secret="another secret")
    await early.line("waits for the room to be created")
    creator = await stage.enter("create")
    await early.line("gives up: the room has another secret than the one given")
    joiner = await stage.enter("join")
    await generation(creator, joiner)
    await over(creator, joiner, stage.redis)


async def forged(stage):
    """documents that the secret does not open are passed over"""
    creator, joiner = await stage.call()
    call = next(key for key in await stage.redis.keys() if key.endswith("/offer")).removesuffix("/offer")
    await stage.redis.ask("SET", f"{call}/offer", "rubbish", "KEEPTTL")
    # What is sealed, but for another place, is forged as well.
    sealed = (await stage.redis.ask("GET", f"{call}/answer"))[0]
    await stage.redis.ask("HSET", f"{call}/offerCandidates", "another", sealed)
    await stage.redis.ask("PUBLISH", call, "changed")
    for _ in range(2):
        await joiner.line("a document is passed over")
    await talk(creator, joiner)
    creator.type("/restart")
    await generation(creator, joiner)
    await over(creator, joiner, stage.redis)


async def ended_by_a_stranger(stage):
    """who does not know the secret ends no call, neither by a last word nor by the sign"""
    async with stage.redis.channel("calls/*") as heard:
        creator, joiner = await stage.call()
        await over(creator, joiner, stage.redis)
        channel, last_word = await until("the last word", heard)
    creator, joiner = await stage.call("--expiry", "3")
    for place in (channel, "rooms/lobby"):
        for word in ("ended", "", last_word):
            await stage.redis.ask("PUBLISH", place, word)
    await stage.redis.ask("SET", "rooms/lobby", "rubbish", "KEEPTTL")
    await stage.redis.ask("PUBLISH", "rooms/lobby", "changed")
    for process in (creator, joiner):
        await process.line("a document is passed over")
    await talk(creator, joiner)
    for restarting in (creator, joiner):
        restarting.type("/restart")
        await generation(creator, joiner)
    await stage.redis.ask("DEL", "rooms/lobby")
    # Right behind a restart, which the other side may not have seen yet. What it still writes then is left to expire.
    creator.type("/restart")
    creator.type("/end")
    await joiner.line("the other side has ended the call")
    if (await creator.end(), await joiner.end()) != (0, 0):
        raise Failed("it was no plain end")
    await until("the end of the keys", stage.redis.are_gone)


async def several_rooms(stage):
    """rooms beside each other, of the same secret"""
    pairs = []
    for room in ("red", "green", "blue"):
        pairs.append([await stage.enter(part, room=room) for part in ("join", "create")])
    for pair in pairs:
        await generation(*pair)
    for pair in pairs:
        await talk(*pair)
    red, green, blue = pairs
    for joiner, creator in (green, red):
        creator.type("/end")
        await joiner.line("the other side has ended the call")
        await joiner.end()
        await creator.end()
    blue[0].type("/restart")
    await generation(*blue)
    await over(*blue, stage.redis)


async def restarts(stage):
    """either side restarts through signalling"""
    creator, joiner = await stage.call()
    generations = []
    for restarting in (creator, joiner, creator):
        restarting.type("/restart")
        generations += await generation(creator, joiner)
        await talk(creator, joiner)
    if len(set(generations)) != 6:
        raise Failed(f"generations are not new: {generations}")
    await over(creator, joiner, stage.redis)


async def another_joiner(stage):
    """a joiner that has crashed comes again"""
    creator, joiner = await stage.call()
    await joiner.dispose()
    again = await stage.enter("join")
    await creator.line("restarts for the other side")
    await generation(creator, again)
    await talk(creator, again)
    # And the other way: a creator that comes again finds who is there.
    await creator.dispose()
    creator = await stage.enter("create")
    await generation(creator, again)
    await talk(creator, again)
    await over(creator, again, stage.redis)


async def redis_restarted(stage):
    """Redis dies and comes back empty; the call goes on, and restarts again"""
    creator, joiner = await stage.call()
    await stage.redis.kill()
    for process in (creator, joiner):
        await process.line("the store is away")
    await talk(creator, joiner)
    await stage.redis.start()
    for process in (creator, joiner):
        await process.line("signals through the store")
    await talk(creator, joiner)
    creator.type("/restart")
    await generation(creator, joiner)
    await talk(creator, joiner)
    # What is asked for while Redis is away happens when it is back.
    await stage.redis.kill()
    for process in (creator, joiner):
        await process.line("the store is away")
    joiner.type("/restart")
    await talk(creator, joiner)
    await stage.redis.start()
    await generation(creator, joiner)
    await talk(creator, joiner)
    await over(joiner, creator, stage.redis)


async def redis_hangs(stage):
    """Redis hangs; that is noticed, and the call goes on"""
    creator, joiner = await stage.call("--expiry", "3")
    stage.redis.process.process.send_signal(signal.SIGSTOP)
    try:
        for process in (creator, joiner):
            await process.line("the store is away: no answer")
        await talk(creator, joiner)
    finally:
        stage.redis.process.process.send_signal(signal.SIGCONT)
    for process in (creator, joiner):
        await process.line("signals through the store")
    creator.type("/restart")
    await generation(creator, joiner)
    await over(creator, joiner, stage.redis)


async def ended_while_redis_hangs(stage):
    """the call can be ended while Redis hangs, by /end and by a signal"""
    creator, joiner = await stage.call("--expiry", "3")
    stage.redis.process.process.send_signal(signal.SIGSTOP)
    try:
        creator.type("/end")
        joiner.process.send_signal(signal.SIGTERM)
        for process in (creator, joiner):
            await process.line("has left", within=5)
            if status := await process.end():
                raise Failed(f"{process.name} ended with {status}")
    finally:
        stage.redis.process.process.send_signal(signal.SIGCONT)
    await until("the end of the keys", stage.redis.are_gone)


async def interrupted_twice(stage):
    """a second signal ends at once"""
    creator, joiner = await stage.call("--expiry", "3")
    stage.redis.process.process.send_signal(signal.SIGSTOP)
    try:
        for process in (creator, joiner):
            async def is_over():
                if process.process.returncode is None:
                    process.process.send_signal(signal.SIGINT)
                return process.is_over
            await until("the end by signals", is_over)
            # Whoever takes his leave first ends with 0.
            if (status := await process.end()) != -signal.SIGINT:
                raise Failed(f"{process.name} ended with {status}")
    finally:
        stage.redis.process.process.send_signal(signal.SIGCONT)
    await until("the end of the keys", stage.redis.are_gone)


async def expiry(stage):
    """keys are renewed while the call lasts, and go when both sides crash"""
    creator, joiner = await stage.call("--expiry", "3")
    keys = await stage.redis.keys()
    last = {key: 3000 for key in keys}
    renewed = set()

    async def have_all_been_renewed():
        for key in keys:
            left = int((await stage.redis.ask("PTTL", key))[0])
            if left < 0:
                raise Failed(f"{key} is gone in mid-call")
            if left > last[key]:
                renewed.add(key)
            last[key] = left
        return len(renewed) == len(keys) == 5
    await until("renewal of all keys", have_all_been_renewed)
    for process in (creator, joiner):
        await process.dispose()
    await until("the end of the keys", stage.redis.are_gone)


async def interrupted(stage):
    """Ctrl-C ends the call for both"""
    creator, joiner = await stage.call()
    creator.process.send_signal(signal.SIGINT)
    await joiner.line("the other side has ended the call")
    if (await creator.end(), await joiner.end()) != (0, 0) or not await stage.redis.are_gone():
        raise Failed("it was no plain end")


async def no_server(stage):
    """without a server there is a plain error"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = await stage.enter("create", port=port)
    await process.line(f"gives up: Redis at 127.0.0.1:{port} is of no use: Connection refused")
    if await process.end() != 1:
        raise Failed("it is no error")


async def password(stage):
    """a server that wants a password is told so in its words"""
    await stage.redis.ask("CONFIG", "SET", "requirepass", SECRET)
    process = await stage.enter("create")
    await process.line("gives up: Redis at .* is of no use: NOAUTH")
    if await process.end() != 1:
        raise Failed("it is no error")
    await stage.redis.ask("-a", SECRET, "--no-auth-warning", "CONFIG", "SET", "requirepass", "")


async def run(case, redis):
    stage = Stage(redis)
    try:
        await case(stage)
        if redis and not await redis.are_gone():
            raise Failed(f"left behind: {await redis.keys()}")
        print(f"ok       call-room: {case.__doc__}", flush=True)
        return True
    except Failed as failure:
        print(f"FAILED   call-room: {case.__doc__}: {failure}", flush=True)
        for process in stage.processes:
            for line in process.lines:
                print(f"         {process.name}: {line}")
        return False
    finally:
        await stage.dispose()


async def main():
    if not PROGRAM.exists():
        sys.exit("call-room is not built: swift build --package-path Examples --product call-room")
    wanted = " ".join(sys.argv[1:])
    alone = [case for case in (in_one_process, no_server) if wanted in case.__doc__]
    shared = [case for case in (
        creator_first, two_creators, joiner_first, ordered_and_filtered, wrong_secret, forged, ended_by_a_stranger, several_rooms, restarts, another_joiner,
        redis_restarted, redis_hangs, ended_while_redis_hangs, expiry, interrupted, interrupted_twice, password) if wanted in case.__doc__]
    results = [await run(case, None) for case in alone]
    if not shutil.which("redis-server") or not shutil.which("redis-cli"):
        print("skipped  call-room through Redis: redis-server is not installed")
        shared = []
    with tempfile.TemporaryDirectory() as directory:
        for case in shared:
            redis = Redis(directory)
            await redis.start()
            try:
                results.append(await run(case, redis))
            finally:
                with contextlib.suppress(ProcessLookupError):
                    await redis.kill()
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    asyncio.run(main())
