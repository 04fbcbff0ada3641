"""The grains at which the pass adds rows up: by cell, by slice and shard, by score bin, by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from udfs.exact.arrays import IntArray
from udfs.scan.recipes import Recipe

CELLS = -1  # the grouping of all combinations of dimensions


@dataclass(frozen=True)
class Grouping:
    """Slices of one declaration: for every cell the number of its slice.

    Attributes:
        of_cell: (cells,) integers in [0, slices).
        slices: Their number.
        parent: A finer grouping whose sums add up to this one's, or None where rows are added.
        of_parent: For every slice of the parent the number of the slice here.
        binned: The number of shards whose score bins are kept apart, 0 for all together; None without score bins.
    """

    of_cell: IntArray
    slices: int
    parent: int | None = None
    of_parent: IntArray | None = None
    binned: int | None = None


@dataclass(frozen=True)
class Grain:
    """What sums are kept by: a pair (None: all), a grouping, its shards (0: all together), the parts of a key.

    They are the statistics of its `rows`, of its `classes` or `bins`; with another pair of the same task only of the
    rows that this one can not score, or those of `both` over the rows that both can.
    """

    pair: int | None
    grouping: int
    shards: int
    parts: int
    other: int | None = None
    of: Literal["rows", "classes", "bins", "both"] = "rows"

    @property
    def whole(self) -> bool:
        """Whether coarser slices are made of it."""
        return self.of in ("rows", "both")

    def keys(self, slices: int) -> int:
        """The number of keys of so many slices."""
        return slices * max(1, self.shards) * self.parts


def grains_of_all(groupings: Sequence[Grouping], shards: int) -> Iterator[Grain]:
    """By what rows of all pairs are added: a grouping that a finer one adds up to is not among them."""
    yield Grain(None, CELLS, 0, 1)
    for number, grouping in enumerate(groupings):
        if grouping.parent is None:
            yield Grain(None, number, shards, 1)


def grains_of_pair(pair: int, recipe: Recipe, groupings: Sequence[Grouping], shards: int) -> Iterator[Grain]:
    """By what rows of one pair are added besides: the sums of its classes, and those of its score bins."""
    for i, grouping in enumerate(groupings):
        if recipe.classes:
            yield Grain(pair, i, shards, 1, of="classes")
        if recipe.binning is not None and grouping.binned is not None:
            yield Grain(pair, i, grouping.binned, recipe.binning.edges.size, of="bins")
