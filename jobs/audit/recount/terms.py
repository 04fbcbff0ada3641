"""The terms that statistics sum, with 50 digits, and how far the doubles of the night may be from each.

A term is rounded once to 10⁻¹⁵ of its unit, and is a double before: so it is off by half a unit, and by a few of its
own last bits. `SLACK` bounds those for every formula, losses included: nothing in them cancels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mpmath import mp, mpf

DIGITS: Final = 50
SLACK: Final = mpf(2) ** -46
FARTHEST_LOSS: Final = 1000

Term = tuple[str, Any]  # the name of a statistic, and its term


@dataclass(frozen=True)
class Example:
    """A row as one task and model see it.

    Attributes:
        kind: The kind of the task.
        label: Its label; of classes the number of one, or all shares.
        weight: What it weighs; None where that cannot be told.
        scores: The score, or of a product those of its factors, of classes those of all; None where unusable.
        scales: The scale of each.
        rate: At which negatives were kept that the model learnt from.
        gamma: The focal exponent.
    """

    kind: str
    label: float | tuple[float, ...]
    weight: float | None
    scores: tuple[float, ...] | None
    scales: tuple[str, ...]
    rate: float | None
    gamma: float

    def beside(self, weights: int, values: int) -> Any:
        """Beside what a term loses its last bits: the weight, times the label or score where those are values.

        Args:
            weights: The degree in which the statistic has weights.
            values: The same of values.
        """
        size = mpf(self.weight or 0) ** weights
        if self.kind != "regression" or self.scores is None or not isinstance(self.label, float):
            return size
        return size * max(abs(mpf(self.label)), abs(mpf(self.scores[0]))) ** values


def counts(weight: float | None, scored: bool) -> Iterator[Term]:
    """What every kind of task counts of a row or a group."""
    usable = weight is not None and scored
    yield "n", mpf(usable)
    yield "unscored", mpf(not usable)
    yield "unscored_weight", mpf(0) if usable or weight is None else mpf(weight)
    if weight is not None and scored:
        yield "weight", mpf(weight)
        yield "squared_weight", mpf(weight) ** 2


def binary(row: Example) -> Iterator[Term]:
    """The terms of a binary task."""
    assert isinstance(row.label, float)
    assert row.scores is not None
    w, y, (p, q) = mpf(row.weight), mpf(row.label), _probability(row)
    zero, one = p == 0, q == 0
    loss, against = (mpf(0), mpf(0)) if zero or one else (-mp.log(p), -mp.log(q))
    error, nll = y - p, y * loss + (1 - y) * against
    capped = min(nll, mpf(FARTHEST_LOSS)) ** 2
    yield "positive_rows", mpf(row.label > 0.0)
    yield from (("positive_weight", w * y), ("negative_weight", w * (1 - y)), ("score_sum", w * p))
    yield from (("squared_error", w * error**2), ("absolute_error", w * abs(error)))
    yield from (("positive_score_sum", w * y * p), ("negative_score_sum", w * (1 - y) * p))
    yield from (("positive_nll", w * y * loss), ("negative_nll", w * (1 - y) * against))
    yield from (("positive_complement_nll", w * y * against), ("squared_nll", w * capped))
    yield from (
        ("positive_focal", w * y * q**row.gamma * loss),
        ("negative_focal", w * (1 - y) * p**row.gamma * against),
    )
    yield from (("score_variance", w**2 * p * q), ("spiegelhalter_sum", w * error * (q - p)))
    yield "spiegelhalter_variance", w**2 * (q - p) ** 2 * p * q
    yield from (("hard_wrong_positive_weight", w * y * zero), ("hard_wrong_negative_weight", w * (1 - y) * one))
    yield from (("hard_right_positive_weight", w * y * one), ("hard_right_negative_weight", w * (1 - y) * zero))


def _probability(row: Example) -> tuple[Any, Any]:
    """The score as a probability, and its complement; of a product that of all factors, moved back where a rate is."""
    assert row.scores is not None
    p, q = mpf(1), mpf(0)
    for score, scale in zip(row.scores, row.scales, strict=True):
        own, rest = _of_scale(score, scale)
        p, q = p * own, q + p * rest
    if row.rate is None or p == 0 or q == 0:
        return p, q
    kept = mpf(row.rate) * p
    return kept / (kept + q), q / (kept + q)


def _of_scale(score: float, scale: str) -> tuple[Any, Any]:
    if scale == "probability":
        return mpf(score), 1 - mpf(score)
    if math.isinf(score):
        return (mpf(1), mpf(0)) if score > 0 else (mpf(0), mpf(1))
    # Neither is 1 less the other: of a large logit nothing would be left.
    return 1 / (1 + mp.exp(-mpf(score))), 1 / (1 + mp.exp(mpf(score)))


def regression(row: Example) -> Iterator[Term]:
    """The terms of a task about values."""
    assert isinstance(row.label, float)
    assert row.scores is not None
    w, y, s = mpf(row.weight), mpf(row.label), mpf(row.scores[0])
    yield from (("label_sum", w * y), ("predicted_sum", w * s), ("squared_label", w * y**2))
    yield from (("squared_value_error", w * (y - s) ** 2), ("absolute_value_error", w * abs(y - s)))


def multiclass(row: Example) -> Iterator[Term]:
    """The terms of a task of several classes."""
    assert row.scores is not None
    w, scores = mpf(row.weight), _softmax(row.scores, row.scales[0])
    shares = _shares(row.label, len(scores))
    losses = [mpf(0) if p in (0, 1) else -mp.log(p) for p in scores]
    nll = mp.fsum(share * loss for share, loss in zip(shares, losses, strict=True))
    yield "class_nll", w * nll
    yield "class_squared_nll", w * min(nll, mpf(FARTHEST_LOSS)) ** 2
    yield "class_squared_error", w * mp.fsum((p - share) ** 2 for p, share in zip(scores, shares, strict=True))
    for name, value in (("hard_wrong_weight", 0), ("hard_right_weight", 1)):
        yield name, w * mp.fsum(share for p, share in zip(scores, shares, strict=True) if p == value)


def _shares(label: float | tuple[float, ...], classes: int) -> Sequence[Any]:
    if isinstance(label, tuple):
        return [mpf(share) for share in label]
    return [mpf(k == label) for k in range(classes)]


def _softmax(scores: Sequence[float], scale: str) -> list[Any]:
    if scale == "probability":
        return [mpf(score) for score in scores]
    if math.inf in scores:
        return [mpf(score == math.inf) for score in scores]
    best = mpf(max(scores))
    powers = [mp.exp(mpf(score) - best) if math.isfinite(score) else mpf(0) for score in scores]
    return [power / mp.fsum(powers) for power in powers]


TERMS: Final = {"binary": binary, "regression": regression, "multiclass": multiclass}
