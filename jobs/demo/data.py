"""Writes the demo's logs: some days of impressions, clicks and conversions, the same for a seed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.day import Day, micros
from jobs.demo import truths as known
from jobs.demo.faults import Faulty
from jobs.demo.logs import Logs, logged
from jobs.demo.truths import Truths
from jobs.demo.world import VALUES, world
from jobs.errors import ConfigurationError, Problem
from udfs.exact.arrays import BoolArray, IntArray

SEED: Final = 2026
DAYS: Final = 3
TIME: Final = pa.timestamp("us", tz="UTC")
SCORES: Final = ("p_click", "z_click", "p_conv", "z_conv", "p_view", "z_view")


def newest_day(now: datetime | None = None) -> date:
    """The newest day whose conversions are all in: one day of window and six hours of lateness are over."""
    return (now or datetime.now(UTC)).date() - timedelta(days=3)


def generated(
    folder: Path, last_day: date, *, rows_per_day: int = 100_000, seed: int = SEED, days: int = DAYS
) -> Truths:
    """Write the logs of some days into a folder; days of that seed and size that are there are kept.

    Args:
        folder: Gets `impressions/dt=…/`, `clicks/`, `conversions/` and `truths.json`.
        last_day: The last of the days; for the same seed nothing but the dates depends on it.
        rows_per_day: Impressions a day, before copies.
        seed: Another seed, other days.
        days: How many; the last one goes wrong.

    Raises:
        ConfigurationError: There is a folder that is not the demo's (exit 2).
    """
    there = known.load(folder)
    if there is not None and (there.seed, there.rows_per_day, len(there.days)) == (seed, rows_per_day, days):
        return there
    if there is None and folder.exists():
        problem = Problem(
            str(folder), "something that is not of the demo", "no such folder; call demo with another FOLDER"
        )
        raise ConfigurationError("the demo does not write over it", [problem])
    where = world(seed, rows_per_day // 8, days)
    logs = [
        logged(where, seed, number, last_day - timedelta(days=days - number), rows_per_day)
        for number in range(1, days + 1)
    ]
    # Written beside and renamed: a folder that a killed run left half full never counts as there.
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    truths = known.of_days(logs, seed)
    _write(logs, partial)
    known.save(truths, partial)
    if there is not None:
        shutil.rmtree(folder)
    partial.rename(folder)
    return truths


def _write(days: Sequence[Logs], folder: Path) -> None:
    for name in ("clicks", "conversions"):
        (folder / name).mkdir(parents=True)
    for day, table in zip(days, _partitions(days), strict=True):
        partition = folder / "impressions" / f"dt={day.date.isoformat()}"
        partition.mkdir(parents=True)
        half = table.num_rows // 2
        pq.write_table(table.slice(0, half), partition / "part-0.parquet")
        pq.write_table(table.slice(half), partition / "part-1.parquet")
        for label, column in (("click", "click_ts"), ("conversion", "conv_ts")):
            pq.write_table(_events(day, label, column), folder / f"{label}s" / f"{day.date.isoformat()}.parquet")


def _partitions(days: Sequence[Logs]) -> list[pa.Table]:
    """The impressions of each date's folder, copies anywhere: some come a date late, but not to the last one."""
    tables, late = [], None
    for day in days:
        table = _impressions(day)
        stray = np.isin(day.log.source, day.log.strays) & (day.number < len(days))
        parts = [table.filter(pa.array(~stray)), *([] if late is None else [late])]
        late = table.filter(pa.array(stray))
        joined = pa.concat_tables(parts)
        order = np.random.Generator(np.random.PCG64(day.number)).permutation(joined.num_rows)
        tables.append(joined.take(pa.array(order)).combine_chunks())
    return tables


def _impressions(day: Logs) -> pa.Table:
    log = day.log
    columns = {
        "impression_id": _ids(day, log.columns["impression_id"], log.nulls["impression_id"]),
        "ts": _times(day, log.columns["ts"], log.nulls["ts"]),
        "user_id": _texts("u", log.columns["user"], log.nulls["user"]),
        "request_id": _texts(f"r{day.number}-", log.source // 4, None),
        **{name: _named(log, name) for name in VALUES},
        "bid": pa.array(log.columns["bid"], mask=log.nulls["bid"]),
        **{name: pa.array(log.columns[name], mask=log.nulls[name]) for name in SCORES},
        "viewed": pa.array(log.columns["viewed"], mask=log.nulls["viewed"]).cast(pa.int8()),
    }
    return pa.table(columns)


def _events(day: Logs, label: str, column: str) -> pa.Table:
    events = day.events[label]
    times = _times(day, events.time, events.timeless)
    table = pa.table({"impression_id": _ids(day, events.impression, events.impression < 0), column: times})
    return table.sort_by([(column, "ascending"), ("impression_id", "ascending")])


def _ids(day: Logs, numbers: IntArray, nulls: BoolArray) -> pa.Array:
    return _texts(f"i{day.number}-", numbers, nulls)


def _texts(prefix: str, numbers: IntArray, nulls: BoolArray | None) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers, mask=nulls).cast(pa.string()), 7, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def _times(day: Logs, offsets: IntArray, nulls: BoolArray) -> pa.Array:
    return pa.array(micros(Day(day.date).start) + offsets, mask=nulls).cast(TIME)


def _named(log: Faulty, dimension: str) -> pa.Array:
    indices: Any = pa.array(log.columns[dimension].astype(np.int32), mask=log.nulls[dimension])
    return pa.DictionaryArray.from_arrays(indices, pa.array(VALUES[dimension])).cast(pa.string())
