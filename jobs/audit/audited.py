"""An audit: days at ages, the proofs of each, and what follows from all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pyspark.sql import SparkSession

from jobs.audit.evidence import gathered
from jobs.audit.registry import PROOFS, proven
from jobs.audit.statement import NOT_PROVEN, WRONG, Verdict
from jobs.day import Day
from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.settings import Evaluation
from jobs.settings.durations import age_text
from jobs.storage.change import DayAtAge

CELLS: Final = 10  # that are computed again where nothing is said


@dataclass(frozen=True)
class Audited:
    """A day at an age, and what was proven of it.

    Attributes:
        part: The day and its age.
        run_id: The run that counts, or None.
        verdicts: One of every proof; of a day that is not in the tables, none.
        absent: Why there is nothing to prove, or None.
        due: Whether it should be in the tables by now.
    """

    part: DayAtAge
    run_id: str | None
    verdicts: tuple[Verdict, ...] = ()
    absent: str | None = None
    due: bool = True

    @property
    def exit_code(self) -> int:
        """1 where something is wrong, 4 where a proof could not be made or the day is not there, else 0."""
        states = {each.state for each in self.verdicts}
        if WRONG in states:
            return 1
        return 4 if NOT_PROVEN in states or (self.absent is not None and self.due) else 0

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "event_date": self.part.event_date.isoformat(),
            "age_hours": self.part.age_hours,
            "exit_code": self.exit_code,
            "run_id": self.run_id,
            "absent": self.absent,
            "proofs": [each.facts for each in self.verdicts],
        }

    @property
    def name(self) -> str:
        """The day and its age, as people are told of them."""
        return f"{self.part.event_date} at age {age_text(self.part.age_hours)}"


def audited(
    session: SparkSession,
    settings: Evaluation,
    parts: Sequence[DayAtAge],
    *,
    sample: int = CELLS,
    without: Collection[str] = (),
) -> Iterator[Audited]:
    """Every day at an age with what can be proven of it; nothing is written.

    Args:
        session: Of the engine.
        settings: What is configured: where the tables are. Each day is judged by the configuration of its own run.
        parts: The days and ages.
        sample: How many cells of each are computed again from the logs; none leaves that proof out.
        without: The proofs that are left out.

    Raises:
        ConfigurationError: There is no such proof, or the configuration of a run cannot be read any more (exit 2).
        ContractError: A table is damaged (exit 2).
    """
    check_proofs(without)
    left_out = {*without, *(() if sample else ("sample",))}
    for part in parts:
        found = gathered(session, settings, part, sample)
        run_id = None if found.run is None else found.run["run_id"]
        if found.holds_rows or found.run is not None:
            yield Audited(part, run_id, proven(found, left_out))
            continue
        due = datetime.now(UTC) >= Day(part.event_date, settings.day.timezone).as_of(part.age_hours)
        yield Audited(part, None, (), "it is not in the tables" if due else "its age is not reached yet", due)


def check_proofs(names: Collection[str]) -> None:
    """Raise ConfigurationError (exit 2) for a name that no proof has."""
    problems = [
        Problem("--without", repr(n), one_of(PROOFS), nearest_match(n, PROOFS)) for n in names if n not in PROOFS
    ]
    if problems:
        raise ConfigurationError("there is no such proof", problems)


def worst(found: Collection[Audited]) -> int:
    """The exit code of several days: what is wrong before what could not be proven."""
    codes = {each.exit_code for each in found}
    return next((code for code in (1, 4) if code in codes), 0)


def lines(found: Collection[Audited]) -> Iterator[str]:
    """What was proven, for people: a line for each day, below it what is wrong and what is open, then one of all."""
    for each in found:
        yield f"{each.name}: {each.absent or _counted(each.verdicts)}"
        for of in each.verdicts:
            yield from (f"  {of.proof} WRONG: {finding}" for finding in of.findings)
            if of.wrong > len(of.findings):
                yield f"  {of.proof} WRONG: {of.wrong - len(of.findings):,} more"
            yield from (f"  {of.proof} not proven: {sentence}" for sentence in of.open)
    every = [of for each in found for of in each.verdicts]
    absent = sum(each.absent is not None for each in found)
    there = f"; {absent} of {len(found)} days and ages are not there" if absent else ""
    yield f"audit: {_counted(every) if every else 'nothing to prove'}{there}"


def _counted(verdicts: Collection[Verdict]) -> str:
    counts: dict[str, int] = {}
    for each in verdicts:
        counts[each.state] = counts.get(each.state, 0) + 1
    compared = sum(each.compared for each in verdicts)
    told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items())
    return f"{told} ({compared:,} values compared)"
