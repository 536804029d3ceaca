"""The other ICE implementations: how to start their programs, or why that cannot be."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = HERE / ".tools"


@dataclass(frozen=True)
class Implementation:
    """A program that speaks our JSON lines for another implementation; without a command it is absent."""

    name: str
    command: tuple = ()
    absence: str = ""
    chooses_nomination: bool = True


def aioice():
    python = TOOLS / "venv" / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import aioice"], stderr=subprocess.DEVNULL).returncode:
        return Implementation("aioice", absence="it is not installed")
    return Implementation("aioice", (str(python), str(HERE / "peers" / "aioice_peer.py")), chooses_nomination=False)


def ourselves(program):
    """Another ice-peer, for what the others do not have."""
    return Implementation("ice-peer", (str(program), "--loopback"))


def libnice():
    try:
        return Implementation("libnice", (str(nice_peer()),))
    except (OSError, subprocess.CalledProcessError) as error:
        words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return Implementation("libnice", absence=f"its peer cannot be built ({words[0] if words else error})")


def nice_peer():
    """Builds the program, where it is older than its source."""
    source, program = HERE / "peers" / "nice_peer.c", TOOLS / "nice_peer"
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    TOOLS.mkdir(exist_ok=True)
    flags = output("pkg-config", "--cflags", "--libs", "nice", "json-glib-1.0", "gio-unix-2.0").split()
    output("cc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-o", program, source, *flags)
    return program


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
