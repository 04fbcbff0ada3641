"""Precision, recall and F1 at a threshold, from score bins. A score p is predicted positive where p ≥ threshold."""

from __future__ import annotations

from typing import NamedTuple

from udfs.exact.numerics import quotient, total
from udfs.measure import FloatArray, bin_metric


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


@bin_metric(unit="1", suffix="@{threshold}", undefined="none_above_threshold")
def precision(low: FloatArray, positive_weight: FloatArray, negative_weight: FloatArray, *, threshold: float) -> float:
    """Share of positives among rows with a score p ≥ t, by weight. Undefined where no score is that high."""
    found = confusion(low, positive_weight, negative_weight, threshold)
    return quotient(found.true_positive, found.true_positive + found.false_positive)


@bin_metric(unit="1", suffix="@{threshold}")
def recall(low: FloatArray, positive_weight: FloatArray, *, threshold: float) -> float:
    """Share of positives that have a score p ≥ t, by weight. Undefined without positives."""
    return quotient(total(positive_weight[low >= threshold]), total(positive_weight))


@bin_metric(unit="1", suffix="@{threshold}")
def f1(low: FloatArray, positive_weight: FloatArray, negative_weight: FloatArray, *, threshold: float) -> float:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN). Undefined without any of the three."""
    hits, false, missed, _ = confusion(low, positive_weight, negative_weight, threshold)
    return quotient(2.0 * hits, 2.0 * hits + (false + missed))
