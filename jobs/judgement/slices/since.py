"""Since when the listed crosses are badly calibrated: their errors on the days before, one day at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from jobs.judgement.by_shard import Pair
from jobs.judgement.changes.days import LOOKS_BACK
from jobs.judgement.changes.first_bad import first_bad_day
from jobs.judgement.slices.calibration import Calibration
from jobs.judgement.slices.crosses import FREE, Cells, cells
from jobs.judgement.slices.ledger import Ledger
from jobs.results.rows import of_pair
from udfs.exact.arrays import IntArray

Values = Mapping[str, str]  # the dimensions that a cross fixes


def first_bad_days(
    ledger: Ledger, listed: Mapping[Pair, tuple[Calibration, Mapping[str, Values]]]
) -> dict[Pair, dict[str, str | None]]:
    """The first day of the current run of bad ones for each listed cross of a task and model, as `first_bad_day`.

    A day is read and let go before the next: of many cells four weeks would not fit into memory.
    """
    names = tuple(dict.fromkeys(name for of, _ in listed.values() for name in of.names))
    days = [ledger.day - timedelta(days=back) for back in range(LOOKS_BACK, -1, -1)]
    series: dict[tuple[Pair, str], list[tuple[date, float, float]]] = {}
    for day in days if any(slices for _, slices in listed.values()) else ():
        table = ledger.cells(day, names)
        for pair, (of, slices) in listed.items():
            own = of_pair(table, *pair)
            given = cells([own], ledger.settings.dimensions, of.names)
            for text, values in slices.items() if own.num_rows else ():
                series.setdefault((pair, text), []).append((day, *_error(given, values, of)))
    return {pair: {text: _first(series[pair, text]) for text in slices} for pair, (_, slices) in listed.items()}


def _error(given: Cells, values: Values, of: Calibration) -> tuple[float, float]:
    """Mean error of a cross on a day, and its standard error over rows; NaN without weight."""
    rows = _within(given, values)
    one = np.zeros(rows.size, dtype=np.int64)
    side = of.rate({name: sums.taken(rows).added(one, 1).nearest() for name, sums in given.sums.items()})
    if not side.weight[0]:
        return np.nan, np.nan
    return float(side.total[0] / side.weight[0]), float(np.sqrt(side.variance[0]) / side.weight[0])


def _within(given: Cells, fixed: Values) -> IntArray:
    """The rows that have these values."""
    inside = np.ones(len(given.side), dtype=np.bool_)
    for i, (name, values) in enumerate(given.values.items()):
        if name in fixed:
            inside &= given.codes[:, i] == (values.index(fixed[name]) if fixed[name] in values else FREE)
    return np.flatnonzero(inside)


def _first(days: list[tuple[date, float, float]]) -> str | None:
    values, errors = (np.array([each[i] for each in days]) for i in (1, 2))
    first = first_bad_day(values, errors).day
    return None if first is None else days[first][0].isoformat()
