"""The ledger of two nights with tables of judgements that are written by hand, values of dimensions that are nasty."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from jobs.examples.cells import encoded
from jobs.ledger import tables
from jobs.settings import Evaluation, parse
from tests.world import duck_db
from tests.world.night import DAY
from tests.world.two_nights import NEXT_DAY, copied, held

GATE = {"task": "ctr", "model": "champion", "metric": "predicted_over_actual", "within": [0.9, 1.1]}
# What a country may be called, and beside it a device.
NASTY = ["", "a,device=b", "(x y\nz)", "50%2C", 'it\'s \\ "q"', None]
SLICES = ["", "country=DE", "country=DE,device=ios", *(f"country={encoded(name)},device=web" for name in NASTY)]
LOG = {
    "source": {"format": "parquet", "path": "sales"},
    "columns": {"id": "id", "time": "sold"},
    "window": "1d",
}
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)


def judged_ledger(spark: SparkSession, ledger: Evaluation, folder: Path) -> Evaluation:
    """Of every table of judgements a row for each slice; of the second day of gates also a provisional, later age."""
    sections = {
        "changes": {"against": ["1d"]},
        "comparisons": {"release": {"candidate": "candidate", "baseline": "champion"}},
        "gates": {"honest": {**GATE, "slices": [[], ["country"], ["country", "device"]]}},
    }
    document = copied(ledger, folder).document()
    shown = document["impressions"]
    sections["impressions"] = {**shown, "columns": {**shown["columns"], "id": "user", "time": "ts"}}
    settings = parse({**document, **sections, "labels": {**document["labels"], "sale": LOG}})
    runs = {row["event_date"]: row["run_id"] for row in held(spark, settings, "statistics").to_pylist()}
    judgements = {"changes": change, "comparisons": comparison, "gate_results": verdict, "label_arrival": arrival}
    for name, row in judgements.items():
        nights = [{**row(i), "slice": text, **of(day, runs[day])} for day in runs for i, text in enumerate(SLICES)]
        if name == "changes":
            nights += [{**each, "metric": "normalized_entropy"} for each in nights]
        if name == "gate_results":
            nights.append({**verdict(1), "slice": "", **of(NEXT_DAY, "later"), "age_hours": 24, "provisional": True})
        rows = pa.Table.from_pylist(nights, schema=tables.declared(settings)[name].schema)
        write_deltalake(duck_db.path(settings, name), rows, partition_by=["event_date", "age_hours"])
    return settings


def of(day: Any, run_id: str) -> dict[str, Any]:
    """What every row of a run carries."""
    return {"event_date": day, "age_hours": 0, "as_of": AS_OF, "run_id": run_id, "provisional": False}


def change(i: int) -> dict[str, Any]:
    """A row of `changes`: of every third slice there is no more to tell, every second is better."""
    named = {"task": "ctr", "model": "champion", "metric": "log_loss", "against": "1d", "n": 10 * i, "weight": 10.0 * i}
    if i % 3 == 2:
        return {**named, "reason": "no_day", "ci_reason": "no_day"}
    harm = float(i) if i % 2 else -float(i)
    return {**named, "difference": harm / 10.0, "harm": harm, "p_adjusted": 0.01 * i, "first_bad_day": DAY}


def comparison(i: int) -> dict[str, Any]:
    """A row of `comparisons`."""
    named = {"comparison": "release", "task": "ctr", "metric": "log_loss", "candidate": "candidate"}
    ends = {"difference": 0.1 * i, "ci_low": 0.1 * i - 0.25, "ci_high": 0.1 * i + 0.25}
    return {
        **named,
        "baseline": "champion",
        **ends,
        "n": i,
        "weight": float(i),
        "only_candidate": 0,
        "only_baseline": i,
    }


def arrival(i: int) -> dict[str, Any]:
    """A row of `label_arrival`: labels are late in the second slice, missing in the third, not judged in the fourth."""
    named = {"label": "sale", "task": "ctr", "model": "champion", "n": 10 * i, "weight": 10.0 * i, "positives": 0.5 * i}
    days = {"share_days": 3, "expected_days": 9, "share_reason": "too_few_days"}
    if i == 3:
        return {**named, **days, "reason": "too_few_positives"}
    said = {1: "labels_late", 2: "labels_missing"}.get(i, "arriving")
    ends = {"expected_positives": 2.0 * i, "expected_low": 1.5 * i, "expected_high": 2.5 * i}
    return {**named, **days, **ends, "p_adjusted": 0.001 * i, "verdict": said}


def verdict(i: int) -> dict[str, Any]:
    """A row of `gate_results`: the second one fails."""
    named = {
        "gate": "honest",
        "verdict": "failed" if i == 1 else "passed",
        "fails": i == 1,
        "sentence": f"so it is {i}",
    }
    return {**named, "value": 1.0 + i, "low": 0.5, "high": 2.0, "least": 0.9, "most": 1.1}
