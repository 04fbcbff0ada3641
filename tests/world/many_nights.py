"""Nights by the hundred: the day of an evaluation copied to many others, commit by commit, as its runs would have."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

from jobs.settings import Evaluation
from tests.world.duck_db import path
from tests.world.two_nights import changed


def told(settings: Evaluation, template: date, names: Sequence[str], days: Iterable[date]) -> None:
    """For every day the rows of the template: of `runs` an event a commit, of each other table a commit twice over.

    The first commit of a day is replaced by a second one, as where a night is run again.
    """
    listed = list(days)
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: _copied(settings, name, template, listed), names))


def _copied(settings: Evaluation, name: str, template: date, days: Sequence[date]) -> None:
    table = DeltaTable(path(settings, name))
    rows = table.to_pyarrow_table()
    rows = rows.filter(pc.equal(rows["event_date"], template))
    for day in days:
        of_day = changed(rows, {"event_date": day, "run_id": f"of {day}"})
        if name == "runs":
            for i, event in enumerate(of_day.slice(i, 1) for i in range(of_day.num_rows)):
                moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, seconds=i)
                write_deltalake(table, changed(event, {"event_time": moment}), mode="append")
        else:
            write_deltalake(table, of_day, mode="append")
            at = f"event_date = DATE '{day}'"
            if day.day % 7 == 0:
                write_deltalake(table, of_day, mode="overwrite", predicate=at)


def files_by_day(settings: Evaluation, name: str) -> dict[tuple[date, int], int]:
    """How many files each day at an age has."""
    actions = pa.table(DeltaTable(path(settings, name)).get_add_actions(flatten=True))
    keys = ["partition.event_date", "partition.age_hours"]
    counted = actions.select([*keys, "path"]).group_by(keys).aggregate([("path", "count")]).to_pylist()
    return {(row[keys[0]], row[keys[1]]): row["path_count"] for row in counted}
