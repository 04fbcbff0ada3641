"""That every row of the logs has ended in exactly one place, by rows and by weight."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow.compute as pc

from jobs.audit.digests import forgotten
from jobs.audit.evidence import Evidence
from jobs.audit.statement import Statement, all_hold, equal, sure, unknown
from jobs.results.rows import summed
from jobs.settings import Evaluation
from udfs.kinds import KINDS

ENDS = ("outside", "rejected", "duplicate", "scored")
SUMS = ("n", "unscored", "weight", "unscored_weight")
WHY = ("source", "task", "model", "reason")
Sums = Mapping[tuple[str, str], Mapping[str, Any]]


def rows(of: Evidence) -> Iterator[Statement]:
    """Rows read are those outside, rejected, duplicate and scored, by reason, task and model; events likewise."""
    run = of.run
    if run is None or run["rows_read"] is None:
        yield unknown("runs", "no run that was done tells of its rows")
        return
    yield equal("runs: rows_read", run["rows_read"], sum(run[f"rows_{end}"] for end in ENDS))
    reasons = json.loads(run["rejected"] or "[]")
    rejected = sum(row["rows"] for row in reasons if row["source"] == "impressions" and row["task"] is None)
    yield equal("runs: rejected impressions by reason", rejected, run["rows_rejected"])
    sums = _by_pair(of)
    yield from _of_pairs(of.settings, sums, reasons, run["rows_scored"])
    yield from _of_events(json.loads(run["label_events"] or "{}"))
    yield from _kept(of, reasons)


def weights(of: Evidence) -> Iterator[Statement]:
    """What a task weighs is the same of each model: what is scored of it and what is not add up to it."""
    sums = _by_pair(of)
    for task in of.settings.tasks:
        own = {model: sums[task, model] for each, model in of.settings.pairs if each == task and (each, model) in sums}
        yield from _alike(task, {model: _whole(each) for model, each in own.items()})
        if _unweighted(of.settings, task):
            for model, each in own.items():
                for weight, count in (("weight", "n"), ("unscored_weight", "unscored")):
                    yield equal(f"statistics, {task} / {model}: {weight}", each[weight], Decimal(each[count]))


def _alike(task: str, weights: Mapping[str, Decimal | None]) -> Iterator[Statement]:
    """That the weight of a task is the same of each model."""
    known = [weight for weight in weights.values() if weight is not None]
    for model, weight in weights.items():
        place = f"statistics, {task} / {model}: weight scored and unscored"
        if weight is None:
            yield unknown(place, "a sum that was too large to be recorded, or from before it was")
        else:
            yield equal(place, weight, known[0])


def _by_pair(of: Evidence) -> Sums:
    added = summed(of.tables["statistics"], ["task", "model"], list(SUMS))
    return {(row["task"], row["model"]): row for row in added.to_pylist()}


def _whole(sums: Mapping[str, Any]) -> Decimal | None:
    parts = sums["weight"], sums["unscored_weight"]
    return None if None in parts else sum(parts, Decimal(0))


def _unweighted(settings: Evaluation, task: str) -> bool:
    """Whether each row of a task weighs 1."""
    columns, own = settings.impressions.columns, settings.tasks[task]
    sampled = columns.sampling_rate is not None and KINDS[own.kind].sampling
    return own.weight is None and own.propensity is None and columns.weight is None and not sampled


def _of_pairs(
    settings: Evaluation, sums: Sums, reasons: Sequence[Mapping[str, Any]], scored: int
) -> Iterator[Statement]:
    """Rows of each task and model: those that it scores and those that it goes without, for which reasons."""
    whole: dict[str, int] = {}
    for task, model in settings.pairs:
        own = sums.get((task, model), dict.fromkeys(SUMS, 0))
        told = sum(row["rows"] for row in reasons if (row["task"], row["model"]) == (task, model))
        yield equal(f"runs: rows that {task} / {model} goes without, by reason", told, own["unscored"])
        rows_of_task, kind = own["n"] + own["unscored"], KINDS[settings.tasks[task].kind]
        place = f"statistics, {task} / {model}: n and unscored"
        yield equal(place, rows_of_task, whole.setdefault(task, rows_of_task))
        if kind.of_groups or settings.tasks[task].given is not None:
            yield sure(place, rows_of_task, f"{scored} at most", holds=rows_of_task <= scored)
        else:
            yield equal(place, rows_of_task, scored)


def _of_events(logs: Mapping[str, Mapping[str, Any]]) -> Iterator[Statement]:
    for name, counts in logs.items():
        ends = {**counts, "rejected": sum(counts["rejected"].values()), "read": 0}
        yield equal(f"runs: label_events of {name}, read", counts["read"], sum(ends.values()))


def _kept(of: Evidence, reasons: Sequence[Mapping[str, Any]]) -> Iterator[Statement]:
    """That `rejects` has the rows that `runs` counts, as many of each reason as are kept."""
    found = of.rows("rejects", ("run_id", *WHY))
    assert of.run is not None
    found = found.filter(pc.equal(found["run_id"], of.run["sums_run_id"] or of.run["run_id"]))
    if not found.num_rows and forgotten(of.settings, of.part.event_date):
        return
    counts = Counter(tuple(row[name] for name in WHY) for row in found.to_pylist())
    limit = of.settings.limits.stored_rejects
    for row in reasons:
        key = tuple(row[name] for name in WHY)
        yield equal(_named(key), counts.pop(key, 0), min(row["rows"], limit))
    yield from (equal(_named(key), count, 0) for key, count in counts.items())
    yield all_hold(1)


def _named(key: Sequence[str | None]) -> str:
    return f"rejects of {' / '.join(each for each in key if each is not None)}"
