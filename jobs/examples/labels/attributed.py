"""Each event of a label log once, with the impression that it is about."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.day import span_micros
from jobs.settings import Evaluation, LabelLog


def known(log: DataFrame) -> DataFrame:
    """The rows of a label log that are known at the age and can be a label of the day."""
    return log.where(F.col("outside").isNull() & F.col("reason").isNull())


def standing(name: str, logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    """The events of a label log that may be labels: `id`, `time`, and `value` where it is mapped.

    The time is what lies in the window `Evaluation.span`: the event's own, or of events `post_click` their click's.
    Rows of a plain log are events as they stand, and copies of one another may be among them.
    """
    log = settings.label_logs[name]
    if log.plain:
        return known(logs[name])
    events = attributed(name, logs, settings)
    return events.where(F.col("id").isNotNull() & F.col("misses").isNull() & ~F.col("retracted"))


def attributed(name: str, logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    """The known events of a label log, one row for each.

    Columns: `id`, the impression's, NULL where the click is unknown; `time` BIGINT, what is held against the window
    `Evaluation.span`; `event_time` BIGINT, the event's own; `misses` STRING, `before` or `after` where it lies outside
    the window of its click, or NULL; `retracted` BOOLEAN, it or the click that it counts by is taken back; `copies`
    BIGINT, its rows; `value` DOUBLE where it is mapped.
    """
    log = settings.label_logs[name]
    events = _once(_rows(logs[name], log), log).where(F.col("copies") > 0)
    own = events.withColumn("event_time", F.col("time")).withColumn("misses", F.lit(None).cast("string"))
    if log.via is None:
        return own
    # Also clicks of other days: it is known then that the event is not of this one.
    clicks_log = settings.label_logs[log.via]
    return _through(own, _once(_rows(logs[log.via], clicks_log), clicks_log), log)


def clicks(log: DataFrame) -> DataFrame:
    """The clicks that events may be about, by their ids, as impressions have theirs."""
    return log.select(F.col("event").alias("id"), F.lit(True).alias("in_day"))


def _rows(log: DataFrame, declared: LabelLog) -> DataFrame:
    """The rows of events; with ids of their own also those of other days, as one may take back an event of this day."""
    return known(log) if declared.columns.event is None else log.where(F.col("reason").isNull() & F.col("known"))


def _once(rows: DataFrame, log: LabelLog) -> DataFrame:
    """One row for each event: of copies that can be of the day the earliest, of the least id, of the highest value.

    Without ids of their own, rows of the same id, time and value are copies. What one copy takes back is taken back.
    """
    value = ["value"] if log.columns.value is not None else []
    undone = F.lit(0) if log.columns.retracted is None else F.max(F.col("retracted").cast("int"))
    counts = F.count_if(F.col("outside").isNull()).alias("copies"), (undone == 1).alias("retracted")
    if log.columns.event is None:
        return rows.groupBy("id", "time", *value).agg(*counts)
    far = F.col("outside").isNotNull()
    far = far | F.col("value").isNull() if value else far
    first = F.min(
        F.struct(far.cast("int").alias("far"), "time", "id", *((-F.col(name)).alias(name) for name in value))
    ).alias("first")
    kept: list[Column] = [F.col("first.id").alias("id"), F.col("first.time").alias("time")]
    kept += [F.coalesce(-F.col(f"first.{name}"), F.lit(0.0)).alias(name) for name in value]
    return rows.groupBy("event").agg(first, *counts).select("event", *kept, "copies", "retracted")


def _through(events: DataFrame, clicks: DataFrame, log: LabelLog) -> DataFrame:
    """Events about clicks as events about the impressions of these; a click is one row, so none is multiplied."""
    shown = clicks.select(
        F.col("event").alias("click"),
        F.col("id").alias("shown"),
        F.col("time").alias("click_time"),
        F.col("retracted").alias("click_retracted"),
    )
    met = events.withColumnRenamed("id", "click").join(shown, on="click", how="left")
    met = met.withColumnRenamed("shown", "id").drop("click")
    if log.post_click:
        waited = F.col("event_time") - F.col("click_time")
        late = waited >= F.lit(span_micros(log.window))
        met = met.withColumn("misses", F.when(waited < 0, F.lit("before")).when(late, F.lit("after")))
        met = met.withColumn("time", F.col("click_time"))
        met = met.withColumn("retracted", F.col("retracted") | F.coalesce("click_retracted", F.lit(False)))
    return met.drop("click_time", "click_retracted")
