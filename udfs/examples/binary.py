"""From the columns of a batch to the columns of examples that statistics read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import STRICT, Kernel, sigmoid, softplus
from udfs.kind import clipped

Examples = dict[str, FloatArray]


def binary_examples(
    label: FloatArray,
    weight: FloatArray,
    score: FloatArray,
    scale: str,
    *,
    kernel: Kernel = STRICT,
) -> Examples:
    """The columns of binary examples, each (n,).

    A NaN in `label` is a row outside the task: it counts nowhere. A NaN in `weight` or `score` is a row of
    the task that cannot be used: `unusable` is 1 there, `unusable_weight` its weight where it has one, and all
    else is as for a row of zero weight.

    Args:
        label: y in [0, 1], (n,).
        weight: w ≥ 0, (n,).
        score: p in [0, 1] on the probability scale, any number or ±inf on the logit scale, (n,).
        scale: `probability` or `logit`.
        kernel: The logarithms to use.
    """
    columns, (score,) = usable(label, weight, (score,))
    return {**columns, **from_score(scale)(columns["label"], score, kernel)}


def regression_examples(label: FloatArray, weight: FloatArray, score: FloatArray) -> Examples:
    """The columns of examples of value prediction, each (n,), with NaN as for `binary_examples`.

    Args:
        label: y, any finite number, (n,).
        weight: w ≥ 0, (n,).
        score: s in the unit of the label, (n,); `udfs.exact.units` says what fits.
    """
    columns, (score,) = usable(label, weight, (score,))
    return {**columns, "score": score}


def usable(label: FloatArray, weight: FloatArray, scores: Sequence[FloatArray]) -> tuple[Examples, list[FloatArray]]:
    """The columns that do not depend on a score's scale, and the scores, ½ where a row is left out. Each (n,)."""
    outside = np.isnan(label)
    left_out = outside | np.isnan(weight)
    for score in scores:
        left_out = left_out | np.isnan(score)
    unusable = left_out & ~outside
    counts = {
        "scored": flags(~left_out),
        "unusable": flags(unusable),
        "unusable_weight": weight_of(weight, unusable),
    }
    if left_out.any():
        label = np.where(left_out, 0.0, label)
        weight = np.where(left_out, 0.0, weight)
        scores = [np.where(left_out, 0.5, score) for score in scores]
    return {**counts, "label": label, "weight": weight}, list(scores)


def from_score(scale: str) -> Callable[[FloatArray, FloatArray, Kernel], Examples]:
    """The function of labels and scores to the columns of score and losses, for a scale."""
    return _from_logit if scale == "logit" else _from_probability


def _from_probability(label: FloatArray, score: FloatArray, kernel: Kernel) -> Examples:
    zero, one = score == 0.0, score == 1.0
    positive = np.flatnonzero((label > 0.0) & ~(zero | one))
    negative = np.flatnonzero((label < 1.0) & ~(zero | one))
    return {
        "score": score,
        "complement": 1.0 - score,
        "positive_loss": placed(-kernel.log(score[positive]), positive, score.size),
        "negative_loss": placed(-kernel.log1p(-score[negative]), negative, score.size),
        "complement_loss": placed(-kernel.log1p(-score[positive]), positive, score.size),
        "score_is_zero": flags(zero),
        "score_is_one": flags(one),
    }


def _from_logit(label: FloatArray, score: FloatArray, kernel: Kernel) -> Examples:
    zero, one = score == -np.inf, score == np.inf
    positive = np.flatnonzero((label > 0.0) & ~(zero | one))
    negative = np.flatnonzero((label < 1.0) & ~(zero | one))
    return {
        "score": sigmoid(score, kernel=kernel),
        "complement": sigmoid(-score, kernel=kernel),
        "positive_loss": placed(softplus(-score[positive], kernel=kernel), positive, score.size),
        "negative_loss": placed(softplus(score[negative], kernel=kernel), negative, score.size),
        "complement_loss": placed(softplus(score[positive], kernel=kernel), positive, score.size),
        "score_is_zero": flags(zero),
        "score_is_one": flags(one),
    }


def placed(values: FloatArray, rows: np.ndarray, size: int) -> FloatArray:
    """An array that holds `values` at `rows`; 0 where the other part of the label needs no loss."""
    if rows.size == size:
        return values
    placed = np.zeros(size)
    placed[rows] = values
    return placed


def weight_of(weight: FloatArray, mask: np.ndarray) -> FloatArray:
    """The weight of some rows, 0 of all others and where it is NaN. (n,), (n,) to (n,)."""
    return np.where(mask & ~np.isnan(weight), weight, 0.0) if mask.any() else np.zeros(weight.size)


def flags(mask: np.ndarray) -> FloatArray:
    """1 where the mask is true, else 0. (n,) to (n,)."""
    return mask.astype(np.float64)


def unit_examples(clip: float) -> Examples:
    """Four clipped binary examples: wrong and right, each positive and negative.

    The surely wrong ones have the score that is `clip` away from the wrong end, with the loss −ln clip; the
    surely right ones have the loss −ln(1 − clip). A clip of 0 makes a wrong one infinitely dear.
    """
    dear, cheap = clipped(clip)
    return {
        "label": np.array([1.0, 0.0, 1.0, 0.0]),
        "weight": np.ones(4),
        "score": np.array([clip, 1.0 - clip, 1.0 - clip, clip]),
        "complement": np.array([1.0 - clip, clip, clip, 1.0 - clip]),
        "positive_loss": np.array([dear, 0.0, cheap, 0.0]),
        "negative_loss": np.array([0.0, dear, 0.0, cheap]),
        "complement_loss": np.array([cheap, 0.0, dear, 0.0]),
    }
