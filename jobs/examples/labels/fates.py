"""What became of the events of any log, by a join of their own: of every event about an impression that was read."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def fates(impressions: DataFrame, events: DataFrame, *, every_copy: bool) -> DataFrame:
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
