"""Where the pass keeps its sums: by cell, by slice and shard, by score bin, by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from udfs.exact.decimals import IntArray
from udfs.scan.pairs import Pair

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
class Place:
    """Where sums are kept: of a pair (None: of all), for a grouping, by shard (0: all together), in parts of a key."""

    pair: int | None
    grouping: int
    shards: int
    parts: int

    def keys(self, slices: int) -> int:
        """The number of keys of so many slices."""
        return slices * max(1, self.shards) * self.parts


def places_of_all(groupings: Sequence[Grouping], shards: int) -> Iterator[Place]:
    """Where rows of all pairs are added: a grouping that a finer one adds up to is not among them."""
    yield Place(None, CELLS, 0, 1)
    for number, grouping in enumerate(groupings):
        if grouping.parent is None:
            yield Place(None, number, shards, 1)


def places_of_pair(number: int, pair: Pair, groupings: Sequence[Grouping], shards: int) -> Iterator[Place]:
    """Where rows of one pair are added besides: the sums of its classes, and those of its score bins."""
    for i, grouping in enumerate(groupings):
        if pair.classes:
            yield Place(number, i, shards, 1)
        if pair.binning is not None and grouping.binned is not None:
            yield Place(number, i, grouping.binned, pair.binning.edges.size)
