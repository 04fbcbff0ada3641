"""Whether a hash comes more than once among some rows of many tasks: all of its 64 bits are compared.

Beside sums on their way the hashes of a task are a few values, one for each bucket, the int64s one after another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from udfs.exact.arrays import IntArray
from udfs.scan.partials import COUNTED, PACKED

BUCKET_BITS = 6  # 64 buckets; those that meet in a task must stay below 2 GiB together


def hashed(hashes: Sequence[IntArray]) -> pa.RecordBatch:
    """The hashes of a task by bucket, below those of counts. PACKED."""
    every = np.concatenate([*hashes, np.array([], dtype=np.int64)])
    bucket = (every >> (64 - BUCKET_BITS)).astype(np.int8)
    order = np.argsort(bucket, kind="stable")  # of 8 bits it is a radix sort
    found, starts = np.unique(bucket[order], return_index=True)
    values = [part.tobytes() for part in np.split(every[order], starts[1:])][: found.size]
    numbers = COUNTED - 1 - (found.astype(np.int64) + 2 ** (BUCKET_BITS - 1))
    return pa.record_batch([pa.array(numbers), pa.array(values, pa.binary())], schema=PACKED)


def again(batches: Iterable[pa.RecordBatch]) -> int:
    """How many hashes are those of others; all parts of a bucket must be in one task."""
    parts: dict[int, list[IntArray]] = defaultdict(list)
    for batch in batches:
        for bucket, value in zip(batch["bucket"].to_pylist(), batch["rows"], strict=True):
            if bucket < COUNTED:
                parts[bucket].append(np.frombuffer(value.as_buffer(), dtype=np.int64))
    return sum(_extra(np.concatenate(part)) for part in parts.values())


def _extra(hashes: IntArray) -> int:
    hashes.sort()
    return int(np.count_nonzero(hashes[1:] == hashes[:-1]))
