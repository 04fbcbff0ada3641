"""Somebody's logs on this machine: which there are in a path, how a configuration names them, some of their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from jobs import paths
from jobs.errors import ContractError, Problem
from jobs.files import listing
from jobs.surfaces.first_rows.of_delta import first_rows
from jobs.surfaces.init.logs import text_files
from jobs.surfaces.init.logs.alike import Files, by_columns, data_files, of_one_log
from jobs.surfaces.init.logs.columns import UNMISTAKABLE, Column, columns_of, null_words
from jobs.surfaces.init.logs.merged import merged
from jobs.surfaces.init.words import slug

ROWS: Final = 200_000
CELLS: Final = 4_000_000  # of wide logs fewer rows are enough
FILES: Final = 12
NO_LOG: Final = "there is no log to look at"
READ: Final = "a file or a folder of Parquet or CSV, or a Delta table, on this machine"


@dataclass(frozen=True)
class Log:
    """One log: its source as a configuration has it, and a sample of its rows.

    Attributes:
        name: Of its file or folder.
        source: `format`, `path` and what else a configuration says of it.
        rows: The sample.
        complete: Whether that is all of it.
        folders: The keys that its folders name, as `dt` of `dt=2026-11-20`.
        mixed: Why a column cannot be read, which has other types in other files.
    """

    name: str
    source: Mapping[str, Any]
    rows: pa.Table
    complete: bool
    folders: Sequence[str] = ()
    mixed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Its columns, with what their values are."""
        found = columns_of(self.rows, is_text=self.source["format"] == "csv")
        return {name: replace(each, mixed=self.mixed.get(name)) for name, each in found.items()}


def logs_in(path: str) -> list[Log]:
    """The logs in a path: one, or of a folder in which files differ in their columns one for each of its entries.

    Raises:
        ContractError: There is nothing at the path that can be read (exit 2).
    """
    local = paths.local_path(path)
    if local is None:
        mend = f"{READ}; copy a day of it here, and name its address in the configuration afterwards"
        raise ContractError(NO_LOG, [Problem(path, "an address elsewhere", mend)])
    if not os.path.exists(local):
        raise ContractError(NO_LOG, [Problem(path, "nothing", READ, paths.beside(local))])
    tables = [local] if _is_delta(local) else _delta_tables(local)
    if tables:
        return [_delta(table) for table in tables]
    files = list(data_files(local))
    if not files:
        raise ContractError(NO_LOG, [Problem(path, _held(local), READ)])
    alike = by_columns(files)
    if len(alike) == 1 or of_one_log(local, alike):
        return [_log(local, alike)]
    return [log for each in alike for log in _apart(local, each)]


def _is_delta(path: str) -> bool:
    return os.path.isdir(os.path.join(path, "_delta_log"))


def _delta_tables(path: str) -> list[str]:
    entries = sorted(os.scandir(path), key=lambda each: each.name) if os.path.isdir(path) else []
    return [entry.path for entry in entries if _is_delta(entry.path)]


def _delta(path: str) -> Log:
    table = DeltaTable(path)
    most = _most(len(table.schema().fields))
    rows = first_rows(path, most + 1)
    if rows is None:
        features = ", ".join(table.protocol().reader_features or ())
        mend = f"{READ}; write a day of it as Parquet, and name the table in the configuration afterwards"
        raise ContractError(NO_LOG, [Problem(path, f"a Delta table that only Apache Spark reads ({features})", mend)])
    source = {"format": "delta", "path": path}
    return Log(Path(path).name, source, rows.slice(0, most), rows.num_rows <= most, table.metadata().partition_columns)


def _most(columns: int) -> int:
    return min(ROWS, CELLS // max(columns, 1))


def _held(path: str) -> str:
    """What is there in place of a log."""
    names = sorted(os.listdir(path)) if os.path.isdir(path) else [os.path.basename(path)]
    return f"no such file among {', '.join(names[:5])}" if names else "an empty folder"


def _apart(root: str, files: Files) -> Iterator[Log]:
    """The logs that files of the same columns are: of each entry of the folder one."""
    entries: dict[str, list[str]] = {}
    for file in files.paths:
        entries.setdefault(os.path.relpath(file, root).split(os.sep)[0], []).append(file)
    for entry, own in entries.items():
        yield _log(os.path.join(root, entry), [Files(files.columns, files.dialect, tuple(own))])


def _log(path: str, alike: Sequence[Files]) -> Log:
    first = alike[0]
    files = dict(sorted((file, of) for of in alike for file in of.paths))
    inside = [paths.folders(paths.root_of(path), os.path.abspath(file)) for file in files]
    options = {**first.dialect.get("options", {}), **_listing(path, [*files], inside)}
    source: dict[str, Any] = {"format": first.dialect["format"], "path": path}
    if options:
        source["options"] = options
    if first.dialect.get("names"):
        source["names"] = list(first.columns)
    parts, complete = _sampled(files, inside, _most(max(len(of.columns) for of in alike)))
    rows, mixed = merged(parts)
    if source["format"] == "csv":
        texts = {name: rows[name].drop_null().to_pandas().astype(str) for name in rows.column_names if name}
        if words := null_words(texts):
            source["nulls"] = _nulls(words)
    keys = dict.fromkeys(key for folders in inside for key, _ in paths.partition_values(folders))
    return Log(slug(Path(path).name.split(".")[0]), source, rows, complete, tuple(keys), mixed)


def _nulls(words: Mapping[str, Sequence[str]]) -> list[str] | dict[str, list[str]]:
    """The words for NULL as a configuration has them: of all columns where none of them can be a value."""
    every = dict.fromkeys(word for of in words.values() for word in of)
    return [*every] if UNMISTAKABLE.issuperset(every) else {name: [*of] for name, of in words.items()}


def _listing(path: str, files: Sequence[str], inside: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The options by which an engine finds the same files in a folder, and no others."""
    if not os.path.isdir(path):
        return {}
    nested = any("=" not in folder for folders in inside for folder in folders)
    options: dict[str, Any] = {"recursiveFileLookup": True} if nested else {}
    every = listing.files(path, options) or []
    ends = {os.path.splitext(file)[1] for file in files}
    if len(every) > len(files) and len(ends) == 1:
        options["pathGlobFilter"] = f"*{ends.pop()}"
    return options


def _sampled(
    files: Mapping[str, Files], inside: Sequence[Sequence[str]], most: int
) -> tuple[dict[str, pa.Table], bool]:
    """The first rows of some files, the first and the last among them; and whether they are all there are."""
    every = [*files.items()]
    chosen = sorted({*range(0, len(every), max(1, -(-len(every) // FILES))), len(every) - 1})
    each = max(1, most // len(chosen))
    parts, complete = {}, len(chosen) == len(every)
    for rank in chosen:
        file, of = every[rank]
        rows = _first_rows(of, file, each + 1)
        complete &= rows.num_rows <= each
        parts[file] = _with_folders(rows.slice(0, each), inside[rank])
    return parts, complete


def _first_rows(files: Files, file: str, most: int) -> pa.Table:
    if files.dialect["format"] == "csv":
        return text_files.first_rows(file, files.dialect, most)
    with pq.ParquetFile(file) as opened:
        batches = []
        for batch in opened.iter_batches(min(most, 65_536)):
            batches.append(batch)
            if sum(found.num_rows for found in batches) >= most:
                break
        return pa.Table.from_batches(batches, opened.schema_arrow).slice(0, most)


def _with_folders(rows: pa.Table, folders: Sequence[str]) -> pa.Table:
    for key, value in paths.partition_values(folders):
        rows = rows.drop_columns([key]) if key in rows.column_names else rows
        rows = rows.append_column(key, pa.array([value] * rows.num_rows, pa.string()))
    return rows
