"""The standard error of AUC over rows, from score bins that were not kept by shard (DeLong)."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np

from jobs.judgement.uncertainty.jackknife import Interval, masked
from jobs.judgement.uncertainty.student import LEVEL
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import UNITS
from udfs.exact.numerics import preceding, quotient, ratio, total
from udfs.measures.bins.areas import auc

METHOD = "delong"
LEAST = 10.0  # of positives and of negatives


def delong(bins: Mapping[str, FloatArray], *, alike: bool) -> Interval:
    """AUC of one slice with its 95 % interval over rows, as one that is (1,) everywhere; a tie in a bin counts half.

    A positive of bin b is above the share V_b of the negatives, a negative of bin b is below the share U_b of the
    positives; A is their mean. SE² = Σ P⁽²⁾_b·(V_b − A)² / (P² − P⁽²⁾) + Σ N⁽²⁾_b·(U_b − A)² / (N² − N⁽²⁾), with P
    and N the weights of the classes and P⁽²⁾, N⁽²⁾ the sums of their squares: of rows that all weigh 1, DeLong's.
    Of the same scores it is the exact one, and of bins the one of scores that are equal in a bin.

    What holds: rows are independent, so where users have several it is too narrow; labels are 0 or 1; and weights,
    where they are not all 1, have their squares in the bins. Source: DeLong, DeLong and Clarke-Pearson 1988; the
    weighted form is the variance of the first-order projection.

    Args:
        bins: `positive_weight` and `negative_weight`, (bins,) in the order of the scores; for other weights than 1
            also `positive_squared_weight` and `negative_squared_weight`.
        alike: Whether all weights are 1, `weigh_one`. If not, and without the squares: NULL, `weighted_rows`.

    >>> some = {"positive_weight": np.array([2.0, 9.0]), "negative_weight": np.array([8.0, 4.0])}
    >>> delong(some, alike=True).stderr.round(6)
    array([0.093646])
    """
    area, positive, negative = auc.of(bins), bins["positive_weight"], bins["negative_weight"]
    of_positive = positive if alike else bins.get("positive_squared_weight")
    of_negative = negative if alike else bins.get("negative_squared_weight")
    if of_positive is None or of_negative is None:
        return _one(area, np.nan, "weighted_rows")
    above = _share_before(negative), positive, of_positive
    below = _share_before(positive[::-1])[::-1], negative, of_negative
    variance = sum(_variance(shares, area, weights, squares) for shares, weights, squares in (above, below))
    return _one(area, float(np.sqrt(variance)), _reason((positive, of_positive), (negative, of_negative)))


def weigh_one(n: int, weight: int, squared_weight: int) -> bool:
    """Whether every row of a slice weighs 1: exactly where Σ (w − 1)² = Σ w² − 2 Σ w + n is 0.

    Args:
        n: Rows.
        weight: Σ w in units of 10⁻¹⁵, as of the tables.
        squared_weight: Σ w², likewise.

    >>> weigh_one(3, 3 * UNITS, 3 * UNITS), weigh_one(3, 3 * UNITS, 5 * UNITS)
    (True, False)
    """
    return bool(squared_weight - 2 * weight + n * UNITS == 0)


def _share_before(weights: FloatArray) -> FloatArray:
    """The share of the weight that comes before a row of each bin, half of its own bin included. (bins,)."""
    return ratio(preceding(weights) + weights / 2.0, np.full(weights.size, total(weights)))


def _variance(shares: FloatArray, area: float, weights: FloatArray, squares: FloatArray) -> float:
    spread = total(squares * np.square(shares - area))
    return quotient(spread, total(weights) ** 2 - total(squares))


def _reason(*classes: tuple[FloatArray, FloatArray]) -> str | None:
    """Why there is none: of each class there have to be ten, counted as rows of equal weight (Kish)."""
    few = ("too_few_positives", "too_few_negatives")
    if not all(total(weights) > 0.0 for weights, _ in classes):
        return "single_class"
    counts = [quotient(total(weights) ** 2, total(squares)) for weights, squares in classes]
    return next((reason for reason, count in zip(few, counts, strict=True) if not count >= LEAST), None)


def _one(area: float, stderr: float, reason: str | None) -> Interval:
    value, error = np.array([area]), np.array([stderr])
    reach = NormalDist().inv_cdf(0.5 + LEVEL / 2.0) * error
    return masked(Interval(value, error, value - reach, value + reach, np.array([np.inf]), [reason]))
