"""From exact sums to metrics: hard rows are priced by the clip, then the metrics are divided out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from udfs.kernels import STRICT
from udfs.measure import FloatArray, Metric, Statistic

HARD = (
    "hard_wrong_positive_weight",
    "hard_wrong_negative_weight",
    "hard_right_positive_weight",
    "hard_right_negative_weight",
)
LOSSES = {"positive_loss", "negative_loss"}
# A loss of groups is for the weight on the left; hard groups have as much weight of that kind as the statistic says.
HARD_GROUPS = {
    "loss_weight": "hard_group_weight",
    "loss_positives": "hard_group_positives",
    "pair_weight": "hard_pair_weight",
}


def unit_examples(clip: float) -> dict[str, FloatArray]:
    """Four clipped examples of unit weight, in the order of `HARD`.

    The surely wrong ones have the score that is `clip` away from the wrong end, with the loss −ln clip; the
    surely right ones have the loss −ln(1 − clip). A clip of 0 makes a wrong one infinitely dear.
    """
    end = np.array([clip])
    with np.errstate(divide="ignore"):
        dear = float(-STRICT.log(end)[0])
    cheap = float(-STRICT.log1p(-end)[0])
    return {
        "label": np.array([1.0, 0.0, 1.0, 0.0]),
        "weight": np.ones(4),
        "score": np.array([clip, 1.0 - clip, 1.0 - clip, clip]),
        "complement": np.array([1.0 - clip, clip, clip, 1.0 - clip]),
        "positive_loss": np.array([dear, 0.0, cheap, 0.0]),
        "negative_loss": np.array([0.0, dear, 0.0, cheap]),
    }


def priced(sums: Mapping[str, FloatArray], statistics: Mapping[str, Statistic], clip: float) -> dict[str, FloatArray]:
    """Statistics by column, each (slices,), with the hard rows added to every loss statistic.

    Each loss statistic is evaluated on the four unit examples, times the four hard weights: no metric
    needs code of its own.
    """
    units = unit_examples(clip)
    result: dict[str, FloatArray] = {}
    for column, statistic in statistics.items():
        values = sums[column]
        if LOSSES & set(statistic.inputs):
            for hard, price in zip(HARD, statistic(units), strict=True):
                # No weight at an infinite price costs nothing, where 0·inf would be NaN.
                values = values + sums[hard] * np.where(sums[hard] > 0.0, price, 0.0)
        for kind in HARD_GROUPS.keys() & set(statistic.inputs):
            values = values + _dear(sums[HARD_GROUPS[kind]], clip)
        result[column] = values
    return result


def _dear(weight: FloatArray, clip: float) -> FloatArray:
    """The price −ln clip of every unit of weight; an infinite price of no weight is 0."""
    return weight * np.where(weight > 0.0, -STRICT.log(np.array([clip])), 0.0)


def evaluated(metric: Metric, sums: Mapping[str, FloatArray]) -> tuple[FloatArray, list[str | None]]:
    """A metric's values, (slices,), and the reason for each that is not a finite number.

    Reasons: `not_recorded` where an input is NULL (NaN here), `no_weight` where the weight is 0, `infinite`,
    else the reason that the metric declares.
    """
    values = metric(sums)
    missing = np.any([np.isnan(sums[name]) for name in metric.inputs], axis=0)
    reasons: list[str | None] = []
    for value, weight, unknown in zip(values, sums["weight"], missing, strict=True):
        reasons.append(_reason(metric, float(value), float(weight), bool(unknown)))
    return values, reasons


def _reason(metric: Metric, value: float, weight: float, unknown: bool) -> str | None:
    if unknown:
        return "not_recorded"
    if weight == 0.0:
        return "no_weight"
    if np.isinf(value):
        return "infinite"
    return metric.undefined if np.isnan(value) else None
