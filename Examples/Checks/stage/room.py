"""A room, and who is in it."""

from pathlib import Path

from .process import Failed, Process

PROGRAM = Path(__file__).resolve().parents[2] / ".build" / "debug" / "call-room"
SECRET = "correct horse battery staple"


class Stage:
    """What a case is played on."""

    def __init__(self, redis=None):
        self.redis, self.processes = redis, []

    async def enter(self, part, *options, secret=SECRET, port=None, room="lobby"):
        process = await Process.start(
            part, str(PROGRAM), part, "--redis", f"127.0.0.1:{port or self.redis.port}", "--room", room, "--loopback",
            *options, CALL_ROOM_SECRET=secret)
        self.processes.append(process)
        return process

    async def call(self, *options):
        creator = await self.enter("create", *options)
        await creator.line("signals through the store")
        joiner = await self.enter("join", *options)
        await generation(creator, joiner)
        return creator, joiner

    async def dispose(self):
        for process in self.processes:
            await process.dispose()


async def generation(*participants):
    """The fragments of the generation that both have chosen a pair of."""
    return [(await one.line("chose .* in the generation (.*)"))[1] for one in participants]


spoken = 0


async def talk(*participants):
    global spoken
    for speaker, listener in (participants, participants[::-1]):
        spoken += 1
        speaker.type(f"sentence {spoken}")
        await listener.line(f"got sentence {spoken}$")


async def over(leaver, other, redis):
    leaver.type("/end")
    await other.line("the other side has ended the call")
    for process in (leaver, other):
        if status := await process.end():
            raise Failed(f"{process.name} ended with {status}")
    if keys := await redis.keys():
        raise Failed(f"left behind: {keys}")
