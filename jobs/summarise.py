"""One pass over numbers only: examples → exact sums by cell, and by slice and shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import cells
from jobs.cells import Cells
from jobs.errors import InputChangedError
from jobs.read import Scoring
from jobs.settings import Evaluation
from jobs.tables import statistic_columns
from udfs.batch import CELLS, KEYS, PASSED, UNKNOWN, Grouping, Pair, Summarise

TYPES = {pa.int32(): "int", pa.int64(): "bigint"}


@dataclass(frozen=True)
class Summary:
    """Exact sums, one row per pair, grouping, key and shard, and the number of examples they are of."""

    sums: pa.Table
    rows: int


def summarised(examples: DataFrame, settings: Evaluation, found: Cells, scorings: Sequence[Scoring]) -> Summary:
    """The combined sums of a day, materialised once.

    Raises:
        InputChangedError: A combination of dimensions turned up that the scan of the cells did not see (exit 3).
    """
    summary = _summary(settings, found, scorings)
    code = cells.code(len(settings.dimensions), found.salt).alias("code")
    numbers = dict.fromkeys(
        name for s in scorings for name in (s.label, s.given, s.weight, s.score) if name is not None
    )
    frame = examples.select(code, "shard", *numbers)
    partial = frame.mapInArrow(summary, ", ".join(f"`{f.name}` {TYPES[f.type]}" for f in summary.schema))
    table = summary.restored(combined(partial, KEYS.names).toArrow())
    unknown = _count(table, UNKNOWN)
    if unknown:
        raise InputChangedError(
            f"input_changed: {unknown:,} rows have dimension values that were not there "
            "when the cells were counted; nothing was written. Run again."
        )
    return Summary(table.filter(pc.greater_equal(table["grouping"], CELLS)), _count(table, PASSED))


def combined(partial: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The one merge: sums added per key. No part of them is NULL."""
    return partial.groupBy(*keys).agg(*(F.sum(name).alias(name) for name in partial.columns if name not in keys))


def _count(table: pa.Table, grouping: int) -> int:
    """What one of the two counting groupings holds."""
    rows = table.filter(pc.equal(table["grouping"], grouping))
    return int(rows["n"][0].as_py()) if rows.num_rows else 0


def _summary(settings: Evaluation, found: Cells, scorings: Sequence[Scoring]) -> Summarise:
    return Summarise(
        pairs=tuple(Pair(s.label, s.given, s.weight, s.score, s.scale) for s in scorings),
        statistics=statistic_columns(settings),
        kernel=settings.loss.kernel,
        codes=found.codes,
        cell_of_code=found.cell_of_code,
        cells=len(found.cells),
        groupings=_groupings(found),
        shards=settings.shards.count,
    )


def _groupings(found: Cells) -> tuple[Grouping, ...]:
    """The declared slices; those that a finer declaration adds up to are not summed row by row."""
    groupings: list[Grouping] = []
    for coarse in found.slices:
        finer = [
            (len(fine.texts), j)
            for j, fine in enumerate(found.slices)
            if set(coarse.dimensions) < set(fine.dimensions) and not _has_finer(found, j)
        ]
        if not finer:
            groupings.append(Grouping(coarse.of_cell, len(coarse.texts)))
            continue
        parent = min(finer)[1]
        of_parent = np.zeros(len(found.slices[parent].texts), dtype=np.int64)
        of_parent[found.slices[parent].of_cell] = coarse.of_cell
        groupings.append(Grouping(coarse.of_cell, len(coarse.texts), parent, of_parent))
    return tuple(groupings)


def _has_finer(found: Cells, place: int) -> bool:
    dimensions = set(found.slices[place].dimensions)
    return any(dimensions < set(other.dimensions) for other in found.slices)
