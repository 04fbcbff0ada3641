"""The sums of one task and model by slice: of all shards of units, and without each, as metrics read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.uncertainty.jackknife import Estimates, estimated
from jobs.judgement.uncertainty.shards import Reasons, Sharded, refused, rows_of_keys, sharded
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from udfs.exact.arrays import FloatArray
from udfs.kinds import KINDS
from udfs.measure import Metric, Statistic
from udfs.pricing import priced


@dataclass(frozen=True)
class ByShard:
    """The sums of one task and model.

    Attributes:
        texts: Its slices.
        exact: The sums by slice and shard, integers.
        of: By statistic the nearest doubles of all shards and without each, (slices, 1 + shards), priced.
        refused: Why a slice has no interval, whatever the metric.
    """

    texts: Sequence[str]
    exact: Sharded
    of: Mapping[str, FloatArray]
    refused: Reasons

    def estimated(self, metric: Metric, **others: FloatArray) -> Estimates:
        """A metric of every slice, of all shards and without each; `others` are columns that are no statistics."""
        return estimated(metric, {**self.of, **others}, self.exact.present)

    def row(self, text: str) -> dict[str, FloatArray]:
        """The priced sums of one slice, (1 + shards,)."""
        number = self.texts.index(text)
        return {name: values[number] for name, values in self.of.items()}


def read_by(metrics: Iterable[Metric], kind: str, settings: Evaluation) -> dict[str, Statistic]:
    """The statistics that these metrics need: what they read, what prices it, and what says whether there is enough.

    Of no metric it is all of the kind.
    """
    every, of_kind = statistics_of_kind(settings, kind), KINDS[kind]
    read = {name for metric in metrics for name in metric.inputs}
    always = {"n", "weight", of_kind.positives, *(name for hard in of_kind.hard for name in hard.weights)}
    return {name: statistic for name, statistic in every.items() if not read or name in read | always}


def by_shard(
    table: pa.Table,
    asked: tuple[str, Mapping[str, Statistic]],
    texts: Sequence[str],
    settings: Evaluation,
    *,
    nothing: str = "no_rows",
) -> ByShard:
    """The sums of one task and model, also of slices without rows.

    Args:
        table: Its rows of `shard_statistics`.
        asked: The kind of the task, and which of its statistics, `read_by`.
        texts: The slices.
        settings: What is configured.
        nothing: What it means that a slice has no rows.
    """
    kind, statistics = asked
    row = rows_of_keys(table, [(text,) for text in texts], ["slice"])
    exact = sharded(table, row, len(texts), settings.shards.count, list(statistics))
    of = priced(kind, exact.leaving_out(), statistics, settings.loss.clip)
    rare = KINDS[kind].positives
    return ByShard(texts, exact, of, refused(exact, settings.limits.min_rows, rare=rare, nothing=nothing))


def of_pair(table: pa.Table, task: str, model: str) -> pa.Table:
    """The rows of a task and model."""
    return table.filter(pc.and_(pc.equal(table["task"], task), pc.equal(table["model"], model)))
