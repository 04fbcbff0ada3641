"""What a source says of itself where it is asked: a file that its producer writes last, a time that it has reached."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import paths
from jobs.day import EPOCH, Day, micros
from jobs.engines import failures
from jobs.engines.identity import engine_of
from jobs.errors import ConfigurationError, Problem
from jobs.files.pinned import Pinned
from jobs.files.there import ABSENT
from jobs.inputs import times
from jobs.inputs.sources import Inputs
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation, Impressions, LabelLog, TimeColumn


def lacking(session: SparkSession, inputs: Inputs, settings: Evaluation, day: Day, stamp: Stamp) -> Iterator[Problem]:
    """The sources that say, as they are asked to, that they are not whole yet."""
    asked: list[tuple[Pinned, Impressions | LabelLog, datetime]] = [(inputs.impressions, settings.impressions, day.end)]
    for name, log in settings.label_logs.items():
        asked.append((inputs.logs[name], log, min(day.end + settings.reach(name), stamp.as_of)))
    for source, declared, needed in asked:
        if declared.complete.file is not None:
            yield from _without_file(session, source.name, declared, day, settings.day.partition)
        if declared.complete.watermark is not None:
            yield from _behind(source, declared.complete.watermark, day, needed)


def _without_file(
    session: SparkSession, name: str, declared: Impressions | LabelLog, day: Day, partition: str | None
) -> Iterator[Problem]:
    """The file is looked for in the folder of the day where a source has one, else in its own."""
    assert declared.source.path is not None
    root = paths.root_of(declared.source.path)
    local = paths.local_path(root)
    root = os.path.dirname(root) if local is not None and os.path.isfile(local) else root
    dated = [f"{root}/{partition}={text}" for text in day.spellings] if partition else []
    folders = [folder for folder in dated if _exists(session, name, folder)] or [root]
    if not any(_exists(session, name, f"{folder}/{declared.complete.file}") for folder in folders):
        found = f"no {declared.complete.file} in {' or '.join(folders)}"
        yield Problem(name, found, f"one, as {name}.complete.file asks for it")


def _exists(session: SparkSession, name: str, path: str) -> bool:
    local = paths.local_path(path)
    if local is not None:
        return os.path.exists(local)
    if engine_of(session) != "spark":
        problem = Problem(f"{name}.complete.file", path, "a local path, or --engine spark, or complete.watermark")
        raise ConfigurationError("the embedded engine cannot look for one file elsewhere", [problem])
    try:
        # Asked for its columns, the engine looks whether there is something, and reads nothing.
        session.read.format("binaryFile").load(path).schema  # noqa: B018
    except failures.ENGINE_ERRORS as error:
        if ABSENT.search(" ".join(failures.causes(error))):
            return False
        raise
    return True


def _behind(source: Pinned, column: TimeColumn, day: Day, needed: datetime) -> Iterator[Problem]:
    """Times to come are of a wrong clock, and no watermark."""
    moment = times.utc_micros(source, column, day.timezone)
    latest = source.frame.agg(F.max(F.when(moment <= micros(datetime.now(UTC)), moment))).collect()[0][0]
    if latest is None or latest < micros(needed):
        found = "no time" if latest is None else f"{EPOCH + timedelta(microseconds=latest):%Y-%m-%d %H:%M:%S} UTC"
        expected = f"{needed:%Y-%m-%d %H:%M:%S} UTC or later, as {source.name}.complete.watermark asks for it"
        yield Problem(source.name, f"{found} as the latest {column.column}", expected)
