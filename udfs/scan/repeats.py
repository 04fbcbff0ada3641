"""Which 64-bit hashes come more than once among the rows of many tasks.

To an engine each hash is a group of its own, nearly always of one row, and is shuffled as such. Here a task sends one
value per bucket, in which are all its hashes of that bucket, and only their bits are compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from udfs.exact.arrays import IntArray
from udfs.scan.partials import PACKED

BUCKET_BITS = 10  # 1024 buckets; those that meet in a task must stay below 2 GiB together


def bucketed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The hashes of a task by bucket: `hash` BIGINT → PACKED, the rows int64s one after another."""
    arrived = [batch["hash"].to_numpy() for batch in batches]
    if not sum(part.size for part in arrived):
        return
    hashes: IntArray = np.concatenate(arrived)
    bucket = (hashes >> (64 - BUCKET_BITS)).astype(np.int16)
    order = np.argsort(bucket, kind="stable")  # of 16 bits it is a radix sort
    found, starts = np.unique(bucket[order], return_index=True)
    values = [part.tobytes() for part in np.split(hashes[order], starts[1:])]
    # As record batches they would take twice as long to pack, and to sort as a whole.
    yield pa.record_batch([pa.array(found, pa.int64()), pa.array(values, pa.binary())], schema=PACKED)


def repeated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The hashes that come more than once, each once: `hash` BIGINT. All parts of a bucket must be in one task."""
    parts: dict[int, list[IntArray]] = defaultdict(list)
    for batch in batches:
        for bucket, value in zip(batch["bucket"].to_pylist(), batch["rows"], strict=True):
            parts[bucket].append(np.frombuffer(value.as_buffer(), dtype=np.int64))
    # In one batch: a thousand small ones take longer to collect than to find.
    found = [_twice(np.sort(np.concatenate(part))) for part in parts.values()]
    if found:
        yield pa.record_batch([pa.array(np.concatenate(found))], names=["hash"])


def _twice(hashes: IntArray) -> IntArray:
    """Those that come more than once, in a sorted array."""
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
