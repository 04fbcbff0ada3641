"""Labels that are numbers: of the events in the window of an impression their count, their sum, or the first's value.

Or whether there is any, where many impressions and many events share an id.

Values are summed exactly, in units of 10⁻⁹: their whole parts and their billionths, each as integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from jobs.day import span_micros
from jobs.examples.labels.attributed import standing
from jobs.settings import Evaluation
from udfs.exact.units import FARTHEST

BILLION = 1_000_000_000


def labels(shown: DataFrame, name: str, logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    """The labels of the impressions that have events: one row for each `id` and `time`, and its `label` DOUBLE.

    An event at e counts for an impression at t where t ≤ e < t + span. So what counts at t is all at t or later, less
    what is at t + span or later: two running sums in the order of times, whatever many impressions and events share an
    id. It is 0 where no event counts.
    """
    rule = settings.label_logs[name].events
    events, span = _each(name, logs, settings), F.lit(span_micros(settings.span(name)))
    # Each id of events is there once, so this is a semi-join; what stands on the left Sail keeps in memory.
    about = events.select("id").distinct().join(shown.select("id", "time"), on="id").distinct()
    if rule == "first":
        return _first(_in_turn(about, _firsts(events)), span)
    added = _parts(events, rule)
    gone = [(-F.col(part)).alias(part) for part in PARTS[rule]]
    ended = added.select("id", (F.col("time") - span).alias("time"), *gone)
    return _summed(_in_turn(about, added, ended), rule)


def joined(frame: DataFrame, labels: DataFrame, column: str) -> DataFrame:
    """Impressions with their label; as that has one row for each id and time, no row is multiplied."""
    found = labels.withColumnRenamed("label", column).join(frame, on=["id", "time"], how="right")
    return found.withColumn(column, F.coalesce(F.col(column), F.lit(0.0)))


def largest(logs: Mapping[str, DataFrame], settings: Evaluation) -> dict[str, float]:
    """What no label of a log is larger than in size, whole, for each log whose labels are numbers.

    Values of 2^50 and more are beyond every unit, and told as 2^50 at least.
    """
    found = {}
    for name, log in settings.label_logs.items():
        if log.values == "number":
            events, size = _each(name, logs, settings), F.lit(1)
            if log.valued:
                size = F.when(F.abs("value") < FARTHEST, F.ceil(F.abs("value"))).otherwise(F.lit(int(FARTHEST)))
            whole = size.cast("decimal(20,0)")
            merged = F.max(whole) if log.events == "first" else F.sum(whole)
            most = events.groupBy("id").agg(merged.alias("size")).agg(F.max("size")).collect()[0][0]
            found[name] = float(most or 0)
    return found


PARTS: dict[str, tuple[str, ...]] = {"any": ("events",), "count": ("events",), "sum": ("whole", "billionths")}


def _each(name: str, logs: Mapping[str, DataFrame], settings: Evaluation) -> DataFrame:
    """The events that may count, each once."""
    events = standing(name, logs, settings)
    return events.select("id", "time").distinct() if settings.label_logs[name].plain else events


def _parts(events: DataFrame, rule: str) -> DataFrame:
    """What each event adds, as integers."""
    if rule in {"any", "count"}:
        return events.select("id", "time", F.lit(1).cast("bigint").alias("events"))
    whole = F.floor("value").cast("bigint")
    rest = F.rint((F.col("value") - F.floor("value").cast("double")) * F.lit(float(BILLION))).cast("bigint")
    return events.select("id", "time", whole.alias("whole"), rest.alias("billionths"))


def _in_turn(about: DataFrame, *events: DataFrame) -> DataFrame:
    """Impressions and events as rows of one frame; NULLs are of the events' types, as Sail adds up no others."""
    whole = reduce(lambda left, right: left.unionByName(right), events)
    nothing = [F.lit(None).cast(type_).alias(name) for name, type_ in whole.dtypes if name not in ("id", "time")]
    shown = about.select("id", "time", *nothing, F.lit(1).alias("is_shown"))
    return shown.unionByName(whole.withColumn("is_shown", F.lit(0)))


def _later() -> WindowSpec:
    """All that is at the time of a row or later, the row's own impression last."""
    order = Window.partitionBy("id").orderBy(F.col("time").desc(), F.col("is_shown").asc())
    return order.rowsBetween(Window.unboundedPreceding, Window.currentRow)


def _summed(turns: DataFrame, rule: str) -> DataFrame:
    sums = [F.coalesce(F.sum(part).over(_later()), F.lit(0)).alias(part) for part in PARTS[rule]]
    found = turns.select("id", "time", "is_shown", *sums).where(F.col("is_shown") == 1)
    return found.select("id", "time", _number(rule).alias("label"))


def _number(rule: str) -> Column:
    """Sums of parts as the double that is nearest, but for a last rounding."""
    if rule == "any":
        return F.when(F.col("events") > F.lit(0), 1.0).otherwise(0.0)
    if rule == "count":
        return F.col("events").cast("double")
    rest = F.pmod("billionths", F.lit(BILLION))
    carried = ((F.col("billionths") - rest) / F.lit(BILLION)).cast("bigint")
    return (F.col("whole") + carried).cast("double") + rest.cast("double") / F.lit(float(BILLION))


def _firsts(events: DataFrame) -> DataFrame:
    """Of events at one time, those after one click or at one moment, the first by its own time, then the highest."""
    own = F.col("event_time"), (-F.col("value")).alias("value")
    first = events.groupBy("id", "time").agg(F.min(F.struct(*own)).alias("first"))
    return first.select("id", "time", (-F.col("first.value")).alias("value"), F.col("time").alias("at"))


def _first(turns: DataFrame, span: Column) -> DataFrame:
    """The next event at or after each impression decides: by its value if it counts."""
    next_at, value = (F.last(name, ignorenulls=True).over(_later()).alias(name) for name in ("at", "value"))
    found = turns.select("id", "time", "is_shown", next_at, value).where(F.col("is_shown") == 1)
    inside = F.col("at") < F.col("time") + span
    return found.select("id", "time", F.when(inside, F.col("value")).otherwise(F.lit(0.0)).alias("label"))
