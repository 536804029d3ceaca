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
    # Whether it settles with the other agent who has which role when both claim the same one (RFC 8445 §7.3.1.1).
    settles_roles: bool = True
    restarts: bool = False
    # Whether over TCP it does not know its pair, and sends safely only on a thread of its own: what it has to say are echoes.
    only_echoes_over_tcp: bool = False


def aioice():
    python = TOOLS / "venv" / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import aioice"], stderr=subprocess.DEVNULL).returncode:
        return Implementation("aioice", absence="it is not installed")
    return Implementation("aioice", (str(python), str(HERE / "peers" / "aioice_peer.py")), chooses_nomination=False)


def ourselves(program, *flags):
    """Another ice-peer, for what the others do not have."""
    return Implementation("ice-peer", (str(program), "--loopback", *flags))


def libnice():
    return built("libnice", "nice_peer.c", lambda: c_compiler("nice", "json-glib-1.0", "gio-unix-2.0"), restarts=True)


def libjuice():
    library = TOOLS / "libjuice.a"
    if not library.exists():
        return Implementation("libjuice", absence="it is not installed")
    compiler = lambda: c_compiler("json-glib-1.0", libraries=[library, "-lpthread"])
    return built("libjuice", "juice_peer.c", compiler, chooses_nomination=False, only_echoes_over_tcp=True)


def pion():
    """pion, as Debian has it: sources below a GOPATH, which a Go without modules compiles in place."""
    return built("pion", "pion_peer.go", lambda: GO_COMPILER, chooses_nomination=False, settles_roles=False, restarts=True)


GO_SOURCES = Path("/usr/share/gocode")
GO_COMPILER = (
    ["env", "GO111MODULE=off", "GOFLAGS=", "GOPROXY=off", f"GOPATH={GO_SOURCES}", f"GOCACHE={TOOLS / 'go-cache'}"]
    + ["go", "build"],
    [],
)


def built(name, source, compiler, **abilities):
    """The implementation whose program is made from the source, where it is older than that."""
    source, program = HERE / "peers" / source, TOOLS / Path(source).stem
    try:
        newest = max(path.stat().st_mtime for path in source.parent.iterdir())
        if not program.exists() or program.stat().st_mtime <= newest:
            TOOLS.mkdir(exist_ok=True)
            command, libraries = compiler()
            output(*command, "-o", program, source, *libraries)
        return Implementation(name, (str(program),), **abilities)
    except (OSError, subprocess.SubprocessError) as error:
        words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return Implementation(name, absence=f"its peer cannot be built ({words[0] if words else error})")


def c_compiler(*packages, libraries=()):
    """A C compiler's command line up to the source, and what follows it."""
    flags = output("pkg-config", "--cflags", "--libs", *packages).split()
    return ["cc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra"], [*libraries, *flags]


BUILT_WITHIN = 300.0


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=BUILT_WITHIN).stdout
