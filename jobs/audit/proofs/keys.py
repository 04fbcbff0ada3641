"""That no key is in a table twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.evidence import Evidence
from jobs.audit.same import described
from jobs.audit.statement import Statement, all_hold, equal

PAIR: Final = ("task", "model")
# What tells the rows of a day at an age apart; `statistics` has the dimensions besides. Copies of a rejected row are
# each of them rejected, so `rejects` has no key.
KEYS: Final = {
    "statistics": PAIR,
    "shard_statistics": (*PAIR, "slice", "shard"),
    "score_bins": (*PAIR, "slice", "shard", "bin"),
    "class_statistics": (*PAIR, "slice", "shard", "class"),
    "unpaired_statistics": (*PAIR, "other", "slice", "shard"),
    "unpaired_bins": (*PAIR, "other", "slice", "shard", "bin"),
    "unpaired_classes": (*PAIR, "other", "slice", "shard", "class"),
    "pair_statistics": (*PAIR, "other", "slice", "shard"),
    "metrics": (*PAIR, "slice", "metric"),
    "comparisons": ("comparison", "task", "slice", "metric"),
    "changes": (*PAIR, "slice", "metric", "against"),
    "gate_results": ("gate", "slice"),
    "label_arrival": ("label", "slice"),
}


def keys(of: Evidence) -> Iterator[Statement]:
    """No key is in a table twice, and no run has begun or ended twice."""
    for name, rows in of.tables.items():
        own = [*KEYS[name], *(of.settings.dimensions if name == "statistics" else ())]
        yield from _once(name, rows, own)
    told = Counter((event["run_id"], _moment(event["state"])) for event in of.events if event["state"] != "running")
    for (run_id, moment), count in told.items():
        yield equal(f"runs, run {run_id}, events that it {moment}", count, 1)


def _moment(state: str) -> str:
    return "began" if state == "started" else "ended"


def _once(name: str, rows: pa.Table, own: Sequence[str]) -> Iterator[Statement]:
    counted = rows.group_by(own).aggregate([([], "count_all")])
    yield all_hold(counted.num_rows)
    twice = counted.filter(pc.greater(counted["count_all"], 1))
    for row in twice.to_pylist():
        yield equal(f"{name} at {described(own, [row[key] for key in own])}, rows", row["count_all"], 1)
