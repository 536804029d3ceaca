"""Debian's Chromium, and Playwright from PyPI, which drives it: where they are, or why they are not."""

import shutil
import subprocess
from pathlib import Path

# The Python that has Playwright; Scripts/setup test makes it.
PYTHON = Path(__file__).resolve().parent / ".tools" / "venv" / "bin" / "python"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def program():
    """The browser's program; nothing where none is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def absence():
    """Why no browser can be driven; empty when one can."""
    if not program():
        return "Chromium is not installed"
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", "import playwright"], stderr=subprocess.DEVNULL).returncode:
        return "Playwright is not installed"
    return ""
