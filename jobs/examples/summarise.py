"""One pass over numbers only: examples → exact sums by cell, and by slice and shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from jobs.errors import InputChangedError
from jobs.examples import cells
from jobs.examples.cells import Cells, Slices
from jobs.examples.groups import columns_of
from jobs.examples.pairs import sent
from jobs.inputs.scorings import Scoring
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from udfs.catalog import statistics_of
from udfs.scan.batch import KEYS, PASSED, UNKNOWN, Summarise
from udfs.scan.pairs import Pair
from udfs.scan.partials import PACKED_TYPES, Combine, combined, unpacked
from udfs.scan.places import CELLS, Grouping


@dataclass(frozen=True)
class Summary:
    """Exact sums, one row per pair, grouping, key, shard and part, and the number of examples they are of."""

    sums: pa.Table
    rows: int


def summarised(
    examples: DataFrame, groups: DataFrame | None, settings: Evaluation, found: Cells, scorings: Sequence[Scoring]
) -> Summary:
    """The combined sums of a day, materialised once.

    Args:
        examples: One row per impression.
        groups: One row per group, where a task is about groups.
        settings: What is configured.
        found: The cells.
        scorings: Every task × model.

    Raises:
        InputChangedError: A combination of dimensions turned up that the scan of the cells did not see (exit 3).
    """
    of_groups = [i for i, scoring in enumerate(scorings) if scoring.kind == "candidates"]
    of_rows = [i for i in range(len(scorings)) if i not in of_groups]
    types = dict(examples.dtypes)
    code = cells.code(len(settings.dimensions), found.salt).alias("code")
    columns = {i: sent(scorings[i], types) for i in of_rows}
    numbers = {name: column for each in columns.values() for name, column in each.columns.items()}
    frame = examples.select(code, "shard", *(column.alias(name) for name, column in numbers.items()))
    pairs = [each.pair(scorings[i], settings) for i, each in columns.items()]
    table = _added(frame, _summary(settings, found, pairs), of_rows)
    rows, unknown = _count(table, PASSED), _count(table, UNKNOWN)
    if groups is not None:
        lists = [columns_of(i) for i in of_groups]
        pairs = [each.pair(scorings[i]) for i, each in zip(of_groups, lists, strict=True)]
        frame = groups.select("code", "shard", *(name for each in lists for name in each.sent))
        sums = _added(frame, _summary(settings, found, pairs), of_groups)
        unknown += _count(sums, UNKNOWN)
        table = pa.concat_tables([table, sums], promote_options="default")
    if unknown:
        raise InputChangedError(
            f"input_changed: {unknown:,} rows have dimension values that were not there "
            "when the cells were counted; nothing was written. Run again."
        )
    return Summary(table.filter(pc.greater_equal(table["grouping"], CELLS)), rows)


def _added(frame: DataFrame, summary: Summarise, numbers: Sequence[int]) -> pa.Table:
    """The sums of a frame, with the numbers that its pairs have among all."""
    packed = frame.mapInArrow(summary, PACKED_TYPES).repartition("bucket")
    found = packed.mapInArrow(Combine(summary.schema, tuple(KEYS.names)), PACKED_TYPES).toArrow()
    # Nearly nothing is left to add here; that no key comes twice does not depend on how an engine distributes rows.
    table = combined(unpacked(found.to_batches(), summary.schema), KEYS.names)
    pairs = np.array([*numbers, 0], dtype=np.int32)[table["pair"].to_numpy()]
    return table.set_column(0, "pair", pa.array(pairs))


def _count(table: pa.Table, grouping: int) -> int:
    """What one of the two counting groupings holds."""
    rows = table.filter(pc.equal(table["grouping"], grouping))
    return int(rows["n"][0].as_py()) if rows.num_rows else 0


def _summary(settings: Evaluation, found: Cells, pairs: Sequence[Pair]) -> Summarise:
    return Summarise(
        pairs=tuple(pairs),
        statistics={kind: statistics_of_kind(settings, kind) for kind in settings.kinds},
        by_class=statistics_of("multiclass", "classes"),
        kernel=settings.loss.kernel,
        codes=found.codes,
        cell_of_code=found.cell_of_code,
        cells=len(found.cells),
        groupings=_groupings(found, settings),
        shards=settings.shards.count,
    )


def _groupings(found: Cells, settings: Evaluation) -> tuple[Grouping, ...]:
    """The declared slices; those that a finer declaration adds up to are not summed row by row."""
    groupings: list[Grouping] = []
    for coarse in found.slices:
        binned = _binned(coarse, settings)
        finer = [
            (len(fine.texts), j)
            for j, fine in enumerate(found.slices)
            if set(coarse.dimensions) < set(fine.dimensions) and not _has_finer(found, j)
        ]
        if not finer:
            groupings.append(Grouping(coarse.of_cell, len(coarse.texts), binned=binned))
            continue
        parent = min(finer)[1]
        of_parent = np.zeros(len(found.slices[parent].texts), dtype=np.int64)
        of_parent[found.slices[parent].of_cell] = coarse.of_cell
        groupings.append(Grouping(coarse.of_cell, len(coarse.texts), parent, of_parent, binned))
    return tuple(groupings)


def _binned(slices: Slices, settings: Evaluation) -> int | None:
    """How many shards of a declaration of slices have score bins of their own; None without bins."""
    if not settings.keeps_bins(slices.dimensions):
        return None
    return settings.shards.count if settings.bins.shards else 0


def _has_finer(found: Cells, place: int) -> bool:
    dimensions = set(found.slices[place].dimensions)
    return any(dimensions < set(other.dimensions) for other in found.slices)
