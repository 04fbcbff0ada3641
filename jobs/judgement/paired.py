"""Two models over exactly the rows that both can score: each one's own sums less those that the other can not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import RuntimeFailure
from jobs.judgement.by_shard import ByShard, Estimated, Pair, Tables, by_shard, read_by
from jobs.judgement.estimates import Known, of_sums, without_a_rate
from jobs.judgement.of_parts import shared_parts
from jobs.judgement.uncertainty.same_rows import unequal
from jobs.judgement.uncertainty.shards import Reasons, first_reason, refused, rows_of, sharded
from jobs.ledger.tables import OF_BOTH, PAIR_STATISTICS
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from udfs.exact.arrays import IntArray
from udfs.measure import Metric
from udfs.scan.partials import with_negatives

KEYS = ["slice", "shard"]
OF_NIGHTS = ("shard_statistics", "unpaired_statistics")  # what paired sums are made of


@dataclass(frozen=True)
class Asked:
    """A comparison of two models for one task."""

    comparison: str
    task: str
    candidate: str
    baseline: str


@dataclass(frozen=True)
class Paired:
    """The sums of both models over the rows that both can score, and how many rows only one of them can, (slices,)."""

    candidate: ByShard
    baseline: ByShard
    only_candidate: IntArray
    only_baseline: IntArray

    @property
    def refused(self) -> Reasons:
        """Why a slice has no interval, whatever the metric."""
        return first_reason(self.candidate.refused, self.baseline.refused)

    @property
    def apart(self) -> Reasons:
        """Why nothing is said of a slice that follows from cells, or None."""
        return _unpaired(self.only_candidate + self.only_baseline)


def every(settings: Evaluation) -> Iterator[Asked]:
    """Every task of every comparison."""
    for name, own in settings.comparisons.items():
        yield from (Asked(name, task, own.candidate, own.baseline) for task in settings.compared(name))


def both_estimated(known: Known, asked: Asked, sums: Paired) -> Iterator[tuple[Estimated, Estimated]]:
    """Every metric of the candidate and of the baseline, of the slices of these sums and on the same rows.

    Args:
        known: The day.
        asked: The task and its models.
        sums: The paired sums of the day.
    """
    kind = known.settings.tasks[asked.task].kind
    pairs = (asked.task, asked.candidate), (asked.task, asked.baseline)
    # A reference is a rate of labels: both are measured against the same.
    reference = known.references.get((asked.task, asked.baseline))
    sides = sums.candidate, sums.baseline
    yield from zip(*(of_sums(side, kind, known.settings, reference) for side in sides), strict=True)
    a, b = asked.candidate, asked.baseline
    yield from zip(
        _of_parts(known, (asked.task, a, b), sums.candidate, sums.only_candidate),
        _of_parts(known, (asked.task, b, a), sums.baseline, sums.only_baseline),
        strict=True,
    )
    lacking = [list(without_a_rate(side, kind, reference)) for side in sides]
    of_cells = (_of_cells(known, pair, of, sums) for pair, of in zip(pairs, lacking, strict=True))
    yield from zip(*of_cells, strict=True)


def _of_parts(known: Known, names: tuple[str, str, str], side: ByShard, only: IntArray) -> Iterator[Estimated]:
    """A model's metrics of score bins and of classes over the shared rows, where those of its other rows are known."""
    apart, shared = _unpaired(only), side.of["n"][:, 0] > 0.0
    texts = [text for text, reason, there in zip(side.texts, apart, shared, strict=True) if reason and there]
    found = shared_parts(known.tables, names, texts, side, known.settings) if texts else {}
    for of in known.of_parts[names[0], names[1]]:
        whole = of.at(side.texts)
        reasons = first_reason(apart, whole.estimates.reasons)
        yield replace(whole, estimates=replace(whole.estimates, reasons=reasons)).but(found.get(of.name))


def _unpaired(rows: IntArray) -> Reasons:
    return ["unpaired_rows" if n > 0 else None for n in rows.tolist()]


def _of_cells(known: Known, pair: Pair, lacking: Sequence[Estimated], sums: Paired) -> Iterator[Estimated]:
    """A model's metrics that are made of cells, as `metrics` has them, where all rows are shared."""
    names = pa.array([of.name for of in lacking], type=pa.string())
    rows = of_pair(known.tables["metrics"], *pair)
    rows = rows.filter(pc.is_in(rows["metric"], value_set=names))
    columns = zip(*(rows[name].to_pylist() for name in ("metric", "slice", "value", "reason")), strict=True)
    there = {(name, text): (value, reason) for name, text, value, reason in columns}
    for of in lacking:
        found = [there.get((of.name, text), (None, "no_weight")) for text in of.texts]
        values = of.estimates.values.copy()
        values[:, 0] = [np.nan if value is None else value for value, _ in found]
        reasons = first_reason(_apart(of, sums), [reason for _, reason in found])
        yield replace(of, estimates=replace(of.estimates, values=values, reasons=reasons))


def _apart(of: Estimated, sums: Paired) -> Reasons:
    if "total_not_declared" not in of.refused:
        return sums.apart
    # The rate is that of all slices.
    return [next(filter(None, sums.apart), None)] * len(of.texts)


def paired_sums(
    tables: Tables, asked: Asked, texts: Sequence[str], settings: Evaluation, metrics: Iterable[Metric] = ()
) -> Paired:
    """The paired sums of a task.

    Args:
        tables: `shard_statistics` of a day, and `unpaired_statistics` where there are any.
        asked: The task and its models.
        texts: The slices; those of the tables that are not among them are left out.
        settings: What is configured.
        metrics: Those that are needed; of none named, all.

    Raises:
        RuntimeFailure: What is left of both models is not of the same rows (exit 3).
    """
    models, kind = (asked.candidate, asked.baseline), settings.tasks[asked.task].kind
    statistics = read_by(metrics, kind, settings)
    (a, only_a), (b, only_b) = (
        _shared(tables, (asked.task, model, other), texts, list(statistics))
        for model, other in zip(models, reversed(models), strict=True)
    )
    candidate, baseline = (
        by_shard(table, (kind, statistics), texts, settings, nothing="no_common_rows") for table in (a, b)
    )
    if (candidate.exact.rows != baseline.exact.rows).any():
        wrong = unequal(a, b, KEYS)
        raise RuntimeFailure(
            f"comparisons.{asked.comparison}: of task {asked.task} {asked.candidate} and {asked.baseline} are not left "
            f"with the same rows at {wrong[0]}; nothing was written"
        )
    return Paired(candidate, baseline, only_a, only_b)


def dated(night: date, text: str) -> str:
    """A slice of a night, among those of several nights."""
    return f"{night} {text}"


def of_nights(nights: Mapping[date, Tables]) -> dict[str, pa.Table]:
    """What `paired_sums` takes of several nights at once, whose slices are `dated`."""
    found: dict[str, list[pa.Table]] = {}
    for night, tables in nights.items():
        for name in (each for each in OF_NIGHTS if each in tables):
            own = tables[name]
            texts = pc.binary_join_element_wise(dated(night, ""), own["slice"], "")
            found.setdefault(name, []).append(own.set_column(own.column_names.index("slice"), "slice", texts))
    return {name: pa.concat_tables(parts) for name, parts in found.items()}


def scores_of_both(known: Known, asked: Asked, sums: Paired) -> ByShard:
    """What both models say of the rows that both can score; of no rows where that was not recorded.

    Args:
        known: The day.
        asked: The task and its models.
        sums: The paired sums of the day.

    Raises:
        RuntimeFailure: It is not of the same rows as the paired sums (exit 3).
    """
    rows, texts = PAIR_STATISTICS.schema.empty_table(), sums.candidate.texts
    if "pair_statistics" in known.tables:
        rows = of_pair(known.tables["pair_statistics"], asked.task, asked.candidate)
        rows = _within(rows.filter(pc.equal(rows["other"], asked.baseline)), texts)
    exact = sharded(rows, rows_of(rows["slice"], texts), len(texts), known.settings.shards.count, list(OF_BOTH))
    wrong = np.argwhere(exact.rows != sums.candidate.exact.rows)
    if rows.num_rows and wrong.size:
        raise RuntimeFailure(
            f"comparisons.{asked.comparison}: of task {asked.task} pair_statistics of {asked.candidate} and "
            f"{asked.baseline} are not of the rows that both can score at slice {texts[wrong[0][0]]!r}, shard "
            f"{wrong[0][1]}; nothing was written"
        )
    reasons = refused(exact, known.settings.limits.min_rows, nothing="no_common_rows")
    return ByShard(texts, exact, exact.leaving_out(), reasons)


def _shared(
    tables: Tables, names: tuple[str, str, str], texts: Sequence[str], statistics: Sequence[str]
) -> tuple[pa.Table, IntArray]:
    """A model's sums over the rows that the other can score too, to be added up, and how many it can not, by slice."""
    task, model, other = names
    columns = [*KEYS, *statistics]
    own = _within(of_pair(tables["shard_statistics"], task, model), texts).select(columns)
    if "unpaired_statistics" not in tables:
        return own, np.zeros(len(texts), dtype=np.int64)
    apart = of_pair(tables["unpaired_statistics"], task, model)
    apart = _within(apart.filter(pc.equal(apart["other"], other)), texts).select(columns)
    rows = np.zeros(len(texts), dtype=np.int64)
    np.add.at(rows, rows_of(apart["slice"], texts), apart["n"].to_numpy())
    return with_negatives(own, apart.cast(own.schema), KEYS), rows


def _within(rows: pa.Table, texts: Sequence[str]) -> pa.Table:
    return rows.filter(pc.is_in(rows["slice"], value_set=pa.array(texts, type=pa.string())))
