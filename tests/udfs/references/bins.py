"""What every metric of bins should be, of rows whose scores the bins tell apart: by scikit-learn, or row by row.

Nothing here is taken from the catalogue, and nothing sorts or cuts as it does.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
from mpmath import mp, mpf
from sklearn import metrics as sklearn_metrics

from tests.udfs.rows.binary import Rows
from udfs.exact.arrays import FloatArray

THRESHOLD, BINS = 0.25, 8
Group = tuple[float, float, float, float]  # rows, weight, positive weight, sum of scores


def probability(rows: Rows) -> FloatArray:
    return rows.score if rows.scale == "probability" else 1.0 / (1.0 + np.exp(-rows.score))


def hard(rows: Rows) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Labels, scores and weights, a row with a soft label as two."""
    label, score = np.repeat([1.0, 0.0], rows.label.size), np.tile(probability(rows), 2)
    return label, score, np.concatenate([rows.weight * rows.label, rows.weight * (1.0 - rows.label)])


def by_sklearn(function: Callable[..., float], *, threshold: float | None = None) -> Callable[[Rows], float]:
    def reference(rows: Rows) -> float:
        label, score, weight = hard(rows)
        return function(label, score if threshold is None else score >= threshold, sample_weight=weight)

    return reference


def tied_pairs(rows: Rows) -> float:
    label, score, weight = hard(rows)
    positive, negative = weight * label, weight * (1.0 - label)
    tied = score[:, None] == score[None, :]
    return float((positive[:, None] * negative[None, :] * tied).sum() / (positive.sum() * negative.sum()) / 2.0)


def precision_with_positives_first(rows: Rows) -> float:
    """The order in ties that is best for the average precision: positives above negatives, tied with each other."""
    label, score, weight = hard(rows)
    return sklearn_metrics.average_precision_score(label, np.nextafter(score, score + label), sample_weight=weight)


def precision_with_positives_last(rows: Rows) -> float:
    """The infimum over orders, weights and ties: negatives first, then positives in ever lighter rows."""
    label, score, weight = hard(rows)
    found = mpf(0)
    for s in np.unique(score):
        above = math.fsum((weight * label)[score > s])
        own = math.fsum((weight * label)[score == s])
        negative = math.fsum((weight * (1.0 - label))[score >= s])
        found += mp.quad(lambda x, a=above, f=negative: (a + x) / (a + x + f), [0, own]) if own else 0
    return float(found / math.fsum(weight * label))


def grouped(rows: Rows, of: Callable[[float], float]) -> list[Group]:
    """The groups of rows by a function of their probability; those of no weight are left out, rows are not."""
    found: dict[float, list[int]] = defaultdict(list)
    p = probability(rows)
    for i in range(rows.label.size):
        found[of(p[i])].append(i)
    return [sums for members in found.values() if (sums := _sums(rows, members))[1]]


def _sums(rows: Rows, members: Iterable[int]) -> Group:
    i, p = list(members), probability(rows)
    parts = (rows.weight[i], rows.weight[i] * rows.label[i], rows.weight[i] * p[i])
    return (float(len(i)), *(math.fsum(part) for part in parts))  # type: ignore[return-value]


def width(p: float) -> float:
    """The largest k ≤ n p of the n groups, p = 1 being in the last one."""
    return max(k for k in range(BINS) if p >= k / BINS)


def whole_logit(p: float) -> float:
    """The whole part of the logit, but for what the logit of a rounded p may be off; −17 for all below −16."""
    z = 40.0 * (2.0 * p - 1.0) if p in (0.0, 1.0) else math.log(p / (1.0 - p))
    return min(max(math.floor(round(z, 6)), -17), 16)


def mass(rows: Rows) -> Callable[[float], float]:
    """The share of the weight below the middle of a score's own weight, in nths."""
    p, total = probability(rows), math.fsum(rows.weight)

    def of(score: float) -> float:
        middle = math.fsum(rows.weight[p < score]) + math.fsum(rows.weight[p == score]) / 2.0
        return math.floor(BINS * middle / total)

    return of


def error(groups: list[Group]) -> float:
    return math.fsum(abs(y - s) for _, _, y, s in groups) / math.fsum(w for _, w, _, _ in groups)


def noise(groups: list[Group]) -> float:
    spread = [w * math.sqrt(2 * (s / w) * (1 - s / w) / (math.pi * n)) for n, w, _, s in groups]
    return math.fsum(spread) / math.fsum(w for _, w, _, _ in groups)


def reliability(rows: Rows) -> float:
    groups = grouped(rows, lambda p: p)
    return math.fsum(w * (s / w - y / w) ** 2 for _, w, y, s in groups) / math.fsum(rows.weight)


def resolution(rows: Rows) -> float:
    groups, q = grouped(rows, lambda p: p), np.average(rows.label, weights=rows.weight)
    return math.fsum(w * (y / w - q) ** 2 for _, w, y, _ in groups) / math.fsum(rows.weight)


REFERENCES: dict[str, Callable[[Rows], float]] = {
    "auc": by_sklearn(sklearn_metrics.roc_auc_score),
    "auc_half_width": tied_pairs,
    "average_precision": by_sklearn(sklearn_metrics.average_precision_score),
    "average_precision_low": precision_with_positives_last,
    "average_precision_high": precision_with_positives_first,
    "precision": by_sklearn(sklearn_metrics.precision_score, threshold=THRESHOLD),
    "recall": by_sklearn(sklearn_metrics.recall_score, threshold=THRESHOLD),
    "f1": by_sklearn(sklearn_metrics.f1_score, threshold=THRESHOLD),
    "expected_calibration_error": lambda rows: error(grouped(rows, width)),
    "expected_calibration_error_noise": lambda rows: noise(grouped(rows, width)),
    "maximum_calibration_error": lambda rows: max(abs(y - s) / w for _, w, y, s in grouped(rows, width)),
    "expected_calibration_error_equal_mass": lambda rows: error(grouped(rows, mass(rows))),
    "expected_calibration_error_equal_mass_noise": lambda rows: noise(grouped(rows, mass(rows))),
    "expected_calibration_error_logit": lambda rows: error(grouped(rows, whole_logit)),
    "expected_calibration_error_logit_noise": lambda rows: noise(grouped(rows, whole_logit)),
    "brier_reliability": reliability,
    "brier_resolution": resolution,
}
