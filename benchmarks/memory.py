"""A process and its descendants, watched: the most memory of the largest of them, and of all together."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

EVERY, TOGETHER_EVERY = 0.1, 5  # seconds; of so many looks one, as what is shared is dear to tell
MIB = 2**20


@dataclass
class Peaks:
    """MiB: `largest` of one process (RSS), `together` of all of them, what they share counted once (PSS)."""

    largest: float = 0.0
    together: float = 0.0

    def see(self, pid: int, *, together: bool) -> None:
        """Look once."""
        self.largest = max([self.largest, *told(pid, lambda process: process.memory_info().rss)])
        if together:
            self.together = max(self.together, sum(told(pid, lambda process: process.memory_full_info().pss)))


def told(pid: int, what: Callable[[psutil.Process], int]) -> Iterator[float]:
    """What each process of a tree tells, in MiB; those that end meanwhile are left out."""
    try:
        tree = [root := psutil.Process(pid), *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        try:
            yield what(process) / MIB
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def watched(process: subprocess.Popen[str], limit: float) -> Peaks:
    """Watch until the process ends; its output has to go where nobody waits for it.

    Raises:
        TimeoutError: It took longer than so many seconds, and was ended with all its descendants.
    """
    peaks, looks, until = Peaks(), 0, time.monotonic() + limit
    while process.poll() is None:
        if time.monotonic() > until:
            end(process)
            raise TimeoutError
        looks += 1
        # A short one is looked at from the beginning.
        peaks.see(process.pid, together=looks < TOGETHER_EVERY or looks % TOGETHER_EVERY == 0)
        time.sleep(EVERY)
    return peaks


def end(process: subprocess.Popen[str]) -> None:
    """End a process and its descendants, also where all of their threads wait for one another."""
    for each in [*psutil.Process(process.pid).children(recursive=True), process]:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
