"""The first rows of a local source, read without an engine: what `doctor` looks at before it starts one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from jobs import paths
from jobs.errors import InputMissingError
from jobs.files import listing, whole
from jobs.files.parquet import NOTHING, spelled
from jobs.settings import Source
from jobs.surfaces.first_rows.of_delta import first_rows
from udfs.files.plain_types import plain

MOST_ROWS = 1_000
# Of the options of text; with any other only an engine reads what was meant.
PLAIN_TEXT = frozenset({"header", "sep", "delimiter", "quote", "multiline"})


@dataclass(frozen=True)
class Glimpse:
    """A few rows of a source.

    Attributes:
        name: Where it stands in the configuration, for messages.
        is_text: Whether all its columns are text.
        rows: The first rows of its last file.
    """

    name: str
    is_text: bool
    rows: pa.Table

    @property
    def types(self) -> dict[str, str]:
        """The columns, with their types as engines call them."""
        known = ((field.name, plain(field.type)) for field in self.rows.schema)
        return {name: spelled(type_) for name, type_ in known if type_ is not None}

    @property
    def unusable(self) -> dict[str, str]:
        """The columns that cannot be read, with their types."""
        return {field.name: str(field.type) for field in self.rows.schema if plain(field.type) is None}

    @property
    def void(self) -> frozenset[str]:
        """The columns of NULLs alone, of no type."""
        return frozenset(field.name for field in self.rows.schema if field.type == NOTHING)

    def values(self, column: str) -> list[Any]:
        """The values of a column that are there."""
        return [value for value in self.rows[column].to_pylist() if value is not None]


def glimpse(name: str, source: Source) -> Glimpse | None:
    """Return a few rows of a source, or None where only an engine can read it.

    Raises:
        InputMissingError: Nothing is there yet, or a file is not finished (exit 4).
        ContractError: A file is damaged (exit 2).
    """
    local = None if source.path is None else paths.local_path(source.path)
    if local is None or not os.path.exists(local) or source.format is None:
        return None
    if source.format == "csv" and not _is_plain(source.options):
        return None
    if source.format == "delta":
        found = first_rows(local, MOST_ROWS)
        return None if found is None else Glimpse(name, False, found)
    files = listing.files(local, source.options)
    if files is None:
        return None
    if not files:
        raise InputMissingError(f"{name}: there is no file at {source.path} (exit code 4: not there yet)")
    last = files[-1]
    whole.check(name, source.format, files if source.format == "parquet" else [last], source.options)
    rows = _text(last, source) if source.format == "csv" else _parquet(last)
    return Glimpse(name, source.format == "csv", _with_folders(rows, paths.folders(paths.root_of(local), last)))


def _is_plain(options: Mapping[str, object]) -> bool:
    return {name.lower() for name in options} <= PLAIN_TEXT


def _parquet(file: str) -> pa.Table:
    with pq.ParquetFile(file) as opened:
        batch = next(opened.iter_batches(MOST_ROWS), None)
        return opened.schema_arrow.empty_table() if batch is None else pa.Table.from_batches([batch])


def _text(file: str, source: Source) -> pa.Table:
    """The first rows of a file of text, every column as text."""
    given = {name.lower(): value for name, value in source.options.items()}
    parse = pa.csv.ParseOptions(
        delimiter=str(given.get("sep", given.get("delimiter", ","))),
        quote_char=str(given.get("quote", '"')) or False,
        newlines_in_values=str(given.get("multiline", False)).lower() == "true",
    )
    has_header = str(given.get("header", not source.names)).lower() == "true"
    invented = not (has_header or source.names)
    read = pa.csv.ReadOptions(column_names=list(source.names) or None, autogenerate_column_names=invented)
    with pa.csv.open_csv(file, read_options=read, parse_options=parse) as opened:
        names = opened.schema.names
    as_text = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
    with pa.csv.open_csv(file, read_options=read, parse_options=parse, convert_options=as_text) as opened:
        return pa.Table.from_batches([opened.read_next_batch()]).slice(0, MOST_ROWS)


def _with_folders(rows: pa.Table, folders: Sequence[str]) -> pa.Table:
    """The rows with what the names of their folders say, as engines read them."""
    for key, value in paths.partition_values(folders):
        column = pa.array([value] * rows.num_rows, pa.string())
        rows = rows.drop_columns([key]) if key in rows.column_names else rows
        rows = rows.append_column(key, column)
    return rows
