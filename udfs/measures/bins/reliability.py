"""Calibration from score bins: how far mean scores are from mean labels, and how far they would be by chance.

Neighbouring bins are joined to a few groups: of equal width in p (edges k/n), of equal weight, or of width 1 in the
logit of p (edges at the whole logits from −16 to 16, the outermost groups are open). W, Y and S are the weight, the
positive weight and the sum of scores of a group, n its rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.kernels import sigmoid
from udfs.exact.numerics import preceding, quotient, ratio, total
from udfs.examples.bins import WHOLE_LOGITS, equal_width
from udfs.measure import metric


class CalibrationCurve(NamedTuple):
    """Groups of equal width in p, [low, high), the last with 1: weight, mean label and mean score, each (groups,)."""

    low: FloatArray
    high: FloatArray
    weight: FloatArray
    label: FloatArray
    score: FloatArray


def calibration_curve(
    low: FloatArray,
    positive_weight: FloatArray,
    negative_weight: FloatArray,
    score_sum: FloatArray,
    calibration_bins: float,
) -> CalibrationCurve:
    """The calibration curve; the means are NaN where a group has no weight. Columns of bins, each (bins,)."""
    borders, cuts = equal_width(calibration_bins), _of_equal_width(low, calibration_bins)
    weight, label, score = _grouped(cuts, positive_weight + negative_weight, positive_weight, score_sum)
    return CalibrationCurve(borders[:-1], borders[1:], weight, ratio(label, weight), ratio(score, weight))


@metric(unit="1", over="bins", undefined="no_weight", better="less", spread="none")
def expected_calibration_error(low, positive_weight, negative_weight, score_sum, *, calibration_bins):
    """Mean distance of scores from labels, Σ |Y − S| / ΣW, over groups of equal width in p. Noise alone is not 0.

    >>> expected_calibration_error([0, 0.5], [1, 3], [3, 1], [2, 3], calibration_bins=2)
    0.125
    """
    return _error(_of_equal_width(low, calibration_bins), positive_weight, negative_weight, score_sum)


@metric(unit="1", over="bins", undefined="no_weight", spread="none")
def expected_calibration_error_noise(low, n, positive_weight, negative_weight, score_sum, *, calibration_bins):  # noqa: PLR0913 - its inputs
    """What `expected_calibration_error` is on average if every score is right, Σ W·√(2 p̄ (1 − p̄) / (π n)) / ΣW.

    By the mean score p̄ = S/W of each group, for unit weights and groups of more than a few positives.

    >>> round(expected_calibration_error_noise([0, 0.5], [4, 4], [1, 3], [3, 1], [2, 3], calibration_bins=2), 4)
    0.1861
    """
    return _noise(_of_equal_width(low, calibration_bins), n, positive_weight + negative_weight, score_sum)


@metric(unit="1", over="bins", undefined="no_weight", better="less", spread="none")
def maximum_calibration_error(low, positive_weight, negative_weight, score_sum, *, calibration_bins):
    """Largest distance of a mean score from a mean label, max |Y − S| / W, over groups of equal width in p.

    >>> maximum_calibration_error([0, 0.5], [1, 3], [3, 1], [2, 3], calibration_bins=2)
    0.25
    """
    curve = calibration_curve(low, positive_weight, negative_weight, score_sum, calibration_bins)
    used = curve.weight != 0.0
    return float(np.abs(curve.label - curve.score)[used].max()) if used.any() else np.nan


@metric(unit="1", over="bins", undefined="no_weight", better="less", spread="none")
def expected_calibration_error_equal_mass(positive_weight, negative_weight, score_sum, *, calibration_bins):
    """Mean distance of scores from labels, Σ |Y − S| / ΣW, over groups of equal weight but for whole bins.

    >>> expected_calibration_error_equal_mass([1, 3], [3, 1], [2, 3], calibration_bins=2)
    0.125
    """
    cuts = _of_equal_mass(positive_weight + negative_weight, calibration_bins)
    return _error(cuts, positive_weight, negative_weight, score_sum)


@metric(unit="1", over="bins", undefined="no_weight", spread="none")
def expected_calibration_error_equal_mass_noise(n, positive_weight, negative_weight, score_sum, *, calibration_bins):
    """What `expected_calibration_error_equal_mass` is if every score is right, Σ W·√(2 p̄ (1 − p̄) / (π n)) / ΣW.

    >>> round(expected_calibration_error_equal_mass_noise([4, 4], [1, 3], [3, 1], [2, 3], calibration_bins=2), 4)
    0.1861
    """
    weight = positive_weight + negative_weight
    return _noise(_of_equal_mass(weight, calibration_bins), n, weight, score_sum)


@metric(unit="1", over="bins", undefined="no_weight", better="less", spread="none")
def expected_calibration_error_logit(low, positive_weight, negative_weight, score_sum):
    """Mean distance of scores from labels, Σ |Y − S| / ΣW, over groups of width 1 in the logit of p.

    >>> expected_calibration_error_logit([0, 0.5], [1, 3], [3, 1], [2, 3])
    0.125
    """
    return _error(_of_whole_logits(low), positive_weight, negative_weight, score_sum)


@metric(unit="1", over="bins", undefined="no_weight", spread="none")
def expected_calibration_error_logit_noise(low, n, positive_weight, negative_weight, score_sum):
    """What `expected_calibration_error_logit` is if every score is right, Σ W·√(2 p̄ (1 − p̄) / (π n)) / ΣW.

    >>> round(expected_calibration_error_logit_noise([0, 0.5], [4, 4], [1, 3], [3, 1], [2, 3]), 4)
    0.1861
    """
    return _noise(_of_whole_logits(low), n, positive_weight + negative_weight, score_sum)


@metric(unit="1", over="bins", undefined="no_weight", better="less")
def brier_reliability(positive_weight, negative_weight, score_sum):
    """Part of the Brier score that is miscalibration, Σ W·(p̄ − ȳ)² / ΣW over score bins, of means S/W and Y/W.

    Where labels are 0 or 1, Brier score = reliability − resolution + q (1 − q), exactly where all scores of a bin are
    equal (Murphy 1973); of soft labels the right side is larger by the mean of y (1 − y), the spread within a row. Each
    bin that occurs adds noise of about q (1 − q) / Σn to both.

    >>> brier_reliability([1, 3], [3, 1], [2, 3])
    0.03125
    """
    weight = positive_weight + negative_weight
    used = weight != 0.0
    gap = score_sum[used] - positive_weight[used]
    return quotient(total(gap * (gap / weight[used])), total(weight))


@metric(unit="1", over="bins", undefined="no_weight", better="more")
def brier_resolution(positive_weight, negative_weight):
    """Part of q (1 − q) that the score explains, Σ W·(ȳ − q)² / ΣW over score bins, q the base rate (Murphy 1973).

    >>> brier_resolution([1, 3], [3, 1])
    0.0625
    """
    weight = positive_weight + negative_weight
    used = weight != 0.0
    gap = positive_weight[used] / weight[used] - quotient(total(positive_weight), total(weight))
    return quotient(total(weight[used] * (gap * gap)), total(weight))


def _error(cuts: IntArray, positive_weight: FloatArray, negative_weight: FloatArray, score_sum: FloatArray) -> float:
    weight, label, score = _grouped(cuts, positive_weight + negative_weight, positive_weight, score_sum)
    return quotient(total(np.abs(label - score)), total(weight))


def _noise(cuts: IntArray, n: FloatArray, weight: FloatArray, score_sum: FloatArray) -> float:
    rows, weights, score = _grouped(cuts, n, weight, score_sum)
    used = weights != 0.0
    mean = np.clip(score[used] / weights[used], 0.0, 1.0)
    spread = np.sqrt(2.0 * (mean * (1.0 - mean)) / (np.pi * rows[used]))
    return quotient(total(weights[used] * spread), total(weights))


def _grouped(cuts: IntArray, *columns: FloatArray) -> list[FloatArray]:
    """The sums of each column over the bins between two cuts. (bins,) to (groups,)."""
    borders = [0, *cuts.tolist(), columns[0].size]
    return [np.array([total(column[a:b]) for a, b in pairwise(borders)]) for column in columns]


def _of_equal_width(low: FloatArray, calibration_bins: float) -> IntArray:
    return np.searchsorted(low, equal_width(calibration_bins)[1:-1])


def _of_whole_logits(low: FloatArray) -> IntArray:
    return np.searchsorted(low, sigmoid(WHOLE_LOGITS))


def _of_equal_mass(weight: FloatArray, calibration_bins: float) -> IntArray:
    """A bin goes to the group in which the middle of its weight lies."""
    middle = preceding(weight) + weight / 2.0
    return np.searchsorted(middle, equal_width(calibration_bins)[1:-1] * total(weight))
