"""What crosses are judged by: a rate with its variance, the difference of two sides, and what parents say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.numerics import ratio


class Side(NamedTuple):
    """A rate total / weight of one side; variance and third moment of its total over independent rows. (crosses,)."""

    total: FloatArray
    weight: FloatArray
    variance: FloatArray
    third: FloatArray

    def inflated(self, factor: float) -> Side:
        """The same where rows come in so many copies: variances are as many times as large, third moments squared."""
        return Side(self.total, self.weight, self.variance * factor, self.third * (factor * factor))


Sums = Mapping[str, FloatArray]
# From the nearest doubles of the statistics, (crosses,) each, to a rate: hard rows are priced here.
Rate = Callable[[Sums], Side]


def loss_side(total: FloatArray, weight: FloatArray, squares: tuple[FloatArray, FloatArray, FloatArray]) -> Side:
    """A mean loss θ = Σwℓ / Σw. The variance of its total is Σ w²(ℓ − θ)² = Σw²ℓ² − 2θ Σw²ℓ + θ² Σw².

    Few rows have most of a loss, those of positives: the third moment is about the variance times Σw²ℓ² / Σwℓ.

    Args:
        total: Σ w·ℓ, priced.
        weight: Σ w.
        squares: Σ w²ℓ², Σ w²ℓ and Σ w².

    Two rows of the losses 0.1 and 0.5, 0.2 from their mean on either side:

    >>> squares = (np.array([0.26]), np.array([0.6]), np.array([2.0]))
    >>> loss_side(np.array([0.6]), np.array([2.0]), squares).variance.round(6)
    array([0.08])
    """
    loss, (of_loss, of_both, of_weight) = ratio(total, weight), squares
    variance = np.maximum(of_loss - 2.0 * loss * of_both + loss * loss * of_weight, 0.0)
    return Side(total, weight, variance, variance * _known(ratio(of_loss, total)))


def calibration_side(sums: Sums) -> Side:
    """The mean of score minus label, Σ w(p − y) / Σ w, with the variance Σ w² p(1 − p) that right scores have."""
    third = third_of_labels(sums["score_sum"], sums["weight"], sums["score_variance"])
    return Side(sums["score_sum"] - sums["positive_weight"], sums["weight"], sums["score_variance"], 0.0 - third)


def value_side(sums: Sums) -> Side:
    """The mean of score minus label of values, Σ w(s − y) / Σ w, with the variance that its errors have.

    Of rows of unequal weight Σ w²(s − y)² is taken as Σ w(s − y)² · Σ w² / Σ w: what rows weigh does not depend on it.
    """
    error, weight = sums["predicted_sum"] - sums["label_sum"], sums["weight"]
    heavy = ratio(sums["squared_weight"], weight)
    side = loss_side(error, weight, (heavy * sums["squared_value_error"], heavy * error, sums["squared_weight"]))
    return side._replace(third=np.zeros(weight.shape))


def third_of_labels(score_sum: FloatArray, weight: FloatArray, variance: FloatArray) -> FloatArray:
    """The third moment Σ w³ p(1 − p)(1 − 2p) of Σ w(y − p), about V · V(1 − 2p̄) / (Σw p̄(1 − p̄)) by the mean score p̄."""
    mean = ratio(score_sum, weight)
    return variance * _known(ratio(variance * (1.0 - 2.0 * mean), score_sum * (1.0 - mean)))


def _known(values: FloatArray) -> FloatArray:
    return np.where(np.isnan(values), 0.0, values)


class Difference(NamedTuple):
    """The rate of the only side, or that of the last minus that of the first, with its moments. (crosses,) each."""

    value: FloatArray
    variance: FloatArray
    skewness: FloatArray


def difference_of(sides: Sequence[Side]) -> Difference:
    """The difference of the sides, of which rows are independent."""
    rates = [ratio(side.total, side.weight) for side in sides]
    nothing = np.zeros(rates[0].shape)
    variance = sum((ratio(side.variance, side.weight**2) for side in sides), nothing)
    signs = [1.0] if len(sides) == 1 else [-1.0, 1.0]
    third = sum((sign * ratio(side.third, side.weight**3) for sign, side in zip(signs, sides, strict=True)), nothing)
    value = rates[0] if len(rates) == 1 else rates[-1] - rates[0]
    with np.errstate(invalid="ignore"):
        return Difference(value, variance, ratio(third, variance * np.sqrt(variance)))


def over_parents(
    parents: IntArray, sides: Sequence[Side], difference: FloatArray, *, both_ways: bool
) -> tuple[FloatArray, FloatArray]:
    """The difference to the parent that explains most, in the direction of harm, and its standard error.

    A cross is part of its parent P: its own variance is in both, and Var(θ_S − θ_P) over the sides is
    Σ V_S/W_S² + V_P/W_P² − 2 V_S/(W_S W_P). The total has no parent: it is compared with 0.
    """
    sign = np.where(difference < 0.0, -1.0, 1.0) if both_ways else np.ones(difference.size)
    over = np.where((parents < 0).all(axis=1), np.abs(difference), np.inf)
    error = np.zeros(difference.size)
    for above in parents.T:
        own = np.flatnonzero(above >= 0)
        at = above[own]
        known = np.where(np.isnan(difference[at]), 0.0, difference[at])
        gap = sign[own] * (difference[own] - known)
        variance = np.zeros(own.size)
        for side in sides:
            w, all_ = side.weight[own], side.weight[at]
            both = ratio(side.variance[own], w * all_)
            variance += ratio(side.variance[own], w * w) + ratio(side.variance[at], all_ * all_) - 2.0 * both
        least = gap < over[own]
        over[own] = np.where(least, gap, over[own])
        error[own] = np.where(least, np.sqrt(np.maximum(variance, 0.0)), error[own])
    return over, error


def sliceline_score(errors: FloatArray, size: FloatArray, whole: tuple[float, float], alpha: float) -> FloatArray:
    """SliceLine's score, α (ē_S / ē − 1) − (1 − α)(n / |S| − 1): above 0 a slice is worse than all rows. (crosses,).

    NaN without errors or rows. Source: Sagadeeva and Boehm, SliceLine, SIGMOD 2021.

    Args:
        errors: Sum of errors e ≥ 0 of each slice.
        size: Its rows, or their weight.
        whole: The same of all rows: ē is their mean error.
        alpha: Weight of errors against size.

    >>> sliceline_score(np.array([4.0, 3.0]), np.array([4.0, 3.0]), (4.0, 8.0), 0.95).round(7)
    array([0.9      , 0.8666667])
    """
    mean = np.array(whole[0] / whole[1])
    return alpha * (ratio(ratio(errors, size), mean) - 1.0) - (1.0 - alpha) * (ratio(np.array(whole[1]), size) - 1.0)
