"""What proofs are made of: the tables as they are, of one day at one age, and the run that has written them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.audit import recorded
from jobs.engines.identity import engine_of
from jobs.ledger import tables
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from jobs.storage import lake
from jobs.storage.change import DayAtAge

APPENDED: Final = ("runs", "rejects")
REQUIRED: Final = ("statistics", "shard_statistics", "metrics")  # without which a day is not there


@dataclass(frozen=True)
class Evidence:
    """What there is of a day at an age.

    Attributes:
        session: Of the engine.
        settings: The configuration of the run that counts; that of now where none was done.
        part: The day and its age.
        events: What `runs` has of them.
        held: By table how many rows are of which run.
        sample: How many cells are computed again from the logs.
    """

    session: SparkSession
    settings: Evaluation
    part: DayAtAge
    events: Sequence[Mapping[str, Any]]
    held: Mapping[str, Counter[str]] = field(default_factory=dict)
    sample: int = 0

    @cached_property
    def tables(self) -> Mapping[str, pa.Table]:
        """The rows of every table that a run replaces, as far as there are any."""
        names = [name for name in tables.declared(self.settings) if name not in APPENDED]
        with ThreadPoolExecutor(max(1, len(names))) as pool:
            found = dict(zip(names, pool.map(self.rows, names), strict=True))
        return {name: rows for name, rows in found.items() if rows.num_rows or name in (*REQUIRED, "class_statistics")}

    @property
    def run(self) -> Mapping[str, Any] | None:
        """The end of the run that counts, as `runs` has it."""
        return recorded.done(self.events, [*recorded.counting(self.events)])

    @property
    def holds_rows(self) -> bool:
        """Whether any table has a row of it."""
        return any(counter.total() for counter in self.held.values())

    @property
    def stamp(self) -> Stamp:
        """What every row of the run carries."""
        assert self.run is not None
        return Stamp(*self.part, self.run["as_of"], self.run["run_id"], bool(self.run["provisional"]))

    def rows(self, name: str, columns: Collection[str] | None = None, *, every_age: bool = False) -> pa.Table:
        """Rows of a table of the day, at its age or at every one; a column that it lacks is NULL."""
        declared = tables.declared(self.settings)[name].schema
        schema = declared if columns is None else pa.schema([each for each in declared if each.name in columns])
        where = lake.address(self.settings, name, engine_of(self.session))
        if not lake.exists(self.session, where):
            return schema.empty_table()
        age = None if every_age else self.part.age_hours
        return lake.rows(self.session, where, schema, [self.part.event_date], age)


def gathered(session: SparkSession, settings: Evaluation, part: DayAtAge, sample: int) -> Evidence:
    """What there is of a day at an age; its tables are read when they are asked for.

    Raises:
        ConfigurationError: The configuration of the run that has written them cannot be read any more (exit 2).
    """
    now = Evidence(session, settings, part, ())
    events = now.rows("runs").to_pylist()
    run = recorded.done(events, [*recorded.counting(events)])
    own = settings if run is None else recorded.configured(settings, run)
    places = {name: lake.address(own, name, engine_of(session)) for name in (*REQUIRED, *tables.OPTIONAL)}
    there = {name: where for name, where in places.items() if lake.exists(session, where)}
    return Evidence(session, own, part, events, lake.counted(session, there, part), sample)
