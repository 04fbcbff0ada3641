"""The days that a day is held against, and the values of the days before: read from our own tables, at equal age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from jobs.ledger import tables
from jobs.ledger.held import held
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation
from jobs.settings.judgement.changing import every_changing

LOOKS_BACK = 28  # days among which a run of bad ones is looked for
READ = ("statistics", "shard_statistics", "score_bins")
SERIES = ("event_date", "task", "model", "slice", "metric", "value", "stderr")

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class Earlier:
    """What is known of earlier days at the same age; provisional ones do not count.

    Attributes:
        days: The day of each name, as `1d` or `reference`.
        tables: The rows of those days by table, empty where there are none.
        series: `value` and `stderr` of metrics on the days before, with their keys.
    """

    days: Mapping[str, date]
    tables: Tables
    series: pa.Table

    def of(self, name: str) -> Tables:
        """The tables of one of the days."""
        day = self.days[name]
        return {table: rows.filter(pc.equal(rows["event_date"], day)) for table, rows in self.tables.items()}


def earlier(session: SparkSession, settings: Evaluation, stamp: Stamp) -> Earlier:
    """The days that are declared to be held against, as our tables have them."""
    days = settings.changes.days(stamp.event_date)
    names = [name for name in READ if name in tables.declared(settings)]
    # The reference day itself has no other: what it was before a rerun is none.
    others = set(days.values()) - {stamp.event_date}
    found = {name: held(session, settings, name, others, stamp.age_hours) for name in names}
    before = {stamp.event_date - timedelta(days=back + 1) for back in range(LOOKS_BACK)}
    values = held(session, settings, "metrics", before, stamp.age_hours, columns=SERIES)
    return Earlier(days, found, values.filter(pc.is_in(values["metric"], pa.array(every_changing(settings)))))
