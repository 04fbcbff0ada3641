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
from jobs.files.wanted import Wanted
from jobs.inputs.sources import wanted
from jobs.settings import Evaluation
from jobs.settings.options import sail_problems

# Sail holds a join of 10 M impressions in 0.9 GiB of memory; as Parquet they have half of that.
MOST_BYTES: Final = 2**30
# Whoever sets one of these has an Apache Spark of his own, or is started by it.
OF_SPARK: Final = (
    *("PYSPARK_GATEWAY_PORT", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_MASTER", "MASTER", "SPARK_REMOTE"),
    *("HADOOP_CONF_DIR", "YARN_CONF_DIR"),
)


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
    chosen = engine_for(settings, days, accelerator)
    if not quiet:
        print(chosen.sentence, file=sys.stderr)
    return chosen.engine


def engine_for(settings: Evaluation, days: Iterable[date], accelerator: str = "auto") -> Chosen:
    """The embedded engine where all that it needs is on this machine and no day of it is large, else Apache Spark."""
    reason = _of_surroundings(accelerator) or _of_places(settings)
    if reason is not None:
        return Chosen("spark", reason)
    sizes = [_bytes(settings, day) for day in days]
    if None in sizes:
        return Chosen("spark", "only an engine can list the files of the logs")
    most = max((size for size in sizes if size is not None), default=0)
    if not most:
        return Chosen("sail", "there is nothing of the logs of that day on this machine")
    told = f"the logs of a day are {spelled(most)} on this machine"
    return Chosen("sail" if most <= MOST_BYTES else "spark", told)


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


def _of_places(settings: Evaluation) -> str | None:
    """Why logs or tables are not for the embedded engine by where they are, or None."""
    if settings.tables.path is None or paths.local_path(settings.tables.path) is None:
        return "the tables are not in a folder of this machine"
    for name, source in settings.sources.items():
        if source.path is None or source.format is None or paths.local_path(source.path) is None:
            return f"{name} is not on this machine"
        if sail_problems(name, source.format, source.options):
            return f"{name} has options that only Apache Spark obeys"
    return None


def _bytes(settings: Evaluation, day: date) -> int | None:
    """The bytes of the files that can hold rows of a day or its labels; None where only an engine lists them."""
    of = Day(day, settings.day.timezone)
    sizes = [_size(each) for each in wanted(settings, of, of.as_of(max(settings.hours))).values()]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _size(wanted: Wanted) -> int | None:
    assert wanted.source.path is not None
    local = str(paths.local_path(wanted.source.path))
    if wanted.source.format == "delta":
        return _size_of_table(local, wanted)
    files = listing.files(wanted.source.path, wanted.source.options)
    if files is None:
        return None
    root = paths.root_of(wanted.source.path)
    kept = (f for f in files if wanted.may_hold(dict(paths.partition_values(paths.folders(root, f)))))
    # What is not there is told by the run, on whatever engine.
    return sum(os.path.getsize(file) for file in kept if os.path.isfile(file))


def _size_of_table(path: str, wanted: Wanted) -> int:
    try:
        held: Sequence[whole.DataFile] = whole.delta_files(path, DeltaTable(path).version())
    except DeltaError:
        return 0
    return sum(file.size for file in held if wanted.may_hold(dict(file.values)))
