"""A ledger of its own for a run that is made again: with the earlier days as that run has found them."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.audit import recorded
from jobs.engines.identity import engine_of
from jobs.ledger import tables
from jobs.settings import Evaluation, parse
from jobs.storage import lake
from jobs.storage.change import DayAtAge

LOG: Final = "_delta_log"
Run = Mapping[str, Any]


@dataclass(frozen=True)
class Earlier:
    """The ledger of a run that is made again.

    Attributes:
        settings: What the run was configured with, its tables in a place of their own.
        moved: The earlier days at ages that are not as the run has found them.
        whole: Whether earlier days could be taken along at all.
    """

    settings: Evaluation
    moved: tuple[DayAtAge, ...] = ()
    whole: bool = True


def laid_out(session: SparkSession, own: Evaluation, runs: pa.Table, run: Run, folder: Path) -> Earlier:
    """The earlier days of a ledger beside it, data files as links: what is written there does not touch it.

    Args:
        session: Of the engine.
        own: What the run was configured with, the tables where they are.
        runs: Every event of `runs`.
        run: The end of the run.
        folder: An empty folder of this machine.
    """
    settings = parse({**own.document(), "tables": {"path": str(folder)}})
    began = _began(runs, run)
    _remember(session, settings, runs, run, began)
    places = {
        name: lake.address(own, name, engine_of(session)).local for name in tables.declared(own) if name != "runs"
    }
    if any(place is None for place in places.values()):
        return Earlier(settings, (), whole=False)
    for name, place in places.items():
        if place is not None and os.path.isdir(place):
            _linked(Path(place), folder / own.evaluation / name)
    seen, moved = _seen(runs, run, began)
    for name in places:
        where = lake.address(settings, name, engine_of(session))
        for part in (*seen, *moved) if lake.exists(session, where) else ():
            lake.remove(session, where, part)
    return Earlier(settings, tuple(moved))


def _began(runs: pa.Table, run: Run) -> Any:
    """When the run began; of one of an early release, which did not say it, when it ended."""
    own = runs.filter(pc.equal(runs["run_id"], run["run_id"]))
    return pc.min(own["event_time"]).as_py()


def _remember(session: SparkSession, settings: Evaluation, runs: pa.Table, run: Run, began: Any) -> None:
    """Let `runs` know what it knew when the run began, and whose turn it was: of this day no run is done yet."""
    where = lake.address(settings, "runs", engine_of(session))
    lake.ensure(session, where, tables.RUNS)
    of_part = pc.and_(pc.equal(runs["event_date"], run["event_date"]), pc.equal(runs["age_hours"], run["age_hours"]))
    known = runs.filter(
        pc.and_(pc.less(runs["event_time"], pa.scalar(began, runs["event_time"].type)), pc.invert(of_part))
    )
    began_here = runs.filter(pc.and_(of_part, pc.equal(runs["state"], "started")))
    # A table commits for no turn that it has had; that of the run which is made again is above all of these.
    ended = began_here.set_column(
        began_here.column_names.index("state"), "state", pa.repeat(pa.scalar("failed"), began_here.num_rows)
    )
    lake.append(
        session, where, pa.concat_tables([known, began_here, ended.cast(runs.schema)]), {"again": run["run_id"]}
    )


def _linked(table: Path, into: Path) -> None:
    """A table with a log of its own, and links to the data files of another one."""
    shutil.copytree(table / LOG, into / LOG)
    for file in (file for file in table.rglob("*") if file.is_file() and LOG not in file.parts):
        target = into / file.relative_to(table)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, target)
        except OSError:
            # Another file system. Of a folder no link is made: what is written into it would be in the ledger.
            os.symlink(file.resolve(), target)


def _seen(runs: pa.Table, run: Run, began: Any) -> tuple[list[DayAtAge], list[DayAtAge]]:
    """The days at ages that were not there yet when the run began, and those that were others then.

    Later days are no run's business.
    """
    events: dict[DayAtAge, list[Run]] = defaultdict(list)
    for event in runs.select(["event_date", "age_hours", "run_id", "state", "event_time", "turn"]).to_pylist():
        if event["event_date"] <= run["event_date"]:
            events[DayAtAge(event["event_date"], event["age_hours"])].append(event)
    absent, moved = [DayAtAge(run["event_date"], run["age_hours"])], list[DayAtAge]()
    for part, own in sorted(events.items()):
        ends = [event["event_time"] for event in own if event["state"] == "done"]
        last = recorded.done(own, [*recorded.counting(own)])
        if part in absent or last is None or last["event_time"] < began:
            continue
        (moved if min(ends) < began else absent).append(part)
    return absent, moved


def in_ledger(session: SparkSession, own: Evaluation, part: DayAtAge, names: Sequence[str]) -> dict[str, pa.Table]:
    """The rows of tables of a day at an age."""
    found = {}
    for name in names:
        where, schema = lake.address(own, name, engine_of(session)), tables.declared(own)[name].schema
        there = lake.exists(session, where)
        found[name] = (
            lake.rows(session, where, schema, [part.event_date], part.age_hours) if there else schema.empty_table()
        )
    return found
