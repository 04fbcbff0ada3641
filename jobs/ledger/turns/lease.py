"""One run per day and age: a run takes them by its first event in `runs`, and keeps them by signs of life there.

That event carries the run's turn, of which Delta commits one and no second, wherever the tables are: there is no file
of locks, and nothing that somebody has to remove. A run lets go by its last event, or by its death: on the same host
its process is gone, on another one no sign of life has come for so long as it said itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jobs.engines import failures
from jobs.errors import InputMissingError, RuntimeFailure
from jobs.ledger.journal import Journal, noted
from jobs.ledger.turns import holders
from jobs.ledger.turns.holders import Holder
from jobs.ledger.writer import Writer
from jobs.settings.durations import duration_text
from jobs.storage import lake
from jobs.storage.change import Turn

SIGNS: Final = 4  # so many signs of life fit into the silence after which a run counts as dead
PAUSE: Final = timedelta(seconds=5)  # between two looks at a run that is waited for, or less: a part of that silence
Events = list[dict[str, Any]]
# The runs of this process that hold a day: one that ended without an event must not hold it until the process ends.
OURS: Final[set[str]] = set()


@contextmanager
def leased(writer: Writer, journal: Journal, **facts: Any) -> Iterator[Writer]:
    """A writer whose run has the day and age for itself within the block; `facts` are told with its first event.

    Raises:
        RuntimeFailure: Another run has them, for longer than `lease.wait`; nothing was written (exit 3).
    """
    lease = _Lease(writer, journal)
    turn = lease.taken(facts)
    with lease.kept():
        yield replace(writer, turn=turn, fenced=lease.fenced, still_held=lease.check)


def missed(writer: Writer, journal: Journal, failure: InputMissingError) -> None:
    """Tell in `runs` that a source is not there, unless another run has the day, which will tell what becomes of it."""
    with noted(failure):
        journal.ensured()
        lease = _Lease(writer, journal)
        events = lease.events()
        if lease.living(events) is None and lease.took(events, {}) is not None:
            with lease.kept():
                journal.tell("refused", message=failures.told(failure, whole=False))


@dataclass
class _Lease:
    """The lease of one run."""

    writer: Writer
    journal: Journal
    watched: holders.Watch = field(default_factory=holders.Watch)
    ended: threading.Event = field(default_factory=threading.Event)
    last: float = 0.0
    fenced: bool = False

    @property
    def silence(self) -> timedelta:
        return self.writer.settings.lease.silence

    def taken(self, facts: dict[str, Any]) -> Turn:
        """Wait for the run that has the day, and take it."""
        until = time.monotonic() + self.writer.settings.lease.wait.total_seconds()
        while True:
            # Looked at once: a turn that is counted later would be that after a run nobody has asked whether it lives.
            events = self.events()
            other = self.living(events)
            turn = self.took(events, facts) if other is None else None
            if turn is not None:
                return turn
            # Who has lost by a moment looks once more: by then it is known to whom.
            if other is not None and time.monotonic() >= until:
                raise self._refused(other)
            if other is not None:
                time.sleep(min(PAUSE, self.silence / (2 * SIGNS)).total_seconds())

    def living(self, events: Events) -> Holder | None:
        """The run that has the day and age, and lives as far as is known."""
        holder = holders.of(events, self.silence)
        return None if holder is None or self.watched.is_dead(holder, OURS) else holder

    def took(self, events: Events, facts: dict[str, Any]) -> Turn | None:
        """Begin the run, as the next one in turn; None where another one was quicker."""
        turn = Turn(self.writer.part, holders.next_turn(events))
        run_id = self.writer.stamp.run_id
        self.journal.take(turn, holder=holders.told(self.silence), **facts)
        self.last = time.monotonic()
        self.fenced = holders.has_unended(events)
        return turn if run_id in {event["run_id"] for event in self.events()} else None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Give signs of life within the block."""
        signs = threading.Thread(target=self._give_signs, name="lossledger-lease", daemon=True)
        OURS.add(self.writer.stamp.run_id)
        signs.start()
        try:
            yield
        finally:
            self.ended.set()
            signs.join()
            OURS.discard(self.writer.stamp.run_id)

    def check(self) -> None:
        """Raise RuntimeFailure (exit 3) where this run was silent for so long that another one has taken the day."""
        if time.monotonic() - self.last < self.silence.total_seconds() / 2:
            return
        later = self._later()
        if later is not None:
            raise RuntimeFailure(
                f"another run wrote the same day at the same time: run {later.run_id} took {self._what} at "
                f"{later.since.isoformat()}, as this one had not been heard of for {duration_text(self.silence)} "
                "(lease.silence); nothing was written. Run again."
            )

    def _give_signs(self) -> None:
        while not self.ended.wait(self.silence.total_seconds() / SIGNS):
            try:
                if self._later() is not None:
                    return
                self.journal.live()
            except Exception as error:
                # The run goes on: before it writes, it asks whether it may.
                self.journal.doubt(f"no sign of life could be given: {failures.told(error, whole=False)}")
            else:
                self.last = time.monotonic()

    def _later(self) -> Holder | None:
        newest = holders.newest(self.events(), self.silence)
        return newest if newest is not None and newest.run_id != self.writer.stamp.run_id else None

    def events(self) -> Events:
        """The events of the day and age by now."""
        day, age_hours = self.writer.part
        where = self.writer.address("runs")
        found: Events = lake.rows(self.writer.session, where, holders.EVENTS, [day], age_hours).to_pylist()
        return found

    @property
    def _what(self) -> str:
        day, age_hours = self.writer.part
        return f"{self.writer.settings.evaluation}, {day.isoformat()} at {age_hours}h"

    def _refused(self, other: Holder) -> RuntimeFailure:
        heard = (datetime.now(UTC) - other.heard) // timedelta(seconds=1)
        wait = self.writer.settings.lease.wait
        return RuntimeFailure(
            f"another run is under way: {other}, has {self._what} since {other.since.isoformat()}, last heard of "
            f"{heard} s ago, and was waited for {duration_text(wait)} (lease.wait). Nothing was written. It is taken "
            f"over when its process is gone, or when it has been silent for {duration_text(other.silence)}; run again."
        )
