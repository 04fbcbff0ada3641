"""Losses and hits of a multi-class task, from probabilities or logits of K classes.

An example has a weight w, scores p_k of all classes, and a label that is a class or a distribution q_k over classes;
what statistics read of a class that is no part of the label is in `class_error` alone (`udfs/examples/classes.py`). A
hard part, q_k > 0 with p_k of exactly 0 or 1, has loss 0 and puts w·q_k into the `hard_…` statistics; the clip is
applied at finish (`udfs/pricing.py`).
"""

import numpy as np

from udfs.exact.numerics import ratio, row_sums
from udfs.exact.units import FARTHEST_LOSS
from udfs.examples.class_ranks import credit
from udfs.measure import metric, statistic


@statistic(unit="nats")
def class_nll(weight, share, class_loss):
    """Weighted negative log-likelihood of the labels, Σ w·Σ_k q_k·(−ln p_k), hard scores left out."""
    return weight * row_sums(share * class_loss)


@statistic(unit="nats²", loss_degree=2)
def class_squared_nll(weight, share, class_loss):
    """Weighted squares of the losses of rows, Σ w·ℓ², each taken for 1000 nats at most, hard scores left out."""
    loss = np.minimum(row_sums(share * class_loss), FARTHEST_LOSS)
    return weight * (loss * loss)


@statistic(unit="weight")
def hard_wrong_weight(weight, share, score_is_zero):
    """Weight of labels that were given the score 0: Σ w·q_k over classes with p_k = 0."""
    return weight * row_sums(share * score_is_zero)


@statistic(unit="weight")
def hard_right_weight(weight, share, score_is_one):
    """Weight of labels that were given the score 1: Σ w·q_k over classes with p_k = 1."""
    return weight * row_sums(share * score_is_one)


@statistic(unit="rows", counts=True, sequential=True)
def unnormalised(unnormalised):
    """Rows scored whose probabilities do not add up to 1 within 10⁻⁶. They are used as they are."""
    return unnormalised


@statistic(unit="weight", sequential=True)
def class_squared_error(weight, class_error):
    """Weighted squared error of all classes, Σ w·Σ_k (p_k − q_k)²."""
    return weight * class_error


@statistic(unit="weight")
def correct_weight(weight, share, above, tied):
    """Weight of labels that have the highest score, Σ w·Σ_k q_k / t_k, t_k classes sharing it."""
    return weight * row_sums(share * credit(above, tied, 1.0))


@statistic(unit="weight", suffix="_at_{k}")
def top_correct_weight(weight, share, above, tied, *, k):
    """Weight of labels among the k highest scores; of t places that are tied, a class has each with the share 1/t."""
    return weight * row_sums(share * credit(above, tied, k))


@metric(unit="nats", better="less")
def log_loss(class_nll, weight):
    """Mean log loss, −Σ w·Σ_k q_k ln p_k / Σ w: the cross-entropy of labels and scores.

    >>> log_loss(4, 8)
    0.5
    """
    return ratio(class_nll, weight)


@metric(unit="nats", weight_degree=1, spread="total")
def log_loss_total(class_nll):
    """Total log loss, −Σ w·Σ_k q_k ln p_k. Undefined where there is no weight.

    >>> log_loss_total(4)
    4.0
    """
    return class_nll


@metric(unit="1", better="less")
def brier_score(class_squared_error, weight):
    """Mean squared error over all classes, Σ w·Σ_k (p_k − q_k)² / Σ w, in [0, 2]; twice that of a binary task.

    >>> brier_score(2, 8)
    0.25
    """
    return ratio(class_squared_error, weight)


@metric(unit="1", better="more")
def accuracy(correct_weight, weight):
    """Weighted share of labels that have the highest score; a tie of t classes counts 1/t.

    >>> accuracy(6, 8)
    0.75
    """
    return ratio(correct_weight, weight)


@metric(unit="1", suffix="@{k}", better="more")
def top_k_accuracy(top_correct_weight, weight, *, k):
    """Weighted share of labels that are among the k highest scores; ties count by the share of places within k.

    >>> top_k_accuracy(7, 8, k=2)
    0.875
    """
    return ratio(top_correct_weight, weight)
