"""From exact sums to metrics: hard rows are priced by the clip, then the metrics are divided out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from udfs.exact.arrays import FloatArray
from udfs.kind import Hard
from udfs.kinds import KINDS
from udfs.measure import Metric, Statistic


def priced(
    kind: str, sums: Mapping[str, FloatArray], statistics: Mapping[str, Statistic], clip: float
) -> dict[str, FloatArray]:
    """Statistics of a kind of task by column, each (slices,), with the hard rows added to every loss statistic.

    Each loss statistic is evaluated on the unit examples of the kind, times their hard weights: no metric needs
    code of its own.
    """
    hard = KINDS[kind].hard
    return {column: _priced(sums, column, statistic, hard, clip) for column, statistic in statistics.items()}


def _priced(
    sums: Mapping[str, FloatArray], column: str, statistic: Statistic, hard: Iterable[Hard], clip: float
) -> FloatArray:
    values = sums[column]
    for name, price in (each for one in hard for each in one.prices(statistic, clip)):
        # No weight at an infinite price costs nothing, where 0·inf would be NaN.
        values = values + sums[name] * np.where(sums[name] > 0.0, price, 0.0)
    return values


def evaluated(metric: Metric, sums: Mapping[str, FloatArray]) -> tuple[FloatArray, list[str | None]]:
    """A metric's values, (slices,), and the reason for each that is not a finite number.

    Reasons: `no_weight` where the weight is 0, `not_recorded` where an input is NULL (NaN here), `infinite`,
    else the reason that the metric declares.
    """
    values = metric.of(sums)
    missing = np.any([np.isnan(sums[name]) for name in metric.inputs], axis=0)
    reasons: list[str | None] = [None] * len(values)
    for i in np.flatnonzero(~np.isfinite(values) | missing | (sums["weight"] == 0.0)):
        reasons[i] = _reason(metric, float(values[i]), float(sums["weight"][i]), bool(missing[i]))
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
    value = float(np.ravel(metric.of(inputs))[0])
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
