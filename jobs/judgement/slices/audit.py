"""Calibration audit of crosses: how many σ predictions are off, and what could have been seen at all.

If every score p is the probability of its label, rows independent, then Σ w(y − p) has the variance Σ w² p(1 − p)
and Spiegelhalter's Σ w(y − p)(1 − 2p) has Σ w² (1 − 2p)² p(1 − p), both with mean 0. Rows of one unit are not
independent: `inflation` is by how much that makes the variance larger, as the jackknife over units shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from jobs.judgement.slices.crosses import Crosses
from jobs.judgement.slices.rates import Side, third_of_labels
from udfs.exact.arrays import FloatArray
from udfs.exact.numerics import g, ratio

# 95 % two-sided and 80 % power: 1.96 + 0.84.
DETECTABLE = 2.8
STATISTICS = (
    "n",
    "weight",
    "positive_weight",
    "score_sum",
    "score_variance",
    "spiegelhalter_sum",
    "spiegelhalter_variance",
)


class Audit(NamedTuple):
    """What the audit says of every cross, each (crosses,); NaN where there is a reason.

    Attributes:
        error: Mean score minus base rate, Σ w(p − y) / Σ w: above 0 the model predicts too much.
        z: Calibration in the large in σ, Σ w(y − p) / √Σ w² p(1 − p): below 0 the model predicts too much.
        spiegelhalter: Spiegelhalter's z in σ: far from 0 on either side some scores are wrong.
        detectable: The smallest error that would have been seen in four of five days.
        p: Two-sided probability of such a z by chance; of few positives it is more than that of a normal z.
        reasons: `not_recorded`, `no_weight`, `too_few_rows`, `no_variance`, `too_few_positives`, or None.
    """

    error: FloatArray
    z: FloatArray
    spiegelhalter: FloatArray
    detectable: FloatArray
    p: FloatArray
    reasons: list[str | None]


def audited(
    found: Crosses, side: int = 0, *, least_rows: int = 1, least_positives: float = 10.0, inflation: float = 1.0
) -> Audit:
    """The calibration audit of every cross, by the statistics `STATISTICS`; differences are of exact sums.

    Args:
        found: The crosses.
        side: Which day or model of theirs.
        least_rows: A cross of fewer has no verdict.
        least_positives: Nor has one in which fewer positives of equal weight are, and are expected.
        inflation: How many times as large variances are as those of independent rows.
    """
    names = ("n", "weight", "positive_weight", "score_sum", "score_variance", "spiegelhalter_variance")
    n, weight, positive, expected, variance, spread = (found.nearest(name)[side] for name in names)
    excess = found.sums["positive_weight"].minus(found.sums["score_sum"]).nearest().reshape(found.sides, -1)[side]
    wrong = found.nearest("spiegelhalter_sum")[side]
    unknown = np.isnan(excess) | np.isnan(variance) | np.isnan(weight)
    causes = {"not_recorded": unknown, "no_weight": weight == 0.0, "too_few_rows": n < least_rows}
    causes |= {
        "no_variance": variance <= 0.0,
        "too_few_positives": _events(positive, expected, variance) < least_positives,
    }
    reasons = _first(causes, n.size)
    known = np.array([reason is None for reason in reasons])

    def shown(values: FloatArray) -> FloatArray:
        return np.where(known, values, np.nan)

    z = shown(sigmas(excess, variance * inflation))
    detectable = shown(DETECTABLE * ratio(np.sqrt(variance * inflation), weight))
    off = shown(sigmas(wrong, spread * inflation))
    own = Side(excess, weight, variance, third_of_labels(expected, weight, variance)).inflated(inflation)
    p = two_sided(unskewed(z, ratio(own.third, own.variance * np.sqrt(own.variance))))
    return Audit(shown(0.0 - ratio(excess, weight)), z, off, detectable, p, reasons)


def _events(positive: FloatArray, expected: FloatArray, variance: FloatArray) -> FloatArray:
    """About how many positives there are, or as many as scores expect if that is more, each of the same weight."""
    with np.errstate(invalid="ignore"):
        return np.maximum(positive, expected) * ratio(expected, variance)


def sigmas(deviation: FloatArray, variance: FloatArray) -> FloatArray:
    """The deviation from 0 in standard errors; NaN where there is no variance. (n,), (n,) to (n,).

    Spiegelhalter 1986 on y 0, 1, 0, 1, 0 and p .1, .9, .21, .9, .5:

    >>> p, y = np.array([0.1, 0.9, 0.21, 0.9, 0.5]), np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    >>> wrong, spread = sum((y - p) * (1 - 2 * p)), sum((1 - 2 * p) ** 2 * p * (1 - p))
    >>> sigmas(np.array([wrong]), np.array([spread])).round(7)
    array([-0.7566972])
    """
    with np.errstate(invalid="ignore"):
        return ratio(deviation, np.sqrt(variance))


def unskewed(z: FloatArray, skewness: FloatArray) -> FloatArray:
    """The normal variable that is as rare as z of this skewness γ is: sign(z) √(2 h(γz)) / |γ|. (n,), (n,) to (n,).

    With h(u) = (1 + u) ln(1 + u) − u: of what is counted, Poisson, it is the signed root of the deviance. Of 12
    positives where 4 are expected it makes 3.2 of a z of 4. As γ goes to 0 it is z.

    >>> unskewed(np.array([4.0, 4.0]), np.array([0.5, 0.0])).round(3)
    array([3.22, 4.  ])
    """
    u = np.maximum(skewness * z, -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        curved = np.where(u == -1.0, 1.0, (1.0 + u) * g(-u / (1.0 + u)))
        root = np.sign(z) * np.sqrt(2.0 * curved) / np.abs(skewness)
    return np.where(np.abs(u) < 1e-7, z, root)


def two_sided(z: FloatArray) -> FloatArray:
    """The probability of so many σ or more on either side, by the normal distribution; NaN for NaN. (n,) to (n,).

    >>> two_sided(np.array([-0.7566972, 0.0])).round(7)
    array([0.4492313, 1.       ])
    """
    return np.array([math.erfc(abs(each) / math.sqrt(2.0)) for each in z.tolist()], dtype=np.float64)


def _first(causes: Mapping[str, np.ndarray], size: int) -> list[str | None]:
    """The first cause that holds for each."""
    reasons = np.full(size, None, dtype=np.object_)
    for cause, holds in reversed(list(causes.items())):
        reasons[holds] = cause
    return list(reasons)
