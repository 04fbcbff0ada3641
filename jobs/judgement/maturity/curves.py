"""How the labels of each task arrive: its positives at the age of the day, beside those of earlier days, by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.maturity.grids import Asked, Grid, Part, day_rows, usuals
from jobs.judgement.maturity.shares import Ages, Shares, known_days, shares_of
from jobs.judgement.maturity.usual import Usual
from jobs.judgement.maturity.vintages import LOOKS_BACK, ROWS, Vintages, final_age, level_since, standing, sums_of
from jobs.judgement.uncertainty.shards import Sharded, rows_of, sharded
from jobs.ledger.judgements import LATE, MISSING
from jobs.ledger.stamp import Stamp
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from udfs.catalog import metrics_of
from udfs.exact.arrays import BoolArray, FloatArray
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
        earlier: The sums of earlier days at this age.
        counted: The slices and days of those that it is of.
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
    earlier: Grid
    counted: BoolArray
    shares: Shares
    of_losses: Shares | None

    def total(self, name: str) -> FloatArray:
        """A sum of the day over all shards, (slices,); NaN where it was not recorded."""
        return self._totals[name]

    @cached_property
    def _totals(self) -> dict[str, FloatArray]:
        return {name: self.now.whole(name) for name in self.now.sums}

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
    return {task: _curve(_Task(task, today, known, settings, stamp)) for task in asked if task in there}


@dataclass(frozen=True)
class _Task:
    """A task on a day, and what is known of it."""

    name: str
    today: pa.Table
    known: Vintages
    settings: Evaluation
    stamp: Stamp

    @property
    def kind(self) -> str:
        return self.settings.tasks[self.name].kind

    @property
    def positives(self) -> str:
        return str(KINDS[self.kind].positives)

    @property
    def labels(self) -> list[str]:
        """The labels that it rests on."""
        of = self.settings.tasks[self.name]
        return [name for name in (of.label, of.given) if name is not None]

    @property
    def shards(self) -> int:
        """Where there are fewer shards now than on an earlier day, or more, those that one lacks have no rows."""
        return max(self.settings.shards.count, self.known.shards)

    @cached_property
    def days(self) -> list[date]:
        """The earlier days at this age; one without rows where there is none."""
        at_age = (each for key, each in self.known.coded.days.items() if key[::2] == (self.name, self.stamp.age_hours))
        return sorted(set().union(*at_age)) or [self.stamp.event_date - timedelta(days=1)]

    @cached_property
    def model(self) -> str:
        """The model with most earlier days of those that have rows of the day, by name the first of several."""
        every = sorted(self.today.filter(pc.equal(self.today["task"], self.name))["model"].unique().to_pylist())
        days = self.known.coded.days
        return str(max(every, key=lambda model: len(days.get((self.name, model, self.stamp.age_hours), ()))))

    def grid(self, age_hours: int, texts: Sequence[str], *, arriving: bool) -> Grid:
        """The sums of the earlier days at an age; those that only nowcasts read, where labels are still arriving."""
        own = self.known.coded.where((self.name, self.model, age_hours))
        names = sums_of(self.kind) if arriving else (self.positives, "n", "weight")
        asked = Asked(names, self.shards)
        return Grid.of(self.known.coded, own, texts, self.days, asked)


def _curve(of: _Task) -> Curve:
    rows, before = (of_pair(each, of.name, of.model) for each in (of.today, of.known.younger))
    texts = sorted(rows["slice"].unique().to_pylist())
    before = before.filter(pc.is_in(before["slice"], value_set=pa.array(texts, type=pa.string())))
    names = [name for name in (ROWS, of.positives, "n", "weight") if name in of.today.column_names]
    shards, ages = of.shards, _ages(of, texts)
    counted = ages.there & _recent(of)
    asked = {"by_weight": Part(of.positives, "weight", counted)}
    lost = [of.positives, *NOWCAST.values()] if metrics_of(of.kind, "nowcast") else []
    known = {"share": known_days([of.positives], ages), "of_losses": known_days(lost, ages)}
    if ages.last is not None:
        asked["share"] = Part(of.positives, of.positives, known["share"], of_last=True)
        asked |= {name: Part(name, name, known["of_losses"], of_last=True) for name in lost}
    usual = usuals(ages.own, ages.last, asked)
    by_weight = usual["by_weight"]
    every = {name: usual.get(name, by_weight) for name in lost}
    return Curve(
        *(of.name, of.model, of.positives, texts),
        now=sharded(rows, rows_of(rows["slice"], texts), len(texts), shards, names),
        before=sharded(before, rows_of(before["slice"], texts), len(texts), shards, names) if len(before) else None,
        common=of.known.common,
        by_weight=by_weight,
        earlier=ages.own,
        counted=counted,
        shares=shares_of({of.positives: usual.get("share", by_weight)}, ages, by_weight, texts),
        of_losses=shares_of(every, ages, by_weight, texts) if lost else None,
    )


def _ages(of: _Task, texts: Sequence[str]) -> Ages:
    """What there is of earlier days; not those whose labels were late or missing."""
    final = final_age(of.settings, of.name)
    arriving = final is not None and final > of.stamp.age_hours
    own = of.grid(of.stamp.age_hours, texts, arriving=arriving)
    there = (own.whole("weight") > 0.0) & own.recorded(of.positives) & ~_marked(of, texts)
    if final is None or not arriving:
        return Ages(own, None, there, there, final is not None)
    last = of.grid(final, texts, arriving=True)
    return Ages(own, last, there, there & (last.whole(of.positives) > 0.0), False)


def _recent(of: _Task) -> BoolArray:
    """The days that the level of the positives is of, (days,): the last four weeks, and none before a new level."""
    first = of.stamp.event_date - timedelta(days=LOOKS_BACK)
    since = level_since(of.settings, of.settings.tasks[of.name].label, of.stamp.event_date)
    return np.array([day >= max(first, since or first) for day in of.days], dtype=np.bool_)


def _marked(of: _Task, texts: Sequence[str]) -> BoolArray:
    """The slices and days whose labels were late or missing at this age or an older one, (slices, days)."""
    rows = standing(of.known.verdicts, of.settings, of.stamp)
    rows = rows.filter(pc.greater_equal(rows["age_hours"], of.stamp.age_hours))
    for name, values in (("label", of.labels), ("verdict", (LATE, MISSING))):
        rows = rows.filter(pc.is_in(rows[name], value_set=pa.array(values).cast(rows.schema.field(name).type)))
    return day_rows(rows, texts, of.days)
