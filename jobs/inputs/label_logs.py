"""The user's columns of label logs become ours: one typed, checked frame for each, a row for each of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.day import Day, micros
from jobs.engines.quoting import by_name
from jobs.files.pinned import Pinned
from jobs.inputs import times, values
from jobs.settings import Evaluation, TimeColumn
from udfs.kinds import KINDS


def key_type(settings: Evaluation, source: Pinned, logs: Mapping[str, Pinned]) -> str:
    """The type in which ids of impressions are joined: BIGINT where all have integers, which is faster, else STRING."""
    ids = [(source, settings.impressions.columns.id)]
    ids += [(logs[name], log.columns.id) for name, log in settings.label_logs.items() if log.via is None]
    return _common_type(ids)


def framed(
    logs: Mapping[str, Pinned], settings: Evaluation, day: Day, as_of: datetime, key: str
) -> dict[str, DataFrame]:
    """The rows of every label log.

    Columns: `id`, of the type `key`, or of the click's id where events are about clicks; `time` BIGINT (µs, UTC);
    `outside` STRING, why it cannot be a label of the day: it is of `other_days`, before the day or beyond what may
    count, or `after_age`, not known at `as_of` yet; NULL of the others and of those without a time; `reason` STRING,
    why it is rejected, or NULL; `row` STRUCT; and where they are mapped `event`, its own id, with `known` BOOLEAN,
    whether it is at `as_of`, of whichever day; `retracted` BOOLEAN, whether it is taken back by then; `value` DOUBLE.
    """
    return {name: _framed(logs, name, settings, (day, as_of), key) for name in settings.label_logs}


def _framed(
    logs: Mapping[str, Pinned], name: str, settings: Evaluation, until: tuple[Day, datetime], key: str
) -> DataFrame:
    source, log, (day, as_of) = logs[name], settings.label_logs[name], until
    columns, own_type = log.columns, _event_type(logs, settings, log.via or name)
    identity = by_name(columns.id).cast(key if log.via is None else own_type)
    moment = times.utc_micros(source, columns.time, day.timezone)
    far = (moment < micros(day.start)) | (moment >= micros(day.end + settings.reach(name)))
    late, reasons = moment >= micros(as_of), [F.when(identity.isNull(), F.lit("null_id"))]
    reasons.append(times.time_reason(columns.time, moment))
    more: dict[str, Column] = {}
    if columns.ingested is not None:
        came, reason = _ingested(source, columns.ingested, day)
        late = late | (came >= micros(as_of))
        reasons.append(reason)
    if columns.event is not None:
        more = {"event": by_name(columns.event).cast(own_type), "known": ~F.coalesce(late, F.lit(True))}
        reasons.append(F.when(more["event"].isNull(), F.lit("null_event")))
    if columns.retracted is not None:
        more["retracted"], reason = _retracted(source, columns.retracted, day, as_of)
        reasons.append(reason)
    if columns.value is not None:
        more["value"], reason = _valued(source, columns.value, ranked=_ranked(settings, name))
        # What takes an event back need not say its value once more.
        stands = F.lit(True) if columns.retracted is None else by_name(columns.retracted.column).isNull()
        reasons.append(F.when(stands, reason))
    return source.frame.select(
        identity.alias("id"),
        moment.alias("time"),
        F.when(far, "other_days").when(late, "after_age").alias("outside"),
        F.coalesce(*reasons).alias("reason"),
        F.struct(*(by_name(mapped) for mapped in log.mapped)).alias("row"),
        *(column.alias(ours) for ours, column in more.items()),
    )


def _ingested(source: Pinned, column: TimeColumn, day: Day) -> tuple[Column, Column]:
    """When a row came in, and why that cannot be told, or NULL."""
    moment = times.utc_micros(source, column, day.timezone)
    absent = F.when(by_name(column.column).isNull(), F.lit("null_ingested"))
    return moment, absent.when(moment.isNull(), F.lit("bad_ingested"))


def _retracted(source: Pinned, column: TimeColumn, day: Day, as_of: datetime) -> tuple[Column, Column]:
    """Whether an event is taken back before `as_of`, and why that cannot be told, or NULL."""
    moment = times.utc_micros(source, column, day.timezone)
    unknown = by_name(column.column).isNotNull() & moment.isNull()
    return F.coalesce(moment < micros(as_of), F.lit(False)), F.when(unknown, F.lit("bad_retracted"))


def _valued(source: Pinned, column: str, *, ranked: bool) -> tuple[Column, Column]:
    """The value of an event, and why it cannot be used, or NULL; gains of candidates are of 0 or more."""
    value = values.number(source, column)
    wrong = value.isNull() | F.isnan(value) | (F.abs(value) == float("inf"))
    wrong = wrong | (value < 0.0) if ranked else wrong
    return value, F.when(by_name(column).isNull(), F.lit("null_value")).when(wrong, F.lit("bad_value"))


def _ranked(settings: Evaluation, name: str) -> bool:
    return any(task.label == name and KINDS[task.kind].of_groups for task in settings.tasks.values())


def _event_type(logs: Mapping[str, Pinned], settings: Evaluation, name: str) -> str:
    """The type of the events' own ids of a log, which others may have as theirs."""
    about = [(logs[other], log.columns.id) for other, log in settings.label_logs.items() if log.via == name]
    return _common_type([(logs[name], settings.label_logs[name].columns.event), *about])


def _common_type(ids: Iterable[tuple[Pinned, str | None]]) -> str:
    types = {dict(pinned.frame.dtypes)[name] for pinned, name in ids if name}
    return "bigint" if types <= {"bigint", "int", "smallint", "tinyint"} else "string"
