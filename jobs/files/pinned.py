"""Sources, pinned: what a run reads is fixed once, so that a source that grows meanwhile cannot change a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.engines.identity import engine_of, is_classic
from jobs.engines.quoting import by_name
from jobs.engines.session import accelerated
from jobs.errors import InputChangedError
from jobs.files import delta_files, delta_relation, footers, parquet, readers, there, whole
from jobs.files.footers import FileColumns
from jobs.files.there import There, reading
from jobs.files.unchanged import File, stat
from jobs.files.wanted import Wanted
from jobs.paths import NULL_PARTITION, Partition


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
    found = there.there(session, wanted.name, wanted.source)
    with reading(wanted.name, found.format, found.path):
        pin = _pinned_delta if found.format == "delta" else _pinned_files
        made = pin(session, wanted, found)
        _check_columns(made)
        return made


def _check_columns(source: Pinned) -> None:
    """Raise ContractError (exit 2) for columns that differ in case only, which engines tell apart each in its way."""
    # A lazy engine meets an unreadable schema only when it is asked for it, here.
    footers.check_names(source.name, (*source.frame.columns, *source.unusable))


def verify(sources: Iterable[Pinned]) -> None:
    """Raise InputChangedError (exit 3) where a pinned local file is not what it was."""
    for source in sources:
        for file in source.files:
            if stat(file.path) != file:
                raise InputChangedError(
                    f"{source.name}: {file.path} changed while it was read; nothing was written. "
                    "Run again, and let producers add files instead of changing them."
                )


def _pinned_delta(session: SparkSession, wanted: Wanted, found: There) -> Pinned:
    partition, path, version = wanted.partition, found.path, found.version
    assert version is not None
    frame = session.read.format("delta").option("versionAsOf", version).load(path)
    prunes = partition is not None and partition in frame.columns
    whole.check_delta(wanted.name, path, version, {str(partition): wanted.spellings} if prunes else {})
    told = found.noted(found.wanted(wanted), wanted)
    groups = delta_files.grouped(found.held if engine_of(session) == "sail" else ())
    if kept := {values: files for values, files in groups.items() if wanted.may_hold(dict(values))}:
        columns, frames = _loaded(session, wanted, "parquet", _without_values(wanted, kept))
        frame = delta_files.typed(_united(frames), path, version, columns.unusable)
        return Pinned(wanted.name, frame, False, told, (), columns.unusable, columns.void)
    if is_classic(session) and accelerated():
        frame = delta_relation.as_parquet(frame, wanted)
    if prunes:
        frame = frame.where(by_name(str(partition)).cast("string").isin(wanted.spellings))
    return Pinned(wanted.name, frame, False, told)


def _pinned_files(session: SparkSession, wanted: Wanted, found: There) -> Pinned:
    source, format_ = wanted.source, found.format
    kept = _without_values(wanted, found.kept(wanted))
    every = [file for files in kept.values() for file in files]
    whole.check(wanted.name, format_, every, source.options)
    columns, frames = _loaded(session, wanted, format_, kept)
    frame = _united(frames)
    if format_ == "csv":
        frame = readers.without_words(frame, source)
    files = found.wanted(wanted)
    told = found.noted(files, wanted)
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


def _with_values(frame: DataFrame, values: Sequence[tuple[str, str]]) -> DataFrame:
    for key, value in values:
        frame = frame.withColumn(key, F.lit(None if value == NULL_PARTITION else value).cast("string"))
    return frame
