"""Which 64-bit hashes may come more than once among the rows of many tasks, by their first 42 bits.

To an engine each hash is a group of its own, nearly always of one row, and is shuffled as such. Here a task sends one
value per bucket for a million rows, in which are the hashes of that bucket, and only their bits are compared. The
bucket is told once, so 32 bits are left of each hash: half as much on its way and in memory. Of a billion different
hashes some hundred thousand meet another one in these bits by chance; who asks compares what was hashed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from udfs.exact.arrays import IntArray
from udfs.scan.blocks import blocks
from udfs.scan.partials import PACKED

BUCKET_BITS = 10  # 1024 buckets; those that meet in a task must stay below 2 GiB together
KEPT_BITS = 32  # of a hash within its bucket
LEFT_OUT = 64 - BUCKET_BITS - KEPT_BITS  # a hash, shifted to the right by so many bits, is what is compared
BLOCK_ROWS = 2**20  # rows at a time: what is sorted stays small, and a value has a thousand of them

Kept = npt.NDArray[np.uint32]


def bucketed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The hashes of a task by bucket: `hash` BIGINT → PACKED, the rows uint32s one after another."""
    for table in blocks(batches, BLOCK_ROWS):
        hashes: IntArray = table["hash"].to_numpy()
        bucket = (hashes >> (64 - BUCKET_BITS)).astype(np.int16)
        order = np.argsort(bucket, kind="stable")  # of 16 bits it is a radix sort
        found, starts = np.unique(bucket[order], return_index=True)
        kept: Kept = (hashes[order] >> LEFT_OUT).astype(np.uint32)
        values = [part.tobytes() for part in np.split(kept, starts[1:])]
        # As record batches they would take twice as long to pack, and to sort as a whole.
        yield pa.record_batch([pa.array(found, pa.int64()), pa.array(values, pa.binary())], schema=PACKED)


def repeated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The first bits that come more than once, each once, as a number: `prefix` BIGINT, `hash >> LEFT_OUT`.

    In a last row, whose prefix is NULL, `rows` BIGINT is how many hashes there were. All parts of a bucket must be in
    one task.
    """
    parts: dict[int, list[Kept]] = defaultdict(list)
    for batch in batches:
        for bucket, value in zip(batch["bucket"].to_pylist(), batch["rows"], strict=True):
            parts[bucket].append(np.frombuffer(value.as_buffer(), dtype=np.uint32))
    # In one batch: a thousand small ones take longer to collect than to find.
    found = [(bucket << KEPT_BITS) + _twice(np.concatenate(part)) for bucket, part in parts.items()]
    if found:
        prefixes = pa.array(np.concatenate(found))
        rows = sum(part.size for each in parts.values() for part in each)
        columns = [(prefixes, pa.nulls(1, pa.int64())), (pa.nulls(len(prefixes), pa.int64()), pa.array([rows]))]
        yield pa.record_batch([pa.concat_arrays(column) for column in columns], names=["prefix", "rows"])


def _twice(kept: Kept) -> IntArray:
    """Those that come more than once."""
    kept.sort()
    return np.unique(kept[1:][kept[1:] == kept[:-1]]).astype(np.int64)
