"""The programs that are measured, and those beside them: how each is built, or why it is absent."""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path.append(str(HERE.parent / "Interop"))
from implementations import GO_COMPILER, TOOLS  # noqa: E402

BUILT = HERE / ".build" / "beside"
CORES = HERE / ".build" / "cores"
BUILT_WITHIN = 900.0


@dataclass(frozen=True)
class Program:
    """A command line to which arguments are added; without one it is absent."""

    name: str
    command: tuple = ()
    absence: str = ""

    def __call__(self, *arguments):
        return [*self.command, *map(str, arguments)]


def build_ours():
    """What sees public API alone, and what measures a core from within, which the library's manifest has under a variable."""
    build("--package-path", HERE)
    build("--package-path", HERE.parent, "--scratch-path", CORES, "--product", "bench-codec", SWIFT_ICE_BENCHMARKS="yes")


def build(*arguments, **variables):
    command = ["swift", "build", "--configuration", "release", *arguments]
    outcome = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | variables
    )
    if outcome.returncode:
        sys.exit(outcome.stdout)


def ours(name):
    place = CORES if name == "codec" else HERE / ".build"
    return Program(f"swift-ice, {name}", (str(place / "release" / f"bench-{name}"),))


@cache
def baseline(name, *packages):
    """A bare C program of Baselines."""
    return compiled(name, HERE / "Baselines" / f"{name}.c", lambda: c_compiler(packages))


@cache
def peers():
    """The other implementations."""
    return [libjuice(), libnice(), pion(), aioice()]


def libjuice():
    library = TOOLS / "libjuice.a"
    if not library.exists():
        return Program("libjuice", absence="it is not installed")
    return compiled("libjuice", HERE / "Peers" / "juice_calls.c", lambda: c_compiler((), [str(library), "-lpthread"]))


def libnice():
    return compiled("libnice", HERE / "Peers" / "nice_calls.c", lambda: c_compiler(("nice",)))


def pion():
    return compiled("pion", HERE / "Peers" / "pion_calls.go", lambda: GO_COMPILER)


def aioice():
    python = TOOLS / "venv" / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import aioice"], stderr=subprocess.DEVNULL).returncode:
        return Program("aioice", absence="it is not installed")
    return Program("aioice", (str(python), str(HERE / "Peers" / "aioice_calls.py")))


def compiled(name, source, compiler):
    """The program that is made from the source, where it is older than what lies beside that."""
    program = BUILT / source.stem
    try:
        newest = max(path.stat().st_mtime for path in source.parent.iterdir())
        if not program.exists() or program.stat().st_mtime <= newest:
            BUILT.mkdir(parents=True, exist_ok=True)
            command, libraries = compiler()
            output(*command, "-o", program, source, *libraries)
        return Program(name, (str(program),))
    except (OSError, subprocess.SubprocessError) as error:
        words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        return Program(name, absence=f"it cannot be built ({words[0] if words else error})")


def c_compiler(packages, libraries=()):
    """A C compiler's command line up to the source, and what follows it."""
    flags = output("pkg-config", "--cflags", "--libs", *packages).split() if packages else []
    return ["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra"], [*libraries, *flags]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=BUILT_WITHIN).stdout
