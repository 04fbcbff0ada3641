"""What to type next: the commands that lead on from a night, with its configuration and day filled in."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from jobs import calling
from jobs.settings import Evaluation


def next_steps(config: Path, settings: Evaluation, day: date) -> list[str]:
    """A line for each command, the words behind it say what it tells."""
    steps = list(_steps(shlex.quote(str(config)), settings, day))
    widest = max(len(command) for command, _ in steps)
    heads = ["next:", *["     "] * len(steps)]
    return [f"{head} {command:<{widest}}  # {told}" for head, (command, told) in zip(heads, steps, strict=False)]


def _steps(config: str, settings: Evaluation, day: date) -> Iterator[tuple[str, str]]:
    of_day = f"{config} --date {day}"
    yield calling.lossledger(f"report {of_day} -o report.html"), "all of it as one page to forward"
    if settings.dimensions:
        yield calling.lossledger(f"worst {of_day} --calibration"), "where predictions are too high or too low"
    if settings.comparisons:
        yield calling.lossledger(f"compare {of_day}"), "which model is better, and by how much"
    query = f"SELECT * FROM slice_metrics WHERE event_date = '{day}'"
    yield calling.lossledger(f'sql {config} "{query}"'), "every number of every slice"
