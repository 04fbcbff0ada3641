"""The first bad day of every metric of a day, from the values that `metrics` has of the days before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from jobs.judgement.changes.first_bad import first_bad_day

KEYS = ("task", "model", "slice", "metric")
Key = tuple[str, ...]


def since(today: pa.Table, series: pa.Table, day: date) -> Mapping[Key, date]:
    """By task, model, slice and metric, the first day of the current run of bad ones; not where the day is as usual.

    Args:
        today: Rows of `metrics` of the day.
        series: `value` and `stderr` of metrics on the days before it, with their keys and `event_date`.
        day: Its date.
    """
    known: defaultdict[Key, dict[date, tuple[float, float]]] = defaultdict(dict)
    for of, (key, value) in zip(series["event_date"].to_pylist(), _values(series), strict=True):
        known[key][of] = value
    firsts = {key: _first({**known[key], day: value}) for key, value in _values(today) if key in known}
    return {key: first for key, first in firsts.items() if first is not None}


def _first(values: Mapping[date, tuple[float, float]]) -> date | None:
    days = sorted(values)
    numbers = np.array([values[each] for each in days], dtype=np.float64)
    first = first_bad_day(numbers[:, 0], numbers[:, 1]).day
    return None if first is None else days[first]


def _values(table: pa.Table) -> zip[tuple[Key, tuple[float, float]]]:
    keys = zip(*(table[name].to_pylist() for name in KEYS), strict=True)
    numbers = (table[name].fill_null(np.nan).to_pylist() for name in ("value", "stderr"))
    return zip(keys, zip(*numbers, strict=True), strict=True)
