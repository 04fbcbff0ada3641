"""What the footers of local Parquet files say of their columns, and the one type that a column has in all of them."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from os import path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs import paths
from jobs.errors import ContractError
from jobs.paths import Partition
from udfs.files.plain_types import WIDEST_DECIMAL, is_list, plain

READERS = 8
INSTANT = pa.timestamp("us", "UTC")
WHOLE = {pa.int8(): 3, pa.int16(): 5, pa.int32(): 10, pa.int64(): 19}  # the digits of a type


@dataclass(frozen=True)
class Footer:
    """A file, the types of its columns, and those of them that are NULL in all its rows, as far as it says so."""

    file: str
    types: Mapping[str, pa.DataType]
    empty: frozenset[str] = frozenset()

    @property
    def typed(self) -> Mapping[str, pa.DataType]:
        """The columns that have a value somewhere in the file."""
        return {name: type_ for name, type_ in self.types.items() if name not in self.empty}

    def without(self, names: Iterable[str]) -> Footer:
        """The same file without some of its columns."""
        dropped = set(names)
        kept = {name: type_ for name, type_ in self.types.items() if name not in dropped}
        return Footer(self.file, kept, self.empty)


@dataclass(frozen=True)
class FileColumns:
    """The columns of a source: the plain type of each, and of those that cannot be read the reason."""

    types: Mapping[str, pa.DataType]
    unusable: Mapping[str, str]

    @property
    def void(self) -> frozenset[str]:
        """The columns that are NULL in every file."""
        return frozenset(name for name, type_ in self.types.items() if type_ == pa.null())


def read(source: str, kept: Mapping[Partition, Sequence[str]]) -> dict[Partition, list[Footer]] | None:
    """The footers of files by their partition, or None where one is not here: of those an engine has to be asked.

    Raises:
        ContractError: A file is no whole Parquet file, or has two columns of one name (exit 2).
    """
    local = {file: paths.local_path(file) for files in kept.values() for file in files}
    there = [file for file in local.values() if file is not None and path.isfile(file)]
    if len(there) < len(local):
        return None
    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(local, pool.map(lambda file: _footer(source, file), there), strict=True))
    typed = {name for footer in found.values() for name in footer.typed}
    # Where a column is in the name of the folder too, that counts.
    return {
        values: [_of_values(found[file], typed).without(key for key, _ in values) for file in files]
        for values, files in kept.items()
    }


def _of_values(footer: Footer, typed: Collection[str]) -> Footer:
    """The same file, in which columns without a value have no type where other files have values to tell it.

    What wrote them did not know: of no rows, and of NULLs alone, pandas makes doubles.
    """
    types = {n: pa.null() if n in footer.empty and n in typed else type_ for n, type_ in footer.types.items()}
    return replace(footer, types=types)


def check_names(source: str, names: Iterable[str]) -> None:
    """Raise ContractError (exit 2) for columns that differ in case only, or not even in that."""
    spelled: dict[str, str] = {}
    for name in names:
        if (other := spelled.get(name.lower())) is not None:
            raise ContractError(
                f"{source}: found columns {other!r} and {name!r}, expected names that differ in more than case. "
                "Spark compares them without it: rename one of the two."
            )
        spelled[name.lower()] = name


def unified(footers: Iterable[Footer]) -> FileColumns:
    """The columns of all files: of several types the one that holds them all, of NULLs alone any other's."""
    found: dict[str, dict[pa.DataType, str]] = {}
    for footer in footers:
        for name, type_ in footer.types.items():
            found.setdefault(name, {}).setdefault(type_, footer.file)
    types, unusable = {}, {}
    for name, files in found.items():
        known = [plain(type_) for type_ in files]
        one = None if None in known else reduce(widened, known)
        if one is None:
            unusable[name] = " and ".join(_told(files, len(known) > 1))
        else:
            types[name] = one
    return FileColumns(types, unusable)


def widened(left: pa.DataType | None, right: pa.DataType | None) -> pa.DataType | None:
    """The plain type that holds the values of two, or None where there is none.

    >>> widened(pa.int64(), pa.decimal128(20, 0)), widened(pa.string(), pa.int64())
    (Decimal128Type(decimal128(20, 0)), None)
    """
    if left is None or right is None or left == right:
        return left if left == right else None
    if pa.null() in (left, right):
        return right if left == pa.null() else left
    if pa.types.is_list(left) and pa.types.is_list(right):
        element = widened(left.value_type, right.value_type)
        return None if element is None else pa.list_(element)
    if pa.types.is_timestamp(left) and pa.types.is_timestamp(right):
        return INSTANT
    if _is_number(left) and _is_number(right):
        return _widened_number(left, right)
    return None


def _widened_number(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if pa.types.is_floating(left) or pa.types.is_floating(right):
        return pa.float64()
    if left in WHOLE and right in WHOLE:
        return max(left, right, key=WHOLE.__getitem__)
    digits = max(_places(left)[0], _places(right)[0])
    scale = max(_places(left)[1], _places(right)[1])
    return pa.decimal128(digits + scale, scale) if digits + scale <= WIDEST_DECIMAL else pa.float64()


def _places(found: pa.DataType) -> tuple[int, int]:
    """The digits of a type before and behind the point."""
    return (WHOLE[found], 0) if found in WHOLE else (found.precision - found.scale, found.scale)


def _is_number(found: pa.DataType) -> bool:
    return found in WHOLE or pa.types.is_floating(found) or pa.types.is_decimal(found)


def _told(files: Mapping[pa.DataType, str], several: bool) -> Iterator[str]:
    for type_, file in files.items():
        yield f"{type_} in {path.basename(file)}" if several else str(type_)


def _footer(source: str, file: str) -> Footer:
    try:
        metadata = pq.read_metadata(file)
        schema = metadata.schema.to_arrow_schema()
        types = dict(_types(schema, metadata))
    except (pa.ArrowException, OSError) as error:
        raise ContractError(
            f"{source}: cannot read {file!r} as parquet: {str(error).splitlines()[0]}. "
            "Check the format of the source, and that its files are whole."
        ) from error
    check_names(source, schema.names)
    return Footer(file, types, _empty(metadata))


def _types(schema: pa.Schema, metadata: pq.FileMetaData) -> Iterator[tuple[str, pa.DataType]]:
    columns = map(metadata.schema.column, range(metadata.num_columns))
    # What Hive, Impala and Spark 3 write as INT96 is an instant; only its reader takes it for a time without a zone.
    instants = {column.path for column in columns if column.physical_type == "INT96"}
    told = _told_by_arrow(metadata)
    for field in schema:
        yield field.name, INSTANT if field.name in instants else told.get(field.name, field.type)


def _empty(metadata: pq.FileMetaData) -> frozenset[str]:
    """The flat columns without any value, as the groups of rows say; all of a file without rows."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    return frozenset(
        metadata.schema.column(i).path
        for i in range(metadata.num_columns)
        if metadata.num_rows == 0 or all(_is_empty(group.column(i)) for group in groups)
    )


def _is_empty(chunk: pq.ColumnChunkMetaData) -> bool:
    told = chunk.statistics
    return told is not None and told.has_null_count and told.null_count == chunk.num_values


def _told_by_arrow(metadata: pq.FileMetaData) -> dict[str, pa.DataType]:
    """The layouts that a writer notes beside the types: the embedded engine reads more by them than Arrow here does."""
    note = (metadata.metadata or {}).get(b"ARROW:schema")
    fields = () if note is None else pa.ipc.read_schema(pa.py_buffer(base64.b64decode(note)))
    return {field.name: field.type for field in fields if _is_layout(field.type)}


def _is_layout(found: pa.DataType) -> bool:
    return pa.types.is_dictionary(found) or pa.types.is_date64(found) or is_list(found)
