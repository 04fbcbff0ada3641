"""How our command and Python are called from here: advice names only what exists where it is read."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def lossledger(arguments: str = "") -> str:
    """Return the command line of the command that belongs to this Python, which need not be on PATH."""
    return f"{_command()} {arguments}".rstrip()


def pip(packages: str) -> str:
    """Return the command line that installs packages for this Python."""
    return f"{_shown(Path(sys.executable))} -m pip install {packages}"


def _command() -> str:
    beside = Path(sys.executable).with_name("lossledger")
    if not beside.is_file():
        return f"{_shown(Path(sys.executable))} -m jobs"
    on_path = shutil.which("lossledger")
    return "lossledger" if on_path is not None and Path(on_path).samefile(beside) else _shown(beside)


def _shown(path: Path) -> str:
    """The shorter of a path and the way to it from here."""
    return shlex.quote(min(str(path), os.path.relpath(path), key=len))
