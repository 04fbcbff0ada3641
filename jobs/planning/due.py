"""Which days fall due at which ages with a day, and which of them runs have begun or done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import calling
from jobs.day import dates
from jobs.engines.identity import engine_of
from jobs.ledger.tables import RUNS
from jobs.planning.history import LOOKS_BACK
from jobs.settings import Evaluation
from jobs.settings.durations import age_text
from jobs.storage import lake
from jobs.storage.change import DayAtAge

DAY_HOURS = 24


@dataclass(frozen=True)
class Begun:
    """The days and ages that runs have begun, and those of them that one has done."""

    all: frozenset[DayAtAge] = frozenset()
    done: frozenset[DayAtAge] = frozenset()

    def and_now(self, parts: Iterable[DayAtAge]) -> Begun:
        """The same, as if others had been begun too."""
        return Begun(self.all.union(parts), self.done)

    def and_done(self, part: DayAtAge) -> Begun:
        """The same, as if another one had been done too."""
        return Begun(self.all | {part}, self.done | {part})


def newest(settings: Evaluation, moment: datetime) -> date:
    """The newest day that has reached the youngest age at a moment."""
    known = moment - timedelta(hours=settings.age_hours)
    return known.astimezone(ZoneInfo(settings.day.timezone)).date() - timedelta(days=1)


def falling_due(day: date, hours: Iterable[int]) -> tuple[DayAtAge, ...]:
    """The days that reach an age at about the time at which a day reaches the youngest one.

    An age that is k whole days and a rest older than the youngest is reached by the k-th day before, the rest later.

    Args:
        day: The newest day.
        hours: The ages, the youngest first.

    Example:
        >>> [(part.event_date.day, part.age_hours) for part in falling_due(date(2026, 11, 20), (0, 24, 192))]
        [(20, 0), (19, 24), (12, 192)]
    """
    youngest, *older = hours
    return tuple(DayAtAge(day - timedelta(days=(age - youngest) // DAY_HOURS), age) for age in (youngest, *older))


def older(settings: Evaluation, day: date, begun: Begun) -> list[DayAtAge]:
    """What is evaluated with a day: each older age of a day that was evaluated at a younger one."""
    _, *parts = falling_due(day, settings.hours)
    return [part for part in parts if any(_younger(each, part) for each in begun.done)]


def at(session: SparkSession, settings: Evaluation, moment: datetime) -> list[DayAtAge]:
    """What a run evaluates that is due at a moment: the newest day, and what is evaluated with it."""
    day = newest(settings, moment)
    parts = falling_due(day, settings.hours)
    return [parts[0], *older(settings, day, begun(session, settings, parts).and_done(parts[0]))]


def _younger(one: DayAtAge, part: DayAtAge) -> bool:
    return one.event_date == part.event_date and one.age_hours < part.age_hours


def begun(session: SparkSession, settings: Evaluation, parts: Sequence[DayAtAge]) -> Begun:
    """What `runs` knows of some days and of the four weeks before them, at every age."""
    where = lake.address(settings, "runs", engine_of(session))
    if not lake.exists(session, where):
        return Begun()
    schema = pa.schema([RUNS.schema.field(name) for name in ("event_date", "age_hours", "state")])
    first, last = min(part.event_date for part in parts) - LOOKS_BACK, max(part.event_date for part in parts)
    found = lake.rows(session, where, schema, dates(first, last)).to_pylist()
    told = [(DayAtAge(row["event_date"], row["age_hours"]), row["state"]) for row in found]
    return Begun(frozenset(part for part, _ in told), frozenset(part for part, state in told if state == "done"))


def never_ran(parts: Sequence[DayAtAge], begun: Begun) -> Iterator[str]:
    """A sentence for each row of days that no run has begun, at the ages of what is due and up to its days.

    It begins with the first day that was begun at any age, and four weeks before what is due at the earliest.
    """
    first = min((part.event_date for part in begun.all), default=date.max)
    for due in parts:
        days = dates(max(first, due.event_date - LOOKS_BACK), due.event_date)
        missing = [day for day in days if DayAtAge(day, due.age_hours) not in begun.all]
        for start, end in _rows(missing):
            fill = f"backfill CONFIG --from {start} --to {end} --ages {age_text(due.age_hours)}"
            told = start if start == end else f"{start} to {end}"
            yield f"{told} at age {age_text(due.age_hours)} never ran: {calling.lossledger(fill)}"


def _rows(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """The first and the last of each row of days, one after the other."""
    for _, row in groupby(enumerate(days), lambda numbered: numbered[1] - timedelta(days=numbered[0])):
        every = [day for _, day in row]
        yield every[0], every[-1]
