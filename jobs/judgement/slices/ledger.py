"""Our tables of a day and of earlier ones at one age: what the worst crosses are searched in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.errors import InputMissingError
from jobs.judgement.uncertainty.shared import shared
from jobs.ledger.held import held
from jobs.ledger.sharding import counted_in, folded, recorded
from jobs.settings import Evaluation
from jobs.settings.sections import Shards


@dataclass(frozen=True)
class Ledger:
    """The tables, and the day in question.

    Attributes:
        session: Of the engine.
        settings: What is configured.
        day: The day.
        age_hours: At which age.
        paired: Whether a unit is in the same shard on all days that are asked for.
    """

    session: SparkSession
    settings: Evaluation
    day: date
    age_hours: int
    paired: bool = field(default=True, kw_only=True)

    def beside(self, other: date) -> Ledger:
        """The same for two days, which may be one, with the shards that both have in common."""
        noted = self.shards({self.day, other})
        common = shared(*(noted.get(day, self.settings.shards) for day in (self.day, other)))
        settings = self.settings.model_copy(update={"shards": noted.get(self.day, self.settings.shards)})
        return replace(self, settings=counted_in(settings, common.count), paired=common.paired)

    def shards(self, days: Collection[date]) -> Mapping[date, Shards]:
        """Into which shards the units of days were divided."""
        return recorded(self.session, self.settings, days, self.age_hours)

    def by_shard(self, name: str, day: date) -> pa.Table:
        """A table of sums by shard, as `rows`."""
        found = self.rows(name, day)
        return folded(found, self.settings.shards.count) if self.paired else found

    def rows(self, name: str, day: date, columns: Sequence[str] | None = None) -> pa.Table:
        """A table of a day, one that is declared, or some columns of it; no rows where the day is not in it.

        Raises:
            InputMissingError: The day is provisional (exit 4).
        """
        found = self.held(name, day, columns and (*columns, "provisional"))
        if pc.any(found["provisional"]).as_py():
            raise InputMissingError(
                f"{day} at age {self.age_hours}h is provisional: what is lacking of it would be taken for a change; "
                "evaluate the day again once it is whole"
            )
        return found

    def cells(self, day: date, names: Sequence[str]) -> pa.Table:
        """The cells of a day with these statistics; none where it is provisional."""
        columns = self.columns(names)
        found = self.held("statistics", day, (*columns, "provisional"))
        return found.filter(pc.invert(pc.fill_null(found["provisional"], False))).select(columns)

    def columns(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns of cells with these statistics."""
        return tuple(dict.fromkeys(("task", "model", *self.settings.dimensions, *names)))

    def held(self, name: str, day: date, columns: Sequence[str] | None = None) -> pa.Table:
        """A table of a day, as it is."""
        days = [day]
        return held(self.session, self.settings, name, days, self.age_hours, columns=columns, provisional=True)
