"""The rows of `comparisons`: two models on the same impressions, tonight and over all nights that compared them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.by_shard import Tables
from jobs.judgement.estimates import Known
from jobs.judgement.paired import (
    OF_NIGHTS,
    Asked,
    Paired,
    both_estimated,
    dated,
    every,
    of_nights,
    paired_sums,
    scores_of_both,
)
from jobs.judgement.uncertainty.differences import Difference, apart, differing, paired
from jobs.judgement.uncertainty.discoveries import adjusted
from jobs.judgement.uncertainty.jackknife import Estimates
from jobs.judgement.uncertainty.running import running_by_shard
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from jobs.ledger.sharding import counted_in, folded
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import ENTROPY
from jobs.settings.judgement.relations import metrics_compared
from udfs.catalog import published
from udfs.exact.arrays import BoolArray, FloatArray
from udfs.kinds import KINDS
from udfs.measure import Metric

Nights = Mapping[Asked, Mapping[date, Tables]]
Metrics = Mapping[str, Metric]
AT_ONCE = 200_000  # slices × shards of nights before tonight that are in memory together


@dataclass(frozen=True)
class Since:
    """What is known of a difference over several nights, each (slices,): NaN and None where nothing is."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    since: Sequence[date | None]


@dataclass(frozen=True)
class Night:
    """The differences of a night by metric, of all shards and without each, and its paired rows, (slices,)."""

    differences: Mapping[str, Estimates]
    rows: FloatArray


def compared(known: Known, day: date, earlier: Nights, shards: int | None = None) -> pa.Table:
    """The rows of `comparisons` but for their stamp, also of slices without rows.

    Args:
        known: The day; of `metrics` its rows say which metrics each slice has.
        day: Its date.
        earlier: For each task of a comparison the tables of the nights before, at the same age.
        shards: By how many shards those are summed, where it is by fewer than the day.

    Raises:
        RuntimeFailure: Two models are not left with the same rows (exit 3).
    """
    found: list[pa.Table] = []
    by = counted_in(known.settings, shards or known.settings.shards.count)
    for asked in every(known.settings):
        found += _of_task(known, day, asked, (earlier.get(asked, {}), by))
    return pa.concat_tables(found)


def _of_task(
    known: Known, day: date, asked: Asked, before: tuple[Mapping[date, Tables], Evaluation]
) -> Iterator[pa.Table]:
    """Every metric of which a difference says something; the loss and what is made of it over all nights.

    Args:
        known: The day.
        day: Its date.
        asked: The task and its models.
        before: The nights before, and the configuration with the shards that they are summed by.
    """
    settings, kind = known.settings, KINDS[known.settings.tasks[asked.task].kind]
    slices = _slices(known.tables["metrics"], asked)
    texts, running = slices[kind.loss], over_nights(kind.name, settings)
    tonight = paired_sums(known.tables, asked, texts, settings)
    nights = dict(_before(*before, asked, texts, running))
    (nights[day],) = _nights(_by_fewer(known, asked, tonight, before[1], running), running, 1)
    few, wanted = _few(tonight, settings.limits.min_rows), metrics_compared(settings, asked.task)
    for a, b in both_estimated(known, asked, tonight):
        if a.name in wanted and a.name in slices:
            reasons = first_reason(few, a.estimates.reasons, b.estimates.reasons)
            of = paired(a.estimates, b.estimates, first_reason(a.refused, b.refused))
            since = _since(nights, a.name) if a.name in running else _unknown(len(texts))
            rows = _rows({**vars(asked), "metric": a.name}, tonight, of, reasons, since)
            yield rows.filter(pc.is_in(rows["slice"], value_set=pa.array(slices[a.name], type=pa.string())))
    if settings.comparisons[asked.comparison].pair_statistics:
        yield from _of_scores(known, asked, tonight)


def _of_scores(known: Known, asked: Asked, tonight: Paired) -> Iterator[pa.Table]:
    """How far the scores of both are apart, where a comparison asks for it."""
    settings, both = known.settings, scores_of_both(known, asked, tonight)
    few = _few(tonight, settings.limits.min_rows)
    unknown: Reasons = ["not_recorded" if n == 0 else None for n in both.of["n"][:, 0].tolist()]
    for name, metric in published(settings.tasks[asked.task].kind, settings.loss.options, "pairs").items():
        distance = both.estimated(metric)
        reasons, of = first_reason(few, unknown, distance.reasons), apart(distance, both.refused)
        yield _rows({**vars(asked), "metric": name}, tonight, of, reasons, _unknown(len(both.texts)))


def over_nights(kind: str, settings: Evaluation) -> dict[str, Metric]:
    """The metrics that are also compared over all nights: the loss of a kind of task, and what is made of it."""
    metrics = published(kind, settings.loss.options)
    return {name: metric for name, metric in metrics.items() if name in (KINDS[kind].loss, ENTROPY)}


def _slices(metrics: pa.Table, asked: Asked) -> dict[str, list[str]]:
    """The slices of every metric of a task, in order."""
    columns = metrics.select(["task", "model", "metric", "slice"])
    rows = of_pair(columns, asked.task, asked.candidate).sort_by("slice")
    found: dict[str, list[str]] = {}
    for name, text in zip(rows["metric"].to_pylist(), rows["slice"].to_pylist(), strict=True):
        found.setdefault(name, []).append(text)
    return found


def _few(sums: Paired, least: int) -> Reasons:
    """Why the numbers of a slice are not told, as those of `metrics` would not be."""
    rows = sums.candidate.of["n"][:, 0]
    return ["no_common_rows" if n == 0 else "too_few_rows" if n < least else None for n in rows.tolist()]


def _by_fewer(known: Known, asked: Asked, tonight: Paired, by: Evaluation, running: Metrics) -> Paired:
    """The paired sums of the night by as many shards as those before it."""
    if by.shards == known.settings.shards:
        return tonight
    tables = {name: folded(known.tables[name], by.shards.count) for name in OF_NIGHTS if name in known.tables}
    return paired_sums(tables, asked, tonight.candidate.texts, by, running.values())


def _before(
    earlier: Mapping[date, Tables], settings: Evaluation, asked: Asked, texts: Sequence[str], running: Metrics
) -> Iterator[tuple[date, Night]]:
    """The nights before in their order; many are computed at once, as each is little work."""
    many, days = max(1, AT_ONCE // max(1, len(texts) * settings.shards.count)), sorted(earlier)
    for some in (days[i : i + many] for i in range(0, len(days), many)):
        keys = [dated(night, text) for night in some for text in texts]
        sums = paired_sums(
            of_nights({night: earlier[night] for night in some}), asked, keys, settings, running.values()
        )
        yield from zip(some, _nights(sums, running, len(some)), strict=True)


def _nights(sums: Paired, running: Metrics, count: int) -> Iterator[Night]:
    """The differences of so many nights, whose slices stand one after the other."""
    found = {
        name: differing(sums.candidate.estimated(metric), sums.baseline.estimated(metric), sums.refused)
        for name, metric in running.items()
    }
    rows = sums.candidate.of["n"][:, 0]
    for of in (slice(i * rows.size // count, (i + 1) * rows.size // count) for i in range(count)):
        own = {name: Estimates(both.values[of], both.present[of], both.reasons[of]) for name, both in found.items()}
        yield Night(own, rows[of])


def _since(nights: Mapping[date, Night], name: str) -> Since:
    """The running difference up to tonight, over the nights that say something of a slice."""
    differences = [each.differences[name] for each in nights.values()]
    found = running_by_shard(differences, np.column_stack([each.rows for each in nights.values()]))
    said = np.array([[reason is None for reason in each.reasons] for each in differences], dtype=np.bool_).T
    value, low, high = (of[:, -1] for of in (found.value, found.low, found.high))
    return Since(value, low, high, [_first(of, list(nights)) for of in said])


def _unknown(slices: int) -> Since:
    nothing = np.full(slices, np.nan)
    return Since(nothing, nothing, nothing, [None] * slices)


def _first(said: BoolArray, nights: Sequence[date]) -> date | None:
    return nights[int(said.argmax())] if said.any() else None


def _rows(named: Mapping[str, str], sums: Paired, of: Difference, reasons: Reasons, since: Since) -> pa.Table:
    """The rows of one metric of a comparison and task."""
    size = len(sums.candidate.texts)
    none = first_reason(reasons, of.absolute.reasons)
    values = {"candidate_value": of.a, "baseline_value": of.b, "difference": of.absolute.value}
    intervals = {"ci_low": of.absolute.low, "ci_high": of.absolute.high, "stderr": of.absolute.stderr}
    p = np.where([reason is None for reason in none], of.p, np.nan)
    intervals |= {"p": p, "p_adjusted": adjusted(p), "detectable": of.detectable}
    relative = {"relative_low": of.relative.low, "relative_high": of.relative.high}
    running = {"running_value": since.value, "running_low": since.low, "running_high": since.high}
    return pa.table(
        {
            **{title: pa.array([text] * size, type=pa.string()) for title, text in named.items()},
            "slice": pa.array(sums.candidate.texts, type=pa.string()),
            **_known(values, reasons),
            **_known(intervals, none),
            **_known({"relative_difference": of.relative.value}, reasons),
            **_known(relative, first_reason(none, of.relative.reasons)),
            **_known(running, [None] * size),
            "running_since": pa.array(since.since, type=pa.date32()),
            "n": pa.array(sums.candidate.of["n"][:, 0].astype(np.int64)),
            "weight": sums.candidate.of["weight"][:, 0],
            "only_candidate": sums.only_candidate,
            "only_baseline": sums.only_baseline,
            "reason": pa.array(reasons, type=pa.string()),
            "ci_reason": pa.array(none, type=pa.string()),
        }
    )


def _known(columns: Mapping[str, FloatArray], reasons: Reasons) -> dict[str, pa.Array]:
    """Columns that are NULL where there is a reason, and where they are no finite number."""
    hidden = np.array([reason is not None for reason in reasons], dtype=np.bool_)
    return {name: pa.array(values, mask=hidden | ~np.isfinite(values)) for name, values in columns.items()}
