"""What every kind of task has: rows and weights. The rows of a task about candidates are groups."""

from udfs.exact.numerics import ratio
from udfs.measure import metric, statistic


@statistic(unit="rows", counts=True)
def n(scored):
    """Rows scored: in the task, with a usable label, weight and score. Rows of zero weight count."""
    return scored


@statistic(unit="rows", counts=True)
def unscored(unusable):
    """Rows of the task whose score or weight cannot be used. They are in no other statistic but `unscored_weight`."""
    return unusable


@statistic(unit="weight")
def unscored_weight(unusable_weight):
    """Sum of the weights of unscored rows, where the weight itself is one that can be used: Σ w of what is left out."""
    return unusable_weight


@statistic(unit="weight")
def weight(weight):
    """Sum of weights, Σ w."""
    return weight


@statistic(unit="weight²", weight_degree=2)
def squared_weight(weight):
    """Sum of squared weights, Σ w². With Σ w it gives the effective sample size (Σ w)² / Σ w²."""
    return weight * weight


@metric(unit="rows", spread="total")
def effective_sample_size(weight, squared_weight):
    """Rows of equal weight that would tell as much, (Σ w)² / Σ w² (Kish). Never more than the rows that weigh.

    Squares keep 15 decimals: weights below 10⁻⁶ leave it few digits, and below 2·10⁻⁸ none.

    >>> effective_sample_size(4, 8)
    2.0
    """
    return weight * ratio(weight, squared_weight)
