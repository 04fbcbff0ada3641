"""How far what a day will be is from what an earlier one was going to be, at the same age: rows of `changes`.

Of nowcasts v and v₀ the relative difference is v / v₀ − 1. Its interval holds three things that have nothing to do with
each other, by the root of their squares: what becomes of either day, and the chance that the change of the numbers by
now has, of which units came. All as parts of the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.uncertainty.reaches import Reach, joint, reach
from jobs.ledger.judgements import CHANGES
from jobs.settings import Evaluation
from jobs.settings.judgement.relations import nowcasts_of

KEYS = ("task", "model", "slice", "metric")
OF_NOWCASTS = ("event_date", *KEYS, "value", "ci_low", "ci_high", "n", "weight", "reason", "ci_reason")
RELATIVE = ("relative_difference", "relative_low", "relative_high")
Rows = Mapping[tuple[str, ...], Mapping[str, Any]]


def foreseen(changes: pa.Table, today: pa.Table, before: pa.Table, against: str, settings: Evaluation) -> pa.Table:
    """The rows of `changes` of every nowcast of a day, but for its stamp.

    Args:
        changes: The rows of the numbers by now.
        today: Rows of `metrics` of the day, nowcasts among them.
        before: Those of the day that it is held against.
        against: What that one is called.
        settings: What is configured.
    """
    named = {(task, name): of.name for task in settings.tasks for name, of in nowcasts_of(settings, task).items()}
    metrics = sorted({name for _, name in named})
    now, then = (_by(rows, metrics) for rows in (today, before))
    by_now = changes.filter(pc.equal(changes["against"], against))
    numbers = _by(by_now, sorted(set(named.values())))
    rows = list(_rows(now, then, numbers, named))
    columns = {field.name: [row.get(field.name) for row in rows] for field in CHANGES.schema if field.name != "against"}
    told = {**columns, "against": [against] * len(rows)}
    kept = [name for name in changes.column_names if name in told]
    return pa.table({name: pa.array(told[name], type=changes.schema.field(name).type) for name in kept})


def _by(rows: pa.Table, metrics: Sequence[str]) -> Rows:
    own = rows.filter(pc.is_in(rows["metric"], value_set=pa.array(metrics, type=pa.string())))
    return {tuple(row[key] for key in KEYS): row for row in own.to_pylist()}


def _rows(now: Rows, then: Rows, numbers: Rows, named: Mapping[tuple[str, str], str]) -> Iterator[dict[str, Any]]:
    for key, row in now.items():
        task, model, text, name = key
        earlier, by_now = then.get(key), numbers.get((task, model, text, named[task, name]))
        own = {**dict(zip(KEYS, key, strict=True)), "n": row["n"], "weight": row["weight"]}
        yield {**own, **_difference(row, earlier, by_now)}


def _difference(now: Mapping[str, Any], before: Mapping[str, Any] | None, by_now: Mapping[str, Any] | None) -> Any:
    """The difference of two nowcasts with its interval, or why there is none."""
    reason = now["reason"] or ("no_day" if before is None else before["reason"])
    if reason is not None or before is None:
        return {"reason": reason, "ci_reason": reason, "now": now["value"], "before": before and before["value"]}
    value, base = now["value"], before["value"]
    told = {"now": value, "before": base, "difference": value - base}
    reaches = reach(now), reach(before), _of_chance(by_now)
    lacking = now["ci_reason"] or before["ci_reason"] or (by_now and by_now["ci_reason"])
    known = [each for each in reaches if each is not None]
    if lacking or len(known) < len(reaches):
        return {**told, "ci_reason": lacking or "no_interval_by_now"}
    below, above = joint(*known)
    share = value / base
    ends = [share - 1.0, share * (1.0 - below) - 1.0, share * (1.0 + above) - 1.0]
    of_base = {"ci_low": ends[1] * base, "ci_high": ends[2] * base}
    return {**told, **dict(zip(RELATIVE, ends, strict=True)), **of_base}


def _of_chance(change: Mapping[str, Any] | None) -> Reach | None:
    """How far the interval of the relative change by now reaches, as parts of the quotient of both days."""
    value, low, high = (None if change is None else change[name] for name in RELATIVE)
    if value is None or low is None or high is None or value <= -1.0:
        return None
    return (value - low) / (1.0 + value), (high - value) / (1.0 + value)
