"""From the columns of a batch to the columns of examples that statistics read."""

from __future__ import annotations

import numpy as np

from udfs.kernels import STRICT, Kernel, sigmoid, softplus
from udfs.measure import FloatArray

COLUMNS: dict[str, frozenset[str]] = {
    "binary": frozenset(
        {
            "scored",
            "unusable",
            "label",
            "weight",
            "score",
            "complement",
            "positive_loss",
            "negative_loss",
            "score_is_zero",
            "score_is_one",
        }
    ),
    "candidates": frozenset({"scored", "unusable", "weight", "loss_weight", "loss_positives", "pair_weight", "groups"}),
}

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
    the task that cannot be used: `unusable` is 1 there, and all else is as for a row of zero weight.

    Args:
        label: y in [0, 1], (n,).
        weight: w ≥ 0, (n,).
        score: p in [0, 1] on the probability scale, any number or ±inf on the logit scale, (n,).
        scale: `probability` or `logit`.
        kernel: The logarithms to use.
    """
    outside = np.isnan(label)
    unusable = (np.isnan(weight) | np.isnan(score)) & ~outside
    left_out = outside | unusable
    if left_out.any():
        label = np.where(left_out, 0.0, label)
        weight = np.where(left_out, 0.0, weight)
        score = np.where(left_out, 0.5, score)
    scored = {"scored": _flags(~left_out), "unusable": _flags(unusable)}
    losses = _from_logit if scale == "logit" else _from_probability
    return {**scored, "label": label, "weight": weight, **losses(label, score, kernel)}


def _from_probability(label: FloatArray, score: FloatArray, kernel: Kernel) -> Examples:
    zero, one = score == 0.0, score == 1.0
    positive = np.flatnonzero((label > 0.0) & ~(zero | one))
    negative = np.flatnonzero((label < 1.0) & ~(zero | one))
    return {
        "score": score,
        "complement": 1.0 - score,
        "positive_loss": _placed(-kernel.log(score[positive]), positive, score.size),
        "negative_loss": _placed(-kernel.log1p(-score[negative]), negative, score.size),
        "score_is_zero": _flags(zero),
        "score_is_one": _flags(one),
    }


def _from_logit(label: FloatArray, score: FloatArray, kernel: Kernel) -> Examples:
    zero, one = score == -np.inf, score == np.inf
    positive = np.flatnonzero((label > 0.0) & ~(zero | one))
    negative = np.flatnonzero((label < 1.0) & ~(zero | one))
    return {
        "score": sigmoid(score, kernel=kernel),
        "complement": sigmoid(-score, kernel=kernel),
        "positive_loss": _placed(softplus(-score[positive], kernel=kernel), positive, score.size),
        "negative_loss": _placed(softplus(score[negative], kernel=kernel), negative, score.size),
        "score_is_zero": _flags(zero),
        "score_is_one": _flags(one),
    }


def _placed(values: FloatArray, rows: np.ndarray, size: int) -> FloatArray:
    """An array that holds `values` at `rows`; 0 where the other part of the label needs no loss."""
    if rows.size == size:
        return values
    placed = np.zeros(size)
    placed[rows] = values
    return placed


def _flags(mask: np.ndarray) -> FloatArray:
    return mask.astype(np.float64)
