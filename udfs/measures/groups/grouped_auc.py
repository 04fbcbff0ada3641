"""AUC of groups (GAUC): how often a positive is ranked above a negative of its own group, a tie counting half.

Groups of one class have no AUC and are in neither sum of the quotient; their share has a metric of its own.
"""

import numpy as np

from udfs.exact.arrays import BoolArray, FloatArray
from udfs.exact.numerics import ratio
from udfs.examples.groups import Groups
from udfs.measure import metric, statistic


@statistic(unit="weight")
def two_class_weight(weight, groups):
    """Weight of groups with both a positive and a negative, Σ w."""
    return weight * _two_classes(groups)


@statistic(unit="impressions")
def two_class_impressions(weight, groups):
    """Impressions of groups with both a positive and a negative, Σ w·(m + |N|)."""
    return weight * _two_classes(groups) * groups.size


@statistic(unit="impressions")
def two_class_positives(weight, groups):
    """Positives of groups with both a positive and a negative, Σ w·m."""
    return weight * _two_classes(groups) * groups.positives


@statistic(unit="weight")
def auc_sum(weight, groups):
    """AUC of groups with both a positive and a negative, Σ w·AUC."""
    return weight * _auc(groups)


@statistic(unit="impressions")
def auc_impressions(weight, groups):
    """AUC of groups with both a positive and a negative, each times its impressions, Σ w·(m + |N|)·AUC."""
    return weight * (groups.size * _auc(groups))


@statistic(unit="impressions")
def auc_positives(weight, groups):
    """AUC of groups with both a positive and a negative, each times its positives, Σ w·m·AUC."""
    return weight * (groups.positives * _auc(groups))


@metric(unit="1", better="more")
def grouped_auc(auc_impressions, two_class_impressions):
    """Mean AUC of groups, weighted by their impressions (Zhou et al. 2018). Undefined where none has both classes.

    >>> grouped_auc(15, 20)
    0.75
    """
    return ratio(auc_impressions, two_class_impressions)


@metric(unit="1", better="more")
def grouped_auc_by_positives(auc_positives, two_class_positives):
    """Mean AUC of groups, weighted by their positives. Undefined where none has both classes.

    >>> grouped_auc_by_positives(6, 8)
    0.75
    """
    return ratio(auc_positives, two_class_positives)


@metric(unit="1", better="more")
def grouped_auc_by_group(auc_sum, two_class_weight):
    """Mean AUC of groups, each weighing w. Undefined where none has both classes.

    >>> grouped_auc_by_group(3, 4)
    0.75
    """
    return ratio(auc_sum, two_class_weight)


@metric(unit="1")
def grouped_auc_left_out(two_class_impressions, impressions):
    """Share of the impressions in groups of one class, which `grouped_auc` leaves out.

    >>> grouped_auc_left_out(15, 20)
    0.25
    """
    return ratio(impressions - two_class_impressions, impressions)


@metric(unit="1", undefined="no_positive")
def grouped_auc_by_positives_left_out(two_class_positives, positives):
    """Share of the positives in groups without a negative, which `grouped_auc_by_positives` leaves out.

    >>> grouped_auc_by_positives_left_out(6, 8)
    0.25
    """
    return ratio(positives - two_class_positives, positives)


@metric(unit="1")
def grouped_auc_by_group_left_out(two_class_weight, weight):
    """Share of the weight in groups of one class, which `grouped_auc_by_group` leaves out.

    >>> grouped_auc_by_group_left_out(3, 4)
    0.25
    """
    return ratio(weight - two_class_weight, weight)


def _two_classes(groups: Groups) -> BoolArray:
    return (groups.positives > 0.0) & (groups.negatives > 0.0)


def _auc(groups: Groups) -> FloatArray:
    """The AUC of each group, 0 where it has one class. Whole and half numbers, divided once. (groups,)."""
    ties = groups.ties
    positives = ties.sums(groups.positive)
    negatives = ties.size - positives
    # Against the negatives above: their number takes fewer sums than that of those below.
    lost = ties.group_sums(positives * (ties.before(negatives) + 0.5 * negatives), groups.size.size)
    pairs = groups.positives * groups.negatives
    return np.where(pairs > 0.0, pairs - lost, 0.0) / np.maximum(pairs, 1.0)
