"""What-if recalibration from score bins: the best temperature and shift of logits, and the loss after both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jobs.judgement.bins.recalibration import FARTHEST, STEPS, Bins, Scores, reason_of, scores_of
from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import sigmoid, softplus
from udfs.exact.numerics import quotient, total
from udfs.examples.bins import logit


class Tempered(NamedTuple):
    """The best temperature (logits times `slope`) and shift, and the loss after both; NaN where there is a reason.

    Every score of a bin is taken at its mean score; with the scores at their edges the loss is in [loss_low,
    loss_high].
    """

    slope: float
    shift: float
    loss: float
    loss_low: float
    loss_high: float
    reason: str | None


_NO_FIT = Tempered(np.nan, np.nan, np.nan, np.nan, np.nan, None)


def tempered(bins: Bins, clip: float) -> Tempered:
    """The loss after the best temperature and shift, a logistic regression of labels on logits (Platt).

    Args:
        bins: Of the slice.
        clip: How far from 0 and 1 scores of exactly 0 and 1 are, above 0.

    Reasons are those of `shifted`, `single_score` where all have one score, `separated` where the best slope is none.

    >>> score, weight = np.array([0.5, 0.75]), np.array([100.0, 100.0])
    >>> bins = Bins(score, score, np.array([25.0, 50.0]), np.array([75.0, 50.0]), weight * score)
    >>> [round(number, 6) for number in tempered(bins, 1e-15)[:3]]
    [1.0, -1.098612, 0.627741]
    """
    reason = reason_of(bins, 0.0)
    if reason is not None:
        return _NO_FIT._replace(reason=reason)
    scores = scores_of(bins, clip)
    low, logits, high = (logit(each) for each in (scores.low, scores.mean, scores.high))
    if logits.min() == logits.max():
        return _NO_FIT._replace(reason="single_score")
    found = _fitted(logits, scores)
    if found is None:
        return _NO_FIT._replace(reason="separated")
    slope, shift = found
    z, ends = slope * logits + shift, (slope * low + shift, slope * high + shift)
    least, most = np.minimum(*ends), np.maximum(*ends)
    best, worst = _loss(most, least, scores), _loss(least, most, scores)
    return Tempered(slope, shift, _loss(z, z, scores), best, worst, None)


def _loss(z_positive: FloatArray, z_negative: FloatArray, scores: Scores) -> float:
    losses = scores.positive * softplus(-z_positive) + scores.negative * softplus(z_negative)
    return quotient(total(losses), total(scores.weight))


def _fitted(z: FloatArray, scores: Scores) -> tuple[float, float] | None:
    """Slope and shift of the least loss, by Newton's steps that are halved until they help; None if they run away."""
    slope, shift = 1.0, 0.0
    loss = _loss(z, z, scores)
    for _ in range(STEPS):
        step = _step(z, scores, slope, shift)
        for _ in range(STEPS):
            trial = slope + step[0], shift + step[1]
            after = _loss(trial[0] * z + trial[1], trial[0] * z + trial[1], scores)
            if after <= loss:
                break
            step = step[0] / 2.0, step[1] / 2.0
        else:
            break
        gained, loss, (slope, shift) = loss - after, after, trial
        if gained <= 1e-15 * loss:
            break
    runs_away = not (abs(slope) < 1e6 and abs(shift) < 1e6 * FARTHEST)
    return None if runs_away or loss < 1e-9 else (slope, shift)


def _step(z: FloatArray, scores: Scores, slope: float, shift: float) -> tuple[float, float]:
    """Newton's step: the gradient over the second derivatives of the loss."""
    p, rest = sigmoid(slope * z + shift), sigmoid(-(slope * z + shift))
    error = scores.positive * rest - scores.negative * p
    curve = scores.weight * (p * rest)
    centre = quotient(total(curve * z), total(curve))
    of_slope, of_shift = total(error * (z - centre)), total(error)
    spread, whole = total(curve * (z - centre) * (z - centre)), total(curve)
    if not (spread > 0.0 and whole > 0.0):
        return 0.0, 0.0
    turned = of_slope / spread
    return turned, of_shift / whole - turned * centre
