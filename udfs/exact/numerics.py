"""Ratios and information measures that do not lose digits where two probabilities are close.

Probabilities and weights are float64 arrays; q is the truth and p the model, as in KL(q ‖ p). Unit: nats. All
logarithms are strict (`udfs.exact.kernels`). KL is never cross-entropy minus entropy: that difference has no right
digit where p is close to q.
"""

import math

import numpy as np

from udfs.exact import fdlibm
from udfs.exact.arrays import BoolArray, FloatArray
from udfs.exact.kernels import STRICT

_SERIES_BORDERS = -0.29, 0.41  # between these, x - log1p(x) would cancel


def ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    """The quotient a / b; NaN (undefined) where b is 0. Shapes (n,), (n,) to (n,).

    >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    with np.errstate(all="ignore"):
        quotient = np.divide(a, b)
    return np.where(np.equal(b, 0.0), np.nan, quotient)


def quotient(a: float, b: float) -> float:
    """The quotient a / b of two numbers; NaN (undefined) where b is 0."""
    return math.nan if b == 0.0 else a / b


def total(x: FloatArray) -> float:
    """The sum of all, rounded once, whatever their order. (n,)."""
    return math.fsum(x.tolist())


def preceding(x: FloatArray) -> FloatArray:
    """The sum of all numbers before each, as if added with twice the digits and then rounded. (n,) to (n,).

    Source: Ogita, Rump and Oishi, Accurate sum and dot product, 2005 (Sum2, on every prefix).

    >>> float(preceding(np.array([1e16, 1.0, 1.0, 0.0]))[-1] - 1e16)
    2.0
    """
    naive = np.cumsum(x, dtype=np.float64)
    before = np.concatenate([[0.0], naive])[:-1]
    added = naive - before
    lost = (before - (naive - added)) + (x - added)
    exact: FloatArray = naive + np.cumsum(lost)
    return np.concatenate([[0.0], exact])[:-1]


def g(x: FloatArray) -> FloatArray:
    """The gap x - log1p(x) >= 0 of the tangent at 0, to full relative precision; inf at -1. (n,) to (n,).

    Near 0 it is s (x - R) with s = x / (2 + x) and fdlibm's R(s²), which does not cancel.
    """
    far = np.where(np.isposinf(x), np.inf, x - STRICT.log1p(np.where(np.isposinf(x), 0.0, x)))
    return np.where(_near_zero(x), _g_series(x), far)


def _near_zero(x: FloatArray) -> BoolArray:
    return (x > _SERIES_BORDERS[0]) & (x < _SERIES_BORDERS[1])


def _g_series(x: FloatArray) -> FloatArray:
    x = np.where(_near_zero(x), x, 0.0)
    s = x / (2.0 + x)
    return s * (x - fdlibm.horner(s * s, fdlibm.SERIES))


def _log_ratio(a: FloatArray, b: FloatArray) -> FloatArray:
    """The logarithm of a / b, of the two apart where the quotient has no 53 bits. (n,), (n,) to (n,)."""
    with np.errstate(all="ignore"):
        share = a / b
        found, whole = STRICT.log(share), (share >= 2.0**-1022) & np.isfinite(share)
        # Logarithms are dear, and mostly one is enough.
        return found if whole.all() else np.where(whole, found, STRICT.log(a) - STRICT.log(b))


def _divergence(q: FloatArray, p: FloatArray, difference: FloatArray) -> FloatArray:
    """One class's part of KL, q·g((p - q) / q) >= 0; p where q is 0.

    The difference p - q is an argument because (1 - p) - (1 - q) has lost digits where q - p has not.
    Far from 1 it is p - q - q ln(p / q): there g((p - q) / q) would take a p far below q for 0.
    """
    with np.errstate(all="ignore"):
        near = difference / q
        far = difference - q * _log_ratio(p, q)
        part = np.where(_near_zero(near), q * _g_series(near), far)
    return np.where(q == 0.0, p, part)


def kl(q: FloatArray, p: FloatArray) -> FloatArray:
    """Binary divergence, KL(q ‖ p) = q·g((p - q) / q) + (1 - q)·g((q - p) / (1 - q)). Unit: nats.

    Shapes (n,), (n,) to (n,). Never negative; 0 iff p = q (or so close that it underflows); inf where a class
    that occurs has probability 0: q > 0, p = 0 or q < 1, p = 1.

    >>> kl(np.array([0.2, 0.2, 0.2]), np.array([0.2, 0.0, 1.0]))
    array([ 0., inf, inf])
    """
    return _divergence(q, p, p - q) + _divergence(1.0 - q, 1.0 - p, q - p)


def kl_classes(q: FloatArray, p: FloatArray) -> FloatArray:
    """Divergence of many classes, Σ q_k g((p_k - q_k) / q_k) + Σ_{q_k = 0} p_k. Unit: nats.

    Shapes (slices, classes) twice to (slices,). The classes of a slice sum to 1 in q and in p. They are added in
    their order, so the bits do not depend on the layout.
    """
    return row_sums(_divergence(q, p, p - q))


def row_sums(terms: FloatArray) -> FloatArray:
    """The sum of each row, added in the order of its columns, whatever the layout. (n, m) to (n,)."""
    total = np.zeros(len(terms))
    for column in terms.T:
        total += column
    return total


def xlogy(x: FloatArray, y: FloatArray) -> FloatArray:
    """The product x ln y with 0 ln 0 = 0; NaN stays NaN. (n,), (n,) to (n,)."""
    zero = np.equal(x, 0.0) & ~np.isnan(y)
    return np.where(zero, 0.0, x * STRICT.log(np.where(zero, 1.0, y)))


def xlog1py(x: FloatArray, y: FloatArray) -> FloatArray:
    """The product x ln(1 + y) with 0 ln 0 = 0; NaN stays NaN. (n,), (n,) to (n,)."""
    zero = np.equal(x, 0.0) & ~np.isnan(y)
    return np.where(zero, 0.0, x * STRICT.log1p(np.where(zero, 0.0, y)))


def binary_entropy(positive: FloatArray, negative: FloatArray) -> FloatArray:
    """Entropy of a base rate from both class weights, -(P ln(P/T) + N ln(N/T)) / T, T = P + N. Unit: nats.

    Shapes (n,), (n,) to (n,). 0 where one class has no weight; NaN where neither has. 1 - q is never formed:
    ln(P/T) is log1p(-N/T) where P is the larger part.

    >>> binary_entropy(np.array([1.0, 3.0, 0.0]), np.array([1.0, 0.0, 0.0])).round(3)
    array([0.693, 0.   ,   nan])
    """
    total = positive + negative
    return ratio(0.0 - (_share_nll(positive, negative) + _share_nll(negative, positive)), total)


def class_entropy(weights: FloatArray) -> FloatArray:
    """Entropy of class shares from the weights of the classes, -Σ W_k ln(W_k / T) / T, T = Σ W_k. Unit: nats.

    Shapes (slices, classes) to (slices,). 0 where one class has all the weight; NaN where none has any. For two
    classes it has the bits of `binary_entropy`: 1 - q is never formed.

    >>> class_entropy(np.array([[1.0, 1.0, 2.0], [0.0, 3.0, 0.0]])).round(3)
    array([1.04, 0.  ])
    """
    largest = weights.argmax(axis=1)[:, None]
    top = np.take_along_axis(weights, largest, axis=1)[:, 0]
    others = weights.copy()
    np.put_along_axis(others, largest, 0.0, axis=1)
    rest = row_sums(others)
    total = top + rest
    return ratio(0.0 - (_share_nll(top, rest) + row_sums(_weighed_log_ratio(others, total[:, None]))), total)


def _share_nll(part: FloatArray, other: FloatArray) -> FloatArray:
    """The product part · ln(part / (part + other)); 0 where the part is 0."""
    total = part + other
    larger = xlog1py(part, ratio(-other, total))
    return np.where(part > other, larger, _weighed_log_ratio(part, total))


def _weighed_log_ratio(part: FloatArray, total: FloatArray) -> FloatArray:
    """The product part · ln(part / total); 0 where the part is 0."""
    return np.where(part == 0.0, 0.0, np.where(part == 0.0, 1.0, part) * _log_ratio(part, total))
