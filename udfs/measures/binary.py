"""Losses of a binary task, from probabilities or logits.

An example has a label y in [0, 1], a weight w, a score p = P(label is 1), its complement 1 − p, and the
losses `positive_loss` = −ln p and `negative_loss` = −ln(1 − p); `complement_loss` is −ln(1 − p) where y is above 0,
what a positive cost as long as it was none. A hard row, with p of exactly 0 or 1, has losses 0 and puts its weight
into the `hard_…` statistics; the clip is applied at finish (`udfs/pricing.py`).
The positive and the negative part of a loss are kept apart, so that any α is priced at finish.
"""

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import STRICT
from udfs.exact.numerics import ratio
from udfs.measure import metric, statistic


@statistic(unit="rows", counts=True, mirror=None)
def positive_rows(scored, label):
    """Rows scored whose label is above 0. Rows of zero weight count."""
    return scored * (label > 0.0)


@statistic(unit="weight", mirror="negative_weight")
def positive_weight(label, weight):
    """Weight of the positive part of the labels, Σ w·y."""
    return weight * label


@statistic(unit="weight", mirror="positive_weight")
def negative_weight(label, weight):
    """Weight of the negative part of the labels, Σ w·(1 − y). Kept, because Σ w − Σ w·y would cancel."""
    return weight * (1.0 - label)


@statistic(unit="weight", mirror=None)
def score_sum(weight, score):
    """Sum of weighted scores, Σ w·p: the positives that the model expects."""
    return weight * score


@statistic(unit="weight")
def squared_error(label, weight, score, complement):
    """Weighted squared error, Σ w·(y − p)², with y − p as y·(1 − p) − (1 − y)·p, which does not cancel."""
    error = label * complement - (1.0 - label) * score
    return weight * (error * error)


@statistic(unit="weight")
def absolute_error(label, weight, score, complement):
    """Weighted absolute error, Σ w·|y − p|, with y − p as y·(1 − p) − (1 − y)·p, which does not cancel."""
    return weight * np.abs(label * complement - (1.0 - label) * score)


@statistic(unit="weight", mirror=None)
def positive_score_sum(label, weight, score):
    """Sum of the weighted scores of the positive part of the labels, Σ w·y·p."""
    return weight * (label * score)


@statistic(unit="weight", mirror=None)
def negative_score_sum(label, weight, score):
    """Sum of the weighted scores of the negative part of the labels, Σ w·(1 − y)·p."""
    return weight * ((1.0 - label) * score)


@statistic(unit="nats", mirror="negative_nll")
def positive_nll(label, weight, positive_loss):
    """Weighted negative log-likelihood of the positive part of the labels, Σ w·y·(−ln p), hard rows left out."""
    return weight * (label * positive_loss)


@statistic(unit="nats", mirror="positive_nll")
def negative_nll(label, weight, negative_loss):
    """Weighted negative log-likelihood of the negative part, Σ w·(1 − y)·(−ln(1 − p)), hard rows left out."""
    return weight * ((1.0 - label) * negative_loss)


@statistic(unit="nats", mirror=None)
def positive_complement_nll(label, weight, complement_loss):
    """What the positive part of the labels cost as long as it was negative, Σ w·y·(−ln(1 − p)), hard rows left out."""
    return weight * (label * complement_loss)


@statistic(unit="nats", suffix="_g{gamma}", mirror="negative_focal")
def positive_focal(label, weight, complement, positive_loss, *, gamma):
    """Focal loss of the positive part, Σ w·y·(1 − p)^γ·(−ln p), hard rows left out (arXiv:1708.02002)."""
    return weight * (label * (_power(complement, gamma) * positive_loss))


@statistic(unit="nats", suffix="_g{gamma}", mirror="positive_focal")
def negative_focal(label, weight, score, negative_loss, *, gamma):
    """Focal loss of the negative part, Σ w·(1 − y)·p^γ·(−ln(1 − p)), hard rows left out (arXiv:1708.02002)."""
    return weight * ((1.0 - label) * (_power(score, gamma) * negative_loss))


@statistic(unit="weight", mirror="hard_wrong_negative_weight")
def hard_wrong_positive_weight(label, weight, score_is_zero):
    """Weight of positives that were given the score 0: Σ w·y over rows with p = 0."""
    return weight * label * score_is_zero


@statistic(unit="weight", mirror="hard_wrong_positive_weight")
def hard_wrong_negative_weight(label, weight, score_is_one):
    """Weight of negatives that were given the score 1: Σ w·(1 − y) over rows with p = 1."""
    return weight * (1.0 - label) * score_is_one


@statistic(unit="weight", mirror="hard_right_negative_weight")
def hard_right_positive_weight(label, weight, score_is_one):
    """Weight of positives that were given the score 1: Σ w·y over rows with p = 1."""
    return weight * label * score_is_one


@statistic(unit="weight", mirror="hard_right_positive_weight")
def hard_right_negative_weight(label, weight, score_is_zero):
    """Weight of negatives that were given the score 0: Σ w·(1 − y) over rows with p = 0."""
    return weight * (1.0 - label) * score_is_zero


@metric(unit="nats", better="less")
def log_loss(positive_nll, negative_nll, weight):
    """Mean log loss, −Σ w·[y ln p + (1 − y) ln(1 − p)] / Σ w: the cross-entropy of labels and scores.

    >>> log_loss(3, 1, 8)
    0.5
    """
    return ratio(positive_nll + negative_nll, weight)


@metric(unit="nats", weight_degree=1, spread="total")
def log_loss_total(positive_nll, negative_nll):
    """Total log loss, −Σ w·[y ln p + (1 − y) ln(1 − p)]. Undefined where there is no weight.

    >>> log_loss_total(3, 1)
    4.0
    """
    return positive_nll + negative_nll


@metric(unit="nats", weight_degree=1, better="less")
def inverse_propensity_log_loss(positive_nll, negative_nll, n):
    """Log loss per row, −Σ w·[y ln p + (1 − y) ln(1 − p)] / n: IPS where w is 1 / propensity; `log_loss` is SNIPS.

    Where negatives were sampled n counts those of the sample, so that this is no mean of all rows.

    >>> inverse_propensity_log_loss(3, 1, 16)
    0.25
    """
    return ratio(positive_nll + negative_nll, n)


@metric(unit="nats", better="less")
def weighted_log_loss(positive_nll, negative_nll, weight, *, alpha):
    """Log loss with the positive part counted α times, −Σ w·[α·y ln p + (1 − y) ln(1 − p)] / Σ w (N for unit weights).

    For α ≠ 1 it is not minimised by the true rate.

    >>> weighted_log_loss(3, 1, 8, alpha=5)
    2.0
    """
    return ratio(alpha * positive_nll + negative_nll, weight)


@metric(unit="nats", better="less")
def weighted_log_loss_balanced(positive_nll, negative_nll, positive_weight, negative_weight, *, alpha):
    """The sum of `weighted_log_loss` ÷ the weight counted the same way, α·Σ w·y + Σ w·(1 − y).

    >>> weighted_log_loss_balanced(3, 1, 2, 6, alpha=5)
    1.0
    """
    return ratio(alpha * positive_nll + negative_nll, alpha * positive_weight + negative_weight)


@metric(unit="nats", better="less")
def focal_loss(positive_focal, negative_focal, weight):
    """Mean focal loss, Σ w·(1 − p_t)^γ·(−ln p_t) / Σ w, p_t the score of the observed class; γ = 0 is the log loss.

    >>> focal_loss(1.5, 0.5, 8)
    0.25
    """
    return ratio(positive_focal + negative_focal, weight)


@metric(unit="1", better="less")
def brier_score(squared_error, weight):
    """Mean squared error of the score, Σ w·(p − y)² / Σ w.

    >>> brier_score(1, 8)
    0.125
    """
    return ratio(squared_error, weight)


@metric(unit="1", better="less")
def mean_absolute_error(absolute_error, weight):
    """Mean absolute error of the score, Σ w·|p − y| / Σ w. Not minimised by the true probability.

    >>> mean_absolute_error(2, 8)
    0.25
    """
    return ratio(absolute_error, weight)


@metric(unit="1", better="more")
def tjur_r2(positive_score_sum, negative_score_sum, positive_weight, negative_weight):
    """Coefficient of discrimination, the mean score of positives minus that of negatives (Tjur 2009).

    >>> tjur_r2(1.5, 0.75, 2, 6)
    0.625
    """
    return ratio(positive_score_sum, positive_weight) - ratio(negative_score_sum, negative_weight)


@metric(unit="1", better="more")
def tjur_ratio(positive_score_sum, negative_score_sum, positive_weight, negative_weight):
    """Mean score of positives over that of negatives. Undefined without one of the classes or a score of negatives.

    >>> tjur_ratio(1.5, 0.75, 2, 6)
    6.0
    """
    return ratio(ratio(positive_score_sum, positive_weight), ratio(negative_score_sum, negative_weight))


def _power(base: FloatArray, exponent: float) -> FloatArray:
    """base^exponent for base in [0, 1]; products for 0, 1, 2, …, 8, else exp(exponent·ln base) by the strict kernel."""
    if exponent in range(9):
        result = np.ones_like(base)
        for _ in range(int(exponent)):
            result = result * base
        return result
    return STRICT.exp(exponent * STRICT.log(base))
