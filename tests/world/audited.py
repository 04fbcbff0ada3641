"""Two days of every kind of task, at two ages, with all that tables can hold; and ways to break a table on purpose."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from jobs import nightly
from jobs.audit.audited import Audited, audited
from jobs.settings import Evaluation, parse
from jobs.storage.change import DayAtAge
from tests.world.days import DAY, START
from tests.world.night import document, parquet

NEXT = DAY + timedelta(days=1)
SIZE, COPIES = 360, 40
HOUR = timedelta(hours=1)
AGES = (0, 24)
PARTS = tuple(DayAtAge(day, age) for day in (DAY, NEXT) for age in AGES)
PART = DayAtAge(NEXT, 24)  # the one that tests break: it has an earlier day, and a younger age
PAIRED = ["ctr", "priced", "cvr", "bought"]
COUNTRIES = ["DE", "FR", "a=b,c", None, "rare1", "rare2"]


def impressions(number: int) -> pa.Table:
    """The impressions of a day, some of them copied with other scores, some with what cannot be used."""
    rng, size = np.random.default_rng(number), SIZE
    times = [START + number * 24 * HOUR + i * 24 * HOUR / size for i in range(size)]
    p, z, bid = rng.uniform(0.01, 0.9, size), rng.normal(size=size), rng.lognormal(size=size)
    p[:4], z[:2], p[7], z[8], bid[9] = [0.0, 1.0, 0.0, 1.0], [np.inf, -np.inf], np.nan, np.nan, -1.0
    click = (rng.uniform(size=size) < 0.4).astype(int)
    shares = rng.dirichlet([2.0, 1.0, 1.0], size)
    rows = pa.table(
        {
            "impression_id": [f"impr-{number}-{i:05}" for i in range(size)],
            "ts": pa.array(times, pa.timestamp("us", "UTC")),
            "user_id": [f"user-{i % 41:03}" for i in range(size)],
            "country": [COUNTRIES[min(5, int(c))] for c in rng.geometric(0.4, size) - 1],
            "device": [("ios", "web")[i % 2] for i in range(size)],
            "request_id": [f"request-{number}-{i // 5:04}" for i in range(size)],
            "clicked": pa.array([None if i == 11 else int(c) for i, c in enumerate(click)], pa.int64()),
            "spent": rng.normal(5.0, 3.0, size),
            "topic": [("news", "sport", "arts")[i] for i in rng.integers(0, 3, size)],
            "bid": bid,
            "p": p,
            "z": z,
            "p_sale": rng.uniform(0.05, 0.5, size),
            "s": rng.normal(5.0, 2.0, size),
            **{f"p_{name}": shares[:, k] for k, name in enumerate(("news", "sport", "arts"))},
        }
    )
    copies = rows.take(pa.array(rng.choice(size, COPIES, replace=False)))
    exact, later = copies.slice(0, COPIES // 2), copies.slice(COPIES // 2)
    moved = pa.array([time + HOUR / 60 for time in later["ts"].to_pylist()], rows.schema.field("ts").type)
    later = later.set_column(1, "ts", moved).set_column(
        later.column_names.index("p"), "p", pa.array(rng.uniform(0.1, 0.9, later.num_rows))
    )
    return pa.concat_tables([rows, exact, later])


def conversions(number: int) -> pa.Table:
    """Conversions of some clicks: of three one within the hour, one within a day, one on the next day."""
    rows = impressions(number).slice(0, SIZE).to_pylist()
    chosen = [row for i, row in enumerate(rows) if row["clicked"] and i % 2 == 0]
    times = [row["ts"] + (HOUR / 2, 5 * HOUR, 30 * HOUR)[i % 3] for i, row in enumerate(chosen)]
    return pa.table(
        {
            "impression_id": [row["impression_id"] for row in chosen] + ["stranger-00001"],
            "conv_ts": pa.array([*times, rows[0]["ts"]], pa.timestamp("us", "UTC")),
        }
    )


def configured(folder: Path) -> dict[str, Any]:
    """An evaluation of every kind of task about rows, two models, comparisons, changes, gates, bins by shard."""
    log = {
        "source": {"format": "parquet", "path": str(folder / "conversions")},
        "columns": {"id": "impression_id", "time": "conv_ts"},
        "window": "2d",
    }
    topics = {"score": ["p_news", "p_sport", "p_arts"]}
    champion = {"ctr": {"score": "p"}, "priced": {"score": "p"}, "cvr": {"score": "p_sale"}}
    candidate = {"ctr": {"score": "z", "scale": "logit"}, "priced": {"score": "z", "scale": "logit"}}
    return document(
        folder,
        evaluation="audited",
        impressions={
            "source": {"format": "parquet", "path": str(folder / "impressions")},
            "columns": {"id": "impression_id", "time": "ts", "unit": "user_id", "group": "request_id"},
        },
        labels={
            "click": {"column": "clicked", "values": "binary"},
            "sale": log,
            "spent": {"column": "spent", "values": "number"},
            "topic": {"column": "topic", "values": "classes", "classes": ["news", "sport", "arts"]},
        },
        tasks={
            "ctr": {"label": "click"},
            "priced": {"label": "click", "weight": "bid"},
            "cvr": {"label": "sale", "given": "click"},
            "bought": {"label": "sale", "score": {"product": ["ctr", "cvr"]}},
            "spend": {"kind": "regression", "label": "spent"},
            "topic": {"kind": "multiclass", "label": "topic"},
            "slate": {"kind": "candidates", "label": "click", "weight": "bid"},
        },
        models={
            "champion": {**champion, "spend": {"score": "s"}, "topic": topics, "slate": {"score": "p"}},
            "candidate": {**candidate, "cvr": {"score": "p"}, "slate": {"score": "z", "scale": "logit"}},
        },
        dimensions=["country", "device"],
        slices=[[], ["country"], ["country", "device"]],
        shards={"count": 12},
        bins={"slices": [[], ["country"]], "shards": True, "bits": 10},
        baselines={"reference": {"ctr": "1d"}},
        comparisons={
            "release": {"candidate": "candidate", "baseline": "champion", "pair_statistics": True, "tasks": PAIRED}
        },
        changes={"against": ["1d"]},
        gates={"honest": {"task": "ctr", "model": "champion", "metric": "predicted_over_actual", "within": [0.1, 9.0]}},
        limits={"min_rows": 5, "rejected_share": 0.2, "values": {"country": 3}},
        ages=[f"{age}h" for age in AGES],
    )


def ledger(spark: SparkSession, folder: Path) -> Evaluation:
    """The tables of both days at both ages."""
    for number in range(2):
        parquet(folder / "impressions" / f"day={number}", impressions(number))
        parquet(folder / "conversions" / f"day={number}", conversions(number))
    settings = parse(configured(folder))
    for part in PARTS:
        nightly.evaluate(spark, settings, part.event_date, age_hours=part.age_hours)
    return settings


def copied(settings: Evaluation, folder: Path) -> Evaluation:
    """The same evaluation over a copy of its tables, which a test may break."""
    shutil.copytree(str(settings.tables.path), folder / "tables")
    return parse({**settings.document(), "tables": {"path": str(folder / "tables")}})


def broken(settings: Evaluation, name: str, change: Callable[[pa.Table], pa.Table], part: DayAtAge = PART) -> None:
    """Put other rows of a day at an age into a table, past everything that watches over it."""
    path = f"{settings.tables.path}/{settings.evaluation}/{name}"
    rows = DeltaTable(path).to_pyarrow_table()
    own = pc.and_(pc.equal(rows["event_date"], part.event_date), pc.equal(rows["age_hours"], part.age_hours))
    before = rows.filter(own)
    after = change(before)
    assert not after.equals(before)
    write_deltalake(path, pa.concat_tables([rows.filter(pc.invert(own)), after.cast(rows.schema)]), mode="overwrite")


def one(spark: SparkSession, settings: Evaluation, part: DayAtAge = PART, **asked: Any) -> Audited:
    """A day at an age, audited."""
    (found,) = audited(spark, settings, [part], **asked)
    return found


def verdicts(found: Audited) -> dict[str, str]:
    """What is said of each proof."""
    return {each.proof: each.state for each in found.verdicts}


def changed(
    rows: pa.Table, column: str, value: Callable[[Any], Any], where: Callable[[dict[str, Any]], bool]
) -> pa.Table:
    """The rows with another value of a column in the first row of some."""
    every = rows.to_pylist()
    row = next(row for row in every if where(row))
    row[column] = value(row[column])
    return pa.Table.from_pylist(every, schema=rows.schema)
