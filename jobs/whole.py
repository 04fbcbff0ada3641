"""Whether the files of a source are whole: what a producer left unfinished, a copy cut off or a disk damaged.

A look at the ends of local files costs nothing beside reading them, and comes before any engine: those pass over an
empty file, and of a damaged one they name neither the source nor the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from jobs import paths
from jobs.errors import ContractError, InputMissingError

MAGIC = (b"PAR1", b"PARE")
ENDS = 8  # the length of the footer and the magic word
CHUNK = 2**22
LATER = "A producer is still writing it, or died: write it anew or remove it (exit code 4: not there yet)."
ANEW = "Write it anew, or remove it."


def check(name: str, kind: str, files: Iterable[str], options: Mapping[str, object]) -> None:
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
        if kind == "parquet":
            _check_parquet(name, local)
        elif kind == "csv" and as_utf8:
            _check_text(name, local)


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
        raise ContractError(f"{name}: {file} is no Parquet file: it begins with {begin!r}, expected b'PAR1'. {ANEW}")
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
