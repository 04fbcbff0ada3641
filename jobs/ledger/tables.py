"""The tables: their columns with types and comments, declared once, from the catalogue of statistics."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.ledger.columns import AS_OF, PAIR, PROVISIONAL, RUN, SHARD, SLICE
from jobs.ledger.judgements import CHANGES, COMPARISONS, GATE_RESULTS, LABEL_ARRIVAL, METRICS
from jobs.settings import Evaluation
from jobs.storage.schema import NOT_RECORDED, PARTITION, Column, Table
from udfs.catalog import OF_PAIRS, columns_of, statistics_of
from udfs.kinds import KINDS
from udfs.measure import Statistic
from udfs.measures.peers import peer_columns
from udfs.scan.batch import BIN_STATISTICS

# The statistics of classes, and those of kinds of task whose scores are binned.
BY_CLASS = {name: statistic for kind in KINDS for name, statistic in statistics_of(kind, "classes").items()}
BY_BIN = {name: s for kind in KINDS.values() if kind.bins for name, s in statistics_of(kind.name).items()}
# What two models say of the rows that both can score.
PAIRED = {name: s for kind in KINDS for name, s in statistics_of(kind, "pairs").items()}
OF_BOTH = {**{name: statistics_of(next(iter(KINDS)))[name] for name in OF_PAIRS}, **PAIRED}


def statistic_columns(settings: Evaluation) -> dict[str, Statistic]:
    """The statistics of the evaluation by their column."""
    return {name: s for kind in settings.kinds for name, s in statistics_of_kind(settings, kind).items()}


def statistics_of_kind(settings: Evaluation, kind: str) -> dict[str, Statistic]:
    """The statistics of one kind of task by their column, with those of the peers that are declared."""
    of_peers = peer_columns(settings.compatibility) if KINDS[kind].peers else {}
    return {**columns_of(kind, settings.loss.options), **of_peers}


def every_statistic(settings: Evaluation) -> dict[str, Statistic]:
    """The statistics of the evaluation, those of classes and of two models too, by their column in any table."""
    return {**statistic_columns(settings), **BY_CLASS, **PAIRED}


# By a table of sums what it is called where it is only of rows that another model can not score, and what those are.
UNPAIRED = {
    "shard_statistics": ("unpaired_statistics", "sums"),
    "score_bins": ("unpaired_bins", "score bins"),
    "class_statistics": ("unpaired_classes", "sums by class"),
}
# Tables that not every evaluation has, or not every day.
OPTIONAL = (
    *("score_bins", "class_statistics", "unpaired_statistics", "unpaired_bins", "unpaired_classes"),
    *("pair_statistics", "comparisons", "gate_results", "changes", "label_arrival"),
)


def declared(settings: Evaluation) -> dict[str, Table]:
    """Every table of an evaluation by its name."""
    kinds = [KINDS[kind] for kind in settings.kinds]
    by_class = (CLASS_STATISTICS,) if any(kind.of_classes for kind in kinds) else ()
    bins = (SCORE_BINS,) if settings.bins.slices and any(kind.bins for kind in kinds) else ()
    gates = (GATE_RESULTS,) if settings.gates else ()
    changes = (CHANGES,) if settings.changes.names else ()
    arrival = (LABEL_ARRIVAL,) if settings.label_logs else ()
    sums = (_statistics(settings), _shard_statistics(settings), *bins, *by_class)
    unpaired = (_unpaired(table) for table in sums if table.name in UNPAIRED)
    pairs = (PAIR_STATISTICS,) if any(each.pair_statistics for each in settings.comparisons.values()) else ()
    compared = (*unpaired, *pairs, COMPARISONS) if settings.comparisons else ()
    tables = (*sums, METRICS, *arrival, *compared, *changes, *gates, REJECTS, RUNS)
    return {table.name: table for table in tables}


OF_DIMENSION = f"(null) for NULL, (other) for folded values, {NOT_RECORDED} on days on which it was no dimension"


def _statistics(settings: Evaluation) -> Table:
    dimensions = tuple(
        Column(name, "string", f"Dimension {name}; {OF_DIMENSION}", False) for name in settings.dimensions
    )
    return Table(
        "statistics",
        "Exact sums by cell (one combination of all dimensions). Additive over all keys but age_hours; "
        "losses lack the scores of exactly 0 and 1. The view ledger has them, at one age",
        (*PARTITION, *PAIR, *dimensions, *_sums(settings), *RUN),
        COUNTED,
        dimensions=settings.dimensions,
    )


def retired(types: Mapping[str, str], table: Table) -> tuple[str, ...]:
    """The dimensions that a table has and the configuration has no more; of its texts no others are not declared.

    Args:
        types: The types in SQL of the columns that it has.
        table: What is declared of it.
    """
    known = () if table.dimensions is None else table.schema.names
    return tuple(name for name, type_ in types.items() if known and type_ == "string" and name not in known)


def _shard_statistics(settings: Evaluation) -> Table:
    return Table(
        "shard_statistics",
        "The same sums by declared slice and shard. Slices overlap: never add rows of different slices. "
        "The view shard_ledger has whole losses, at one age",
        (*PARTITION, *PAIR, SLICE, SHARD, *_sums(settings), *RUN),
        COUNTED,
    )


def _unpaired(table: Table) -> Table:
    """A table of the same sums over the rows that another model of a comparison can not score."""
    name, what = UNPAIRED[table.name]
    other = Column("other", "string", "Model that it is compared with, and that can not score these rows", False)
    keys = (*PARTITION, *PAIR)
    return Table(
        name,
        f"The {what} of a model over the rows that another one of a comparison can not score. Those of {table.name} "
        "without them are over the rows that both can",
        (*keys, other, *table.columns[len(keys) :]),
        table.checks,
    )


def _sums(settings: Evaluation) -> tuple[Column, ...]:
    return tuple(_sum(name, statistic) for name, statistic in statistic_columns(settings).items())


def _sum(name: str, statistic: Statistic) -> Column:
    type_ = "bigint" if statistic.counts else "decimal(37,15)"
    # Summed as it is, such a loss would be a part of the loss.
    partial = (
        "Without scores of exactly 0 and 1, see the views ledger and class_ledger. "
        if any(kind.views and kind.losses & {*statistic.inputs} for kind in KINDS.values())
        else ""
    )
    return Column(name, type_, f"{statistic.definition.splitlines()[0]} {partial}Unit: {statistic.unit}")


COUNTED = {"n_not_negative": "n >= 0", "unscored_not_negative": "unscored >= 0"}

SHARD_OR_ALL = Column("shard", "int", "Hash class of the unit (user), or -1: all together", False)

SCORE_BINS = Table(
    "score_bins",
    "Sums by score bin, for the slices of bins.slices. A bin goes from its low edge up to the next edge",
    (
        *PARTITION,
        *PAIR,
        SLICE,
        SHARD_OR_ALL,
        Column("bin", "double", "Low edge of the bin, on the scale of the task's score", False),
        *(_sum(name, BY_BIN[name]) for name in BIN_STATISTICS),
        *RUN,
    ),
    {"n_not_negative": "n >= 0"},
)

CLASS_STATISTICS = Table(
    "class_statistics",
    "Sums by class of multi-class tasks, by declared slice and shard",
    (
        *PARTITION,
        *PAIR,
        SLICE,
        SHARD_OR_ALL,
        Column("class", "string", "Name of the class", False),
        *(_sum(name, statistic) for name, statistic in BY_CLASS.items()),
        *RUN,
    ),
    {},
)

PAIR_STATISTICS = Table(
    "pair_statistics",
    "How far the scores of two models are apart, over the rows that both can score: where a comparison asks for it",
    (
        *PARTITION,
        *PAIR,
        Column("other", "string", "Model that it is compared with", False),
        SLICE,
        SHARD,
        *(_sum(name, statistic) for name, statistic in OF_BOTH.items()),
        *RUN,
    ),
    {"n_not_negative": "n >= 0"},
)

REJECTS = Table(
    "rejects",
    "Rows that were not evaluated, with the reason. Kept as limits.rejects_kept says; counts are in runs.rejected",
    (
        *PARTITION,
        Column("run_id", "string", "Run that rejected the row", False),
        PROVISIONAL,
        Column("source", "string", "impressions, or the name of a label log", False),
        Column("task", "string", "Task, where only this task and model went without the row"),
        Column("model", "string", "Model, where only this task and model went without the row"),
        Column("reason", "string", "First reason that applies", False),
        Column("key", "string", "Impression id, where there is one; of a group its own id"),
        Column("row", "string", "The mapped columns as JSON"),
    ),
    {},
)

RUNS = Table(
    "runs",
    "Events of runs: started, of long ones running, then done, failed or refused. Append-only",
    (
        *PARTITION,
        Column("run_id", "string", "Run", False),
        Column("state", "string", "started, running as a sign of life, done, failed or refused", False),
        Column("event_time", "timestamp", "When the event happened, UTC", False),
        AS_OF,
        PROVISIONAL,
        Column("rows_read", "bigint", "Rows of the impressions = outside + rejected + duplicate + scored"),
        Column("rows_outside", "bigint", "Rows of other days"),
        Column("rows_rejected", "bigint", "Rows rejected, see rejected"),
        Column("rows_duplicate", "bigint", "Copies of an impression that was kept once"),
        Column("groups_mixed", "bigint", "Groups whose rows differ in a dimension; they take the cell of one of them"),
        Column("rows_scored", "bigint", "Rows evaluated for at least one task, or outside every task's condition"),
        Column("rejected", "string", "JSON list of source, task, model, reason, exact count, weights by task"),
        Column(
            "label_events",
            "string",
            "JSON by label log of its events: read = other_days + after_age + rejected + duplicate + retracted +"
            " inside, before and after the window + rejected_impression + other_impression + orphan + unknown",
        ),
        Column("message", "string", "Why the run failed, was refused or is provisional"),
        Column("units", "string", "JSON by task of the powers of two in which weights and values were summed"),
        Column("definitions", "string", "JSON of the tasks' definitions, by task and model"),
        Column("config_hash", "string", "SHA-256 of the resolved configuration", False),
        Column("config", "string", "The resolved configuration as JSON", False),
        Column("code_hash", "string", "SHA-256 of the source code", False),
        Column(
            "inputs",
            "string",
            "JSON of the sources: version, or files, bytes and fingerprint; of remote files a hash of their names",
        ),
        Column("versions", "string", "JSON of the engine's and the libraries' versions", False),
        Column("arrived", "string", "JSON of the rows of each source that can be of the day, in all and by its hours"),
        Column("stages", "string", "JSON of the seconds of each stage up to the last table"),
        Column("turn", "bigint", "Number of the run among those of its day and age; NULL: it never held them"),
        Column(
            "holder", "string", "JSON of the process that the run is in: host, pid, birth, and seconds it may be silent"
        ),
        Column("sums_run_id", "string", "Of a refresh the run whose sums it was made of; NULL: the run read rows"),
    ),
    {},
)
