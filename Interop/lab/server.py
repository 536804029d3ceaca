"""coturn on the public segment, for STUN and TURN over both address families, over UDP, TCP, and TLS on port 443."""

import asyncio
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from coturn import PASSWORD, USER, make_certificate  # noqa: E402
from network import SERVER_4, SERVER_6  # noqa: E402
from spaces import LabError  # noqa: E402

PORT, TLS_PORT = 3478, 443
LISTENS_WITHIN = 10.0


def prepare(folder):
    """Makes a certificate that serves all laboratories: their addresses are the same."""
    make_certificate(folder, SERVER_4, SERVER_6)


class Server:
    """A coturn in the namespace `server`, which can be started anew."""

    def __init__(self, spaces, folder, gives_tickets):
        """The folder has a certificate, by `prepare`; the tickets are those of RFC 8016."""
        self._spaces = spaces
        self._folder = folder
        self._gives_tickets = gives_tickets
        self._process = None

    async def start(self):
        folder = self._folder
        self._process = await self._spaces.spawn(
            "server", "turnserver", "-n", f"--listening-ip={SERVER_4}", f"--listening-ip={SERVER_6}",
            f"--relay-ip={SERVER_4}", f"--relay-ip={SERVER_6}", f"--listening-port={PORT}",
            f"--tls-listening-port={TLS_PORT}", f"--cert={folder}/cert.pem", f"--pkey={folder}/key.pem",
            "--lt-cred-mech", f"--user={USER}:{PASSWORD}", "--realm=lab", "--no-cli", "--no-rfc5780", "--relay-threads=1",
            *(["--mobility"] if self._gives_tickets else []),
            f"--userdb={folder}/users-{id(self)}.db", "--log-file=stdout", f"--pidfile={folder}/turnserver-{id(self)}.pid",
        )  # fmt: skip
        give_up_at = time.monotonic() + LISTENS_WITHIN
        while not await self._listens():
            if time.monotonic() > give_up_at or self._process.returncode is not None:
                raise LabError("coturn does not start")
            await asyncio.sleep(0.05)

    async def _listens(self):
        sockets = await self._spaces.script("server", ["ss -Hlnut"])
        wanted = [f"{SERVER_4}:{PORT}", f"[{SERVER_6}]:{PORT}", f"{SERVER_4}:{TLS_PORT}"]
        return all(address in sockets for address in wanted)

    async def stop(self):
        await self._spaces.end(self._process)

    def flags(self, uplinks, has_relays=True):
        """How a program in a host with these uplinks is told of the server, and of its relays."""
        hosts = [SERVER_4] if any(uplink.family == 4 for uplink in uplinks) else []
        hosts += [f"[{SERVER_6}]"] if any(uplink.family == 6 for uplink in uplinks) else []
        flags = ["--turn-user", USER, "--turn-password", PASSWORD, "--turn-ca", f"{self._folder}/cert.pem"]
        for host in hosts:
            flags += ["--stun", f"{host}:{PORT}"]
            if not has_relays:
                continue
            flags += ["--turn", f"turn:{host}:{PORT}?transport=udp"]
            if any(uplink.passes != "all" for uplink in uplinks):
                flags += ["--turn", f"turn:{host}:{PORT}?transport=tcp", "--turn", f"turns:{host}:{TLS_PORT}?transport=tcp"]
        return flags
