"""Rows on their way between tasks: packed as binary values, a bucket in each; partial sums are combined by key.

To an engine a row of sums is as dear as hundreds of impressions, and there are more of them where cells are many. So
engines move packed rows and never look into them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.exact.arrays import IntArray

PACKED = pa.schema([("bucket", pa.int64()), ("rows", pa.binary())])
PACKED_TYPES = "bucket bigint, rows binary"  # the same, to an engine
COUNTED = -1  # the bucket of counts, which are no rows of sums: those are from 0, and below are hashes
COUNTS = pa.schema([("name", pa.string()), ("value", pa.int64()), ("rows", pa.int64())])
PACK_ROWS = 2**8  # of keys in a bucket; all parts of a bucket together must stay below 2 GiB
ALL_PARTS = pc.ScalarAggregateOptions(skip_nulls=False, min_count=0)

Counts = Counter[tuple[str, int | None]]  # how many rows have what, and of what may have several values which


def packed(rows: pa.RecordBatch, bucket: IntArray) -> pa.RecordBatch:
    """Rows as one value per bucket; `bucket`, (rows,), is ascending. PACKED."""
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[:1] - 1))
    cuts = pairwise([*starts.tolist(), rows.num_rows])
    values = [rows.slice(a, b - a).serialize().to_pybytes() for a, b in cuts]
    return pa.record_batch([pa.array(bucket[starts]), pa.array(values, type=pa.binary())], schema=PACKED)


def unpacked(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """The rows of this schema that were packed."""
    return _read(batches, schema, counts=False)


def counted(counts: Counts) -> pa.RecordBatch:
    """How many rows a task has of what. PACKED."""
    columns = [[name for name, _ in counts], [value for _, value in counts], list(counts.values())]
    return packed(pa.record_batch(columns, schema=COUNTS), np.full(len(counts), COUNTED))


def counts_in(batches: Iterable[pa.RecordBatch]) -> Counts:
    """The counts of all tasks, added up; what no task has is 0."""
    found: Counts = Counter()
    for row in _read(batches, COUNTS, counts=True).to_pylist():
        found[row["name"], row["value"]] += row["rows"]
    return found


def _read(batches: Iterable[pa.RecordBatch], schema: pa.Schema, *, counts: bool) -> pa.Table:
    pairs = (pair for batch in batches for pair in zip(batch["bucket"].to_pylist(), batch["rows"], strict=True))
    values = (value.as_buffer() for bucket, value in pairs if (bucket == COUNTED if counts else bucket > COUNTED))
    return pa.Table.from_batches([pa.ipc.read_record_batch(value, schema) for value in values], schema=schema)


def combined(rows: pa.Table, keys: list[str]) -> pa.Table:
    """The one merge: sums added per key, exactly. A sum is NULL where a part is: NULL is not recorded, and not 0.

    Raises:
        pyarrow.ArrowInvalid: A sum has more than 37 digits.
    """
    names = [name for name in rows.column_names if name not in keys]
    added = rows.group_by(keys, use_threads=False).aggregate([(name, "sum", ALL_PARTS) for name in names])
    return added.select([*keys, *(f"{name}_sum" for name in names)]).rename_columns([*keys, *names]).cast(rows.schema)


def combined_again(rows: pa.Table, keys: list[str]) -> pa.Table:
    """The same of rows that were combined where they met: of keys that come once each, nothing is added."""
    found = rows.group_by(keys, use_threads=False).aggregate([])
    return rows.combine_chunks() if found.num_rows == rows.num_rows else combined(rows, keys)


def subtracted(whole: pa.Table, part: pa.Table, keys: list[str]) -> pa.Table:
    """Sums without those of a part of their rows, per key, exactly: `combined` with the part gives the whole again.

    A model's sums without those over the rows that another one can not score are over the rows that both can. A sum is
    NULL where either is; a key without rows has sums of 0, so one that only the part has gives what is less than them.

    Raises:
        pyarrow.ArrowInvalid: A sum has more than 37 digits, or more than 63 bits.
    """
    return combined(with_negatives(whole, part, keys), keys)


def with_negatives(whole: pa.Table, part: pa.Table, keys: list[str]) -> pa.Table:
    """The rows of both, the sums of the part negated: added up per key they are what `subtracted` gives.

    Raises:
        pyarrow.ArrowInvalid: A sum has more than 37 digits, or more than 63 bits.
    """
    less = [part[name] if name in keys else pc.negate_checked(part[name]) for name in whole.column_names]
    return pa.concat_tables([whole, pa.table(less, schema=whole.schema)])
