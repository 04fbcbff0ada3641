"""Many slices at once: p values adjusted so that of what is called a discovery few are none (Benjamini-Hochberg)."""

from __future__ import annotations

import numpy as np

from udfs.exact.arrays import FloatArray

RATE = 0.05  # of discoveries that are false, on average


def adjusted(p: FloatArray) -> FloatArray:
    """The least false discovery rate at which each is a discovery: min over j ≥ i of p_(j)·m/j, at most 1. (m,).

    Called where at most α, a share of at most α of the discoveries is false on average, for p values that are
    independent or positively dependent, as those of nested slices are. Equal p values stay equal; NaN stays NaN and
    does not count. Source: Benjamini and Hochberg 1995, Benjamini and Yekutieli 2001.

    >>> adjusted(np.array([0.01, 0.04, np.nan, 0.03])).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    rates = p[order] * (known.size / np.arange(1.0, known.size + 1.0))
    result = np.full(p.size, np.nan)
    result[order] = np.minimum(np.minimum.accumulate(rates[::-1])[::-1], 1.0)
    return result
