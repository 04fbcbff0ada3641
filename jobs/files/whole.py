"""Whether the files of a source are whole: what a producer left unfinished, a copy cut off or a disk damaged.

A look at the ends of local files costs nothing beside reading them, and comes before any engine: those pass over an
empty file, and of a damaged one they name neither the source nor the file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from jobs import paths
from jobs.errors import ContractError, InputMissingError

MAGIC = (b"PAR1", b"PARE")
ENDS = 8  # the length of the footer and the magic word
CHUNK = 2**22
LATER = "A producer is still writing it, or died: write it anew or remove it (exit code 4: not there yet)."
ANEW = "Write it anew, or remove it."
GLOB = "{pathGlobFilter: '*.parquet'}"


def check(name: str, format_: str, files: Iterable[str], options: Mapping[str, object]) -> None:
    """Look at local files of a source.

    Raises:
        InputMissingError: One is not finished (exit 4).
        ContractError: One is damaged, or its text is not UTF-8 (exit 2).
    """
    as_utf8 = {str(o).lower() for o in options}.isdisjoint(("encoding", "charset"))
    for file in files:
        local = paths.local_path(file)
        if local is None or not os.path.isfile(local):
            continue
        if format_ == "parquet":
            _check_parquet(name, local)
        elif format_ == "csv" and as_utf8:
            _check_text(name, local)


@dataclass(frozen=True)
class DataFile:
    """A file of a Delta table as its log has it: where it is, its bytes, and the values of its partition."""

    path: str
    size: int
    partition: Mapping[str, object]

    @property
    def values(self) -> paths.Partition:
        """The values of its partition as folders spell them."""
        return tuple(
            (key, paths.NULL_PARTITION if value is None else str(value)) for key, value in self.partition.items()
        )


def delta_files(path: str, version: int) -> list[DataFile]:
    """The files of a version of a local Delta table; none of a table that only Apache Spark can open."""
    local = paths.local_path(path)
    if local is None:
        return []
    try:
        added = pa.table(DeltaTable(local, version=version).get_add_actions(flatten=True)).to_pylist()
    except DeltaError:
        return []
    return [_data_file(local, row) for row in added]


def _data_file(table: str, row: Mapping[str, Any]) -> DataFile:
    path = unquote(row["path"])
    # A shallow clone has files of another table, by their whole addresses.
    place = path if urlsplit(path).scheme else os.path.join(table, path)
    partition = {key.removeprefix("partition."): value for key, value in row.items() if key.startswith("partition.")}
    return DataFile(place, row["size_bytes"], partition)


def check_delta(name: str, path: str, version: int, wanted: Mapping[str, Collection[str]]) -> None:
    """Look whether the files of a local Delta table are there, those of other partitions than the `wanted` left out.

    Raises:
        ContractError: One is gone, or has not the length that the table's log says (exit 2).
    """
    for file in delta_files(path, version):
        local = paths.local_path(file.path)
        others = (key for key, few in wanted.items() if str(file.partition.get(key, next(iter(few)))) not in few)
        if local is None or any(others):
            continue
        size = os.path.getsize(local) if os.path.isfile(local) else None
        if size != file.size:
            found = "is gone" if size is None else f"has {size:,} bytes, not {file.size:,}"
            mend = "Restore it, or write those rows of the table anew."
            raise ContractError(f"{name}: {local}, of version {version} of the Delta table {path}, {found}. {mend}")


def _check_parquet(name: str, file: str) -> None:
    """Look at the first and the last bytes of a Parquet file."""
    size = os.path.getsize(file)
    if size == 0:
        raise InputMissingError(f"{name}: {file} has 0 bytes. {LATER}")
    with open(file, "rb") as stream:
        begin = stream.read(4)
        stream.seek(max(size - ENDS, 0))
        end = stream.read()
    if begin not in MAGIC:
        told = f"{name}: {file} is no Parquet file: it begins with {begin!r}, expected b'PAR1'. {ANEW}"
        raise ContractError(f"{told} What is no part of the source may stay beside it by options: {GLOB}.")
    if size < ENDS + 4 or end[4:] not in MAGIC:
        raise InputMissingError(f"{name}: {file} is cut off: its {size:,} bytes do not end with a footer. {LATER}")
    footer = int.from_bytes(end[:4], "little")
    if footer > size - ENDS - 4:
        told = f"its footer says that it has {footer:,} bytes, of {size:,} in all"
        raise ContractError(f"{name}: {file} is damaged: {told}. {ANEW}")


def _check_text(name: str, file: str) -> None:
    """Look through a file of text: to engines bytes that are no UTF-8 are all one character, and values become one."""
    try:
        with pa.input_stream(file, compression="detect") as stream:
            done, rest = 0, b""
            while chunk := stream.read(CHUNK):
                # No character of UTF-8 goes over the end of a line.
                lines, end, rest = (rest + chunk).rpartition(b"\n")
                _check_utf8(name, file, lines + end, done)
                done += len(lines + end)
            _check_utf8(name, file, rest, done)
    except OSError as error:
        told = f"{name}: {file} cannot be unpacked: {error}. It is cut off or damaged. {ANEW}"
        raise ContractError(told) from error


def _check_utf8(name: str, file: str, text: bytes, before: int) -> None:
    if text.isascii():
        return
    ends = pa.py_buffer(np.array([0, len(text)], np.int64))
    try:
        # Ten times as fast as Python where not all is ASCII.
        pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(text)]).validate(full=True)
    except pa.ArrowInvalid as invalid:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            told = f"byte {before + error.start:,} ({text[error.start]:#04x}) is no UTF-8"
            mend = "Write it in UTF-8; on Apache Spark, options: {encoding: …} names another encoding."
            raise ContractError(f"{name}: {file}: {told}. {mend}") from invalid
        raise
