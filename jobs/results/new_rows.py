"""All rows that a run writes of a day, by table: from the combined sums, after everything ties out."""

from __future__ import annotations

import pyarrow as pa

from jobs.ledger import tables
from jobs.results import finish, rows
from jobs.results.baselines import Rates
from jobs.results.natural import narrowed, natural
from jobs.results.rows import Combined

SUMS = {
    "shard_statistics": rows.shard_statistics,
    "score_bins": rows.score_bins,
    "class_statistics": rows.class_statistics,
    "pair_statistics": rows.pair_statistics,
}


def new_rows(combined: Combined, statistics: pa.Table, references: Rates) -> dict[str, pa.Table]:
    """The rows of every table that has any.

    Raises:
        RuntimeFailure: The sums over cells and over shards differ (exit 3).
    """
    settings, declared = combined.settings, tables.declared(combined.settings)
    made = {**SUMS, **{apart: SUMS[name] for name, (apart, _) in tables.UNPAIRED.items()}}
    new = {"statistics": statistics}
    new |= {name: make(combined, declared[name]) for name, make in made.items() if name in declared}
    rows.audit(statistics, new["shard_statistics"], settings)
    new = natural(new, combined.scorings, tables.every_statistic(settings))
    metrics = finish.metrics(new, settings, combined.cells.texts, combined.scorings, references)
    new = narrowed(new)
    new["metrics"] = finish.stamped(metrics, settings, combined.stamp)
    return {name: table for name, table in new.items() if table.num_rows}
