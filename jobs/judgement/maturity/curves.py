"""How the labels of each task arrive: its positives at the age of the day, beside those of earlier days, by slice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.by_shard import of_pair
from jobs.judgement.maturity.shares import Ages, Doubles, Shares, shares_of
from jobs.judgement.maturity.usual import Days, Usual, usual
from jobs.judgement.maturity.vintages import LOOKS_BACK, ROWS, Vintages, final_age, sums_of
from jobs.judgement.uncertainty.shards import Sharded, rows_of, sharded
from jobs.ledger.judgements import LATE, MISSING
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from udfs.catalog import metrics_of
from udfs.exact.arrays import BoolArray, FloatArray, IntArray
from udfs.exact.numerics import ratio
from udfs.kinds import KINDS
from udfs.measures.nowcast import NOWCAST


@dataclass(frozen=True)
class Curve:
    """The labels of one task, by one of its models: labels are the same whatever the model.

    Attributes:
        task: The task.
        model: The model.
        positives: The statistic of the positives' weight.
        texts: The slices of the day.
        now: The sums of the day by slice and shard.
        before: Those of its next younger age, where the tables have them.
        common: By how many shards both can be held against each other; None for all.
        by_weight: The positives of a day at this age as a part of all weight.
        of_days: The days that it is of.
        shares: The share of the final positives' weight, F.
        of_losses: The shares of every sum that nowcasts read; None where the kind of task has none.
    """

    task: str
    model: str
    positives: str
    texts: Sequence[str]
    now: Sharded
    before: Sharded | None
    common: int | None
    by_weight: Usual
    of_days: Days
    shares: Shares
    of_losses: Shares | None

    def total(self, name: str) -> FloatArray:
        """A sum of the day over all shards, (slices,); NaN where it was not recorded."""
        return self._totals[name]

    @cached_property
    def _totals(self) -> Doubles:
        return {name: values[:, 0] for name, values in self.now.leaving_out().items()}

    @property
    def share(self) -> Usual:
        """The positives at this age as a part of the final ones, F."""
        return self.shares.of[self.positives]

    @property
    def arriving(self) -> FloatArray:
        """The part of a positive's variance that is chance of its having arrived, not of its being there: in [0, 1].

        Where each arrives by itself it is 1 − F. Of all that are known one at least may yet have been late.
        """
        least = ratio(self.by_weight.noise, self.share.above)
        part = np.fmax(ratio(self.share.noise, self.by_weight.noise), least)
        return np.asarray(np.minimum(np.nan_to_num(part, nan=1.0), 1.0), dtype=np.float64)


@dataclass(frozen=True)
class _Place:
    """Where the sums of earlier days go: which slices, days and shards, of which task and model."""

    pair: tuple[str, str]
    texts: Sequence[str]
    days: Sequence[date]
    shards: int
    names: Sequence[str]

    def sums(self, table: pa.Table) -> tuple[Doubles, BoolArray]:
        """The sums of all shards and without each, (slices · days, 1 + shards), and which shards have rows."""
        own = of_pair(table, *self.pair)
        own = own.filter(pc.is_in(own["slice"], value_set=pa.array(self.texts, type=pa.string())))
        own = own.filter(pc.is_in(own["event_date"], value_set=pa.array(self.days, type=pa.date32())))
        of = sharded(own, self._rows(own), len(self.texts) * len(self.days), self.shards, self.names)
        return of.leaving_out(), of.present

    def marked(self, verdicts: pa.Table, labels: Sequence[str]) -> BoolArray:
        """The slices and days whose labels were late or missing at either age, (slices, days)."""
        wanted = {name: pa.array(of) for name, of in (("label", labels), ("verdict", (LATE, MISSING)))}
        rows = verdicts
        for name, of in (*wanted.items(), ("slice", pa.array(self.texts)), ("event_date", pa.array(self.days))):
            rows = rows.filter(pc.is_in(rows[name], value_set=of.cast(rows.schema.field(name).type)))
        found = np.zeros(len(self.texts) * len(self.days), dtype=np.bool_)
        found[self._rows(rows)] = True
        return found.reshape(len(self.texts), len(self.days))

    def _rows(self, table: pa.Table) -> IntArray:
        day = pc.index_in(table["event_date"], value_set=pa.array(self.days, type=pa.date32()))
        rows: IntArray = rows_of(table["slice"], self.texts) * len(self.days) + day.to_numpy().astype(np.int64)
        return rows


def curves(tables: Mapping[str, pa.Table], known: Vintages, settings: Evaluation, stamp: Stamp) -> dict[str, Curve]:
    """The curve of every task with rows whose label comes as a log of its own and has positives.

    Args:
        tables: `shard_statistics` of the day.
        known: Earlier days.
        settings: What is configured.
        stamp: Of the day.
    """
    today = tables["shard_statistics"]
    asked = [
        task
        for task, of in settings.tasks.items()
        if of.label in settings.label_logs and KINDS[of.kind].positives is not None
    ]
    there = set(today["task"].unique().to_pylist())
    return {task: _curve(task, today, known, settings, stamp) for task in asked if task in there}


def _curve(task: str, today: pa.Table, known: Vintages, settings: Evaluation, stamp: Stamp) -> Curve:
    kind, own = settings.tasks[task].kind, known.at(stamp.age_hours, task)
    model, positives = _model(task, today, own), str(KINDS[kind].positives)
    # Where there are fewer shards now than on an earlier day, or more, those that one lacks have no rows.
    shards = max(settings.shards.count, known.shards)
    rows, before = (of_pair(of, task, model) for of in (today, known.younger))
    texts = sorted(set(rows["slice"].to_pylist()))
    before = before.filter(pc.is_in(before["slice"], value_set=pa.array(texts, type=pa.string())))
    names = [name for name in (ROWS, positives, "n", "weight") if name in today.column_names]
    days = sorted(set(own["event_date"].to_pylist())) or [stamp.event_date - timedelta(days=1)]
    place = _Place((task, model), texts, days, shards, sums_of(kind))
    ages = _ages(place, own, (task, known, settings, stamp))
    recent = np.array([day >= stamp.event_date - timedelta(days=LOOKS_BACK) for day in days])
    of_days = Days(ages.own[positives], ages.own["weight"], ages.present, ages.there & recent)
    by_weight = usual(of_days)
    lost = [*NOWCAST.values()] if metrics_of(kind, "nowcast") else []
    return Curve(
        *(task, model, positives, texts),
        now=sharded(rows, rows_of(rows["slice"], texts), len(texts), shards, names),
        before=sharded(before, rows_of(before["slice"], texts), len(texts), shards, names) if len(before) else None,
        common=known.common,
        by_weight=by_weight,
        of_days=of_days,
        shares=shares_of([positives], ages, by_weight, texts),
        of_losses=shares_of([positives, *lost], ages, by_weight, texts) if lost else None,
    )


def _ages(place: _Place, at_age: pa.Table, of_day: tuple[str, Vintages, Evaluation, Stamp]) -> Ages:
    """What there is of earlier days; not those whose labels were late or missing."""
    task, known, settings, stamp = of_day
    of, positives = settings.tasks[task], str(KINDS[settings.tasks[task].kind].positives)
    labels = [name for name in (of.label, of.given) if name is not None]
    own, present = place.sums(at_age)
    there = _positive(own["weight"], place) & ~np.isnan(_whole(own[positives], place))
    there &= ~place.marked(known.verdicts, labels)
    final = final_age(settings, task)
    if final is None or final <= stamp.age_hours:
        return Ages(own, None, present, there, there, final is not None)
    last, _ = place.sums(known.at(final, task))
    return Ages(own, last, present, there, there & _positive(last[positives], place), False)


def _model(task: str, today: pa.Table, own: pa.Table) -> str:
    """The model with most earlier days of those that have rows of the day, by name the first of several."""
    every: list[str] = sorted(today.filter(pc.equal(today["task"], task))["model"].unique().to_pylist())
    days = Counter(own.group_by(["model", "event_date"]).aggregate([])["model"].to_pylist())
    return max(every, key=lambda model: days[model])


def _whole(sums: FloatArray, place: _Place) -> FloatArray:
    """A sum over all shards, (slices, days)."""
    return sums[:, 0].reshape(len(place.texts), len(place.days))


def _positive(sums: FloatArray, place: _Place) -> BoolArray:
    return np.asarray(_whole(sums, place) > 0.0, dtype=np.bool_)
