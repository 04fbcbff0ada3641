"""From the columns of a batch to the columns of multi-class examples that statistics read.

Inside, the classes come first, (K, n): a class is contiguous, and sums over classes are additions of whole columns in
the order of the classes. Outside, columns are (n,) or, one entry for each part of the label, (n, m): a label that is
a class has one part, m = 1; a distribution over classes has m = K.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from udfs.exact.arrays import BoolArray, FloatArray, IntArray
from udfs.exact.kernels import STRICT, Kernel
from udfs.exact.numerics import row_sums
from udfs.exact.units import LOGIT_LIMIT
from udfs.examples.binary import Examples, weight_of
from udfs.examples.class_ranks import standings
from udfs.kind import clipped

CLASS_LOGIT_LIMIT = LOGIT_LIMIT / 2  # a loss is a difference of two logits, and ln K: so its term stays below 2⁴⁰
SUM_TOLERANCE = 1e-6
CLASS_COLUMNS = frozenset({"weight", "class_share", "class_score"})  # what statistics of a class may read


def class_examples(
    label: FloatArray,
    weight: FloatArray,
    scores: FloatArray,
    scale: str,
    *,
    kernel: Kernel = STRICT,
) -> Examples:
    """The columns of multi-class examples.

    A NaN in `label` is a row outside the task: it counts nowhere. A NaN in `weight` or `scores` is a row of the task
    that cannot be used: `unusable` is 1 there, and all else is as for a row of zero weight. Probabilities are used as
    they are, whatever their sum; logits have a softmax: at most one is +inf, and one is above −inf.

    Columns, (n,): `scored`, `unusable`, `unusable_weight`, `weight`, `unnormalised` (1 where the p_k add up to
    1 ± 10⁻⁶ or worse) and `class_error` = Σ_k (p_k − q_k)². For each part of the label, (n, m): its `share` q_k,
    `class_loss` = −ln p_k, `score_is_zero`, `score_is_one` and, in the ranking of the scores, the number of classes
    `above` and of those `tied` with it, itself included. A loss is 0 where p_k is 0 or 1. For `of_each_class`: `label`
    as it came, 0 in rows left out, and `class_scores` = p_k, (n, K).

    Args:
        label: The class as a number 0, …, K − 1, (n,), or the shares q_k of the classes, which add up to 1, (n, K).
        weight: w ≥ 0, (n,).
        scores: p_k in [0, 1] on the probability scale; on the logit scale s_k below 2¹⁸ in size, or ±inf. (n, K).
        scale: `probability` or `logit`.
        kernel: The logarithms to use.

    Raises:
        ValueError: A label is a number that is no class.
    """
    classes = np.ascontiguousarray(scores.T, dtype=np.float64)
    outside = np.isnan(label) if label.ndim == 1 else np.isnan(label).any(axis=1)
    unusable = (np.isnan(weight) | np.isnan(classes.max(axis=0))) & ~outside
    left_out = outside | unusable
    unusable_weight = weight_of(weight, unusable)
    if left_out.any():
        label = np.where(left_out if label.ndim == 1 else left_out[:, None], 0.0, label)
        weight = np.where(left_out, 0.0, weight)
        classes = np.where(left_out, 1.0 / len(classes), classes)
    index = _class_index(label, len(classes)) if label.ndim == 1 else None
    share = np.ones((1, label.size)) if index is not None else np.ascontiguousarray(label.T)
    above, tied = standings(classes, index)
    losses = _from_logit if scale == "logit" else _from_probability
    return {
        "scored": (~left_out).astype(np.float64),
        "unusable": unusable.astype(np.float64),
        "unusable_weight": unusable_weight,
        "label": label,
        "weight": weight,
        "share": share.T,
        "above": above.T,
        "tied": tied.T,
        **_with_sums(losses(classes, index, share > 0.0, kernel), label),
    }


def of_each_class(examples: Examples) -> Iterator[Examples]:
    """What class statistics read, class by class: `weight`, `class_share` = q_k and `class_score` = p_k, each (n,)."""
    for k, score in enumerate(examples["class_scores"].T):
        yield {"weight": examples["weight"], "class_share": _share(examples["label"], k), "class_score": score}


def unit_examples(clip: float) -> Examples:
    """Two clipped multi-class examples: the class of the label has the score `clip`, then 1 − `clip`."""
    dear, cheap = clipped(clip)
    return {"weight": np.ones(2), "share": np.ones((2, 1)), "class_loss": np.array([[dear], [cheap]])}


def _share(label: FloatArray, k: int) -> FloatArray:
    return (label == k).astype(np.float64) if label.ndim == 1 else label[:, k]


def _class_index(label: FloatArray, classes: int) -> IntArray:
    bad = label[~((label >= 0.0) & (label < classes) & (label == np.floor(label)))]
    if bad.size:
        raise ValueError(f"label {bad[0]:g} is none of the {classes} classes from 0: reject such rows first")
    return label.astype(np.int64)


def _own(classes: FloatArray, index: IntArray | None) -> FloatArray:
    """The scores of the label's parts, (m, n)."""
    return classes if index is None else np.take_along_axis(classes, index[None], axis=0)


def _from_probability(classes: FloatArray, index: IntArray | None, needed: BoolArray, kernel: Kernel) -> Examples:
    own = _own(classes, index)
    zero, one = own == 0.0, own == 1.0
    needed = needed & ~(zero | one)
    loss = np.zeros(own.shape)
    loss[needed] = -kernel.log(own[needed])
    return _columns(classes, loss, zero, one)


def _from_logit(classes: FloatArray, index: IntArray | None, needed: BoolArray, kernel: Kernel) -> Examples:
    """The loss of class k is lse(s) − s_k = (s_top − s_k) + log1p(Σ_{j ≠ top} e^(s_j − s_top)), never cancelling."""
    classes = _finite_top(classes)
    own, top = _own(classes, index), classes.max(axis=0)
    alone = (classes == -np.inf).sum(axis=0) == len(classes) - 1
    zero, one = own == -np.inf, alone & (own == top)
    rest, score = _softmax(classes, top, kernel)
    loss = np.where(needed & ~(zero | one), (top - own) + kernel.log1p(rest), 0.0)
    return _columns(score, loss, zero, one)


def _finite_top(classes: FloatArray) -> FloatArray:
    """The same softmax without +inf: beside it all other logits are −inf."""
    infinite = classes == np.inf
    if not infinite.any():
        return classes
    return np.where(infinite.any(axis=0), np.where(infinite, 0.0, -np.inf), classes)


def _softmax(classes: FloatArray, top: FloatArray, kernel: Kernel) -> tuple[FloatArray, FloatArray]:
    """The sum of e^(s_j − s_top) over all classes but the first top one, (n,), and the probabilities, (K, n)."""
    first = classes.argmax(axis=0)[None]
    score = kernel.exp(classes - top)
    np.put_along_axis(score, first, 0.0, axis=0)
    rest = row_sums(score.T)
    np.put_along_axis(score, first, 1.0, axis=0)
    score /= 1.0 + rest
    return rest, score


def _columns(score: FloatArray, loss: FloatArray, zero: BoolArray, one: BoolArray) -> Examples:
    return {
        "class_scores": score.T,
        "class_loss": loss.T,
        "score_is_zero": zero.T.astype(np.float64),
        "score_is_one": one.T.astype(np.float64),
    }


def _with_sums(columns: Examples, label: FloatArray) -> Examples:
    """The columns with those that add over all classes."""
    score = columns["class_scores"]
    off = np.abs(row_sums(score) - 1.0) > SUM_TOLERANCE
    error = np.zeros(len(score))
    for k, of_class in enumerate(score.T):
        difference = of_class - _share(label, k)
        error += difference * difference
    return {**columns, "unnormalised": off.astype(np.float64), "class_error": error}
