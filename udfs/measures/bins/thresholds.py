"""Precision, recall and F1 at a threshold, from score bins. A score p is predicted positive where p ≥ threshold."""

from __future__ import annotations

from typing import NamedTuple

from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import quotient, total
from udfs.measure import metric


class Confusion(NamedTuple):
    """Weights by what was predicted and what was true; a soft label is in both columns."""

    true_positive: float
    false_positive: float
    false_negative: float
    true_negative: float


def confusion(low: FloatArray, positive_weight: FloatArray, negative_weight: FloatArray, threshold: float) -> Confusion:
    """The four weights at a threshold that is an edge of the bins; columns of bins, each (bins,)."""
    above = low >= threshold
    predicted, rest = (total(positive_weight[which]) for which in (above, ~above))
    false, right = (total(negative_weight[which]) for which in (above, ~above))
    return Confusion(predicted, false, rest, right)


@metric(unit="1", over="bins", suffix="@{threshold}", undefined="none_above_threshold", better="more")
def precision(low, positive_weight, negative_weight, *, threshold):
    """Share of positives among rows with a score p ≥ t, by weight. Undefined where no score is that high.

    >>> precision([0, 0.5], [1, 3], [3, 1], threshold=0.5)
    0.75
    """
    found = confusion(low, positive_weight, negative_weight, threshold)
    return quotient(found.true_positive, found.true_positive + found.false_positive)


@metric(unit="1", over="bins", suffix="@{threshold}", better="more")
def recall(low, positive_weight, *, threshold):
    """Share of positives that have a score p ≥ t, by weight. Undefined without positives.

    >>> recall([0, 0.5], [1, 3], threshold=0.5)
    0.75
    """
    return quotient(total(positive_weight[low >= threshold]), total(positive_weight))


@metric(unit="1", over="bins", suffix="@{threshold}", better="more")
def f1(low, positive_weight, negative_weight, *, threshold):
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN). Undefined without any of the three.

    >>> f1([0, 0.5], [1, 3], [3, 1], threshold=0.5)
    0.75
    """
    hits, false, missed, _ = confusion(low, positive_weight, negative_weight, threshold)
    return quotient(2.0 * hits, 2.0 * hits + (false + missed))
