"""Comparisons of a night, also with the nights before: what they are made of, as our tables have it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.engines.identity import engine_of
from jobs.errors import InputMissingError
from jobs.judgement.by_shard import Tables, read_by
from jobs.judgement.comparisons import Nights, compared, over_nights
from jobs.judgement.estimates import Known
from jobs.judgement.paired import OF_NIGHTS, Asked, every
from jobs.judgement.uncertainty.shared import shared
from jobs.ledger import tables
from jobs.ledger.held import all_held, whole
from jobs.ledger.judgements import COMPARISONS
from jobs.ledger.sharding import as_recorded, folded, recorded
from jobs.ledger.stamp import Stamp
from jobs.results.baselines import references
from jobs.results.rows import columns_in, selected, stamp_columns
from jobs.settings import Evaluation
from jobs.settings.sections import Shards
from jobs.storage import lake

# Besides what is needed of every night.
OF_DAY = ("metrics", "score_bins", "class_statistics", "unpaired_bins", "unpaired_classes", "pair_statistics")
ASKED = ("comparison", "task", "candidate", "baseline")


def comparisons_of(session: SparkSession, known: Known, stamp: Stamp) -> dict[str, pa.Table]:
    """The rows of `comparisons`, where any are declared.

    Raises:
        RuntimeFailure: Two models are not left with the same rows (exit 3).
    """
    if not known.settings.comparisons:
        return {}
    rows = compared(known, stamp.event_date, *earlier_nights(session, known.settings, stamp))
    return {"comparisons": selected({**columns_in(rows), **stamp_columns(stamp, rows.num_rows)}, COMPARISONS)}


def compared_again(session: SparkSession, settings: Evaluation, day: date, age_hours: int) -> pa.Table:
    """The comparisons of a day that is in the tables, made of them alone; nothing is written.

    Raises:
        InputMissingError: The day is not there at that age, or was evaluated without one of the comparisons (exit 4).
    """
    names = tables.declared(settings).keys() & {*OF_DAY, *OF_NIGHTS, "comparisons"}
    of_day = all_held(session, settings, dict.fromkeys(names), [day], age_hours, provisional=True)
    there = _asked_in(of_day["comparisons"])
    for asked in every(settings):
        if asked not in there:
            raise InputMissingError(
                f"{day} at age {age_hours}h: comparison {asked.comparison} of task {asked.task} is not in the tables; "
                "evaluate the day with it"
            )
    stamp = Stamp(day, age_hours, datetime.now(UTC), "")
    settings = as_recorded(session, settings, day, age_hours)
    known = Known(of_day, settings, references(session, settings, stamp))
    return compared(known, day, *earlier_nights(session, settings, stamp))


def earlier_nights(session: SparkSession, settings: Evaluation, stamp: Stamp) -> tuple[Nights, int]:
    """For each task of a comparison the tables of the nights before that compared the same models, at the same age.

    Returns:
        Them, and by how many shards they are summed: as many as all of them and the night have in common. Those up to
        the last one that has other shards are left out.
    """
    where = lake.address(settings, "comparisons", engine_of(session))
    schema = pa.schema([COMPARISONS.schema.field(name) for name in ("event_date", *ASKED, "provisional")])
    rows = lake.distinct(session, where, schema, stamp.age_hours)
    rows = rows.filter(pc.and_(pc.less(rows["event_date"], pa.scalar(stamp.event_date)), whole(rows)))
    done = rows.select(["event_date", *ASKED]).group_by(["event_date", *ASKED]).aggregate([]).sort_by("event_date")
    nights: dict[Asked, list[date]] = {asked: [] for asked in every(settings)}
    for night, *asked in zip(*(done[name].to_pylist() for name in ("event_date", *ASKED)), strict=True):
        if Asked(*asked) in nights:
            nights[Asked(*asked)].append(night)
    days = {night for found in nights.values() for night in found}
    kept, count = _alike(settings, days, recorded(session, settings, days, stamp.age_hours))
    columns = dict.fromkeys(OF_NIGHTS, _columns(settings))
    found = all_held(session, settings, columns, kept, stamp.age_hours)
    own = {asked: [night for night in of if night in kept] for asked, of in nights.items()}
    return by_night({name: folded(rows, count) for name, rows in found.items()}, own), count


def _alike(settings: Evaluation, nights: Collection[date], noted: Mapping[date, Shards]) -> tuple[set[date], int]:
    """The nights up to the last whose shards are others, and how many shards all of them and tonight have in common."""
    kept, common = set[date](), settings.shards
    for night in sorted(nights, reverse=True):
        both = shared(common, noted.get(night, settings.shards))
        if not both.paired:
            break
        kept.add(night)
        common = common.model_copy(update={"count": both.count})
    return kept, common.count


def by_night(of_nights: Tables, nights: Mapping[Asked, Sequence[date]]) -> Nights:
    """The rows of each night and task, found by one sort of all of them."""
    days = sorted({night for found in nights.values() for night in found})
    tasks = sorted({asked.task for asked in nights})
    parts: dict[str, dict[tuple[date, str], pa.Table]] = {}
    for name, table in of_nights.items():
        day, task = (
            pc.index_in(table[column], value_set=pa.array(known, table.schema.field(column).type)).to_numpy()
            for column, known in (("event_date", days), ("task", tasks))
        )
        place = np.where(np.isnan(task), -1, day * len(tasks) + task)
        order = np.argsort(place, kind="stable")
        ends = np.searchsorted(place[order], np.arange(len(days) * len(tasks) + 1))
        rows = table.take(pa.array(order))
        keys = [(night, each) for night in days for each in tasks]
        parts[name] = {
            key: rows.slice(start, end - start) for key, start, end in zip(keys, ends, ends[1:], strict=False)
        }
    return {
        asked: {night: {name: of[night, asked.task] for name, of in parts.items()} for night in found}
        for asked, found in nights.items()
    }


def _columns(settings: Evaluation) -> list[str]:
    """What is needed of the nights before: few of all sums."""
    kinds = {settings.tasks[asked.task].kind for asked in every(settings)}
    sums = [name for kind in kinds for name in read_by(over_nights(kind, settings).values(), kind, settings)]
    return ["event_date", "task", "model", "other", "slice", "shard", *sums]


def _asked_in(comparisons: pa.Table) -> set[Asked]:
    return {Asked(*each) for each in zip(*(comparisons[name].to_pylist() for name in ASKED), strict=True)}
