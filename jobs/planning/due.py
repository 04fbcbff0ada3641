"""Which days fall due at which ages with a day, and which of them runs have begun or done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.engines.identity import engine_of
from jobs.settings import Evaluation
from jobs.storage import lake
from jobs.storage.change import DayAtAge

DAY_HOURS = 24


@dataclass(frozen=True)
class Begun:
    """The days and ages that runs have begun, and those of them that one has done."""

    all: frozenset[DayAtAge] = frozenset()
    done: frozenset[DayAtAge] = frozenset()


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


def _younger(one: DayAtAge, part: DayAtAge) -> bool:
    return one.event_date == part.event_date and one.age_hours < part.age_hours


def begun(session: SparkSession, settings: Evaluation, first: date, last: date) -> Begun:
    """What `runs` knows of the days from the first to the last."""
    where = lake.address(settings, "runs", engine_of(session))
    if not lake.exists(session, where):
        return Begun()
    rows = lake.read(session, where).where(F.col("event_date").between(F.lit(first), F.lit(last)))
    is_done = (F.col("state") == "done").alias("is_done")
    found = rows.select("event_date", "age_hours", is_done).distinct().toArrow().to_pylist()
    parts = [(DayAtAge(row["event_date"], row["age_hours"]), row["is_done"]) for row in found]
    return Begun(frozenset(part for part, _ in parts), frozenset(part for part, done in parts if done))
