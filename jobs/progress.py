"""Progress: a line for each stage, as a live spinner on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console


@dataclass
class Progress:
    """Stage n of m, rows and seconds, on stderr, so that stdout holds results only."""

    stages: int
    quiet: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    console: Console = field(default_factory=lambda: Console(file=sys.stderr, highlight=False))
    note: str = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        """Time a stage; `note` set inside it is shown behind its seconds."""
        self.note = ""
        head = f"[{len(self.seconds) + 1}/{self.stages}] {name}"
        began = time.perf_counter()
        if self.console.is_terminal and not self.quiet:
            with self.console.status(head):
                yield self
        else:
            yield self
        self.seconds[name] = round(time.perf_counter() - began, 3)
        if not self.quiet:
            self.console.print(f"{head}: {self.seconds[name]:.1f} s{self.note and ', ' + self.note}")
