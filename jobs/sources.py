"""Sources, pinned: what a run reads is fixed once, so that a source that grows meanwhile cannot change a result."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from jobs import failures, lake, listing, paths, whole
from jobs.day import Day, spellings
from jobs.engines import engine_of
from jobs.errors import ConfigurationError, ContractError, InputChangedError, InputMissingError
from jobs.paths import Partition
from jobs.settings import Source
from jobs.settings.options import sail_problems

ABSENT = re.compile(
    r"PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND|path does not exist|doesn't exist|no such file|"
    r"(table|object|location).* not found",
    re.IGNORECASE,
)
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class File:
    """One file as it was when it was pinned. Size and time are known for local files only."""

    path: str
    size: int | None
    modified: int | None


@dataclass(frozen=True)
class Pinned:
    """A source of which every later action reads the same rows."""

    name: str
    frame: DataFrame
    is_text: bool
    provenance: dict[str, Any]
    files: tuple[File, ...] = ()

    @property
    def types(self) -> dict[str, str]:
        """The columns, with their types as engines call them."""
        return dict(self.frame.dtypes)


@dataclass(frozen=True)
class Wanted:
    """A source to pin.

    Attributes:
        name: Where it stands in the configuration, for messages.
        source: What to read.
        day: The day of the run, for pruning by `partition`.
        partition: The source's own date column, or None.
        until: The moment up to which events after the day are wanted, or None where only the day is.
        columns: The columns that are wanted, or None for all.
    """

    name: str
    source: Source
    day: Day
    partition: str | None = None
    until: datetime | None = None
    columns: frozenset[str] | None = None

    @property
    def spellings(self) -> list[str]:
        """How a partition of the wanted dates may be spelled."""
        dates = self.day.dates_until(self.until or self.day.end - timedelta.resolution)
        return [text for date in dates for text in spellings(date)]


def pinned(session: SparkSession, wanted: Wanted) -> Pinned:
    """Fix the version (Delta) or the list of files (all else) of a source.

    Raises:
        InputMissingError: Nothing is there (exit 4).
        ContractError: What is there cannot be read, or cannot be pinned (exit 2).
    """
    kind, path = _located(session, wanted.name, wanted.source)
    try:
        pin = _pinned_delta if kind == "delta" else _pinned_files
        found = pin(session, wanted, kind, path)
        _check_columns(found)
        return found
    except (*failures.ENGINE_ERRORS, DeltaError) as error:
        told = f"{wanted.name}: cannot read {path!r} as {kind}: {failures.causes(error)[0]}. "
        mend = failures.remedy(error)
        if mend is None and ABSENT.search(told):
            raise InputMissingError(f"{told}Check the path (exit code 4: not there yet).") from error
        mend = mend or "Check the format of the source, and that its files are whole."
        raise ContractError(f"{told}{mend}") from error


def _check_columns(source: Pinned) -> None:
    """Raise ContractError (exit 2) for columns that differ in case only, which engines tell apart each in its way."""
    # A lazy engine meets an unreadable schema only when it is asked for it, here.
    spelled: dict[str, str] = {}
    for name in source.frame.columns:
        if (other := spelled.setdefault(name.lower(), name)) != name:
            raise ContractError(
                f"{source.name}: found columns {other!r} and {name!r}, expected names that differ in more than case. "
                "Spark compares them without it: rename one of the two."
            )


def missing(source: Source) -> bool | None:
    """Whether nothing is at the local path of a source; None of any other place, where only its engine can tell."""
    local = None if source.path is None else paths.local_path(source.path)
    return None if local is None or paths.is_pattern(local) else not os.path.exists(local)


def verify(sources: Iterable[Pinned]) -> None:
    """Raise InputChangedError (exit 3) where a pinned local file is not what it was."""
    for source in sources:
        for file in source.files:
            if _stat(file.path) != file:
                raise InputChangedError(
                    f"{source.name}: {file.path} changed while it was read; nothing was written. "
                    "Run again, and let producers add files instead of changing them."
                )


def _located(session: SparkSession, name: str, source: Source) -> tuple[str, str]:
    """Format and path of a source; a catalog table is looked up once."""
    if source.table is None:
        assert source.format is not None and source.path is not None
        if missing(source):
            raise InputMissingError(
                f"{name}: there is nothing at {source.path!r} on this machine. Check the path, name its file system "
                "(as in hdfs://…), or wait until the log is there (exit code 4: not there yet)."
            )
        if source.format != "delta":
            _check_literal(name, source.path)
        return source.format, source.path
    try:
        rows = session.sql(f"DESCRIBE TABLE EXTENDED {lake.Address(name=source.table).identifier}").collect()
    except failures.ENGINE_ERRORS as error:
        told = f"{name}: the catalog does not show table {source.table!r}: {failures.causes(error)[0]}"
        raise (InputMissingError if ABSENT.search(told) else ContractError)(told) from error
    facts = {row["col_name"]: row["data_type"] for row in rows}
    if not facts.get("Provider") or not facts.get("Location"):
        raise ContractError(
            f"{name}: {source.table!r} has no files of its own (a view?), so it cannot be pinned; "
            "name the table or the path under it"
        )
    return str(facts["Provider"]).lower(), str(facts["Location"])


def _check_literal(name: str, path: str) -> None:
    """Raise ContractError (exit 2) for what is there under a name that engines take for a pattern."""
    local = paths.local_path(path)
    if local is not None and paths.is_pattern(local) and os.path.exists(local):
        raise ContractError(f"{name}: {path!r} is there, but engines take * ? [ {{ for a pattern. Rename it.")


def _pinned_delta(session: SparkSession, wanted: Wanted, _: str, path: str) -> Pinned:
    partition = wanted.partition
    version = lake.version(session, path)
    frame = session.read.format("delta").option("versionAsOf", version).load(path)
    prunes = partition is not None and partition in frame.columns
    whole.check_delta(wanted.name, path, version, {str(partition): wanted.spellings} if prunes else {})
    if prunes:
        frame = frame.where(F.col(f"`{partition}`").cast("string").isin(wanted.spellings))
    return Pinned(wanted.name, frame, False, {"format": "delta", "path": path, "version": version})


def _pinned_files(session: SparkSession, wanted: Wanted, kind: str, path: str) -> Pinned:
    reader = _reader(session, kind, wanted)
    groups = _listed(reader, wanted, path)
    kept = {values: files for values, files in groups.items() if _may_hold(wanted, dict(values))}
    if not any(_may_be_day(wanted, dict(values)) for values in kept):
        raise InputMissingError(
            f"{wanted.name}: no file under {path!r} for {wanted.day.date.isoformat()}{_partitions(wanted, groups)} "
            "(exit code 4: not there yet)."
        )
    if wanted.columns is not None and wanted.columns.isdisjoint(key for values in kept for key, _ in values):
        # Nobody asks for the values of folders: one reading of them all, not one for each day of a year.
        kept = {(): [file for files in kept.values() for file in files]}
    whole.check(wanted.name, kind, (file for files in kept.values() for file in files), wanted.source.options)
    parts = [
        _with_values(part, values)
        for values, files in sorted(kept.items())
        for part in _loaded(reader, kind, wanted.source, files)
    ]
    # A column that files of an earlier day lack, such as a new model's score, is NULL there.
    frame = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)
    if kind == "csv" and wanted.source.null_words:
        frame = _without_words(frame, wanted.source.null_words)
    files = tuple(_stat(file) for files in kept.values() for file in files)
    return Pinned(wanted.name, frame, kind == "csv", _described(kind, path, files), files)


def _listed(reader: DataFrameReader, wanted: Wanted, path: str) -> dict[Partition, list[str]]:
    """The files of a source by the partition that their folders name."""
    groups: dict[Partition, list[str]] = defaultdict(list)
    root = paths.root_of(path)
    everywhere = paths.is_pattern(path) or listing.is_recursive(wanted.source.options)
    files = listing.files(path, wanted.source.options)
    if files is None:
        files = sorted(paths.respelled(file) for file in reader.load(path).inputFiles())
    for file in files:
        _check_literal(wanted.name, file)
        folders = paths.folders(root, file)
        if any(map(listing.is_hidden, (*folders, os.path.basename(file)))):
            continue
        # Plain folders are read by Sail in any case, by Apache Spark where it is told to.
        if everywhere or all("=" in folder for folder in folders):
            groups[paths.partition_values(folders)].append(file)
    return groups


def _loaded(reader: DataFrameReader, kind: str, source: Source, files: list[str]) -> list[DataFrame]:
    """The rows of files of one folder. Engines give all CSV files the columns of the first one, by their position."""
    if kind != "csv" or source.names or len(files) == 1:
        return [reader.load(files)]
    by_header: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for file in files:
        by_header[tuple(reader.load(file).columns)].append(file)
    return [reader.load(alike) for alike in by_header.values()]


def _partitions(wanted: Wanted, found: Iterable[Partition]) -> str:
    """Which partitions were looked for, and which are there."""
    if wanted.partition is None:
        return ""
    there = sorted({f"{key}={value}" for values in found for key, value in values})
    looked = f" in a partition {wanted.partition}={wanted.day.date.isoformat()}"
    return f"{looked}; there are {', '.join(there[-3:])}" if there else looked


def _may_be_day(wanted: Wanted, values: Mapping[str, str]) -> bool:
    """Whether a folder can be what a run needs at least: of impressions, whose day has rows under its own date."""
    value = values.get(wanted.partition) if wanted.partition else None
    return value is None or wanted.until is not None or value in wanted.day.spellings


def _may_hold(wanted: Wanted, values: Mapping[str, str]) -> bool:
    """Whether a folder with these partition values can hold rows of the day."""
    value = values.get(wanted.partition) if wanted.partition else None
    return value is None or value in wanted.spellings


def _reader(session: SparkSession, kind: str, wanted: Wanted) -> DataFrameReader:
    source = wanted.source
    if engine_of(session) == "sail":
        _check_options(kind, wanted)
    reader = session.read.format(kind)
    if kind == "csv":
        # What Sail does in any case: quotes are doubled within quotes (RFC 4180), and a row with more or fewer fields
        # than the first fails, in every pass alike, rather than lend a column the value of its neighbour.
        reader = reader.options(
            header=not source.names, inferSchema=False, escape='"', mode="FAILFAST", columnPruning=False
        )
        if source.names:
            reader = reader.schema(", ".join(f"`{name.replace('`', '``')}` STRING" for name in source.names))
    return reader.options(**{name: value for name, value in source.options.items() if name.lower() != "nullvalue"})


def _check_options(kind: str, wanted: Wanted) -> None:
    """Raise ConfigurationError (exit 2) for options that the embedded engine would pass over."""
    problems = sail_problems(f"{wanted.name}.source", kind, wanted.source.options)
    if problems:
        raise ConfigurationError("the embedded engine does not know these options", problems)


def _without_words(frame: DataFrame, words: Iterable[str]) -> DataFrame:
    """A frame of texts in which some words are NULL, as an empty field is on either engine."""
    columns = [(name, F.col(f"`{name.replace('`', '``')}`")) for name in frame.columns]
    return frame.select(*(F.when(~column.isin(*words), column).alias(name) for name, column in columns))


def _with_values(frame: DataFrame, values: Sequence[tuple[str, str]]) -> DataFrame:
    for key, value in values:
        frame = frame.withColumn(key, F.lit(None if value == NULL_PARTITION else value).cast("string"))
    return frame


def _described(kind: str, path: str, files: Sequence[File]) -> dict[str, Any]:
    digest = hashlib.sha256(repr([(f.path, f.size, f.modified) for f in files]).encode()).hexdigest()
    sizes = [file.size for file in files if file.size is not None]
    # Of files elsewhere only the names are known, and not what they held.
    known = {"bytes": sum(sizes), "fingerprint": digest} if len(sizes) == len(files) else {"names": digest}
    return {"format": kind, "path": path, "files": len(files), **known}


def _stat(path: str) -> File:
    local = paths.local_path(path)
    if local is None or not os.path.exists(local):
        return File(path, None, None)
    status = os.stat(local)
    return File(path, status.st_size, status.st_mtime_ns)
