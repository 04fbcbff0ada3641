"""What-if recalibration from score bins: the best constant shift of logits, and the loss after it.

A shift b adds to every logit: p becomes f(p) = p / (p + (1 − p)·c), c = e⁻ᵇ. The best one makes Σ w·f(p) = Σ w·y.
The loss after a shift needs only how scores are distributed, since −ln f(p) = −ln p + h(p) and −ln(1 − f(p)) =
−ln(1 − p) + b + h(p) with h(p) = ln(p + (1 − p)·c): it is the loss before, plus (b Σ w(1 − y) + Σ w·h(p)) / Σ w.

Of a bin, its edges and the mean score are known. Both f and h bend one way, so the mean over the bin is between the
value at the mean score and the chord between the edges: both are bounds, and equal where a bin holds one score.
Scores of exactly 0 and 1 are taken at the clip, as losses are. Source: He et al. 2014; calibration-free NE of MCGrad
is NE after the shift.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import STRICT, Function
from udfs.exact.numerics import total

FARTHEST = 64.0  # a shift of so many logits moves any score from the clip to the other end
STEPS = 64


class Bins(NamedTuple):
    """Columns of the bins of one slice that have weight, each (bins,); scores are probabilities.

    Attributes:
        low: Low edges.
        high: The next edges: no score is above.
        positive: Σ w·y.
        negative: Σ w·(1 − y).
        score_sum: Σ w·p.
    """

    low: FloatArray
    high: FloatArray
    positive: FloatArray
    negative: FloatArray
    score_sum: FloatArray


class Shifted(NamedTuple):
    """The best constant shift of logits and the loss after it; NaN where there is a reason.

    Both with every score of a bin at its mean score; the best shift of the rows is in [shift_low, shift_high], and
    their loss after it in [loss_low, loss].
    """

    shift: float
    shift_low: float
    shift_high: float
    loss: float
    loss_low: float
    reason: str | None


_NO_SHIFT = Shifted(np.nan, np.nan, np.nan, np.nan, np.nan, None)


class Scores(NamedTuple):
    """Scores of bins away from 0 and 1, their weights, and where the mean lies between the edges, 0 to 1."""

    low: FloatArray
    mean: FloatArray
    high: FloatArray
    part: FloatArray
    positive: FloatArray
    negative: FloatArray

    @property
    def weight(self) -> FloatArray:
        """Σ w of each bin."""
        return self.positive + self.negative


def shifted(bins: Bins, log_loss: float, clip: float) -> Shifted:
    """The loss after the best constant shift. Reasons: `no_weight`, `single_class`, `not_recorded`, `infinite`.

    Args:
        bins: Of the slice.
        log_loss: Of the slice, as published, scores of exactly 0 and 1 at the clip.
        clip: How far from 0 and 1 such scores are, above 0.

    Two scores, each with a rate a third of what it says in odds:

    >>> score, weight = np.array([0.5, 0.75]), np.array([100.0, 100.0])
    >>> bins = Bins(score, score, np.array([25.0, 50.0]), np.array([75.0, 50.0]), weight * score)
    >>> found = shifted(bins, 0.7650677, 1e-15)
    >>> round(found.shift, 6), round(found.loss, 6)
    (-1.098612, 0.627741)
    """
    reason = reason_of(bins, log_loss)
    if reason is not None:
        return _NO_SHIFT._replace(reason=reason)
    scores = scores_of(bins, clip)
    # For b > 0 the function bends down, so that the value at the mean is the upper bound; for b < 0 the chord is.
    at_mean = _root(lambda of: of(scores.mean), scores)
    by_chord = _root(lambda of: _chord(scores, of), scores)
    loss, lowest = _loss_after(scores, at_mean, log_loss)
    if by_chord != at_mean:
        # The loss is convex in b: the least of the chord's losses is at the chord's root.
        lowest = _loss_after(scores, by_chord, log_loss)[1]
    low, high = sorted((at_mean, by_chord))
    return Shifted(at_mean, low, high, loss, min(lowest, loss), None)


def _loss_after(scores: Scores, b: float, log_loss: float) -> tuple[float, float]:
    """The loss after a shift: at most (h is concave: all at the mean), and at least (by the chord)."""
    weight = total(scores.weight)
    moved, factor = b * total(scores.negative), _factor(b)
    at_mean = total(scores.weight * _price(scores.mean, factor))
    by_chord = total(scores.weight * _chord(scores, lambda p: _price(p, factor)))
    return log_loss + (moved + at_mean) / weight, log_loss + (moved + by_chord) / weight


def _moved(p: FloatArray, factor: float) -> FloatArray:
    return p / (p + (1.0 - p) * factor)


def _price(p: FloatArray, factor: float) -> FloatArray:
    return STRICT.log(p + (1.0 - p) * factor)


def _factor(b: float) -> float:
    return float(STRICT.exp(np.array([-b]))[0])


def _chord(scores: Scores, of: Function) -> FloatArray:
    return of(scores.low) * (1.0 - scores.part) + of(scores.high) * scores.part


def _root(over: Callable[[Function], FloatArray], scores: Scores) -> float:
    """The shift at which scores add up to positives, by Newton's steps, halved brackets where one would leave them.

    Args:
        over: From a function of scores to its mean over each bin.
        scores: Of the bins.
    """
    low, high, b = -FARTHEST, FARTHEST, 0.0
    for _ in range(STEPS):
        excess, slope = _excess(over, scores, _factor(b))
        if excess == 0.0:
            break
        low, high = (b, high) if excess < 0.0 else (low, b)
        step = b - excess / slope if slope > 0.0 else high
        last, b = b, step if low < step < high else 0.5 * (low + high)
        if abs(b - last) <= 1e-15 * max(1.0, abs(b)):
            break
    return b


def _excess(over: Callable[[Function], FloatArray], scores: Scores, factor: float) -> tuple[float, float]:
    """By how much the scores are more than the positives after a shift, and how fast that grows with it."""
    expected = total(scores.weight * over(lambda p: _moved(p, factor)))
    slope = total(scores.weight * over(lambda p: _moved(p, factor) * (1.0 - _moved(p, factor))))
    return expected - total(scores.positive), slope


def scores_of(bins: Bins, clip: float) -> Scores:
    """The bins that have weight, no closer to 0 and 1 than the clip."""
    weight = bins.positive + bins.negative
    used = weight > 0.0
    positive, negative = bins.positive[used], bins.negative[used]
    edges = (np.clip(each[used], clip, 1.0 - clip) for each in (bins.low, bins.high))
    low, high = edges
    mean = np.clip(bins.score_sum[used] / weight[used], low, high)
    width = high - low
    part = np.where(width > 0.0, (mean - low) / np.where(width > 0.0, width, 1.0), 0.0)
    return Scores(low, mean, high, part, positive, negative)


def reason_of(bins: Bins, log_loss: float) -> str | None:
    """Why there is nothing to recalibrate, or None."""
    positive, negative = total(bins.positive), total(bins.negative)
    if np.isnan(positive + negative) or np.isnan(total(bins.score_sum)):
        return "not_recorded"
    if positive + negative == 0.0:
        return "no_weight"
    if np.isnan(log_loss):
        return "not_recorded"
    if np.isinf(log_loss):
        return "infinite"
    return "single_class" if 0.0 in (positive, negative) else None
