"""The second stage of the pass: what the tasks of the first have sent is combined where it meets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from udfs.scan.again import again
from udfs.scan.partials import combined, counted, counts_in, packed, unpacked

COMBINED_ROWS = 2**16


@dataclass(frozen=True)
class Combine:
    """The body of `mapInArrow` that combines what was packed: of keys whose parts reach one task a single row is left.

    Attributes:
        schema: Of the rows that were packed.
        keys: The columns that are keys; all others are sums.
    """

    schema: pa.Schema
    keys: tuple[str, ...]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Combine all rows of a task, its counts, and its hashes, of which it is counted how many come `again`."""
        arrived = list(batches)
        if arrived:
            yield counted(counts_in(arrived) + Counter({("again", None): again(arrived)}))
        rows = combined(unpacked(arrived, self.schema), list(self.keys)).combine_chunks()
        for batch in rows.to_batches(max_chunksize=COMBINED_ROWS):
            yield packed(batch, np.zeros(batch.num_rows, np.int64))
