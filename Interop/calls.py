"""One call between two programs that speak our JSON lines."""

import asyncio
import json
import os
import signal
import time

# For programs on a busy machine, or under valgrind: how fast ICE is to be is for the laboratory to say.
CONNECTED_WITHIN = 60.0
DATA_WITHIN = 20.0
END_WITHIN = 30.0
REAPED_WITHIN = 1.0

OUR_WORDS = ["ping", "the quick brown fox", "Grüße, 世界"]
THEIR_WORDS = ["pong", "jumps over", "\u0001 the lazy dog"]
# Who restarts: one side, the other, and both, or both together only.
BY_TURNS, TOGETHER = "by turns", "together"
# What the pairs are to go over, as candidates have it: TCP at every time, or UDP in the end.
TCP, UDP = "tcp", "udp"

SIGNALLING = ("credentials", "candidate", "end-of-candidates")


class CallFailed(Exception):
    """What went wrong with a call, in words."""


class Agent:
    """One running program: what it has said, and a way to wait for what it has not said yet."""

    def __init__(self, name, process):
        self.name = name
        self.lines = []
        self._process = process
        self._changed = asyncio.Condition()
        self._has_ended = False
        self._listener = None
        self._errors = asyncio.create_task(process.stderr.read())

    @classmethod
    async def start(cls, name, command):
        pipe = asyncio.subprocess.PIPE
        # In a session of its own, so that what it starts in turn can be ended along with it.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        return cls(name, process)

    def listen(self, other, trickles):
        """Begins to take in what the program says, and to hand on to the other one what is meant for it."""
        self._listener = asyncio.create_task(self._listen(other, trickles))

    async def _listen(self, other, trickles):
        held = []
        async for text in self._process.stdout:
            try:
                line = json.loads(text)
                kind = line["type"]
            except (ValueError, KeyError, TypeError):
                line, kind = {"type": "error", "message": f"not a message: {text!r}"}, "error"
            await self._note(line)
            if kind in SIGNALLING:
                held.append(line)
            if trickles or kind == "end-of-candidates":
                for message in held:
                    other.tell(message)
                held = []
        self._has_ended = True
        await self._note()

    async def _note(self, *lines):
        async with self._changed:
            self.lines += lines
            self._changed.notify_all()

    def tell(self, message):
        if not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    def said(self, kind, **members):
        expected = {"type": kind, **members}
        return [line for line in self.lines if all(line.get(name) == value for name, value in expected.items())]

    @property
    def is_connected(self):
        return bool(self.said("state", state="connected") or self.said("state", state="completed"))

    async def until(self, what, condition, seconds):
        """Waits for what the program says; throws when that can't come any more, or takes too long."""

        def is_over():
            return condition() or self._has_ended or bool(self.said("state", state="failed"))

        try:
            async with self._changed:
                await asyncio.wait_for(self._changed.wait_for(is_over), seconds)
        except asyncio.TimeoutError:
            pass
        if not condition():
            raise CallFailed(f"{self.name}: no {what} within {seconds:g} s; {self.last_words()}")

    def last_words(self):
        words = "; ".join(json.dumps(line, ensure_ascii=False) for line in self.lines[-3:] if "pwd" not in line)
        return f"it said last: {words}" if words else "it said nothing"

    async def fault(self):
        """How the program ended, for people; None while it runs, and where it ended in peace."""
        # What it says may end a moment before it does.
        if self._has_ended:
            await asyncio.wait({asyncio.ensure_future(self._process.wait())}, timeout=REAPED_WITHIN)
        if not self._process.returncode:
            return None
        # What it has started itself may hold its error output open.
        await asyncio.wait({self._errors}, timeout=REAPED_WITHIN)
        said = self._errors.result().decode(errors="replace") if self._errors.done() else "…"
        return f"{self.name} ended with {self._process.returncode}: {said[-500:]}"

    async def end(self):
        """Asks the program to end, and makes sure that it does so in peace."""
        self.tell({"type": "close"})
        try:
            await asyncio.wait_for(self._process.wait(), END_WITHIN)
        except asyncio.TimeoutError:
            raise CallFailed(f"{self.name} did not end within {END_WITHIN:g} s") from None
        if fault := await self.fault():
            raise CallFailed(fault)

    async def dispose(self):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await self._process.wait()
        await asyncio.gather(self._errors, self._listener or asyncio.sleep(0), return_exceptions=True)


async def call(ours, theirs, trickles, restarts="", completes=True, transport="", only_echoes=False):
    """Connects two commands, lets them talk and ends them; returns the seconds until both were connected.

    The other one may be able to echo only, and not to tell its pair; what is used is known of ours at any rate.
    """
    agents = [await Agent.start("ice-peer", ours)]
    try:
        agents.append(await Agent.start("the other", theirs))
        telling = agents[:1] if only_echoes else agents
        return await converse(*agents, telling, trickles, restarts, completes, transport)
    except CallFailed as failure:
        # Whoever waited in vain is named already; it may have waited for one that was not there any more.
        faults = [await agent.fault() for agent in agents]
        news = [fault for fault in faults if fault and fault != str(failure)]
        raise CallFailed("; ".join([str(failure), *news])) from None
    finally:
        for agent in agents:
            await agent.dispose()


async def converse(ours, theirs, telling, trickles, restarts, completes, transport):
    began = time.monotonic()
    ours.listen(theirs, trickles)
    theirs.listen(ours, trickles)
    for agent in (ours, theirs):
        await agent.until("connection", lambda a=agent: a.is_connected, CONNECTED_WITHIN)
    elapsed = time.monotonic() - began
    for agent in telling:
        await agent.until("selected pair", lambda a=agent: a.said("selected"), CONNECTED_WITHIN)
    await exchange(ours, theirs, OUR_WORDS)
    if theirs in telling:
        await exchange(theirs, ours, THEIR_WORDS)
    else:
        for word in OUR_WORDS:
            await ours.until(f"echo of {word!r}", lambda w=word: ours.said("data", data=w), DATA_WITHIN)
    if restarts:
        turns = [[ours], [theirs], [ours, theirs], [ours, ours, theirs]] if restarts == BY_TURNS else [[ours, theirs]]
        for round, initiators in enumerate(turns, 2):
            await restart(ours, theirs, initiators)
            words = [f"round {round}"]
            await exchange(ours, theirs, words)
            await exchange(theirs, ours, words)
    # Data goes over the first pair that works, so that all of it may have come before the nomination.
    if completes:
        await ours.until("completion", lambda: ours.said("state", state="completed"), CONNECTED_WITHIN)
    for agent in telling if transport else ():
        goes_there = lambda a=agent: transports(a)[-2:] == [transport] * 2
        await agent.until(f"pair over {transport}", goes_there, CONNECTED_WITHIN)
    for agent in (ours, theirs):
        await agent.end()
    check(ours)
    for agent in telling if transport == TCP else ():
        if set(transports(agent)) != {TCP}:
            raise CallFailed(f"{agent.name} did not use TCP alone: {agent.said('selected')}")
    return elapsed


async def restart(ours, theirs, initiators):
    """Asks some programs to restart, and waits until both have chosen a pair anew."""
    before = {agent: len(agent.said("selected")) for agent in (ours, theirs)}
    for agent in initiators:
        agent.tell({"type": "restart"})
    for agent in (ours, theirs):
        await agent.until(
            "pair after a restart", lambda a=agent: len(a.said("selected")) > before[a], CONNECTED_WITHIN
        )


async def exchange(sender, receiver, words):
    for word in words:
        sender.tell({"type": "send", "data": word})
        await receiver.until(f"datagram {word!r}", lambda w=word: receiver.said("data", data=w), DATA_WITHIN)


def transports(agent):
    """What the ends of the program's pairs go over, the last pair at the end."""
    return [line[side].split()[2].lower() for line in agent.said("selected") for side in ("local", "remote")]


def check(ours):
    """What ice-peer must not have said although the call went well."""
    for kind in ("error", "candidate-error"):
        if lines := ours.said(kind):
            raise CallFailed(f"ice-peer reported {lines}")
    for line in ours.said("selected"):
        if not all(line[side].startswith("candidate:") for side in ("local", "remote")):
            raise CallFailed(f"ice-peer selected something strange: {line}")
