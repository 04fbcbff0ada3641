"""Sources, pinned: what a run reads is fixed once, so that a source that grows meanwhile cannot change a result."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import unquote, urlsplit

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from jobs import lake
from jobs.day import Day
from jobs.errors import ContractError, InputChangedError, InputMissingError
from jobs.settings import Source

ABSENT = re.compile(r"PATH_NOT_FOUND|does not exist|doesn't exist|no such file|not found", re.IGNORECASE)
GLOB = frozenset("*?[{")
Partition = tuple[tuple[str, str], ...]
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


@dataclass(frozen=True)
class Wanted:
    """A source to pin.

    Attributes:
        name: Where it stands in the configuration, for messages.
        source: What to read.
        day: The day of the run, for pruning by `partition`.
        partition: The source's own date column, or None.
    """

    name: str
    source: Source
    day: Day
    partition: str | None = None


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
        # A lazy engine meets an unreadable schema only when it is asked for it.
        found.frame.dtypes  # noqa: B018
        return found
    except (PySparkException, Py4JJavaError) as error:
        if re.search("nano", str(error), re.IGNORECASE):
            raise ContractError(
                f"{wanted.name}: {path!r} has timestamps in nanoseconds, which Spark cannot read. "
                "Write them in microseconds, e.g. pandas' to_parquet(..., coerce_timestamps='us')."
            ) from error
        told = f"{wanted.name}: cannot read {path!r} as {kind}: {_first_line(error)}. "
        if ABSENT.search(told):
            raise InputMissingError(f"{told}Check the path (exit code 4: not there yet).") from error
        raise ContractError(f"{told}Check the format of the source, and that its files are whole.") from error


def missing(source: Source) -> bool:
    """Whether nothing is at the local path of a source; of any other place only its engine can tell."""
    local = None if source.path is None else _local(source.path)
    return local is not None and not GLOB.intersection(local) and not os.path.exists(local)


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
                f"{name}: there is nothing at {source.path!r}. "
                "Check the path, or wait until the log is there (exit code 4: not there yet)."
            )
        return source.format, source.path
    try:
        rows = session.sql(f"DESCRIBE TABLE EXTENDED {lake.Address(name=source.table).identifier}").collect()
    except PySparkException as error:
        raise InputMissingError(f"{name}: there is no table {source.table!r}: {_first_line(error)}") from error
    facts = {row["col_name"]: row["data_type"] for row in rows}
    if not facts.get("Provider") or not facts.get("Location"):
        raise ContractError(
            f"{name}: {source.table!r} has no files of its own (a view?), so it cannot be pinned; "
            "name the table or the path under it"
        )
    return str(facts["Provider"]).lower(), str(facts["Location"])


def _pinned_delta(session: SparkSession, wanted: Wanted, _: str, path: str) -> Pinned:
    partition = wanted.partition
    version = lake.version(session, path)
    frame = session.read.format("delta").option("versionAsOf", version).load(path)
    if partition is not None and partition in frame.columns:
        frame = frame.where(F.col(f"`{partition}`").cast("string").isin(_spellings(wanted.day)))
    return Pinned(wanted.name, frame, False, {"format": "delta", "path": path, "version": version})


def _pinned_files(session: SparkSession, wanted: Wanted, kind: str, path: str) -> Pinned:
    reader = _reader(session, kind, wanted.source)
    groups = _listed(reader, wanted.source, path)
    kept = {values: files for values, files in groups.items() if _may_hold(wanted, dict(values))}
    if not kept:
        raise InputMissingError(
            f"{wanted.name}: no file under {path!r} for {wanted.day.date.isoformat()}{_partitions(wanted, groups)} "
            "(exit code 4: not there yet)."
        )
    parts = [
        _with_values(part, values)
        for values, files in sorted(kept.items())
        for part in _loaded(reader, kind, wanted.source, files)
    ]
    # A column that files of an earlier day lack, such as a new model's score, is NULL there.
    frame = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)
    files = tuple(_stat(file) for files in kept.values() for file in files)
    return Pinned(wanted.name, frame, kind == "csv", _described(kind, path, files), files)


def _listed(reader: DataFrameReader, source: Source, path: str) -> dict[Partition, list[str]]:
    """The files of a source by the partition that their folders name."""
    groups: dict[Partition, list[str]] = defaultdict(list)
    root = _root(path)
    everywhere = bool(GLOB.intersection(path)) or "recursiveFileLookup" in source.options
    for file in sorted(_plain(file) for file in reader.load(path).inputFiles()):
        folders = _folders(root, file)
        # Plain folders are read by Sail in any case, by Apache Spark where it is told to.
        if everywhere or all("=" in folder for folder in folders):
            groups[_partition_values(folders)].append(file)
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


def _may_hold(wanted: Wanted, values: Mapping[str, str]) -> bool:
    """Whether a folder with these partition values can hold rows of the day."""
    value = values.get(wanted.partition) if wanted.partition else None
    return value is None or value in _spellings(wanted.day)


def _reader(session: SparkSession, kind: str, source: Source) -> DataFrameReader:
    reader = session.read.format(kind)
    if kind == "csv":
        # Quotes are doubled within quotes (RFC 4180); Apache Spark takes a backslash otherwise, and Sail does not.
        reader = reader.options(header=not source.names, inferSchema=False, escape='"')
        if source.names:
            reader = reader.schema(", ".join(f"`{name.replace('`', '``')}` STRING" for name in source.names))
    return reader.options(**dict(source.options))


def _with_values(frame: DataFrame, values: Sequence[tuple[str, str]]) -> DataFrame:
    for key, value in values:
        frame = frame.withColumn(key, F.lit(None if value == NULL_PARTITION else value).cast("string"))
    return frame


def _root(path: str) -> str:
    """The folder of a source, absolute, down to where a pattern begins."""
    plain = path.rstrip("/")
    while GLOB.intersection(plain):
        plain = os.path.dirname(plain)
    local = _local(plain)
    return plain if local is None else os.path.abspath(local)


def _folders(root: str, file: str) -> list[str]:
    """The folders between the root of a source and one of its files."""
    base, place = (_local(path) or urlsplit(path).path for path in (root, file))
    inside = place.removeprefix(base.rstrip("/") + "/")
    return [] if inside == place else inside.split("/")[:-1]


def _partition_values(folders: Iterable[str]) -> Partition:
    """The keys and values of folders `key=value`."""
    pairs = (folder.partition("=") for folder in folders if "=" in folder)
    return tuple((key, unquote(value)) for key, _, value in pairs)


def _spellings(day: Day) -> list[str]:
    return [text for date in day.neighbours for text in (date.isoformat(), f"{date:%Y%m%d}")]


def _described(kind: str, path: str, files: Sequence[File]) -> dict[str, Any]:
    digest = hashlib.sha256(repr([(f.path, f.size, f.modified) for f in files]).encode()).hexdigest()
    size = sum(file.size or 0 for file in files)
    return {"format": kind, "path": path, "files": len(files), "bytes": size, "fingerprint": digest}


def _stat(path: str) -> File:
    local = _local(path)
    if local is None or not os.path.exists(local):
        return File(path, None, None)
    status = os.stat(local)
    return File(path, status.st_size, status.st_mtime_ns)


def _plain(file: str) -> str:
    """A file as the engines list it, in the spelling in which both find it again."""
    # As a URL it is decoded once more by Sail, which then finds nothing where a partition value has a `%`.
    parts = urlsplit(file)
    return unquote(parts.path if parts.scheme == "file" else file)


def _local(path: str) -> str | None:
    """The path in the local file system, or None for another scheme."""
    parts = urlsplit(path)
    if parts.scheme in ("", "file"):
        return parts.path if parts.scheme else path
    return None


def _first_line(error: Exception) -> str:
    # Of an error in Java the first line says only from where it was called.
    text = str(error.java_exception.getMessage()) if isinstance(error, Py4JJavaError) else str(error)
    return text.strip().splitlines()[0].rstrip(".")
