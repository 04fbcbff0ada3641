"""From arrays to exact sums and to metrics, on the path of the job: Arrow batches through `Summarise`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from udfs.catalog import columns_of, published
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import DECIMAL, SCALE, from_decimal, nearest
from udfs.measure import Metric, Options
from udfs.pricing import evaluated, priced
from udfs.scan.batch import Summarise
from udfs.scan.grains import CELLS, Grouping
from udfs.scan.keyed import KEYS
from udfs.scan.partials import combined, subtracted, unpacked
from udfs.scan.recipes import Recipe

OPTIONS: dict[str, float] = {"alpha": 2.5, "gamma": 2.0, "clip": 1e-15}
CODES = np.array([-(2**63), -7, 3, 2**62], dtype=np.int64)
SHARDS = 3
ONE = (0, 0, 0, 0)  # any key
RECIPES = tuple(Recipe("binary", ("label",), "weight", (scale,), (scale,)) for scale in ("probability", "logit"))
# Four cells as of two dimensions: both, each alone, and the total; only the first is summed row by row.
GROUPINGS = (
    Grouping(np.array([0, 1, 2, 3]), 4),
    Grouping(np.array([0, 0, 1, 1]), 2, parent=0, of_parent=np.array([0, 0, 1, 1])),
    Grouping(np.array([0, 1, 0, 1]), 2, parent=0, of_parent=np.array([0, 1, 0, 1])),
    Grouping(np.array([0, 0, 0, 0]), 1, parent=0, of_parent=np.array([0, 0, 0, 0])),
)

Key = tuple[int, int, int, int]
Sums = dict[Key, dict[str, int]]
Value = tuple[float, str | None]


@dataclass(frozen=True)
class Rows:
    """Rows as they reach a worker: `score` is a probability, or a logit where `scale` says so."""

    label: FloatArray
    weight: FloatArray
    score: FloatArray
    scale: str = "probability"

    def take(self, rows: Sequence[int] | NDArray[np.integer | np.bool_]) -> Rows:
        """These rows only, in this order; or those where a mask is true."""
        index = np.asarray(rows) if len(rows) else np.array([], dtype=np.int64)
        return replace(self, label=self.label[index], weight=self.weight[index], score=self.score[index])

    def weighing(self, weight: ArrayLike) -> Rows:
        """The same rows with other weights."""
        return replace(self, weight=np.asarray(weight, dtype=np.float64))


def rows_of(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None, scale: str = "probability") -> Rows:
    """Rows from anything like an array; without a weight each weighs 1."""
    labels = np.asarray(label, dtype=np.float64)
    weights = np.ones(labels.size) if weight is None else np.asarray(weight, dtype=np.float64)
    return Rows(labels, weights, np.asarray(score, dtype=np.float64), scale)


def summarise(
    recipes: Sequence[Recipe] = RECIPES,
    options: Options = OPTIONS,
    groupings: tuple[Grouping, ...] = GROUPINGS,
    shards: int = SHARDS,
) -> Summarise:
    """The pass of the job over the cells of `CODES`."""
    statistics = columns_of("binary", options)
    cells = np.arange(CODES.size)
    return Summarise(tuple(recipes), {"binary": statistics}, {}, "strict", CODES, cells, CODES.size, groupings, shards)


def by_key(run: Summarise, batches: Iterable[pa.RecordBatch]) -> Sums:
    """Units of each statistic by (pair, grouping, key, shard), of one partition."""
    return _sums(unpacked(run(batches), run.schema))


def merged(parts: Iterable[Sums]) -> Sums:
    """Sums of several partitions, added by the one merge there is."""
    rows = [(key, sums) for part in parts for key, sums in part.items()]
    return _sums(combined(_table(rows), KEYS.names[:4])) if rows else {}


def plus(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """Two rows of sums, added."""
    return merged([{ONE: dict(a)}, {ONE: dict(b)}])[ONE]


def minus(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    """A row of sums without that of its part."""
    return _sums(subtracted(_table([(ONE, a)]), _table([(ONE, b)]), KEYS.names[:4]))[ONE]


def decimals(units: Iterable[int | None]) -> pa.Array:
    """Units as DECIMAL(37,15); None is NULL."""
    exact = Context(prec=38)
    return pa.array([None if unit is None else Decimal(unit).scaleb(-SCALE, exact) for unit in units], DECIMAL)


def _table(rows: Sequence[tuple[Key, Mapping[str, int]]]) -> pa.Table:
    """Rows of sums by key, all of them DECIMAL(37,15)."""
    keys = zip(KEYS.names[:4], zip(*(key for key, _ in rows), strict=True), strict=True)
    names = rows[0][1]
    columns = {name: decimals([sums[name] for _, sums in rows]) for name in names}
    return pa.table({**{name: pa.array(values) for name, values in keys}, **columns})


def _sums(table: pa.Table) -> Sums:
    """Units of each statistic by (pair, grouping, key, shard)."""
    keys = list(zip(*(table[name].to_pylist() for name in KEYS.names[:4]), strict=True))
    names = [name for name in table.column_names if name not in KEYS.names]
    units = zip(*(from_decimal(table[name].cast(DECIMAL)).tolist() for name in names), strict=True)
    sums = {key: dict(zip(names, values, strict=True)) for key, values in zip(keys, units, strict=True)}
    assert len(sums) == len(keys)
    return sums


def sums_of(rows: Rows, options: Options = OPTIONS) -> dict[str, int]:
    """Units of each statistic over all rows; zeros where no row is in the task."""
    recipe = Recipe("binary", ("label",), "weight", ("score",), (rows.scale,))
    run = summarise([recipe], options, groupings=(), shards=1)
    columns = {"code": np.full(rows.label.size, CODES[0]), "shard": np.zeros(rows.label.size, dtype=np.int32)}
    batch = pa.record_batch({**columns, "label": rows.label, "weight": rows.weight, "score": rows.score})
    return by_key(run, [batch]).get((0, CELLS, 0, -1), dict.fromkeys(run.columns, 0))


def metrics_from(
    sums: Mapping[str, int], options: Options = OPTIONS, metrics: Iterable[Metric] | None = None
) -> dict[str, Value]:
    """Each metric of the sums with its reason, NaN or infinite where there is one."""
    statistics = columns_of("binary", options)
    chosen = priced("binary", {name: nearest([sums[name]]) for name in statistics}, statistics, options["clip"])
    found = {}
    for metric in published("binary", options).values() if metrics is None else metrics:
        values, reasons = evaluated(metric, chosen)
        found[metric.name] = (float(values[0]), reasons[0])
    return found


def metrics_of_rows(rows: Rows, options: Options = OPTIONS) -> dict[str, Value]:
    """Each metric of the rows with its reason."""
    return metrics_from(sums_of(rows, options), options)
