"""Which run has a day and age, by their events in `runs`, and whether it is dead."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jobs import process
from jobs.ledger.turns.precedence import EVENTS, Began
from jobs.process import Process

__all__ = ["EVENTS", "Holder", "Watch", "newest", "next_turn", "of", "told"]

ENDINGS: Final = ("done", "failed", "refused")
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Holder:
    """A run that began: since when it has the day, when it was last heard of, and how long it may be silent.

    `process` is None of a run of an older release, which did not say it.
    """

    run_id: str
    since: datetime
    heard: datetime
    silence: timedelta
    process: Process | None

    def __str__(self) -> str:
        """Return who it is."""
        return f"run {self.run_id}" + ("" if self.process is None else f", {self.process}")


def told(silence: timedelta) -> dict[str, Any]:
    """What a run says of itself: its process, and how many seconds it may be silent."""
    return {**process.this()._asdict(), "silence": silence.total_seconds()}


def next_turn(events: Iterable[Event]) -> int:
    """The number of the next run of a day and age: above that of every one before."""
    numbers = [event["turn"] or 0 for event in events if event["state"] == "started"]
    return max(len(numbers), *numbers, 0) + 1


def newest(events: Collection[Event], silence: timedelta) -> Holder | None:
    """The run that was the last to take a day and age, whether it has ended or not.

    Args:
        events: All events of the day and age.
        silence: How long a run may be silent that has not said so itself.
    """
    began = [event for event in events if event["state"] == "started"]
    if not began:
        return None
    first = max(began, key=Began.of)
    heard = max(event["event_time"] for event in events if event["run_id"] == first["run_id"])
    said = json.loads(first["holder"] or "null")
    if said is None:
        return Holder(first["run_id"], first["event_time"], heard, silence, None)
    own = Process(said["host"], said["pid"], said["birth"])
    return Holder(first["run_id"], first["event_time"], heard, timedelta(seconds=said["silence"]), own)


def of(events: Collection[Event], silence: timedelta) -> Holder | None:
    """The run that has a day and age: the last to take it, unless it has ended; see `newest`."""
    last = newest(events, silence)
    ended = {event["run_id"] for event in events if event["state"] in ENDINGS}
    return None if last is None or last.run_id in ended else last


def has_unended(events: Iterable[Event]) -> bool:
    """Whether a run has begun and not ended: it was killed, or taken for dead."""
    states = {(event["run_id"], event["state"] in ENDINGS) for event in events}
    return any((run_id, True) not in states for run_id, _ in states)


@dataclass
class Watch:
    """What has been seen of a run while it is waited for."""

    seen: dict[tuple[str, datetime], float] = field(default_factory=dict)

    def is_dead(self, holder: Holder, ours: Collection[str]) -> bool:
        """Whether a run is dead: its process is gone, or no sign of life has come for as long as it may be silent.

        That is watched by the clock of this process. A run that was silent before is dead at once by its last sign,
        by the clocks of two hosts only where they say twice that time: they may differ.
        """
        runs = None if holder.process is None else process.is_running(holder.process)
        if runs is False or (holder.process == process.this() and holder.run_id not in ours):
            return True
        now = time.monotonic()
        since = self.seen.setdefault((holder.run_id, holder.heard), now)
        allowed = holder.silence if runs else 2 * holder.silence
        return now - since > holder.silence.total_seconds() or datetime.now(UTC) - holder.heard > allowed
