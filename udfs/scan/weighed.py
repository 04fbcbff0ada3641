"""What rows weigh by their reason, exactly: every task sends a sum for each reason and column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from udfs.exact.arrays import FloatArray
from udfs.exact.sums import exact_sum

SENT = pa.schema([("reason", pa.string()), ("column", pa.string()), ("units", pa.string())])
SENT_TYPES = "reason string, column string, units string"  # the same, to an engine
HIGH_BITS = 20  # a weight below 2⁶⁰ is a multiple of 2²⁰ below 2⁶⁰, and less than 2²⁰ besides


@dataclass(frozen=True)
class Weighed:
    """Sums of columns of weights by the column `reason`, in units of 10⁻¹⁵; NULL weighs nothing."""

    columns: tuple[str, ...]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The sums of a task. SENT."""
        found: Counter[tuple[str, str]] = Counter()
        for batch in batches:
            for reason in batch.column("reason").unique().to_pylist():
                own = batch.filter(pc.equal(batch.column("reason"), reason))
                for name in self.columns:
                    found[reason, name] += units(own.column(name).drop_null().to_numpy())
        rows = [[reason for reason, _ in found], [name for _, name in found], [str(sum_) for sum_ in found.values()]]
        yield pa.record_batch(rows, schema=SENT)


def units(weights: FloatArray) -> int:
    """The sum of weights from 0 below 2⁶⁰ in units of 10⁻¹⁵, each rounded once: the same in any order.

    Example:
        >>> units(np.array([2.0**59, 0.5])) - units(np.array([2.0**59]))
        500000000000000
    """
    high = np.floor(weights / 2.0**HIGH_BITS)
    return (exact_sum(high) << HIGH_BITS) + exact_sum(weights - high * 2.0**HIGH_BITS)
