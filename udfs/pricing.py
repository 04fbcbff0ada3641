"""From exact sums to metrics: hard rows are priced by the clip, then the metrics are divided out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from udfs.exact.kernels import STRICT
from udfs.measure import FloatArray, Metric, Statistic


@dataclass(frozen=True)
class Hard:
    """How the hard rows of a kind of task are priced.

    Attributes:
        losses: The columns of examples that are 0 in hard rows: a statistic that reads one of them is priced.
        weights: The statistics that hold the weight of the hard rows.
        units: For a clip the columns of one clipped example of unit weight for each of `weights`.
    """

    losses: frozenset[str]
    weights: tuple[str, ...]
    units: Callable[[float], dict[str, FloatArray]]


def unit_examples(clip: float) -> dict[str, FloatArray]:
    """Four clipped binary examples: wrong and right, each positive and negative.

    The surely wrong ones have the score that is `clip` away from the wrong end, with the loss −ln clip; the
    surely right ones have the loss −ln(1 − clip). A clip of 0 makes a wrong one infinitely dear.
    """
    dear, cheap = _prices(clip)
    return {
        "label": np.array([1.0, 0.0, 1.0, 0.0]),
        "weight": np.ones(4),
        "score": np.array([clip, 1.0 - clip, 1.0 - clip, clip]),
        "complement": np.array([1.0 - clip, clip, clip, 1.0 - clip]),
        "positive_loss": np.array([dear, 0.0, cheap, 0.0]),
        "negative_loss": np.array([0.0, dear, 0.0, cheap]),
    }


def class_unit_examples(clip: float) -> dict[str, FloatArray]:
    """Two clipped multi-class examples: the class of the label has the score `clip`, then 1 − `clip`."""
    dear, cheap = _prices(clip)
    return {"weight": np.ones(2), "share": np.ones((2, 1)), "class_loss": np.array([[dear], [cheap]])}


def _prices(clip: float) -> tuple[float, float]:
    end = np.array([clip])
    with np.errstate(divide="ignore"):
        dear = float(-STRICT.log(end)[0])
    return dear, float(-STRICT.log1p(-end)[0])


HARD = (
    Hard(
        frozenset({"positive_loss", "negative_loss"}),
        (
            "hard_wrong_positive_weight",
            "hard_wrong_negative_weight",
            "hard_right_positive_weight",
            "hard_right_negative_weight",
        ),
        unit_examples,
    ),
    Hard(frozenset({"class_loss"}), ("hard_wrong_weight", "hard_right_weight"), class_unit_examples),
)
# A loss of groups is for the weight on the left; hard groups have as much weight of that kind as the statistic says.
HARD_GROUPS = {
    "loss_weight": "hard_group_weight",
    "loss_positives": "hard_group_positives",
    "pair_weight": "hard_pair_weight",
}
LOSSES = frozenset[str]().union(*(hard.losses for hard in HARD))


def priced(sums: Mapping[str, FloatArray], statistics: Mapping[str, Statistic], clip: float) -> dict[str, FloatArray]:
    """Statistics by column, each (slices,), with the hard rows added to every loss statistic.

    Each loss statistic is evaluated on the unit examples of its kind of task, times their hard weights: no
    metric needs code of its own.
    """
    return {column: _priced(sums[column], statistic, sums, clip) for column, statistic in statistics.items()}


def _priced(values: FloatArray, statistic: Statistic, sums: Mapping[str, FloatArray], clip: float) -> FloatArray:
    prices: list[tuple[str, float]] = []
    for hard in HARD:
        if hard.losses & set(statistic.inputs):
            prices += zip(hard.weights, statistic(hard.units(clip)), strict=True)
    prices += [(HARD_GROUPS[name], _prices(clip)[0]) for name in statistic.inputs if name in HARD_GROUPS]
    for name, price in prices:
        # No weight at an infinite price costs nothing, where 0·inf would be NaN.
        values = values + sums[name] * np.where(sums[name] > 0.0, price, 0.0)
    return values


def evaluated(metric: Metric, sums: Mapping[str, FloatArray]) -> tuple[FloatArray, list[str | None]]:
    """A metric's values, (slices,), and the reason for each that is not a finite number.

    Reasons: `no_weight` where the weight is 0, `not_recorded` where an input is NULL (NaN here), `infinite`,
    else the reason that the metric declares.
    """
    values = metric(sums)
    missing = np.any([np.isnan(sums[name]) for name in metric.inputs], axis=0)
    reasons: list[str | None] = []
    for value, weight, unknown in zip(values, sums["weight"], missing, strict=True):
        reasons.append(_reason(metric, float(value), float(weight), bool(unknown)))
    return values, reasons


def evaluated_of_parts(
    metric: Metric, parts: Mapping[str, FloatArray], sums: Mapping[str, float]
) -> tuple[float, str | None]:
    """A metric of the classes or score bins of one slice, and the reason if it is no finite number, as of `evaluated`.

    Args:
        metric: The metric, its options bound.
        parts: The columns of the classes or bins by name; those without rows are 0 or left out of all.
        sums: The priced statistics of the slice by column.
    """
    inputs: dict[str, Any] = {**sums, **parts}
    value = float(metric(inputs))
    unknown = any(bool(np.isnan(inputs[name]).any()) for name in metric.inputs)
    return value, _reason(metric, value, sums["weight"], unknown)


def _reason(metric: Metric, value: float, weight: float, unknown: bool) -> str | None:
    if weight == 0.0:
        return "no_weight"
    if unknown:
        return "not_recorded"
    if np.isinf(value):
        return "infinite"
    return metric.undefined if np.isnan(value) else None
