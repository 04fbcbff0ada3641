"""Events by the id of their impression: its label, and what became of each of them."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.day import Day
from jobs.examples.labels import met
from jobs.inputs.scorings import label_named


@dataclass(frozen=True)
class Events:
    """The events of a label log, one row per id.

    Attributes:
        frame: `id`, the times of its `first_event` and `last_event`; where they are `listed` the different times of all
            its `events`: NULL where there are two at most, and of a single one, which is none of them, where more
            decide nothing and are too many to be told of.
        span: The length of their window in µs.
        listed: Whether any id may have more than two.
        most: How long a list may be.
        day: The day, where it is told what became of each event: of plain logs, whose events are their times.
    """

    frame: DataFrame
    span: int
    listed: bool
    day: Day | None
    most: int = 0

    def joined(self, frame: DataFrame, name: str) -> DataFrame:
        """Impressions with the label of this name, and where that is told with what became of its events."""
        none = F.col("first_event").isNull()
        # Most impressions have no event: asked first, as Sail would make the arrays of all of them otherwise.
        columns = {label_named(name): F.when(none, 0.0).when(self._inside(), 1.0).otherwise(0.0)}
        if self.day is not None:
            told = met.coded(self._before, self._count(), self.span, self.day)
            columns[met.column_of(name)] = F.when(~none, told)
        return _with_events(frame, self.frame).withColumns(columns).drop("first_event", "last_event", "events")

    def _inside(self) -> Column:
        """Whether an event lies in the window of the impression."""
        time, end = F.col("time"), F.col("time") + F.lit(self.span)
        first, last = ((F.col(event) >= time) & (F.col(event) < end) for event in ("first_event", "last_event"))
        return first | last | (_next_event() < end) if self.listed else first | last

    def _before(self, moment: Column) -> Column:
        """How many of the different events of an impression lie before a moment."""
        first, last = F.col("first_event"), F.col("last_event")
        few = (first < moment).cast("int") + ((last > first) & (last < moment)).cast("int")
        if not self.listed:
            return few
        place = F.array_position(_in_turn(moment), moment).cast("int") - F.lit(1)
        return F.when(F.col("events").isNull(), few).otherwise(place)

    def _count(self) -> Column:
        """How many different events an impression has; `met.FIELD` where it is not known."""
        few = F.when(F.col("last_event") > F.col("first_event"), F.lit(2)).otherwise(F.lit(1))
        if not self.listed:
            return few
        size = F.size("events")
        return F.when(F.col("events").isNull(), few).when(size > 1, size).otherwise(F.lit(met.FIELD))


def by_id(known: DataFrame, span: int, day: Day | None) -> Events:
    """The events of a log by id; all the times of those ids that have three or more which matter."""
    ends = F.min("time").alias("first_event"), F.max("time").alias("last_event")
    counted = known.groupBy("id").agg(*ends, F.count(F.lit(1)).alias("n"))
    events = counted.drop("n")
    # Those between decide where a window fits between. A bare comparison makes Sail reckon with the least and the
    # largest id, and it fails where those became text.
    apart, far = (
        F.coalesce(F.col("last_event") > F.col("first_event") + F.lit(length), F.lit(False)) for length in (0, span)
    )
    told = apart if day is not None else far
    many = counted.where(told & (F.col("n") > F.lit(2)))
    many = many.select("id", (far | (F.col("n") < F.lit(met.FIELD))).alias("whole"), "n")
    # Asked first: a plan with lists costs each impression something, lists of all events more than the join, and few
    # ids have three events or more.
    ids, most = many.agg(F.count(F.lit(1)), F.max(F.when(F.col("whole"), F.col("n")))).collect()[0]
    if not ids:
        return Events(events, span, listed=False, day=day)
    times = F.collect_set(F.when(F.col("whole"), F.col("time")).otherwise(F.lit(0))).alias("events")
    lists = many.join(known, on="id").groupBy("id").agg(times)
    return Events(events.join(lists, on="id", how="left"), span, listed=True, day=day, most=most or 0)


def _with_events(frame: DataFrame, events: DataFrame) -> DataFrame:
    """Impressions, each with the columns of the events of its id, NULL where there are none.

    The events stand on the left: of that side Sail makes the table in memory, and it knows no sizes to choose by.
    """
    if dict(frame.dtypes)["id"] != "string":
        return events.join(frame, on="id", how="right")
    # Apache Spark finds a hash faster than a text: texts are compared where their hashes meet. Nor may it see an
    # equality of texts, which would become a key of the join.
    hashed = events.withColumn("event_hash", F.xxhash64("id")).withColumnRenamed("id", "event_id")
    alike = F.coalesce(F.col("event_id") == F.col("id"), F.lit(False))
    shown = frame.withColumn("id_hash", F.xxhash64("id"))
    joined = hashed.join(shown, (F.col("id_hash") == F.col("event_hash")) & alike, "right")
    return joined.drop("id_hash", "event_hash", "event_id")


def _next_event() -> Column:
    """The first of `events` at or after the impression's time, or NULL."""
    time = F.col("time")
    after = F.get(_in_turn(time), F.array_position(_in_turn(time), time).cast("int"))
    return F.when(F.array_contains("events", time), time).otherwise(after)


def _in_turn(moment: Column) -> Column:
    """The `events` and a moment, in the order of time.

    Without a lambda, as one would keep Apache Spark from compiling the stage.
    """
    return F.sort_array(F.array_union("events", F.array(moment)))
