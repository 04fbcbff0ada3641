"""Which 64-bit hashes come more than once among the rows of many tasks.

To an engine each hash is a group of its own, nearly always of one row, and is shuffled as such. Here a task sends one
value per bucket, in which are all its hashes of that bucket, and only their bits are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from udfs.decimals import IntArray
from udfs.partials import packed, unpacked

HASHES = pa.schema([("hash", pa.int64())])
BUCKET_BITS = 10  # 1024 buckets; those that meet in a task must stay below 2 GiB together


def bucketed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The hashes of a task, `hash` BIGINT, by bucket. PACKED."""
    arrived = [batch["hash"].to_numpy() for batch in batches]
    if not sum(part.size for part in arrived):
        return
    hashes: IntArray = np.concatenate(arrived)
    bucket = hashes >> (64 - BUCKET_BITS)
    order = np.argsort(bucket.astype(np.int16), kind="stable")  # of 16 bits it is a radix sort
    yield packed(pa.record_batch([pa.array(hashes[order])], schema=HASHES), bucket[order])


def repeated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The hashes that come more than once, each once: `hash` BIGINT. All parts of a bucket must be in one task."""
    hashes = np.sort(unpacked(batches, HASHES)["hash"].to_numpy())
    again = hashes[1:][hashes[1:] == hashes[:-1]]
    if again.size:
        yield pa.record_batch([pa.array(np.unique(again))], schema=HASHES)
