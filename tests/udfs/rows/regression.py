"""From arrays to exact sums and to metrics of a task about values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tests.udfs.rows.binary import Value
from udfs.catalog import columns_of, published
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import nearest
from udfs.exact.sums import exact_sum
from udfs.examples.binary import regression_examples
from udfs.pricing import evaluated


def floats(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def sums_of_values(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> dict[str, int]:
    """Units of each statistic over all rows; without a weight each weighs 1."""
    labels = floats(label)
    examples = regression_examples(labels, np.ones(labels.size) if weight is None else floats(weight), floats(score))
    return {name: exact_sum(statistic.of(examples)) for name, statistic in columns_of("regression", {}).items()}


def metrics_of_values(label: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> dict[str, Value]:
    """Each metric with its reason."""
    sums = {name: nearest([units]) for name, units in sums_of_values(label, score, weight).items()}
    found = {name: evaluated(metric, sums) for name, metric in published("regression", {}).items()}
    return {name: (float(values[0]), reasons[0]) for name, (values, reasons) in found.items()}
