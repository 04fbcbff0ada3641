"""One task × model: which columns of a batch it reads, and the examples they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from udfs.exact.kernels import Kernel
from udfs.examples.binary import Examples, binary_examples, regression_examples
from udfs.examples.bins import Binning
from udfs.examples.classes import class_examples
from udfs.examples.corrections import recalibrated_examples
from udfs.examples.groups import group_examples
from udfs.examples.products import product_examples
from udfs.measure import FloatArray


@dataclass(frozen=True)
class Pair:
    """One task × model, and the columns of a batch that it reads.

    They come as they are used: a NULL label is a row outside the task, a NULL weight or score one that cannot be used.

    Attributes:
        kind: The kind of the task.
        labels: The column of the label; of a multi-class task whose labels are shares, one for each class.
        weight: The column of the weight; without one each row weighs 1.
        scores: The column of the score; of several factors or classes, one for each.
        scales: The scale of each factor.
        binning: The score bins to keep, if any.
        rate: At which the negatives were kept that the model learnt from.
    """

    kind: str
    labels: tuple[str, ...]
    weight: str | None
    scores: tuple[str, ...]
    scales: tuple[str, ...]
    binning: Binning | None = None
    rate: float | None = None

    @property
    def classes(self) -> int:
        """The number of classes, 0 where the task has none."""
        return len(self.scores) if self.kind == "multiclass" else 0

    @property
    def width(self) -> int:
        """How many numbers a row stands for, more or less: blocks have fewer rows of many."""
        return 16 if self.kind == "candidates" else len(self.scores)

    def examples(self, table: pa.Table, kernel: Kernel) -> Examples:
        """The examples of a batch, their columns (n,) or as those of the kind are."""
        if self.kind == "candidates":
            return self._groups(table, kernel)
        labels = [column(table, name) for name in self.labels]
        scores = [column(table, name) for name in self.scores]
        return _EXAMPLES[self.kind](self, labels, self._weight(table), scores, kernel)

    def _weight(self, table: pa.Table) -> FloatArray:
        return np.ones(table.num_rows) if self.weight is None else column(table, self.weight)

    def _groups(self, table: pa.Table, kernel: Kernel) -> Examples:
        lists = table[self.labels[0]].combine_chunks(), table[self.scores[0]].combine_chunks()
        label, score = (each.flatten().to_numpy(zero_copy_only=False).astype(np.float64) for each in lists)
        offsets = lists[0].offsets.to_numpy().astype(np.int64)
        return group_examples(label, score, offsets - offsets[0], self._weight(table), self.scales[0], kernel=kernel)


def column(table: pa.Table, name: str) -> FloatArray:
    """A column as float64, (n,), NaN for NULL."""
    values: FloatArray = table[name].to_numpy().astype(np.float64, copy=False)
    return values


def _binary(
    pair: Pair, labels: Sequence[FloatArray], weight: FloatArray, scores: Sequence[FloatArray], kernel: Kernel
) -> Examples:
    if pair.rate is not None:
        rate = np.array([pair.rate])
        return recalibrated_examples(labels[0], weight, scores[0], pair.scales[0], rate=rate)
    if len(scores) == 1:
        return binary_examples(labels[0], weight, scores[0], pair.scales[0], kernel=kernel)
    return product_examples(labels[0], weight, scores, pair.scales, kernel=kernel)


def _regression(
    _: Pair, labels: Sequence[FloatArray], weight: FloatArray, scores: Sequence[FloatArray], __: Kernel
) -> Examples:
    return regression_examples(labels[0], weight, scores[0])


def _multiclass(
    pair: Pair, labels: Sequence[FloatArray], weight: FloatArray, scores: Sequence[FloatArray], kernel: Kernel
) -> Examples:
    label = labels[0] if len(labels) == 1 else np.stack(labels).T
    return class_examples(label, weight, np.stack(scores).T, pair.scales[0], kernel=kernel)


_EXAMPLES: dict[str, Callable[..., Examples]] = {
    "binary": _binary,
    "regression": _regression,
    "multiclass": _multiclass,
}
