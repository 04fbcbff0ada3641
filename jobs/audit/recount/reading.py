"""Rows of the files of a source, read by Arrow: the columns that are asked for, NULL where a file has none."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from jobs import paths
from jobs.audit.inputs import Found
from jobs.errors import LossledgerError
from jobs.settings import Source

ROWS: Final = 2**16  # of a batch
ENGINES_ALONE: Final = (".xz", ".snappy", ".deflate")  # Arrow would take their bytes for text
HEADERS: Final = ("true", "True", True)


class UnreadableError(LossledgerError):
    """A source, or something in it, is beyond what is read here: nothing is said of it then."""


def batches(found: Found, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a source, a batch at a time; a column of its folders is text.

    Raises:
        UnreadableError: It is elsewhere than on this machine, its files alone are not its rows, or Arrow cannot read
            one as engines do.
    """
    source, name = found.wanted.source, found.wanted.name
    if not found.files:
        raise UnreadableError(f"{name}: its rows cannot be told from its files alone")
    for file, values in found.files:
        local = paths.local_path(file)
        if local is None:
            raise UnreadableError(f"{name}: {file} is not on this machine")
        read = _of_csv(local, source) if source.format == "csv" else _of_parquet(local, columns)
        try:
            for batch in read:
                yield pa.record_batch([_column(batch, each, values) for each in columns], names=list(columns))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise UnreadableError(f"{name}: {file} cannot be read here ({str(error).splitlines()[0]})") from error


def _of_parquet(file: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file) as opened:
        there = [name for name in opened.schema_arrow.names if name in columns]
        yield from opened.iter_batches(ROWS, columns=there)


def _of_csv(file: str, source: Source) -> Iterator[pa.RecordBatch]:
    given = {name.lower(): value for name, value in source.options.items()}
    header = given.get("header", not source.names) in HEADERS
    names = list(source.names) or None
    unknown = given.keys() - {"header", "sep", "delimiter", "quote", "nullvalue", "inferschema", "multiline"}
    if unknown or (names is None and not header):
        raise UnreadableError(f"{file}: a CSV with {', '.join(sorted(unknown)) or 'columns without names'}")
    reading = csv.ReadOptions(column_names=names, skip_rows=int(header and names is not None))
    delimiter = str(given.get("sep", given.get("delimiter", ",")))
    parsing = csv.ParseOptions(delimiter=delimiter, quote_char=str(given.get("quote", '"')), newlines_in_values=True)
    if file.lower().endswith(ENGINES_ALONE):
        raise UnreadableError(f"{file}: packed in a way that engines alone unpack")
    with io.BufferedReader(pa.input_stream(file)) as stream:
        first = stream.readline()
    if not first:
        return
    # Named, as Arrow takes numbers for numbers otherwise.
    known = names or csv.read_csv(pa.py_buffer(first), parse_options=parsing).column_names
    texts = csv.ConvertOptions(
        column_types=dict.fromkeys(known, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        null_values=[""],
    )
    with pa.input_stream(file) as stream:
        for batch in csv.open_csv(stream, reading, parsing, texts):
            columns = [_without(batch.column(name), source.null_words(name)) for name in batch.schema.names]
            yield pa.record_batch(columns, names=batch.schema.names)


def _without(texts: pa.Array, words: Sequence[str]) -> pa.Array:
    return pc.if_else(pc.is_in(texts, pa.array(words, pa.string())), None, texts) if words else texts


def _column(batch: pa.RecordBatch, name: str, values: Mapping[str, str]) -> pa.Array:
    if name in batch.schema.names:
        return batch.column(name)
    value = values.get(name)
    return pa.repeat(pa.scalar(None if value == paths.NULL_PARTITION else value, pa.string()), batch.num_rows)
