"""Two nights with all that a table can hold: hard scores, weights, NULL dimensions, rejected rows."""

import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.engines.pins import conf_file
from jobs.settings import Evaluation, parse
from jobs.storage import lake
from tests.world.night import DAY, document, evaluated, parquet

NEXT_DAY = DAY + timedelta(days=1)
SIZES = {DAY: 420, NEXT_DAY: 360}
HARD = [0.0, 1.0, 0.0, 1.0]  # beside the labels 1, 0, 0, 1: wrong, wrong, right, right
SCORES = {
    "champion": {"ctr": {"score": "p"}, "by_bid": {"score": "p"}},
    "candidate": {"ctr": {"score": "z", "scale": "logit"}},
}
COOKBOOK = [text for text in conf_file("sql/cookbook.sql").read_text(encoding="utf-8").split(";\n") if text.strip()]


def impressions(day: date) -> dict[str, Any]:
    """The columns of a day; one label and one score are unusable."""
    size = SIZES[day]
    rng = np.random.default_rng(day.toordinal())
    p = rng.uniform(0.02, 0.9, size)
    click = (rng.uniform(size=size) < p).astype(int)
    p[:4], click[:4] = HARD, [1, 0, 0, 1]
    p[5], z = np.nan, rng.normal(size=size)
    return {
        "click": pa.array([None if i == 6 else int(c) for i, c in enumerate(click)]),
        "p": p,
        "z": z,
        "bid": rng.uniform(0.1, 5.0, size),
        "user": [f"u{i % 37}" for i in range(size)],
        "country": [("DE", "FR", None)[i % 3] for i in range(size)],
        "device": [("ios", "web")[i % 2] for i in range(size)],
    }


def configured(folder: Path, day: date) -> dict[str, Any]:
    """The evaluation of one of the nights; their tables are the same."""
    source = {"format": "parquet", "path": str(folder / day.isoformat())}
    return document(
        folder,
        impressions={"source": source, "columns": {"unit": "user"}, "duplicates": "none"},
        tasks={"ctr": {"label": "click"}, "by_bid": {"label": "click", "weight": "bid"}},
        models=SCORES,
        dimensions=["country", "device"],
        slices=[[], ["country"], ["country", "device"]],
        shards={"count": 4},
    )


def two_nights(spark: SparkSession, folder: Path) -> dict[str, Any]:
    """Write and evaluate both nights; the configuration is that of the second."""
    for day in SIZES:
        parquet(folder / day.isoformat(), impressions(day))
        evaluated(spark, configured(folder, day), day)
    return configured(folder, NEXT_DAY)


def copied(settings: Evaluation, folder: Path) -> Evaluation:
    """The same evaluation over a copy of its tables, which a test may change."""
    shutil.copytree(str(settings.tables.path), folder / "copy")
    return parse({**settings.document(), "tables": {"path": str(folder / "copy")}})


def held(spark: SparkSession, settings: Evaluation, table: str) -> pa.Table:
    """The rows of a table."""
    return lake.read(spark, lake.address(settings, table, engine_of(spark))).toArrow()


def changed(rows: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    """The rows with other values in some columns, the same in every row."""
    for name, value in columns.items():
        field = rows.schema.field(name)
        values = pa.repeat(pa.scalar(value, field.type), rows.num_rows)
        rows = rows.set_column(rows.schema.get_field_index(name), field, values)
    return rows
