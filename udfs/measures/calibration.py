"""Calibration in the large of a binary task: what the model expects, and what occurs."""

from udfs.exact.kernels import STRICT
from udfs.exact.numerics import ratio
from udfs.measure import metric


@metric(unit="1")
def base_rate(positive_weight, weight):
    """Weighted share of positives, q = Σ w·y / Σ w.

    >>> base_rate(2, 8)
    0.25
    """
    return ratio(positive_weight, weight)


@metric(unit="1")
def mean_score(score_sum, weight):
    """Weighted mean score, Σ w·p / Σ w.

    >>> mean_score(3, 8)
    0.375
    """
    return ratio(score_sum, weight)


@metric(unit="1")
def predicted_over_actual(score_sum, positive_weight):
    """Calibration, Σ w·p / Σ w·y: above 1 the model predicts too much. Undefined without positives.

    >>> predicted_over_actual(3, 2)
    1.5
    """
    return ratio(score_sum, positive_weight)


@metric(unit="1")
def calibration_bias(score_sum, positive_weight, weight):
    """Calibration as a difference, Σ w·p / Σ w − Σ w·y / Σ w: defined where there are no positives, too.

    >>> calibration_bias(3, 2, 8)
    0.125
    """
    return ratio(score_sum - positive_weight, weight)


@metric(unit="nats")
def log_calibration(score_sum, positive_weight):
    """Calibration on a scale where twice too much is as far as half, ln(Σ w·p / Σ w·y). Undefined without positives.

    >>> round(log_calibration(3, 2), 4)
    0.4055
    """
    return STRICT.log(ratio(score_sum, positive_weight))
