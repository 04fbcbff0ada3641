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


def labelled(impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation) -> Labelled:
    """Impressions of the day that no reason rejects, one row per id, with a column `label_<name>` for every label.

    A label log gives 1.0 where an event with the impression's id lies in [time, time + window), else 0.0. It
    is brought to one row per impression first, so the join never multiplies a row. Only rows whose id has a
    hash that comes more than once are compared; the rest passes untouched.
    """
    usable = impressions.where(F.col("in_day") & F.col("reason").isNull())
    compared = settings.impressions.duplicates == "remove" and settings.impressions.columns.id
    repeated = _repeated(usable) if compared else None
    if repeated is None or repeated.num_rows == 0:
        return Labelled(_with_labels(usable, logs, settings), 0)
    hashes = F.broadcast(usable.sparkSession.createDataFrame(repeated))
    hashed = usable.withColumn("hash", F.xxhash64("id"))
    suspects, others = (hashed.join(hashes, on="hash", how=how) for how in ("left_semi", "left_anti"))
    extra = suspects.groupBy("id").count().agg(F.sum(F.col("count") - 1)).collect()[0][0]
    kept = _first_copies(_with_labels(suspects, logs, settings), settings)
    return Labelled(_with_labels(others, logs, settings).unionByName(kept).drop("hash"), int(extra))


def _repeated(usable: DataFrame) -> pa.Table:
    """The hashes that several rows have for their id. Two ids may have the same one."""
    hashes = usable.select(F.xxhash64("id").alias("hash"))
    buckets = hashes.mapInArrow(repeats.bucketed, PACKED_TYPES).repartition("bucket")
    return buckets.mapInArrow(repeats.repeated, "hash bigint").toArrow()


def _first_copies(examples: DataFrame, settings: Evaluation) -> DataFrame:
    """One row per impression id.

    Kept is the copy with the earliest time, then the highest labels in the order of the configuration, then
    the smallest hash of all mapped columns: of copies that agree in all of these any is the same.
    """
    labels = [F.col(label_named(name)).desc() for name in settings.labels]
    order = Window.partitionBy("id").orderBy(F.col("time").asc(), *labels, F.col("fingerprint").asc())
    return examples.withColumn("copy", F.row_number().over(order)).where("copy = 1").drop("copy")


def _with_labels(frame: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    for name, log in settings.label_logs.items():
        frame = _joined(frame, logs[name], name, log)
    return frame


def _joined(frame: DataFrame, log: DataFrame, name: str, declared: LabelLog) -> DataFrame:
    window = F.lit(span_micros(declared.window))
    known = log.where(F.col("outside").isNull() & F.col("reason").isNull())
    events = known.groupBy("id").agg(F.min("time").alias("first_event"), F.max("time").alias("last_event"))
    # Those between matter only where a window fits between: lists of all events cost more than the whole join.
    far = F.col("last_event") > F.col("first_event") + window
    # A bare comparison makes Sail reckon with the least and the largest id, and it fails where those became text.
    apart = events.where(F.coalesce(far, F.lit(False))).select("id")
    lists = known.join(apart, on="id", how="left_semi").groupBy("id").agg(F.collect_set("time").alias("events"))
    joined = _with_events(frame, events.join(lists, on="id", how="left"))
    time = F.col("time")
    first, last = ((F.col(end) >= time) & (F.col(end) < time + window) for end in ("first_event", "last_event"))
    positive = first | last | (_next_event() < time + window)
    # Most impressions have no event: asked first, as Sail would make the arrays of all of them otherwise.
    label = F.when(F.col("first_event").isNull(), 0.0).when(positive, 1.0).otherwise(0.0)
    return joined.withColumn(label_named(name), label).drop("first_event", "last_event", "events")


def _with_events(frame: DataFrame, events: DataFrame) -> DataFrame:
    """Impressions, each with the columns of the events of its id, NULL where there are none."""
    if dict(frame.dtypes)["id"] != "string":
        return frame.join(events, on="id", how="left")
    # Apache Spark finds a hash faster than a text: texts are compared where their hashes meet. Nor may it see an
    # equality of texts, which would become a key of the join.
    hashed = events.withColumn("event_hash", F.xxhash64("id")).withColumnRenamed("id", "event_id")
    alike = F.coalesce(F.col("event_id") == F.col("id"), F.lit(False))
    joined = frame.withColumn("id_hash", F.xxhash64("id"))
    joined = joined.join(hashed, (F.col("id_hash") == F.col("event_hash")) & alike, "left")
    return joined.drop("id_hash", "event_hash", "event_id")


def _next_event() -> Column:
    """The first of `events` at or after the impression's time, or NULL.

    Without a lambda, as one would keep Apache Spark from compiling the stage.
    """
    time = F.col("time")
    with_time = F.sort_array(F.array_union("events", F.array(time)))
    after = F.get(with_time, F.array_position(with_time, time).cast("int"))
    return F.when(F.array_contains("events", time), time).otherwise(after)
