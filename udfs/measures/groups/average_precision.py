"""Average precision within a group: the precision at the rank of each positive, or by steps of the score.

Candidates of equal score are a tie, and groups without a positive have none, as in `ranking`.
"""

import numpy as np

from udfs.exact.numerics import ratio
from udfs.measure import metric, statistic


@statistic(unit="weight", sequential=True)
def average_precision_sum(weight, groups):
    """Average precision of each group, Σ w·(mean over its positives of the precision at their rank)."""
    ties = groups.ties
    relevant = ties.sums(groups.positive)
    before = ties.before(relevant)[ties.tie]
    place = np.arange(ties.row.size) - groups.starts[groups.of_row]
    # At a place of a tie stands a positive with this chance, after so many of the tie's others.
    chance = (relevant / ties.size)[ties.tie]
    others = np.maximum(relevant - 1.0, 0.0) / np.maximum(ties.size - 1.0, 1.0)
    found = before + 1.0 + (place - ties.above[ties.tie]) * others[ties.tie]
    total = groups.sums(chance * (found / (place + 1.0)))
    return weight * (total / np.maximum(groups.positives, 1.0))


@statistic(unit="weight", sequential=True)
def grouped_average_precision_sum(weight, groups):
    """Average precision of each group with a tie as one threshold, Σ w·Σ (recall step × precision after it)."""
    ties = groups.ties
    relevant = ties.sums(groups.positive)
    precision = (ties.before(relevant) + relevant) / (ties.above + ties.size)
    total = ties.group_sums(relevant * precision, groups.size.size)
    return weight * (total / np.maximum(groups.positives, 1.0))


@metric(unit="1", undefined="no_positive", better="more")
def mean_average_precision(average_precision_sum, weight_with_positive):
    """Mean over groups with a positive of the mean precision at the rank of each positive.

    >>> mean_average_precision(2, 4)
    0.5
    """
    return ratio(average_precision_sum, weight_with_positive)


@metric(unit="1", undefined="no_positive", better="more")
def grouped_average_precision(grouped_average_precision_sum, weight_with_positive):
    """Mean area under precision and recall by steps, over groups with a positive; a tie is one threshold.

    >>> grouped_average_precision(2, 4)
    0.5
    """
    return ratio(grouped_average_precision_sum, weight_with_positive)
