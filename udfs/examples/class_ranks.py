"""Where a class stands among the scores of its row, whatever the order in which the classes are listed."""

import numpy as np

from udfs.exact.arrays import BoolArray, FloatArray, IntArray


def standings(scores: FloatArray, index: IntArray | None) -> tuple[FloatArray, FloatArray]:
    """How many classes of the row score higher, and how many the same, the class itself included.

    Args:
        scores: (K, n), no NaN.
        index: The one class of each row that is asked for, (n,), or None for all K of them.

    Returns:
        Two arrays (m, n), m = 1 or K.

    >>> above, tied = standings(np.array([[0.2], [0.4], [0.2], [0.2]]), np.array([0]))
    >>> above, tied
    (array([[1.]]), array([[3.]]))
    """
    if index is None:
        return _of_all(scores)
    own = np.take_along_axis(scores, index[None], axis=0)
    return _counted(scores > own), _counted(scores == own)


def _counted(mask: BoolArray) -> FloatArray:
    counts: FloatArray = mask.sum(axis=0, keepdims=True).astype(np.float64)
    return counts


def _of_all(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The standing of every class from one sort, where comparing all pairs would take K² steps."""
    order = np.argsort(-scores, axis=0)
    ranked = np.take_along_axis(scores, order, axis=0)
    border = np.ones((1, scores.shape[1]), dtype=np.bool_)
    changes = ranked[1:] != ranked[:-1]
    place = np.arange(len(scores))[:, None]
    first = np.maximum.accumulate(np.where(np.vstack([border, changes]), place, 0), axis=0)
    ends = np.where(np.vstack([changes, border]), place, len(scores))
    last = np.minimum.accumulate(ends[::-1], axis=0)[::-1]
    above, tied = np.empty(scores.shape), np.empty(scores.shape)
    np.put_along_axis(above, order, first.astype(np.float64), axis=0)
    np.put_along_axis(tied, order, (last - first + 1).astype(np.float64), axis=0)
    return above, tied


def credit(above: FloatArray, tied: FloatArray, k: float) -> FloatArray:
    """The share of the tied places above + 1, …, above + tied that are within the first k. Any shape.

    It is the chance to be among the first k if ties are broken at random.

    >>> credit(np.array([0.0, 1.0, 1.0]), np.array([1.0, 3.0, 3.0]), 2.0)
    array([1.        , 0.33333333, 0.33333333])
    """
    return np.clip((k - above) / tied, 0.0, 1.0)
