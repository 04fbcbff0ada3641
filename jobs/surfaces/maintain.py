"""The command `lossledger maintain`: fewer files, none that nobody needs, no rejects beyond their time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from jobs.engines.session import session
from jobs.errors import ConfigurationError, Problem
from jobs.ledger.maintenance import checked, maintained
from jobs.settings import durations, load
from jobs.sql.sessions import reading
from jobs.storage.upkeep.told import Upkeep
from jobs.surfaces.arguments import Config, DryRun, Json, LightEngine, Set
from jobs.surfaces.exits import guarded, printed

OlderThan = Annotated[
    str, typer.Option("--older-than", help="Closed days and unused files are so old, e.g. 7d or 30d.")
]
Unsafe = Annotated[bool, typer.Option("--unsafe", help="Less than 7d, too: no query is under way that may still read.")]


def maintain(  # noqa: PLR0913, PLR0917 - the options of the command
    config: Config,
    older_than: OlderThan = "7d",
    dry_run: DryRun = False,
    unsafe: Unsafe = False,
    engine: LightEngine = None,
    overrides: Set = [],  # noqa: B006 - typer copies it
    as_json: Json = False,
) -> None:
    """Put the files of closed days together, delete those that nobody needs, and rejects beyond limits.rejects_kept."""

    def command() -> int:
        settings = load(config, overrides)
        back = checked(_duration(older_than), unsafe=unsafe)
        with session(engine or reading(settings)) as spark:
            found = maintained(spark, settings, back, dry_run=dry_run)
        told = {"exit_code": 0, "dry_run": dry_run, "tables": {name: asdict(of) for name, of in found.items()}}
        printed([json.dumps(told)] if as_json else lines(found, dry_run=dry_run))
        return 0

    raise typer.Exit(guarded(command, as_json=as_json))


def _duration(text: str) -> timedelta:
    try:
        return durations.duration(text)
    except ValueError as error:
        problem = Problem("--older-than", repr(text), str(error))
        raise ConfigurationError("the retention cannot be read", [problem]) from None


def lines(found: Mapping[str, Upkeep], *, dry_run: bool) -> Iterator[str]:
    """A line for each table for which there was something to do, and one for all."""
    for name, of in found.items():
        if did := "; ".join(_did(of)):
            yield f"{name}: {did}"
    files, size = (sum(getattr(of.deleted, what) for of in found.values()) for what in ("count", "bytes"))
    verb = "would be deleted; nothing was done" if dry_run else "deleted"
    yield f"{len(found)} tables, {files:,} files ({size / 1e6:,.1f} MB) {verb}"


def _did(of: Upkeep) -> Iterator[str]:
    if of.forgotten:
        yield f"{of.forgotten:,} rows of days that are no longer kept"
    if of.compacted.count:
        yield f"{of.compacted.count:,} files of closed days into {of.into.count:,}"
    if of.deleted.count:
        yield f"{of.deleted.count:,} unused files ({of.deleted.bytes / 1e6:,.1f} MB)"
    if of.log_files and of.log_files > 0:
        yield f"{of.log_files:,} files of the log"
