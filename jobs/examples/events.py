"""What became of the events of the label logs: each that was read is counted in exactly one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.day import Day, micros
from jobs.errors import RuntimeFailure
from jobs.examples.labels.attributed import known
from jobs.examples.labels.different import KEPT, REJECTED, RETRACTED, about_impressions, different, united
from jobs.settings import Evaluation

SECOND = 1_000_000
UNITS = {"days": 86_400 * SECOND, "hours": 3_600 * SECOND, "minutes": 60 * SECOND, "seconds": SECOND}
WORDS = {
    "inside": "in the window of their impression",
    "before": "before it",
    "after": "after it",
    "orphan": "about no impression",
    "unknown": "about none that was read",
    "rejected_impression": "about a rejected one",
    "other_impression": "about one of another day",
    "retracted": "taken back",
    "duplicate": "duplicate",
    "rejected": "rejected",
    "after_age": "later than the age",
    "other_days": "of other days",
}
FLOAT = r"^[+-]?[0-9]+(\.[0-9]*([eE][+]?[0-9]+)?|[eE][+]?[0-9]+)$"  # how an integer looks once it was a float
BESIDE = ("whole", "whole_impressions", "floats", "other_floats")


@dataclass(frozen=True)
class EventCounts:
    """The events of a label log by what became of them; all but the last four add up to `read`.

    Attributes:
        read: Events in the pinned files.
        other_days: Too early or too late to lie in a window of the day's impressions.
        after_age: Later than the moment up to which labels are known at this age.
        rejected: Those without a usable id or time, by reason.
        duplicate: Copies of an event, of the same id of its own; without one of the same id, time and value.
        retracted: Taken back, as far as is known at this age; of those `post_click` also with their click.
        inside: Inside the window of their impression, and where it counts of their click.
        before: Before their impression or such a click.
        after: At or after the end of such a window.
        rejected_impression: About an impression of the day that is rejected.
        other_impression: About an impression of another day that was read.
        orphan: About no impression that was read, while all that they can be about are of the day.
        unknown: About no impression that was read; one of another day that was not may have them in its window.
        whole: How many of the different events have times that are whole days, hours, minutes and seconds.
        whole_impressions: The same of the times of the impressions that events lie before.
        floats: How many of those without an impression have ids that look like floats.
        other_floats: How many of the others.
    """

    read: int
    other_days: int = 0
    after_age: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    duplicate: int = 0
    retracted: int = 0
    inside: int = 0
    before: int = 0
    after: int = 0
    rejected_impression: int = 0
    other_impression: int = 0
    orphan: int = 0
    unknown: int = 0
    whole: Mapping[str, int] = field(default_factory=dict)
    whole_impressions: Mapping[str, int] = field(default_factory=dict)
    floats: int = 0
    other_floats: int = 0

    @property
    def counts(self) -> dict[str, Any]:
        """The classes by name, for `runs` and for programs."""
        return {name: count for name, count in asdict(self).items() if name not in BESIDE}

    @property
    def sentence(self) -> str:
        """What became of the events, in one line; classes without any are left out."""
        numbers = {**self.counts, "rejected": sum(self.rejected.values())}
        told = ", ".join(f"{numbers[name]:,} {words}" for name, words in WORDS.items() if numbers[name])
        return f"{self.read:,} events read: {told}" if told else "no event was read"

    @property
    def matched(self) -> int:
        """Different events about an impression that was read."""
        return self.inside + self.before + self.after + self.rejected_impression + self.other_impression

    @property
    def different(self) -> int:
        """Different events that can be joined."""
        return self.matched + self.orphan + self.unknown


def counted(
    impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation, day: Day, *, rejected: bool
) -> dict[str, EventCounts]:
    """The events of every label log, in one pass over the ids and times of the impressions.

    Args:
        impressions: All impressions that were read.
        logs: The label logs by name.
        settings: What is configured.
        day: The day.
        rejected: Whether impressions of the day are rejected; why is not asked otherwise, as it reads more columns.
    """
    if not logs:
        return {}
    found = different(logs, settings)
    kept = about_impressions(found)
    usable = F.col("in_day") & F.col("reason").isNull() if rejected else F.col("in_day")
    states = impressions.select("id", "time", "in_day", usable.alias("usable"))
    fates = _fates(states, kept, every_copy=settings.impressions.duplicates == "none")
    parts = [
        _summed(found, "event_time", day, F.sum("copies")),
        _summed(fates, "time", day, F.lit(None).cast("bigint")),
    ]
    rows = united(parts).toArrow().to_pylist()
    return {name: _events(name, [row for row in rows if row["log"] == i]) for i, name in enumerate(logs)}


def strangers(impressions: DataFrame, log: DataFrame) -> DataFrame:
    """The usable events of a log that are about no impression."""
    return known(log).join(impressions.select("id").where(F.col("id").isNotNull()), on="id", how="left_anti")


def _fates(impressions: DataFrame, events: DataFrame, *, every_copy: bool) -> DataFrame:
    """Each event about an impression, with the class it belongs to, and the time of the first usable copy of that.

    Of copies the first is kept, so that only its window counts, unless `every_copy` is an impression of its own. In the
    order of the times of an id, and not by a join: an id that many impressions and many events share, such as an empty
    one, would give each with each.
    """
    event, usable_time = F.col("time"), F.when(F.col("usable"), F.col("time"))
    of_id = Window.partitionBy("id")
    until = of_id.orderBy("time", "is_event").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    # In this order: what is sorted for the one is so for the others, and the other way round it is sorted twice.
    seen = _in_turn(impressions, events).withColumn("latest", F.max(usable_time).over(until))
    seen = seen.select(
        "*",
        F.min(usable_time).over(of_id).alias("first"),
        F.max(F.when(~F.col("is_event"), F.col("in_day").cast("int"))).over(of_id).alias("of_day"),
    )
    own = "misses" in events.columns
    inside = event - F.col("latest" if every_copy else "first") < F.col("span" if own else "window")
    fate = F.when(F.col("first").isNull(), F.when(F.col("of_day") == 1, "rejected_impression"))
    fate = fate.when(F.col("misses").isNotNull(), F.col("misses")) if own else fate
    fate = (
        fate.when(F.coalesce(inside, F.lit(False)) & (event >= F.col("first")), "inside")
        .when(event < F.col("first"), "before")
        .otherwise("after")
    )
    met = seen.where(F.col("is_event") & F.col("of_day").isNotNull())
    what = F.coalesce(fate, F.lit("other_impression")).alias("what")
    own_time = F.col("event_time" if own else "time").alias("event_time")
    return met.select("log", "window", "id", own_time, F.col("first").alias("time"), what)


def _in_turn(impressions: DataFrame, events: DataFrame) -> DataFrame:
    """The events, and the impressions with their ids, or with a hash of one: texts are dear to join."""
    hashes = events.select(F.xxhash64("id").alias("hash")).distinct()
    # Each hash is there once, so this is a semi-join, and of the few on the left Sail makes the table in memory.
    about = hashes.join(impressions.withColumn("hash", F.xxhash64("id")), on="hash").drop("hash")
    shown = events.withColumn("is_event", F.lit(True))
    shown = shown if "time" in shown.columns else shown.withColumnRenamed("event_time", "time")
    return shown.unionByName(about.withColumn("is_event", F.lit(False)), allowMissingColumns=True)


def _summed(frame: DataFrame, time: str, day: Day, copies: Column) -> DataFrame:
    """Different events by log and class: how many, of how many copies, with what times.

    `sure` are those that can be about impressions of the day only, if they lie in a window at all.
    """
    start, event = F.lit(micros(day.start)), F.col("event_time")
    sure = (event - F.col("window") + F.lit(1) >= start) & (event < micros(day.end))
    floats = F.lit(0) if dict(frame.dtypes)["id"] != "string" else F.count_if(F.col("id").rlike(FLOAT))
    whole = [F.count_if((F.col(time) - start) % F.lit(unit) == F.lit(0)).alias(name) for name, unit in UNITS.items()]
    counts = (F.count(F.lit(1)).alias("n"), copies.alias("copies"), F.count_if(sure).alias("sure"))
    own = floats.cast("bigint").alias("floats")
    return frame.groupBy("log", "what").agg(*counts, own, *whole)


def _events(name: str, rows: Sequence[Mapping[str, Any]]) -> EventCounts:
    """The classes of one log, of which those without an impression are what the others leave."""
    nothing = dict.fromkeys(("n", "copies", "sure", "floats", *UNITS), 0)
    alone = {row["what"]: row["copies"] for row in rows if row["copies"] is not None}
    met = {row["what"]: row for row in rows if row["copies"] is None}
    whole = next((row for row in rows if row["what"] == KEPT), nothing)
    kept = alone.pop(KEPT, 0)
    undone = next((row for row in rows if row["what"] == RETRACTED), nothing)
    sure = whole["sure"] - sum(row["sure"] for row in met.values())
    floats = sum(row["floats"] for row in met.values())
    without = whole["n"] - sum(row["n"] for row in met.values())
    if not 0 <= sure <= without:
        raise RuntimeFailure(f"labels.{name}: more events are about an impression than there are; run again")
    return EventCounts(
        read=kept + sum(alone.values()),
        retracted=undone["n"],
        duplicate=kept - whole["n"] + alone.pop(RETRACTED, 0) - undone["n"],
        other_days=alone.pop("other_days", 0),
        after_age=alone.pop("after_age", 0),
        rejected={what.removeprefix(REJECTED): count for what, count in sorted(alone.items())},
        **{what: row["n"] for what, row in met.items()},
        orphan=sure,
        unknown=without - sure,
        whole={unit: whole[unit] for unit in UNITS},
        whole_impressions={unit: met.get("before", nothing)[unit] for unit in UNITS},
        floats=whole["floats"] - floats,
        other_floats=floats,
    )
