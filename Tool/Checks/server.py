"""A coturn of our own on free ports of 127.0.0.1, as wrong as a check wants it."""

import asyncio
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Interop"))

import coturn  # noqa: E402

ADDRESS = coturn.ADDRESS
SECOND_ADDRESS = "127.0.0.2"
USER, PASSWORD = coturn.USER, coturn.PASSWORD
ALLOWED = "--allow-loopback-peers"


@dataclass(frozen=True)
class Server:
    """Where a running coturn is reached, in the clear and under TLS, and the certificate to trust."""

    clear: str
    secure: str
    certificate: str


@asynccontextmanager
async def running_coturn(*flags, is_expired=False, discovery=False):
    """A coturn with these flags that answers; it is gone when the block ends. For discovery it has a second address and port (RFC 5780)."""
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(folder, is_expired)
        for _ in range(coturn.TRIES):
            port, secure_port = coturn.free_port(), coturn.free_port()
            second = (
                [f"--listening-ip={SECOND_ADDRESS}", f"--alt-listening-port={coturn.free_port()}", "--no-tls", "--no-dtls"]
                if discovery
                else ["--no-rfc5780"]
            )
            process = await asyncio.create_subprocess_exec(
                "turnserver", "-n", f"--listening-ip={ADDRESS}", f"--relay-ip={ADDRESS}", f"--listening-port={port}",
                f"--tls-listening-port={secure_port}", f"--cert={folder}/cert.pem", f"--pkey={folder}/key.pem",
                "--lt-cred-mech", f"--user={USER}:{PASSWORD}", "--realm=check", "--no-cli", "--no-multicast-peers",
                *second, "--log-file=stdout", f"--pidfile={folder}/turnserver.pid", *flags,
                stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                # Somebody else may have taken the port in between.
                if await coturn.answers(port, process):
                    yield Server(f"{ADDRESS}:{port}", f"{ADDRESS}:{secure_port}", f"{folder}/cert.pem")
                    return
            finally:
                if process.returncode is None:
                    process.terminate()
                await process.wait()
    raise RuntimeError("coturn does not start")


def make_certificate(folder, is_expired):
    """A certificate for 127.0.0.1 that nobody but its own file vouches for; one that ended in 2001 where it is to be expired."""
    coturn.make_certificate(folder, ADDRESS)
    if not is_expired:
        return
    (Path(folder) / "index.txt").touch()
    (Path(folder) / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\nrand_serial=yes\n"
        f"default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n[names]\nsubjectAltName=IP:{ADDRESS}\n"
    )
    run = lambda *command: subprocess.run(command, check=True, capture_output=True)  # noqa: E731
    run("openssl", "req", "-new", "-key", f"{folder}/key.pem", "-subj", "/CN=check", "-out", f"{folder}/request.pem")
    run("openssl", "ca", "-batch", "-selfsign", "-config", f"{folder}/ca.cnf", "-extensions", "names", "-notext",
        "-keyfile", f"{folder}/key.pem", "-in", f"{folder}/request.pem", "-out", f"{folder}/cert.pem",
        "-startdate", "20000101000000Z", "-enddate", "20010101000000Z")  # fmt: skip
