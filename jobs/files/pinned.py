"""Sources, pinned: what a run reads is fixed once, so that a source that grows meanwhile cannot change a result."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import paths
from jobs.engines import failures
from jobs.engines.identity import engine_of, is_classic
from jobs.engines.quoting import by_name
from jobs.engines.session import accelerated
from jobs.errors import ContractError, InputChangedError, InputMissingError
from jobs.files import delta_files, delta_relation, footers, parquet, readers, whole
from jobs.files.footers import FileColumns
from jobs.files.unchanged import File, described, stat
from jobs.files.wanted import Wanted
from jobs.paths import NULL_PARTITION, Partition
from jobs.settings import Source
from jobs.storage import lake

ABSENT = re.compile(
    r"PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND|path does not exist|doesn't exist|no such file|"
    r"(table|object|location).* not found",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pinned:
    """A source of which every later action reads the same rows.

    Attributes:
        name: Where it stands in the configuration, for messages.
        frame: Its rows.
        is_text: Whether all its columns are text that is yet to be understood.
        provenance: What was pinned, for `runs`.
        files: Its files, where they are known.
        unusable: The columns that cannot be read, which the frame lacks, with their types.
        void: The columns that are NULL in every file, of no type.
    """

    name: str
    frame: DataFrame
    is_text: bool
    provenance: dict[str, Any]
    files: tuple[File, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)
    void: frozenset[str] = frozenset()

    @property
    def types(self) -> dict[str, str]:
        """The columns, with their types as engines call them."""
        return dict(self.frame.dtypes)


def pinned(session: SparkSession, wanted: Wanted) -> Pinned:
    """Fix the version (Delta) or the list of files (all else) of a source.

    Raises:
        InputMissingError: Nothing is there (exit 4).
        ContractError: What is there cannot be read, or cannot be pinned (exit 2).
    """
    format_, path = _located(session, wanted.name, wanted.source)
    delta_files.check_format(wanted.name, format_, path)
    try:
        pin = _pinned_delta if format_ == "delta" else _pinned_files
        found = pin(session, wanted, format_, path)
        _check_columns(found)
        return found
    except (*failures.ENGINE_ERRORS, DeltaError) as error:
        told = f"{wanted.name}: cannot read {path!r} as {format_}: {failures.causes(error)[0]}. "
        mend = failures.remedy(error)
        if mend is None and ABSENT.search(told):
            raise InputMissingError(f"{told}Check the path (exit code 4: not there yet).") from error
        mend = mend or "Check the format of the source, and that its files are whole."
        raise ContractError(f"{told}{mend}") from error


def _check_columns(source: Pinned) -> None:
    """Raise ContractError (exit 2) for columns that differ in case only, which engines tell apart each in its way."""
    # A lazy engine meets an unreadable schema only when it is asked for it, here.
    footers.check_names(source.name, (*source.frame.columns, *source.unusable))


def missing(source: Source) -> bool | None:
    """Whether nothing is at the local path of a source; None of any other place, where only its engine can tell."""
    local = None if source.path is None else paths.local_path(source.path)
    return None if local is None or paths.is_pattern(local) else not os.path.exists(local)


def verify(sources: Iterable[Pinned]) -> None:
    """Raise InputChangedError (exit 3) where a pinned local file is not what it was."""
    for source in sources:
        for file in source.files:
            if stat(file.path) != file:
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
            readers.check_literal(name, source.path)
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


def _pinned_delta(session: SparkSession, wanted: Wanted, _: str, path: str) -> Pinned:
    partition = wanted.partition
    version = lake.version(session, path)
    frame = session.read.format("delta").option("versionAsOf", version).load(path)
    prunes = partition is not None and partition in frame.columns
    whole.check_delta(wanted.name, path, version, {str(partition): wanted.spellings} if prunes else {})
    told = {"format": "delta", "path": path, "version": version}
    groups = delta_files.grouped(path, version) if engine_of(session) == "sail" else None
    if kept := {values: files for values, files in (groups or {}).items() if wanted.may_hold(dict(values))}:
        columns, frames = _loaded(session, wanted, "parquet", _without_values(wanted, kept))
        frame = delta_files.typed(_united(frames), path, version, columns.unusable)
        return Pinned(wanted.name, frame, False, told, (), columns.unusable, columns.void)
    if is_classic(session) and accelerated():
        frame = delta_relation.as_parquet(frame, wanted)
    if prunes:
        frame = frame.where(by_name(str(partition)).cast("string").isin(wanted.spellings))
    return Pinned(wanted.name, frame, False, told)


def _pinned_files(session: SparkSession, wanted: Wanted, format_: str, path: str) -> Pinned:
    source = wanted.source
    groups = readers.listed(readers.lister(session, format_, wanted.name, source), wanted.name, source, path)
    kept = {values: files for values, files in groups.items() if wanted.may_hold(dict(values))}
    if not any(wanted.may_be_day(dict(values)) for values in kept):
        raise InputMissingError(
            f"{wanted.name}: no file under {path!r} for {wanted.day.date.isoformat()}{_partitions(wanted, groups)} "
            "(exit code 4: not there yet)."
        )
    kept = _without_values(wanted, kept)
    every = [file for files in kept.values() for file in files]
    whole.check(wanted.name, format_, every, source.options)
    columns, frames = _loaded(session, wanted, format_, kept)
    frame = _united(frames)
    if format_ == "csv" and source.null_words:
        frame = readers.without_words(frame, source.null_words)
    told = described(format_, path, files := tuple(map(stat, every)))
    return Pinned(wanted.name, frame, format_ == "csv", told, files, columns.unusable, columns.void)


def _loaded(
    session: SparkSession, wanted: Wanted, format_: str, kept: Mapping[Partition, list[str]]
) -> tuple[FileColumns, list[DataFrame]]:
    """The rows of files with the values of their folders, and what is known of their columns."""
    reader = readers.reader(session, format_, wanted.name, wanted.source)
    stored = footers.read(wanted.name, kept) if format_ == "parquet" else None
    if stored is None:
        columns = FileColumns({}, {})
        found = {values: readers.loaded(reader, format_, wanted.source, files) for values, files in kept.items()}
        found = readers.completed(found) if format_ == "csv" else found
    else:
        columns = footers.unified(footer for group in stored.values() for footer in group)
        # Names of several files, which an engine would not be able to tell apart any more.
        footers.check_names(wanted.name, (*columns.types, *columns.unusable))
        given = partial(parquet.Files, session, reader, wanted.day.timezone, columns)
        found = {values: parquet.loaded(given(group)) for values, group in stored.items()}
    return columns, [_with_values(frame, values) for values, frames in sorted(found.items()) for frame in frames]


def _without_values(wanted: Wanted, kept: dict[Partition, list[str]]) -> dict[Partition, list[str]]:
    """All files as one group where nobody asks for the values of folders: one reading, not one for each of a year."""
    if wanted.columns is not None and wanted.columns.isdisjoint(key for values in kept for key, _ in values):
        return {(): [file for files in kept.values() for file in files]}
    return kept


def _united(frames: Sequence[DataFrame]) -> DataFrame:
    """The rows of all frames. A column that files of an earlier day lack, as a new model's score, is NULL there."""
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), frames)


def _partitions(wanted: Wanted, found: Iterable[Partition]) -> str:
    """Which partitions were looked for, and which are there."""
    if wanted.partition is None:
        return ""
    there = sorted({f"{key}={value}" for values in found for key, value in values})
    looked = f" in a partition {wanted.partition}={wanted.day.date.isoformat()}"
    return f"{looked}; there are {', '.join(there[-3:])}" if there else looked


def _with_values(frame: DataFrame, values: Sequence[tuple[str, str]]) -> DataFrame:
    for key, value in values:
        frame = frame.withColumn(key, F.lit(None if value == NULL_PARTITION else value).cast("string"))
    return frame
