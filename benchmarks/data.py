"""Generated logs for benchmarks: impressions of one day with two models' scores, and their clicks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAY = datetime(2026, 11, 20, tzinfo=UTC)
DAY_MICROS = 86_400_000_000
FILES = 8


def generate(folder: Path, rows: int, cells: int, ids: str, seed: int = 7) -> None:
    """Write `impressions/` and `clicks/` as parquet, unless they are there: 24 countries × 5 devices × campaigns.

    Ids are `integer`, counted up, or `text`, 32 hexadecimal digits at random.
    """
    complete = folder / "complete"
    if complete.exists():
        return
    for file in range(FILES):
        rng = np.random.default_rng([seed, file])
        size = rows // FILES
        first = file * size
        moment = DAY.timestamp() * 1e6 + rng.integers(0, DAY_MICROS, size)
        rate = 1 / (1 + np.exp(-rng.normal(-3.4, 0.8, size)))
        clicked = rng.random(size) < rate
        table = pa.table(
            {
                "impression_id": pa.array(np.arange(first, first + size) if ids == "integer" else _digits(rng, size)),
                "ts": pa.array(moment.astype(np.int64)).cast(pa.timestamp("us", tz="UTC")),
                "user_id": pa.array(rng.integers(0, rows // 20, size)),
                "country": _labelled(rng, size, 24, "c"),
                "device": _labelled(rng, size, 5, "d"),
                "campaign": _labelled(rng, size, cells // 120, "campaign_"),
                "p_champion": np.clip(rate * np.exp(rng.normal(0, 0.3, size)), 0, 1),
                "p_candidate": np.clip(rate * np.exp(rng.normal(0, 0.1, size)), 0, 1),
            }
        )
        _write(table, folder / "impressions" / f"{file}.parquet")
        clicks = table.select(["impression_id", "ts"]).filter(pa.array(clicked))
        delay = pa.array(rng.integers(1, 3_500_000_000, clicks.num_rows))
        later = pa.array(clicks["ts"].cast(pa.int64()).to_numpy() + delay.to_numpy()).cast(pa.timestamp("us", tz="UTC"))
        _write(
            pa.table({"impression_id": clicks["impression_id"], "click_ts": later}),
            folder / "clicks" / f"{file}.parquet",
        )
    complete.touch()


def configuration(folder: Path, tables: Path, duplicates: str) -> dict[str, object]:
    """The evaluation of the generated logs: two models, three dimensions, five slices, 32 shards."""
    return {
        "evaluation": "bench",
        "impressions": {
            "source": {"format": "parquet", "path": str(folder / "impressions")},
            "columns": {"id": "impression_id", "time": "ts", "unit": "user_id"},
            "duplicates": duplicates,
        },
        "labels": {
            "click": {
                "source": {"format": "parquet", "path": str(folder / "clicks")},
                "columns": {"id": "impression_id", "time": "click_ts"},
                "window": "1h",
            }
        },
        "tasks": {"ctr": {"label": "click"}},
        "models": {name: {"ctr": {"score": f"p_{name}", "scale": "probability"}} for name in ("champion", "candidate")},
        "dimensions": ["country", "device", "campaign"],
        "slices": [[], ["country"], ["device"], ["country", "device"], ["campaign"]],
        "bins": {"slices": []},
        "limits": {"cells": 1_000_000},
        "tables": {"path": str(tables)},
    }


def _digits(rng: np.random.Generator, size: int) -> list[str]:
    digits = rng.bytes(16 * size).hex()
    return [digits[start : start + 32] for start in range(0, 32 * size, 32)]


def _labelled(rng: np.random.Generator, size: int, count: int, prefix: str) -> pa.DictionaryArray:
    values = pa.array([f"{prefix}{i}" for i in range(count)])
    return pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, count, size).astype(np.int32)), values).cast(
        pa.string()
    )


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=2**17)
