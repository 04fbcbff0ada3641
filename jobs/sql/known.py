"""What the tables know of days at ages: how their newest run ended, and what the run whose rows they hold noted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from pyspark.sql import SparkSession

from jobs.engines.quoting import quoted
from jobs.planning.plan import Done, Known, Size
from jobs.settings import Evaluation
from jobs.sql.views import register
from jobs.storage.change import DayAtAge

LOOKS_BACK = timedelta(days=28)
# Where no run got as far as a table of results there is no `runs_latest`, and nothing to be in doubt of but the run.
OF_RUNS = """
    SELECT event_date, age_hours, COALESCE(ending, 'in_doubt') AS state, ending IS NULL AS in_doubt, message,
      CAST(NULL AS STRING) AS held_run_id, CAST(NULL AS STRING) AS sums_run_id
    FROM (
      SELECT event_date, age_hours, ending, message,
        ROW_NUMBER() OVER (PARTITION BY event_date, age_hours ORDER BY began DESC, run_id DESC) AS place
      FROM (
        SELECT event_date, age_hours, run_id, MIN(event_time) AS began,
          MAX(CASE WHEN state NOT IN ('started', 'running') THEN state END) AS ending, MAX(message) AS message
        FROM runs
        GROUP BY event_date, age_hours, run_id
      ) AS each_run
    ) AS placed
    WHERE place = 1
"""
LATEST = "SELECT event_date, age_hours, state, in_doubt, message, held_run_id, sums_run_id FROM runs_latest"
DONE = """
    SELECT event_date, age_hours, run_id, event_time, provisional, inputs, config, config_hash, code_hash, stages,
      rejected, sums_run_id
    FROM runs WHERE state = 'done'
"""


def known(
    session: SparkSession, settings: Evaluation, first: date, last: date
) -> tuple[dict[DayAtAge, Known], list[Done]]:
    """What the tables know of the days from the first to the last at every age, and all runs that were done near them.

    Args:
        session: Of the engine.
        settings: What is configured.
        first: The first day.
        last: The last day.
    """
    made = register(session, settings, {"runs_latest", "runs"})
    if "runs" not in made:
        return {}, []
    done = _every(_rows(session, DONE, "AND", first - LOOKS_BACK, last))
    text, joined = (LATEST, "WHERE") if "runs_latest" in made else (OF_RUNS, "AND")
    rows = _rows(session, text, joined, first, last)
    # What a refresh takes says nothing of what a night takes.
    nights = [each for each in done.values() if each.sums is None]
    return {_part(row): _known(row, done) for row in rows}, nights


def size(session: SparkSession, settings: Evaluation, nights: Iterable[Done]) -> Size | None:
    """How many cells the newest of some nights has, by the task and model with most; None where there is none."""
    newest = max(nights, key=lambda night: night.part, default=None)
    if newest is None or "statistics" not in register(session, settings, {"statistics"}):
        return None
    counted = "".join(f", COUNT(DISTINCT {quoted(each)}) AS {quoted(each)}" for each in settings.dimensions)
    rows = session.sql(
        f"SELECT COUNT(*) AS cells{counted} FROM statistics WHERE {newest.part.predicate} GROUP BY task, model"
    ).toArrow()
    most: dict[str, int] = max(rows.to_pylist(), key=lambda row: row["cells"], default={})
    if not most:
        return None
    return Size(newest.part.event_date, most.pop("cells"), most)


def _rows(session: SparkSession, text: str, joined: str, first: date, last: date) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        session.sql(f"{text} {joined} event_date BETWEEN DATE '{first}' AND DATE '{last}'").toArrow().to_pylist()
    )
    return found


def _part(row: Mapping[str, Any]) -> DayAtAge:
    return DayAtAge(row["event_date"], row["age_hours"])


def _known(row: Mapping[str, Any], done: Mapping[str, Done]) -> Known:
    own = (done.get(row[name]) for name in ("held_run_id", "sums_run_id"))
    return Known(row["state"], row["in_doubt"], row["message"], *own)


def _every(rows: Iterable[Mapping[str, Any]]) -> dict[str, Done]:
    """The runs that were done by their ids, each refresh with the run whose sums it was made of."""
    listed = list(rows)
    found = {row["run_id"]: _done(row) for row in listed}
    of_sums = {row["run_id"]: found.get(row["sums_run_id"]) for row in listed}
    return {run_id: replace(done, sums=of_sums[run_id]) for run_id, done in found.items()}


def _done(row: Mapping[str, Any]) -> Done:
    """A run that was done, as `runs` noted it; what an earlier version did not note is as if nothing had been read."""
    stages, rejected = json.loads(row["stages"] or "{}"), json.loads(row["rejected"] or "[]")
    return Done(
        part=_part(row),
        run_id=row["run_id"],
        ended=row["event_time"],
        provisional=bool(row["provisional"]),
        inputs=json.loads(row["inputs"] or "{}"),
        config=row["config"],
        config_hash=row["config_hash"],
        code_hash=row["code_hash"],
        seconds=sum(stages.values()),
        unscored=frozenset((each["task"], each["model"]) for each in rejected if each["task"] is not None),
    )
