"""Which 64-bit hashes may come more than once among the rows of many tasks, by their first 58 bits.

To an engine each hash is a group of its own, nearly always of one row, and is shuffled as such. Here a task sends one
value per bucket for a million rows, in which are the hashes of that bucket, and only their bits are compared. The
bucket is told once, so 48 bits are left of each hash: less on its way and in memory. Of a hundred million different
hashes hardly ever two meet in these bits, and of a billion one or two pairs do: who asks compares what was hashed, for
which it reads those rows once more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from udfs.exact.arrays import IntArray
from udfs.scan.blocks import blocks
from udfs.scan.partials import PACKED

BUCKET_BITS = 10  # 1024 buckets; those that meet in a task must stay below 2 GiB together
HIGH_BITS, LOW_BITS = 32, 16  # of a hash within its bucket; the high ones of all stand before the low ones
KEPT_BITS = HIGH_BITS + LOW_BITS
LEFT_OUT = 64 - BUCKET_BITS - KEPT_BITS  # a hash, shifted to the right by so many bits, is what is compared
BYTES = KEPT_BITS // 8
BLOCK_ROWS = 2**20  # rows at a time: what is sorted stays small, and a value has a thousand of them


def bucketed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The hashes of a task by bucket: `hash` BIGINT → PACKED, the rows uint32s, then as many uint16s."""
    for table in blocks(batches, BLOCK_ROWS):
        hashes: IntArray = table["hash"].to_numpy()
        bucket = (hashes >> (64 - BUCKET_BITS)).astype(np.int16)
        order = np.argsort(bucket, kind="stable")  # of 16 bits it is a radix sort
        found, starts = np.unique(bucket[order], return_index=True)
        kept = hashes[order] >> LEFT_OUT
        high, low = (kept >> LOW_BITS).astype(np.uint32), kept.astype(np.uint16)
        parts = (np.split(each, starts[1:]) for each in (high, low))
        values = [of_high.tobytes() + of_low.tobytes() for of_high, of_low in zip(*parts, strict=True)]
        # As record batches they would take twice as long to pack, and to sort as a whole.
        yield pa.record_batch([pa.array(found, pa.int64()), pa.array(values, pa.binary())], schema=PACKED)


def repeated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The first bits that come more than once, each once, as a number: `prefix` BIGINT, `hash >> LEFT_OUT`.

    `rows` BIGINT is how many hashes have them, and in a last row, whose prefix is NULL, how many there were. All parts
    of a bucket must be in one task.
    """
    parts: dict[int, list[pa.Buffer]] = defaultdict(list)
    for batch in batches:
        for bucket, value in zip(batch["bucket"].to_pylist(), batch["rows"], strict=True):
            parts[bucket].append(value.as_buffer())
    # In one batch: a thousand small ones take longer to collect than to find.
    found = [_repeated(bucket, part) for bucket, part in parts.items()]
    if found:
        prefixes, rows = (np.concatenate(each) for each in zip(*found, strict=True))
        every = sum(value.size // BYTES for part in parts.values() for value in part)
        columns = [(pa.array(prefixes), pa.nulls(1, pa.int64())), (pa.array(rows), pa.array([every]))]
        yield pa.record_batch([pa.concat_arrays(column) for column in columns], names=["prefix", "rows"])


def _repeated(bucket: int, values: list[pa.Buffer]) -> tuple[IntArray, IntArray]:
    """The first bits of a bucket that come more than once, and how often.

    Few do in the high bits of the bucket, and only of those the low are asked. So what is sorted has 32 bits each,
    which takes half as long as with more.
    """
    rows = [value.size // BYTES for value in values]
    high = np.concatenate([np.frombuffer(v, np.uint32, n) for v, n in zip(values, rows, strict=True)])
    low = np.concatenate([np.frombuffer(v, np.uint16, n, 4 * n) for v, n in zip(values, rows, strict=True)])
    ordered = np.sort(high)
    alike = np.isin(high, ordered[1:][ordered[1:] == ordered[:-1]])
    whole = (bucket << KEPT_BITS) + (high[alike].astype(np.int64) << LOW_BITS) + low[alike]
    found, counts = np.unique(whole, return_counts=True)
    return found[counts > 1], counts[counts > 1]
