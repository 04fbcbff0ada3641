"""What a run has read, found again: the same files of every source, or what of them is gone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deltalake.exceptions import DeltaError
from pyspark.sql import SparkSession

from jobs import paths
from jobs.day import Day
from jobs.errors import InputMissingError, LossledgerError
from jobs.files import delta_files
from jobs.files.there import There, there
from jobs.files.wanted import Wanted, of_day
from jobs.inputs.sources import wanted
from jobs.planning import changed
from jobs.settings import Evaluation


class GoneError(LossledgerError):
    """What a run has read is not there any more, or is not what it was."""

    exit_code = 4


@dataclass(frozen=True)
class Found:
    """A source as a run has read it.

    Attributes:
        wanted: What the run wanted of it.
        version: Of a Delta table, or None.
        files: The files that can hold a row of the day, each with the values that its folder or its table gives it.
    """

    wanted: Wanted
    version: int | None
    files: tuple[tuple[str, Mapping[str, str]], ...]


def found_again(session: SparkSession, settings: Evaluation, run: Mapping[str, Any]) -> dict[str, Found]:
    """Every source of a run as it was.

    Args:
        session: Of the engine.
        settings: What the run was configured with.
        run: Its end, as `runs` has it.

    Raises:
        GoneError: One is not as it was: it says which, and how (exit 4).
    """
    day = Day(run["event_date"], settings.day.timezone)
    noted, asked = json.loads(run["inputs"] or "{}"), wanted(settings, day, run["as_of"])
    every = {name: _one(session, each, noted.get(name)) for name, each in asked.items()}
    gone = [f"{name}: {found}" for name, found in every.items() if isinstance(found, str)]
    if gone:
        raise GoneError("; ".join(gone))
    return {name: found for name, found in every.items() if isinstance(found, Found)}


def _one(session: SparkSession, asked: Wanted, noted: Mapping[str, Any] | None) -> Found | str:
    """A source as a run noted it, or what is gone of it."""
    try:
        now = _there(session, asked, (noted or {}).get("version"))
        files = now.wanted(asked)
        how = changed.moved(noted, now.noted(files, asked))
    except (InputMissingError, DeltaError) as error:
        return f"is not there any more ({str(error).splitlines()[0]})"
    if how is not None:
        return f"is not what the run read: {how}"
    kept = {file.path for file in of_day(files, asked)}
    held = tuple((path, values) for path, values in _every(now) if path in kept)
    lost = [path for path, _ in held if (local := paths.local_path(path)) is not None and not os.path.exists(local)]
    if lost:
        return f"{len(lost)} files of version {now.version} are gone, as by a vacuum: {lost[0]}"
    return Found(asked, now.version, held)


def _there(session: SparkSession, asked: Wanted, version: int | None) -> There:
    """A source as it is now; a Delta table at the version that was read."""
    now = there(session, asked.name, asked.source)
    if now.version is None or version is None or now.version == version:
        return now
    return There(now.format, now.path, version=version, held=delta_files.plain(now.path, version))


def _every(now: There) -> Iterator[tuple[str, Mapping[str, str]]]:
    for values, files in now.files.items():
        yield from ((file, dict(values)) for file in files)
    yield from ((file.path, dict(file.values)) for file in now.held)
