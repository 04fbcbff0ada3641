"""Days made again from their sums by the definitions of now; what cannot be is told before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from pyspark.sql import SparkSession

from jobs import calling
from jobs.engines import failures
from jobs.errors import ContractError, Problem
from jobs.ledger.runs import code_hash
from jobs.nights import Ended, backfill, named
from jobs.nights.again import made_again_of
from jobs.nights.backfill import Filled, Tell
from jobs.planning import changed, plan
from jobs.planning.plan import Known, Planned
from jobs.results.recorded import recorded
from jobs.settings import Evaluation
from jobs.settings.durations import age_text
from jobs.sql.known import known
from jobs.storage.change import DayAtAge

TOLD: Final = 20  # days that are told, of those that cannot be made again


@dataclass(frozen=True)
class Refresh:
    """What there is to make again of some days, in the order in which they refer to each other.

    Attributes:
        nights: Every day and age: `config_changed`, `code_changed` or `in_doubt` where it is made again, `refused`
            where that takes its rows, `unchanged`, or `new` where it was never evaluated.
    """

    nights: tuple[Planned, ...]

    @property
    def to_run(self) -> list[Planned]:
        """What is made again."""
        return [night for night in self.nights if night.refresh]

    @property
    def refused(self) -> list[Planned]:
        """What cannot be."""
        return [night for night in self.nights if night.state == "refused"]

    def check(self) -> None:
        """Raise ContractError (exit 2) where a day cannot be made again, with what it lacks and what mends it."""
        if self.refused:
            summary = f"{len(self.refused):,} of {len(self.nights):,} nights cannot be made again from their sums"
            problems = [_problem(night) for night in self.refused[:TOLD]]
            raise ContractError(f"{summary}; nothing was written", problems)

    @property
    def facts(self) -> dict[str, Any]:
        """The same as plain values."""
        nights = [{**Filled(night).facts, "refresh": night.refresh} for night in self.nights]
        return {"exit_code": 2 if self.refused else 0, "nights": nights}


def _problem(night: Planned) -> Problem:
    day, age = night.part.event_date, age_text(night.part.age_hours)
    mend = calling.lossledger(f"backfill CONFIG --from {day} --to {day} --ages {age}")
    expected = f"sums of all that is configured; evaluate its rows: {mend}"
    return Problem(named(night.part), "; ".join(night.why), expected)


def asked(  # noqa: PLR0913 - of which days, and how
    session: SparkSession, settings: Evaluation, first: date, last: date, hours: Sequence[int], *, code: bool = False
) -> Refresh:
    """What there is to make again of the days from the first to the last at some ages. No log is listed or opened.

    Args:
        session: Of the engine.
        settings: What is configured.
        first: The first day.
        last: The last day.
        hours: The ages.
        code: Whether also what only another version of the code has made of the sums, which may have more metrics.
    """
    of_tables, _ = known(session, settings, first, last)
    decided = (_decided(settings, each, of_tables.get(each), code=code) for each in plan.parts(first, last, hours))
    return Refresh(tuple(_looked_at(session, settings, night) for night in decided))


def refreshed(
    session: SparkSession, settings: Evaluation, of: Refresh, *, tell: Tell | None = None
) -> Iterator[Filled]:
    """Make days again, in their order; the others come back as they are. One that fails does not stop the others.

    Args:
        session: Of the engine.
        settings: What is configured.
        of: What there is to do.
        tell: Told of the progress.

    Raises:
        ContractError: One of them cannot be made again; nothing was written (exit 2).
    """
    of.check()
    return backfill.each(of.nights, of.to_run, lambda part: _ended(session, settings, part), tell)


def _ended(session: SparkSession, settings: Evaluation, part: DayAtAge) -> Ended:
    try:
        return Ended(part, made_again_of(session, settings, part))
    except Exception as error:
        return Ended(part, error=failures.explained(error))


def _decided(settings: Evaluation, part: DayAtAge, known: Known | None, *, code: bool) -> Planned:
    """What there is to do for a day at an age, by what `runs` says."""
    if known is None or (known.sums is None and known.done is None and not known.in_doubt):
        return Planned(part, "new", ("never evaluated",))
    if known.sums is None:
        return Planned(part, "refused", ("its sums are of several runs, or of one that was killed or is under way",))
    state, why = _changed(settings, known, code=code)
    rows = () if state == "unchanged" else known.sums.needing_rows(settings)
    if rows:
        return Planned(part, "refused", (f"its rows are needed for {', '.join(rows)}",))
    return Planned(part, state, why, refresh=state != "unchanged")


def _changed(settings: Evaluation, known: Known, *, code: bool) -> tuple[str, tuple[str, ...]]:
    """What is no longer as it was when all else was made of the sums."""
    done = known.done
    if done is None or known.in_doubt:
        return "in_doubt", ("a run was killed, and its sums are whole",)
    sections = changed.sections(settings, done.config, done.config_hash)
    if sections:
        return "config_changed", (f"the configuration: {', '.join(sections)}",)
    if code and done.code_hash != code_hash():
        return "code_changed", ("made by another version of the code",)
    return "unchanged", ()


def _looked_at(session: SparkSession, settings: Evaluation, night: Planned) -> Planned:
    """The same, refused where its sums are not what `runs` lets expect, as where one was not recorded."""
    if not night.refresh:
        return night
    try:
        recorded(session, settings, night.part)
    except ContractError as error:
        found = tuple(f"{problem.place}: {problem.found}" for problem in error.problems) or (error.summary,)
        return replace(night, state="refused", why=found, refresh=False)
    return night
