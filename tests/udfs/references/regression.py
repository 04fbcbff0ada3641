"""What every metric of value prediction should be: `e.y` is the label, `e.p` the score, `e.sum(x)` is Σ w·x."""

from __future__ import annotations

import numpy as np
from mpmath import mp, mpf

from tests.udfs.references.binary import HALF_UNIT, Exact, Reference
from udfs.exact.arrays import FloatArray


def squares(e: Exact) -> mpf:
    return e.sum((e.y - e.p) ** 2)


def spread(y: mpf, squared: mpf, weight: mpf) -> mpf:
    """Spread of labels; where it is a small part of their squares the metric is undefined, for lack of digits."""
    found = squared - y**2 / weight
    if found <= mpf(2) ** -20 * squared:
        raise ZeroDivisionError
    return found


REFERENCES: dict[str, Reference] = {
    "mean_squared_error": lambda e: squares(e) / e.sum(1),
    "root_mean_squared_error": lambda e: mp.sqrt(squares(e) / e.sum(1)),
    "mean_absolute_error": lambda e: e.sum(abs(e.y - e.p)) / e.sum(1),
    "mean_label": lambda e: e.sum(e.y) / e.sum(1),
    "mean_score": lambda e: e.sum(e.p) / e.sum(1),
    "predicted_over_actual": lambda e: e.sum(e.p) / e.sum(e.y),
    "r2_score": lambda e: 1 - squares(e) / spread(e.sum(e.y), e.sum(e.y**2), e.sum(1)),
    "effective_sample_size": lambda e: e.sum(1) ** 2 / e.sum(e.w),
}


def exact_values(label: FloatArray, score: FloatArray, weight: FloatArray) -> Exact:
    """The rows with weight at 60 digits."""
    kept = (weight > 0) & ~np.isnan(label + score)
    y, s, w = (
        np.array([mpf(each) for each in column[kept].tolist()], dtype=object) for column in (label, score, weight)
    )
    half = np.full(y.size, HALF_UNIT, dtype=object)
    nothing = y[:0]
    return Exact(y, w, s, *[nothing] * 5, half, n=int(kept.sum()), alpha=mpf(1), gamma=mpf(0))
