"""Whether two models' sums are over the same rows, once each goes without those that only it could score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from udfs.scan.partials import subtracted


def unequal(a: pa.Table, b: pa.Table, by: Sequence[str], names: Sequence[str] = ("n",)) -> list[dict[str, Any]]:
    """The keys where n(a − U_{a|b}) = n(b − U_{b|a}) fails, with n of a less that of b: none where all is well.

    Args:
        a: Sums of model a over the rows that b can score too: `subtracted` of its own sums S_a and U_{a|b}, those over
            the rows that only a could score. By cell, by slice and shard, or by bin.
        b: Those of model b.
        by: The columns that are keys.
        names: The sums that have to be equal: whatever does not depend on scores, as weights do not.

    >>> unequal(pa.table({"slice": ["x"], "n": [5]}), pa.table({"slice": ["x"], "n": [4]}), ["slice"])
    [{'slice': 'x', 'n': 1}]
    """
    columns = [*by, *names]
    rest = subtracted(a.select(columns), b.select(columns), list(by)).to_pylist()
    return sorted((row for row in rest if any(row[n] != 0 for n in names)), key=lambda row: [row[k] for k in by])
