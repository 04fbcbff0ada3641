"""What a run tells `runs`: that it began, and how it ended, each with all that is known by then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.engines import failures
from jobs.engines.identity import engine_of, served_by
from jobs.errors import InputMissingError, LossledgerError
from jobs.ledger import runs, tables
from jobs.ledger.stamp import Stamp
from jobs.ledger.writer import Writer
from jobs.storage import lake


class Journal:
    """The events of one run."""

    def __init__(self, writer: Writer) -> None:
        """Begin with what the writer knows of the run."""
        self._writer = writer
        self.stamp = writer.stamp
        self._facts: dict[str, Any] = {}

    def know(self, *, stamp: Stamp | None = None, **facts: Any) -> None:
        """Remember what every later event says: another stamp, or facts as `runs.event` takes them."""
        self.stamp = stamp or self.stamp
        self._facts |= facts

    def tell(self, state: str, **facts: Any) -> None:
        """Append an event."""
        writer = self._writer
        engine = engine_of(writer.session)
        facts = {"served": served_by(writer.session), **self._facts, **facts}
        row = runs.event(state, self.stamp, writer.settings, engine, **facts)
        writer.append("runs", row)

    def missed(self, failure: InputMissingError) -> None:
        """Tell that a source is not there, in a table made for it if need be."""
        with _noted(failure):
            lake.ensure(self._writer.session, self._writer.address("runs"), tables.RUNS)
            self.tell("started")
            self.tell("refused", message=failures.told(failure, whole=False))

    def failed(self, failure: Exception) -> None:
        """Tell why the run ended; where that fails too, the failure itself says so."""
        refused = isinstance(failure, LossledgerError) and failure.exit_code in (2, 4)
        with _noted(failure):
            self.tell("refused" if refused else "failed", message=failures.told(failure, whole=False))


@contextmanager
def _noted(failure: Exception) -> Iterator[None]:
    """Let a failure say what fails on telling it in `runs`: most likely for the same cause, which must not be lost."""
    try:
        yield
    except Exception as error:
        failure.add_note(f"`runs` could not be told: {failures.told(error, whole=False)}")
