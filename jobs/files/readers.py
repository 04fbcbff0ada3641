"""How files become frames: listed by their folders, read with the options of their source."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from jobs import paths
from jobs.engines.identity import engine_of
from jobs.engines.quoting import by_name, schema_text
from jobs.errors import ConfigurationError, ContractError
from jobs.files import listing
from jobs.paths import Partition
from jobs.settings import Source
from jobs.settings.options import LISTING, sail_problems

PACKED = (".gz", ".bz2", ".zst", ".lz4", ".xz", ".snappy", ".deflate")


def reader(session: SparkSession, format_: str, name: str, source: Source) -> DataFrameReader:
    """What reads files with the options of their source; `name` is where it stands in the configuration."""
    if engine_of(session) == "sail":
        _check_options(format_, name, source)
    made = session.read.format(format_)
    if format_ == "parquet":
        # Apache Spark takes the columns of any one file, unless it is told.
        made = made.option("mergeSchema", True)
    if format_ == "csv":
        # What Sail does in any case: quotes are doubled within quotes (RFC 4180), and a row with more or fewer fields
        # than the first fails, in every pass alike, rather than lend a column the value of its neighbour.
        made = made.options(
            header=not source.names, inferSchema=False, escape='"', mode="FAILFAST", columnPruning=False
        )
        if source.names:
            made = made.schema(schema_text(dict.fromkeys(source.names, "string")))
    return made.options(**{option: value for option, value in source.options.items() if option.lower() != "nullvalue"})


def lister(session: SparkSession, format_: str, name: str, source: Source) -> DataFrameReader:
    """What lists the files that a source has."""
    made = reader(session, format_, name, source)
    if format_ != "parquet":
        return made
    # As text, of which the columns are known, files of unequal columns are no error yet.
    options = {key: value for key, value in source.options.items() if key.lower() in LISTING}
    return session.read.format("text").options(**options)


def listed(lister: DataFrameReader, name: str, source: Source, path: str) -> dict[Partition, list[str]]:
    """The files of a source by the partition that their folders name."""
    groups: dict[Partition, list[str]] = defaultdict(list)
    root = paths.root_of(path)
    everywhere = paths.is_pattern(path) or listing.is_recursive(source.options)
    files = listing.files(path, source.options)
    if files is None:
        files = sorted(paths.respelled(file) for file in lister.load(path).inputFiles())
    for file in files:
        check_literal(name, file)
        folders = paths.folders(root, file)
        if any(map(listing.is_hidden, (*folders, os.path.basename(file)))):
            continue
        # Plain folders are read by Sail in any case, by Apache Spark where it is told to.
        if everywhere or all("=" in folder for folder in folders):
            groups[paths.partition_values(folders)].append(file)
    return groups


def loaded(reader: DataFrameReader, format_: str, source: Source, files: list[str]) -> list[DataFrame]:
    """The rows of files of one folder. Engines give all CSV files the columns of the first one, by their position."""
    if format_ != "csv" or len(files) == 1:
        return [reader.load(files)]
    by_header: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        header = tuple(source.names or reader.load(file).columns)
        # Sail reads files together that are packed alike.
        by_header[header][_packing(file)].append(file)
    # A part without a byte has no rows, and no say in what the columns are.
    whole = {header: alike for header, alike in by_header.items() if header} or by_header
    return [reader.load(alike) for packings in whole.values() for alike in packings.values()]


def completed(groups: Mapping[Partition, list[DataFrame]]) -> dict[Partition, list[DataFrame]]:
    """Frames of texts, each with the columns of all: a union would make those that one lacks columns of no type."""
    names = dict.fromkeys(name for frames in groups.values() for frame in frames for name in frame.columns)

    def whole(frame: DataFrame) -> DataFrame:
        lacking = [F.lit(None).cast("string").alias(name) for name in names if name not in frame.columns]
        return frame.select("*", *lacking) if lacking else frame

    return {values: [whole(frame) for frame in frames] for values, frames in groups.items()}


def _packing(file: str) -> str:
    """How a file is packed, by the end of its name."""
    return next((end for end in PACKED if file.lower().endswith(end)), "")


def check_literal(name: str, path: str) -> None:
    """Raise ContractError (exit 2) for what is there under a name that engines take for a pattern."""
    local = paths.local_path(path)
    if local is not None and paths.is_pattern(local) and os.path.exists(local):
        raise ContractError(f"{name}: {path!r} is there, but engines take * ? [ {{ for a pattern. Rename it.")


def without_words(frame: DataFrame, source: Source) -> DataFrame:
    """A frame of texts in which the words of a source are NULL, as an empty field is on either engine."""
    words = {name: source.null_words(name) for name in frame.columns}
    if not any(words.values()):
        return frame
    return frame.select(*(_without(by_name(name), of).alias(name) for name, of in words.items()))


def _without(column: Column, words: Sequence[str]) -> Column:
    return F.when(~column.isin(*words), column) if words else column


def _check_options(format_: str, name: str, source: Source) -> None:
    """Raise ConfigurationError (exit 2) for options that the embedded engine would pass over."""
    problems = sail_problems(f"{name}.source", format_, source.options)
    if problems:
        raise ConfigurationError("the embedded engine does not know these options", problems)
