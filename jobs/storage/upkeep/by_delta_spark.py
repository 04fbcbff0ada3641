"""Upkeep by delta-spark."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, Final

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs.engines.identity import is_classic
from jobs.storage.address import Address
from jobs.storage.delta_spark import read
from jobs.storage.schema import KEYS
from jobs.storage.upkeep.told import Files

HOUR = timedelta(hours=1)
# The retention was judged before: it may be shorter than Delta lets it be. What a vacuum did is told by the history.
OF_VACUUM: Final[Mapping[str, str]] = {
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.databricks.delta.vacuum.logging.enabled": "true",
    # Folders are listed by as many tasks, 10,000 unless said otherwise: 40 s for each of our small tables.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "16",
}
VACUUMING: Final = threading.Lock()


def compacted(session: SparkSession, where: Address, before: date, *, dry_run: bool) -> tuple[Files, Files]:
    """Put the files of each day before `before` at an age together; returns what they were, and what they became."""
    old = read(session, where).where(F.col("event_date") < F.lit(before))
    files = old.select(*KEYS, F.col("_metadata.file_path"), F.col("_metadata.file_size").alias("size")).distinct()
    by_day = files.groupBy(*KEYS).agg(F.count("size").alias("files"), F.sum("size").alias("bytes"))
    many = by_day.where("files > 1").collect()
    found = Files(sum(row["files"] for row in many), sum(row["bytes"] for row in many))
    if dry_run or not many:
        return found, Files(len(many))
    optimized = f"OPTIMIZE {where.identifier} WHERE event_date < DATE '{before.isoformat()}'"
    told = session.sql(optimized).collect()[0]["metrics"]
    return _files(told, "Removed"), _files(told, "Added")


def _files(told: Row, what: str) -> Files:
    return Files(told[f"numFiles{what}"], told[f"files{what}"]["totalSize"])


def vacuumed(session: SparkSession, where: Address, retention: timedelta, *, dry_run: bool) -> Files:
    """Delete files that no version of so long ago needs, and those of that age which no commit is about."""
    text = f"VACUUM {where.identifier} RETAIN {-(-retention // HOUR)} HOURS"
    # Tables are kept up side by side, and the session is one: who ends first would take the others' settings away.
    with VACUUMING, _set(session, OF_VACUUM):
        paths = session.sql(f"{text} DRY RUN").collect()
        if not paths or dry_run:
            return Files(len(paths))
        session.sql(text).collect()
    history = session.sql(f"DESCRIBE HISTORY {where.identifier} LIMIT 10").collect()
    told: dict[str, Any] = {}
    for row in reversed(history):
        told |= row["operationMetrics"] if row["operation"].startswith("VACUUM") else {}
    return Files(int(told["numDeletedFiles"]), int(told["sizeOfDataToDelete"]))


def forgotten(session: SparkSession, where: Address, before: date, *, dry_run: bool) -> int:
    """Delete the rows of days before `before`; returns how many they were."""
    rows = read(session, where).where(F.col("event_date") < F.lit(before)).count()
    if rows and not dry_run:
        session.sql(f"DELETE FROM {where.identifier} WHERE event_date < DATE '{before.isoformat()}'")
    return rows


def shortened(session: SparkSession, where: Address) -> int | None:
    """Write a checkpoint, and with it delete what of the log is older than it is kept; a server does that by itself."""
    if is_classic(session) and where.path is not None:
        jvm: Any = session._jvm
        log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(session._jsparkSession, where.path)
        log.checkpoint()
    return None


@contextmanager
def _set(session: SparkSession, values: Mapping[str, str]) -> Iterator[None]:
    """Settings of the session within the block."""
    before = {name: session.conf.get(name, None) for name in values}
    for name, value in values.items():
        session.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, old)
