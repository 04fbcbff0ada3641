"""All rows that a run writes of a day, by table: from the combined sums, after everything ties out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from jobs.examples.cells import Cells
from jobs.inputs.scorings import Scoring
from jobs.ledger import tables
from jobs.ledger.stamp import Stamp
from jobs.results import finish, rows
from jobs.results.baselines import Rates
from jobs.results.natural import narrowed, natural
from jobs.settings import Evaluation


@dataclass(frozen=True)
class Combined:
    """The combined sums of a day, and what their keys stand for.

    Attributes:
        sums: One row per task × model, grouping, key, shard and part.
        cells: The cells of the day.
        scorings: Every task × model.
        stamp: What every row carries.
        settings: What is configured.
    """

    sums: pa.Table
    cells: Cells
    scorings: Sequence[Scoring]
    stamp: Stamp
    settings: Evaluation

    def statistics(self) -> pa.Table:
        """The rows of `statistics`, in the units of the pass."""
        return rows.statistics(*self._parts, tables.declared(self.settings)["statistics"])

    @property
    def _parts(self) -> tuple[pa.Table, Cells, Sequence[Scoring], Stamp]:
        return self.sums, self.cells, self.scorings, self.stamp


def new_rows(combined: Combined, statistics: pa.Table, references: Rates) -> dict[str, pa.Table]:
    """The rows of every table that has any.

    Raises:
        RuntimeFailure: The sums over cells and over shards differ (exit 3).
    """
    settings, declared = combined.settings, tables.declared(combined.settings)
    by_shard = rows.shard_statistics(*combined._parts, declared["shard_statistics"])
    rows.audit(statistics, by_shard, settings)
    new = {"statistics": statistics, "shard_statistics": by_shard}
    if "score_bins" in declared:
        new["score_bins"] = rows.score_bins(*combined._parts, settings)
    if "class_statistics" in declared:
        new["class_statistics"] = rows.class_statistics(*combined._parts)
    if "unpaired_statistics" in declared:
        into = declared["unpaired_statistics"]
        new["unpaired_statistics"] = rows.unpaired_statistics(*combined._parts, into)
    new = natural(new, combined.scorings, tables.every_statistic(settings))
    metrics = finish.metrics(new, settings, combined.cells, combined.scorings, references)
    new = narrowed(new)
    new["metrics"] = finish.stamped(metrics, settings, combined.stamp)
    return {name: table for name, table in new.items() if table.num_rows}
