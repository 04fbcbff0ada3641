"""Calibration of a binary task in σ: how far labels are from scores, beside what chance allows if the scores are right.

If a score p is the probability of its label and rows are independent, Σ w·(y − p) has the mean 0 and the variance
Σ w²·p·(1 − p), and Spiegelhalter's Σ w·(y − p)·(1 − 2p) has Σ w²·(1 − 2p)²·p·(1 − p). Rows of one unit are not
independent: of units with many rows both are larger than they say.
"""

import numpy as np

from udfs.exact.numerics import ratio
from udfs.exact.units import FARTHEST_LOSS
from udfs.measure import metric, statistic


@statistic(unit="weight²", weight_degree=2)
def score_variance(weight, score, complement):
    """Variance of the positives that the scores expect, Σ w²·p·(1 − p), rows taken for independent."""
    return weight * weight * (score * complement)


@statistic(unit="weight")
def spiegelhalter_sum(label, weight, score, complement):
    """Errors of scores, extreme ones counted most, Σ w·(y − p)·(1 − 2p): of mean 0 where every score is right."""
    error = label * complement - (1.0 - label) * score
    return weight * (error * (complement - score))


@statistic(unit="weight²", weight_degree=2)
def spiegelhalter_variance(weight, score, complement):
    """Variance of `spiegelhalter_sum` where every score is right, Σ w²·(1 − 2p)²·p·(1 − p), rows independent."""
    spread = complement - score
    return weight * weight * (spread * spread * (score * complement))


@statistic(unit="nats²", loss_degree=2)
def squared_nll(label, weight, positive_loss, negative_loss):
    """Weighted squares of the losses of rows, Σ w·ℓ², each taken for 1000 nats at most, hard rows left out."""
    loss = np.minimum(label * positive_loss + (1.0 - label) * negative_loss, FARTHEST_LOSS)
    return weight * (loss * loss)


@metric(unit="σ", undefined="no_variance", spread="none")
def calibration_z(positive_weight, score_sum, score_variance):
    """Calibration in the large in σ, Σ w·(y − p) / √(Σ w²·p·(1 − p)): below 0 the model predicts too much.

    Undefined where no score can be wrong. Source: Spiegelhalter 1986.

    >>> calibration_z(20, 30, 25)
    -2.0
    """
    return ratio(positive_weight - score_sum, np.sqrt(score_variance))


@metric(unit="σ", undefined="no_variance", spread="none")
def spiegelhalter_z(spiegelhalter_sum, spiegelhalter_variance):
    """Spiegelhalter's z in σ, Σ w·(y − p)·(1 − 2p) / √(Σ w²·(1 − 2p)²·p·(1 − p)): far from 0 some scores are wrong.

    Undefined where every score is 0, ½ or 1. Source: Spiegelhalter 1986.

    >>> round(spiegelhalter_z(-0.3618, 0.22860876), 3)
    -0.757
    """
    return ratio(spiegelhalter_sum, np.sqrt(spiegelhalter_variance))
