"""Somebody's logs on this machine: which there are in a path, how a configuration names them, some of their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from jobs import paths
from jobs.errors import ContractError, Problem
from jobs.files import listing, whole
from jobs.surfaces.first_rows.of_delta import first_rows
from jobs.surfaces.init.logs import text_files
from jobs.surfaces.init.logs.columns import UNMISTAKABLE, Column, columns_of, null_words
from jobs.surfaces.init.words import slug

ROWS: Final = 200_000
CELLS: Final = 4_000_000  # of wide logs fewer rows are enough
FILES: Final = 12
PARQUET: Final = (".parquet", ".pq", ".parq")
TEXT: Final = (".csv", ".tsv", ".txt", ".tab", ".dat")
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
    """

    name: str
    source: Mapping[str, Any]
    rows: pa.Table
    complete: bool
    folders: Sequence[str] = ()

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Its columns, with what their values are."""
        return columns_of(self.rows, is_text=self.source["format"] == "csv")


@dataclass(frozen=True)
class _Files:
    """Files of the same columns."""

    columns: tuple[str, ...]
    dialect: Mapping[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ()


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
    files = list(_data_files(local))
    if not files:
        raise ContractError(NO_LOG, [Problem(path, _held(local), READ)])
    alike = _alike(files)
    if len(alike) == 1 or _of_one_log(local, alike):
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


def _data_files(path: str) -> Iterator[str]:
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


def _held(path: str) -> str:
    """What is there in place of a log."""
    names = sorted(os.listdir(path)) if os.path.isdir(path) else [os.path.basename(path)]
    return f"no such file among {', '.join(names[:5])}" if names else "an empty folder"


def _alike(files: Sequence[str]) -> list[_Files]:
    """The files by their columns: of many alike only some are opened."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    dialects: dict[tuple[str, tuple[str, ...]], Mapping[str, Any]] = {}
    for file in files:
        format_ = _format(file) or _by_content(file)
        dialect = _parquet_columns(file) if format_ == "parquet" else text_files.dialect(file)
        key = (format_, tuple(dialect["columns"]))
        groups.setdefault(key, []).append(file)
        dialects.setdefault(key, {"format": format_, **dialect})
    return [_Files(key[1], dialects[key], tuple(found)) for key, found in groups.items()]


def _by_content(file: str) -> str:
    with open(file, "rb") as stream:
        return "parquet" if stream.read(4) in whole.MAGIC else "csv"


def _parquet_columns(file: str) -> dict[str, Any]:
    whole.check("--from", "parquet", [file], {})
    return {"columns": pq.read_schema(file).names}


def _apart(root: str, files: _Files) -> Iterator[Log]:
    """The logs that files of the same columns are: of each entry of the folder one."""
    entries: dict[str, list[str]] = {}
    for file in files.paths:
        entries.setdefault(os.path.relpath(file, root).split(os.sep)[0], []).append(file)
    for entry, own in entries.items():
        yield _log(os.path.join(root, entry), [_Files(files.columns, files.dialect, tuple(own))])


def _of_one_log(root: str, alike: Sequence[_Files]) -> bool:
    """Whether files are of one log though their columns differ, as they do where `dt=2026-11-20` has one more."""
    made = {(of.dialect["format"], str(of.dialect.get("options")), bool(of.dialect.get("names"))) for of in alike}
    heads = {os.path.relpath(file, root).split(os.sep)[0].partition("=")[:2] for of in alike for file in of.paths}
    return len(made) == 1 and made.pop()[2] is False and len(heads) == 1 and heads.pop()[1] == "="


def _log(path: str, alike: Sequence[_Files]) -> Log:
    first = alike[0]
    files = dict(sorted((file, of) for of in alike for file in of.paths))
    inside = [paths.folders(paths.root_of(path), os.path.abspath(file)) for file in files]
    options = {**first.dialect.get("options", {}), **_listing(path, [*files], inside)}
    source: dict[str, Any] = {"format": first.dialect["format"], "path": path}
    if options:
        source["options"] = options
    if first.dialect.get("names"):
        source["names"] = list(first.columns)
    rows, complete = _sampled(files, inside, _most(max(len(of.columns) for of in alike)))
    if source["format"] == "csv":
        texts = {name: rows[name].drop_null().to_pandas().astype(str) for name in rows.column_names if name}
        if words := null_words(texts):
            source["nulls"] = _nulls(words)
    keys = dict.fromkeys(key for folders in inside for key, _ in paths.partition_values(folders))
    return Log(slug(Path(path).name.split(".")[0]), source, rows, complete, tuple(keys))


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


def _sampled(files: Mapping[str, _Files], inside: Sequence[Sequence[str]], most: int) -> tuple[pa.Table, bool]:
    """The first rows of some files, the first and the last among them; and whether they are all there are."""
    every = [*files.items()]
    chosen = sorted({*range(0, len(every), max(1, -(-len(every) // FILES))), len(every) - 1})
    each = max(1, most // len(chosen))
    parts, complete = [], len(chosen) == len(every)
    for rank in chosen:
        file, of = every[rank]
        rows = _first_rows(of, file, each + 1)
        complete &= rows.num_rows <= each
        parts.append(_with_folders(rows.slice(0, each), inside[rank]))
    return pa.concat_tables(parts, promote_options="permissive"), complete


def _first_rows(files: _Files, file: str, most: int) -> pa.Table:
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
