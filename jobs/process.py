"""Processes: what tells this one from every other, and whether another one still runs."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
# Places in /proc/PID/stat, counted from behind the name of the program: its state, and when it began since the boot.
STATE, BEGAN = 0, 19


class Process(NamedTuple):
    """A process: its host and number for people, and what no other process has, where the system tells that."""

    host: str
    pid: int
    birth: str | None = None

    def __str__(self) -> str:
        """Return the process as people look for it."""
        return f"process {self.pid} on {self.host}"


def this() -> Process:
    """The process that asks."""
    pid = os.getpid()
    return Process(socket.gethostname(), pid, _birth(pid))


def is_running(process: Process) -> bool | None:
    """Whether a process still runs; None where that cannot be known from here, as it is on another host.

    >>> is_running(this()), is_running(this()._replace(birth=None))
    (True, None)
    """
    own = this().birth
    if process.birth is None or own is None or _kernel(process.birth) != _kernel(own):
        return None
    return _birth(process.pid) == process.birth


def _kernel(birth: str) -> str:
    """Which boot of which kernel, and which numbering of processes, a birth is of."""
    return birth.rpartition("/")[0]


def _birth(pid: int) -> str | None:
    """The boot, the numbering of processes and the moment in which a process began; None where it is gone."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        numbering = os.readlink(PROC / "self/ns/pid")
        told = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # One that ended and that nobody has asked for its end is a zombie.
    return None if told[STATE] in "ZX" else f"{boot}/{numbering}/{told[BEGAN]}"
