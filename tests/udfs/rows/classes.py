"""From arrays to exact sums and to metrics of a multi-class task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tests.udfs.rows.binary import Value
from udfs.catalog import columns_of, published, statistics_of
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import nearest
from udfs.exact.sums import exact_sum
from udfs.examples.classes import class_examples, of_each_class
from udfs.measure import Options
from udfs.pricing import evaluated, evaluated_of_parts, priced

CLASS_OPTIONS: Options = {"clip": 1e-15, "k": (1.0, 2.0, 3.0)}


@dataclass(frozen=True)
class ClassRows:
    """Rows as they reach a worker: `label` is (n,) or (n, K), `scores` is (n, K) on the scale that `scale` says."""

    label: FloatArray
    weight: FloatArray
    scores: FloatArray
    scale: str = "probability"

    def take(self, rows: Sequence[int] | NDArray[np.integer | np.bool_]) -> ClassRows:
        """These rows only, in this order; or those where a mask is true."""
        index = np.asarray(rows) if len(rows) else np.array([], dtype=np.int64)
        return replace(self, label=self.label[index], weight=self.weight[index], scores=self.scores[index])

    def weighing(self, weight: ArrayLike) -> ClassRows:
        """The same rows with other weights."""
        return replace(self, weight=np.asarray(weight, dtype=np.float64))

    def relabelled(self, order: Sequence[int]) -> ClassRows:
        """The same rows with the classes listed in another order."""
        if self.label.ndim == 2:
            return replace(self, label=self.label[:, order], scores=self.scores[:, order])
        place = np.where(np.isnan(self.label), 0, self.label).astype(np.int64)
        label = np.where(np.isnan(self.label), np.nan, np.argsort(order)[place])
        return replace(self, label=label, scores=self.scores[:, order])


def class_rows(
    label: ArrayLike, scores: ArrayLike, weight: ArrayLike | None = None, scale: str = "probability"
) -> ClassRows:
    """Rows from anything like an array; without a weight each weighs 1."""
    labels = np.asarray(label, dtype=np.float64)
    weights = np.ones(len(labels)) if weight is None else np.asarray(weight, dtype=np.float64)
    return ClassRows(labels, weights, np.asarray(scores, dtype=np.float64), scale)


def class_terms(rows: ClassRows, options: Options = CLASS_OPTIONS) -> dict[str, FloatArray]:
    """The terms of each statistic, (n,), by column."""
    examples = class_examples(rows.label, rows.weight, rows.scores, rows.scale)
    return {column: statistic.of(examples) for column, statistic in columns_of("multiclass", options).items()}


def class_sums(rows: ClassRows, options: Options = CLASS_OPTIONS) -> dict[str, int]:
    """Units of each statistic over all rows, by column."""
    return {column: exact_sum(terms) for column, terms in class_terms(rows, options).items()}


def sums_by_class(rows: ClassRows) -> dict[str, list[int]]:
    """Units of each class statistic, one for every class."""
    examples = class_examples(rows.label, rows.weight, rows.scores, rows.scale)
    of_each = list(of_each_class(examples))
    return {
        name: [exact_sum(s.of(each)) for each in of_each] for name, s in statistics_of("multiclass", "classes").items()
    }


def class_metrics_from(
    sums: Mapping[str, int], by_class: Mapping[str, Sequence[int]], options: Options = CLASS_OPTIONS
) -> dict[str, Value]:
    """Each metric of the sums with its reason, those of classes after the others."""
    statistics = columns_of("multiclass", options)
    clip = options["clip"]
    assert isinstance(clip, float)
    chosen = priced("multiclass", {name: nearest([sums[name]]) for name in statistics}, statistics, clip)
    found: dict[str, Value] = {}
    for name, metric in published("multiclass", options).items():
        values, reasons = evaluated(metric, chosen)
        found[name] = (float(values[0]), reasons[0])
    classes = {name: nearest(units) for name, units in by_class.items()}
    of_slice = {name: float(values[0]) for name, values in chosen.items()}
    for name, class_metric in published("multiclass", options, "classes").items():
        found[name] = evaluated_of_parts(class_metric, classes, of_slice)
    return found


def metrics_of_class_rows(rows: ClassRows, options: Options = CLASS_OPTIONS) -> dict[str, Value]:
    """Each metric of the rows with its reason."""
    return class_metrics_from(class_sums(rows, options), sums_by_class(rows), options)
