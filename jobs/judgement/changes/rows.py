"""The rows of `changes`: every metric that changes, of every slice, against every day that is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.judgement.by_shard import Tables
from jobs.judgement.changes.causes import Causes, Skill, causes, skills
from jobs.judgement.changes.days import READ, Earlier, earlier, narrowed
from jobs.judgement.changes.differences import Days, days_by_shard, difference, published_values
from jobs.judgement.changes.foreseen import foreseen
from jobs.judgement.changes.shape import Shaped, shaped
from jobs.judgement.changes.since import since
from jobs.judgement.uncertainty.differences import Difference
from jobs.judgement.uncertainty.discoveries import adjusted
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from jobs.judgement.uncertainty.shared import Shared, shared
from jobs.ledger.judgements import CHANGES
from jobs.ledger.stamp import Stamp
from jobs.results.rows import columns_in, of_pair, selected, stamp_columns
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import changing
from jobs.settings.judgement.relations import nowcasts_of
from udfs.measure import Metric

Why = tuple[Mapping[tuple[str, str], Causes], Mapping[tuple[str, str], Skill]]
NUMBERS = ("before", "now", "difference", "ci_low", "ci_high", "stderr", "relative_difference", "relative_low",
           "relative_high", "p", "p_adjusted", *Causes._fields, *Skill._fields, "harm", "weight")  # fmt: skip


class _Pair(NamedTuple):
    """A task and model, on the day and on the one that it is held against."""

    task: str
    model: str
    kind: str
    against: str
    texts: Sequence[str]
    common: Shared


def changes_of(session: SparkSession, settings: Evaluation, stamp: Stamp, today: Tables) -> dict[str, pa.Table]:
    """The table `changes` of a day by its name; none where the day is held against no other."""
    if not settings.changes.names:
        return {}
    return {CHANGES.name: changes(today, earlier(session, settings, stamp), settings, stamp)}


def changes(today: Tables, earlier: Earlier, settings: Evaluation, stamp: Stamp) -> pa.Table:
    """The rows of `changes`, what harms most first.

    Args:
        today: The tables of the day.
        earlier: The days that it is held against.
        settings: What is configured.
        stamp: What every row carries.
    """
    first, today = since(today["metrics"], earlier.series, stamp.event_date), narrowed(today, settings)
    parts = [part for against in earlier.days for part in _against(against, today, earlier, settings)]
    found = pa.concat_tables(parts).sort_by([("harm", "descending")])
    keys = zip(*(found[name].to_pylist() for name in ("task", "model", "slice", "metric")), strict=True)
    days = pa.array([first.get(key) for key in keys], type=pa.date32())
    return selected({**columns_in(found), "first_bad_day": days, **stamp_columns(stamp, found.num_rows)}, CHANGES)


def _against(against: str, today: Tables, earlier: Earlier, settings: Evaluation) -> Iterator[pa.Table]:
    """Every metric of every task and model against one day, then what they will be."""
    own = earlier.of(against)
    before = shaped(narrowed(own, settings), settings)
    common = shared(settings.shards, earlier.shards.get(earlier.days[against], settings.shards))
    pairs = _pairs(against, today, before, common, settings)
    found = pa.concat_tables(_rows(of, today, before, settings) for of in pairs)
    yield found
    if any(nowcasts_of(settings, task) for task in settings.tasks):
        yield foreseen(found, today["metrics"], own["metrics"], against, settings)


def _pairs(against: str, today: Tables, before: Shaped, common: Shared, settings: Evaluation) -> Iterator[_Pair]:
    for task, model in settings.pairs:
        tables = (today["metrics"], before.tables["shard_statistics"])
        texts = sorted({text for table in tables for text in of_pair(table, task, model)["slice"].to_pylist()})
        yield _Pair(task, model, settings.tasks[task].kind, against, texts, common)


def _rows(pair: _Pair, today: Tables, before: Shaped, settings: Evaluation) -> pa.Table:
    """Every metric of a task and model against one day."""
    every = (before.tables, today)
    own = [{name: of_pair(of[name], pair.task, pair.model) for name in READ if name in of} for of in every]
    sums = [of["shard_statistics"] for of in own]
    days = days_by_shard(sums[0], sums[1], pair.kind, pair.texts, settings, pair.common)
    lacking = before.lacking(pair.task, pair.model, pair.texts)
    columns = {
        name: _explained(_columns(metric, days, difference(days, metric, settings), settings), pair, before, lacking)
        for name, metric in changing(pair.kind, settings).items()
    }
    there = own[0]["statistics"].num_rows > 0
    told = causes(own[0]["statistics"], own[1]["statistics"], pair.kind, settings) if there else {}
    shown: dict[tuple[str, str], Skill] = {}
    if "score_bins" in own[0] and "score_bins" in own[1]:
        values = {(name, text): (float(of["before"][i]), float(of["now"][i]))
                  for name, of in columns.items() for i, text in enumerate(pair.texts)}  # fmt: skip
        shown = skills(own[0]["score_bins"], own[1]["score_bins"], values)
    return pa.concat_tables(_table(pair, name, of, (told, shown)) for name, of in columns.items())


def _explained(of: Mapping[str, Any], pair: _Pair, before: Shaped, lacking: Reasons) -> dict[str, Any]:
    """The columns of a metric with the reasons that lie in what the earlier day had recorded."""
    reasons = first_reason(lacking, of["reason"])
    return {
        **of,
        "reason": reasons,
        "ci_reason": first_reason(reasons, before.without_intervals(pair.texts, of["ci_reason"])),
    }


def _columns(metric: Metric, days: Days, found: tuple[Difference, Reasons], settings: Evaluation) -> dict[str, Any]:
    """The columns of a metric, each (slices,), but for its causes; NaN where there is a reason."""
    of, reasons = found
    own = published_values(of, reasons)
    values = {
        side: np.where(each.of["n"][:, 0] < settings.limits.min_rows, np.nan, numbers)
        for side, each, numbers in zip(("before", "now"), (days.before, days.now), (of.b, of.a), strict=True)
    }
    n, weight = (days.now.of[name][:, 0] for name in ("n", "weight"))
    return {
        **values,
        **own,
        "p_adjusted": adjusted(own["p"]),
        "harm": own["difference"] * (weight if metric.better == "less" else np.nan),
        "n": n.astype(np.int64),
        "weight": weight,
        "reason": reasons,
        "ci_reason": first_reason(reasons, of.absolute.reasons),
    }


def _table(
    pair: _Pair, name: str, of: Mapping[str, Any], why: tuple[Mapping[Any, Causes], Mapping[Any, Skill]]
) -> pa.Table:
    """The rows of a metric."""
    size = len(pair.texts)
    told = {
        field: np.array([getattr(each.get((name, text)), field, np.nan) for text in pair.texts], dtype=np.float64)
        for each, fields in zip(why, (Causes._fields, Skill._fields), strict=True)
        for field in fields
    }
    keys = {"task": pair.task, "model": pair.model, "metric": name, "against": pair.against}
    numbers = {column: (told | dict(of))[column] for column in NUMBERS}
    return pa.table(
        {
            **{key: pa.array([value] * size, type=pa.string()) for key, value in keys.items()},
            "slice": pa.array(pair.texts, type=pa.string()),
            **{column: pa.array(values, mask=~np.isfinite(values)) for column, values in numbers.items()},
            "n": pa.array(of["n"]),
            **{column: pa.array(of[column], type=pa.string()) for column in ("reason", "ci_reason")},
        }
    )
