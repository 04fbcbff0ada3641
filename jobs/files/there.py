"""What there is of a source, without reading a row: where it is, its files or its version, as `runs` notes them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from deltalake.exceptions import DeltaError
from pyspark.sql import SparkSession

from jobs import paths
from jobs.engines import failures
from jobs.errors import ContractError, InputMissingError
from jobs.files import delta_files, readers
from jobs.files.unchanged import File, described, fingerprint, stat
from jobs.files.wanted import Wanted, of_day
from jobs.files.whole import DataFile
from jobs.paths import Partition
from jobs.settings import Source
from jobs.storage import lake

ABSENT = re.compile(
    r"PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND|path does not exist|doesn't exist|no such file|"
    r"(table|object|location).* not found",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class There:
    """A source as it is now.

    Attributes:
        format: Of its files.
        path: Where they are.
        files: The files by the partition that their folders name; none of a Delta table.
        version: Of a Delta table, or None.
        held: The files of that version, where they are the rows of the table and its log can be read here.
    """

    format: str
    path: str
    files: Mapping[Partition, Sequence[str]] = field(default_factory=dict)
    version: int | None = None
    held: Sequence[DataFile] = ()

    def kept(self, wanted: Wanted) -> dict[Partition, list[str]]:
        """The files that can hold what is wanted.

        Raises:
            InputMissingError: None can be of the day (exit 4).
        """
        kept = {values: list(files) for values, files in self.files.items() if wanted.may_hold(dict(values))}
        if not any(wanted.may_be_day(dict(values)) for values in kept):
            told = f"{wanted.name}: no file under {self.path!r} for {wanted.day.date.isoformat()}"
            raise InputMissingError(f"{told}{_partitions(wanted, self.files)} (exit code 4: not there yet).")
        return kept

    def wanted(self, wanted: Wanted) -> tuple[File, ...]:
        """The files that can hold what is wanted as they are now; of a Delta table those of its version.

        Raises:
            InputMissingError: None can be of the day (exit 4).
        """
        if self.version is None:
            return tuple(stat(file) for files in self.kept(wanted).values() for file in files)
        held = (file for file in self.held if wanted.may_hold(dict(file.values)))
        return tuple(File(file.path, file.size, None) for file in held)

    def noted(self, files: Sequence[File], wanted: Wanted) -> dict[str, Any]:
        """What a run that pins it now notes of it in `runs`, `files` being what `wanted` gives.

        Logs grow by the day: `of_day` is the fingerprint of those files that can hold what this one needs.
        """
        version = {} if self.version is None else {"version": self.version}
        if self.version is not None and not self.held:
            return {"format": self.format, "path": self.path, **version}
        return {**described(self.format, self.path, files), **version, "of_day": fingerprint(of_day(files, wanted))}


def there(session: SparkSession, name: str, source: Source) -> There:
    """A source as it is now; `name` is where it stands in the configuration.

    Raises:
        InputMissingError: Nothing is there (exit 4).
        ContractError: What is there cannot be read (exit 2).
    """
    format_, path = _located(session, name, source)
    delta_files.check_format(name, format_, path)
    with reading(name, format_, path):
        if format_ == "delta":
            version = lake.version(session, path)
            return There(format_, path, version=version, held=delta_files.plain(path, version))
        return There(format_, path, readers.listed(readers.lister(session, format_, name, source), name, source, path))


@contextmanager
def reading(name: str, format_: str, path: str) -> Iterator[None]:
    """Tell of a source that an engine cannot read: nothing is there (exit 4), or it is something else (exit 2)."""
    try:
        yield
    except (*failures.ENGINE_ERRORS, DeltaError) as error:
        told = f"{name}: cannot read {path!r} as {format_}: {failures.causes(error)[0]}. "
        mend = failures.remedy(error)
        if mend is None and ABSENT.search(told):
            raise InputMissingError(f"{told}Check the path (exit code 4: not there yet).") from error
        mend = mend or "Check the format of the source, and that its files are whole."
        raise ContractError(f"{told}{mend}") from error


def missing(source: Source) -> bool | None:
    """Whether nothing is at the local path of a source; None of any other place, where only its engine can tell."""
    local = None if source.path is None else paths.local_path(source.path)
    return None if local is None or paths.is_pattern(local) else not os.path.exists(local)


def meant(path: str) -> str:
    """The question whether something else was meant than a local path where nothing is; '' where nothing is like it."""
    near = paths.beside(str(paths.local_path(path)))
    return "" if near is None else f" (did you mean {near!r}?)"


def _located(session: SparkSession, name: str, source: Source) -> tuple[str, str]:
    """Format and path of a source; a catalog table is looked up once."""
    if source.table is None:
        assert source.format is not None and source.path is not None
        if missing(source):
            raise InputMissingError(
                f"{name}: there is nothing at {source.path!r} on this machine{meant(source.path)}. Check the path, "
                "name its file system (as in hdfs://…), or wait until the log is there (exit code 4: not there yet)."
            )
        if source.format != "delta":
            readers.check_literal(name, source.path)
        return source.format, source.path
    try:
        rows = session.sql(f"DESCRIBE TABLE EXTENDED {lake.Address(name=source.table).identifier}").collect()
    except failures.ENGINE_ERRORS as error:
        told = f"{name}: the catalog does not show table {source.table!r}: {failures.causes(error)[0]}"
        raise (InputMissingError if ABSENT.search(told) else ContractError)(told) from error
    facts = {row["col_name"]: row["data_type"] for row in rows}
    if not facts.get("Provider") or not facts.get("Location"):
        raise ContractError(
            f"{name}: {source.table!r} has no files of its own (a view?), so it cannot be pinned; "
            "name the table or the path under it"
        )
    return str(facts["Provider"]).lower(), str(facts["Location"])


def _partitions(wanted: Wanted, found: Iterable[Partition]) -> str:
    """Which partitions were looked for, and which are there."""
    if wanted.partition is None:
        return ""
    known = sorted({f"{key}={value}" for values in found for key, value in values})
    looked = f" in a partition {wanted.partition}={wanted.day.date.isoformat()}"
    return f"{looked}; there are {', '.join(known[-3:])}" if known else looked
