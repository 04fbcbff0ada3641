"""The user's columns become ours: one typed, checked frame of impressions, and one for each label log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs import values
from jobs.day import Day, micros
from jobs.settings import Evaluation, LabelLog, TimeColumn
from jobs.sources import Pinned


@dataclass(frozen=True)
class Scoring:
    """One task × model, and the columns that it reads from the frame of impressions."""

    task: str
    model: str
    label: str
    given: str | None
    scale: str
    weight: str | None
    score: str


def scorings(settings: Evaluation) -> tuple[Scoring, ...]:
    """Every task × model in the order of the configuration; equal columns are read once."""
    weights = _weight_columns(settings)
    scores = _score_columns(settings)
    found = []
    for task_name, model_name in settings.pairs:
        task = settings.tasks[task_name]
        choice = settings.models[model_name][task_name]
        found.append(
            Scoring(
                task_name,
                model_name,
                f"label_{task.label}",
                f"label_{task.given}" if task.given else None,
                choice.scale,
                weights.get(_weight_of(settings, task_name) or ""),
                scores[(choice.score, choice.scale)],
            )
        )
    return tuple(found)


def key_type(settings: Evaluation, source: Pinned, logs: Mapping[str, Pinned]) -> str:
    """The type in which ids are joined: BIGINT where all sources have integers, which is faster, else STRING."""
    ids = [(source, settings.impressions.columns.id)]
    ids += [(logs[name], log.columns.id) for name, log in settings.label_logs.items()]
    types = {dict(pinned.frame.dtypes)[name] for pinned, name in ids if name}
    return "bigint" if types <= {"bigint", "int", "smallint", "tinyint"} else "string"


def impressions(source: Pinned, settings: Evaluation, day: Day, key: str) -> DataFrame:
    """The impressions of a source with our columns.

    Columns: `in_day` BOOLEAN; `id` (of the type `key`) and `time` BIGINT (µs, UTC), NULL where not mapped; `shard`
    INT; one STRING `dimension_<i>`; `label_<name>` DOUBLE in [0, 1] for labels in the row; for every weight and
    score its DOUBLE, NULL where `<column>_reason` says why it cannot be used; `reason` STRING, why the row is
    rejected, or NULL; `fingerprint` BIGINT of all mapped columns; `row` STRUCT of those columns.
    A frame is lazy: what a stage does not use is not read.
    """
    frame, columns = source.frame, settings.impressions.columns
    mapped = mapped_columns(settings)
    identity = (values.quoted(columns.id) if columns.id else F.lit(None)).cast(key)
    moment = (
        values.utc_micros(source, columns.time, settings.day.timezone) if columns.time else F.lit(None).cast("bigint")
    )
    fingerprint = values.hashed(source, mapped)
    selected: dict[str, Column] = {
        "in_day": _in_day(columns.time, moment, day),
        "id": identity,
        "time": moment,
        "shard": _shard(settings, fingerprint),
        "fingerprint": fingerprint,
        "row": F.struct(*(values.quoted(name) for name in mapped)),
        **{f"dimension_{i}": values.text(name) for i, name in enumerate(settings.dimensions)},
    }
    reasons = _key_reasons(settings, identity, moment)
    for name, label in settings.label_columns.items():
        raw = values.number(source, label.column)
        problem = values.label_reason(label, raw)
        reasons.append(problem)
        selected[f"label_{name}"] = F.when(problem.isNull(), values.unit_label(label, raw))
    selected["reason"] = F.coalesce(*reasons, F.lit(None).cast("string"))
    return frame.select(*(c.alias(n) for n, c in {**selected, **_measured(source, settings)}.items()))


def label_log(source: Pinned, log: LabelLog, settings: Evaluation, day: Day, key: str) -> DataFrame:
    """The events of a label log that can fall into a window of the day's impressions.

    Columns: `id` (of the type `key`), `time` BIGINT (µs, UTC), `reason` STRING (`null_id`, `null_time`, `bad_time`) or
    NULL, `row` STRING. Events before the day or after the last window are left out; one without a time is kept.
    """
    identity, moment = (
        values.quoted(log.columns.id).cast(key),
        values.utc_micros(source, log.columns.time, settings.day.timezone),
    )
    mapped = [log.columns.id, log.columns.time.column]
    inside = (moment >= micros(day.start)) & (moment < micros(day.end + log.window))
    return (
        source.frame.select(
            identity.alias("id"),
            moment.alias("time"),
            F.coalesce(F.when(identity.isNull(), F.lit("null_id")), values.time_reason(log.columns.time, moment)).alias(
                "reason"
            ),
            F.struct(*(values.quoted(name) for name in mapped)).alias("row"),
            F.coalesce(inside, F.lit(True)).alias("inside"),
        )
        .where("inside")
        .drop("inside")
    )


def mapped_columns(settings: Evaluation) -> list[str]:
    """The columns of the impressions that the configuration names, each once, in its order."""
    columns = settings.impressions.columns
    names = [columns.id, columns.time and columns.time.column, columns.unit, *settings.dimensions]
    names += [label.column for label in settings.label_columns.values()]
    names += list(_weight_columns(settings))
    names += [score for score, _ in _score_columns(settings)]
    return list(dict.fromkeys(name for name in names if name))


def _weight_of(settings: Evaluation, task: str) -> str | None:
    return settings.tasks[task].weight or settings.impressions.columns.weight


def _weight_columns(settings: Evaluation) -> dict[str, str]:
    used = dict.fromkeys(_weight_of(settings, task) for task, _ in settings.pairs)
    return {name: f"weight_{i}" for i, name in enumerate(used) if name is not None}


def _score_columns(settings: Evaluation) -> dict[tuple[str, str], str]:
    choices = (settings.models[model][task] for task, model in settings.pairs)
    used = dict.fromkeys((choice.score, choice.scale) for choice in choices)
    return {key: f"score_{i}" for i, key in enumerate(used)}


def _measured(source: Pinned, settings: Evaluation) -> dict[str, Column]:
    """Weights and scores with the reasons why they cannot be used."""
    found: dict[str, Column] = {}
    for weight, ours in _weight_columns(settings).items():
        raw = values.number(source, weight)
        problem = values.weight_reason(weight, raw)
        found[ours] = F.when(problem.isNull(), raw)
        found[f"{ours}_reason"] = problem
    for (score, scale), ours in _score_columns(settings).items():
        raw = values.number(source, score)
        problem = values.score_reason(score, scale, raw)
        found[ours] = F.when(problem.isNull(), raw)
        found[f"{ours}_reason"] = problem
    return found


def _key_reasons(settings: Evaluation, identity: Column, moment: Column) -> list[Column]:
    columns = settings.impressions.columns
    reasons = []
    if columns.id:
        reasons.append(F.when(identity.isNull(), F.lit("null_id")))
    if columns.time:
        reasons.append(values.time_reason(columns.time, moment))
    return reasons


def _in_day(time: TimeColumn | None, moment: Column, day: Day) -> Column:
    """Whether a row belongs to the day; one without a time does, to be rejected there."""
    if time is None:
        return F.lit(True)
    inside = (moment >= micros(day.start)) & (moment < micros(day.end))
    return F.coalesce(inside, F.lit(True))


def _shard(settings: Evaluation, fingerprint: Column) -> Column:
    """The shard of a row: of its unit, else of its id, else of all mapped columns."""
    columns = settings.impressions.columns
    named = [values.text(name) for name in (columns.unit, columns.id) if name]
    # A row without an id is rejected where ids are mapped, so it needs no shard.
    named += [] if columns.id else [fingerprint.cast("string")]
    key = F.xxhash64(F.lit(settings.shards.salt), F.coalesce(*named))
    return F.pmod(key, F.lit(settings.shards.count)).cast("int")
