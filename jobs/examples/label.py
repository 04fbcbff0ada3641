"""Labels meet impressions: duplicates go, label logs become one row per impression, and are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.day import span_micros
from jobs.inputs.scorings import label_named
from jobs.settings import Evaluation, LabelLog
from udfs.scan import repeats
from udfs.scan.partials import PACKED_TYPES


@dataclass(frozen=True)
class Labelled:
    """The examples of a day, and how many rows were duplicates of one of them."""

    frame: DataFrame
    duplicates: int


@dataclass(frozen=True)
class Events:
    """The events of a label log, one row per id: `first_event`, `last_event`, and `events` where they are `listed`."""

    frame: DataFrame
    window: Column
    listed: bool


def labelled(impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation) -> Labelled:
    """Impressions of the day that no reason rejects, one row per id, with a column `label_<name>` for every label.

    A label log gives 1.0 where an event with the impression's id lies in [time, time + window), else 0.0. It
    is brought to one row per impression first, so the join never multiplies a row. Only rows whose id has a
    hash of which the first bits come more than once are compared; the rest passes untouched.
    """
    usable = impressions.where(F.col("in_day") & F.col("reason").isNull())
    compared = settings.impressions.duplicates == "remove" and settings.impressions.columns.id
    repeated = _repeated(usable) if compared else None
    events = {name: _by_id(logs[name], log) for name, log in settings.label_logs.items()}
    if repeated is None or repeated.num_rows == 0:
        return Labelled(_with_labels(usable, events), 0)
    prefixes = F.broadcast(usable.sparkSession.createDataFrame(repeated).withColumn("again", F.lit(True)))
    hashed = usable.withColumn("prefix", F.shiftright(F.xxhash64("id"), repeats.LEFT_OUT))
    told = prefixes.join(hashed, on="prefix", how="right").drop("prefix")
    suspects, others = (told.where(known).drop("again") for known in (F.col("again"), F.col("again").isNull()))
    extra = suspects.groupBy("id").count().agg(F.sum(F.col("count") - 1)).collect()[0][0]
    kept = _first_copies(_with_labels(suspects, events), settings)
    return Labelled(_with_labels(others, events).unionByName(kept), int(extra))


def _repeated(usable: DataFrame) -> pa.Table:
    """The first bits of the hashes that several rows have for their id. Two ids may have the same ones."""
    hashes = usable.select(F.xxhash64("id").alias("hash"))
    buckets = hashes.mapInArrow(repeats.bucketed, PACKED_TYPES).repartition("bucket")
    return buckets.mapInArrow(repeats.repeated, "prefix bigint").toArrow()


def _first_copies(examples: DataFrame, settings: Evaluation) -> DataFrame:
    """One row per impression id.

    Kept is the copy with the earliest time, then the highest labels in the order of the configuration, then
    the smallest hash of all mapped columns: of copies that agree in all of these any is the same.
    """
    labels = [F.col(label_named(name)).desc() for name in settings.labels]
    order = Window.partitionBy("id").orderBy(F.col("time").asc(), *labels, F.col("fingerprint").asc())
    return examples.withColumn("copy", F.row_number().over(order)).where("copy = 1").drop("copy")


def _by_id(log: DataFrame, declared: LabelLog) -> Events:
    """The events of a log by id: the first, the last, and where some lie further apart than a window all of those."""
    window = F.lit(span_micros(declared.window))
    known = log.where(F.col("outside").isNull() & F.col("reason").isNull())
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


def _with_labels(frame: DataFrame, logs: Mapping[str, Events]) -> DataFrame:
    for name, events in logs.items():
        frame = _joined(frame, events, name)
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
