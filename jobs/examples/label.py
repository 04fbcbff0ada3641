"""Labels meet impressions: duplicates go, label logs become one row per impression, and are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.day import span_micros
from jobs.errors import RuntimeFailure
from jobs.examples.labels import amounts
from jobs.examples.labels.attributed import standing
from jobs.inputs.scorings import label_named
from jobs.settings import Evaluation
from udfs.scan import repeats
from udfs.scan.partials import PACKED_TYPES


@dataclass(frozen=True)
class Labelled:
    """The examples of a day, how many rows were duplicates of one of them, and how many examples there are.

    They are not counted where no log is joined, which alone could multiply them.
    """

    frame: DataFrame
    duplicates: int
    rows: int | None = None


@dataclass(frozen=True)
class Events:
    """The events of a label log, one row per id: `first_event`, `last_event`, and `events` where they are `listed`."""

    frame: DataFrame
    window: Column
    listed: bool

    def joined(self, frame: DataFrame, name: str) -> DataFrame:
        """Impressions with the label of this name."""
        return _joined(frame, self, name)


@dataclass(frozen=True)
class Amounts:
    """Labels that are numbers, one row per id and time."""

    frame: DataFrame

    def joined(self, frame: DataFrame, name: str) -> DataFrame:
        """Impressions with the label of this name."""
        return amounts.joined(frame, self.frame, label_named(name))


def labelled(impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation) -> Labelled:
    """Impressions of the day that no reason rejects, one row per id, with a column `label_<name>` for every label.

    A label log gives 1.0 where an event of the impression lies in [time, time + window), else 0.0, or the number that
    its rule makes of those events. It is brought to one row per impression first, so the join never multiplies a row.
    Only rows whose id has a hash of which the first bits come more than once are compared; the rest passes untouched.
    """
    usable = impressions.where(F.col("in_day") & F.col("reason").isNull())
    compared = settings.impressions.duplicates == "remove" and settings.impressions.columns.id
    events = {name: _of_log(usable, name, logs, settings) for name in settings.label_logs}
    if not compared:
        return Labelled(_with_labels(usable, events), 0, usable.count() if events else None)
    repeated, rows = _repeated(usable)
    if repeated.num_rows == 0:
        return Labelled(_with_labels(usable, events), 0, rows)
    prefixes = F.broadcast(usable.sparkSession.createDataFrame(repeated).withColumn("again", F.lit(True)))
    hashed = usable.withColumn("prefix", F.shiftright(F.xxhash64("id"), repeats.LEFT_OUT))
    told = prefixes.join(hashed, on="prefix", how="right").drop("prefix")
    suspects, others = (told.where(known).drop("again") for known in (F.col("again"), F.col("again").isNull()))
    extra = suspects.groupBy("id").count().agg(F.sum(F.col("count") - 1)).collect()[0][0]
    kept = _first_copies(_with_labels(suspects, events), settings)
    frame = _with_labels(others, events).unionByName(kept)
    return Labelled(frame, int(extra), rows - int(extra))


def check(examples: Labelled, passed: int) -> None:
    """Raise RuntimeFailure (exit 3) where another number of examples was summed than there are."""
    if examples.rows not in (None, passed):
        told = f"labels: of {examples.rows:,} examples {passed:,} were summed"
        raise RuntimeFailure(f"{told}, as a join multiplied or lost rows; nothing was written. Run again")


def _repeated(usable: DataFrame) -> tuple[pa.Table, int]:
    """The first bits of the hashes that several rows have for their id, and how many rows there are.

    Two ids may have the same ones.
    """
    hashes = usable.select(F.xxhash64("id").alias("hash"))
    buckets = hashes.mapInArrow(repeats.bucketed, PACKED_TYPES).repartition("bucket")
    found = buckets.mapInArrow(repeats.repeated, "prefix bigint, rows bigint").toArrow()
    return found.select(["prefix"]).drop_null(), pc.sum(found["rows"]).as_py() or 0


def _first_copies(examples: DataFrame, settings: Evaluation) -> DataFrame:
    """One row per impression id.

    Kept is the copy with the earliest time, then the highest labels in the order of the configuration, then
    the smallest hash of all mapped columns: of copies that agree in all of these any is the same.
    """
    labels = [F.col(label_named(name)).desc() for name in settings.labels]
    order = Window.partitionBy("id").orderBy(F.col("time").asc(), *labels, F.col("fingerprint").asc())
    return examples.withColumn("copy", F.row_number().over(order)).where("copy = 1").drop("copy")


def _of_log(usable: DataFrame, name: str, logs: Mapping[str, DataFrame], settings: Evaluation) -> Events | Amounts:
    """What a label log says of the impressions, as its rule has it."""
    if settings.label_logs[name].values == "number":
        return Amounts(amounts.labels(usable, name, logs, settings))
    return _by_id(standing(name, logs, settings), F.lit(span_micros(settings.span(name))))


def _by_id(known: DataFrame, window: Column) -> Events:
    """The events of a log by id: the first, the last, and where some lie further apart than a window all of those."""
    ends = F.min("time").alias("first_event"), F.max("time").alias("last_event")
    counted = known.groupBy("id").agg(*ends, F.count(F.lit(1)).alias("n"))
    events = counted.drop("n")
    # A bare comparison makes Sail reckon with the least and the largest id, and it fails where those became text.
    far = F.coalesce(F.col("last_event") > F.col("first_event") + window, F.lit(False))
    apart = counted.where(far & (F.col("n") > F.lit(2))).select("id")
    # Those between matter only where there are some, and a window fits between. Asked first: a plan with their lists
    # costs each impression something, lists of all events more than the join, and few ids have three events or more.
    if not apart.limit(1).toArrow().num_rows:
        return Events(events, window, listed=False)
    lists = known.join(apart, on="id", how="left_semi").groupBy("id").agg(F.collect_set("time").alias("events"))
    return Events(events.join(lists, on="id", how="left"), window, listed=True)


def _with_labels(frame: DataFrame, logs: Mapping[str, Events | Amounts]) -> DataFrame:
    for name, events in logs.items():
        frame = events.joined(frame, name)
    return frame


def _joined(frame: DataFrame, events: Events, name: str) -> DataFrame:
    time, end = F.col("time"), F.col("time") + events.window
    first, last = ((F.col(event) >= time) & (F.col(event) < end) for event in ("first_event", "last_event"))
    positive = first | last | (_next_event() < end) if events.listed else first | last
    # Most impressions have no event: asked first, as Sail would make the arrays of all of them otherwise.
    label = F.when(F.col("first_event").isNull(), 0.0).when(positive, 1.0).otherwise(0.0)
    joined = _with_events(frame, events.frame)
    return joined.withColumn(label_named(name), label).drop("first_event", "last_event", "events")


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
    """The first of `events` at or after the impression's time, or NULL.

    Without a lambda, as one would keep Apache Spark from compiling the stage.
    """
    time = F.col("time")
    with_time = F.sort_array(F.array_union("events", F.array(time)))
    after = F.get(with_time, F.array_position(with_time, time).cast("int"))
    return F.when(F.array_contains("events", time), time).otherwise(after)
