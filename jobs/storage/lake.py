"""Delta Lake under both engines: tables are made, read and changed here, whatever the engine.

Apache Spark writes through delta-spark (`delta_spark`), the embedded engine through delta-rs (`delta_rust`), which both
do on the disk of one machine: two modules of the same functions, which know how the writers differ.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace as replaced
from datetime import date
from typing import Any, Final

import pyarrow as pa
from deltalake.exceptions import CommitFailedError
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from jobs.engines import failures
from jobs.engines.identity import engine_of
from jobs.storage import fitting, soundness
from jobs.storage.address import Address, address, check_spelling
from jobs.storage.change import Change, Check, DayAtAge, Turn, replaceable
from jobs.storage.schema import KEYS, Table
from jobs.storage.writers import WRITERS, writer_of

__all__ = [
    "Address",
    "address",
    "append",
    "counted",
    "ensure",
    "exists",
    "fence",
    "read",
    "remove",
    "replace",
    "rows",
    "version",
]

LOST_RACES: Final = ("Concurrent", "MetadataChanged", "ProtocolChanged")
# Another writer's folder is there, its first commit is not yet; or it has just added what we wanted to add.
HALF_MADE: Final = ("DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION", "DELTA_TABLE_NOT_FOUND")
JUST_ADDED: Final = ("DELTA_CONSTRAINT_ALREADY_EXISTS", "FIELD_ALREADY_EXISTS", "FIELDS_ALREADY_EXISTS")


def version(session: SparkSession, path: str) -> int:
    """The newest version of a Delta table."""
    check_spelling("a Delta source", path, engine_of(session))
    where = Address(path=path)
    soundness.check(where, ours=False)
    with told_of(where):
        return WRITERS[engine_of(session)].version(session, path)


def exists(session: SparkSession, where: Address) -> bool:
    """Whether there is a Delta table at an address.

    Raises:
        LossledgerError: There is one, and it is damaged; or something else is in its place (exit 2).
    """
    soundness.check(where)
    with told_of(where):
        return writer_of(session, where).exists(session, where)


def read(session: SparkSession, where: Address) -> DataFrame:
    """A table as it is now."""
    with told_of(where):
        return WRITERS[engine_of(session)].read(session, where)


def rows(
    session: SparkSession,
    where: Address,
    schema: pa.Schema,
    days: Collection[date] | None = None,
    age_hours: int | None = None,
) -> pa.Table:
    """Columns of the rows of some days at an age, or of all, in memory; NULL where the table has no such column."""
    with told_of(where):
        return writer_of(session, where).rows(session, where, schema, days, age_hours)


def distinct(
    session: SparkSession, where: Address, schema: pa.Schema, age_hours: int, days: Collection[date] | None = None
) -> pa.Table:
    """The different values that columns have together in the rows of an age, some of them more than once."""
    with told_of(where):
        return writer_of(session, where).distinct(session, where, schema, age_hours, days)


def counted(session: SparkSession, places: Mapping[str, Address], part: DayAtAge) -> dict[str, Counter[str]]:
    """How many rows of a day at an age tables hold of which run."""
    found: dict[str, Counter[str]] = {}
    for writer in WRITERS.values():
        own = {name: where for name, where in places.items() if writer_of(session, where) is writer}
        found |= writer.counted(session, own, part) if own else {}
    return found


def _lost_the_race(error: BaseException) -> bool:
    """Whether another writer committed first, so that the same commit may be tried again."""
    if isinstance(error, AnalysisException):
        return error.getCondition() in (*HALF_MADE, *JUST_ADDED)
    return isinstance(error, CommitFailedError) or type(error).__name__.startswith(LOST_RACES)


again = retry(
    retry=retry_if_exception(_lost_the_race),
    stop=stop_after_attempt(6),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    reraise=True,
)


def ensure(session: SparkSession, where: Address, table: Table) -> None:
    """Create a table with its comments and constraints, or add the nullable columns and the dimensions that it lacks.

    A dimension that comes later may be NULL in the files, as it is in the rows that are there; one that is no longer
    declared stays.

    Raises:
        ContractError: Another key of the table is not a key of the declaration, or the other way round.
    """
    with told_of(where):
        try:
            _ensure(session, where, table)
        except AnalysisException as error:
            if error.getCondition() not in HALF_MADE:
                raise
            if not soundness.clear_log(where):
                # After so many attempts this is no writer's table that is just being made.
                raise failures.occupied(str(where)) from error
            _ensure(session, where, table)


@contextmanager
def told_of(where: Address) -> Iterator[None]:
    """Name the table in what the disk or the rights of the user let fail."""
    try:
        yield
    except Exception as error:
        failure = failures.of_table(error, str(where))
        if failure is None:
            raise
        raise failure from error


@again
def _ensure(session: SparkSession, where: Address, table: Table) -> None:
    writer = writer_of(session, where)
    if not exists(session, where):
        # Apache Spark refuses such a place by itself, delta-rs would make a table around the files.
        if soundness.has_other_files(where) and not exists(session, where):
            raise failures.occupied(str(where))
        writer.create(session, where, table)
    fields = writer.fields(session, where)
    missing = [column for column in table.columns if column.name not in fields]
    fitting.check(where, table, fields)
    if missing:
        writer.add(session, where, [replaced(column, nullable=True) for column in missing])
    _complete(session, where, table)


def _complete(session: SparkSession, where: Address, table: Table) -> None:
    """Add the properties and constraints that a table lacks: no engine can create it with constraints in one commit."""
    if not table.properties and not table.checks:
        return
    writer = writer_of(session, where)
    have = writer.properties(session, where)
    lacking = {name: value for name, value in table.properties.items() if have.get(name) != value}
    if lacking:
        writer.set_properties(session, where, lacking)
    for name, condition in table.checks.items():
        if f"delta.constraints.{name}" not in have:
            writer.constrain(session, where, name, condition)


def replace(  # noqa: PLR0913, PLR0917 - what is replaced by what, and whose turn it is
    session: SparkSession,
    where: Address,
    rows: pa.Table,
    metadata: Mapping[str, Any],
    check: Check = replaceable,
    turn: Turn | None = None,
) -> None:
    """Replace one day at one age, atomically. All rows must belong to it, and there must be some.

    Nothing is written where a later turn has written already.
    """
    days = rows.select(KEYS).group_by(KEYS).aggregate([]).to_pylist()
    if len(days) != 1:
        raise ValueError(f"{where}: rows of one day and one age are replaced at a time, found {days}")
    _write(session, where, Change(rows, json.dumps(metadata), DayAtAge(**days[0]), check, turn))


@again
def remove(
    session: SparkSession, where: Address, part: DayAtAge, check: Check = replaceable, turn: Turn | None = None
) -> None:
    """Remove one day at one age, atomically; nothing is committed where it has no rows, or a later turn has written."""
    with told_of(where):
        writer_of(session, where).delete(session, where, Change(None, "", part, check, turn))


def clear(session: SparkSession, where: Address, part: DayAtAge, check: Check, turn: Turn | None) -> None:
    """Remove one day at one age, and let no earlier turn write from now on, in one commit even where it has no rows."""
    _write(session, where, Change(None, "{}", part, check, turn))


@again
def fence(session: SparkSession, where: Address, turn: Turn) -> None:
    """Let no earlier turn of a day and age write from now on, in a commit without rows."""
    with told_of(where):
        writer_of(session, where).write(session, where, Change(None, "{}", turn=turn))


def append(session: SparkSession, where: Address, rows: pa.Table, metadata: Any, turn: Turn | None = None) -> None:
    """Append rows in one commit; none where it is the turn of somebody else, which has to be read back."""
    _write(session, where, Change(rows, json.dumps(metadata), turn=turn))


@again
def _write(session: SparkSession, where: Address, change: Change) -> None:
    with told_of(where):
        writer_of(session, where).write(session, where, change)
