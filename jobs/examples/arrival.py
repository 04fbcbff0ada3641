"""What has arrived of a day: the rows of each source by the hour, and whether there is a day at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.day import Day, micros
from jobs.errors import InputMissingError
from jobs.examples.cells import Cells
from jobs.inputs.impressions import days_of
from jobs.settings import Evaluation

HOUR = 3_600_000_000
IMPRESSIONS = "impressions"


@dataclass(frozen=True)
class Arrived:
    """The rows of a source that can be of a day: of the impressions its own, of a log those of its windows.

    Attributes:
        rows: All of them.
        unusable: Those of a log that a reason rejects.
        hours: Those with a time in the day itself, by its hours; empty where times are not mapped.
        later: Those after the day.
        others: Where there are none, of which days the rows of the source are.
    """

    rows: int
    unusable: int
    hours: tuple[int, ...]
    later: int = 0
    others: str = ""

    @property
    def in_day(self) -> int:
        """Rows of the day itself."""
        return sum(self.hours) if self.hours else self.rows

    @property
    def plain(self) -> dict[str, Any]:
        """As it is kept in `runs`."""
        return {"rows": self.rows, "hours": self.hours}

    @classmethod
    def parsed(cls, plain: Mapping[str, Any]) -> Arrived:
        """What `plain` was made from, but for the unusable rows."""
        return cls(plain["rows"], 0, tuple(plain["hours"]))


def counted(
    impressions: DataFrame, logs: Mapping[str, DataFrame], cells: Cells, settings: Evaluation, day: Day
) -> dict[str, Arrived]:
    """What has arrived of every source, in one scan of their times."""
    frames = {name: log.where(F.col("outside").isNull()).select("time", "reason") for name, log in logs.items()}
    if settings.impressions.columns.time is not None:
        unasked = F.lit(None).cast("string").alias("reason")
        frames[IMPRESSIONS] = impressions.where("in_day").select("time", unasked)
    whole = {IMPRESSIONS: Arrived(cells.in_day, 0, ())}
    if not frames:
        return whole
    hour = F.floor((F.col("time") - F.lit(micros(day.start))) / F.lit(HOUR)).alias("hour")
    numbers = F.count(F.lit(1)).alias("rows"), F.count("reason").alias("unusable")
    # Each by the hour alone, before they come together: the name as a key beside it takes twice as long.
    parts = [frame.groupBy(hour).agg(*numbers).withColumn("source", F.lit(name)) for name, frame in frames.items()]
    counts = reduce(lambda left, right: left.unionByName(right), parts)
    rows = counts.toArrow().to_pylist()
    whole |= {name: _arrived([row for row in rows if row["source"] == name], day) for name in frames}
    # An epoch in a wrong unit is of another century, and no waiting mends that.
    empty = {name: log for name, log in logs.items() if not whole[name].rows}
    return whole | {name: replace(whole[name], others=days_of(log, day)) for name, log in empty.items()}


def _arrived(counts: list[dict[str, int]], day: Day) -> Arrived:
    by_hour = {row["hour"]: row["rows"] for row in counts}
    hours = tuple(by_hour.get(hour, 0) for hour in range(math.ceil(day.hours)))
    later = sum(rows for hour, rows in by_hour.items() if hour is not None and hour >= len(hours))
    return Arrived(sum(row["rows"] for row in counts), sum(row["unusable"] for row in counts), hours, later)


def check_day(impressions: DataFrame, cells: Cells, arrived: Arrived, day: Day) -> None:
    """Raise InputMissingError (exit 4) for a day of which no row is there, though there may be rows without a time."""
    timeless = cells.in_day - sum(arrived.hours)
    # Where no row at all has a time, the column is at fault, and waiting does not help.
    if sum(arrived.hours) or (timeless and not cells.outside):
        return
    others = f"; {days_of(impressions, day) or 'they have no time'}" if cells.read else ""
    lacking = f", and {timeless:,} of them have no time" if timeless else ""
    raise InputMissingError(
        f"impressions: {day.date} is empty: none of {cells.read:,} rows read lies in it{lacking}{others}. "
        "Wait until the day is there, or check --date (exit code 4: not there yet)."
    )
