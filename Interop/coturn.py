"""A coturn of our own on a free port of 127.0.0.1, for the calls that ask a STUN server."""

import asyncio
import secrets
import shutil
import socket
import tempfile
from contextlib import asynccontextmanager

ADDRESS = "127.0.0.1"
TRIES = 5
ANSWERS_WITHIN = 5.0
REPEAT_AFTER = 0.05


def is_installed():
    return shutil.which("turnserver") is not None


@asynccontextmanager
async def running_coturn():
    """A coturn that answers, as "host:port"; it is gone when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(TRIES):
            async with coturn_on(free_port(), folder) as server:
                # Somebody else may have taken the port in between.
                if server:
                    yield server
                    return
    raise RuntimeError("coturn does not start")


@asynccontextmanager
async def coturn_on(port, folder):
    """A coturn on this port, as "host:port"; None when it does not answer."""
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", f"--listening-ip={ADDRESS}", f"--relay-ip={ADDRESS}", f"--listening-port={port}",
        "--stun-only", "--no-tls", "--no-dtls", "--no-cli", "--no-multicast-peers", "--no-rfc5780",
        "--log-file=stdout", f"--pidfile={folder}/turnserver.pid",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"{ADDRESS}:{port}" if await answers(port, process) else None
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


async def answers(port, process):
    """Repeats a Binding request until it is answered; false when the program ends or time runs out."""
    loop = asyncio.get_running_loop()
    request = bytes.fromhex("000100002112a442") + secrets.token_bytes(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect((ADDRESS, port))
        give_up_at = loop.time() + ANSWERS_WITHIN
        while loop.time() < give_up_at and process.returncode is None:
            try:
                await loop.sock_sendall(client, request)
                response = await asyncio.wait_for(loop.sock_recv(client, 2048), REPEAT_AFTER)
                if response[8:20] == request[8:20]:
                    return True
            except ConnectionRefusedError:
                await asyncio.sleep(REPEAT_AFTER)
            except asyncio.TimeoutError:
                pass
    return False
