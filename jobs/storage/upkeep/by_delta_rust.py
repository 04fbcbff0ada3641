"""Upkeep by delta-rs."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs
from pyspark.sql import SparkSession

from jobs.storage import delta_rust
from jobs.storage.address import Address
from jobs.storage.schema import KEYS
from jobs.storage.upkeep.told import Files

HOUR = timedelta(hours=1)


def compacted(_: SparkSession, where: Address, before: date, *, dry_run: bool) -> tuple[Files, Files]:
    """Put the files of each day before `before` at an age together; returns what they were, and what they became."""
    table = DeltaTable(str(where.path))
    many = {part: sizes for part, sizes in _sizes(table, before).items() if len(sizes) > 1}
    found = Files(sum(map(len, many.values())), sum(map(sum, many.values())))
    if dry_run or not many:
        return found, Files(len(many))
    told = table.optimize.compact(partition_filters=[("event_date", "<", before.isoformat())])
    return _files(told["filesRemoved"]), _files(told["filesAdded"])


def _sizes(table: DeltaTable, before: date) -> dict[tuple[date, int], list[int]]:
    keys = [f"partition.{key}" for key in KEYS]
    actions = pa.table(table.get_add_actions(flatten=True)).select([*keys, "size_bytes"])
    found = defaultdict(list)
    for day, age_hours, size in zip(*actions.to_pydict().values(), strict=True):
        if day < before:
            found[day, age_hours].append(size)
    return found


def _files(told: str) -> Files:
    metrics = json.loads(told)
    return Files(metrics["totalFiles"], metrics["totalSize"])


def vacuumed(_: SparkSession, where: Address, retention: timedelta, *, dry_run: bool) -> Files:
    """Delete files that no version of so long ago needs, and those of that age which no commit is about."""
    table = DeltaTable(str(where.path))

    def vacuum(*, dry_run: bool) -> list[str]:
        # In whole hours, rather more than fewer. The retention was judged before: it may be less than the table's own.
        return table.vacuum(-(-retention // HOUR), dry_run, enforce_retention_duration=False, full=True)

    store = fs.PyFileSystem(DeltaStorageHandler(table.table_uri))
    # The log knows files for a month that were deleted long ago.
    there = [info for info in store.get_file_info(vacuum(dry_run=True)) if info.type == fs.FileType.File]
    found = Files(len(there), sum(info.size for info in there))
    if there and not dry_run:
        vacuum(dry_run=False)
    return found


def forgotten(_: SparkSession, where: Address, before: date, *, dry_run: bool) -> int:
    """Delete the rows of days before `before`; returns how many they were."""
    table = DeltaTable(str(where.path))
    actions = pa.table(table.get_add_actions(flatten=True)).select(["partition.event_date", "num_records"])
    rows: int = sum(count for day, count in zip(*actions.to_pydict().values(), strict=True) if day < before)
    if rows and not dry_run:
        table.delete(f"event_date < DATE '{before.isoformat()}'")
    return rows


def shortened(_: SparkSession, where: Address) -> int | None:
    """Write a checkpoint where commits follow the last one, and delete what of the log is older than it is kept."""
    table = DeltaTable(str(where.path))
    log = fs.FileSelector("_delta_log")
    store = fs.PyFileSystem(DeltaStorageHandler(table.table_uri))
    names = [info.base_name for info in store.get_file_info(log)]
    if any(name.startswith(f"{table.version():020}.checkpoint") for name in names):
        return 0
    table.create_checkpoint()
    delta_rust.forget_checksum(where)
    table.cleanup_metadata()
    return len(names) + 1 - len(store.get_file_info(log))
