"""The worst crosses of a day: beside another day, beside another model, or by calibration; from our tables alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.examples.sent import binning
from jobs.inputs.scorings import scorings
from jobs.judgement.bins import by_band
from jobs.judgement.by_shard import by_shard, of_pair, read_by
from jobs.judgement.changes.days import LOOKS_BACK
from jobs.judgement.changes.differences import days_by_shard, difference
from jobs.judgement.changes.first_bad import first_bad_day
from jobs.judgement.slices.crosses import cells, crosses
from jobs.judgement.slices.rates import Rate, calibration_side
from jobs.judgement.slices.search import CALIBRATION, judges_losses, worst_of_calibration, worst_of_losses
from jobs.judgement.slices.worst import Found, Search
from jobs.judgement.uncertainty.differences import paired
from jobs.judgement.uncertainty.jackknife import interval
from jobs.judgement.uncertainty.shards import first_reason
from jobs.ledger import tables
from jobs.ledger.held import held
from jobs.settings import Evaluation
from udfs.catalog import published
from udfs.kinds import KINDS

TOTAL = ""
BIAS = "calibration_bias"
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is asked: beside the day that is `back` days before, beside a model, or by calibration if neither."""

    depth: int = 3
    most: int = 20
    back: timedelta | None = None
    models: tuple[str, str] | None = None


@dataclass(frozen=True)
class Ledger:
    """Our tables of a day and of earlier ones, at one age."""

    session: SparkSession
    settings: Evaluation
    day: date
    age_hours: int

    def rows(self, name: str, day: date) -> pa.Table:
        """A table of one day."""
        return held(self.session, self.settings, name, [day], self.age_hours)

    def before(self, names: Sequence[str]) -> pa.Table:
        """Cells of the days before, with these statistics."""
        days = [self.day - timedelta(days=back + 1) for back in range(LOOKS_BACK)]
        columns = ("event_date", "task", "model", *self.settings.dimensions, *names)
        return held(self.session, self.settings, "statistics", days, self.age_hours, columns=columns)


def worst_of(ledger: Ledger, asked: Asked) -> list[Row]:
    """What was found for every task and model that can be judged so; nothing where the day has no rows."""
    search = Search(depth=asked.depth, most=asked.most, least_rows=max(100, ledger.settings.limits.min_rows))
    now = {name: ledger.rows(name, ledger.day) for name in ("statistics", "shard_statistics")}
    if not now["statistics"].num_rows:
        return []
    if asked.models is not None:
        return list(_beside_a_model(ledger, now, asked, search))
    if asked.back is not None:
        return list(_beside_a_day(ledger, now, asked, search))
    return list(_by_calibration(ledger, now, asked, search))


def _beside_a_day(ledger: Ledger, now: dict[str, pa.Table], asked: Asked, search: Search) -> Iterator[Row]:
    settings, other = ledger.settings, ledger.day - (asked.back or timedelta())
    before = {name: ledger.rows(name, other) for name in now}
    for task, model, kind in _pairs(settings):
        sides = [of_pair(each["statistics"], task, model) for each in (before, now)]
        own = [_total(of_pair(each["shard_statistics"], task, model)) for each in (before, now)]
        days = days_by_shard(own[0], own[1], kind, [TOTAL], settings)
        loss = published(kind, settings.loss.options)[KINDS[kind].loss]
        stderr = float(difference(days, loss, settings)[0].absolute.stderr[0])
        found = worst_of_losses(sides, kind, settings, search, stderr)
        if not sides[0].num_rows:
            found = Found([], 0, "no_day")
        yield {"task": task, "model": model, "against": other.isoformat(), **_facts(found)}


def _beside_a_model(ledger: Ledger, now: dict[str, pa.Table], asked: Asked, search: Search) -> Iterator[Row]:
    """Each on the impressions that it can score. Their losses vary together: how much, all rows together tell."""
    settings = ledger.settings
    assert asked.models is not None
    for task, kind in dict.fromkeys((task, kind) for task, _, kind in _pairs(settings)):
        if not all((task, model) in settings.pairs for model in asked.models):
            continue
        sides = [of_pair(now["statistics"], task, model) for model in asked.models]
        own = [_total(of_pair(now["shard_statistics"], task, model)) for model in asked.models]
        before, after = days_by_shard(own[0], own[1], kind, [TOTAL], settings)
        loss = published(kind, settings.loss.options)[KINDS[kind].loss]
        against = first_reason(before.refused, after.refused)
        stderr = float(paired(after.estimated(loss), before.estimated(loss), against).absolute.stderr[0])
        found = worst_of_losses(sides, kind, settings, search, stderr)
        yield {"task": task, "model": asked.models[1], "against": asked.models[0], **_facts(found)}


def _by_calibration(ledger: Ledger, now: dict[str, pa.Table], asked: Asked, search: Search) -> Iterator[Row]:
    settings = ledger.settings
    series = ledger.before(CALIBRATION)
    bins = ledger.rows("score_bins", ledger.day) if "score_bins" in tables.declared(settings) else None
    for task, model, kind in _pairs(settings):
        read = kind, read_by((), kind, settings)
        sums = by_shard(_total(of_pair(now["shard_statistics"], task, model)), read, [TOTAL], settings)
        metric = published(kind, settings.loss.options)[BIAS]
        stderr = float(interval(sums.estimated(metric), sums.refused).stderr[0])
        table = of_pair(now["statistics"], task, model)
        found, audits, fields = worst_of_calibration(table, settings, search, stderr)
        earlier = pa.concat_tables([of_pair(series, task, model), table.select(series.column_names)])
        firsts = ({"first_bad_day": _since(earlier, each.slice, calibration_side)} for each in found.worst)
        rows = [{**asdict(of), **audits[of.slice], **first} for of, first in zip(found.worst, firsts, strict=True)]
        whole = {name: value if np.isfinite(value) else None for name, value in fields.items()}
        named = {"task": task, "model": model, **_facts(found), "worst": rows}
        bands = _bands(ledger, bins, (task, model), sums.row(TOTAL))
        yield {**named, "all": audits.get(TOTAL), "field_rce": whole, **bands}


def _pairs(settings: Evaluation) -> list[tuple[str, str, str]]:
    """Every task and model that has a variance, with its kind."""
    every = ((task, model, settings.tasks[task].kind) for task, model in settings.pairs)
    return [each for each in every if judges_losses(each[2], settings)]


def _total(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["slice"], TOTAL))


def _facts(found: Found) -> Row:
    return {"worst": [asdict(each) for each in found.worst], "judged": found.judged, "reason": found.reason}


def _since(series: pa.Table, text: str, rate: Rate) -> str | None:
    """The first day of the current run of bad ones of a cross."""
    rows = series
    for part in text.split(",") if text else []:
        name, _, value = part.partition("=")
        rows = rows.filter(pc.equal(rows[name], value))
    days = sorted(set(rows["event_date"].to_pylist()))
    names = [name for name in series.column_names if name in CALIBRATION]
    sides = [rows.filter(pc.equal(rows["event_date"], day)) for day in days]
    every = crosses(cells(sides, [], names), 0)
    of = [rate({name: every.nearest(name)[side] for name in names}) for side in range(len(days))]
    values = np.array([float(side.total[0] / side.weight[0]) if side.weight[0] else np.nan for side in of])
    errors = np.array([float(np.sqrt(side.variance[0]) / side.weight[0]) if side.weight[0] else np.nan for side in of])
    first = first_bad_day(values, errors).day
    return None if first is None else days[first].isoformat()


def _bands(ledger: Ledger, bins: pa.Table | None, pair: tuple[str, str], sums: dict[str, np.ndarray]) -> Row:
    """The score bands of all impressions and what recalibration would bring, where their bins are kept."""
    if bins is None:
        return {}
    own = _total(of_pair(bins, *pair))
    (scoring,) = (each for each in scorings(ledger.settings) if (each.task, each.model) == pair)
    how = binning(scoring, ledger.settings)
    if how is None or not own.num_rows:
        return {}
    hard = {name: float(sums[name][0]) for name in by_band.HARD}
    return by_band.plain(by_band.by_band(own, hard, how, ledger.settings.loss.clip))
