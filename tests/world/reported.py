"""A month of nights: two that were evaluated, the first copied to the days before; values that would be markup."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from jobs.ledger import tables
from jobs.settings import Evaluation, parse
from tests.world import days
from tests.world.duck_db import path
from tests.world.night import evaluated
from tests.world.two_nights import changed
from tests.world.week import HOUR, ONE

# What a campaign may be called.
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(2)'>",
    "</code></pre></details><b>bold</b>",
    "{{ 7 * 7 }} ${7*7} {% endfor %}",
    "a\u202egnp.exe\u0007",
    "DE",
]
BEFORE, LAST = date(2026, 11, 16), date(2026, 11, 17)
COPIED = 26
SIZE = 1200
CLICK = {"task": "ctr", "model": "champion"}


def impressions(number: int) -> Iterator[days.Row]:
    """The impressions of a day; of the second one the champion says too much of one campaign."""
    start = days.START + number * ONE
    for i in range(SIZE):
        p = ((i * 7) % 19 + 1) / 40
        wrong = number == 1 and i % len(HOSTILE) == 0
        yield days.impression(
            i,
            impression_id=f"d{number}i{i:05}",
            ts=start + i * HOUR / 50,
            user_id=f"u{(i * 31) % 211}",
            country=HOSTILE[i % len(HOSTILE)],
            clicked=int((i * 13) % 40 < p * 40),
            p=min(0.99, 2.5 * p) if wrong else p,
        )


def conversions(number: int) -> Iterator[days.Row]:
    """Of every fifth impression a conversion, of half of them after the day."""
    for i, row in enumerate(impressions(number)):
        if i % 5 == 0:
            late = 30 * HOUR if i % 2 else HOUR
            yield days.conversion(i, impression_id=row["impression_id"], conv_ts=row["ts"] + late)


def configured(folder: Path) -> days.Row:
    """The evaluation of the month, at two ages."""
    base = days.configured(folder)
    log = {**base["labels"]["conversion"], "window": "2d"}
    gates = {
        "honest": {**CLICK, "metric": "predicted_over_actual", "within": [0.7, 1.4], "slices": [[], ["country"]]},
        "enough": {**CLICK, "rows": 100},
        "better": {"task": "ctr", "comparison": "release", "metric": "log_loss", "require": "better"},
    }
    return {
        **base,
        "labels": {**base["labels"], "conversion": log},
        "ages": ["0h", "48h"],
        "shards": {"count": 16},
        "bins": {"slices": [[]]},
        "changes": {"against": ["1d", "7d"]},
        "comparisons": {"release": {"candidate": "candidate", "baseline": "champion"}},
        "gates": gates,
    }


def month(spark: SparkSession, folder: Path) -> Evaluation:
    """Write the logs and evaluate the nights: of the last day there is the younger age alone."""
    for number in range(2):
        days.written(impressions(number), folder / "impressions")
        days.written(conversions(number), folder / "conversions")
    config = configured(folder)
    settings = parse(config)
    for age_hours in settings.hours:
        evaluated(spark, config, BEFORE, age_hours)
    for name in tables.declared(settings):
        copy(settings, name, BEFORE, [BEFORE - i * ONE for i in range(1, COPIED + 1)])
    evaluated(spark, config, LAST, settings.age_hours)
    return settings


def copy(settings: Evaluation, name: str, template: date, to: list[date]) -> None:
    """Copy the rows of a day to others, in one commit."""
    if not Path(path(settings, name)).exists():
        return
    table = DeltaTable(path(settings, name))
    rows = of_day(settings, name, template)
    if rows.num_rows:
        copies = [moved(rows, template, day) for day in to]
        write_deltalake(table, pa.concat_tables(copies), mode="append")


def moved(rows: pa.Table, template: date, day: date) -> pa.Table:
    """The rows of a day as those of another one, which knew as much at the same age."""
    found = changed(rows, {"event_date": day, "run_id": f"of {day}"})
    known = pc.subtract(found["as_of"], pa.scalar(template - day)).cast(found["as_of"].type)
    return found.set_column(found.schema.get_field_index("as_of"), found.schema.field("as_of"), known)


def of_day(settings: Evaluation, name: str, day: date, age_hours: int | None = None) -> pa.Table:
    """The rows of a table of a day, at an age or at all, as delta-rs reads them."""
    rows = DeltaTable(path(settings, name)).to_pyarrow_table()
    rows = rows.filter(pc.equal(rows["event_date"], day))
    return rows if age_hours is None else rows.filter(pc.equal(rows["age_hours"], age_hours))


def plain(rows: pa.Table) -> list[dict[str, Any]]:
    """The rows as plain values."""
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def shown_days() -> list[date]:
    """The days that the report of the last day looks at."""
    return [LAST - timedelta(days=i) for i in range(27, -1, -1)]
