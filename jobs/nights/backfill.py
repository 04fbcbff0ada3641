"""A plan that is run: day after day, of each the youngest age first, in one session; what is done stays done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

from jobs import nights
from jobs.nights import HOW, Ended, named
from jobs.planning.plan import Plan, Planned
from jobs.safe_text import printable
from jobs.settings import Evaluation
from jobs.settings.durations import age_text
from jobs.storage.change import DayAtAge
from jobs.surfaces import gates, plans

NOT_THERE = 4
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Filled:
    """One night of a backfill.

    Attributes:
        night: What was planned.
        ended: How its run ended, or None where there was none.
        seconds: How long that took.
    """

    night: Planned
    ended: Ended | None = None
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """Of its run; a day that has no logs is not there yet, one that is not due is not asked of anybody."""
        if self.ended is not None:
            return self.ended.exit_code
        return NOT_THERE if self.night.state == "not_there" else 0

    @property
    def facts(self) -> dict[str, Any]:
        """The night as plain values: what was planned, and what a run of it found, in short."""
        told = {
            "event_date": self.night.part.event_date.isoformat(),
            "age_hours": self.night.part.age_hours,
            "state": self.night.state,
            "why": list(self.night.why),
            "exit_code": self.exit_code,
            "ran": self.ended is not None,
        }
        if self.ended is None:
            return told
        kept = ("run_id", "error", "provisional", "warnings")
        return {**told, "seconds": self.seconds, **{k: v for k, v in self.ended.facts.items() if k in kept}}


def filled(
    session: SparkSession, settings: Evaluation, made: Plan, *, code: bool = False, tell: Tell | None = None
) -> Iterator[Filled]:
    """Evaluate what a plan has to run, in its order; the others come back as they are.

    A night that fails does not stop the others. Nothing but the plan is remembered: what was done before a stop is
    `unchanged` in the next plan.

    Args:
        session: Of the engine.
        settings: What is configured.
        made: The plan.
        code: Whether also what only other code has made.
        tell: Told of the progress.
    """
    return each(made.nights, made.to_run(code=code), lambda part: nights.ended(session, settings, part), tell)


def each(
    planned: Sequence[Planned], to_run: Sequence[Planned], run: Callable[[DayAtAge], Ended], tell: Tell | None
) -> Iterator[Filled]:
    """Run some of the nights in the order of all, and tell how long the others may take.

    Args:
        planned: All of them; what is not run comes back as it is.
        to_run: Those that are run.
        run: What is done for a day at an age.
        tell: Told of the progress.
    """
    took: list[float] = []
    for night in planned:
        if night not in to_run:
            yield Filled(night)
            continue
        began = time.perf_counter()
        ended = run(night.part)
        took.append(time.perf_counter() - began)
        one = Filled(night, ended, round(took[-1], 3))
        if tell is not None:
            tell(_progress(one, took, to_run))
        yield one


def _progress(one: Filled, took: Sequence[float], to_run: Sequence[Planned]) -> str:
    """A line for a night that ended, with the time that the others may take by those that were run."""
    left = len(to_run) - len(took)
    lasts = f", {plans.duration(left * sum(took) / len(took))} left" if left else ""
    how = HOW[one.exit_code]
    return f"[{len(took)}/{len(to_run)}] {named(one.night.part)}, {one.night.state}: {how}, {one.seconds:.1f} s{lasts}"


def show(found: Sequence[Filled], seconds: float, verb: str = "backfill") -> None:
    """Print a row for each night, and a sentence about all."""
    console = Console(highlight=False)
    table = Table("day", "age", "state", "result", "rows", "seconds", "note")
    for one in found:
        table.add_row(*_row(one))
    console.print(table, markup=False)
    ran = Counter(HOW[one.exit_code] for one in found if one.ended is not None)
    left = Counter(one.night.state.replace("_", " ") for one in found if one.ended is None)
    told = ", ".join(f"{count} {what}" for what, count in (*ran.items(), *left.items()))
    console.print(f"{verb}: {told}; {plans.duration(seconds)}", soft_wrap=True, markup=False)


def _row(one: Filled) -> tuple[str, ...]:
    part, state = one.night.part, one.night.state.replace("_", " ")
    head = (str(part.event_date), age_text(part.age_hours), state)
    if one.ended is None:
        return (*head, "", "", "", printable("; ".join(one.night.why)))
    outcome = one.ended.outcome
    if outcome is None:
        return (*head, HOW[one.exit_code], "", f"{one.seconds:.1f}", "")
    judged = [] if outcome.gates is None else gates.plain(outcome.gates)
    failing = sum(row["fails"] for row in judged)
    note = f"{failing} of {len(judged)} gates fail" if judged else ""
    return (*head, HOW[one.exit_code], f"{outcome.ledger.scored:,}", f"{one.seconds:.1f}", note)
