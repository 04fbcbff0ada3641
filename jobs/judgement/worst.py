"""The worst crosses of a day: beside another day, beside another model, or by calibration; from our tables alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.examples.sent import binning
from jobs.inputs.scorings import scorings
from jobs.judgement.bins import by_band
from jobs.judgement.by_shard import TOTAL, ByShard, Pair, Tables, by_shard, read_by
from jobs.judgement.paired import Asked as Comparison
from jobs.judgement.paired import paired_sums
from jobs.judgement.slices.calibration import Calibration, calibration_of
from jobs.judgement.slices.common import common, shared_sums
from jobs.judgement.slices.ledger import Ledger
from jobs.judgement.slices.recorded import lacking
from jobs.judgement.slices.search import loss_rate, worst_of_calibration, worst_of_losses
from jobs.judgement.slices.since import first_bad_days
from jobs.judgement.slices.worst import Found, Search
from jobs.judgement.uncertainty.differences import independent, paired
from jobs.judgement.uncertainty.jackknife import Estimates, interval
from jobs.judgement.uncertainty.shards import first_reason
from jobs.ledger.tables import declared
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from udfs.catalog import published
from udfs.kinds import KINDS
from udfs.measure import Metric

CALIBRATION = "calibration"
Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """What is asked: losses beside the day that is `back` before, else 1 day, or beside a model; or calibration.

    Calibration is that of the day alone, or beside the day that is `back` before where that is said.
    """

    depth: int = 3
    most: int = 20
    back: timedelta | None = None
    models: tuple[str, str] | None = None
    calibration: bool = False


def worst_of(ledger: Ledger, asked: Asked) -> list[Row]:
    """What was found for every task and model; nothing where the day has no rows.

    Raises:
        InputMissingError: The day, or the one that it is held against, is provisional (exit 4).
        RuntimeFailure: Two models are not left with the same rows (exit 3).
    """
    search = Search(depth=asked.depth, most=asked.most, least_rows=max(100, ledger.settings.limits.min_rows))
    alone = asked.models is not None or (asked.calibration and asked.back is None)
    other = ledger.day if alone else ledger.day - (asked.back or timedelta(days=1))
    ledger = ledger.beside(other)
    now = _tables(ledger, ledger.day)
    if not now["statistics"].num_rows:
        return []
    if asked.models is not None:
        return list(_beside_a_model(ledger, now, asked.models, search))
    search_of = _by_calibration if asked.calibration else _by_losses
    days, against = ([now], {}) if alone else ([_tables(ledger, other), now], {"against": other.isoformat()})
    found = search_of(ledger, days, search)
    return [{"task": task, "model": model, **against, **row} for (task, model), row in found]


def _tables(ledger: Ledger, day: date) -> Tables:
    """The sums of a day: of the many cells only what is searched."""
    names = ["n", "unscored"]
    for kind in ledger.settings.kinds:
        of = calibration_of(kind, ledger.settings)
        names += [] if KINDS[kind].searched is None else loss_rate(kind, ledger.settings)[1]
        names += [] if of is None else of.names
    statistics = ledger.rows("statistics", day, ledger.columns(names))
    return {"statistics": statistics, "shard_statistics": ledger.by_shard("shard_statistics", day)}


def _by_losses(ledger: Ledger, days: Sequence[Tables], search: Search) -> Iterator[tuple[Pair, Row]]:
    settings = ledger.settings
    for pair in settings.pairs:
        found, kind = Found([], 0, "not_recorded"), settings.tasks[pair[0]].kind
        loss = _loss(kind, settings)
        if loss is not None:
            sums = [_by_shard(day, pair, [loss], settings) for day in days]
            own = replace(search, stderr=_stderr([each.estimated(loss) for each in sums], sums, ledger))
            found = worst_of_losses(_cells(days, pair), loss_rate(kind, settings), settings, own)
        yield pair, {"metric": _named(loss), **_facts(found, days, settings)}


def _beside_a_model(ledger: Ledger, now: Tables, models: tuple[str, str], search: Search) -> Iterator[Row]:
    """On the impressions that both can score. Their losses vary together: how much, all rows together tell."""
    settings = ledger.settings
    others = [name for name in ("comparisons", "unpaired_statistics") if name in declared(settings)]
    tables = dict(now) | {name: ledger.rows(name, ledger.day) for name in others}
    for task in settings.tasks:
        if not {(task, model) for model in models} <= {*settings.pairs}:
            continue
        both, kind = common(tables, task, models, settings.slices), settings.tasks[task].kind
        found, loss = Found([], 0, both.reason or "not_recorded"), _loss(kind, settings)
        if both.reason is None and loss is not None:
            shared = None if both.everything else partial(shared_sums, tables, task, models)
            over = paired_sums(tables, Comparison("worst", task, *reversed(models)), [TOTAL], settings, [loss])
            sums = [over.baseline, over.candidate]
            estimates = [each.estimated(loss) for each in sums]
            own = replace(search, stderr=_stderr(estimates, sums, ledger, same_rows=True))
            sides = [of_pair(now["statistics"], task, model) for model in models]
            found = worst_of_losses(sides, loss_rate(kind, settings), settings, own, shared)
        only = dict(zip(("only_against", "only_model"), both.only or (None, None), strict=True))
        named = {"task": task, "model": models[1], "against": models[0], "metric": _named(loss)}
        yield {**named, **only, **_facts(found, [now], settings)}


def _named(loss: Metric | None) -> str:
    return "loss" if loss is None else loss.name


def _loss(kind: str, settings: Evaluation) -> Metric | None:
    of = KINDS[kind].searched
    return None if of is None else published(kind, settings.loss.options)[of.metric]


def _by_calibration(ledger: Ledger, days: Sequence[Tables], search: Search) -> Iterator[tuple[Pair, Row]]:
    settings = ledger.settings
    every = {pair: calibration_of(settings.tasks[pair[0]].kind, settings) for pair in settings.pairs}
    known = {pair: (of, *_calibrated(ledger, days, pair, of, search)) for pair, of in every.items() if of is not None}
    listed = {
        pair: (of, {each["slice"]: each["values"] for each in row["worst"]}) for pair, (of, row, _) in known.items()
    }
    firsts = first_bad_days(ledger, listed)
    bins = ledger.rows("score_bins", ledger.day) if "score_bins" in declared(settings) else None
    for pair in settings.pairs:
        if pair not in known:
            yield pair, {"metric": CALIBRATION, **_facts(Found([], 0, "no_calibration"), days, settings)}
            continue
        _, row, sums = known[pair]
        worst = [{**each, "first_bad_day": firsts[pair][each["slice"]]} for each in row["worst"]]
        yield pair, {"metric": CALIBRATION, **row, "worst": worst, **_bands(settings, bins, pair, sums)}


def _calibrated(
    ledger: Ledger, days: Sequence[Tables], pair: Pair, of: Calibration, search: Search
) -> tuple[Row, ByShard]:
    settings = ledger.settings
    sums = [_by_shard(day, pair, (), settings) for day in days]
    errors = [of.by_shard(each) for each in sums]
    own = replace(search, stderr=_stderr(errors, sums, ledger))
    today = _stderr(errors[-1:], sums[-1:], ledger)
    found, said, fields = worst_of_calibration(_cells(days, pair), of, settings, own, today)
    facts = _facts(found, days, settings)
    # Of a day alone σ is that of its error, of two that of the difference.
    first, second = (0, 1) if len(days) > 1 else (1, 0)
    for i, row in enumerate(facts["worst"]):
        both = said[row["slice"]], row
        facts["worst"][i] = {**both[first], **both[second]}
    return {**facts, "all": said.get(TOTAL), "field_rce": fields}, sums[-1]


def _by_shard(day: Tables, pair: Pair, metrics: Sequence[Metric], settings: Evaluation) -> ByShard:
    """The sums of all rows of a task and model; those of no metric are all."""
    own, kind = of_pair(day["shard_statistics"], *pair), settings.tasks[pair[0]].kind
    whole = own.filter(pc.equal(own["slice"], TOTAL))
    return by_shard(whole, (kind, read_by(metrics, kind, settings)), [TOTAL], settings)


def _stderr(
    estimates: Sequence[Estimates], sums: Sequence[ByShard], ledger: Ledger, *, same_rows: bool = False
) -> float:
    """Standard error by shards of units of a number of all rows, or of the difference of two; NaN where there is none.

    Units that are known come back on the other day, mostly in the same shard; two models have the same rows anyway.
    """
    if len(sums) == 1:
        return float(interval(estimates[0], sums[0].refused).stderr[0])
    before, now = estimates
    if same_rows or (ledger.paired and ledger.settings.impressions.columns.unit is not None):
        refused = first_reason(*(each.refused for each in reversed(sums)))
        return float(paired(now, before, refused).absolute.stderr[0])
    apart = [interval(each, of.refused) for each, of in zip((now, before), reversed(sums), strict=True)]
    return float(independent(*apart).absolute.stderr[0])


def _cells(days: Sequence[Tables], pair: Pair) -> list[pa.Table]:
    return [of_pair(day["statistics"], *pair) for day in days]


def _facts(found: Found, days: Sequence[Tables], settings: Evaluation) -> Row:
    there = all(day["statistics"].num_rows for day in days)
    named = {"judged": found.judged, "reason": found.reason if there else "no_day"}
    without = lacking([day["statistics"] for day in days], settings.dimensions)
    told = {"not_recorded": without} if without else {}
    return {"worst": [asdict(each) for each in found.worst], **named, **told}


def _bands(settings: Evaluation, bins: pa.Table | None, pair: Pair, sums: ByShard) -> Row:
    """The score bands of all impressions and what recalibration would bring, where their bins are kept."""
    (scoring,) = (each for each in scorings(settings) if (each.task, each.model) == pair)
    how = binning(scoring, settings)
    if how is None or bins is None:
        return {}
    own = of_pair(bins, *pair)
    own = own.filter(pc.equal(own["slice"], TOTAL))
    if not own.num_rows:
        return {}
    hard = {name: float(sums.row(TOTAL)[name][0]) for name in by_band.HARD}
    return by_band.plain(by_band.by_band(own, hard, how, settings.loss.clip))
