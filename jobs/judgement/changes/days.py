"""The days that a day is held against, and the values of the days before: read from our own tables, at equal age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.judgement.by_shard import Tables, read_by
from jobs.judgement.changes.foreseen import OF_NOWCASTS
from jobs.ledger import tables
from jobs.ledger.held import all_held, held
from jobs.ledger.sharding import recorded
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import ENTROPY, changing, every_changing
from jobs.settings.sections import Shards
from udfs.kinds import KINDS

LOOKS_BACK = 28  # days among which a run of bad ones is looked for
READ = ("statistics", "shard_statistics", "score_bins")
SERIES = ("event_date", "task", "model", "slice", "metric", "value", "stderr")


@dataclass(frozen=True)
class Earlier:
    """What is known of earlier days at the same age; provisional ones do not count.

    Attributes:
        days: The day of each name, as `1d` or `reference`.
        tables: The rows of those days by table, empty where there are none; those of `metrics` are for nowcasts.
        series: `value` and `stderr` of metrics on the days before, with their keys.
        shards: Into which shards the units of those days were divided; of a day that is not named, as they are now.
    """

    days: Mapping[str, date]
    tables: Tables
    series: pa.Table
    shards: Mapping[date, Shards] = field(default_factory=dict)

    def of(self, name: str) -> Tables:
        """The tables of one of the days."""
        day = self.days[name]
        return {table: rows.filter(pc.equal(rows["event_date"], day)) for table, rows in self.tables.items()}


def earlier(session: SparkSession, settings: Evaluation, stamp: Stamp) -> Earlier:
    """The days that are declared to be held against, as our tables have them."""
    days = settings.changes.days(stamp.event_date)
    columns = {name: own for name, own in read(settings).items() if name in tables.declared(settings)}
    columns["metrics"] = OF_NOWCASTS
    # The reference day itself has no other: what it was before a rerun is none.
    others = set(days.values()) - {stamp.event_date}
    before = {stamp.event_date - timedelta(days=back + 1) for back in range(LOOKS_BACK)}
    with ThreadPoolExecutor(2) as beside:
        noted = beside.submit(recorded, session, settings, others, stamp.age_hours)
        series = beside.submit(held, session, settings, "metrics", before, stamp.age_hours, columns=(*SERIES, "clip"))
        found = all_held(session, settings, columns, others, stamp.age_hours)
    values = at_one_clip(series.result(), settings)
    changing_ones = values.filter(pc.is_in(values["metric"], pa.array(every_changing(settings))))
    return Earlier(days, found, changing_ones, noted.result())


def at_one_clip(values: pa.Table, settings: Evaluation) -> pa.Table:
    """Values of metrics without the losses of days on which scores of exactly 0 and 1 were priced otherwise.

    What is not known to be otherwise stays.
    """
    priced = [ENTROPY, *(KINDS[kind].loss for kind in settings.kinds if KINDS[kind].hard)]
    other = pc.fill_null(pc.not_equal(values["clip"], settings.loss.clip), fill_value=False)
    of_losses = pc.is_in(values["metric"], pa.array(priced))
    return values.filter(pc.invert(pc.and_(other, of_losses))).drop_columns(["clip"])


def narrowed(of: Tables, settings: Evaluation) -> dict[str, pa.Table]:
    """The same tables with no other sums than changes are made of: rows are copied more than once."""
    return {**of, **{name: of[name].select(columns) for name, columns in read(settings).items() if name in of}}


def read(settings: Evaluation) -> dict[str, Sequence[str]]:
    """The columns of the tables of a day that changes are made of, few of all sums."""
    sums = {
        name: None for kind in settings.kinds for name in read_by(changing(kind, settings).values(), kind, settings)
    }
    keys = dict(zip(READ, (settings.dimensions, ("slice", "shard"), ("slice", "bin")), strict=True))
    of_bins = ("positive_weight", "negative_weight")
    return {
        name: ["event_date", "task", "model", *own, *(of_bins if name == "score_bins" else sums)]
        for name, own in keys.items()
    }
