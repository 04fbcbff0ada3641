"""The night that a report is of, and what it asks of the tables: queries that `lossledger sql` answers alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import calling
from jobs.engines.quoting import text_literal
from jobs.errors import ContractError, Problem
from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql.views import known, register
from udfs.kinds import KINDS

DAYS: Final = 28
VIEWS: Final = ("night_status", "chosen_age", "runs_latest")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Night:
    """A day at a label age, in a session that knows the tables and views by their short names.

    Attributes:
        session: Of the engine.
        settings: What is configured.
        day: The day of the impressions.
        age_hours: The age of its labels.
        made: The tables and views that there are.
        days: How many days are looked at, the last of them `day`.
    """

    session: SparkSession
    settings: Evaluation
    day: date
    age_hours: int
    made: frozenset[str]
    days: int = DAYS

    def table(self, sql: str) -> pa.Table:
        """The answer to a query."""
        return self.session.sql(sql).toArrow()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The answer to a query as rows."""
        found: list[dict[str, Any]] = self.table(sql).to_pylist()
        return found

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses of the tasks."""
        return tuple(dict.fromkeys(KINDS[task.kind].loss for task in self.settings.tasks.values()))

    @property
    def itself(self) -> str:
        """The condition that a row is of this night."""
        return f"event_date = DATE '{self.day}' AND age_hours = {self.age_hours}"

    @property
    def lately(self) -> str:
        """The condition that a row is of this day or of those before it that are looked at."""
        return f"BETWEEN DATE '{self.every_day[0]}' AND DATE '{self.day}'"

    @property
    def age_of_day(self) -> str:
        """The label age at which a day is looked at: this one at its own, earlier ones at that of `chosen_age`."""
        return f"CASE WHEN m.event_date = DATE '{self.day}' THEN {self.age_hours} ELSE chosen.age_hours END"

    @property
    def every_day(self) -> list[date]:
        """The days that are looked at, ascending."""
        return [self.day - timedelta(days=back) for back in range(self.days - 1, -1, -1)]


def opened(session: SparkSession, settings: Evaluation, day: date, age_hours: int | None) -> Night:
    """The night of a day, at the age that is asked for or at the oldest one that the tables hold of it.

    Raises:
        ContractError: The tables hold nothing of it (exit 2).
    """
    wanted = {*tables.declared(settings), *VIEWS}.intersection(known(settings))
    made = frozenset(register(session, settings, wanted))
    ages = _ages(session, day) if "metrics" in made else []
    if not ages or age_hours not in (None, *ages):
        raise _absent(settings, day, ages if age_hours is not None else [], age_hours)
    return Night(session, settings, day, ages[-1] if age_hours is None else age_hours, made)


def texts(values: Iterable[str]) -> str:
    """Texts as a list in SQL.

    >>> texts(["a", "b"])
    "'a', 'b'"
    """
    return ", ".join(map(text_literal, values))


def _ages(session: SparkSession, day: date) -> list[int]:
    found = session.sql(f"SELECT DISTINCT age_hours FROM metrics WHERE event_date = DATE '{day}' ORDER BY age_hours")
    ages: list[int] = found.toArrow()["age_hours"].to_pylist()
    return ages


def _absent(settings: Evaluation, day: date, ages: list[int], age_hours: int | None) -> ContractError:
    at = "" if age_hours is None else f" at age {age_hours}h"
    run = calling.lossledger(f"run CONFIG --date {day}")
    there = f"one of the ages {', '.join(f'{age}h' for age in ages)}, or" if ages else "one;"
    problem = Problem("metrics", f"no row of {day}{at}", f"{there} make it with: {run}")
    return ContractError(f"the day is not in the tables of {settings.evaluation}", [problem])
