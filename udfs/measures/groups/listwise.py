"""Pairwise and listwise losses of a group: RankNet, ListNet, ListMLE. Hard groups are left out as in `candidates`."""

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray
from udfs.exact.kernels import softplus
from udfs.exact.numerics import ratio
from udfs.examples.groups import Groups
from udfs.measure import metric, statistic

PAIRS = 2**20  # pairs at a time, so that a batch of large groups fits the memory


@statistic(unit="weight")
def hard_pair_weight(weight, groups):
    """Weight of hard groups that have a pair of a positive and a negative."""
    return weight * (groups.hard & (groups.negatives > 0.0))


@statistic(unit="nats", sequential=True)
def pairwise_logistic_nll(pair_weight, groups):
    """Pairwise logistic loss, Σ w·mean over the pairs of a group of ln(1 + exp(−(s⁺ − s⁻))), hard groups left out."""
    pairs = groups.positives * groups.negatives
    return pair_weight * (groups.sums(_losses_to_negatives(groups)) / np.maximum(pairs, 1.0))


@statistic(unit="nats", sequential=True)
def listnet_nll(loss_weight, groups):
    """ListNet loss, Σ w·(lse(s) − Σ y_i·s_i / Σ y_i), hard groups left out."""
    gaps = groups.sums(groups.label * np.where(groups.positive, groups.gap, 0.0))
    relevance = np.where(groups.positives > 0.0, groups.sums(groups.label), 1.0)
    return loss_weight * (gaps / relevance + groups.spread)


@statistic(unit="nats", sequential=True)
def listmle_nll(loss_weight, groups):
    """ListMLE loss, Σ w·Σ_i (lse(s of i and all after it) − s_i), labels descending, hard groups left out."""
    order = np.lexsort((groups.score, -groups.label, groups.of_row))
    logit = -groups.gap[order]
    best, others = _suffix_logsumexp(groups, logit)
    # A candidate of probability 0 is never drawn: it is not of the list.
    drawn = np.isfinite(logit)
    steps = np.where(drawn, best - np.where(drawn, logit, 0.0) + groups.kernel.log1p(others), 0.0)
    return loss_weight * groups.sums(steps)


@metric(unit="nats", better="less")
def pairwise_logistic_loss(pairwise_logistic_nll, two_class_weight):
    """Mean over groups of the mean of ln(1 + exp(−(s⁺ − s⁻))) over pairs of a positive and a negative (RankNet, BPR).

    Undefined where no group has such a pair. Source: Burges et al., ICML 2005, with σ = 1.

    >>> pairwise_logistic_loss(1, 4)
    0.25
    """
    return ratio(pairwise_logistic_nll, two_class_weight)


@metric(unit="nats", undefined="no_positive", better="less")
def listnet_loss(listnet_nll, weight_with_positive):
    """Mean cross-entropy of the softmax of scores to the labels y / Σ y, ÷ weight of groups with a positive.

    The top-one ListNet loss (Cao et al., ICML 2007) with the labels in proportion, not their softmax.

    >>> listnet_loss(3, 4)
    0.75
    """
    return ratio(listnet_nll, weight_with_positive)


@metric(unit="nats", undefined="no_positive", better="less")
def listmle_loss(listmle_nll, weight_with_positive):
    """Mean negative log-likelihood of the order by label, under Plackett-Luce, ÷ weight of groups with a positive.

    Equal labels are ordered by ascending score, the dearest order: so rows may come in any. Candidates of
    probability 0 that are no positives are not of the list. Source: Xia et al., ICML 2008.

    >>> listmle_loss(6, 4)
    1.5
    """
    return ratio(listmle_nll, weight_with_positive)


def _losses_to_negatives(groups: Groups) -> FloatArray:
    """For each positive Σ over the negatives of its group of ln(1 + exp(s⁻ − s⁺)); 0 for negatives. (rows,)."""
    losses = np.zeros(groups.label.size)
    negatives = np.flatnonzero(~groups.positive)
    begins = np.searchsorted(negatives, groups.starts)
    rows = np.flatnonzero(groups.positive)
    counts = np.diff(begins)[groups.of_row[rows]]
    for some in _chunks(counts):
        of, count = rows[some], counts[some]
        pair = np.repeat(np.arange(of.size), count)
        within = np.arange(pair.size) - np.repeat(np.cumsum(count) - count, count)
        other = negatives[begins[groups.of_row[of]][pair] + within]
        pairs = softplus(groups.gap[of][pair] - groups.gap[other], kernel=groups.kernel)
        losses[of] = np.bincount(pair, pairs, minlength=of.size)
    return losses


def _chunks(counts: IntArray) -> list[slice]:
    """Consecutive parts of `counts` that add up to PAIRS at most, or are one; none is split. (n,)."""
    total = np.cumsum(counts)
    parts, start = [], 0
    while start < counts.size:
        done = total[start] - counts[start]
        end = max(start + 1, int(np.searchsorted(total, done + PAIRS, side="right")))
        parts.append(slice(start, end))
        start = end
    return parts


def _suffix_logsumexp(groups: Groups, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The pair (M, R) with ln Σ exp of a row and all after it in its group = M + ln(1 + R). (rows,) to (rows,) twice.

    Every row is merged with the one 1, 2, 4 … after it: the order depends on places in the group alone.
    """
    best, others = x.copy(), np.zeros(x.size)
    left = groups.starts[groups.of_row + 1] - np.arange(x.size)
    step = 1
    while step < left.max(initial=0):
        near = np.flatnonzero(left > step)
        best[near], others[near] = _merged(groups, (best[near], others[near]), (best[near + step], others[near + step]))
        step *= 2
    return best, others


def _merged(
    groups: Groups, a: tuple[FloatArray, FloatArray], b: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """The sum of two (M, R), each exp(M)·(1 + R), as one."""
    (top, over), (low, under) = a, b
    swap = low > top
    top, low = np.where(swap, low, top), np.where(swap, top, low)
    over, under = np.where(swap, under, over), np.where(swap, over, under)
    with np.errstate(invalid="ignore"):
        below = np.where(top == low, 0.0, top - low)
    return top, over + (1.0 + under) * groups.kernel.exp(-below)
