"""Parquet files that an engine cannot read, read by the workers in the engines' own types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from udfs.files.plain_types import as_plain


def rows_of_files(schema: pa.Schema) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function that reads the files whose names it is handed in a column `file`, with the columns of a schema.

    Each type of the schema is the plain one of that in the file.
    """

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for file in batch.column("file").to_pylist():
                # In nanoseconds, as which they are stored, INT96 has no room for the year 9999.
                with pq.ParquetFile(file, coerce_int96_timestamp_unit="us") as opened:
                    for rows in opened.iter_batches(columns=schema.names):
                        columns = [as_plain(rows.column(field.name), field.type) for field in schema]
                        yield pa.record_batch(columns, schema=schema)

    return read
