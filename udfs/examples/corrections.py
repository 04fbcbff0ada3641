"""Corrections for how rows were drawn: negatives that were sampled, and propensities of being seen at all.

A model that learnt from negatives kept at a rate r says p where the truth has odds r·p / (1 − p): its scores are
moved back. Rows that are evaluated on such a sample weigh more instead: a negative stands for 1/r of them. Never do
both for the same sampling of the same rows. Self-normalised propensity weighting (SNIPS) is `log_loss` under these
weights, plain IPS is `inverse_propensity_log_loss`; `effective_sample_size` is what the weights leave of the rows.
"""

from __future__ import annotations

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import STRICT
from udfs.examples.binary import Examples, binary_examples, flags, placed, usable

_TINY = 2.0**-900  # below it p and r·p may have too few digits to divide by, and 1 − p is 1


def recalibrated_logit(logit: FloatArray, rate: float) -> FloatArray:
    """The logit on all rows of a model that learnt from negatives kept at a rate, z + ln r, r > 0. (n,) to (n,).

    Source: He et al. 2014, q = p / (p + (1 − p) / r).
    """
    return logit + STRICT.log(np.array([rate]))


def recalibrated_probability(score: FloatArray, rate: float) -> tuple[FloatArray, FloatArray]:
    """The probability on all rows, q = r·p / (r·p + 1 − p), and its complement 1 − q. (n,) to (n,) twice.

    Neither is formed by a subtraction from the other. A rate of 1/r is the inverse.
    """
    positive, negative = rate * score, 1.0 - score
    both = positive + negative
    return positive / both, negative / both


def recalibrated_examples(
    label: FloatArray, weight: FloatArray, score: FloatArray, scale: str, *, rate: float
) -> Examples:
    """The columns of binary examples, each (n,), of a model that learnt from negatives kept at a rate.

    Args:
        label: y in [0, 1], (n,), as in all other arguments of `binary_examples`.
        weight: w ≥ 0, (n,).
        score: p or a logit as the model says it, (n,). Exactly 0 and 1 stay so.
        scale: `probability` or `logit`.
        rate: Share r > 0 of negatives that it was shown.
    """
    if scale == "logit":
        return binary_examples(label, weight, recalibrated_logit(score, rate), scale)
    columns, (score,) = usable(label, weight, (score,))
    return {**columns, **_from_probability(columns["label"], score, rate)}


def _from_probability(label: FloatArray, score: FloatArray, rate: float) -> Examples:
    """The losses are −ln q = ln(1 + (1 − p) / (r·p)) and −ln(1 − q) = ln(1 + r·p / (1 − p)): nothing cancels."""
    zero, one = score == 0.0, score == 1.0
    probability, complement = recalibrated_probability(score, rate)
    positive = np.flatnonzero((label > 0.0) & ~(zero | one))
    negative = np.flatnonzero((label < 1.0) & ~(zero | one))
    return {
        "score": probability,
        "complement": complement,
        "positive_loss": placed(_positive_loss(score[positive], rate), positive, score.size),
        "negative_loss": placed(_negative_loss(score[negative], rate), negative, score.size),
        "complement_loss": placed(_negative_loss(score[positive], rate), positive, score.size),
        "score_is_zero": flags(zero),
        "score_is_one": flags(one),
    }


def _negative_loss(score: FloatArray, rate: float) -> FloatArray:
    return STRICT.log1p(rate * score / (1.0 - score))


def _positive_loss(score: FloatArray, rate: float) -> FloatArray:
    tiny = score < _TINY
    loss = STRICT.log1p((1.0 - score) / (rate * np.where(tiny, 0.5, score)))
    return np.where(tiny, -(STRICT.log(score) + STRICT.log(np.array([rate]))), loss)
