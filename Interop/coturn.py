"""A coturn of our own on free ports of 127.0.0.1, for the calls that ask a STUN server or go over a relay."""

import asyncio
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass

ADDRESS = "127.0.0.1"
TRIES = 5
ANSWERS_WITHIN = 5.0
REPEAT_AFTER = 0.05
USER, PASSWORD = "interop", "not-a-secret"


@dataclass(frozen=True)
class Server:
    """Where a running coturn is reached, in the clear and under TLS, and the certificate to trust."""

    clear: str
    secure: str
    certificate: str

    def relay_flags(self, transport):
        is_secure = transport in ("tls", "dtls")
        flags = ["--relay-only", "--turn", self.secure if is_secure else self.clear, "--turn-transport", transport]
        flags += ["--turn-user", USER, "--turn-password", PASSWORD]
        return flags + (["--turn-ca", self.certificate] if is_secure else [])


def is_installed():
    return shutil.which("turnserver") is not None


@asynccontextmanager
async def running_coturn():
    """A coturn that answers; it is gone when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(folder, ADDRESS)
        for _ in range(TRIES):
            async with coturn_on(free_port(), folder) as server:
                # Somebody else may have taken the port in between.
                if server:
                    yield server
                    return
    raise RuntimeError("coturn does not start")


@asynccontextmanager
async def coturn_on(port, folder):
    """A coturn on this port; None when it does not answer."""
    secure_port = free_port()
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", f"--listening-ip={ADDRESS}", f"--relay-ip={ADDRESS}", f"--listening-port={port}",
        f"--tls-listening-port={secure_port}", f"--cert={folder}/cert.pem", f"--pkey={folder}/key.pem",
        "--lt-cred-mech", f"--user={USER}:{PASSWORD}", "--realm=interop", "--allow-loopback-peers",
        "--no-cli", "--no-multicast-peers", "--no-rfc5780",
        "--log-file=stdout", f"--pidfile={folder}/turnserver.pid",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        server = Server(f"{ADDRESS}:{port}", f"{ADDRESS}:{secure_port}", f"{folder}/cert.pem")
        yield server if await answers(port, process) else None
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def make_certificate(folder, *addresses):
    """A certificate for these addresses that nobody but its own file vouches for."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-subj", "/CN=interop",
         "-addext", "subjectAltName=" + ",".join(f"IP:{address}" for address in addresses)],
        check=True, capture_output=True,
    )  # fmt: skip


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
