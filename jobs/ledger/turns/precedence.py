"""Which of two runs of one day counts: the one whose turn is later, whichever writes last."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.errors import RuntimeFailure
from jobs.ledger.tables import RUNS
from jobs.storage import lake
from jobs.storage.change import DayAtAge

EVENTS = pa.schema([RUNS.schema.field(name) for name in ("state", "event_time", "run_id", "turn", "holder")])


class Began(NamedTuple):
    """The place of a run among those of its day: its turn; of an older release, which had none, its beginning."""

    turn: int
    event_time: datetime
    run_id: str

    @classmethod
    def of(cls, started: Mapping[str, Any]) -> Began:
        """The place of the run whose `started` event this is."""
        return cls(started["turn"] or 0, started["event_time"], started["run_id"])


@dataclass(frozen=True)
class Precedence:
    """The place of a run among those of its day, by their `started` events in `runs`.

    A run that was paused, or lost a race, finds rows of a later one in a table and leaves them. What is no run of
    `runs` is replaced. Turns decide, as `lease` gives them, and no clocks.
    """

    session: SparkSession
    runs: lake.Address
    part: DayAtAge
    run_id: str
    _earlier: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, held: Set[str]) -> None:
        """Raise RuntimeFailure (exit 3) where rows of a run that began later would be replaced."""
        with self._lock:
            unknown = held - self._earlier - {self.run_id}
            if unknown:
                self._compare(unknown)
                self._earlier.update(unknown)

    def _compare(self, others: Set[str]) -> None:
        began = self._began([*others, self.run_id])
        own = began.pop(self.run_id, None)
        later = max((each for each in began.values() if own is not None and each > own), default=None)
        if later is not None:
            raise RuntimeFailure(
                f"another run wrote the same day at the same time: run {later.run_id} began after this one, at "
                f"{later.event_time.isoformat()}, so its rows stay. Where runs_latest says in_doubt, run again."
            )

    def _began(self, run_ids: list[str]) -> dict[str, Began]:
        """When runs began, by their ids."""
        day, age_hours = self.part
        events = lake.rows(self.session, self.runs, EVENTS, [day], age_hours)
        return {
            event["run_id"]: Began.of(event)
            for event in events.to_pylist()
            if event["state"] == "started" and event["run_id"] in run_ids
        }
