"""The sums of one task and model by slice: of all shards of units, and without each, as metrics read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from jobs.judgement.uncertainty.jackknife import Estimates, Interval, estimated
from jobs.judgement.uncertainty.shards import Reasons, Sharded, refused, rows_of, sharded
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from udfs.exact.arrays import FloatArray
from udfs.kinds import KINDS
from udfs.measure import Metric, Statistic
from udfs.pricing import priced

Pair = tuple[str, str]  # a task and a model
Tables = Mapping[str, pa.Table]
TOTAL = ""  # the slice of all impressions


@dataclass(frozen=True)
class Estimated:
    """A metric of some slices: what an interval is made of, and of two models a difference.

    Attributes:
        name: Its published name.
        texts: The slices.
        estimates: Of all shards and without each; NaN without each where it is refused for every slice.
        refused: Why a slice has no interval by leaving out shards, whatever the number, (slices,), or None.
        over_rows: Its intervals over rows, where it has no others.
    """

    name: str
    texts: Sequence[str]
    estimates: Estimates
    refused: Reasons
    over_rows: Interval | None = None

    def at(self, texts: Sequence[str]) -> Estimated:
        """The same of these slices in their order; `no_weight` where it was not estimated."""
        number = {text: row for row, text in enumerate(self.texts)}
        # The row after the last is that of a slice without a number.
        row = np.array([number.get(text, len(number)) for text in texts], dtype=np.int64)
        values = np.pad(self.estimates.values, ((0, 1), (0, 0)), constant_values=np.nan)[row]
        present = np.pad(self.estimates.present, ((0, 1), (0, 0)), constant_values=False)[row]
        reasons, refused = [*self.estimates.reasons, "no_weight"], [*self.refused, None]
        of = Estimates(values, present, [reasons[i] for i in row])
        return Estimated(self.name, texts, of, [refused[i] for i in row])

    def but(self, others: Estimated | None) -> Estimated:
        """The same, but for the slices of `others`, whose estimates and refusals are put in their place."""
        if others is None:
            return self
        own, of = replace(self.estimates, values=self.estimates.values.copy()), others.estimates
        own = replace(own, present=own.present.copy(), reasons=[*own.reasons])
        refused, number = [*self.refused], {text: row for row, text in enumerate(self.texts)}
        for i, row in enumerate(number[text] for text in others.texts):
            own.values[row], own.present[row] = of.values[i], of.present[i]
            own.reasons[row], refused[row] = of.reasons[i], others.refused[i]
        return replace(self, estimates=own, refused=refused)


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


def read_by(
    metrics: Iterable[Metric], kind: str, settings: Evaluation, *, besides: Iterable[str] = ()
) -> dict[str, Statistic]:
    """The statistics that these metrics need: what they read, what prices it, and what says whether there is enough.

    Of no metric, and nothing `besides`, it is all of the kind.
    """
    every, of_kind = statistics_of_kind(settings, kind), KINDS[kind]
    read = {*besides, *(name for metric in metrics for name in metric.inputs)}
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
    exact = sharded(table, rows_of(table["slice"], texts), len(texts), settings.shards.count, list(statistics))
    of = priced(kind, exact.leaving_out(), statistics, settings.loss.clip)
    rare = KINDS[kind].positives
    return ByShard(texts, exact, of, refused(exact, settings.limits.min_rows, rare=rare, nothing=nothing))
