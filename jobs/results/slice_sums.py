"""The sums of slices as doubles, and the rows of `metrics` that are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from jobs.settings import Evaluation
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import DECIMAL, from_decimal, nearest
from udfs.kinds import KINDS

KEYS = ("task", "model", "slice")
Key = tuple[str, str, str]


@dataclass(frozen=True)
class SliceSums:
    """The sums of one kind of task: one row per task, model and slice, sorted; the statistics as doubles, priced."""

    kind: str
    keys: Sequence[Key]
    of: Mapping[str, FloatArray]

    def where(self, chosen: Sequence[int]) -> SliceSums:
        """Some of the rows."""
        rows = np.array(chosen, dtype=np.int64)
        return SliceSums(
            self.kind, [self.keys[i] for i in chosen], {name: values[rows] for name, values in self.of.items()}
        )


def doubles(sums: pa.ChunkedArray) -> FloatArray:
    """The nearest doubles of sums or counts, NaN for NULL."""
    if pa.types.is_decimal256(sums.type):
        return np.array([np.nan if x is None else x for x in sums.to_pylist()], dtype=np.float64)
    if pa.types.is_decimal(sums.type):
        return nearest(from_decimal(sums.cast(DECIMAL)))
    counts: FloatArray = sums.to_numpy().astype(np.float64)
    return counts


def rows_of(
    sums: SliceSums, settings: Evaluation, values: FloatArray, reasons: Sequence[str | None], named: tuple[str, str]
) -> pa.Table:
    """The rows of one metric, of this name and unit: NULL where there is a reason, or too few rows."""
    few = sums.of["n"] < settings.limits.min_rows
    reasons = ["too_few_rows" if f else r for f, r in zip(few, reasons, strict=True)]
    undefined = np.array([reason is not None for reason in reasons], dtype=np.bool_)
    size, nothing = len(sums.keys), pa.nulls(len(sums.keys), pa.float64())
    positives = KINDS[sums.kind].positives
    return pa.table(
        {
            **{name: pa.array([key[i] for key in sums.keys], type=pa.string()) for i, name in enumerate(KEYS)},
            "metric": pa.array([named[0]] * size, type=pa.string()),
            "value": pa.array(values, mask=undefined),
            "n": pa.array(sums.of["n"].astype(np.int64)),
            "weight": sums.of["weight"],
            "positives": nothing if positives is None else pa.array(sums.of[positives]),
            "unit": pa.array([named[1]] * size, type=pa.string()),
            "reason": pa.array(reasons, type=pa.string()),
        }
    )
