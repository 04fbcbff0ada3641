"""What every metric should be: its definition over the rows, by mpmath with 60 digits, and how far off it may be.

A reference is one line over `Exact`, the rows as arrays of 60-digit numbers: `e.y` label, `e.p` score, `e.c` its
complement, `e.loss_of_1` = −ln p and `e.loss_of_0` = −ln(1 − p), clipped where the score is hard; `e.sum(x)` is Σ w·x,
`e.n` the number of rows, those without weight included.
Nothing here is taken from the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from mpmath import mp, mpf
from numpy.typing import NDArray

from tests.udfs.rows.binary import OPTIONS, Rows
from udfs.exact.arrays import FloatArray
from udfs.measure import Options

mp.dps = 60

MpArray = NDArray[np.object_]
HALF_UNIT = mpf("5e-16")
ROUNDING = mpf(2) ** -53
ROW_RTOL = mpf(2) ** -49  # sixteen roundings; the most any row takes are those of a logit's focal loss
UNBOUNDED = mpf("inf")


@dataclass
class Exact:
    """Rows at 60 digits. With a corner, sum number i is off by its whole error in the direction `corner[i]`."""

    y: MpArray
    w: MpArray
    p: MpArray
    c: MpArray
    loss_of_1: MpArray
    loss_of_0: MpArray
    priced_p: MpArray
    priced_c: MpArray
    half_unit: MpArray
    n: int
    alpha: mpf
    gamma: mpf
    corner: Sequence[int] = ()
    sums: list[tuple[mpf, mpf]] = field(default_factory=list)
    added: int = 0

    def sum(self, x: MpArray | int, size: MpArray | None = None) -> mpf:
        """The sum Σ w·x. A term counts as wrong by half a unit, and by the row's rounding relative to `size` or x."""
        if self.corner:
            total, error = self.sums[self.added]
            direction = self.corner[self.added]
            self.added += 1
            there = total + direction * error
            return there if total < 0 else max(mpf(0), there)  # of probabilities no statistic is negative
        terms = self.w * x
        sizes = abs(terms if size is None else self.w * size)
        errors = np.where(terms == 0, mpf(0), self.half_unit + sizes * (ROUNDING + ROW_RTOL))
        self.sums.append((mp.fsum(terms), mp.fsum(errors)))
        return self.sums[-1][0]

    def at(self, corner: Sequence[int]) -> Exact:
        """The same sums at a corner of the box of their errors; the rows are not needed for that."""
        nothing: dict[str, Any] = {
            name: value[:0] for name, value in vars(self).items() if isinstance(value, np.ndarray)
        }
        return replace(self, **nothing, corner=corner)


Reference = Callable[[Exact], mpf]


def nll(e: Exact) -> mpf:
    """The negative log-likelihood, −Σ w·[y ln p + (1 − y) ln(1 − p)]."""
    return e.sum(e.y * e.loss_of_1) + e.sum((1 - e.y) * e.loss_of_0)


def focal(e: Exact) -> mpf:
    """Focal loss, Σ w·[y (1 − p)^γ (−ln p) + (1 − y) p^γ (−ln(1 − p))]."""
    positive = e.sum(e.y * e.priced_c**e.gamma * e.loss_of_1)
    return positive + e.sum((1 - e.y) * e.priced_p**e.gamma * e.loss_of_0)


def entropy(p: mpf, n: mpf) -> mpf:
    """Entropy of the shares of two weights, Σ share ln(1/share)."""
    return sum(x_log_ratio(part / (p + n), part / (p + n), 1) for part in (p, n))


def kl(q: mpf, p: mpf) -> mpf:
    """Divergence, q ln(q/p) + (1 − q) ln((1 − q)/(1 − p)): with 60 digits the textbook form will do."""
    return x_log_ratio(q, p, q) + x_log_ratio(1 - q, 1 - p, 1 - q)


def x_log_ratio(x: mpf, below: mpf, above: mpf | int) -> mpf:
    """The product x ln(above / below) with 0 ln = 0."""
    return x * mp.log(above / below) if x else mpf(0)


def calibration_free(loss: mpf, p: mpf, n: mpf, score: mpf) -> mpf:
    """The log loss without the divergence of the base rate from the mean score, over the entropy of the base rate."""
    return (loss / (p + n) - kl(p / (p + n), score / (p + n))) / entropy(p, n)


def log(x: mpf) -> mpf:
    """The logarithm, −∞ at 0."""
    return mp.log(x) if x else -UNBOUNDED


REFERENCES: dict[str, Reference] = {
    "log_loss": lambda e: nll(e) / e.sum(1),
    "log_loss_total": nll,
    "weighted_log_loss": lambda e: (e.alpha * e.sum(e.y * e.loss_of_1) + e.sum((1 - e.y) * e.loss_of_0)) / e.sum(1),
    "weighted_log_loss_balanced": lambda e: (
        (e.alpha * e.sum(e.y * e.loss_of_1) + e.sum((1 - e.y) * e.loss_of_0)) / (e.alpha * e.sum(e.y) + e.sum(1 - e.y))
    ),
    "focal_loss": lambda e: focal(e) / e.sum(1),
    "brier_score": lambda e: e.sum((e.y - e.p) ** 2, size=abs(e.y - e.p)) / e.sum(1),
    "base_rate": lambda e: e.sum(e.y) / e.sum(1),
    "mean_score": lambda e: e.sum(e.p) / e.sum(1),
    "predicted_over_actual": lambda e: e.sum(e.p) / e.sum(e.y),
    "label_entropy": lambda e: entropy(e.sum(e.y), e.sum(1 - e.y)),
    "kl_calibration": lambda e: kl(e.sum(e.y) / (w := e.sum(1)), e.sum(e.p) / w),
    "normalized_entropy": lambda e: nll(e) / e.sum(1) / entropy(e.sum(e.y), e.sum(1 - e.y)),
    "relative_information_gain": lambda e: 1 - nll(e) / e.sum(1) / entropy(e.sum(e.y), e.sum(1 - e.y)),
    "relative_cross_entropy": lambda e: 100 - 100 * nll(e) / e.sum(1) / entropy(e.sum(e.y), e.sum(1 - e.y)),
    "calibration_free_normalized_entropy": lambda e: calibration_free(nll(e), e.sum(e.y), e.sum(1 - e.y), e.sum(e.p)),
    "effective_sample_size": lambda e: e.sum(1) ** 2 / e.sum(e.w),
    "inverse_propensity_log_loss": lambda e: nll(e) / e.n,
    "mean_absolute_error": lambda e: e.sum(abs(e.y - e.p)) / e.sum(1),
    "tjur_r2": lambda e: e.sum(e.y * e.p) / e.sum(e.y) - e.sum((1 - e.y) * e.p) / e.sum(1 - e.y),
    "tjur_ratio": lambda e: (e.sum(e.y * e.p) / e.sum(e.y)) / (e.sum((1 - e.y) * e.p) / e.sum(1 - e.y)),
    "calibration_bias": lambda e: (e.sum(e.p) - e.sum(e.y)) / e.sum(1),
    "log_calibration": lambda e: log(e.sum(e.p) / e.sum(e.y)),
    "calibration_z": lambda e: (e.sum(e.y) - e.sum(e.p)) / mp.sqrt(e.sum(e.w * e.p * e.c)),
    "spiegelhalter_z": lambda e: (
        e.sum((e.y - e.p) * (e.c - e.p), size=abs(e.y - e.p)) / mp.sqrt(e.sum(e.w * (e.c - e.p) ** 2 * e.p * e.c))
    ),
}


def exact(rows: Rows, options: Options = OPTIONS) -> Exact:
    """The usable rows with weight, at 60 digits; hard scores are clipped, in the losses alone."""
    usable = ~(np.isnan(rows.label) | np.isnan(rows.score) | np.isnan(rows.weight))
    kept = usable & (rows.weight > 0)
    y, score = _mp(rows.label[kept]), _mp(rows.score[kept])
    p, c = (score, 1 - score) if rows.scale == "probability" else (_sigmoid(score), _sigmoid(-score))
    clip = mpf(options["clip"])
    priced_p = np.where(p == 0, clip, np.where(c == 0, 1 - clip, p))
    priced_c = np.where(c == 0, clip, np.where(p == 0, 1 - clip, c))
    # The weight of a hard row is summed, and then priced: its half unit costs as much as the clip.
    dear = HALF_UNIT * max(mpf(1), _nll(mpf(1), clip, 1 - clip))
    half_unit = np.where((p == 0) | (c == 0), dear, HALF_UNIT)
    losses = (_elementwise(_nll, y, priced_p, priced_c), _elementwise(_nll, 1 - y, priced_c, priced_p))
    columns = (y, _mp(rows.weight[kept]), p, c, *losses, priced_p, priced_c, half_unit)
    return Exact(*columns, n=int(usable.sum()), alpha=mpf(options["alpha"]), gamma=mpf(options["gamma"]))


def value_and_bound(reference: Reference, e: Exact) -> tuple[mpf | None, mpf]:
    """The metric of rows, None where it is undefined, and how far from it exact sums may lead.

    The bound is the largest change of the metric over the corners of the box that the errors of its sums span: every
    metric is monotone in each of its sums, or convex or concave. It is infinite where the box reaches a point at
    which the metric is undefined: there the sums have no digit to tell.
    """
    e = replace(e, sums=[])
    value = _defined(reference, e)
    if value is None or mp.isinf(value):
        return value, UNBOUNDED
    corners = (_defined(reference, e.at(corner)) for corner in product((-1, 1), repeat=len(e.sums)))
    bound = max(UNBOUNDED if there is None else abs(there - value) for there in corners)
    return value, bound + ROW_RTOL * abs(value)  # the metric is divided out in doubles


def _defined(reference: Reference, e: Exact) -> mpf | None:
    try:
        value = reference(e)
    except ZeroDivisionError:
        return None
    return value if isinstance(value, mpf) else None  # a corner outside the domain has a complex logarithm


def _nll(share: mpf, p: mpf, c: mpf) -> mpf:
    """The loss −ln p, from the complement where that is the smaller one; 0 where no part of the label needs it."""
    if not share:
        return mpf(0)
    if not p:
        return UNBOUNDED
    return -mp.log(p) if p < c else -mp.log1p(-c)


def _sigmoid(z: MpArray) -> MpArray:
    return _elementwise(lambda x: mpf(1) if x == UNBOUNDED else mpf(0) if x == -UNBOUNDED else 1 / (1 + mp.exp(-x)), z)


def _mp(x: FloatArray) -> MpArray:
    return _elementwise(mpf, x.tolist())


def _elementwise(function: Callable[..., mpf], *columns: Sequence[object] | MpArray) -> MpArray:
    found = np.empty(len(columns[0]), dtype=np.object_)
    found[:] = [function(*values) for values in zip(*columns, strict=True)]
    return found
