"""What became of the events of the label logs: each that was read is counted in exactly one class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.day import Day, micros
from jobs.errors import RuntimeFailure
from jobs.examples.labels.attributed import known
from jobs.examples.labels.different import KEPT, REJECTED, RETRACTED, about_impressions, different, united
from jobs.examples.labels.fates import fates
from jobs.examples.labels.met import UNITS, Met
from jobs.ledger.runs import Ledger
from jobs.settings import Evaluation, LabelLog

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
FEW = 0.1  # of the impressions: more that did not pass are joined with all the others
OF_OTHERS = ("rejected_impression", "other_impression")
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
        floats: How many of those without an impression have ids that look like floats, where more than
            `unmatched.warn` of all have; else 0.
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


@dataclass(frozen=True)
class Passed:
    """What the pass over the examples says of the impressions.

    Attributes:
        rejected: Whether some of the day are rejected; why is not asked otherwise, as it reads more columns.
        met: What became of the events of some logs; of those only that were told from the impressions that passed, and
            of none where many others were read.
        beside: Whether others were read, rejected or of other days: events may be about those alone.
    """

    rejected: bool
    met: Mapping[str, Met] = field(default_factory=dict)
    beside: bool = False

    @classmethod
    def of(cls, ledger: Ledger, met: Mapping[str, Met]) -> Passed:
        """Of where the rows ended, and of what was met in the pass."""
        others = ledger.rejected + ledger.outside
        return cls(ledger.rejected > 0, {} if others > FEW * ledger.read else met, others > 0)


def counted(
    impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation, day: Day, passed: Passed
) -> dict[str, EventCounts]:
    """The events of every label log; those that the pass does not tell of by the ids and times of the impressions.

    Args:
        impressions: All impressions that were read.
        logs: The label logs by name.
        settings: What is configured.
        day: The day.
        passed: What is known of the impressions.
    """
    if not logs:
        return {}
    found, numbers = different(logs, settings), {name: number for number, name in enumerate(logs)}
    usable = F.col("in_day") & F.col("reason").isNull() if passed.rejected else F.col("in_day")
    states = impressions.select("id", "time", "in_day", usable.alias("usable"))
    others = [number for name, number in numbers.items() if name not in passed.met]
    alone = _summed(found, "event_time", day, F.sum("copies"))
    rows = _collected([alone, *_joined(states, found, others, settings, day)])
    # Whether events that were met have ids that look like floats is asked only where many do.
    unsure = [numbers[name] for name in passed.met if _floated(rows[numbers[name]], settings.label_logs[name])]
    told = {name: met for name, met in passed.met.items() if numbers[name] not in unsure}
    apart = _of_others(states, found, [numbers[name] for name in told] if passed.beside else [], settings, day)
    more = _collected([*_joined(states, found, unsure, settings, day), *apart])
    return {name: _events(name, [*rows[i], *more[i]], told.get(name), settings) for name, i in numbers.items()}


def strangers(impressions: DataFrame, log: DataFrame) -> DataFrame:
    """The usable events of a log that are about no impression."""
    return known(log).join(impressions.select("id").where(F.col("id").isNotNull()), on="id", how="left_anti")


def _joined(
    impressions: DataFrame, found: DataFrame, logs: Sequence[int], settings: Evaluation, day: Day
) -> list[DataFrame]:
    """The events of some logs that are about impressions, summed; nothing where no log is asked for."""
    if not logs:
        return []
    own = about_impressions(found.where(F.col("log").isin(*logs)))
    joined = fates(impressions, own, every_copy=settings.impressions.duplicates == "none")
    return [_summed(joined, "time", day, F.lit(None).cast("bigint"))]


def _of_others(
    impressions: DataFrame, found: DataFrame, logs: Sequence[int], settings: Evaluation, day: Day
) -> list[DataFrame]:
    """The events of some logs about impressions of which no copy passed, summed: few are joined, as few are there."""
    if not logs:
        return []
    hashes = impressions.where(~F.col("usable")).select(F.xxhash64("id").alias("hash")).distinct()
    own = about_impressions(found.where(F.col("log").isin(*logs)))
    some = hashes.join(own.withColumn("hash", F.xxhash64("id")), on="hash").drop("hash")
    joined = fates(impressions, some, every_copy=settings.impressions.duplicates == "none")
    return [_summed(joined.where(F.col("what").isin(*OF_OTHERS)), "time", day, F.lit(None).cast("bigint"))]


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


def _collected(parts: Sequence[DataFrame]) -> dict[int, list[dict[str, Any]]]:
    """The rows of all parts by their log."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in united(parts).toArrow().to_pylist() if parts else []:
        found[row["log"]].append(row)
    return found


def _floated(rows: Sequence[Mapping[str, Any]], log: LabelLog) -> bool:
    """Whether so many events have ids that look like floats that it is told where nothing else explains it."""
    return any(row["floats"] > log.unmatched.warn * row["n"] for row in rows if row["what"] == KEPT)


def _met(rows: Sequence[Mapping[str, Any]]) -> Met:
    """The events about impressions that were joined, by class."""
    sure, floats = (sum(row[name] for row in rows) for name in ("sure", "floats"))
    early = next((row for row in rows if row["what"] == "before"), dict.fromkeys(UNITS, 0))
    return Met({row["what"]: row["n"] for row in rows}, sure, {unit: early[unit] for unit in UNITS}, floats)


def _events(log: str, rows: Sequence[Mapping[str, Any]], told: Met | None, settings: Evaluation) -> EventCounts:
    """The classes of one log, of which those without an impression are what the others leave."""
    nothing = dict.fromkeys(("n", "copies", "sure", "floats", *UNITS), 0)
    alone = {row["what"]: row["copies"] for row in rows if row["copies"] is not None}
    joined = _met([row for row in rows if row["copies"] is None])
    met = joined if told is None else told.beside(joined)
    whole = next((row for row in rows if row["what"] == KEPT), nothing)
    kept = alone.pop(KEPT, 0)
    undone = next((row for row in rows if row["what"] == RETRACTED), nothing)
    sure, without = whole["sure"] - met.sure, whole["n"] - sum(met.events.values())
    floated = _floated(rows, settings.label_logs[log])
    if not 0 <= sure <= without:
        raise RuntimeFailure(f"labels.{log}: more events are about an impression than there are; run again")
    return EventCounts(
        read=kept + sum(alone.values()),
        retracted=undone["n"],
        duplicate=kept - whole["n"] + alone.pop(RETRACTED, 0) - undone["n"],
        other_days=alone.pop("other_days", 0),
        after_age=alone.pop("after_age", 0),
        rejected={what.removeprefix(REJECTED): count for what, count in sorted(alone.items())},
        **met.events,
        orphan=sure,
        unknown=without - sure,
        whole={unit: whole[unit] for unit in UNITS},
        whole_impressions=met.whole,
        floats=whole["floats"] - met.floats if floated else 0,
        other_floats=met.floats if floated else 0,
    )
