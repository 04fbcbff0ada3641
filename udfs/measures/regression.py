"""Regression: a value beside the click, such as revenue or watch time, and how far scores are from it.

Labels and scores are any finite numbers in the same unit; `udfs.exact.units` keeps their squares in range. Sums of
them have signs.
"""

from __future__ import annotations

import numpy as np

from udfs.exact.numerics import ratio
from udfs.measure import metric, statistic

_LEAST_SPREAD = 2.0**-20  # of Σ w·y²: below it the difference of two sums has lost 20 of 53 bits


@statistic(unit="weight·value", value_degree=1)
def label_sum(label, weight):
    """Sum of weighted labels, Σ w·y."""
    return weight * label


@statistic(unit="weight·value", value_degree=1)
def predicted_sum(weight, score):
    """Sum of weighted scores, Σ w·s: the total that the model expects."""
    return weight * score


@statistic(unit="weight·value²", value_degree=2)
def squared_label(label, weight):
    """Sum of weighted squares of labels, Σ w·y²."""
    return weight * (label * label)


@statistic(unit="weight·value²", value_degree=2)
def squared_value_error(label, weight, score):
    """Weighted squared error of values, Σ w·(y − s)²."""
    error = label - score
    return weight * (error * error)


@statistic(unit="weight·value", value_degree=1)
def absolute_value_error(label, weight, score):
    """Weighted absolute error of values, Σ w·|y − s|."""
    return weight * np.abs(label - score)


@metric(unit="value²", value_degree=2, better="less")
def mean_squared_error(squared_value_error, weight):
    """Mean squared error, Σ w·(y − s)² / Σ w. Minimised by the expected value.

    >>> mean_squared_error(18, 8)
    2.25
    """
    return ratio(squared_value_error, weight)


@metric(unit="value", value_degree=1, better="less")
def root_mean_squared_error(squared_value_error, weight):
    """Root of the mean squared error, √(Σ w·(y − s)² / Σ w).

    >>> root_mean_squared_error(18, 8)
    1.5
    """
    return np.sqrt(ratio(squared_value_error, weight))


@metric(unit="value", value_degree=1, better="less")
def mean_absolute_error(absolute_value_error, weight):
    """Mean absolute error, Σ w·|y − s| / Σ w. Minimised by the median.

    >>> mean_absolute_error(4, 8)
    0.5
    """
    return ratio(absolute_value_error, weight)


@metric(unit="value", value_degree=1)
def mean_label(label_sum, weight):
    """Weighted mean label, Σ w·y / Σ w.

    >>> mean_label(6, 8)
    0.75
    """
    return ratio(label_sum, weight)


@metric(unit="value", value_degree=1)
def mean_score(predicted_sum, weight):
    """Weighted mean score, Σ w·s / Σ w.

    >>> mean_score(5, 8)
    0.625
    """
    return ratio(predicted_sum, weight)


@metric(unit="1", undefined="labels_sum_to_zero")
def predicted_over_actual(predicted_sum, label_sum):
    """Calibration, Σ w·s / Σ w·y: above 1 the model predicts too much. Undefined where labels add up to 0.

    >>> predicted_over_actual(6, 4)
    1.5
    """
    return ratio(predicted_sum, label_sum)


@metric(unit="1", undefined="constant_label", better="more")
def r2_score(squared_value_error, squared_label, label_sum, weight):
    """Share of the labels' spread that scores explain, 1 − Σ w·(y − s)² / Σ w·(y − ȳ)².

    The spread is Σ w·y² − (Σ w·y)² / Σ w. Undefined where it is less than 2⁻²⁰ of Σ w·y², labels that differ by less
    than a thousandth of their size: there the difference of the sums tells too little.

    >>> r2_score(2, 12, 8, 8)
    0.5
    """
    spread = squared_label - label_sum * ratio(label_sum, weight)
    return 1.0 - ratio(squared_value_error, np.where(spread > _LEAST_SPREAD * squared_label, spread, 0.0))
