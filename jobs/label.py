"""Labels meet impressions: duplicates go, label logs become one row per impression, and are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.day import span_micros
from jobs.settings import Evaluation, LabelLog


@dataclass(frozen=True)
class Labelled:
    """The examples of a day, and how many rows were duplicates of one of them."""

    frame: DataFrame
    duplicates: int


def labelled(impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    """Impressions of the day that no reason rejects, with a column `label_<name>` for every label.

    A label log gives 1.0 where an event with the impression's id lies in [time, time + window), else 0.0. It
    is brought to one row per impression first, so the join never multiplies a row.
    """
    frame = impressions.where(F.col("in_day") & F.col("reason").isNull())
    for name, log in settings.label_logs.items():
        frame = _joined(frame, logs[name], name, log)
    return frame


def deduplicated(examples: DataFrame, settings: Evaluation) -> Labelled:
    """Examples with one row per impression id.

    Kept is the copy with the earliest time, then the highest labels in the order of the configuration, then
    the smallest hash of all mapped columns: of copies that agree in all of these any is the same. Only ids
    whose 64-bit hash occurs twice are compared; the rest passes untouched.
    """
    if settings.impressions.duplicates == "none" or not settings.impressions.columns.id:
        return Labelled(examples, 0)
    key = F.xxhash64("id").alias("id_hash")
    repeated = examples.select(key).groupBy("id_hash").count().where("count > 1").select("id_hash").toArrow()
    if repeated.num_rows == 0:
        return Labelled(examples, 0)
    session = examples.sparkSession
    hashes = F.broadcast(session.createDataFrame(repeated))
    hashed = examples.withColumn("id_hash", key)
    suspects = hashed.join(hashes, on="id_hash", how="left_semi")
    extra = suspects.groupBy("id").count().agg(F.sum(F.col("count") - 1)).collect()[0][0]
    labels = [F.col(f"label_{name}").desc() for name in settings.labels]
    order = Window.partitionBy("id").orderBy(F.col("time").asc(), *labels, F.col("fingerprint").asc())
    kept = suspects.withColumn("copy", F.row_number().over(order)).where("copy = 1").drop("copy")
    unique = hashed.join(hashes, on="id_hash", how="left_anti")
    return Labelled(unique.unionByName(kept).drop("id_hash"), int(extra))


def _joined(frame: DataFrame, log: DataFrame, name: str, declared: LabelLog) -> DataFrame:
    window = F.lit(span_micros(declared.window))
    known = log.where(F.col("reason").isNull())
    events = known.groupBy("id").agg(F.min("time").alias("first_event"), F.max("time").alias("last_event"))
    # Those between matter only where a window fits between: lists of all events cost more than the whole join.
    far = F.col("last_event") > F.col("first_event") + window
    # A bare comparison makes Sail reckon with the least and the largest id, and it fails where those became text.
    apart = events.where(F.coalesce(far, F.lit(False))).select("id")
    lists = known.join(apart, on="id", how="left_semi").groupBy("id").agg(F.collect_set("time").alias("events"))
    joined = frame.join(events.join(lists, on="id", how="left"), on="id", how="left")
    time = F.col("time")
    first, last = ((F.col(end) >= time) & (F.col(end) < time + window) for end in ("first_event", "last_event"))
    positive = first | last | (_next_event() < time + window)
    # Most impressions have no event: asked first, as Sail would make the arrays of all of them otherwise.
    label = F.when(F.col("first_event").isNull(), 0.0).when(positive, 1.0).otherwise(0.0)
    return joined.withColumn(f"label_{name}", label).drop("first_event", "last_event", "events")


def _next_event() -> Column:
    """The first of `events` at or after the impression's time, or NULL.

    Without a lambda, as one would keep Apache Spark from compiling the stage.
    """
    time = F.col("time")
    with_time = F.sort_array(F.array_union("events", F.array(time)))
    after = F.get(with_time, F.array_position(with_time, time).cast("int"))
    return F.when(F.array_contains("events", time), time).otherwise(after)
