"""One pass over numbers only: examples → exact sums by cell, and by slice and shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.errors import InputChangedError
from jobs.examples.cells import Cells, code
from jobs.examples.groups import columns_of
from jobs.examples.labels import met
from jobs.examples.labels.met import Met
from jobs.examples.sent import sent
from jobs.inputs.scorings import Scoring
from jobs.ledger.tables import BY_CLASS, OF_BOTH, statistics_of_kind
from jobs.settings import Evaluation
from jobs.settings.sections import Comparison
from udfs.scan.batch import Summarise
from udfs.scan.combine import Combine
from udfs.scan.keyed import KEYS, NO_OTHER
from udfs.scan.partials import PACKED_TYPES, Counts, combined_again, counts_in, unpacked
from udfs.scan.recipes import Recipe


@dataclass(frozen=True)
class Summary:
    """Exact sums, one row per pair, grouping, key, shard and part, and the number of examples they are of.

    Of some label logs it is known what became of the events that `met` an example.
    """

    sums: pa.Table
    rows: int
    met: Mapping[str, Met]


def summarised(
    examples: DataFrame, groups: DataFrame | None, settings: Evaluation, cells: Cells, scorings: Sequence[Scoring]
) -> Summary:
    """The combined sums of a day, materialised once.

    Args:
        examples: One row per impression.
        groups: One row per group, where a task is about groups.
        settings: What is configured.
        cells: The cells of the day.
        scorings: Every task × model.

    Raises:
        InputChangedError: A combination of dimensions turned up that the scan of the cells did not see (exit 3).
    """
    of_groups = [i for i, scoring in enumerate(scorings) if scoring.kind.of_groups]
    of_rows = [i for i in range(len(scorings)) if i not in of_groups]
    types = dict(examples.dtypes)
    columns = [sent(scorings[i], types) for i in of_rows]
    numbers = {name: column for each in columns for name, column in each.columns.items()}
    coded = code(settings, cells.salt).alias("code")
    told, hashed = met.sent(examples, settings)
    every = {**numbers, **told, **hashed}
    frame = examples.select(coded, "shard", *(column.alias(name) for name, column in every.items()))
    recipes = [each.recipe(scorings[i], settings) for i, each in zip(of_rows, columns, strict=True)]
    summary = _summary(settings, cells, recipes, [scorings[i] for i in of_rows])
    rows = _added(frame, replace(summary, tallied=tuple(told), hashed=next(iter(hashed), None)), of_rows)
    parts = [rows]
    if groups is not None:
        lists = [columns_of(i) for i in of_groups]
        recipes = [each.recipe(scorings[i]) for i, each in zip(of_groups, lists, strict=True)]
        frame = groups.select("code", "shard", *(name for each in lists for name in each.sent))
        own = [scorings[i] for i in of_groups]
        parts.append(_added(frame, _summary(settings, cells, recipes, own), of_groups))
    if unknown := sum(part.counts["unknown", None] for part in parts):
        raise InputChangedError(
            f"input_changed: {unknown:,} rows have dimension values that were not there "
            "when the cells were counted; nothing was written. Run again."
        )
    sums = pa.concat_tables([part.sums for part in parts], promote_options="default")
    return Summary(sums, rows.counts["passed", None], met.told(rows.counts, examples, settings))


@dataclass(frozen=True)
class _Added:
    """The sums of a frame, and what else was counted of its rows."""

    sums: pa.Table
    counts: Counts


def _added(frame: DataFrame, summary: Summarise, numbers: Sequence[int]) -> _Added:
    """What is added of a frame, with the numbers that its pairs have among all."""
    packed = frame.mapInArrow(summary, PACKED_TYPES).repartition("bucket")
    parts = packed.mapInArrow(Combine(summary.schema, tuple(KEYS.names)), PACKED_TYPES).toArrow().to_batches()
    # Nearly nothing is left to add here; that no key comes twice does not depend on how an engine distributes rows.
    sums = combined_again(unpacked(parts, summary.schema), KEYS.names)
    # The last stays what it is: no other pair.
    among_all = np.array([*numbers, NO_OTHER], dtype=np.int32)
    for name in ("pair", "other"):
        sums = sums.set_column(sums.column_names.index(name), name, pa.array(among_all[sums[name].to_numpy()]))
    return _Added(sums, counts_in(parts))


def _compared(settings: Evaluation, own: Sequence[Scoring]) -> Iterator[tuple[Comparison, tuple[int, int]]]:
    """Every task of every comparison with its pairs, those of the candidate and of the baseline."""
    number = {(scoring.task, scoring.model): i for i, scoring in enumerate(own)}
    for name, comparison in settings.comparisons.items():
        for task in settings.compared(name):
            if (task, comparison.candidate) in number:
                yield comparison, (number[task, comparison.candidate], number[task, comparison.baseline])


def _summary(settings: Evaluation, cells: Cells, recipes: Sequence[Recipe], own: Sequence[Scoring]) -> Summarise:
    compared = list(_compared(settings, own))
    return Summarise(
        recipes=tuple(recipes),
        statistics={kind: statistics_of_kind(settings, kind) for kind in settings.kinds},
        by_class=BY_CLASS,
        kernel=settings.loss.kernel,
        codes=cells.codes,
        cell_of_code=cells.cell_of_code,
        cells=len(cells.cells),
        groupings=tuple(slices.grouping for slices in cells.slices),
        shards=settings.shards.count,
        # Of rows that one can not score, either way.
        unpaired=tuple(dict.fromkeys(each for _, (a, b) in compared for each in ((a, b), (b, a)))),
        paired=tuple(dict.fromkeys(pairs for comparison, pairs in compared if comparison.pair_statistics)),
        of_both=OF_BOTH,
    )
