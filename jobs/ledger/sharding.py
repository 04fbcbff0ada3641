"""Into which shards units were divided on the days in our tables, and how days of unlike shards are brought together.

A unit's shard is pmod(hash, count), and pmod(pmod(hash, 32), 16) = pmod(hash, 16): where one count is a multiple of
another, shards of the finer day are added up to those of the coarser one, exactly; so are both to the greatest common
divisor of their counts. Another salt is another hash.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.ledger.tables import RUNS
from jobs.settings import Evaluation
from jobs.settings.sections import Shards
from jobs.storage import lake

NOTED = pa.schema([RUNS.schema.field(name) for name in ("event_date", "run_id", "definitions")])
HOLDER = "shard_statistics"  # whose rows are asked for their run


def recorded(session: SparkSession, settings: Evaluation, days: Collection[date], age_hours: int) -> dict[date, Shards]:
    """The shards of days in the tables, by what the run of their rows noted in `runs`; none of a day without runs.

    Args:
        session: Of the engine.
        settings: What is configured.
        days: Which days.
        age_hours: At which age.
    """
    where = lake.address(settings, RUNS.name, engine_of(session))
    if not days or not lake.exists(session, where):
        return {}
    of_days: defaultdict[date, dict[str, Shards]] = defaultdict(dict)
    for row in lake.rows(session, where, NOTED, days, age_hours).to_pylist():
        shards = _noted(row["definitions"])
        if shards is not None:
            of_days[row["event_date"]][row["run_id"]] = shards
    unclear = [day for day, runs in of_days.items() if len(set(runs.values())) > 1]
    held = _held(session, settings, unclear, age_hours)
    # Where the runs of a day had several, its shards are those of the run whose rows the tables hold.
    return {
        day: next((of for run, of in runs.items() if day not in unclear or (day, run) in held), settings.shards)
        for day, runs in of_days.items()
    }


def as_recorded(session: SparkSession, settings: Evaluation, day: date, age_hours: int) -> Evaluation:
    """The configuration with the shards that a day has in the tables: what its sums by shard are to be read with."""
    shards = recorded(session, settings, [day], age_hours).get(day, settings.shards)
    return settings.model_copy(update={"shards": shards})


def counted_in(settings: Evaluation, count: int) -> Evaluation:
    """The configuration with so many shards."""
    return settings.model_copy(update={"shards": settings.shards.model_copy(update={"count": count})})


def folded(rows: pa.Table, count: int) -> pa.Table:
    """Rows of sums by shard, each shard by the one that it is of among so few; those of no shard stay.

    >>> folded(pa.table({"shard": [0, 17, -1]}), 16)["shard"].to_pylist()
    [0, 1, -1]
    """
    shard = rows["shard"].to_numpy()
    place = rows.column_names.index("shard")
    field = rows.schema.field(place)
    return rows.set_column(place, field, pa.array(np.where(shard < 0, shard, shard % count), field.type))


def _held(session: SparkSession, settings: Evaluation, days: Collection[date], age_hours: int) -> set[tuple[date, str]]:
    """The days with the runs whose rows the tables hold."""
    where = lake.address(settings, HOLDER, engine_of(session))
    if not days or not lake.exists(session, where):
        return set()
    rows = lake.distinct(session, where, NOTED.remove(2), age_hours, days)
    return {(row["event_date"], row["run_id"]) for row in rows.to_pylist()}


@cache
def _noted(definitions: str | None) -> Shards | None:
    noted = json.loads(definitions or "{}").get("evaluation", {}).get("shards")
    return None if noted is None else Shards(**noted)
