"""The user's columns of impressions become ours: one typed, checked frame."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.day import Day, micros
from jobs.engines.quoting import by_name
from jobs.files.pinned import Pinned
from jobs.inputs import times, values
from jobs.inputs.scorings import SAMPLING, label_named, reason_beside, score_columns, weight_columns
from jobs.settings import Evaluation
from udfs.kinds import KINDS

CALENDAR = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)  # what Python can spell in any zone


def impressions(source: Pinned, settings: Evaluation, day: Day, key: str) -> DataFrame:
    """The impressions of a source with our columns.

    Columns: `in_day` BOOLEAN; `id` (of the type `key`) and `time` BIGINT (µs, UTC), NULL where not mapped; `shard`
    INT; one STRING `dimension_<i>`; `group` STRING where mapped; `label_<name>` DOUBLE for labels
    in the row, of classes the number or an array of shares; for every weight and
    score its DOUBLE, NULL where `<column>_reason` says why it cannot be used; `reason` STRING, why the row is
    rejected, or NULL; `fingerprint` BIGINT of all mapped columns; `row` STRUCT of those columns.
    A frame is lazy: what a stage does not use is not read.
    """
    frame, columns = source.frame, settings.impressions.columns
    mapped = mapped_columns(settings)
    identity = (by_name(columns.id) if columns.id else F.lit(None)).cast(key)
    moment = (
        times.utc_micros(source, columns.time, settings.day.timezone) if columns.time else F.lit(None).cast("bigint")
    )
    fingerprint = values.hashed(source, mapped)
    selected: dict[str, Column] = {
        "in_day": _in_day(source, settings, moment, day),
        "id": identity,
        "time": moment,
        "shard": _shard(settings, fingerprint),
        "fingerprint": fingerprint,
        "row": F.struct(*(by_name(name) for name in mapped)),
        **{c: times.spelled(source, d) for c, d in zip(dimension_columns(settings), settings.dimensions, strict=True)},
    }
    reasons = _key_reasons(settings, identity, moment)
    if columns.group:
        selected["group"] = values.text(columns.group)
    ranked = {task.label for task in settings.tasks.values() if KINDS[task.kind].of_groups}
    for name, label in settings.label_columns.items():
        value, problem = values.label(source, label)
        if name in ranked:
            problem = F.coalesce(problem, values.relevance_reason(value))
        reasons.append(problem)
        selected[label_named(name)] = F.when(problem.isNull(), value)
    selected["reason"] = F.coalesce(*reasons, F.lit(None).cast("string"))
    return frame.select(*(c.alias(n) for n, c in {**selected, **_measured(source, settings)}.items()))


def days_of(impressions: DataFrame, day: Day) -> str:
    """Which dates impressions or events are of, in the zone of the day, as a sentence; '' where none has a time."""
    spelled = F.col("time").between(*map(micros, CALENDAR))
    ends = impressions.where(spelled).agg(F.min("time"), F.max("time")).collect()[0]
    dates = [str(day.date_of(moment)) for moment in ends if moment is not None]
    return f"they are of {' to '.join(dict.fromkeys(dates))}" if dates else ""


def dimension_columns(settings: Evaluation) -> list[str]:
    """Our column for each dimension."""
    return [f"dimension_{i}" for i in range(len(settings.dimensions))]


def mapped_columns(settings: Evaluation) -> list[str]:
    """The columns of the impressions that the configuration names, each once.

    Their order decides what their hash is, and with it which copy is kept and the shard of a row without a unit: so
    it is that of lists and labels, whose order the fingerprint of a configuration knows, or that of names.
    """
    columns = settings.impressions.columns
    names = [columns.id, columns.time and columns.time.column, columns.unit, columns.group, *settings.dimensions]
    names.append(columns.sampling_rate)
    names += [label.column for label in settings.label_columns.values()]
    names += sorted(name for name, _ in weight_columns(settings) if name)
    names += sorted(name for score, _, _ in score_columns(settings) for name in score)
    return list(dict.fromkeys(name for name in names if name))


def _measured(source: Pinned, settings: Evaluation) -> dict[str, Column]:
    """Weights and scores with the reasons why they cannot be used."""
    found: dict[str, Column] = {}
    rate = settings.impressions.columns.sampling_rate
    if rate:
        problem = values.rate_reason(source, rate)
        found[SAMPLING] = F.when(problem.isNull(), values.number(source, rate))
        found[reason_beside(SAMPLING)] = problem
    for (weight, cap), ours in weight_columns(settings).items():
        value, problem = values.weighed(source, str(weight), cap)
        found[ours] = F.when(problem.isNull(), value)
        found[reason_beside(ours)] = problem
    for (columns, scale, task), ours in score_columns(settings).items():
        value, problem = _scored(source, settings, columns, scale, task)
        found[ours] = F.when(problem.isNull(), value)
        found[reason_beside(ours)] = problem
    return found


def _scored(
    source: Pinned, settings: Evaluation, columns: tuple[str, ...], scale: str, task: str | None
) -> tuple[Column, Column]:
    """The value of a score and the reason why it cannot be used."""
    if task is None:
        value = values.number(source, columns[0])
        return value, values.score_reason(columns[0], scale, value)
    if KINDS[settings.tasks[task].kind].of_classes:
        return values.class_scores(source, columns, scale, len(settings.classes(task)))
    value = values.number(source, columns[0])
    return value, values.value_reason(columns[0], value)


def _key_reasons(settings: Evaluation, identity: Column, moment: Column) -> list[Column]:
    columns = settings.impressions.columns
    reasons = []
    if columns.id:
        reasons.append(F.when(identity.isNull(), F.lit("null_id")))
    if columns.time:
        reasons.append(times.time_reason(columns.time, moment))
    if columns.group and any(KINDS[kind].of_groups for kind in settings.kinds):
        reasons.append(F.when(by_name(columns.group).isNull(), F.lit("null_group")))
    return reasons


def _in_day(source: Pinned, settings: Evaluation, moment: Column, day: Day) -> Column:
    """Whether a row belongs to the day; one without a time does, to be rejected there, unless its partition differs."""
    if settings.impressions.columns.time is None:
        return F.lit(True)
    inside = (moment >= micros(day.start)) & (moment < micros(day.end))
    partition = settings.day.partition
    if partition is None or partition not in source.frame.columns:
        return F.coalesce(inside, F.lit(True))
    return F.coalesce(inside, values.text(partition).isin(*day.spellings), F.lit(True))


def _shard(settings: Evaluation, fingerprint: Column) -> Column:
    """The shard of a row: of its unit, else of its id, else of all mapped columns."""
    columns = settings.impressions.columns
    named = [values.text(name) for name in (columns.unit, columns.id) if name]
    # A row without an id is rejected where ids are mapped, so it needs no shard.
    named += [] if columns.id else [fingerprint.cast("string")]
    key = F.xxhash64(F.lit(settings.shards.salt), F.coalesce(*named))
    return F.pmod(key, F.lit(settings.shards.count)).cast("int")
