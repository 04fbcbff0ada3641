"""Fdlibm 5.3 in NumPy: `exp`, `log`, `log1p` with the same bits on every machine and in any order of the rows.

It is the algorithm of the JVM's `StrictMath`, hence of Spark's `exp`, `ln` and `log1p`, written with IEEE
`+ - * /`, `trunc` and integer bit operations only; `udfs.exact.kernels` says why. A branch of the C source that
most rows take is a formula over the whole block; the few rows of the other branches are patched by mask.
Source: Sun Microsystems, fdlibm 5.3, e_exp.c, e_log.c, s_log1p.c, s_expm1.c (https://www.netlib.org/fdlibm).
"""

from collections.abc import Callable

import numpy as np

from udfs.exact.arrays import FloatArray, IntArray

Function = Callable[[FloatArray], FloatArray]

BLOCK = 32_768  # rows whose buffers stay in the L2 cache; much smaller blocks pay for the calls instead

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_INVERSE_LN2 = 1.44269504088896338700e00
_EXP_LARGEST, _EXP_SMALLEST = 7.09782712893383973096e02, -7.45133219101941108420e02
# fdlibm compares high words, so its borders are doubles whose low word is zero.
_HALF_LN2 = float.fromhex("0x1.62e43p-2")
_LOG_MIDDLE = float.fromhex("0x1.6147ap0") - 1.0, float.fromhex("0x1.6b852p-1") - 1.0
_LOG1P_DIRECT = -float.fromhex("0x1.2bec4p-2"), float.fromhex("0x1.a827ap-2")
_LOG_CARRY, _LOG1P_CARRY = 0x95F64 << 32, 0x95F62 << 32  # added to the bits: mantissas from √2 on carry
_EXP = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
_EXPM1 = (
    -3.33333333333331316428e-02,
    1.58730158725481460165e-03,
    -7.93650757867487942473e-05,
    4.00821782732936239552e-06,
    -2.01099218183624371326e-07,
)
SERIES = (  # log(1 + x) = x - s (x - R),  s = x / (2 + x),  R = s² (SERIES[0] + s² (SERIES[1] + ...))
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)


def horner(x: FloatArray, coefficients: tuple[float, ...]) -> FloatArray:
    """The polynomial x (c₀ + x (c₁ + …)), in this order of operations. Shape (n,) to (n,)."""
    total = x * coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total += coefficient
        total *= x
    return total


def blockwise(body: Function, x: FloatArray) -> FloatArray:
    """Apply `body` to contiguous blocks of x, whatever its shape and strides, without warnings.

    The same rows give the same bits in any block because `body` is elementwise. It must not write into x.
    """
    flat = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
    out = np.empty_like(flat)
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, BLOCK):
            out[start : start + BLOCK] = body(flat[start : start + BLOCK])
    return out.reshape(np.shape(x))


def _reduced(x: FloatArray, carry: int) -> tuple[FloatArray, FloatArray]:
    """The pair (f, k) with x = 2ᵏ (1 + f), the cut between two k near √2. For normal positive x."""
    bits = x.view(np.int64)
    exponent = bits + carry
    exponent >>= 52
    exponent -= 1023
    f = (bits - (exponent << 52)).view(np.float64)
    f -= 1.0
    return f, exponent.astype(np.float64)


def _joined(k: FloatArray, f: FloatArray, half: FloatArray, rest: FloatArray) -> FloatArray:
    """The last line of both logarithms, k ln2_high - ((half - rest) - f); writes into k and half."""
    half -= rest
    half -= f
    k *= _LN2_HIGH
    k -= half
    return k


def _log_normal(x: FloatArray, shift: float = 0.0) -> FloatArray:
    f, k = _reduced(x, _LOG_CARRY)
    k += shift
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    rest = horner(w, SERIES[2::2])
    rest += SERIES[0]
    rest *= z
    rest += horner(w, SERIES[1::2])
    half = 0.5 * f
    half *= f
    outside = (f < _LOG_MIDDLE[0]) & (f >= _LOG_MIDDLE[1])
    rest += np.where(outside, -f, half)
    rest *= s
    np.copyto(half, 0.0, where=outside)
    near = (f >= -(2.0**-20)) & (f < 2.0**-20)
    if near.any():
        g = f[near]
        rest[near] = -(g * g * (0.5 - 0.33333333333333333 * g))
    rest += k * _LN2_LOW
    return _joined(k, f, half, rest)


def _log_special(x: FloatArray) -> FloatArray:
    out = np.where(x > 0.0, _log_normal(x * 2.0**54, -54.0), np.nan)
    out[x == 0.0] = -np.inf
    out[x == np.inf] = np.inf
    return out


def _log_block(x: FloatArray) -> FloatArray:
    out = _log_normal(x)
    special = ~((x >= 2.0**-1022) & (x < np.inf))
    if special.any():
        out[special] = _log_special(x[special])
    return out


def _one_plus(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The pair (u, c): u = fl(1 + x) and fdlibm's correction of the logarithm, (1 + x - u) / u."""
    u = 1.0 + x
    c = x - (u - 1.0)
    large = u >= 2.0
    if large.any():
        y = x[large]
        u[large] = np.where(y < 2.0**53, u[large], y)
        c[large] = np.where(y < 2.0**53, 1.0 - (u[large] - y), 0.0)
    c /= u
    return u, c


def _log1p_normal(x: FloatArray) -> FloatArray:
    u, c = _one_plus(x)
    f, k = _reduced(u, _LOG1P_CARRY)
    direct = (x > _LOG1P_DIRECT[0]) & (x < _LOG1P_DIRECT[1])
    np.copyto(f, x, where=direct)
    np.copyto(k, 0.0, where=direct)
    np.copyto(c, 0.0, where=k == 0.0)
    half = 0.5 * f
    half *= f
    s = f / (2.0 + f)
    rest = horner(s * s, SERIES)
    rest += half
    rest *= s
    near = (f >= -1.5 * 2.0**-20) & (f < 2.0**-20) & ~direct
    if near.any():
        half[near] *= 1.0 - 0.66666666666666666 * f[near]
        rest[near] = 0.0
    c += k * _LN2_LOW
    rest += c
    return _joined(k, f, half, rest)


def _log1p_block(x: FloatArray) -> FloatArray:
    out = _log1p_normal(x)
    tiny = np.abs(x) < 2.0**-29
    if tiny.any():
        y = x[tiny]
        out[tiny] = y - y * y * 0.5
    special = ~((x > -1.0) & (x < np.inf))
    if special.any():
        y = x[special]
        out[special] = np.where(y == -1.0, -np.inf, np.where(y == np.inf, np.inf, np.nan))
    return out


def _exp_parts(x: FloatArray) -> tuple[FloatArray, IntArray]:
    """The pair (y, k) with exp(x) = 2ᵏ y, y near 1."""
    k = x * _INVERSE_LN2
    k += np.copysign(0.5, x)
    np.trunc(k, out=k)
    np.copyto(k, 0.0, where=np.abs(x) < _HALF_LN2)
    high, low = x - k * _LN2_HIGH, k * _LN2_LOW
    r = high - low
    c = r - horner(r * r, _EXP)
    r *= c
    r /= 2.0 - c
    low -= r
    low -= high
    return 1.0 - low, k.astype(np.int64)


def _exp_special(x: FloatArray) -> FloatArray:
    y, k = _exp_parts(np.clip(x, _EXP_SMALLEST, _EXP_LARGEST))
    deep = k < -1021
    k[deep] += 1000
    y.view(np.int64)[:] += k << 52
    y[deep] *= 2.0**-1000
    y[x > _EXP_LARGEST] = np.inf
    y[x < _EXP_SMALLEST] = 0.0
    y[np.isnan(x)] = np.nan
    return y


def _exp_block(x: FloatArray) -> FloatArray:
    out, k = _exp_parts(x)
    k <<= 52
    out.view(np.int64)[:] += k
    size = np.abs(x)
    tiny, special = size < 2.0**-28, ~(size < 700.0)
    if tiny.any():
        out[tiny] = 1.0 + x[tiny]
    if special.any():
        out[special] = _exp_special(x[special])
    return out


def expm1_near_zero(x: FloatArray) -> FloatArray:
    """The exponential minus 1 for -ln 2 <= x <= 0, with the bits of StrictMath there. (n,) to (n,)."""
    k = np.where(np.abs(x) < _HALF_LN2, 0.0, 1.0)
    high, low = x + k * _LN2_HIGH, k * -_LN2_LOW
    r = high - low
    c = (high - r) - low
    half = 0.5 * r
    square = r * half
    q = 1.0 + horner(square, _EXPM1)
    t = 3.0 - q * half
    e = square * ((q - t) / (6.0 - r * t))
    y = r - ((r * (e - c) - c) - square)
    return np.where(k == 0.0, y, 0.5 * y - 0.5)


def exp(x: FloatArray) -> FloatArray:
    """The exponential, with the bits of StrictMath. Overflow is inf, NaN stays NaN. (n,) to (n,)."""
    return blockwise(_exp_block, x)


def log(x: FloatArray) -> FloatArray:
    """The natural logarithm, with the bits of StrictMath. -inf at ±0, NaN below. (n,) to (n,)."""
    return blockwise(_log_block, x)


def log1p(x: FloatArray) -> FloatArray:
    """The logarithm of 1 + x, with the bits of StrictMath. -inf at -1, NaN below. (n,) to (n,)."""
    return blockwise(_log1p_block, x)
