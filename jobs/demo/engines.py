"""A day again on the other engine, in a process of its own, and whether its tables hold the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
from deltalake import DeltaTable

from jobs.engines import jars, java
from jobs.errors import EngineError, RuntimeFailure
from jobs.ledger.tables import declared, statistic_columns
from jobs.settings import Evaluation
from jobs.storage.schema import Table

OTHER: Final = {"sail": "spark", "spark": "sail"}
NAMES: Final = {"sail": "Sail", "spark": "Apache Spark"}
COMPARED: Final = ("statistics", "shard_statistics", "score_bins")
# Set by the engine of this process; a child that inherits it would look for that engine.
INHERITED: Final = ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED")
# A minute is too short for the second compiler to pay. The first one alone gets a code cache that a run just fills:
# then the JVM ends. And of the memory for classes, a threshold that is soon reached collects all garbage each time.
QUICK: Final = {
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:MetaspaceSize=256m -XX:+UseSerialGC"
}


@dataclass(frozen=True)
class Comparison:
    """One table as two engines wrote it for one day.

    Attributes:
        table: Name of the table.
        rows: Rows of the first engine.
        sums: Sums and counts compared: the statistics that the table has, in every row.
        differing: Columns that are not the same, bit for bit.
    """

    table: str
    rows: int
    sums: int
    differing: tuple[str, ...]


def left_out(engine: str) -> str | None:
    """Why an engine cannot be had on this machine, or None."""
    try:
        if engine == "spark":
            java.java_home()
            jars.delta_jars()
    except EngineError as error:
        return str(error)
    return None


def repeated(config: Path, day: date, *, engine: str, tables: str, environment: dict[str, str]) -> float:
    """Run a day on an engine in a child process; returns the seconds of its stages.

    Raises:
        RuntimeFailure: The child failed; carries its message.
    """
    # By its place, not by the current folder, which may have a package `jobs` of its own.
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", "jobs", "run", str(config), "--date", day.isoformat(), "--engine", engine]
    inherited = {name: value for name, value in os.environ.items() if name not in INHERITED}
    done = subprocess.run(
        [*command, "--set", f"tables.path={json.dumps(tables)}", "--json"],
        env={**QUICK, **inherited, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
        raise RuntimeFailure(f"{day} on {NAMES[engine]} ended with exit code {done.returncode}: {' '.join(message)}")
    return float(sum(json.loads(done.stdout)["stages"].values()))


def compared(settings: Evaluation, tables: Sequence[str], day: date) -> tuple[Comparison, ...]:
    """Compare the tables of sums of one day in two folders of tables, bit for bit."""
    return tuple(_compared(settings, declared(settings)[name], tables, day) for name in COMPARED)


def _compared(settings: Evaluation, table: Table, tables: Sequence[str], day: date) -> Comparison:
    first, second = (_rows(f"{folder}/{settings.evaluation}/{table.name}", table, day) for folder in tables)
    sums = [name for name in statistic_columns(settings) if name in first.column_names]
    differing = [name for name in first.column_names if first[name] != second[name]]
    return Comparison(table.name, first.num_rows, first.num_rows * len(sums), tuple(differing))


def _rows(path: str, table: Table, day: date) -> pa.Table:
    """The rows of a day by key; which run wrote them is not compared."""
    rows = DeltaTable(path).to_pyarrow_table(filters=[("event_date", "=", day)])
    keys = [column.name for column in table.columns if not column.nullable and column.name != "run_id"]
    names = [column.name for column in table.columns if column.name != "run_id"]
    ordered = rows.sort_by([(name, "ascending") for name in keys]).select(names)
    return ordered.cast(pa.schema([table.schema.field(name) for name in names]))
