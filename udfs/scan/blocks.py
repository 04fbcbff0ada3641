"""The batches of a task as larger blocks: per-call costs weigh less."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa


def blocks(batches: Iterable[pa.RecordBatch], least: int) -> Iterator[pa.Table]:
    """The batches of a task as tables of so many rows at least."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= least:
            yield pa.Table.from_batches(waiting).combine_chunks()
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()
