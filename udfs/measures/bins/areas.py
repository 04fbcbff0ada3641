"""Areas under curves, from score bins: how well scores rank, with bounds that hold whatever the order in a bin.

P and N are the positive and the negative weight of a bin, ΣP and ΣN those of all bins, rows with soft labels in
both. A score in a higher bin is higher; what bins do not tell is the order of scores in one bin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from udfs.exact import numerics
from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import preceding, quotient, total
from udfs.measure import metric


@metric(unit="1", over="bins", better="more")
def auc(positive_weight, negative_weight):
    """Area under the ROC curve, P(s⁺ > s⁻) + ½ P(s⁺ and s⁻ in one bin). The exact one is within `auc_half_width`.

    >>> auc([1, 3], [3, 1])
    0.75
    """
    below = preceding(negative_weight)
    area = total(positive_weight * (below + negative_weight / 2.0))
    return min(quotient(area, _pairs(positive_weight, negative_weight)), 1.0)


@metric(unit="1", over="bins", spread="none")
def auc_half_width(positive_weight, negative_weight):
    """Certified half-width of `auc`, ½ Σ P·N / (ΣP·ΣN): half the share of pairs in one bin, ties included.

    >>> auc_half_width([1, 3], [3, 1])
    0.1875
    """
    return quotient(total(positive_weight * negative_weight) / 2.0, _pairs(positive_weight, negative_weight))


@metric(unit="1", over="bins", better="more")
def average_precision(positive_weight, negative_weight):
    """Area under the precision-recall curve by steps, Σ P·precision at the bin's low edge / ΣP.

    >>> average_precision([1, 3], [3, 1])
    0.6875
    """
    above = _above(positive_weight, negative_weight)
    hits = above.positive + above.own_positive
    precision = _share(hits, above.negative + above.own_negative)
    return quotient(total(above.own_positive * precision), total(positive_weight))


@metric(unit="1", over="bins")
def average_precision_low(positive_weight, negative_weight):
    """Certified lower bound of the average precision over rows, for any weights, labels, order and ties in a bin.

    The negatives F of a bin and above come first, then its positives one by one: a row's precision counts the row
    itself, so Σ over rows is at least ∫₀ᴾ (p + x) / (p + x + F) dx = P·p/(p + F) + F·g(P/(p + F)), where p is the
    positive weight above and g(x) = x − ln(1 + x). As rows get lighter it is approached.

    >>> round(average_precision_low([1, 3], [3, 1]), 4)
    0.5199
    """
    above = _above(positive_weight, negative_weight)
    negative = above.negative + above.own_negative
    before = above.positive + negative
    with np.errstate(divide="ignore", invalid="ignore"):
        least = above.own_positive * (above.positive / before) + negative * numerics.g(above.own_positive / before)
    return quotient(total(np.where(before == 0.0, above.own_positive, least)), total(positive_weight))


@metric(unit="1", over="bins")
def average_precision_high(positive_weight, negative_weight):
    """Certified upper bound of the average precision over rows, for any weights, labels, order and ties in a bin.

    The positives of a bin come first, as one tie: P·(p + P) / (p + P + f), with the weights p and f above the bin.
    No row of the bin has a higher precision, and with such ties it is reached.

    >>> round(average_precision_high([1, 3], [3, 1]), 4)
    0.95
    """
    above = _above(positive_weight, negative_weight)
    precision = _share(above.positive + above.own_positive, above.negative)
    return quotient(total(above.own_positive * precision), total(positive_weight))


class _Above(NamedTuple):
    """Weights from the highest bin down: all above a bin, and the bin's own."""

    positive: FloatArray
    negative: FloatArray
    own_positive: FloatArray
    own_negative: FloatArray


def _above(positive_weight: FloatArray, negative_weight: FloatArray) -> _Above:
    positive, negative = positive_weight[::-1], negative_weight[::-1]
    return _Above(preceding(positive), preceding(negative), positive, negative)


def _pairs(positive_weight: FloatArray, negative_weight: FloatArray) -> float:
    return total(positive_weight) * total(negative_weight)


def _share(part: FloatArray, other: FloatArray) -> FloatArray:
    """The share part / (part + other); 0 where there is neither."""
    return np.where(part == 0.0, 0.0, numerics.ratio(part, part + other))
