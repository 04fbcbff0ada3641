"""A night in a test: an evaluation run here or in a process of its own, and its tables as Arrow."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs import nightly
from jobs.results.outcome import Outcome
from jobs.settings import parse
from tests.world import child

DAY = date(2026, 3, 18)
OF_THE_RUN = ("run_id", "event_date", "as_of")
EXACT = ("statistics", "shard_statistics")

Document = Mapping[str, Any]


def document(folder: Path, **sections: Any) -> dict[str, Any]:
    """An evaluation whose tables are in `folder`; without sections, of clicks in the row and one model."""
    small = {
        "evaluation": "night",
        "impressions": {"source": {"format": "parquet", "path": str(folder / "impressions")}, "duplicates": "none"},
        "labels": {"click": {"column": "click", "values": "binary"}},
        "tasks": {"ctr": {"label": "click"}},
        "models": {"m": {"ctr": {"score": "p"}}},
        "bins": {"slices": []},
        "limits": {"min_rows": 0},
        "tables": {"path": str(folder / "tables")},
    }
    return {**small, **sections}


def evaluated(spark: SparkSession, config: Document, day: date = DAY, age_hours: int | None = None) -> Outcome:
    """Run an evaluation on the engine of this process."""
    return nightly.evaluate(spark, parse(config), day, age_hours=age_hours)


def saved(config: Document, file: Path) -> Path:
    """Write a configuration as YAML."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(dict(config), sort_keys=False))
    return file


def evaluated_by(engine: str, config: Document, day: date = DAY, **environment: str) -> None:
    """Run an evaluation in a process of its own: a process holds one engine."""
    file = saved(config, Path(config["tables"]["path"]) / f"{engine}.yaml")
    child.succeeded(*child.on(engine, child.run(file, day)), **environment)


def table(config: Document, name: str, day: date = DAY) -> pa.Table:
    """The rows of a table for a day as delta-rs reads them, sorted by their keys, without what each run has anew."""
    path = Path(config["tables"]["path"]) / config["evaluation"] / name
    rows = DeltaTable(path).to_pyarrow_table()
    rows = rows.filter(pc.equal(rows["event_date"], day))
    rows = rows.select([column for column in rows.column_names if column not in OF_THE_RUN])
    keys = [f.name for f in rows.schema if f.type in (pa.string(), pa.int32())]
    return rows.sort_by([(key, "ascending") for key in keys]).combine_chunks()


def parquet(folder: Path, columns: Mapping[str, Any] | pa.Table, files: int = 1) -> Path:
    """A folder of Parquet files that hold these columns, the rows dealt out in turn."""
    rows = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(files):
        pq.write_table(rows.take(pa.array(range(i, rows.num_rows, files), pa.int64())), folder / f"part-{i:03}.parquet")
    return folder
