"""What one run writes: it replaces its day in every table, and reads back that it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import paths
from jobs.engines.identity import engine_of
from jobs.errors import RuntimeFailure
from jobs.ledger import tables
from jobs.ledger.stamp import Stamp
from jobs.ledger.turns.precedence import Precedence
from jobs.settings import Evaluation
from jobs.storage import lake, soundness
from jobs.storage.change import Check, DayAtAge, Turn


def unasked() -> None:
    """What a writer without a lease asks before it writes: nothing."""


@dataclass(frozen=True)
class Writer:
    """The tables of an evaluation, as one run changes them: in its `turn`.

    They are `fenced` against runs that were taken for dead and may go on: also a table that has no rows of the day is
    told whose turn it is. `still_held` is asked before the first one is changed.
    """

    session: SparkSession
    settings: Evaluation
    stamp: Stamp
    turn: Turn | None = None
    fenced: bool = False
    still_held: Callable[[], None] = unasked

    @property
    def part(self) -> DayAtAge:
        """The day and the age that are written."""
        return DayAtAge(self.stamp.event_date, self.stamp.age_hours)

    def address(self, table: str) -> lake.Address:
        """Where a table of this evaluation is."""
        return lake.address(self.settings, table, engine_of(self.session))

    def check_place(self) -> None:
        """Raise ConfigurationError (exit 2) where the tables cannot be written, before anything else is done."""
        root = self.settings.tables.path
        local = None if root is None else paths.local_path(root)
        if local is not None:
            soundness.check_writable(Path(local).absolute() / self.settings.evaluation)

    def append(self, table: str, rows: pa.Table, turn: Turn | None = None) -> None:
        """Append rows to a table; none where a turn is asked for that another run has had."""
        lake.append(self.session, self.address(table), rows, self._metadata, turn)

    def fence(self, names: Iterable[str]) -> None:
        """Let no run that was taken for dead, and may go on, write some tables any more."""
        for where in map(self.address, names):
            if self.fenced and self.turn is not None and lake.exists(self.session, where):
                lake.fence(self.session, where, self.turn)

    def replace(self, new: Mapping[str, pa.Table], kept: Collection[str] = ()) -> None:
        """Replace the day in every table, and read back that it is there.

        Args:
            new: The rows by table.
            kept: Tables that are left as they are; of all others that have no new rows those of the day are removed.

        Raises:
            RuntimeFailure: Another run wrote the same day meanwhile (exit 3).
        """
        self.still_held()
        check = Precedence(self.session, self.address("runs"), self.part, self.stamp.run_id).check
        emptied = set(tables.OPTIONAL) - new.keys() - set(kept)
        with ThreadPoolExecutor(len(new)) as pool:
            list(pool.map(lambda name: self._replace_one(name, new[name], check), new))
            list(pool.map(lambda name: self._empty_one(name, check), emptied))
        # Not before all are written: of two runs at once, one at least then finds rows of the other.
        found = lake.counted(self.session, {name: self.address(name) for name in new}, self.part)
        for name, rows in new.items():
            self._check(name, found[name], rows.num_rows)

    def check_kept(self, names: Iterable[str], run_id: str) -> None:
        """Raise RuntimeFailure (exit 3) where tables that were kept hold rows of another run than that one."""
        found = lake.counted(self.session, {name: self.address(name) for name in names}, self.part)
        for name, held in found.items():
            if held.keys() != {run_id}:
                raise RuntimeFailure(
                    f"{name}: the rows that this run was made of are no longer those of run {run_id} alone; another "
                    "run wrote the same day at the same time. Run again."
                )

    def _replace_one(self, name: str, rows: pa.Table, check: Check) -> None:
        lake.replace(self.session, self.address(name), rows, self._metadata, check, self.turn)

    def _empty_one(self, name: str, check: Check) -> None:
        """Remove the day from a table of which it has no rows any more, as no score can be binned."""
        where = self.address(name)
        if lake.exists(self.session, where):
            # One commit: with a fence of its own, a run whose turn has passed would go on to remove the rows behind it.
            emptied = lake.clear if self.fenced else lake.remove
            emptied(self.session, where, self.part, check, self.turn)

    def _check(self, name: str, found: Counter[str], rows: int) -> None:
        """Check that a table has so many rows of this run, and no others."""
        count, ours = found.total(), found[self.stamp.run_id]
        if not count == ours == rows:
            raise RuntimeFailure(
                f"{name}: {rows:,} rows were written, {ours:,} of {count:,} read back are of this run; "
                "another run wrote the same day at the same time. Run again."
            )

    @property
    def _metadata(self) -> dict[str, Any]:
        stamp = self.stamp
        return {
            "run_id": stamp.run_id,
            "event_date": stamp.event_date.isoformat(),
            "age_hours": stamp.age_hours,
            "as_of": stamp.as_of.isoformat(),
            "config_hash": self.settings.fingerprint(),
        }
