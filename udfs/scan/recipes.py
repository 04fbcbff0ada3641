"""The examples of a task × model: which columns of a batch they are made of, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from udfs.exact.arrays import FloatArray
from udfs.exact.kernels import Kernel
from udfs.examples.bins import Binning
from udfs.kind import Arrays
from udfs.kinds import KINDS


@dataclass(frozen=True)
class Recipe:
    """How the examples of one task × model are made: of which columns of a batch, as a task of which kind.

    Columns come as they are used: a NULL label is a row outside the task, a NULL weight or score one that cannot be
    used.

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
        return len(self.scores) if KINDS[self.kind].of_classes else 0

    @property
    def width(self) -> int:
        """How many numbers a row stands for, more or less: blocks have fewer rows of many."""
        return max(KINDS[self.kind].width, len(self.scores))

    def examples(self, table: pa.Table, kernel: Kernel) -> dict[str, Any]:
        """The examples of a batch, their columns (n,) or as those of the kind are."""
        kind = KINDS[self.kind]
        return kind.examples(self._groups(table, kernel) if kind.of_groups else self._rows(table, kernel))

    def _rows(self, table: pa.Table, kernel: Kernel) -> Arrays:
        labels = [column(table, name) for name in self.labels]
        scores = [column(table, name) for name in self.scores]
        weight = self._weight(table)
        return Arrays(tuple(labels), weight, tuple(scores), self.scales, rate=self.rate, kernel=kernel)

    def _weight(self, table: pa.Table) -> FloatArray:
        return np.ones(table.num_rows) if self.weight is None else column(table, self.weight)

    def _groups(self, table: pa.Table, kernel: Kernel) -> Arrays:
        lists = table[self.labels[0]].combine_chunks(), table[self.scores[0]].combine_chunks()
        label, score = (each.flatten().to_numpy(zero_copy_only=False).astype(np.float64) for each in lists)
        offsets = lists[0].offsets.to_numpy().astype(np.int64)
        starts = offsets - offsets[0]
        return Arrays((label,), self._weight(table), (score,), self.scales, starts, kernel=kernel)


def column(table: pa.Table, name: str) -> FloatArray:
    """A column as float64, (n,), NaN for NULL."""
    values: FloatArray = table[name].to_numpy().astype(np.float64, copy=False)
    return values
