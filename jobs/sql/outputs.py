"""Answers as files and as text for programs: CSV, JSON and Parquet, and which of them is meant."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.sql import answers

FORMATS: Final = ("table", "csv", "json", "parquet")
SUFFIXES: Final = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".txt": "table"}


def chosen(asked: str | None, file: Path | None) -> str:
    """The format of an answer: the one that is asked for, else by the name of the file, else a table for people.

    Raises:
        ConfigurationError: There is no such format, it cannot be told by the name, or Parquet has no file (exit 2).
    """
    if asked is None:
        return "table" if file is None else _of_suffix(file)
    if asked not in FORMATS:
        problem = Problem("--format", repr(asked), one_of(FORMATS), nearest_match(asked, FORMATS))
        raise ConfigurationError("there is no such format", [problem])
    if asked == "parquet" and file is None:
        raise ConfigurationError("Parquet is for a file", [Problem("--format", "'parquet'", "-o FILE with it")])
    return asked


def _of_suffix(file: Path) -> str:
    if file.suffix.lower() not in SUFFIXES:
        problem = Problem("-o", repr(str(file)), f"a name that ends in {one_of(SUFFIXES)}, or --format with it")
        raise ConfigurationError("the format of the file is not known", [problem])
    return SUFFIXES[file.suffix.lower()]


def check_file(file: Path) -> None:
    """Refuse a place that cannot be written to, before anything dear is done for it.

    Raises:
        ConfigurationError: It is a folder, or in none that can be written to (exit 2).
    """
    folder = file.parent
    if file.is_dir():
        raise _refused(f"the folder {str(file)!r}", f"a file, such as {file / 'answer'}")
    if not folder.is_dir():
        make = f"mkdir -p {shlex.quote(str(folder))}"
        raise _refused(f"{str(file)!r}, but there is no folder {str(folder)!r}", f"a file in a folder; make it: {make}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(f"{str(file)!r}, in a folder that cannot be written to", "a file in a folder of your own")


def _refused(found: str, expected: str) -> ConfigurationError:
    return ConfigurationError("the file cannot be written there", [Problem("--output", found, expected)])


@contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """A place beside a file for what is to replace it once it is whole: who opens it meanwhile sees the one before."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    try:
        yield beside
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def text(tables: Sequence[pa.Table], form: str, heads: Sequence[str] = ()) -> Iterator[str]:
    """Answers line by line: one CSV, one JSON (of several answers a list of them), or tables one after the other.

    Args:
        tables: The answers; of CSV one.
        form: The format.
        heads: What to print above each of several tables.

    Raises:
        ConfigurationError: Two columns have one name, where the format knows them by their names (exit 2).
    """
    if form == "csv":
        yield from _csv(tables[0])
    elif form == "json":
        yield from answers.lines(tables[0], as_json=True) if len(tables) == 1 else _listed(tables)
    else:
        for number, table in enumerate(tables):
            yield from [""] if number else []
            yield from [heads[number]] if heads and heads[number] else []
            yield from answers.lines(table, as_json=False)


def _listed(tables: Sequence[pa.Table]) -> Iterator[str]:
    yield "["
    for number, table in enumerate(tables, 1):
        *lines, last = answers.lines(table, as_json=True)
        yield from (*lines, last + ("," if number < len(tables) else ""))
    yield "]"


def write(tables: Sequence[pa.Table], form: str, file: Path, heads: Sequence[str] = ()) -> None:
    """Write answers to a file, which is whole or not there; an older one is replaced. See `text`.

    Raises:
        ConfigurationError: Two columns have one name, where the format knows them by their names (exit 2).
    """
    with replaced(file) as partial:
        if form == "parquet":
            answers.check_names(tables[0], "Parquet")
            pq.write_table(tables[0], partial)
        else:
            with partial.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(line + "\n" for line in text(tables, form, heads))


def _csv(table: pa.Table) -> Iterator[str]:
    """The rows as CSV with a header: NULL is an empty field and no text is `""`; all digits are kept."""
    answers.check_names(table, "CSV")
    yield _line(table.column_names)
    flat = pa.table([_flat(column) for column in table.columns], names=table.column_names)
    for batch in flat.to_batches(max_chunksize=1000):
        buffer = io.BytesIO()
        pyarrow.csv.write_csv(batch, buffer, pyarrow.csv.WriteOptions(include_header=False))
        yield buffer.getvalue().decode("utf-8").removesuffix("\n")


def _line(names: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column that CSV can hold: decimals as their digits, times as ISO 8601 has them.

    Lengths of time are as people write them, what is nested is JSON.
    """
    if pa.types.is_decimal(column.type):
        return pc.cast(column, pa.string())
    if pa.types.is_timestamp(column.type):
        shown = (None if value is None else value.isoformat() for value in column.to_pylist())
        return pa.chunked_array([pa.array(shown, pa.string())])
    if pa.types.is_duration(column.type):
        shown = (None if value is None else str(value) for value in column.to_pylist())
        return pa.chunked_array([pa.array(shown, pa.string())])
    if pa.types.is_nested(column.type):
        shown = (None if v is None else json.dumps(answers.plain(v), default=str) for v in column.to_pylist())
        return pa.chunked_array([pa.array(shown, pa.string())])
    return column
