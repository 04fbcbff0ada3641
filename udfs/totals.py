"""Statistics that every kind of task has: rows and weights."""

from udfs.measure import FloatArray, statistic


@statistic(unit="rows", counts=True)
def n(scored: FloatArray) -> FloatArray:
    """Rows scored: in the task, with a usable label, weight and score. Rows of zero weight count."""
    return scored


@statistic(unit="rows", counts=True)
def unscored(unusable: FloatArray) -> FloatArray:
    """Rows of the task whose score or weight cannot be used. They are in no other statistic."""
    return unusable


@statistic(unit="weight")
def weight(weight: FloatArray) -> FloatArray:
    """Sum of weights, Σ w."""
    return weight


@statistic(unit="weight²")
def squared_weight(weight: FloatArray) -> FloatArray:
    """Sum of squared weights, Σ w². With Σ w it gives the effective sample size (Σ w)² / Σ w²."""
    return weight * weight
