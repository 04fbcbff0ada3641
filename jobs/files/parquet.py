"""Local Parquet files as one frame: each group of files in its own types, and all columns in one type each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from jobs.engines.identity import engine_of
from jobs.engines.quoting import by_name, schema_text
from jobs.files.footers import FileColumns, Footer
from udfs.files.parquet_files import rows_of_files
from udfs.files.plain_types import WIDEST_DECIMAL, is_list, plain

SPELLED = {
    **{pa.bool_(): "boolean", pa.int8(): "tinyint", pa.int16(): "smallint", pa.int32(): "int", pa.int64(): "bigint"},
    **{pa.float32(): "float", pa.float64(): "double", pa.string(): "string", pa.date32(): "date"},
    # An engine without a type for NULLs alone gets them as text, from which they become any other.
    pa.null(): "string",
}
NOTHING = pa.null()


@dataclass(frozen=True)
class Files:
    """Files of one folder, how they are read, and the columns that all files of their source have.

    Attributes:
        reader: Reads Parquet with the options of the source.
        zone: In which timestamps without a zone are read where others have one.
        columns: Of the source.
        footers: Of these files.
    """

    session: SparkSession
    reader: DataFrameReader
    zone: str
    columns: FileColumns
    footers: Sequence[Footer]


def loaded(files: Files) -> list[DataFrame]:
    """The rows of the files, one frame for those whose columns have the same types."""
    alike: dict[frozenset[tuple[str, pa.DataType]], list[Footer]] = defaultdict(list)
    for footer in files.footers:
        alike[frozenset(footer.types.items())].append(footer)
    return [_unified(files, group) for group in alike.values()]


def spelled(found: pa.DataType) -> str:
    """A plain type in the engines' spelling.

    >>> spelled(pa.list_(pa.float32())), spelled(pa.decimal128(20, 0)), spelled(pa.timestamp("us"))
    ('array<float>', 'decimal(20,0)', 'timestamp_ntz')
    """
    if pa.types.is_list(found):
        return f"array<{spelled(found.value_type)}>"
    if pa.types.is_decimal(found):
        return f"decimal({found.precision},{found.scale})"
    if pa.types.is_timestamp(found):
        return "timestamp_ntz" if found.tz is None else "timestamp"
    return SPELLED[found]


def _unified(files: Files, group: Sequence[Footer]) -> DataFrame:
    """The rows of files with the same types, their columns in those of the source."""
    found = group[0].types
    own = {name: found[name] for name in files.columns.types if found.get(name, NOTHING) != NOTHING}
    paths, engine = [footer.file for footer in group], engine_of(files.session)
    strange = any(_is_strange(type_, engine) for type_ in own.values())
    frame = _by_workers(files.session, paths, own) if strange else _by_engine(files.reader, paths, own, engine)
    return frame.select(*(column.alias(name) for name, column in _selected(files, own)))


def _selected(files: Files, own: Mapping[str, pa.DataType]) -> Iterator[tuple[str, Column]]:
    for name, wanted in files.columns.types.items():
        if name not in own:
            yield name, F.lit(None).cast(spelled(wanted))
        elif (found := plain(own[name])) == wanted:
            yield name, by_name(name)
        else:
            yield name, _widened(by_name(name), found, wanted, files.zone)


def _widened(column: Column, found: pa.DataType, wanted: pa.DataType, zone: str) -> Column:
    """A column in a type that holds its values."""
    if pa.types.is_timestamp(found):
        return F.to_utc_timestamp(column.cast("timestamp"), zone)
    if pa.types.is_list(found) and pa.types.is_decimal(found.value_type):
        column = column.cast("array<string>")
    if pa.types.is_decimal(found) and pa.types.is_floating(wanted):
        # Cast directly, the last bit differs between engines.
        column = column.cast("string")
    return column.cast(spelled(wanted))


def _is_strange(found: pa.DataType, engine: str) -> bool:
    """Whether an engine does not read a type of files, though Arrow does."""
    if is_list(found) and _is_strange(found.value_type, engine):
        return True
    if pa.types.is_float16(found) or (pa.types.is_decimal(found) and found.precision > WIDEST_DECIMAL):
        return True
    unknown = pa.types.is_dictionary(found) or pa.types.is_date64(found) or pa.types.is_null(found)
    return engine == "sail" and (unknown or (is_list(found) and not pa.types.is_list(found)))


def _by_workers(session: SparkSession, paths: Sequence[str], own: Mapping[str, pa.DataType]) -> DataFrame:
    schema = pa.schema([(name, plain(type_)) for name, type_ in own.items()])
    files = session.createDataFrame([(path,) for path in paths], "file string").repartition(len(paths))
    return files.mapInArrow(rows_of_files(schema), schema_text({field.name: spelled(field.type) for field in schema}))


def _by_engine(reader: DataFrameReader, paths: Sequence[str], own: Mapping[str, pa.DataType], engine: str) -> DataFrame:
    # Apache Spark knows no nanoseconds, but reads the integers that they are.
    nanos = {
        name: spelled(plain(type_))
        for name, type_ in own.items()
        if engine == "spark" and pa.types.is_timestamp(type_) and type_.unit == "ns"
    }
    types = {name: "bigint" if name in nanos else spelled(plain(type_)) for name, type_ in own.items()}
    # Rows without any column that can be read are rows yet.
    frame = reader.schema(schema_text(types or {"nothing": "string"})).load(list(paths))
    return frame.withColumns({name: _moment(name).cast(type_) for name, type_ in nanos.items()}) if nanos else frame


def _moment(name: str) -> Column:
    """Nanoseconds since 1970 as a timestamp, in whole microseconds from below."""
    nanos = by_name(name)
    below = (nanos < 0) & (F.pmod(nanos, F.lit(1000)) > 0)
    return F.timestamp_micros(F.call_function("div", nanos, F.lit(1000)) - F.when(below, 1).otherwise(0))
