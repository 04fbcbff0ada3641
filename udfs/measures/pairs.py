"""Two models on the rows that both can score: how far their scores are apart, whatever the labels."""

import numpy as np

from udfs.exact.numerics import ratio
from udfs.measure import metric, statistic


@statistic(unit="weight·score²", over="pairs", value_degree=2)
def squared_score_difference(weight, candidate_score, baseline_score):
    """Weighted squared difference of two models' scores, Σ w·(a − b)²."""
    difference = candidate_score - baseline_score
    return weight * (difference * difference)


@statistic(unit="weight·score", over="pairs", value_degree=1)
def absolute_score_difference(weight, candidate_score, baseline_score):
    """Weighted absolute difference of two models' scores, Σ w·|a − b|."""
    return weight * np.abs(candidate_score - baseline_score)


@metric(unit="score²", over="pairs", value_degree=2)
def mean_squared_score_difference(squared_score_difference, weight):
    """Mean squared difference of two models' scores, Σ w·(a − b)² / Σ w. It is 0 only where they never differ.

    >>> mean_squared_score_difference(2, 8)
    0.25
    """
    return ratio(squared_score_difference, weight)


@metric(unit="score", over="pairs", value_degree=1)
def mean_absolute_score_difference(absolute_score_difference, weight):
    """Mean absolute difference of two models' scores, Σ w·|a − b| / Σ w. It is 0 only where they never differ.

    >>> mean_absolute_score_difference(4, 8)
    0.5
    """
    return ratio(absolute_score_difference, weight)
