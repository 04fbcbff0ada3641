"""Labels meet impressions: duplicates go, label logs become one row per impression, and are joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.day import Day, span_micros
from jobs.errors import RuntimeFailure
from jobs.examples.labels import amounts
from jobs.examples.labels.attributed import standing
from jobs.examples.labels.by_id import Events, by_id
from jobs.inputs.scorings import label_named
from jobs.settings import Evaluation
from udfs.scan import repeats
from udfs.scan.partials import PACKED_TYPES

CROWD = 2**10  # events of an id: more are not put into a list for each of its impressions
HELD_ROWS = 2**17  # of those that copies leave, one for each id, what the driver holds: some ten MB


@dataclass(frozen=True)
class Labelled:
    """The examples of a day, how many rows were duplicates of one of them, and how many examples there are.

    They are not counted where no log is joined, which alone could multiply them.
    """

    frame: DataFrame
    duplicates: int
    rows: int | None = None


@dataclass(frozen=True)
class Amounts:
    """Labels that do not go by lists of events, one row per id and time."""

    frame: DataFrame

    def joined(self, frame: DataFrame, name: str) -> DataFrame:
        """Impressions with the label of this name."""
        return amounts.joined(frame, self.frame, label_named(name))


def labelled(impressions: DataFrame, logs: Mapping[str, DataFrame], settings: Evaluation, day: Day) -> Labelled:
    """Impressions of the day that no reason rejects, one row per id, with a column `label_<name>` for every label.

    A label log gives 1.0 where an event of the impression lies in [time, time + window), else 0.0, or the number that
    its rule makes of those events. It is brought to one row per impression first, so the join never multiplies a row.
    What became of the events of some logs stands in columns of its own, as `labels.met` codes it.
    Only rows whose id has a hash of which the first bits come more than once are compared; the rest passes untouched.
    """
    usable = impressions.where(F.col("in_day") & F.col("reason").isNull())
    compared = settings.impressions.duplicates == "remove" and settings.impressions.columns.id
    events = {name: _of_log(usable, name, logs, settings, day) for name in settings.label_logs}
    if not compared:
        return Labelled(_with_labels(usable, events), 0, usable.count() if events else None)
    repeated = _repeated(usable)
    if repeated.alike == 0:
        return Labelled(_with_labels(usable, events), 0, repeated.rows)
    prefixes = F.broadcast(usable.sparkSession.createDataFrame(repeated.prefixes).withColumn("again", F.lit(True)))
    hashed = usable.withColumn("prefix", F.shiftright(F.xxhash64("id"), repeats.LEFT_OUT))
    told = prefixes.join(hashed, on="prefix", how="right").drop("prefix")
    suspects, others = (told.where(known).drop("again") for known in (F.col("again"), F.col("again").isNull()))
    extra = _extra(suspects) if repeated.prefixes.num_rows > HELD_ROWS else None
    # Copies go first: many of one id would each have the list of all its events.
    kept = _with_labels(_first_copies(suspects, settings), events)
    if extra is None:
        # Where they stay a frame, each use of it reads all impressions once more.
        held = kept.toArrow()
        extra = repeated.alike - held.num_rows
        kept = usable.sparkSession.createDataFrame(held, kept.schema).coalesce(1)
    return Labelled(_with_labels(others, events).unionByName(kept), extra, repeated.rows - extra)


def check(examples: Labelled, passed: int) -> None:
    """Raise RuntimeFailure (exit 3) where another number of examples was summed than there are."""
    if examples.rows not in (None, passed):
        told = f"labels: of {examples.rows:,} examples {passed:,} were summed"
        raise RuntimeFailure(f"{told}, as a join multiplied or lost rows; nothing was written. Run again")


@dataclass(frozen=True)
class _Repeated:
    """The first bits of the hashes that several rows have for their id; two ids may have the same ones.

    Attributes:
        prefixes: Those bits, as a column `prefix`.
        alike: How many rows have one of them.
        rows: How many rows there are.
    """

    prefixes: pa.Table
    alike: int
    rows: int


def _repeated(usable: DataFrame) -> _Repeated:
    """Which rows may have the id of another one."""
    hashes = usable.select(F.xxhash64("id").alias("hash"))
    buckets = hashes.mapInArrow(repeats.bucketed, PACKED_TYPES).repartition("bucket")
    found = buckets.mapInArrow(repeats.repeated, "prefix bigint, rows bigint").toArrow()
    prefixes = found.filter(found["prefix"].is_valid())
    alike, every = (pc.sum(each["rows"]).as_py() or 0 for each in (prefixes, found))
    return _Repeated(prefixes.select(["prefix"]), alike, every - alike)


def _extra(suspects: DataFrame) -> int:
    """How many rows have the id of another one, but for one of each."""
    return int(suspects.groupBy("id").count().agg(F.sum(F.col("count") - 1)).collect()[0][0])


def _first_copies(examples: DataFrame, settings: Evaluation) -> DataFrame:
    """One row per impression id.

    Kept is the copy with the earliest time, then the highest labels in the order of the configuration, then
    the smallest hash of all mapped columns: of copies that agree in all of these any is the same. Labels that come as
    logs are the same at the same time, and not asked.
    """
    labels = [F.col(label_named(name)).desc() for name in settings.label_columns]
    order = Window.partitionBy("id").orderBy(F.col("time").asc(), *labels, F.col("fingerprint").asc())
    return examples.withColumn("copy", F.row_number().over(order)).where("copy = 1").drop("copy")


def _of_log(
    usable: DataFrame, name: str, logs: Mapping[str, DataFrame], settings: Evaluation, day: Day
) -> Events | Amounts:
    """What a label log says of the impressions, as its rule has it."""
    log, span = settings.label_logs[name], span_micros(settings.span(name))
    if log.values != "number":
        events = by_id(standing(name, logs, settings), span, day if log.plain else None)
        # Where copies stay, each of many impressions of an id would have the list of all its events.
        if events.most <= CROWD or settings.impressions.duplicates == "remove":
            return events
    return Amounts(amounts.labels(usable, name, logs, settings))


def _with_labels(frame: DataFrame, logs: Mapping[str, Events | Amounts]) -> DataFrame:
    for name, events in logs.items():
        frame = events.joined(frame, name)
    return frame
