"""Generated logs: impressions of one day with the scores of four models, and their clicks."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import write_deltalake

from benchmarks.cases import MODELS, Case, Logs

DAY = datetime(2026, 11, 20, tzinfo=UTC)
DAY_MICROS, HOUR_MICROS = 86_400_000_000, 3_600_000_000
FILES, FILE_ROWS = 8, 1_250_000
TIME = pa.timestamp("us", tz="UTC")


def generate(folder: Path, logs: Logs, seed: int = 7) -> None:
    """Write `impressions/` and `clicks/` as Parquet, and the same as Delta, unless they are there.

    24 countries × 5 devices × campaigns. Of a hundred clicks two come again, and one comes after the window.
    """
    if (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    files = max(FILES, -(-logs.rows // FILE_ROWS))
    for file in range(files):
        rng = np.random.default_rng([seed, file])
        impressions, rate = _impressions(rng, logs, logs.rows // files)
        _write({"impressions": impressions, "clicks": _clicks(rng, impressions, rate)}, folder, f"{file}.parquet")
    (folder / "complete").touch()


def _impressions(rng: np.random.Generator, logs: Logs, size: int) -> tuple[pa.Table, np.ndarray]:
    """Rows of one file, and the true rate of each."""
    rate = 1 / (1 + np.exp(-rng.normal(-3.4, 0.8, size)))
    moment = int(DAY.timestamp() * 1e6) + rng.integers(0, DAY_MICROS, size)
    columns = {
        "impression_id": _texts(rng, size) if logs.ids == "text" else pa.array(rng.integers(-(2**63), 2**63, size)),
        "ts": pa.array(moment).cast(TIME),
        "user_id": pa.array(rng.integers(0, logs.rows // 20, size)),
        "country": _labelled(rng, size, 24, "c"),
        "device": _labelled(rng, size, 5, "d"),
        "campaign": _labelled(rng, size, logs.cells // 120, "campaign_"),
    }
    scores = {f"p_{name}": np.clip(rate * np.exp(rng.normal(0, 0.3 / (1 + i), size)), 0, 1) for i, name in _models()}
    table = pa.table(columns | scores)
    if logs.skewed:
        table = _skewed(rng, table)
    again = size * logs.copies // 1000
    return pa.concat_tables([table, table.slice(0, again)]), np.concatenate([rate, rate[:again]])


def _skewed(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """The same with much of one campaign, and an id that many rows of all files have."""
    for name, one, share in (("campaign", "campaign_0", 0.3), ("impression_id", "0" * 32, 1 / 200)):
        chosen = pc.if_else(pa.array(rng.random(table.num_rows) < share), one, table[name])
        table = table.set_column(table.column_names.index(name), name, chosen)
    return table


def _models() -> enumerate[str]:
    return enumerate(MODELS)


def _clicks(rng: np.random.Generator, impressions: pa.Table, rate: np.ndarray) -> pa.Table:
    """Their clicks, of which few come twice, and few too late."""
    clicked = impressions.select(["impression_id", "ts"]).filter(pa.array(rng.random(rate.size) < rate))
    clicks = pa.concat_tables([clicked, clicked.slice(0, clicked.num_rows // 50)])
    delay = rng.integers(1, HOUR_MICROS, clicks.num_rows)
    delay += np.where(rng.random(delay.size) < 0.01, HOUR_MICROS, 0)
    later = pa.array(clicks["ts"].cast(pa.int64()).to_numpy() + delay).cast(TIME)
    return pa.table({"impression_id": clicks["impression_id"], "click_ts": later})


def configuration(case: Case, folder: Path, tables: Path) -> dict[str, object]:
    """The evaluation of the generated logs: three dimensions, five slices, 32 shards, no score bins."""

    def source(name: str) -> dict[str, str]:
        return {"format": case.source, "path": str(folder / (f"{name}_delta" if case.source == "delta" else name))}

    return {
        "evaluation": "bench",
        "impressions": {
            "source": source("impressions"),
            "columns": {"id": "impression_id", "time": "ts", "unit": "user_id"},
            "duplicates": case.duplicates,
        },
        "labels": {
            "click": {
                "source": source("clicks"),
                "columns": {"id": "impression_id", "time": "click_ts"},
                "window": "1h",
            }
        },
        "tasks": {"ctr": {"label": "click"}},
        "models": {name: {"ctr": {"score": f"p_{name}", "scale": "probability"}} for name in MODELS[: case.models]},
        "dimensions": ["country", "device", "campaign"],
        "slices": [[], ["country"], ["device"], ["country", "device"], ["campaign"]],
        "bins": {"slices": []},
        "limits": {"cells": 1_000_000},
        "tables": {"path": str(tables)},
    }


def _texts(rng: np.random.Generator, size: int) -> pa.Array:
    """32 hexadecimal digits each."""
    starts = pa.py_buffer(np.arange(size + 1, dtype=np.int32) * 32)
    return pa.StringArray.from_buffers(size, starts, pa.py_buffer(rng.bytes(16 * size).hex().encode()))


def _labelled(rng: np.random.Generator, size: int, count: int, prefix: str) -> pa.Array:
    values = pa.array([f"{prefix}{i}" for i in range(count)])
    return pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, count, size).astype(np.int32)), values).cast(
        pa.string()
    )


def _write(tables: dict[str, pa.Table], folder: Path, name: str) -> None:
    for log, table in tables.items():
        (folder / log).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / log / name, row_group_size=2**17)
        write_deltalake(str(folder / f"{log}_delta"), table, mode="append")
