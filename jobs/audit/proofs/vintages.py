"""That what is known of a day only grows with its age, but for what a log says was taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit import recorded
from jobs.audit.evidence import Evidence
from jobs.audit.same import described
from jobs.audit.statement import Statement, sure
from jobs.results.rows import summed
from jobs.settings import Evaluation
from udfs.catalog import statistics_of

KEYS = ["task", "model", "slice"]
POSITIVES = "positive_rows"
Run = Mapping[str, Any]


def vintages(of: Evidence) -> Iterator[Statement]:
    """From one age to the next, rows, events and positives only grow, but for as many as were taken back."""
    runs = _runs(of)
    ages = [age for age in runs if age <= of.part.age_hours]
    for younger, older in pairwise(ages):
        if older == of.part.age_hours:
            yield from _of_runs(runs[younger], runs[older], (younger, older))
            grew = _of_day(runs[older]) != _of_day(runs[younger])
            yield from _of_positives(of, runs[older], (younger, older), ["task", "model"] if grew else KEYS)


def _runs(of: Evidence) -> dict[int, Run]:
    """The run of every age that is there, the youngest first."""
    events: dict[int, list[Run]] = {}
    for event in of.rows("runs", every_age=True).to_pylist():
        events.setdefault(event["age_hours"], []).append(event)
    found = {age: recorded.done(own, [*recorded.counting(own)]) for age, own in sorted(events.items())}
    return {age: run for age, run in found.items() if run is not None}


def _of_day(run: Run) -> int:
    """How many rows of the impressions were of the day."""
    return int(run["rows_read"] - run["rows_outside"])


def _of_runs(younger: Run, older: Run, ages: tuple[int, int]) -> Iterator[Statement]:
    """What two runs tell of the day: when labels were known, rows, the events of each log."""
    place = f"runs, {ages[0]}h and {ages[1]}h"
    moments = younger["as_of"], older["as_of"]
    yield sure(f"{place}: as_of", moments[1], f"{moments[0]} or later", holds=moments[1] >= moments[0])
    rows = [_of_day(run) for run in (younger, older)]
    yield sure(f"{place}: rows of the day", rows[1], f"{rows[0]} at least", holds=rows[1] >= rows[0])
    before, after = (json.loads(run["label_events"] or "{}") for run in (younger, older))
    for name in before.keys() & after.keys():
        counts = before[name]["inside"], after[name]["inside"] + after[name].get("retracted", 0)
        told = f"{place}: events of {name} inside their windows, with those that were taken back"
        yield sure(told, counts[1], f"{counts[0]} at least", holds=counts[1] >= counts[0])


def _of_positives(of: Evidence, run: Run, ages: tuple[int, int], keys: Sequence[str]) -> Iterator[Statement]:
    """Positives by task, model and slice: no fewer rows than before, where the log takes nothing back.

    Where it does, as many may go as events were. With more impressions than before a value of a dimension may have
    become a rare one: then only all slices together are compared.
    """
    rows = of.rows("shard_statistics", ("age_hours", *KEYS, POSITIVES), every_age=True)
    for task, most in _taken_back(of.settings, run).items():
        own = rows.filter(pc.equal(rows["task"], task))
        before, after = (_positives(own.filter(pc.equal(own["age_hours"], age)), keys) for age in ages)
        for key in sorted(before.keys() & after.keys()):
            place = f"shard_statistics at {described(keys, key)}: {POSITIVES}, {ages[0]}h and {ages[1]}h"
            least = before[key] - most
            yield sure(place, after[key], f"{least} at least, {most} being taken back", holds=after[key] >= least)


def _taken_back(settings: Evaluation, run: Run) -> dict[str, int]:
    """By task how many events its label's log says were taken back: tasks whose rows are those of any age."""
    events, found = json.loads(run["label_events"] or "{}"), {}
    for task, own in settings.tasks.items():
        log = settings.label_logs.get(own.label)
        counted = POSITIVES in statistics_of(own.kind) and settings.impressions.duplicates == "remove"
        rests = {own.given, *(settings.tasks[factor].given for factor in settings.factors(task))}
        # Which rows are of the task must not hang on a log as well.
        if log is not None and counted and log.events == "any" and rests.isdisjoint(settings.label_logs):
            names = [own.label, *([log.via] if log.via else [])]
            found[task] = sum(events.get(name, {}).get("retracted", 0) for name in names)
    return found


def _positives(rows: pa.Table, keys: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Positive rows by key; none of a key of which they were not recorded."""
    added = summed(rows.select([*keys, POSITIVES]), list(keys), [POSITIVES]).to_pylist()
    return {tuple(row[key] for key in keys): row[POSITIVES] for row in added if row[POSITIVES] is not None}
