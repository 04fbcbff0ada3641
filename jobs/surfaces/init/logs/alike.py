"""The data files of a path by their columns: those of one log, though it may have got a column more meanwhile."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow.parquet as pq

from jobs.files import listing, whole
from jobs.surfaces.init.logs import text_files

PARQUET: Final = (".parquet", ".pq", ".parq")
TEXT: Final = (".csv", ".tsv", ".txt", ".tab", ".dat")
NUMBERED: Final = re.compile(r"[0-9a-f]{8}-[-0-9a-f]{27}|\d+")  # what tells files of one log apart in their names


@dataclass(frozen=True)
class Files:
    """Files of the same columns."""

    columns: tuple[str, ...]
    dialect: Mapping[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ()


def data_files(path: str) -> Iterator[str]:
    """The files of a path that are data by their names or, of a file that is named itself, whatever its name."""
    if not os.path.isdir(path):
        yield path
        return
    for folder, inner, names in os.walk(path, followlinks=True):
        inner[:] = sorted(name for name in inner if not listing.is_hidden(name))
        for name in sorted(names):
            if not listing.is_hidden(name) and _format(name) is not None:
                yield os.path.join(folder, name)


def _format(file: str) -> str | None:
    name = file.lower()
    if name.endswith(PARQUET):
        return "parquet"
    bare = name
    for end in (".gz", ".bz2", ".zst"):
        bare = bare.removesuffix(end)
    return "csv" if bare.endswith(TEXT) else None


def by_columns(files: Sequence[str]) -> list[Files]:
    """The files by their columns: of many alike only some are opened."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    dialects: dict[tuple[str, tuple[str, ...]], Mapping[str, Any]] = {}
    for file in files:
        format_ = _format(file) or _by_content(file)
        dialect = _parquet_columns(file) if format_ == "parquet" else text_files.dialect(file)
        key = (format_, tuple(dialect["columns"]))
        groups.setdefault(key, []).append(file)
        dialects.setdefault(key, {"format": format_, **dialect})
    return [Files(key[1], dialects[key], tuple(found)) for key, found in groups.items()]


def _by_content(file: str) -> str:
    with open(file, "rb") as stream:
        return "parquet" if stream.read(4) in whole.MAGIC else "csv"


def _parquet_columns(file: str) -> dict[str, Any]:
    whole.check("--from", "parquet", [file], {})
    return {"columns": pq.read_schema(file).names}


def of_one_log(root: str, alike: Sequence[Files]) -> bool:
    """Whether files are of one log though their columns differ: their folder or their numbered name says so.

    So it is where `dt=2026-11-20` has a column more, or `part-00007.parquet` beside `part-00006.parquet`.
    """
    made = {(of.dialect["format"], str(of.dialect.get("options")), bool(of.dialect.get("names"))) for of in alike}
    heads = {os.path.relpath(file, root).split(os.sep)[0] for of in alike for file in of.paths}
    keys = {head.partition("=")[:2] if "=" in head else (NUMBERED.sub("", head), "") for head in heads}
    numbered = all("=" in head or NUMBERED.search(head) for head in heads)
    return len(made) == 1 and made.pop()[2] is False and len(keys) == 1 and numbered
