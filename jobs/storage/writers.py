"""Which module writes Delta tables for a session, and what each has to do: another question than what computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final, Protocol

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.engines.identity import engine_of
from jobs.engines.session import is_here
from jobs.storage import delta_rust, delta_spark
from jobs.storage.address import PLAIN, Address
from jobs.storage.change import Change, DayAtAge
from jobs.storage.schema import Column, Table


class DeltaWriter(Protocol):
    """The functions of `delta_spark` and of `delta_rust`."""

    def version(self, session: SparkSession, path: str, /) -> int:
        """The newest version of a table."""

    def exists(self, session: SparkSession, where: Address, /) -> bool:
        """Whether there is a table."""

    def read(self, session: SparkSession, where: Address, /) -> DataFrame:
        """A table as it is now."""

    def fields(self, session: SparkSession, where: Address, /) -> dict[str, bool]:
        """The columns of a table, and whether each may be NULL."""

    def rows(
        self,
        session: SparkSession,
        where: Address,
        schema: pa.Schema,
        days: Collection[date] | None,
        age: int | None,
        /,
    ) -> pa.Table:
        """Columns of the rows of some days at an age, or of all; NULL where the table has no such column."""

    def distinct(
        self, session: SparkSession, where: Address, schema: pa.Schema, age_hours: int, days: Collection[date] | None, /
    ) -> pa.Table:
        """The different values that columns have together in some rows of an age, some of them more than once."""

    def counted(
        self, session: SparkSession, places: Mapping[str, Address], part: DayAtAge, /
    ) -> dict[str, Counter[str]]:
        """How many rows of a day at an age each table holds of which run."""

    def create(self, session: SparkSession, where: Address, table: Table, /) -> None:
        """Make a table with its comments and properties, unless it is there."""

    def add(self, session: SparkSession, where: Address, columns: Sequence[Column], /) -> None:
        """Add columns to a table."""

    def properties(self, session: SparkSession, where: Address, /) -> dict[str, str]:
        """The properties of a table, its constraints among them."""

    def set_properties(self, session: SparkSession, where: Address, values: Mapping[str, str], /) -> None:
        """Set properties of a table."""

    def constrain(self, session: SparkSession, where: Address, name: str, condition: str, /) -> None:
        """Add a constraint to a table."""

    def write(self, session: SparkSession, where: Address, change: Change, /) -> None:
        """Append rows, or replace those of a day at an age."""

    def delete(self, session: SparkSession, where: Address, change: Change, /) -> None:
        """Delete the rows of a day at an age; nothing is committed where there are none."""


WRITERS: Final[Mapping[str, DeltaWriter]] = {"spark": delta_spark, "sail": delta_rust}


def writer_of(session: SparkSession, where: Address) -> DeltaWriter:
    """The module that writes a table for a session: that of its engine, or delta-rs on the disk of this machine.

    There it commits in 20 ms what takes Apache Spark a second, and no storage settings of a cluster have a say.

    Raises:
        EngineError: The engine is none that was tested (exit 3).
    """
    own = WRITERS[engine_of(session)]
    return delta_rust if own is delta_spark and _is_on_disk(session, where) else own


def _is_on_disk(session: SparkSession, where: Address) -> bool:
    local = where.local
    return local is not None and PLAIN.fullmatch(local) is not None and is_here(session) and delta_rust.knows(local)
