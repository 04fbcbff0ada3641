"""What a run did, as surfaces show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from jobs.examples.events import EventCounts
from jobs.examples.left_out import LeftOut
from jobs.ledger.runs import Ledger
from jobs.ledger.stamp import Stamp


@dataclass(frozen=True)
class Outcome:
    """What a run did: where rows and events ended, what it found, seconds of stages, what looks wrong or was left out.

    `provisional` says why the day is only provisional; it is empty where the day is complete. `gates` are the rows of
    `gate_results`, None where there are no gates, `arrival` those of `label_arrival`, None where no label comes as a
    log of its own; `worst` has the worst slices of each task.
    """

    stamp: Stamp
    ledger: Ledger
    metrics: pa.Table
    stages: Mapping[str, float]
    warnings: tuple[str, ...]
    provisional: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    events: Mapping[str, EventCounts] = field(default_factory=dict)
    gates: pa.Table | None = None
    comparisons: pa.Table | None = None
    arrival: pa.Table | None = None
    worst: Sequence[Mapping[str, Any]] = ()


def judgements(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table | None]:
    """The tables of judgements by the names that they have in an outcome; None where there is none."""
    names = {"gates": "gate_results", "comparisons": "comparisons", "arrival": "label_arrival"}
    return {name: tables.get(table) for name, table in names.items()}
