"""The events of all label logs, told from their copies, and the rows that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.day import span_micros
from jobs.examples.labels.attributed import attributed
from jobs.settings import Evaluation

KEPT, RETRACTED, REJECTED = "kept", "retracted", "rejected: "
EVENT = ("log", "window", "id", "event_time")


def different(logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    """The different events of all logs, and how many rows each has: of the rows that are none, by their class."""
    numbered = {name: _numbered(i, log, settings.reach(name)) for i, (name, log) in enumerate(logs.items())}
    plain = [each for name, each in numbered.items() if settings.label_logs[name].plain]
    others = [name for name in logs if not settings.label_logs[name].plain]
    copies = F.count(F.lit(1)).alias("copies")
    parts = [united(plain).groupBy("what", *EVENT).agg(copies)] if plain else []
    # Without their ids: those of clicks may be of another type.
    parts += [numbered[n].where(F.col("what") != KEPT).groupBy("what", "log", "window").agg(copies) for n in others]
    parts += [_attributed(i, name, logs, settings) for i, name in enumerate(logs) if name in others]
    return united(parts)


def united(parts: Sequence[DataFrame]) -> DataFrame:
    """The rows of all frames; a column that some lack is NULL there."""
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), parts)


def _numbered(number: int, log: DataFrame, reach: timedelta) -> DataFrame:
    """The rows of a log with its number and window, and what is known of them without any impression.

    Id and time are those of events that can be joined: of the others only the number is of interest.
    """
    reason = F.concat(F.lit(REJECTED), F.col("reason"))
    usable = F.col("outside").isNull() & F.col("reason").isNull()
    return log.select(
        F.lit(number).alias("log"),
        F.lit(span_micros(reach)).alias("window"),
        F.when(usable, F.col("id")).alias("id"),
        F.when(usable, F.col("time")).alias("event_time"),
        F.coalesce("outside", reason, F.lit(KEPT)).alias("what"),
    )


def _attributed(number: int, name: str, logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    """The events of a log by their own ids, or through their clicks, as those of the others."""
    return attributed(name, logs, settings).select(
        F.lit(number).alias("log"),
        F.lit(span_micros(settings.reach(name))).alias("window"),
        "id",
        "event_time",
        F.when(F.col("retracted"), F.lit(RETRACTED)).otherwise(F.lit(KEPT)).alias("what"),
        "copies",
        "time",
        F.lit(span_micros(settings.span(name))).alias("span"),
        "misses",
    )


def about_impressions(events: DataFrame) -> DataFrame:
    """The events that can be about an impression: `time` is what lies in the window of `span` after it."""
    kept = events.where(F.col("what") == KEPT)
    if "misses" not in events.columns:
        return kept.select(*EVENT)
    held = F.coalesce("time", "event_time").alias("time"), F.coalesce("span", "window").alias("span")
    return kept.where(F.col("id").isNotNull()).select(*EVENT, *held, "misses")
