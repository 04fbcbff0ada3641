"""The user's columns become ours: days, times, numbers, labels, shards, and why a row cannot be used."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame

from jobs.day import Day, micros
from jobs.files import pinned as sources
from jobs.files.pinned import Wanted
from jobs.inputs import impressions as read
from jobs.settings import parse
from tests.jobs.night import DAY, document, parquet

MICROSECOND = timedelta(microseconds=1)
NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)


def mapped(spark, config: dict, day: Day | None = None) -> DataFrame:
    """The frame that the job makes of an evaluation's impressions."""
    settings = parse(config)
    day = day or Day(DAY, settings.day.timezone)
    pinned = sources.pinned(spark, Wanted("impressions", settings.impressions.source, day))
    return read.impressions(pinned, settings, day, read.key_type(settings, pinned, {}))


def rows(frame: DataFrame, *names: str) -> list[Any]:
    """Columns as plain values, by the position that the row was written with."""
    table = frame.select(*names).toArrow()
    values = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    return [value[0] for value in values] if len(names) == 1 else values


def of_columns(folder: Path, columns: dict[str, Any], mapping: Any = None, **sections: Any) -> dict:
    """An evaluation of a Parquet file with these columns; those that it needs are filled up."""
    size = len(next(iter(columns.values())))
    parquet(folder / "impressions", {"click": [0] * size, "p": [0.5] * size, **columns})
    impressions = {
        "source": {"format": "parquet", "path": str(folder / "impressions")},
        "columns": mapping or {},
        "duplicates": "none",
    }
    return document(folder, impressions=impressions, **sections)


def of_text(folder: Path, column: str, texts: list[str], mapping: Any = None, **sections: Any) -> dict:
    """An evaluation of a CSV file of one column of texts, beside those that it needs."""
    others = {"click": "0", "p": "0.5"}
    others.pop(column, None)
    lines = ["|".join([column, *others]), *("|".join([text, *others.values()]) for text in texts)]
    file = folder / "impressions.csv"
    file.write_text("\n".join(lines) + "\n")
    source = {"format": "csv", "path": str(file), "options": {"sep": "|"}}
    return document(folder, impressions={"source": source, "columns": mapping or {}, "duplicates": "none"}, **sections)


DAYS = {
    "of 24 hours": ("UTC", "2026-03-18", "2026-03-18T00:00", "2026-03-19T00:00"),
    "of 23 hours": ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
    "of 25 hours": ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
    "far west": ("Pacific/Marquesas", "2026-03-18", "2026-03-18T09:30", "2026-03-19T09:30"),
    "without a midnight": ("America/Santiago", "2026-09-06", "2026-09-06T04:00", "2026-09-07T03:00"),
}


@pytest.mark.parametrize("name", DAYS)
def test_a_day_is_half_open_in_its_zone(spark, tmp_path, name):
    zone, day, start, end = DAYS[name]
    first, after = (datetime.fromisoformat(f"{text}+00:00") for text in (start, end))
    moments = [first - MICROSECOND, first, after - MICROSECOND, after]
    config = of_columns(tmp_path, {"ts": moments}, {"time": "ts"}, day={"timezone": zone})
    frame = mapped(spark, config, Day(date.fromisoformat(day), zone))
    assert rows(frame, "in_day") == [False, True, True, False]
    assert rows(frame, "time") == [micros(moment) for moment in moments]


def test_the_last_microsecond_of_the_local_day_belongs_to_it(spark, tmp_path):
    last = datetime(2026, 10, 25, 23, 59, 59, 999999)
    config = of_columns(tmp_path, {"ts": [last]}, {"time": "ts"}, day={"timezone": "Europe/Berlin"})
    assert rows(mapped(spark, config, Day(date(2026, 10, 25), "Europe/Berlin")), "in_day") == [True]


LOCAL = {
    datetime(2026, 3, 18, 0, 0): "2026-03-17T23:00",
    datetime(2026, 7, 18, 0, 0, 0, 1): "2026-07-17T22:00:00.000001",
    # What the clock shows twice is the first, what it skips is as if it had not been put forward.
    datetime(2026, 10, 25, 2, 30): "2026-10-25T00:30",
    datetime(2026, 3, 29, 2, 30): "2026-03-29T01:30",
}


def test_timestamps_without_a_zone_are_read_in_the_declared_one(spark, tmp_path):
    config = of_columns(tmp_path, {"ts": list(LOCAL)}, {"time": "ts"}, day={"timezone": "Europe/Berlin"})
    expected = [micros(datetime.fromisoformat(f"{text}+00:00")) for text in LOCAL.values()]
    assert rows(mapped(spark, config), "time") == expected


TEXT_TIMES = {
    "2026-03-18 12:00:00": "2026-03-18T11:00",
    "2026-03-18T12:00:00.000001": "2026-03-18T11:00:00.000001",
    "2026-03-18T12:00:00Z": "2026-03-18T12:00",
    "2026-03-18T12:00:00+05:30": "2026-03-18T06:30",
    "2026-03-18 12:00:00-08:00": "2026-03-18T20:00",
    "2026-03-18 12:00:00 UTC": "2026-03-18T12:00",
    "2026-03-18 12:00:00+00": "2026-03-18T12:00",
    "2026-03-18 12:00:00 Asia/Kolkata": "2026-03-18T06:30",
    "2026-03-18": "2026-03-17T23:00",
    "12:00": None,
    "2026": None,
    "yesterday": None,
    "2026-02-30 12:00:00": None,
}


def test_texts_of_times_have_their_zone_or_the_declared_one(spark, tmp_path):
    config = of_text(tmp_path, "ts", list(TEXT_TIMES), {"time": "ts"}, day={"timezone": "Europe/Berlin"})
    found = dict(zip(TEXT_TIMES, rows(mapped(spark, config), "time", "reason"), strict=True))
    expected = {t: m and micros(datetime.fromisoformat(f"{m}+00:00")) for t, m in TEXT_TIMES.items()}
    assert found == {t: (m, None if m else "bad_time") for t, m in expected.items()}


def test_a_date_is_the_start_of_its_day(spark, tmp_path):
    config = of_columns(tmp_path, {"d": [DAY]}, {"time": "d"}, day={"timezone": "Asia/Kolkata"})
    assert rows(mapped(spark, config), "time") == [micros(datetime(2026, 3, 17, 18, 30, tzinfo=UTC))]


@pytest.mark.parametrize(("unit", "factor"), [("s", 10**6), ("ms", 10**3), ("us", 1)])
@pytest.mark.parametrize("text", [False, True])
def test_epoch_integers_are_in_their_declared_unit(spark, tmp_path, unit, factor, text):
    number = micros(NOON) // factor
    mapping = {"time": {"column": "t", "unit": unit}}
    config = of_text(tmp_path, "t", [str(number)], mapping) if text else of_columns(tmp_path, {"t": [number]}, mapping)
    assert rows(mapped(spark, config), "time", "in_day") == [(micros(NOON), True)]


EPOCHS = {"1773835200": None, " 1773835200 ": None, "1773835200.5": "bad_time", "1.7e9": "bad_time", "": "null_time"}


def test_texts_of_epochs_are_integers(spark, tmp_path):
    config = of_text(tmp_path, "t", list(EPOCHS), {"time": {"column": "t", "unit": "s"}})
    assert dict(zip(EPOCHS, rows(mapped(spark, config), "reason"), strict=True)) == EPOCHS


def test_an_epoch_beyond_all_times_is_a_bad_time(spark, tmp_path):
    mapping = {"time": {"column": "t", "unit": "s"}}
    config = of_columns(tmp_path, {"t": [micros(NOON), None, -(2**62)]}, mapping)
    assert rows(mapped(spark, config), "reason") == ["bad_time", "null_time", "bad_time"]


NUMBERS = {
    "0.5": (0.5, None),
    " 0.5 ": (0.5, None),
    "+.5": (0.5, None),
    "5e-1": (0.5, None),
    "1.": (1.0, None),
    "4.9e-324": (5e-324, None),
    "": (None, "null_score"),
    " ": (None, "bad_score"),
    "0.5d": (None, "bad_score"),
    "1f": (None, "bad_score"),
    "0x1": (None, "bad_score"),
    "0,5": (None, "bad_score"),
    "1_0": (None, "bad_score"),
    "zero": (None, "bad_score"),
    "٠": (None, "bad_score"),
    "NaN": (None, "nan_score"),
    "nan": (None, "nan_score"),
    "inf": (None, "bad_score"),
    "1.0000001": (None, "bad_score"),
    "-0.1": (None, "bad_score"),
}


def test_texts_of_numbers_are_read_alike(spark, tmp_path):
    config = of_text(tmp_path, "p", list(NUMBERS))
    found = rows(mapped(spark, config), "score_0", "score_0_reason")
    assert dict(zip(NUMBERS, found, strict=True)) == NUMBERS


LOGITS = {
    "-Infinity": (float("-inf"), None),
    "inf": (float("inf"), None),
    "524287.9": (524287.9, None),
    "-524288": (None, "out_of_range"),
    "1e400": (float("inf"), None),
}


def test_infinite_logits_are_scores(spark, tmp_path):
    config = of_text(tmp_path, "p", list(LOGITS), models={"m": {"ctr": {"score": "p", "scale": "logit"}}})
    found = rows(mapped(spark, config), "score_0", "score_0_reason")
    assert dict(zip(LOGITS, found, strict=True)) == LOGITS


SCORES = {
    "float32 is widened": (pa.array([0.1], pa.float32()), 0.10000000149011612),
    "long decimal": (pa.array([Decimal("0.12345678901234567")], pa.decimal128(18, 17)), 0.12345678901234567),
    "decimal": (pa.array([Decimal("0.10")], pa.decimal128(5, 2)), 0.1),
    "integer": (pa.array([1], pa.int8()), 1.0),
    "boolean": (pa.array([True]), 1.0),
    "negative zero": (pa.array([-0.0]), 0.0),
}


@pytest.mark.parametrize("name", SCORES)
def test_scores_of_every_type_become_doubles(spark, tmp_path, name):
    values, expected = SCORES[name]
    assert rows(mapped(spark, of_columns(tmp_path, {"p": values})), "score_0") == [expected]


LABELS = {
    "binary": ([0, 1, 2, None], [0.0, 1.0, None, None], [None, None, "bad_label", "null_label"]),
    "signed": ([-1, 1, 0, None], [0.0, 1.0, None, None], [None, None, "bad_label", "null_label"]),
    "soft": ([0.25, 1.0, float("nan"), 1.5], [0.25, 1.0, None, None], [None, None, "bad_label", "bad_label"]),
}


@pytest.mark.parametrize("values", LABELS)
def test_labels_follow_their_declared_convention(spark, tmp_path, values):
    raw, labels, reasons = LABELS[values]
    config = of_columns(tmp_path, {"click": raw}, labels={"click": {"column": "click", "values": values}})
    assert rows(mapped(spark, config), "label_click", "reason") == list(zip(labels, reasons, strict=True))


ZEROS = ("binary", "soft")


@pytest.mark.parametrize("values", ZEROS)
@pytest.mark.parametrize("text", [False, True])
def test_a_label_of_minus_zero_is_zero(spark, tmp_path, values, text):
    labels = {"click": {"column": "click", "values": values}}
    build = of_text(tmp_path, "click", ["-0.0", "-0"], labels=labels) if text else None
    config = build or of_columns(tmp_path, {"click": [-0.0, 0.0]}, labels=labels)
    found = rows(mapped(spark, config), "label_click", "reason")
    assert [(str(label), reason) for label, reason in found] == [("0.0", None)] * 2


def test_minus_zero_is_zero_as_a_score_and_a_weight_too(spark, tmp_path):
    config = of_columns(tmp_path, {"p": [-0.0, 0.0], "w": [-0.0, 0.0]}, {"weight": "w"})
    found = rows(mapped(spark, config), "score_0", "score_0_reason", "weight_0", "weight_0_reason")
    assert list(map(str, found)) == ["(0.0, None, 0.0, None)"] * 2


def test_equal_rows_have_one_fingerprint_whatever_the_bits_of_a_nan(spark, tmp_path):
    """A processor makes a NaN with a sign of its own, which engines would tell apart."""
    nans = np.array([0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001], np.uint64).view(np.float64)
    config = of_columns(tmp_path, {"p": nans, "w": nans.astype(np.float32)}, {"weight": "w"})
    assert set(rows(mapped(spark, config), "fingerprint", "score_0_reason")) == {(4957637013717705116, "nan_score")}


def test_a_boolean_is_a_binary_label(spark, tmp_path):
    assert rows(mapped(spark, of_columns(tmp_path, {"click": [True, False]})), "label_click") == [1.0, 0.0]


def test_a_text_may_say_true_and_false(spark, tmp_path):
    config = of_text(tmp_path, "click", ["true", " FALSE ", "1", "0", "yes"])
    labels = [(1.0, None), (0.0, None), (1.0, None), (0.0, None), (None, "bad_label")]
    assert rows(mapped(spark, config), "label_click", "reason") == labels


def test_weights_are_numbers_from_0_or_rejected(spark, tmp_path):
    weights = {0.0: None, 1048576.0: None, 1e300: None, -1e-9: "bad_weight", None: "null_weight"}
    odd = [*weights, float("nan"), float("inf")]
    config = of_columns(tmp_path, {"w": odd}, {"weight": "w"})
    assert rows(mapped(spark, config), "weight_0_reason") == [*weights.values(), "bad_weight", "bad_weight"]


def test_a_key_error_comes_before_a_label_error(spark, tmp_path):
    columns = {"id": [None, None, "a"], "ts": [None, NOON, None], "click": [7, 7, 7]}
    config = of_columns(tmp_path, columns, {"id": "id", "time": "ts"})
    assert rows(mapped(spark, config), "reason") == ["null_id", "null_id", "null_time"]


def test_names_of_columns_are_never_parsed(spark, tmp_path):
    odd = {"a.b": [0.25], "c d`e": [1], "f;--": ["x"]}
    config = of_columns(
        tmp_path,
        odd,
        {"id": "f;--"},
        labels={"click": {"column": "c d`e", "values": "binary"}},
        models={"m": {"ctr": {"score": "a.b"}}},
    )
    assert rows(mapped(spark, config), "id", "label_click", "score_0") == [("x", 1.0, 0.25)]


@pytest.mark.parametrize(
    "times, told",
    [
        ([0, 3_600_000_000 * 23], "they are of 1970-01-01 to 1970-01-02"),
        ([None, 0, -(2**63), 2**63 - 1], "they are of 1970-01-01"),
        ([None], ""),
    ],
)
def test_the_dates_of_impressions_are_told(spark, times, told):
    frame = spark.createDataFrame([(moment,) for moment in times], "time bigint")
    assert read.days_of(frame, Day(DAY, "Europe/Berlin")) == told
