"""What every multi-class metric should be: its definition over the rows, in the manner of `references`.

`e.q` are the shares of the classes in the label, `e.p` their probabilities, `e.score` the scores as they came, and
`e.loss` = −ln p_k, clipped where p_k is 0 or 1, each (n, K); `e.sum(x)` is Σ w·x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

import numpy as np
from mpmath import mp, mpf

from tests.udfs.references.binary import HALF_UNIT, UNBOUNDED, Exact, MpArray, Reference, x_log_ratio
from tests.udfs.rows.classes import CLASS_OPTIONS, ClassRows
from udfs.measure import Options


@dataclass
class ExactClasses:
    """Rows at 60 digits, with the sums and corners of `Exact`."""

    w: MpArray
    q: MpArray
    p: MpArray
    score: MpArray
    loss: MpArray
    half_unit: MpArray
    corner: Sequence[int] = ()
    sums: list[tuple[mpf, mpf]] = field(default_factory=list)
    added: int = 0

    sum = Exact.sum
    at = Exact.at

    def sums_of(self, x: MpArray) -> list[mpf]:
        """The sum of each class."""
        return [self.sum(x[:, k]) for k in range(x.shape[1])]


def nll(e: ExactClasses) -> mpf:
    """The negative log-likelihood, −Σ w·Σ_k q_k ln p_k."""
    return e.sum((e.q * e.loss).sum(axis=1))


def squared_error(e: ExactClasses) -> mpf:
    return e.sum(((e.p - e.q) ** 2).sum(axis=1), size=abs(e.p - e.q).sum(axis=1))


def hits(e: ExactClasses, k: int) -> mpf:
    """The labels among the k best, of each class the chance to be there if ties are broken at random."""
    found = np.empty(len(e.q), dtype=np.object_)
    found[:] = [_chance(share, score, k) for share, score in zip(e.q, e.score, strict=True)]
    return e.sum(found) / e.sum(1)


def _chance(share: MpArray, score: MpArray, k: int) -> mpf:
    chance = mpf(0)
    for q, own in zip(share, score, strict=True):
        above, tied = sum(s > own for s in score), sum(s == own for s in score)
        within = Fraction(max(0, min(k - above, tied)), tied)
        chance += q * within.numerator / within.denominator
    return chance


def entropy(weights: Sequence[mpf]) -> mpf:
    """Entropy of the shares of weights, Σ share ln(1/share)."""
    whole = sum(weights)
    return sum(x_log_ratio(weight / whole, weight / whole, 1) for weight in weights)


def kl(weights: Sequence[mpf], scores: Sequence[mpf], weight: mpf) -> mpf:
    """Divergence, Σ [p − q + q ln(q/p)]; the first two cancel where both add up to 1."""
    return sum(p - q + x_log_ratio(q, p / weight, q / weight) for q, p in zip(weights, scores, strict=True)) / weight


CLASS_REFERENCES: dict[str, Reference] = {
    "log_loss": lambda e: nll(e) / e.sum(1),
    "log_loss_total": nll,
    "brier_score": lambda e: squared_error(e) / e.sum(1),
    "effective_sample_size": lambda e: e.sum(1) ** 2 / e.sum(e.w),
    "accuracy": partial(hits, k=1),
    **{f"top_k_accuracy@{k}": partial(hits, k=k) for k in (1, 2, 3)},
    "label_entropy": lambda e: entropy(e.sums_of(e.q)),
    "kl_calibration": lambda e: kl(e.sums_of(e.q), e.sums_of(e.p), e.sum(1)),
    "normalized_entropy": lambda e: nll(e) / e.sum(1) / entropy(e.sums_of(e.q)),
    "relative_information_gain": lambda e: 1 - nll(e) / e.sum(1) / entropy(e.sums_of(e.q)),
}


def exact_classes(rows: ClassRows, options: Options = CLASS_OPTIONS) -> ExactClasses:
    """The usable rows with weight, at 60 digits; hard scores are clipped, in the losses alone."""
    label = rows.label if rows.label.ndim == 2 else _shares(rows.label, rows.scores.shape[1])
    unusable = np.isnan(label).any(axis=1) | np.isnan(rows.scores).any(axis=1)
    unusable |= ((rows.scores == np.inf).sum(axis=1) > 1) | (rows.scores == -np.inf).all(axis=1)
    kept = ~unusable & (rows.weight > 0)
    q, score = _mp(label[kept]), _mp(rows.scores[kept])
    clip = mpf(options["clip"])
    p, loss = (np.empty(score.shape, dtype=np.object_) for _ in range(2))
    for i, row in enumerate(score):
        p[i], loss[i] = _softmax(row, clip) if rows.scale == "logit" else _given(row, clip)
    hard = ((p == 0) | (p == 1)).any(axis=1)
    dear = HALF_UNIT * max(mpf(1), -mp.log(clip) if clip else UNBOUNDED)
    loss = np.where(q == 0, mpf(0), loss)
    return ExactClasses(_mp(rows.weight[kept]), q, p, score, loss, np.where(hard, dear, HALF_UNIT))


def _given(p: MpArray, clip: mpf) -> tuple[MpArray, list[mpf]]:
    return p, [_priced(mpf(each == 0), mpf(each == 1), clip, -mp.log(each) if each else None) for each in p]


def _softmax(s: MpArray, clip: mpf) -> tuple[list[mpf], list[mpf]]:
    if UNBOUNDED in s:
        s = [mpf(0) if each == UNBOUNDED else -UNBOUNDED for each in s]
    finite = [each for each in s if each != -UNBOUNDED]
    losses = []
    for k, own in enumerate(s):
        others = [each for j, each in enumerate(s) if j != k and each != -UNBOUNDED]
        loss = None if own == -UNBOUNDED else mp.log1p(mp.fsum(mp.exp(each - own) for each in others))
        losses.append(_priced(loss is None, not others, clip, loss))
    whole = mp.fsum(mp.exp(each - max(finite)) for each in finite)
    return [mp.exp(each - max(finite)) / whole if each != -UNBOUNDED else mpf(0) for each in s], losses


def _priced(zero: bool, one: bool, clip: mpf, loss: mpf | None) -> mpf:
    if zero:
        return -mp.log(clip) if clip else UNBOUNDED
    return -mp.log1p(-clip) if one else loss


def _shares(label: np.ndarray, classes: int) -> np.ndarray:
    return np.where(np.isnan(label)[:, None], np.nan, label[:, None] == np.arange(classes))


_mp = np.frompyfunc(lambda x: mpf(float(x)), 1, 1)
