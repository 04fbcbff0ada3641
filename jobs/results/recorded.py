"""The sums of a day at an age as the tables hold them, and the run that has made them of rows: what a refresh reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.errors import ContractError, Problem
from jobs.examples.slices import Texts, by_dimensions
from jobs.ledger import tables
from jobs.ledger.columns import RUN
from jobs.ledger.held import all_held
from jobs.ledger.judgements import DERIVED
from jobs.results import lost
from jobs.results.lost import Pair
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from jobs.storage import lake
from jobs.storage.change import DayAtAge
from jobs.storage.schema import KEYS, Table
from udfs.catalog import statistics_of
from udfs.kinds import KINDS
from udfs.scan.batch import BIN_STATISTICS

# Those of sums that not every evaluation has, or not every day.
OPTIONAL: Final = tuple(name for name in tables.OPTIONAL if name not in DERIVED)
STAMPED: Final = (*KEYS, *(column.name for column in RUN))
Tables = Mapping[str, pa.Table]
TOLD: Final = 5  # columns that are told, of those that are not recorded


@dataclass(frozen=True)
class Recorded:
    """The sums of a day at an age.

    Attributes:
        tables: Those tables of sums that have rows of it, in the order in which a run writes them.
        slices: Its declared slices, also those of which every row was rejected.
        told: What `metrics` has of sums that grew too large for the tables, see `lost`.
        done: The event by which the run that summed the rows said that it was done, as in `runs`.
    """

    tables: Tables
    slices: Texts
    told: pa.Table
    done: Mapping[str, Any]

    @property
    def run_id(self) -> str:
        """The run that summed the rows."""
        return str(self.done["run_id"])


def tables_of(settings: Evaluation) -> dict[str, Table]:
    """The tables of sums by their name: what a refresh reads, and leaves as it is."""
    return {name: each for name, each in tables.declared(settings).items() if name not in (*DERIVED, "rejects", "runs")}


def recorded(session: SparkSession, settings: Evaluation, part: DayAtAge) -> Recorded:
    """Read the sums of a day at an age.

    Raises:
        ContractError: There are none, they are of several runs or of one that was not done, or a sum that is asked for
            was not recorded (exit 2).
    """
    declared = tables_of(settings)
    columns: dict[str, Sequence[str] | None] = {**dict.fromkeys(declared), "metrics": lost.COLUMNS}
    found = all_held(session, settings, columns, [part.event_date], part.age_hours, provisional=True)
    metrics = found.pop("metrics")
    there = {name: _in_order(rows, declared[name]) for name, rows in found.items() if rows.num_rows}
    runs = {run_id for rows in there.values() for run_id in rows["run_id"].unique().to_pylist()}
    done = _done(session, settings, part, runs) if len(runs) == 1 else None
    if done is None or not {"statistics", "shard_statistics"} <= there.keys() or not metrics.num_rows:
        held = f"rows of {', '.join(sorted(runs))}" if runs else "no rows"
        raise _refused(part, Problem(", ".join(declared), held, "the sums of one run that was done"))
    units: Mapping[str, Mapping[str, float]] = json.loads(done["units"] or "{}")
    gone = lost.by_pair(there["statistics"], settings, units)
    told = lost.known(metrics, gone, settings)
    lacking = [*_lacking(there, settings, gone), *lost.unknown(told, gone, settings)]
    if lacking:
        more = f" and {len(lacking) - TOLD:,} more" if len(lacking) > TOLD else ""
        expected = "every sum that the configuration asks for"
        raise _refused(part, Problem("sums", f"not recorded: {', '.join(lacking[:TOLD])}{more}", expected))
    return Recorded(there, by_dimensions(metrics["slice"].unique().to_pylist()), told, done)


def _refused(part: DayAtAge, problem: Problem) -> ContractError:
    return ContractError(f"{part.event_date} at age {part.age_hours}h cannot be made again from its sums", [problem])


def _in_order(rows: pa.Table, table: Table) -> pa.Table:
    """Rows in the order of their keys, in which a run writes them: sums of doubles depend on it."""
    keys = [column.name for column in table.columns if not column.nullable and column.name not in STAMPED]
    return rows.sort_by([(key, "ascending") for key in keys])


def _done(session: SparkSession, settings: Evaluation, part: DayAtAge, runs: set[str]) -> Mapping[str, Any] | None:
    """The event `done` of a run, or None."""
    where = lake.address(settings, "runs", engine_of(session))
    events = lake.rows(session, where, tables.RUNS.schema, [part.event_date], part.age_hours)
    of_run = pc.and_(pc.is_in(events["run_id"], value_set=pa.array(sorted(runs))), pc.equal(events["state"], "done"))
    told: list[dict[str, Any]] = events.filter(of_run).to_pylist()
    return told[-1] if told else None


def _lacking(there: Tables, settings: Evaluation, gone: Mapping[Pair, Collection[str]]) -> Iterator[str]:
    """Other sums that are NULL: most likely of a statistic that is newer than the run."""
    found: dict[str, None] = {}
    for task, model in settings.pairs:
        kind = settings.tasks[task].kind
        of_kind = tables.statistics_of_kind(settings, kind).keys() - gone.get((task, model), ())
        asked: dict[str, Collection[str]] = {"statistics": of_kind, "shard_statistics": of_kind}
        asked |= {"score_bins": BIN_STATISTICS} if KINDS[kind].bins else {}
        asked |= {"class_statistics": statistics_of(kind, "classes").keys()} if KINDS[kind].of_classes else {}
        for name in (each for each in asked if each in there):
            rows = of_pair(there[name], task, model)
            found |= dict.fromkeys(f"{c} of {task} / {model}" for c in sorted(asked[name]) if rows[c].null_count)
    yield from found
