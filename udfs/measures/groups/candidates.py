"""Softmax losses over the candidates of a group, of which several may be positives.

A group has candidates with logits s, the positives P among them, m = |P|, the negatives N, and a weight w. Its losses
are means over P of some ℓ_i; they do not change when all logits of a group are shifted. A hard group, with a positive
of probability 0, is in no loss statistic: its weight is in `hard_…`, and each of its positives costs −ln clip at
finish. A group without a positive has no loss. One all of whose candidates have the probability 0 is as one of equal
scores.
"""

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import softplus
from udfs.exact.numerics import ratio
from udfs.exact.units import FARTHEST_LOSS
from udfs.examples.groups import Groups
from udfs.measure import metric, statistic


@statistic(unit="impressions")
def impressions(weight, groups):
    """Candidates, each with the weight of its group, Σ w·(m + |N|)."""
    return weight * groups.size


@statistic(unit="impressions")
def positives(weight, groups):
    """Positives, each with the weight of its group, Σ w·m."""
    return weight * groups.positives


@statistic(unit="weight")
def weight_with_positive(weight, groups):
    """Weight of groups with a positive, Σ w over m > 0."""
    return weight * (groups.positives > 0.0)


@statistic(unit="weight")
def weight_without_positive(weight, groups):
    """Weight of groups without a positive, Σ w over m = 0."""
    return weight * np.equal(groups.positives, 0.0)


@statistic(unit="weight")
def single_candidate_weight(weight, groups):
    """Weight of groups of one impression, whose softmax losses are 0 whatever the model."""
    return weight * np.equal(groups.size, 1)


@statistic(unit="weight")
def hard_group_weight(weight, groups):
    """Weight of hard groups: a positive has probability 0, and the losses are infinite."""
    return weight * groups.hard


@statistic(unit="impressions")
def hard_group_positives(weight, groups):
    """Positives of hard groups, Σ w·m."""
    return weight * groups.hard * groups.positives


@statistic(unit="nats", sequential=True)
def softmax_nll(loss_weight, groups):
    """Softmax loss, each group once, Σ w·(lse(all) − mean of s over P), hard groups left out."""
    return loss_weight * _mean_nll(groups)


@statistic(unit="nats²", sequential=True, loss_degree=2)
def softmax_squared_nll(loss_weight, groups):
    """Weighted squares of the softmax losses of groups, Σ w·ℓ², each 1000 nats at most, hard groups left out."""
    loss = np.minimum(_mean_nll(groups), FARTHEST_LOSS)
    return loss_weight * (loss * loss)


@statistic(unit="nats", sequential=True)
def softmax_positive_nll(loss_positives, groups):
    """Softmax loss, each positive once, Σ w·Σ_P (lse(all) − s_i), hard groups left out."""
    return loss_positives * _mean_nll(groups)


@statistic(unit="nats", sequential=True)
def softmax_one_of_nll(loss_weight, groups):
    """Softmax loss of one positive being drawn, no matter which, Σ w·(lse(all) − lse(P)), hard groups left out."""
    # lse(all) − lse(P) = ln(1 + exp(lse(N) − lse(P))), which keeps its digits where it is small.
    against = np.where(groups.positives > 0.0, _lse(groups, ~groups.positive), -np.inf)
    of_positives = np.where(groups.positives > 0.0, _lse(groups, groups.positive), 0.0)
    return loss_weight * softplus(against - of_positives, kernel=groups.kernel)


@statistic(unit="nats", sequential=True)
def softmax_each_nll(loss_positives, groups):
    """Softmax loss of each positive against the negatives, Σ w·Σ_P ln(1 + Σ_N exp(s_n − s_i)), hard groups left out."""
    against = _lse(groups, ~groups.positive)[groups.of_row]
    losses = np.zeros(groups.label.size)
    of = groups.positive
    losses[of] = softplus(against[of] + groups.gap[of], kernel=groups.kernel)
    return loss_positives * _mean_over_positives(groups, losses)


@statistic(unit="nats")
def uniform_softmax_nll(weight, groups):
    """Softmax loss of equal scores, Σ w·ln(m + |N|) over groups with a positive."""
    return weight * (groups.positives > 0.0) * groups.kernel.log(groups.size.astype(np.float64))


@metric(unit="nats", undefined="no_positive", better="less")
def softmax_cross_entropy(softmax_nll, weight_with_positive):
    """Softmax cross-entropy with the label 1/m for each positive: the mean form, ÷ weight of groups with a positive.

    Its floor is ln m, not 0; it is the ListNet loss of binary labels.

    >>> softmax_cross_entropy(3, 4)
    0.75
    """
    return ratio(softmax_nll, weight_with_positive)


@metric(unit="nats", weight_degree=1, spread="total")
def softmax_cross_entropy_total(softmax_positive_nll):
    """Total softmax cross-entropy, the sum form Σ w·(−Σ_P s_i + m·lse(all)): each positive counts once.

    >>> softmax_cross_entropy_total(3)
    3.0
    """
    return softmax_positive_nll


@metric(unit="nats", undefined="no_positive", better="less")
def softmax_cross_entropy_per_positive(softmax_positive_nll, positives):
    """Softmax cross-entropy in the sum form, ÷ the number of positives Σ w·m.

    >>> softmax_cross_entropy_per_positive(3, 6)
    0.5
    """
    return ratio(softmax_positive_nll, positives)


@metric(unit="nats", undefined="no_positive", better="less")
def softmax_cross_entropy_one_of(softmax_one_of_nll, weight_with_positive):
    """Softmax cross-entropy of drawing any one positive, lse(all) − lse(P), ÷ weight of groups with a positive.

    >>> softmax_cross_entropy_one_of(1, 4)
    0.25
    """
    return ratio(softmax_one_of_nll, weight_with_positive)


@metric(unit="nats", undefined="no_positive", better="less")
def softmax_cross_entropy_each(softmax_each_nll, positives):
    """Softmax cross-entropy of each positive among the negatives of its group alone, ÷ the number of positives.

    >>> softmax_cross_entropy_each(2, 4)
    0.5
    """
    return ratio(softmax_each_nll, positives)


@metric(unit="nats", undefined="no_positive")
def uniform_softmax_cross_entropy(uniform_softmax_nll, weight_with_positive):
    """Softmax cross-entropy of equal scores, mean ln(m + |N|): what a model has to beat.

    >>> uniform_softmax_cross_entropy(6, 4)
    1.5
    """
    return ratio(uniform_softmax_nll, weight_with_positive)


@metric(unit="1")
def without_positive_share(weight_without_positive, weight):
    """Share of the weight in groups without a positive, which softmax losses and gains by rank leave out.

    >>> without_positive_share(2, 8)
    0.25
    """
    return ratio(weight_without_positive, weight)


@metric(unit="1")
def single_candidate_share(single_candidate_weight, weight):
    """Share of the weight in groups of one impression, which nothing can be learnt from.

    >>> single_candidate_share(1, 8)
    0.125
    """
    return ratio(single_candidate_weight, weight)


@metric(unit="impressions")
def mean_group_size(impressions, weight):
    """Mean number of candidates of a group, Σ w·(m + |N|) / Σ w.

    >>> mean_group_size(20, 8)
    2.5
    """
    return ratio(impressions, weight)


def _mean_nll(groups: Groups) -> FloatArray:
    return _mean_over_positives(groups, groups.gap) + groups.spread


def _mean_over_positives(groups: Groups, values: FloatArray) -> FloatArray:
    """The mean of a column over the positives of each group, 0 where there are none. (rows,) to (groups,)."""
    return groups.sums(np.where(groups.positive, values, 0.0)) / np.maximum(groups.positives, 1.0)


def _lse(groups: Groups, chosen: np.ndarray) -> FloatArray:
    """The logarithm ln Σ exp(s − best s) over some rows of each group, −inf over none. (rows,) to (groups,)."""
    return groups.logsumexp(np.where(chosen, -groups.gap, -np.inf))
