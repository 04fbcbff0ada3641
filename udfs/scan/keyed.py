"""Sums as rows on their way out of a task: keys, and a column for each statistic, NULL where it is of none."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.exact.arrays import IntArray
from udfs.exact.decimals import DECIMAL
from udfs.exact.sums import Sums
from udfs.measure import Statistic
from udfs.scan.grains import CELLS, Grain
from udfs.scan.partials import PACK_ROWS, packed

WHOLE = -1  # the part of sums over all scores and classes
BOTH = -2  # the part of sums of what two pairs say of a row
NO_OTHER = -1  # the other pair of sums over all rows
KEYS = pa.schema(
    [
        *(("pair", pa.int32()), ("grouping", pa.int32()), ("key", pa.int64())),
        *(("shard", pa.int32()), ("part", pa.int32()), ("other", pa.int32())),
    ]
)


@dataclass(frozen=True)
class Keyed:
    """How sums become rows.

    Attributes:
        columns: All statistics by their column.
        groupings: The number of declarations of slices.
    """

    columns: Mapping[str, Statistic]
    groupings: int

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of the rows: keys, counts as BIGINT, sums as DECIMAL(37,15)."""
        sums = ((name, pa.int64() if s.counts else DECIMAL) for name, s in self.columns.items())
        return pa.schema([*KEYS, *sums])

    def rows(
        self, grain: Grain, pair: int, sums: Sums, names: Mapping[str, Hashable], part: int = WHOLE
    ) -> pa.RecordBatch:
        """The sums at a grain, packed.

        Args:
            grain: What they are kept by.
            pair: The pair that they are of.
            sums: Themselves.
            names: What each column is called in `sums`; all other columns are NULL.
            part: The part of the key, where the grain has none.
        """
        seen = sums.seen()
        key, bin_ = np.divmod(seen, grain.parts)
        key, shard = np.divmod(key, grain.shards) if grain.shards else (key, np.full(seen.size, -1))
        columns = {"pair": pair, "grouping": grain.grouping, "key": key, "shard": shard}
        columns["part"] = bin_ if grain.parts > 1 else part
        columns["other"] = NO_OTHER if grain.other is None else grain.other
        for title, name in names.items():
            columns[title] = sums.counts(name) if self.columns[title].counts else sums.decimals(name)
        arrays = [_array(columns.get(field.name), field.type, seen.size) for field in self.schema]
        batch = pa.record_batch(arrays, schema=self.schema)
        bucket = self._bucket(pair, grain.grouping) + seen // PACK_ROWS
        if "unscored" in names:
            counted = pc.or_(pc.not_equal(batch["n"], 0), pc.not_equal(batch["unscored"], 0))
            batch, bucket = batch.filter(counted), bucket[counted.to_numpy(zero_copy_only=False)]
        return packed(batch, bucket)

    def _bucket(self, pair: int, grouping: int) -> int:
        """The first bucket of a pair and a grouping: parts of a key are always in the same one."""
        return (pair * (self.groupings - CELLS) + grouping - CELLS) << 32


def _array(values: pa.Array | IntArray | int | None, type_: pa.DataType, size: int) -> pa.Array:
    if values is None:
        return pa.nulls(size, type_)
    if isinstance(values, pa.Array):
        return values
    return pa.array(np.broadcast_to(values, size), type=type_)
