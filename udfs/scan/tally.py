"""What a task counts of its rows beside their sums: how many there are, and how often numbers and hashes come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from udfs.exact.arrays import IntArray
from udfs.scan.again import hashed
from udfs.scan.partials import Counts, counted


@dataclass
class Tally:
    """The counts of a task so far.

    Attributes:
        tallied: Columns of numbers of which it is counted how many rows have each.
        hashed: A column of hashes, which are kept.
        counts: How many rows `passed`, and how many of them are `unknown`; how many have a number of a column. NULLs
            are not counted.
        hashes: The hashes, of each table in an array.
    """

    tallied: tuple[str, ...]
    hashed: str | None
    counts: Counts = field(default_factory=Counter)
    hashes: list[IntArray] = field(default_factory=list)

    def add(self, table: pa.Table, *, unknown: int) -> None:
        """Count the rows of a table, of which so many are unknown."""
        self.counts["passed", None] += table.num_rows
        self.counts["unknown", None] += unknown
        for name in self.tallied:
            found = table[name].drop_null().value_counts()
            self.counts.update({(name, row["values"]): row["counts"] for row in found.to_pylist()})
        if self.hashed is not None:
            self.hashes.append(table[self.hashed].drop_null().to_numpy())

    def emitted(self) -> Iterator[pa.RecordBatch]:
        """The counts and the hashes on their way. PACKED."""
        if self.counts:
            yield counted(self.counts)
        if self.hashes:
            yield hashed(self.hashes)
