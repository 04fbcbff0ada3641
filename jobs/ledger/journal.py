"""What a run tells `runs`: that it began, and how it ended, each with all that is known by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jobs.engines import failures
from jobs.engines.identity import engine_of, served_by
from jobs.errors import LossledgerError
from jobs.ledger import runs, tables
from jobs.ledger.stamp import Stamp
from jobs.ledger.writer import Writer
from jobs.storage import lake
from jobs.storage.change import Turn


class Journal:
    """The events of one run."""

    def __init__(self, writer: Writer) -> None:
        """Begin with what the writer knows of the run."""
        self._writer = writer
        self.stamp = writer.stamp
        self._facts: dict[str, Any] = {}
        self._doubts: dict[str, None] = {}

    def know(self, *, stamp: Stamp | None = None, **facts: Any) -> None:
        """Remember what every later event says: another stamp, or facts as `runs.event` takes them."""
        self.stamp = stamp or self.stamp
        self._facts |= facts

    def tell(self, state: str, **facts: Any) -> None:
        """Append an event with all that is known."""
        self._append(state, self._facts | facts)

    def take(self, turn: Turn, **facts: Any) -> None:
        """Append the event that the run began, unless another one has taken that turn: this has to be read back."""
        self.know(turn=turn.number, **facts)
        self._append("started", self._facts, turn)

    def live(self) -> None:
        """Append a sign of life."""
        self._append("running", {name: self._facts[name] for name in ("turn", "holder")})

    def _append(self, state: str, facts: Mapping[str, Any], turn: Turn | None = None) -> None:
        writer = self._writer
        facts = {"served": served_by(writer.session), **facts}
        writer.append("runs", runs.event(state, self.stamp, writer.settings, engine_of(writer.session), **facts), turn)

    def ensured(self) -> None:
        """Make `runs`, where it is not there."""
        lake.ensure(self._writer.session, self._writer.address("runs"), tables.RUNS)

    def doubt(self, sentence: str) -> None:
        """Remember what went wrong without an end to the run: its failure, if it has one, will say so."""
        self._doubts[sentence] = None

    def failed(self, failure: Exception) -> None:
        """Tell why the run ended; where that fails too, the failure itself says so."""
        refused = isinstance(failure, LossledgerError) and failure.exit_code in (2, 4)
        for sentence in self._doubts:
            failure.add_note(sentence)
        with noted(failure):
            self.tell("refused" if refused else "failed", message=failures.told(failure, whole=False))


@contextmanager
def noted(failure: Exception) -> Iterator[None]:
    """Let a failure say what fails on telling it in `runs`: most likely for the same cause, which must not be lost."""
    try:
        yield
    except Exception as error:
        failure.add_note(f"`runs` could not be told: {failures.told(error, whole=False)}")
