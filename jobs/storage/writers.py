"""Which module writes Delta tables for a session, and what each has to do: another question than what computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from pyspark.sql import DataFrame, SparkSession

from jobs.engines.identity import engine_of
from jobs.storage import delta_rust, delta_spark
from jobs.storage.address import Address
from jobs.storage.change import Change
from jobs.storage.schema import Column, Table


class DeltaWriter(Protocol):
    """The functions of `delta_spark` and of `delta_rust`."""

    def version(self, session: SparkSession, path: str, /) -> int:
        """The newest version of a table."""

    def exists(self, session: SparkSession, where: Address, /) -> bool:
        """Whether there is a table."""

    def read(self, session: SparkSession, where: Address, /) -> DataFrame:
        """A table as it is now."""

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


def writer_of(session: SparkSession) -> DeltaWriter:
    """The module that writes for a session: that of its engine, whatever way leads to it.

    Raises:
        EngineError: The engine is none that was tested (exit 3).
    """
    return WRITERS[engine_of(session)]
