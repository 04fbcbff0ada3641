"""The exponential and the logarithms that losses are made of, and what is built from them.

NumPy's own float64 `exp`, `log` and `log1p` differ in the last bit between CPUs, and on one CPU between a view
and its reverse. The kernel `strict`, the default, has the same bits everywhere, those of the JVM's `StrictMath`
and so of Spark SQL. The kernel `native` is NumPy's: reproducible per CPU type only.

>>> softplus(np.array([-800.0, 0.0, 4.0])).round(3)
array([0.   , 0.693, 4.018])
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from udfs.exact import fdlibm
from udfs.exact.arrays import FloatArray

Function = Callable[[FloatArray], FloatArray]

LN2 = 0.6931471805599453


@dataclass(frozen=True)
class Kernel:
    """Three elementwise functions, each (n,) to (n,) float64, that never warn and never write into x.

    At the borders as in IEEE: log(±0) = log1p(-1) = -inf, NaN below that, NaN for NaN.
    """

    name: str
    exp: Function
    log: Function
    log1p: Function


def _native_exp(x: FloatArray) -> FloatArray:
    return fdlibm.blockwise(np.exp, x)


def _native_log(x: FloatArray) -> FloatArray:
    return fdlibm.blockwise(np.log, x)


def _native_log1p(x: FloatArray) -> FloatArray:
    return fdlibm.blockwise(np.log1p, x)


STRICT = Kernel("strict", fdlibm.exp, fdlibm.log, fdlibm.log1p)
NATIVE = Kernel("native", _native_exp, _native_log, _native_log1p)
KERNELS = {STRICT.name: STRICT, NATIVE.name: NATIVE}


def kernel(name: str) -> Kernel:
    """The kernel of that name.

    Raises:
        ValueError: there is none; the message lists those that exist.

    >>> kernel("strict").name
    'strict'
    """
    if name not in KERNELS:
        raise ValueError(f"no kernel {name!r}; there are {', '.join(sorted(KERNELS))}")
    return KERNELS[name]


def softplus(x: FloatArray, *, kernel: Kernel = STRICT) -> FloatArray:
    """The loss of a logit, ln(1 + eˣ) = max(x, 0) + log1p(exp(-|x|)). Unit: nats. (n,) to (n,).

    In Spark SQL `greatest(x, 0D) + log1p(exp(-abs(x)))` has the same bits for finite x.
    """

    def body(block: FloatArray) -> FloatArray:
        loss = kernel.log1p(kernel.exp(-np.abs(block)))
        loss += np.maximum(block, 0.0)
        return loss

    return fdlibm.blockwise(body, x)


def sigmoid(x: FloatArray, *, kernel: Kernel = STRICT) -> FloatArray:
    """The probability of a logit, 1 / (1 + e⁻ˣ), to full relative precision on both sides. (n,) to (n,).

    >>> sigmoid(np.array([-np.inf, 0.0, np.inf]))
    array([0. , 0.5, 1. ])
    """

    def body(block: FloatArray) -> FloatArray:
        small = kernel.exp(-np.abs(block))
        probability = np.where(block < 0.0, small, 1.0)
        small += 1.0
        probability /= small
        return probability

    return fdlibm.blockwise(body, x)


def log1mexp(t: FloatArray, *, kernel: Kernel = STRICT) -> FloatArray:
    """The logarithm of the complement of e⁻ᵗ, ln(1 - e⁻ᵗ), for t >= 0; -inf at 0, NaN below. (n,) to (n,).

    log(-expm1(-t)) up to ln 2, log1p(-exp(-t)) above; expm1 is strict in both kernels. Source: Mächler,
    Accurately computing log(1 - exp(-|a|)), 2012.
    """

    def body(block: FloatArray) -> FloatArray:
        out = np.full(block.shape, np.nan)
        low, high = (block >= 0.0) & (block <= LN2), block > LN2
        out[low] = kernel.log(-fdlibm.expm1_near_zero(-block[low]))
        out[high] = kernel.log1p(-kernel.exp(-block[high]))
        return out

    return fdlibm.blockwise(body, t)
