"""Candidates by rank: what stands in equal places is one tie, so no result depends on the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from udfs.exact.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Ties:
    """The rows of each group from the best score to the worst; a tie is the rows of a group with one score.

    Attributes:
        row: The row at each place, (rows,): the places of a group are consecutive, as its rows are.
        tie: The tie at each place, (rows,).
        group: The group of each tie, (ties,).
        above: How many rows of the group are better than the tie, (ties,).
        size: Rows of each tie, (ties,).
    """

    row: IntArray
    tie: IntArray
    group: IntArray
    above: FloatArray
    size: FloatArray

    @classmethod
    def of(cls, score: FloatArray, of_row: IntArray, starts: IntArray) -> Ties:
        """The ties of scores, (rows,), in the groups of the rows."""
        row = np.lexsort((-score, of_row))
        ranked = score[row]
        new = np.ones(row.size, np.bool_)
        new[1:] = (of_row[1:] != of_row[:-1]) | (ranked[1:] != ranked[:-1])
        first = np.flatnonzero(new)
        group = of_row[first]
        above = (first - starts[group]).astype(np.float64)
        return cls(row, np.cumsum(new) - 1, group, above, np.diff(first, append=row.size).astype(np.float64))

    def sums(self, of_rows: FloatArray | BoolArray) -> FloatArray:
        """The sum of a column over each tie. (rows,) to (ties,)."""
        return self.place_sums(of_rows[self.row])

    def place_sums(self, of_places: FloatArray | BoolArray) -> FloatArray:
        """The sum over each tie of what belongs to its places. (rows,) to (ties,)."""
        return np.bincount(self.tie, of_places, self.group.size).astype(np.float64, copy=False)

    def group_sums(self, of_ties: FloatArray, groups: int) -> FloatArray:
        """The sum over each group, from its best tie to its worst. (ties,) to (groups,)."""
        return np.bincount(self.group, of_ties, groups).astype(np.float64, copy=False)

    def before(self, counts: FloatArray) -> FloatArray:
        """What the better ties of the same group count together, for whole numbers. (ties,) to (ties,)."""
        running = np.cumsum(counts) - counts
        first = np.searchsorted(self.group, self.group)
        return running - running[first]
