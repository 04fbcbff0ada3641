"""Times and dates to the ends of the calendar and beyond: the same moment and the same text on every engine."""

import dataclasses
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.day import micros
from jobs.inputs import times
from tests.world.cases import Case, answers, of_columns
from tests.world.night import DAY, evaluated

NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
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
EPOCHS = {"s": LARGEST // 10**6, "ms": LARGEST // 10**3, "us": LARGEST}
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


def beyond(zone, own):
    """Times beyond the calendar, which are outside, with a zone of their own or without; the first is within."""
    stamps = pa.array(list(MOMENTS), pa.int64()).cast(pa.timestamp("us", own))
    first = datetime(2026, 3, 18, 12, tzinfo=UTC if own else ZoneInfo(zone))
    rows = [(micros(first), True, None), *((time, False, None) for time in list(MOMENTS.values())[1:])]
    return Case({"ts": stamps}, ("time", "in_day", "reason"), rows, {"time": "ts"}, {"day": {"timezone": zone}})


CASES = {
    **{
        f"times of {zone}, {own}": beyond(zone, own)
        for zone in ("UTC", "America/New_York", "Asia/Tokyo")
        for own in (None, "UTC")
    },
    **{
        f"the largest epochs in {unit} are outside": Case(
            {"t": [largest, -largest]},
            ("time", "in_day"),
            [(LATE, False), (EARLY, False)],
            {"time": {"column": "t", "unit": unit}},
        )
        for unit, largest in EPOCHS.items()
    },
    "a date is a time and a value of a dimension whatever its year": Case(
        {"d": pa.array([*DATES, None], pa.int32()).cast(pa.date32())},
        ("dimension_0", "in_day", "reason"),
        [*((text, text == str(DAY), None) for text in DATES.values()), (None, True, "null_time")],
        {"time": "d"},
        {"dimensions": ["d"]},
    ),
    "texts of times beyond the calendar": Case(
        {"ts": list(TEXTS)},
        ("time", "reason"),
        [(time, None if time else "bad_time") for time in TEXTS.values()],
        {"time": "ts"},
        text=True,
    ),
}


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    return answers(spark, tmp_path_factory.mktemp("times"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_times_to_the_ends_of_the_calendar(found, name):
    assert found[name] == CASES[name].expected


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
