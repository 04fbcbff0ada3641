"""The user's columns become ours: one typed, checked frame of impressions, and one for each label log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs import times, values
from jobs.day import Day, micros
from jobs.settings import Evaluation, LabelLog
from jobs.sources import Pinned

SAMPLING = "sampling_rate"
CALENDAR = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)  # what Python can spell in any zone


@dataclass(frozen=True)
class Scoring:
    """One task × model, and the columns that it reads from the frame of impressions.

    Attributes:
        task, model, kind: What it is.
        label: The column of the label; of classes it may be an array of shares.
        given: The label that has to be 1, or None.
        weight: The column of the weight, or None where each row weighs 1.
        sampling: The column of the rate at which negatives were sampled, or None.
        scores: The column of the score, one for each factor; of classes it is an array.
        scales: The scale of each.
        classes: The names of the classes.
        rate: At which the negatives were kept that the model learnt from, or None.
        required: The labels that are 1 where a product's is: those that its factors are given.
        optional: Whether the model may go without any number of rows.
        weight_unit, value_unit: The powers of two in which weights, and labels and scores of regression, are summed.
    """

    task: str
    model: str
    kind: str
    label: str
    given: str | None
    weight: str | None
    sampling: str | None
    scores: tuple[str, ...]
    scales: tuple[str, ...]
    classes: tuple[str, ...]
    rate: float | None
    required: tuple[str, ...]
    optional: bool
    weight_unit: float = 1.0
    value_unit: float = 1.0

    @property
    def weighted(self) -> bool:
        """Whether rows weigh something else than 1."""
        return self.weight is not None or self.sampling is not None

    @property
    def measured(self) -> tuple[str, ...]:
        """The columns of the weight, its rate and the scores; each has its `<column>_reason` beside it."""
        return (*(name for name in (self.weight, self.sampling) if name is not None), *self.scores)

    @property
    def reason(self) -> Column:
        """Why the task × model goes without a row, or NULL."""
        return F.coalesce(*map(self._reason_of, self.measured), *map(self._without, self.required))

    def _reason_of(self, name: str) -> Column:
        reason = F.col(f"{name}_reason")
        # Only negatives were sampled.
        return F.when(F.col(self.label) == 0.0, reason) if name == self.sampling else reason

    def _without(self, name: str) -> Column:
        """Conversions without a click are no event of a product of click and conversion."""
        lacks = (F.col(self.label) > 0.0) & (F.col(name) != 1.0)
        return F.when(lacks, F.lit("positive_without_given"))


def scorings(settings: Evaluation) -> tuple[Scoring, ...]:
    """Every task × model in the order of the configuration; equal columns are read once."""
    weights, scores = _weight_columns(settings), _score_columns(settings)
    sampling = SAMPLING if settings.impressions.columns.sampling_rate else None
    found = []
    for task_name, model_name in settings.pairs:
        task = settings.tasks[task_name]
        choices = [settings.models[model_name][factor] for factor in settings.factors(task_name)]
        found.append(
            Scoring(
                task_name,
                model_name,
                task.kind,
                f"label_{task.label}",
                f"label_{task.given}" if task.given else None,
                weights.get(weight_of(settings, task_name)),
                sampling if task.kind == "binary" else None,
                tuple(scores[_score_key(settings, task_name, model_name, f)] for f in settings.factors(task_name)),
                tuple(choice.scale for choice in choices),
                settings.classes(task_name),
                choices[0].negatives_rate,
                _required(settings, task_name),
                not all(choice.required for choice in choices),
            )
        )
    return tuple(found)


def _required(settings: Evaluation, task: str) -> tuple[str, ...]:
    given = (settings.tasks[factor].given for factor in settings.factors(task) if factor != task)
    return tuple(dict.fromkeys(f"label_{name}" for name in given if name))


def key_type(settings: Evaluation, source: Pinned, logs: Mapping[str, Pinned]) -> str:
    """The type in which ids are joined: BIGINT where all sources have integers, which is faster, else STRING."""
    ids = [(source, settings.impressions.columns.id)]
    ids += [(logs[name], log.columns.id) for name, log in settings.label_logs.items()]
    types = {dict(pinned.frame.dtypes)[name] for pinned, name in ids if name}
    return "bigint" if types <= {"bigint", "int", "smallint", "tinyint"} else "string"


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
    identity = (values.quoted(columns.id) if columns.id else F.lit(None)).cast(key)
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
        "row": F.struct(*(values.quoted(name) for name in mapped)),
        **{f"dimension_{i}": times.spelled(source, name) for i, name in enumerate(settings.dimensions)},
    }
    reasons = _key_reasons(settings, identity, moment)
    if columns.group:
        selected["group"] = values.text(columns.group)
    ranked = {task.label for task in settings.tasks.values() if task.kind == "candidates"}
    for name, label in settings.label_columns.items():
        value, problem = values.labelled(source, label)
        if name in ranked:
            problem = F.coalesce(problem, values.relevance_reason(value))
        reasons.append(problem)
        selected[f"label_{name}"] = F.when(problem.isNull(), value)
    selected["reason"] = F.coalesce(*reasons, F.lit(None).cast("string"))
    return frame.select(*(c.alias(n) for n, c in {**selected, **_measured(source, settings)}.items()))


def label_log(source: Pinned, log: LabelLog, day: Day, as_of: datetime, key: str) -> DataFrame:
    """The events of a label log.

    Columns: `id` (of the type `key`), `time` BIGINT (µs, UTC), `outside` STRING, why it cannot be a label of the day:
    it is of `other_days`, before the day or beyond the last window, or `after_age`, not known at `as_of` yet; NULL of
    the others and of those without a time; `reason` STRING (`null_id`, `null_time`, `bad_time`) or NULL, `row` STRUCT.
    """
    identity, moment = (
        values.quoted(log.columns.id).cast(key),
        times.utc_micros(source, log.columns.time, day.timezone),
    )
    mapped = [log.columns.id, log.columns.time.column]
    far = (moment < micros(day.start)) | (moment >= micros(day.end + log.window))
    outside = F.when(far, "other_days").when(moment >= micros(as_of), "after_age")
    return source.frame.select(
        identity.alias("id"),
        moment.alias("time"),
        outside.alias("outside"),
        F.coalesce(F.when(identity.isNull(), F.lit("null_id")), times.time_reason(log.columns.time, moment)).alias(
            "reason"
        ),
        F.struct(*(values.quoted(name) for name in mapped)).alias("row"),
    )


def days_of(impressions: DataFrame, day: Day) -> str:
    """Which dates impressions or events are of, in the zone of the day, as a sentence; '' where none has a time."""
    spelled = F.col("time").between(*map(micros, CALENDAR))
    ends = impressions.where(spelled).agg(F.min("time"), F.max("time")).collect()[0]
    dates = [str(day.date_of(moment)) for moment in ends if moment is not None]
    return f"they are of {' to '.join(dict.fromkeys(dates))}" if dates else ""


def mapped_columns(settings: Evaluation) -> list[str]:
    """The columns of the impressions that the configuration names, each once, in its order."""
    columns = settings.impressions.columns
    names = [columns.id, columns.time and columns.time.column, columns.unit, columns.group, *settings.dimensions]
    names.append(columns.sampling_rate)
    names += [label.column for label in settings.label_columns.values()]
    names += [name for name, _ in _weight_columns(settings) if name]
    names += [name for score, _, _ in _score_columns(settings) for name in score]
    return list(dict.fromkeys(name for name in names if name))


def weight_of(settings: Evaluation, task: str) -> tuple[str | None, float | None]:
    """The column of a task's weight, and the cap where it is a propensity."""
    own = settings.tasks[task]
    if own.propensity is not None:
        return own.propensity.column, own.propensity.cap
    return own.weight or settings.impressions.columns.weight, None


def _weight_columns(settings: Evaluation) -> dict[tuple[str | None, float | None], str]:
    used = dict.fromkeys(weight_of(settings, task) for task, _ in settings.pairs)
    return {key: f"weight_{i}" for i, key in enumerate(used) if key[0] is not None}


ScoreKey = tuple[tuple[str, ...], str, str | None]


def _score_key(settings: Evaluation, task: str, model: str, factor: str) -> ScoreKey:
    """What makes a column of scores: the user's columns, their scale, and the task where that bounds them."""
    choice = settings.models[model][factor]
    bounded = settings.tasks[task].kind in ("regression", "multiclass")
    return choice.score, choice.scale, task if bounded else None


def _score_columns(settings: Evaluation) -> dict[ScoreKey, str]:
    used = dict.fromkeys(
        _score_key(settings, task, model, factor) for task, model in settings.pairs for factor in settings.factors(task)
    )
    return {key: f"score_{i}" for i, key in enumerate(used)}


def _measured(source: Pinned, settings: Evaluation) -> dict[str, Column]:
    """Weights and scores with the reasons why they cannot be used."""
    found: dict[str, Column] = {}
    rate = settings.impressions.columns.sampling_rate
    if rate:
        problem = values.rate_reason(source, rate)
        found[SAMPLING] = F.when(problem.isNull(), values.number(source, rate))
        found[f"{SAMPLING}_reason"] = problem
    for (weight, cap), ours in _weight_columns(settings).items():
        value, problem = values.weighed(source, str(weight), cap)
        found[ours] = F.when(problem.isNull(), value)
        found[f"{ours}_reason"] = problem
    for (columns, scale, task), ours in _score_columns(settings).items():
        value, problem = _scored(source, settings, columns, scale, task)
        found[ours] = F.when(problem.isNull(), value)
        found[f"{ours}_reason"] = problem
    return found


def _scored(
    source: Pinned, settings: Evaluation, columns: tuple[str, ...], scale: str, task: str | None
) -> tuple[Column, Column]:
    """The value of a score and the reason why it cannot be used."""
    if task is None:
        value = values.number(source, columns[0])
        return value, values.score_reason(columns[0], scale, value)
    if settings.tasks[task].kind == "multiclass":
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
    if columns.group and "candidates" in settings.kinds:
        reasons.append(F.when(values.quoted(columns.group).isNull(), F.lit("null_group")))
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
