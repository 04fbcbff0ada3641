"""A small day of impressions with a log of conversions, and what a run leaves of it in the tables."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from jobs.ledger import tables
from jobs.settings import parse
from jobs.storage import lake
from jobs.storage.lake import Address
from tests.world import child
from tests.world.night import document, saved

__all__ = ["saved"]

Row = dict[str, Any]

DAY = date(2026, 11, 16)
START = datetime(2026, 11, 16, tzinfo=UTC)
RESULTS = ("statistics", "shard_statistics", "metrics", "label_arrival")
STAMPS = {"run_id", "event_time"}
INPUT = {"id": "impression_id", "time": "ts", "unit": "user_id"}
SERIAL = itertools.count()
TYPES = {
    **dict.fromkeys(("impression_id", "user_id", "country"), pa.string()),
    **dict.fromkeys(("ts", "conv_ts"), pa.timestamp("us", tz="UTC")),
    "clicked": pa.int64(),
}


def impression(i: int, **changes: Any) -> Row:
    """Impression number `i`, some of its columns changed."""
    row = {
        "impression_id": f"i{i:04}",
        "ts": START + timedelta(seconds=30 * i),
        "user_id": f"u{i % 17}",
        "country": ("DE", "FR", None)[i % 3],
        "clicked": int(i % 4 == 0),
        "bid": 0.5 + i % 7 / 4,
        "p": (i % 19 + 1) / 21,
        "z": i % 13 / 3 - 2,
    }
    return {**row, **changes}


def conversion(i: int, **changes: Any) -> Row:
    """A conversion one hour after impression number `i`."""
    return {"impression_id": f"i{i:04}", "conv_ts": START + timedelta(seconds=30 * i, hours=1), **changes}


def configured(folder: Path, **sections: Any) -> Row:
    """An evaluation of the logs of a folder, with its tables beside them; sections replace whole sections."""
    source = {"format": "parquet", "path": str(folder / "impressions")}
    conversions = {"format": "parquet", "path": str(folder / "conversions")}
    champion, candidate = {"score": "p"}, {"score": "z", "scale": "logit"}
    log = {"source": conversions, "columns": {"id": "impression_id", "time": "conv_ts"}, "window": "1d"}
    small = {
        "evaluation": "small",
        "impressions": {"source": source, "columns": INPUT},
        "labels": {"click": {"column": "clicked", "values": "binary"}, "conversion": log},
        "tasks": {
            "ctr": {"label": "click"},
            "weighted": {"label": "click", "weight": "bid"},
            "cvr": {"label": "conversion"},
        },
        "models": {
            "champion": {"ctr": champion, "weighted": champion, "cvr": champion},
            "candidate": {"ctr": candidate, "weighted": candidate},
        },
        "dimensions": ["country"],
        "slices": [[], ["country"]],
        "shards": {"count": 4},
        "limits": {},
    }
    return document(folder, **{**small, **sections})


def written(rows: Iterable[Row], folder: Path, kind: str = "parquet", schema: pa.Schema | None = None) -> Path:
    """Append rows to a source: a new file in its folder, or a commit of its Delta table."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"part-{next(SERIAL):05}.{kind}"
    if kind == "csv":
        write_csv(list(rows), file)
        return file
    listed = list(rows)
    # Named, because of NULLs alone Arrow makes a column of no type.
    schema = schema or pa.schema([(name, TYPES.get(name, pa.float64())) for name in listed[0]])
    table = pa.Table.from_pylist(listed, schema=schema)
    if kind == "parquet":
        pq.write_table(table, file)
    else:
        write_deltalake(str(folder), table, mode="append")
    return file


def write_csv(rows: Sequence[Row], file: Path) -> None:
    """Write rows with a header; None is an empty field, a time carries its zone."""
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def small_day(folder: Path, count: int = 120, **changes: Any) -> Row:
    """Write the logs of a day as parquet, and return its configuration."""
    written([impression(i) for i in range(count)], folder / "impressions")
    written([conversion(i) for i in range(0, count, 5)], folder / "conversions")
    return configured(folder, **changes)


def evaluated_night(folder: Path, **changes: Any) -> Path:
    """The configuration of a day with copies and bad rows, which the embedded engine has evaluated."""
    day = small_day(folder, 2800, **changes)
    copies = [impression(i) for i in range(0, 2800, 100)]
    written([*copies, impression(2801, clicked=None), impression(2802, p=7.0)], folder / "impressions")
    config = saved(day, folder / "small.yaml")
    child.succeeded(*child.COMMAND, "run", config, "--date", DAY, "--engine", "sail", "--json")
    return config


def rows_of(folder: Path, table: str) -> list[Row]:
    """The rows of a table, read by delta-rs, which is neither engine."""
    path = str(folder / "tables" / "small" / table)
    return DeltaTable(path).to_pyarrow_table().to_pylist() if DeltaTable.is_deltatable(path) else []


def results(folder: Path, table: str) -> list[Row]:
    """The rows of a table in a fixed order, run id and event time aside."""
    plain = ({name: value for name, value in row.items() if name not in STAMPS} for row in rows_of(folder, table))
    return sorted(plain, key=lambda row: [str(value) for value in row.values()])


def all_results(folder: Path) -> dict[str, list[Row]]:
    """The results of every table that a run replaces."""
    return {table: results(folder, table) for table in RESULTS}


def run_ids(folder: Path, table: str) -> set[str]:
    """The runs whose rows a table holds."""
    return {row["run_id"] for row in rows_of(folder, table)}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of the tables that a run replaces, with its bytes."""
    root = folder / "tables" / "small"
    files = (file for table in RESULTS for file in (root / table).rglob("*") if file.is_file())
    return {str(file.relative_to(root)): file.read_bytes() for file in files}


def made_tables(spark: SparkSession, folder: Path) -> Path:
    """Make the tables of the small evaluation, to be copied: on Apache Spark that takes longer than a run."""
    settings = parse(configured(folder))
    for name, table in tables.declared(settings).items():
        lake.ensure(spark, Address(path=f"{settings.tables.path}/{settings.evaluation}/{name}"), table)
    return folder / "tables"
