"""Calibration against discrimination from score bins: score = MCB − DSC + UNC (CORP), with bounds that hold.

The best calibrated score ŷ that keeps the order of p is isotonic regression of labels on scores. With the score S of
p, S(ŷ) of ŷ and S(ȳ) of the base rate: MCB = S(p) − S(ŷ) is what recalibration would win, DSC = S(ȳ) − S(ŷ) what the
order tells, UNC = S(ȳ). S(p) and UNC are known from sums; bins are needed for ŷ only. Of bins as they are, all scores
in a bin alike, S(ŷ) is an upper bound of that of the rows: rows have more isotonic fits. It is least where in each bin
all negatives come before all positives. So the exact MCB and DSC are in [value, value + hidden].
Source: Dimitriadis, Gneiting and Jordan, Stable reliability diagrams for probabilistic classifiers, PNAS 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import binary_entropy, quotient, total


class Corp(NamedTuple):
    """The decomposition of one score; NaN where there is a reason.

    Attributes:
        score: The score itself, as it is published.
        miscalibration: MCB ≥ 0 of the bins; of the rows it is up to `hidden` more.
        discrimination: DSC ≥ 0 of the bins; of the rows it is up to `hidden` more.
        uncertainty: UNC, the score of the base rate.
        hidden: What the order of rows in a bin may hide at most.
        reason: `no_weight`, `single_class`, `not_recorded`, `infinite`, or None.
    """

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    hidden: float
    reason: str | None


class _Blocks(NamedTuple):
    """Weights of labels of the blocks that isotonic regression makes."""

    positive: FloatArray
    negative: FloatArray


@dataclass(frozen=True)
class Bins:
    """Weights of labels of the score bins of a slice, each (bins,) in the order of scores, and the fits to them.

    Attributes:
        positive: Σ w·y of each bin.
        negative: Σ w·(1 − y) of each bin.
        distinct: All scores of a bin are equal: nothing is hidden.
    """

    positive: FloatArray
    negative: FloatArray
    distinct: bool = False

    @cached_property
    def used(self) -> _Blocks:
        """The bins that have weight."""
        used = (self.positive + self.negative) != 0.0
        return _Blocks(self.positive[used], self.negative[used])

    @cached_property
    def fitted(self) -> _Blocks:
        """The blocks of the bins as they are."""
        return isotonic(*self.used)

    @cached_property
    def least(self) -> _Blocks:
        """The blocks where in each bin all negatives come first."""
        return self.fitted if self.distinct else isotonic(*_negatives_first(*self.used))


# Of blocks to the sum of the scores that their own rates have.
Spread = Callable[[_Blocks], float]


def corp_of_log_loss(bins: Bins, log_loss: float) -> Corp:
    """The decomposition of log loss, as published of the slice. Unit: nats.

    Labels 1, 0, 0, 0, 1, 1 by ascending score, as in the test of the R package reliabilitydiag:

    >>> y = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    >>> found = corp_of_log_loss(Bins(y, 1.0 - y, distinct=True), 0.69862276)
    >>> [round(part, 7) for part in found[1:4]]
    [0.3237327, 0.3182571, 0.6931472]
    """
    return _corp(bins, log_loss, _entropy)


def corp_of_brier_score(bins: Bins, brier_score: float) -> Corp:
    """The decomposition of the Brier score, as `corp_of_log_loss`, for labels that are 0 or 1.

    Soft labels are taken as parts of two rows: MCB is too small by the mean of y (1 − y), which no score can mend.

    >>> y = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    >>> found = corp_of_brier_score(Bins(y, 1.0 - y, distinct=True), 1.36 / 6.0)
    >>> [round(part, 7) for part in found[1:4]]
    [0.1016667, 0.125, 0.25]
    """
    return _corp(bins, brier_score, _variance)


def _entropy(blocks: _Blocks) -> float:
    weight = blocks.positive + blocks.negative
    return total(weight * binary_entropy(blocks.positive, blocks.negative))


def _variance(blocks: _Blocks) -> float:
    return total(blocks.positive * (blocks.negative / (blocks.positive + blocks.negative)))


def _corp(bins: Bins, score: float, spread: Spread) -> Corp:
    whole = _Blocks(*(np.array([total(each)]) for each in bins.used))
    weight = float(whole.positive[0] + whole.negative[0])
    reason = _reason(whole, weight, score)
    if reason is not None:
        return Corp(score, np.nan, np.nan, np.nan, np.nan, reason)
    fitted, least = (quotient(spread(blocks), weight) for blocks in (bins.fitted, bins.least))
    uncertainty = quotient(spread(whole), weight)
    return Corp(score, score - fitted, uncertainty - fitted, uncertainty, max(fitted - least, 0.0), None)


def _reason(whole: _Blocks, weight: float, score: float) -> str | None:
    if np.isnan(weight) or (np.isnan(score) and weight != 0.0):
        return "not_recorded"
    if weight == 0.0:
        return "no_weight"
    if np.isinf(score):
        return "infinite"
    return "single_class" if 0.0 in (whole.positive[0], whole.negative[0]) else None


def _negatives_first(positive: FloatArray, negative: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two bins for each: its negatives, then its positives."""
    nothing = np.zeros(positive.size)
    first = np.stack([nothing, positive], axis=1).reshape(-1)
    second = np.stack([negative, nothing], axis=1).reshape(-1)
    used = (first + second) != 0.0
    return first[used], second[used]


def isotonic(positive: FloatArray, negative: FloatArray) -> _Blocks:
    """The blocks of equal fitted rate, rates ascending: neighbours that are out of order are pooled. (bins,).

    Bins have weight. Means are compared crosswise, P·N′ against P′·N, so that one of 0 needs no case of its own.

    >>> isotonic(np.array([1.0, 0.0, 2.0]), np.array([1.0, 3.0, 1.0])).positive
    array([1., 2.])
    """
    kept: list[tuple[float, float]] = []
    for p, n in zip(positive.tolist(), negative.tolist(), strict=True):
        while kept and kept[-1][0] * n >= p * kept[-1][1]:
            p, n = kept[-1][0] + p, kept[-1][1] + n  # noqa: PLW2901 - the block grows
            kept.pop()
        kept.append((p, n))
    return _Blocks(*(np.array(column, dtype=np.float64) for column in zip(*kept, strict=True)))
