"""Earlier days at the age of the day and at the one where labels are final: read from our own tables, by shard.

Only what was known at the moment of the day is read: so a day that is run again much later is judged alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.judgement.maturity.grids import Coded
from jobs.judgement.uncertainty.shared import shared
from jobs.ledger import tables
from jobs.ledger.held import held
from jobs.ledger.judgements import LABEL_ARRIVAL
from jobs.ledger.sharding import recorded
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from jobs.settings.sections import Shards
from udfs.catalog import metrics_of
from udfs.kinds import KINDS
from udfs.measures.nowcast import NOWCAST

LOOKS_BACK = 28  # days
KEYS = ("event_date", "age_hours", "as_of", "task", "model", "slice", "shard")
OF_VERDICTS = (
    *("event_date", "age_hours", "as_of", "label", "slice", "verdict", "positives", "expected_positives"),
    *("share", "share_low", "share_high", "share_of", "level_since"),
)
ROWS = "positive_rows"


@dataclass(frozen=True)
class Vintages:
    """What the tables know.

    Attributes:
        sums: Rows of `shard_statistics` of earlier days, at the age of the day and at those where labels are final.
        younger: Those of the day itself at its next younger age.
        verdicts: Rows of `label_arrival` of the same earlier days and ages, and at the next younger age.
        common: How many shards the day has in common with its younger age; None where those are the same.
    """

    sums: pa.Table
    younger: pa.Table
    verdicts: pa.Table
    common: int | None = None

    @cached_property
    def shards(self) -> int:
        """How many shards there are at most: on days before others were configured there may have been more."""
        return max(1 + (pc.max(of["shard"]).as_py() or 0) for of in (self.sums, self.younger))

    @cached_property
    def coded(self) -> Coded:
        """The sums of earlier days, to be found by what they are of."""
        return Coded(self.sums)


def final_age(settings: Evaluation, task: str) -> int | None:
    """The youngest configured age at which the labels of a task no longer change, in hours."""
    return min((age for age in settings.hours if settings.is_final(age, task)), default=None)


def vintages(session: SparkSession, settings: Evaluation, stamp: Stamp) -> Vintages:
    """Read what there is of earlier days; provisional days do not count."""
    younger = max((age for age in settings.hours if age < stamp.age_hours), default=None)
    finals = {final_age(settings, task) for task in settings.tasks} - {None}
    ages = sorted({stamp.age_hours, *(age for age in finals if age is not None and age > stamp.age_hours)})
    further = -(-(ages[-1] - stamp.age_hours) // 24)
    days = [stamp.event_date - timedelta(days=back + 1) for back in range(LOOKS_BACK + further)]
    sums = (*KEYS, *_sums(settings))

    def read(name: str, columns: Sequence[str], of: Sequence[date], age: int) -> pa.Table:
        rows = held(session, settings, name, of, age, columns=columns)
        return rows.filter(pc.less_equal(rows["as_of"], pa.scalar(stamp.as_of, rows.schema.field("as_of").type)))

    with ThreadPoolExecutor(2 * len(ages) + 2) as pool:
        found = [pool.submit(read, "shard_statistics", sums, days, age) for age in ages]
        also = ages if younger is None else [younger, *ages]
        told = [pool.submit(read, LABEL_ARRIVAL.name, OF_VERDICTS, days, age) for age in also]
        own = [] if younger is None else [stamp.event_date]
        before = pool.submit(read, "shard_statistics", sums, own, younger or 0)
        noted = pool.submit(recorded, session, settings, own, younger or 0)
        every, verdicts = (pa.concat_tables([each.result() for each in parts]) for parts in (found, told))
        of_younger = noted.result().get(stamp.event_date, settings.shards)
        return Vintages(every, before.result(), verdicts, _common(settings.shards, of_younger))


def _common(now: Shards, younger: Shards) -> int | None:
    """By how many shards two ages of a day are held against each other, 1 where a unit is in another one."""
    both = shared(now, younger)
    return None if now == younger else both.count if both.paired else 1


def level_since(settings: Evaluation, label: str, day: date) -> date | None:
    """The day since which a label has the level that it is held against on a day; None where nothing is said."""
    log = settings.label_logs.get(label)
    since = None if log is None else log.level_since
    return since if since is not None and since <= day else None


def standing(verdicts: pa.Table, settings: Evaluation, stamp: Stamp) -> pa.Table:
    """The rows of `label_arrival` that still stand: not those by a level that people say has ended by then."""
    void = pa.scalar(False)
    for label in settings.label_logs:
        since = level_since(settings, label, stamp.event_date)
        if since is not None:
            first = pa.scalar(since, type=pa.date32())
            other = pc.fill_null(pc.not_equal(verdicts["level_since"], first), fill_value=True)
            own = pc.and_(pc.equal(verdicts["label"], label), pc.greater_equal(verdicts["event_date"], first))
            void = pc.or_(void, pc.and_(own, other))
    return verdicts if isinstance(void, pa.Scalar) else verdicts.filter(pc.invert(void))


def sums_of(kind: str) -> list[str]:
    """The statistics of a kind of task that tell how its labels arrive."""
    of_losses = NOWCAST.values() if metrics_of(kind, "nowcast") else ()
    return [*dict.fromkeys((str(KINDS[kind].positives), *of_losses, "n", "weight"))]


def _sums(settings: Evaluation) -> list[str]:
    known = tables.statistic_columns(settings)
    read = (name for kind in settings.kinds if KINDS[kind].positives for name in sums_of(kind))
    return [name for name in dict.fromkeys((*read, ROWS)) if name in known]
