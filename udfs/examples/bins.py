"""Score bins: where a score belongs, so that areas and calibration follow from sums per bin.

A bin is the scores from its low edge up to, and without, the next one. The edges are all float32 numbers that keep
only some leading bits (sign, exponent, mantissa), so they are dense where scores are small, need no logarithm, and
those of fewer bits are among those of more: bins are nested, and merge by addition. Besides there is an edge at
every probability that a metric compares with, so that nothing straddles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.kernels import STRICT, sigmoid
from udfs.exact.units import LOGIT_LIMIT

# What a metric of bins may read: the low edge as a probability, and sums over the bin.
BIN_COLUMNS = frozenset({"low", "n", "positive_weight", "negative_weight", "score_sum"})
LEAST_BITS, MOST_BITS = 9, 20  # from powers of two on; more would be millions of bins
WHOLE_LOGITS = np.arange(-16.0, 17.0)


def edges(scale: str, bits: int, extra: ArrayLike = ()) -> FloatArray:
    """The low edges of all bins of a scale, ascending and each once. (bins,).

    On the `probability` scale they cover [0, 1], on the `logit` scale what is below 2¹⁹ in size and ±inf.

    Args:
        scale: `probability` or `logit`.
        bits: Leading bits of a float32 that an edge keeps, 9 to 20: its sign, its exponent, `bits` − 9 of its mantissa.
        extra: Further edges, on that scale.

    Raises:
        ValueError: There are too few or too many bits.

    >>> edges("probability", 9, [0.3])[-4:]
    array([0.25, 0.3 , 0.5 , 1.  ])
    """
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise ValueError(f"bins of {bits} bits, expected {LEAST_BITS} to {MOST_BITS}")
    last = np.float32(LOGIT_LIMIT if scale == "logit" else 1.0).view(np.uint32)
    kept = np.arange(0, int(last) + 1, 1 << (32 - bits), dtype=np.uint32).view(np.float32).astype(np.float64)
    signed = [kept, -kept, [-np.inf, np.inf]] if scale == "logit" else [kept]
    return np.unique(np.concatenate([*signed, np.asarray(extra, dtype=np.float64)]) + 0.0)  # −0.0 becomes 0.0


def logit(p: FloatArray) -> FloatArray:
    """The logit of a probability, ln(p / (1 − p)), by the strict kernel; ∓inf at 0 and 1. (n,) to (n,)."""
    with np.errstate(divide="ignore"):
        return STRICT.log(p / (1.0 - p))


def equal_width(calibration_bins: float) -> FloatArray:
    """The doubles nearest to k/n, k = 0 … n = `calibration_bins`. (n + 1,)."""
    return np.arange(calibration_bins + 1.0) / calibration_bins


@dataclass(frozen=True)
class Binning:
    """The bins of a task's scores.

    On the logit scale what is declared as a probability p is the double ln(p / (1 − p)), and a score is at or above
    p where its logit is at or above that double.

    Attributes:
        scale: `probability` or `logit`.
        bits: Leading bits of a float32 that an edge keeps.
        thresholds: Probabilities for the metrics `…@threshold`; each becomes an edge.
        calibration_bins: n of the edges k/n.

    >>> halves = Binning("logit", bits=9, thresholds=(0.5,), calibration_bins=2)
    >>> place = halves.located(np.array([-1e-9, -0.0, 3.0]))
    >>> halves.edges[place].round(3), halves.probability(halves.edges[place]).round(3)
    (array([-0.,  0.,  3.]), array([0.5  , 0.5  , 0.953]))
    """

    scale: str
    bits: int = 17
    thresholds: tuple[float, ...] = ()
    calibration_bins: int = 10

    @property
    def edges(self) -> FloatArray:
        """The low edges of all bins, on the scale of the task. (bins,). Not to be written to."""
        return _tables(self).edges

    def located(self, score: FloatArray) -> IntArray:
        """The bin of each score, the number of the largest edge that is not above it. (n,) to (n,).

        A NaN or a score below all edges is in some bin too: the caller has rejected them.
        """
        # As np.searchsorted(self.edges, score, side="right") − 1, but several times as fast.
        tables = _tables(self)
        place = tables.first[_cells(score, self._shift)].astype(np.int64)
        late = np.flatnonzero(tables.next[place] <= score)
        while late.size:
            place[late] += 1
            late = late[tables.next[place[late]] <= score[late]]
        return place

    def probability(self, low: FloatArray) -> FloatArray:
        """Low edges as probabilities: what metrics read as `low`. Ascending as they are. (bins,) to (bins,).

        The edge of a declared probability becomes just that one, and no other edge crosses it.
        """
        if self.scale == "probability":
            return low
        probabilities, logits = self.declared()
        place = np.searchsorted(logits, low, side="right")
        below = np.nextafter(np.append(probabilities, 2.0)[place], 0.0)
        between = np.clip(sigmoid(low), probabilities[place - 1], below)
        return np.where(logits[place - 1] == low, probabilities[place - 1], between)

    def declared(self) -> tuple[FloatArray, FloatArray]:
        """All probabilities that a metric compares with, and the same as logits, both ascending."""
        chosen = np.append(equal_width(self.calibration_bins), self.thresholds)
        every = np.concatenate([chosen, sigmoid(WHOLE_LOGITS)]) + 0.0
        probabilities, which = np.unique(every, return_index=True)
        logits = np.concatenate([logit(chosen), WHOLE_LOGITS])[which]
        return probabilities, np.maximum.accumulate(logits)  # where two are an ulp apart, rounding might swap them

    @property
    def _shift(self) -> np.uint64:
        return np.uint64(52 + LEAST_BITS - self.bits)  # leaves a double as much of its mantissa as an edge has


@dataclass(frozen=True)
class _Tables:
    """What finds a bin: `edges`; the edge `next` to each; the `first` bin of a cell, others may follow in the cell."""

    edges: FloatArray
    next: FloatArray
    first: NDArray[np.int32]


# Tasks of a process share them: to find the bins of 200,000 scores takes less than to make the tables.
@lru_cache(maxsize=16)
def _tables(binning: Binning) -> _Tables:
    probabilities, logits = binning.declared()
    low = edges(binning.scale, binning.bits, logits if binning.scale == "logit" else probabilities)
    shift = binning._shift
    cells = np.arange(1 << (64 - shift), dtype=np.uint64) << shift
    ends = cells.view(np.float64), (cells | ((np.uint64(1) << shift) - np.uint64(1))).view(np.float64)
    first = np.searchsorted(low, np.fmin(*ends), side="right") - 1
    low.flags.writeable = False
    return _Tables(low, np.append(low[1:], np.nan), np.maximum(first, 0).astype(np.int32))


def _cells(score: FloatArray, shift: np.uint64) -> IntArray:
    """The leading bits of a double: no cell has more than one edge inside, but for those declared."""
    return (np.asarray(score, dtype=np.float64).view(np.uint64) >> shift).view(np.int64)
