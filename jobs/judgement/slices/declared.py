"""The worst declared slices of a night, task by task: beside the nearest earlier day, then by calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.uncertainty import student
from jobs.judgement.uncertainty.discoveries import RATE, adjusted
from jobs.judgement.uncertainty.shards import LEAST_SHARDS
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from udfs.exact.kernels import STRICT
from udfs.kinds import KINDS

MOST = 3
CALIBRATION = "predicted_over_actual"
SHOWN = ("model", "slice", "metric", "against", "value", "ci_low", "ci_high", "p_adjusted", "harm", "of")
Row = dict[str, Any]


def worst_declared(tables: Mapping[str, pa.Table], settings: Evaluation, stamp: Stamp) -> list[Row]:
    """What harms most among the declared slices of each task, the total aside; of a slice its worst model.

    First what has become worse since the nearest day of `changes` that has rows, by the loss added times the weight.
    Then what is badly calibrated, by the positives that are predicted too many or too few. Only what chance does not
    allow is listed, at a false discovery rate of 5 % over the slices of a model (Benjamini-Hochberg).

    Args:
        tables: `metrics` with intervals, and `changes` where there is a day to be held against.
        settings: What is configured.
        stamp: Of which day; where it is provisional nothing is judged.

    Returns:
        An entry for each task, none without slices: `slices` with their `harm` and what it is `of`, that of all
        impressions, or all positives of the slice; how many slices were `judged`, `against` which day; and a `reason`
        where none was. A slice that has no interval, as without weight, is not judged.
    """
    return [_of_task(task, tables, settings, stamp) for task in settings.tasks] if any(settings.slices) else []


def _of_task(task: str, tables: Mapping[str, pa.Table], settings: Evaluation, stamp: Stamp) -> Row:
    nothing: Row = {"task": task, "against": None, "judged": 0, "reason": "provisional", "slices": []}
    if stamp.provisional:
        return nothing
    loss = KINDS[settings.tasks[task].kind].loss
    changes = _rows(tables.get("changes"), task, loss)
    since = _changed(changes, settings.changes.days(stamp.event_date))
    rows = [row for row in _rows(tables["metrics"], task, CALIBRATION) if row["positives"] is not None]
    # Before all labels are in, too much is predicted everywhere.
    off = _miscalibrated((row for row in rows if row["is_final"]), max(settings.shards.count, LEAST_SHARDS))
    judged = {row["slice"] for row in (*since, *off) if row["p_adjusted"] is not None}
    if not judged:
        # Of an earlier day that is there, but says nothing.
        there = [row for row in changes if row["slice"] != "" and row["ci_reason"] != "no_day"]
        reasons = Counter(row["ci_reason"] for row in since or off or there)
        waiting = "labels_can_change" if rows and not off else "no_day"
        return {**nothing, "reason": reasons.most_common(1)[0][0] if reasons else waiting}
    found: dict[str, Row] = {}
    for row in (*_worse(since), *_worse(off)):
        found.setdefault(row["slice"], {name: row[name] for name in SHOWN})
    against = since[0]["against"] if since else None
    listed = list(found.values())[:MOST]
    return {"task": task, "against": against, "judged": len(judged), "reason": None, "slices": listed}


def _rows(table: pa.Table | None, task: str, metric: str) -> list[Row]:
    if table is None:
        return []
    own = pc.and_(pc.equal(table["task"], task), pc.equal(table["metric"], metric))
    rows: list[Row] = table.filter(own).to_pylist()
    return rows


def _changed(rows: Sequence[Row], days: Mapping[str, date]) -> list[Row]:
    """How the loss of slices is beside the nearest day that has rows; nothing where none has."""
    for name in sorted(days, key=lambda each: days[each], reverse=True):
        own = [row for row in rows if row["against"] == name]
        if any(row["difference"] is not None for row in own):
            whole = {row["model"]: row["harm"] for row in own if row["slice"] == ""}
            day = days[name].isoformat()
            sliced = (row for row in own if row["slice"] != "")
            return [
                {**row, "against": day, "value": row["difference"], "of": whole.get(row["model"])} for row in sliced
            ]
    return []


def _miscalibrated(rows: Iterable[Row], shards: int) -> list[Row]:
    """How far predicted over actual is from 1; p as if each slice had rows in all shards."""
    found, by_model = [], dict[str, list[Row]]()
    for row in rows:
        if row["slice"] != "":
            by_model.setdefault(row["model"], []).append(row)
    for own in by_model.values():
        value, low, high = (
            np.array([row[name] or np.nan for row in own], dtype=np.float64) for name in ("value", "ci_low", "ci_high")
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            distance, reach = STRICT.log(value), STRICT.log(high / low) / 2.0
        rates = adjusted(student.by_reach(distance, reach, shards - 1.0)).tolist()
        for row, rate in zip(own, rates, strict=True):
            harm = None if np.isnan(rate) else abs(row["value"] - 1.0) * row["positives"]
            told = {"against": None, "harm": harm, "of": row["positives"]}
            found.append({**row, **told, "p_adjusted": None if harm is None else rate})
    return found


def _worse(rows: Iterable[Row]) -> list[Row]:
    """Those that are worse than chance allows, most harm first."""
    judged = (row for row in rows if row["p_adjusted"] is not None and row["harm"] is not None)
    worse = (row for row in judged if row["p_adjusted"] <= RATE and row["harm"] > 0.0)
    return sorted(worse, key=lambda row: (-row["harm"], row["slice"], row["model"]))
