"""The upkeep of a table, whoever writes it: days put together, rows forgotten, files deleted, the log shortened."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Protocol

from pyspark.sql import SparkSession

from jobs.storage import delta_rust
from jobs.storage.address import Address
from jobs.storage.lake import again, told_of
from jobs.storage.upkeep import by_delta_rust, by_delta_spark
from jobs.storage.upkeep.told import Files, Upkeep
from jobs.storage.writers import writer_of

WEEK: Final = timedelta(days=7)


class Keeper(Protocol):
    """The functions of `by_delta_rust` and of `by_delta_spark`."""

    def compacted(
        self, session: SparkSession, where: Address, before: date, /, *, dry_run: bool
    ) -> tuple[Files, Files]:
        """Put the files of each day before `before` at an age together."""

    def vacuumed(self, session: SparkSession, where: Address, retention: timedelta, /, *, dry_run: bool) -> Files:
        """Delete files that no version of so long ago needs."""

    def forgotten(self, session: SparkSession, where: Address, before: date, /, *, dry_run: bool) -> int:
        """Delete the rows of days before `before`."""

    def shortened(self, session: SparkSession, where: Address, /) -> int | None:
        """Write a checkpoint, and delete what of the log is older than it is kept."""


def keeper_of(session: SparkSession, where: Address) -> Keeper:
    """The module that keeps a table up: that of its writer."""
    return by_delta_rust if writer_of(session, where) is delta_rust else by_delta_spark


def kept_up(  # noqa: PLR0913 - which table, how far back
    session: SparkSession,
    where: Address,
    *,
    closed: date,
    retention: timedelta,
    forget: date | None = None,
    dry_run: bool = False,
) -> Upkeep:
    """Keep a table up; a run that commits meanwhile goes first.

    Args:
        session: Of the engine.
        where: The table, which is there.
        closed: Days before this one are put together.
        retention: Files that were taken out of the table, or never were in it, for longer than that are deleted.
        forget: Rows of days before this one are deleted.
        dry_run: Whether nothing is done, and all is told.
    """
    keeper = keeper_of(session, where)
    with told_of(where):
        rows = 0 if forget is None else _forgotten(keeper, session, where, forget, dry_run)
        found, became = _compacted(keeper, session, where, closed, dry_run)
        deleted = keeper.vacuumed(session, where, retention, dry_run=dry_run)
        log = None if dry_run else keeper.shortened(session, where)
    return Upkeep(found, became, deleted, rows, log)


@again
def _compacted(
    keeper: Keeper, session: SparkSession, where: Address, closed: date, dry_run: bool
) -> tuple[Files, Files]:
    return keeper.compacted(session, where, closed, dry_run=dry_run)


@again
def _forgotten(keeper: Keeper, session: SparkSession, where: Address, before: date, dry_run: bool) -> int:
    return keeper.forgotten(session, where, before, dry_run=dry_run)
