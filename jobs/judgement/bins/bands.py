"""Score bands as slices: which scores hold the weight and the loss, and how good they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray, UnitArray
from udfs.exact.numerics import preceding, ratio, total


@dataclass(frozen=True)
class Bands:
    """Bands of scores [low, high) that together hold all; the last is closed above.

    Attributes:
        low: Low edges, (bands,).
        high: High edges, (bands,); the last is the end of the scale.
        sums: Exact sums of each band as Python integers, (bands,) each: what metrics read once it is priced.
    """

    low: FloatArray
    high: FloatArray
    sums: Mapping[str, UnitArray]

    @property
    def texts(self) -> list[str]:
        """The bands as slices, e.g. `score=[0.01 0.02)`; a comma would part two dimensions."""
        closing = [*")" * (len(self.low) - 1), "]"][: len(self.low)]
        ends = zip(self.low.tolist(), self.high.tolist(), closing, strict=True)
        return [f"score=[{low} {high}{close}" for low, high, close in ends]


def bands(low: FloatArray, sums: Mapping[str, UnitArray], cuts: IntArray, end: float = 1.0) -> Bands:
    """Bins joined to bands between cuts. Sums are of integers: a band has the bits that its rows would have as a slice.

    Args:
        low: Low edges of the bins that occur, ascending, (bins,).
        sums: Sums by bin in units as `from_decimal` has them, (bins,); None, not recorded, makes its band None.
        cuts: Numbers of the bins that begin a band, beside the first; as `cuts_at` or `cuts_by_weight` have them.
        end: The end of the scale.

    >>> of = {"n": np.array([5, 1, 2], dtype=np.object_)}
    >>> found = bands(np.array([0.0, 0.25, 0.5]), of, np.array([1]))
    >>> found.texts, found.sums["n"].tolist()
    (['score=[0.0 0.25)', 'score=[0.25 1.0]'], [5, 3])
    """
    starts = np.unique(np.concatenate([[0], cuts[cuts < low.size]]).astype(np.int64)) if low.size else cuts[:0]
    edges = low[starts]
    joined = {name: _joined(values, starts) for name, values in sums.items()}
    return Bands(edges, np.append(edges[1:], [end] * bool(low.size)), joined)


def cuts_at(low: FloatArray, edges: Sequence[float]) -> IntArray:
    """Where bands begin at these scores, or at the first edge of a bin above. (bins,) to (cuts,)."""
    return np.searchsorted(low, np.asarray(edges, dtype=np.float64))


def cuts_by_weight(weight: FloatArray, count: int) -> IntArray:
    """Where so many bands begin that have equal weight but for whole bins: fewer where bins are heavy. (bins,).

    >>> cuts_by_weight(np.array([1.0, 1.0, 1.0, 1.0, 8.0]), 3)
    array([4])
    """
    middle = preceding(weight) + weight / 2.0
    borders = np.arange(1.0, count) / count * total(weight)
    cuts = np.unique(np.searchsorted(middle, borders))
    return cuts[(cuts > 0) & (cuts < weight.size)]


def shares(values: FloatArray) -> FloatArray:
    """The share of each band in all, as of weight or of the total loss; NaN where all are 0. (bands,) to (bands,)."""
    return ratio(values, np.array(total(values)))


def _joined(values: UnitArray, starts: IntArray) -> UnitArray:
    joined = np.empty(starts.size, dtype=np.object_)
    for i, (first, last) in enumerate(pairwise([*starts.tolist(), values.size])):
        part = values[first:last].tolist()
        joined[i] = None if None in part else sum(part)
    return joined
