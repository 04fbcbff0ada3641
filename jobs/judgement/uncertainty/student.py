"""Student's t: quantiles, two-sided p values, and the degrees of freedom of two estimates together.

Special functions differ in their last digits between machines: twelve are kept, so that a judgement is the same
everywhere.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from udfs.exact.arrays import FloatArray

LEVEL = 0.95  # of every interval
DIGITS = 12


def quantile(df: FloatArray, level: float = LEVEL) -> FloatArray:
    """How many standard errors an interval of this level reaches to each side, (n,) to (n,); NaN for NaN.

    >>> quantile(np.array([31.0, np.inf])).round(4)
    array([2.0395, 1.96  ])
    """
    # Most slices have rows of every shard.
    distinct, of = np.unique(df, return_inverse=True)
    return _rounded(special.stdtrit(distinct, 1.0 - (1.0 - level) / 2.0))[of]


def two_sided(difference: FloatArray, stderr: FloatArray, df: FloatArray) -> FloatArray:
    """P value of a difference of 0, P(|T| ≥ |d| / SE), each (n,) to (n,); NaN for NaN.

    Without any spread it is 1 for no difference and 0 for one.

    >>> two_sided(np.array([2.0395, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.array([31.0, 31.0, 31.0])).round(4)
    array([0.05, 1.  , 0.  ])
    """
    size = np.abs(difference)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(size == 0.0, 0.0 * stderr, size / stderr)
    return _rounded(2.0 * special.stdtr(df, -t))


def by_reach(difference: FloatArray, reach: FloatArray, df: float) -> FloatArray:
    """The same from how far its 95 % interval reaches, where that is all that is known, each (n,) to (n,).

    >>> by_reach(np.array([1.0, 0.0]), np.array([1.0, 1.0]), 31.0).round(4)
    array([0.05, 1.  ])
    """
    every = np.full(difference.shape, df)
    return two_sided(difference, reach / quantile(every), every)


def joint_df(a: FloatArray, df_a: FloatArray, b: FloatArray, df_b: FloatArray) -> FloatArray:
    """Degrees of freedom of √(SE_a² + SE_b²), (SE_a² + SE_b²)² / (SE_a⁴/df_a + SE_b⁴/df_b). Each (n,) to (n,).

    The smaller of both where neither has a spread. Source: Welch 1947, Satterthwaite 1946.

    >>> joint_df(np.array([1.0]), np.array([31.0]), np.array([1.0]), np.array([31.0]))
    array([62.])
    """
    least = np.minimum(df_a, df_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        # The share of a variance in both, so that squares of tiny errors do not underflow.
        share = 1.0 / (1.0 + np.square(b / a))
        share = np.where(a == 0.0, 0.0, share)
        joint = 1.0 / (np.square(share) / df_a + np.square(1.0 - share) / df_b)
    return np.where((a == 0.0) & (b == 0.0), least, joint)


def _rounded(values: FloatArray) -> FloatArray:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.tolist()], dtype=np.float64)
