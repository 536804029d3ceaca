"""An agent of aioice behind JSON lines, as ice-peer speaks them (see Interop/README.md)."""

import argparse
import asyncio
import json
import sys

import aioice
import aioice.ice


def write(kind, **members):
    print(json.dumps({"type": kind, **members}), flush=True)


def candidate_line(candidate):
    return "candidate:" + candidate.to_sdp()


class Peer:
    def __init__(self, options):
        self.options = options
        self.connection = aioice.Connection(
            ice_controlling=not options.controlled, stun_server=options.stun
        )
        self.has_remote_credentials = asyncio.Event()
        self.has_remote_candidate = asyncio.Event()

    async def run(self):
        """Talks until it is told to end, or the input ends."""
        connection = self.connection
        write("credentials", ufrag=connection.local_username, pwd=connection.local_password, impl="aioice")
        call = asyncio.create_task(self.call())
        try:
            async for line in await standard_input():
                if not await self.take(line):
                    break
        finally:
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await connection.close()
            write("state", state="closed")

    async def call(self):
        """One connection from its first candidate to its last datagram."""
        connection = self.connection
        try:
            # aioice tells its candidates when all are gathered, so it has no other way than this to trickle.
            await connection.gather_candidates()
            for candidate in connection.local_candidates:
                write("candidate", candidate=candidate_line(candidate))
            write("end-of-candidates")

            await self.has_remote_credentials.wait()
            # Older versions give up at once where there is nothing to check yet.
            await self.has_remote_candidate.wait()
            write("state", state="checking")
            await connection.connect()
            self.tell_selected_pair()
            write("state", state="connected")
            await self.receive()
        except ConnectionError as error:
            write("error", message=str(error))
            write("state", state="failed")

    def tell_selected_pair(self):
        # aioice has no public name for the pair that it chose.
        pair = self.connection._nominated[1]
        write("selected", local=candidate_line(pair.local_candidate), remote=candidate_line(pair.remote_candidate))

    async def receive(self):
        while True:
            data = await self.connection.recv()
            write("data", data=data.decode(errors="replace"))
            if self.options.echo:
                await self.connection.send(data)

    async def take(self, line):
        """Does what a line asks for; false when it asks to end."""
        try:
            message = json.loads(line)
            kind = message["type"]
            if kind == "close":
                return False
            if kind == "credentials":
                self.connection.remote_username = message["ufrag"]
                self.connection.remote_password = message["pwd"]
                self.connection.remote_is_lite = bool(message.get("lite"))
                self.has_remote_credentials.set()
            elif kind == "candidate":
                text = message["candidate"].removeprefix("candidate:")
                await self.connection.add_remote_candidate(aioice.Candidate.from_sdp(text))
                self.has_remote_candidate.set()
            elif kind == "end-of-candidates":
                await self.connection.add_remote_candidate(None)
                self.has_remote_candidate.set()
            elif kind == "send":
                await self.connection.send(message["data"].encode())
            else:
                write("error", message=f"there is no message of type {kind}")
        except (ValueError, KeyError, TypeError, ConnectionError) as error:
            write("error", message=f"{type(error).__name__}: {error}")
        return True


async def standard_input():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def host_and_port(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--controlling", action="store_true", help="choose the pair (default)")
    role.add_argument("--controlled", action="store_true", help="let the other agent choose the pair")
    parser.add_argument("--bind", metavar="ADDRESS", help="use this local address only")
    parser.add_argument("--stun", metavar="HOST:PORT", type=host_and_port, help="a STUN server")
    parser.add_argument("--no-trickle", action="store_true", help="tell candidates once all are gathered (always so)")
    parser.add_argument("--nomination", choices=["eager"], default="eager", help="aioice knows no other")
    parser.add_argument("--echo", action="store_true", help="send back what arrives")
    return parser.parse_args()


def main():
    options = parse_options()
    if options.bind:
        # aioice takes every address but the loopback one, and has no option for less or more.
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [options.bind]
    asyncio.run(Peer(options).run())


if __name__ == "__main__":
    main()
