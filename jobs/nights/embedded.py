"""The engine of nights for which nobody names one: embedded where their logs are here and small, else Apache Spark."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.util import find_spec
from typing import Final, NamedTuple

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from jobs import paths
from jobs.day import Day
from jobs.files import listing, whole
from jobs.inputs.sources import wanted
from jobs.settings import Evaluation, Source
from jobs.settings.options import sail_problems

# Sail holds a join of 10 M impressions in 0.9 GiB of memory; as Parquet they have half of that.
MOST_BYTES: Final = 2**30
# Whoever sets one of these has an Apache Spark of his own, or is started by it.
OF_SPARK: Final = (
    *("PYSPARK_GATEWAY_PORT", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_MASTER", "MASTER", "SPARK_REMOTE"),
    *("HADOOP_CONF_DIR", "YARN_CONF_DIR"),
)

Held = dict[str, Sequence[whole.DataFile] | None]


class Chosen(NamedTuple):
    """An engine, and why it is that one."""

    engine: str
    why: str

    @property
    def sentence(self) -> str:
        """What people are told of it."""
        if self.engine == "sail":
            return f"on Sail, the embedded engine, as {self.why}; --engine spark runs Apache Spark"
        return f"on Apache Spark, as {self.why}; --engine sail runs the embedded engine"


def on(settings: Evaluation, days: Iterable[date], accelerator: str, *, quiet: bool) -> str:
    """The engine for some days, after people were told why on stderr."""
    return told(engine_for(settings, days, accelerator), quiet=quiet)


def told(chosen: Chosen, *, quiet: bool) -> str:
    """An engine, after people were told why it is that one."""
    if not quiet:
        print(chosen.sentence, file=sys.stderr)
    return chosen.engine


def engine_for(settings: Evaluation, days: Iterable[date], accelerator: str = "auto") -> Chosen:
    """The embedded engine where all that it needs is on this machine and no day of it is large, else Apache Spark."""
    reason = _of_surroundings(accelerator) or _of_tables(settings) or _of_logs(settings)
    if reason is not None:
        return Chosen("spark", reason)
    held: Held = {}
    sizes = {day: _bytes(settings, day, held) for day in days}
    if None in sizes.values():
        return Chosen("spark", "only an engine can list the files of the logs")
    most = max((size for size in sizes.values() if size is not None), default=0)
    several = len(sizes) > 1
    if not most:
        return Chosen("sail", f"there is nothing of the logs of {'those days' if several else 'that day'} here")
    told = f"the logs of a day are {'at most ' if several else ''}{spelled(most)} on this machine"
    return Chosen("sail" if most <= MOST_BYTES else "spark", told)


def engine_for_tables(settings: Evaluation) -> Chosen:
    """The engine of what reads the tables alone, wherever the logs are and however large they were."""
    reason = _of_surroundings("none") or _of_tables(settings)
    return Chosen("sail", "the tables are on this machine") if reason is None else Chosen("spark", reason)


def spelled(size: int) -> str:
    """A number of bytes for people.

    >>> spelled(812), spelled(3_400_000), spelled(5 * 2**30)
    ('812 bytes', '3.2 MiB', '5.0 GiB')
    """
    for unit, one in {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10}.items():
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size} bytes"


def _of_surroundings(accelerator: str) -> str | None:
    """Why a process is one of Apache Spark, whatever it evaluates, or None."""
    named = [name for name in OF_SPARK if os.environ.get(name)]
    if named:
        return f"{named[0]} is set"
    if accelerator == "comet":
        return "--accelerator comet is asked for"
    return None if find_spec("pysail") is not None else "Sail is not installed"


def _of_tables(settings: Evaluation) -> str | None:
    """Why tables are not for the embedded engine by where they are, or None."""
    here = settings.tables.path is not None and paths.local_path(settings.tables.path) is not None
    return None if here else "the tables are not in a folder of this machine"


def _of_logs(settings: Evaluation) -> str | None:
    """Why logs are not for the embedded engine by where they are, or None."""
    for name, source in settings.sources.items():
        if source.path is None or source.format is None or paths.local_path(source.path) is None:
            return f"{name} is not on this machine"
        if sail_problems(name, source.format, source.options):
            return f"{name} has options that only Apache Spark obeys"
    return None


def _bytes(settings: Evaluation, day: date, held: Held) -> int | None:
    """The bytes of the files that can hold rows of a day or its labels; None where only an engine lists them.

    Args:
        settings: What is configured.
        day: The day.
        held: The files of each log, as far as they were listed for another day.
    """
    of = Day(day, settings.day.timezone)
    total = 0
    for name, each in wanted(settings, of, of.as_of(max(settings.hours))).items():
        if name not in held:
            held[name] = _files(each.source)
        files = held[name]
        if files is None:
            return None
        total += sum(file.size for file in files if each.may_hold(dict(file.values)))
    return total


def _files(source: Source) -> Sequence[whole.DataFile] | None:
    """The files of a log, none of one that is not there: that is told by the run, on whatever engine."""
    assert source.path is not None
    if source.format == "delta":
        local = str(paths.local_path(source.path))
        try:
            return whole.delta_files(local, DeltaTable(local).version())
        except DeltaError:
            return []
    files = listing.files(source.path, source.options)
    if files is None:
        return None
    root = paths.root_of(source.path)
    return [
        whole.DataFile(file, os.path.getsize(file), dict(paths.partition_values(paths.folders(root, file))))
        for file in files
        if os.path.isfile(file)
    ]
