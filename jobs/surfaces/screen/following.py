"""What to type next: the commands that lead on from a night, with its configuration and day filled in."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from jobs import calling
from jobs.settings import Evaluation
from jobs.settings.durations import age_text


def next_steps(
    config: Path, settings: Evaluation, day: date, age_hours: int | None = None, overrides: Sequence[str] = ()
) -> list[str]:
    """A line for each command, the words behind it say what it tells.

    Args:
        config: Where the configuration is.
        settings: What is configured.
        day: The day that was evaluated.
        age_hours: The age that was asked for, if one was.
        overrides: The settings that were overridden.
    """
    steps = list(_steps(settings, _Night(shlex.quote(str(config)), day, age_hours, tuple(overrides))))
    widest = max(len(command) for command, _ in steps)
    heads = ["next:", *["     "] * len(steps)]
    return [f"{head} {command:<{widest}}  # {told}" for head, (command, told) in zip(heads, steps, strict=False)]


class _Night(NamedTuple):
    """What was evaluated, as the words of a command: of the same settings, and at the same age."""

    config: str
    day: date
    age_hours: int | None
    overrides: tuple[str, ...]

    @property
    def evaluation(self) -> str:
        return " ".join((self.config, *(f"--set {shlex.quote(each)}" for each in self.overrides)))

    @property
    def itself(self) -> str:
        age = "" if self.age_hours is None else f" --age {age_text(self.age_hours)}"
        return f"{self.evaluation} --date {self.day}{age}"


def _steps(settings: Evaluation, night: _Night) -> Iterator[tuple[str, str]]:
    of_day = night.itself
    yield calling.lossledger(f"report {of_day} -o report.html"), "all of it as one page to forward"
    if settings.dimensions:
        yield calling.lossledger(f"worst {of_day} --calibration"), "where predictions are too high or too low"
    if settings.comparisons:
        yield calling.lossledger(f"compare {of_day}"), "which model is better, and by how much"
    query = f"SELECT * FROM slice_metrics WHERE event_date = '{night.day}'"
    yield calling.lossledger(f'sql {night.evaluation} "{query}"'), "every number of every slice"
