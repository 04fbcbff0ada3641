"""Times and dates to the ends of the calendar and beyond: the same moment and the same text on every engine."""

import dataclasses
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.day import micros
from jobs.inputs import times
from tests.jobs.night import DAY, evaluated
from tests.jobs.test_read import NOON, mapped, of_columns, of_text, rows

EARLY, LATE = times.FIRST_MICROS - 1, times.LAST_MICROS + 1
LARGEST = 2**63 - 1
MOMENTS = {
    micros(NOON): micros(NOON),
    LARGEST: LATE,
    -LARGEST: EARLY,
    253_402_300_800_000_000: LATE,  # the first of the year 10000
    -62_135_596_800_000_001: EARLY,  # the last before the year 1
    8_000_000_000_000_000_000: LATE,
}


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("own", [None, "UTC"])
def test_a_time_beyond_the_calendar_is_outside(spark, tmp_path, zone, own):
    stamps = pa.array(list(MOMENTS), pa.int64()).cast(pa.timestamp("us", own))
    config = of_columns(tmp_path, {"ts": stamps}, {"time": "ts"}, day={"timezone": zone})
    found = rows(mapped(spark, config), "time", "in_day", "reason")
    assert [time for time, _, _ in found][1:] == list(MOMENTS.values())[1:]
    assert [rest for _, *rest in found] == [[True, None]] + [[False, None]] * 5


EPOCHS = {"s": LARGEST // 10**6, "ms": LARGEST // 10**3, "us": LARGEST}


@pytest.mark.parametrize("unit", EPOCHS)
def test_the_largest_epochs_are_outside(spark, tmp_path, unit):
    config = of_columns(tmp_path, {"t": [EPOCHS[unit], -EPOCHS[unit]]}, {"time": {"column": "t", "unit": unit}})
    assert rows(mapped(spark, config), "time", "in_day") == [(LATE, False), (EARLY, False)]


DATES = {
    (DAY - date(1970, 1, 1)).days: "2026-03-18",
    2_932_896: "9999-12-31",
    2_932_897: "+10000-01-01",
    2**31 - 1: "+5881580-07-11",
    -719_162: "0001-01-01",
    -719_163: "0000-12-31",
    -719_529: "-0001-12-31",
    -(2**31) + 1: "-5877641-06-24",
    -16_804_163: "-44039-10-07",
}


def test_a_date_is_a_time_and_a_value_of_a_dimension_whatever_its_year(spark, tmp_path):
    days = pa.array([*DATES, None], pa.int32()).cast(pa.date32())
    config = of_columns(tmp_path, {"d": days}, {"time": "d"}, dimensions=["d"])
    found = rows(mapped(spark, config), "dimension_0", "in_day", "reason")
    texts = list(DATES.values())
    assert [text for text, _, _ in found] == [*texts, None]
    of_the_day = [[True, None], *[[False, None]] * (len(texts) - 1), [True, "null_time"]]
    assert [rest for _, *rest in found] == of_the_day


TEXTS = {
    "9999-12-31 23:59:59.999999": times.LAST_MICROS,
    "9999-12-31T23:59:59-12:00": LATE,
    "0001-01-01T00:00:00+14:00": EARLY,
    "12026-03-18": LATE,
    "0000-03-18": EARLY,
    "300000-03-18": None,
    "026-03-18": None,
    "+12026-03-18": None,
}


def test_texts_of_times_beyond_the_calendar(spark, tmp_path):
    config = of_text(tmp_path, "ts", list(TEXTS), {"time": "ts"})
    expected = [(moment, None if moment else "bad_time") for moment in TEXTS.values()]
    assert rows(mapped(spark, config), "time", "reason") == expected


def test_a_night_with_impressions_and_events_beyond_the_calendar(spark, tmp_path):
    """One of each is of the day; a date of no calendar is a value of the dimension."""
    stamps = pa.array([micros(NOON), LARGEST, micros(NOON)], pa.int64()).cast(pa.timestamp("us"))
    days = pa.array([2**31 - 1, 0, 2_932_897], pa.int32()).cast(pa.date32())
    config = of_columns(
        tmp_path,
        {"id": ["a", "b", "c"], "ts": stamps, "d": days},
        {"id": "id", "time": "ts"},
        dimensions=["d"],
        slices=[["d"]],
    )
    config["labels"]["click"] = {
        "source": {"format": "parquet", "path": str(tmp_path / "impressions")},
        "columns": {"id": "id", "time": "ts"},
        "window": "1h",
    }
    outcome = evaluated(spark, config)
    assert dataclasses.asdict(outcome.ledger)["outside"] == 1
    slices = set(outcome.metrics["slice"].to_pylist())
    assert slices == {"d=+5881580-07-11", "d=+10000-01-01"}
    rates = {row["value"] for row in outcome.metrics.to_pylist() if row["metric"] == "base_rate"}
    assert rates == {1.0}


@given(st.integers(-(2**31), 2**31 - 1))
def test_the_days_of_an_era_repeat(days):
    """What `_far_date` rests on: 400 years later a date has the same month and day."""
    within = days % times.ERA
    lent = date.fromordinal(date(1970, 1, 1).toordinal() + within)
    assert 1970 <= lent.year < 2370
    if times.FIRST_DAY <= days <= times.LAST_DAY:
        told = date.fromordinal(date(1970, 1, 1).toordinal() + days)
        year = lent.year + 400 * ((days - within) // times.ERA)
        assert (told.year, told.month, told.day) == (year, lent.month, lent.day)


def test_the_ends_of_the_calendar_are_those_of_python():
    assert micros(datetime.min.replace(tzinfo=UTC)) == times.FIRST_MICROS
    assert micros(datetime.max.replace(tzinfo=UTC)) == times.LAST_MICROS
    known = [(day - date(1970, 1, 1)).days for day in (date.min, date.max)]
    assert known == [times.FIRST_DAY, times.LAST_DAY]
