"""Gains and hits by rank within a group.

Candidates of equal score are a tie. A result is its mean over all orders of the ties (McSherry and Najork, ECIR
2008), unless its docstring says otherwise. A group without a positive has none; `…_all` counts it as 0.
"""

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.fdlibm import expm1_near_zero
from udfs.exact.kernels import LN2
from udfs.exact.numerics import ratio
from udfs.examples.groups import Groups, is_first
from udfs.measure import metric, statistic


@statistic(unit="weight", suffix="_k{k}", sequential=True)
def ndcg_sum(weight, groups, *, k):
    """NDCG of the best k of each group, Σ w·DCG/IDCG, gain 2^y − 1, discount log2(rank + 1)."""
    relative = groups.label - groups.maxima(groups.label)[groups.of_row]
    small = expm1_near_zero(-LN2 * np.minimum(groups.label, 1.0))
    # Divided by 2 to the largest y, which no DCG/IDCG notices and which cannot overflow.
    gain = _exp2(groups, relative) * np.where(groups.label < 1.0, -small, 1.0 - _exp2(groups, -groups.label))
    return weight * _ndcg(groups, gain, k)


@statistic(unit="weight", suffix="_k{k}", sequential=True)
def ndcg_linear_sum(weight, groups, *, k):
    """NDCG of the best k of each group, Σ w·DCG/IDCG, gain y, discount log2(rank + 1)."""
    return weight * _ndcg(groups, groups.label, k)


@statistic(unit="weight")
def reciprocal_rank_sum(weight, groups):
    """Reciprocal rank of the first positive of each group, Σ w/rank."""
    return weight * _reciprocal_rank(groups)


@statistic(unit="weight", suffix="_k{k}")
def hit_weight(weight, groups, *, k):
    """Weight of groups with a positive among the best k."""
    return weight * _hit(groups, k)


@statistic(unit="weight", suffix="_k{k}")
def recall_sum(weight, groups, *, k):
    """Share of the positives of each group that are among the best k, Σ w·hits/m."""
    return weight * (_hits(groups, k) / np.maximum(groups.positives, 1.0))


@statistic(unit="weight", suffix="_k{k}")
def precision_sum(weight, groups, *, k):
    """Share of positives among k candidates of each group, Σ w·hits/k, also where it has fewer."""
    return weight * (_hits(groups, k) / k)


@metric(unit="1", suffix="@{k}", undefined="no_positive", better="more")
def ndcg(ndcg_sum, weight_with_positive, *, k):
    """Mean normalised discounted cumulative gain of the best k, Σ w·DCG/IDCG ÷ Σ w, over groups with a positive.

    DCG = Σ (2^y − 1) / log2(rank + 1) over the ranks up to k, IDCG that of the best order. Source: Burges et al. 2005.

    >>> ndcg(3, 4, k=5)
    0.75
    """
    return ratio(ndcg_sum, weight_with_positive)


@metric(unit="1", suffix="@{k}", undefined="no_positive", better="more")
def ndcg_linear(ndcg_linear_sum, weight_with_positive, *, k):
    """As `ndcg`, with the gain y in place of 2^y − 1, Σ w·DCG/IDCG ÷ Σ w, over groups with a positive.

    Source: Järvelin and Kekäläinen 2002, with the discount log2(rank + 1) at all ranks.

    >>> ndcg_linear(3, 4, k=5)
    0.75
    """
    return ratio(ndcg_linear_sum, weight_with_positive)


@metric(unit="1", undefined="no_positive", better="more")
def mrr(reciprocal_rank_sum, weight_with_positive):
    """Mean reciprocal rank of the first positive, Σ w/rank ÷ Σ w, over groups with a positive.

    >>> mrr(2, 4)
    0.5
    """
    return ratio(reciprocal_rank_sum, weight_with_positive)


@metric(unit="1", better="more")
def mrr_all(reciprocal_rank_sum, weight):
    """Mean reciprocal rank of the first positive, Σ w/rank ÷ Σ w, over all groups, 0 where there is none.

    >>> mrr_all(2, 8)
    0.25
    """
    return ratio(reciprocal_rank_sum, weight)


@metric(unit="1", suffix="@{k}", undefined="no_positive", better="more")
def hit_rate(hit_weight, weight_with_positive, *, k):
    """Share of the groups with a positive that have one among the best k, Σ w of those ÷ Σ w of groups with one.

    >>> hit_rate(3, 4, k=5)
    0.75
    """
    return ratio(hit_weight, weight_with_positive)


@metric(unit="1", suffix="@{k}", better="more")
def hit_rate_all(hit_weight, weight, *, k):
    """Share of all groups that have a positive among the best k, Σ w of those ÷ Σ w.

    >>> hit_rate_all(3, 8, k=5)
    0.375
    """
    return ratio(hit_weight, weight)


@metric(unit="1", suffix="@{k}", undefined="no_positive", better="more")
def recall(recall_sum, weight_with_positive, *, k):
    """Mean share of a group's m positives that are among the best k, Σ w·hits/m ÷ Σ w, over groups with a positive.

    >>> recall(2, 4, k=5)
    0.5
    """
    return ratio(recall_sum, weight_with_positive)


@metric(unit="1", suffix="@{k}", better="more")
def precision_all(precision_sum, weight, *, k):
    """Mean share of positives among the best k, Σ w·hits/k ÷ Σ w, over all groups, also those with fewer than k.

    >>> precision_all(1, 8, k=5)
    0.125
    """
    return ratio(precision_sum, weight)


def _ndcg(groups: Groups, gain: FloatArray, k: float) -> FloatArray:
    """The DCG over the best one of the same gains, (groups,); 0 without a gain. `gain`: (rows,)."""
    ties, discount = groups.ties, _discounts(groups, k)
    dcg = ties.group_sums(ties.sums(gain) * (ties.place_sums(discount) / ties.size), groups.size.size)
    best = np.lexsort((-gain, groups.of_row))
    ideal = groups.sums(gain[best] * discount)
    return dcg / np.where(ideal > 0.0, ideal, 1.0)


def _discounts(groups: Groups, k: float) -> FloatArray:
    """The discount 1 / log2(rank + 1) of each place, 0 after k. (rows,)."""
    logarithms = groups.kernel.log(np.arange(2.0, groups.size.max(initial=0) + 2.0))
    place = np.arange(groups.of_row.size) - groups.starts[groups.of_row]
    return np.where(place < k, (logarithms[:1] / logarithms)[place], 0.0)


def _exp2(groups: Groups, x: FloatArray) -> FloatArray:
    """The power 2ˣ for x ≤ 0, exact for whole x. (rows,) to (rows,)."""
    exponent = np.maximum(x, -2000.0)  # 0 from there on, and it fits an integer
    whole = np.floor(exponent)
    return np.where(exponent == whole, np.ldexp(1.0, whole.astype(np.int64)), groups.kernel.exp(exponent * LN2))


def _hits(groups: Groups, k: float) -> FloatArray:
    """Positives among the best k of each group. (groups,)."""
    ties = groups.ties
    share = np.clip(k - ties.above, 0.0, ties.size) / ties.size
    return ties.group_sums(ties.sums(groups.positive) * share, groups.size.size)


def _first_positives(groups: Groups) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of the best tie with a positive of each group that has one: rows above it, its size, its positives."""
    ties = groups.ties
    positives = ties.sums(groups.positive)
    found = np.flatnonzero(positives)
    first = found[is_first(ties.group[found])]
    return ties.above[first], ties.size[first], positives[first]


def _reciprocal_rank(groups: Groups) -> FloatArray:
    """The mean of 1/rank of the first positive over the orders of its tie; 0 where there is none. (groups,)."""
    above, size, positives = _first_positives(groups)
    result, missed = np.zeros(above.size), np.ones(above.size)
    left, drawn = np.arange(above.size), 0
    while left.size:
        waiting, those = size[left] - drawn, positives[left]
        drawn += 1
        result[left] += missed[left] * (those / waiting) / (above[left] + drawn)
        missed[left] *= (waiting - those) / waiting
        left = left[missed[left] > 0.0]
    return _placed(groups, result)


def _hit(groups: Groups, k: float) -> FloatArray:
    """The chance of a positive among the best k over the orders of the ties. (groups,)."""
    above, size, positives = _first_positives(groups)
    draws = np.clip(k - above, 0.0, size)
    missed = np.ones(above.size)
    for drawn in range(int(draws.max(initial=0.0))):
        waiting = np.maximum(size - drawn, 1.0)
        missed *= np.where(drawn < draws, np.maximum(waiting - positives, 0.0) / waiting, 1.0)
    return _placed(groups, 1.0 - missed)


def _placed(groups: Groups, of_answered: FloatArray) -> FloatArray:
    """What groups with a positive have, 0 for the others. (groups with a positive,) to (groups,)."""
    placed = np.zeros(groups.size.size)
    placed[groups.positives > 0.0] = of_answered
    return placed
