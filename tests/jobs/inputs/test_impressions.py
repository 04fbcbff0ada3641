"""The user's columns become ours: days, times, numbers, labels, and why a row cannot be used."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.day import Day, micros
from jobs.inputs import impressions
from tests.world.cases import Case, answers
from tests.world.night import DAY

MICROSECOND = timedelta(microseconds=1)
NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
BERLIN = {"day": {"timezone": "Europe/Berlin"}}
TIME, EPOCH = {"time": "ts"}, {"time": {"column": "t", "unit": "s"}}


def moment(text: str) -> int:
    """A time of UTC in microseconds."""
    return micros(datetime.fromisoformat(f"{text}+00:00"))


DAYS = {
    "of 24 hours": ("UTC", "2026-03-18", "2026-03-18T00:00", "2026-03-19T00:00"),
    "of 23 hours": ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
    "of 25 hours": ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
    "far west": ("Pacific/Marquesas", "2026-03-18", "2026-03-18T09:30", "2026-03-19T09:30"),
    "without a midnight": ("America/Santiago", "2026-09-06", "2026-09-06T04:00", "2026-09-07T03:00"),
}


def half_open(zone: str, day: str, start: str, end: str) -> Case:
    first, after = (datetime.fromisoformat(f"{text}+00:00") for text in (start, end))
    moments = [first - MICROSECOND, first, after - MICROSECOND, after]
    rows = list(zip(map(micros, moments), [False, True, True, False], strict=True))
    of_day = Day(date.fromisoformat(day), zone)
    return Case({"ts": moments}, ("time", "in_day"), rows, TIME, {"day": {"timezone": zone}}, of_day)


LOCAL = {
    datetime(2026, 3, 18, 0, 0): "2026-03-17T23:00",
    datetime(2026, 7, 18, 0, 0, 0, 1): "2026-07-17T22:00:00.000001",
    # What the clock shows twice is the first, what it skips is as if it had not been put forward.
    datetime(2026, 10, 25, 2, 30): "2026-10-25T00:30",
    datetime(2026, 3, 29, 2, 30): "2026-03-29T01:30",
}
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
EPOCHS = {"1773835200": None, " 1773835200 ": None, "1773835200.5": "bad_time", "1.7e9": "bad_time", "": "null_time"}
TIMES = {
    **{f"a day {name} is half-open": half_open(*DAYS[name]) for name in DAYS},
    "the last microsecond of the local day belongs to it": Case(
        {"ts": [datetime(2026, 10, 25, 23, 59, 59, 999999)]},
        ["in_day"],
        [True],
        TIME,
        BERLIN,
        Day(date(2026, 10, 25), "Europe/Berlin"),
    ),
    "timestamps without a zone are read in the declared one": Case(
        {"ts": list(LOCAL)}, ["time"], list(map(moment, LOCAL.values())), TIME, BERLIN
    ),
    "texts of times have their zone or the declared one": Case(
        {"ts": list(TEXT_TIMES)},
        ["time", "reason"],
        [(moment(text), None) if text else (None, "bad_time") for text in TEXT_TIMES.values()],
        TIME,
        BERLIN,
        text=True,
    ),
    "a date is the start of its day": Case(
        {"d": [DAY]}, ["time"], [moment("2026-03-17T18:30")], {"time": "d"}, {"day": {"timezone": "Asia/Kolkata"}}
    ),
    "texts of epochs are integers": Case({"t": list(EPOCHS)}, ["reason"], list(EPOCHS.values()), EPOCH, text=True),
    "an epoch beyond all times is a bad time": Case(
        {"t": [micros(NOON), None, -(2**62)]}, ["reason"], ["bad_time", "null_time", "bad_time"], EPOCH
    ),
}
for unit, factor in {"s": 10**6, "ms": 10**3, "us": 1}.items():
    for text in (False, True):
        number = micros(NOON) // factor
        TIMES[f"an epoch in {unit}{' as text' * text}"] = Case(
            {"t": [str(number) if text else number]},
            ["time", "in_day"],
            [(micros(NOON), True)],
            {"time": {"column": "t", "unit": unit}},
            text=text,
        )

NUMBERS: dict[str, Any] = {
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
LOGITS: dict[str, Any] = {
    "-Infinity": (float("-inf"), None),
    "inf": (float("inf"), None),
    "524287.9": (524287.9, None),
    "-524288": (None, "out_of_range"),
    "1e400": (float("inf"), None),
}
OF_TYPES = {
    "float32 is widened": (pa.array([0.1], pa.float32()), 0.10000000149011612),
    "a long decimal": (pa.array([Decimal("0.12345678901234567")], pa.decimal128(18, 17)), 0.12345678901234567),
    "a decimal": (pa.array([Decimal("0.10")], pa.decimal128(5, 2)), 0.1),
    "an integer": (pa.array([1], pa.int8()), 1.0),
    "a boolean": (pa.array([True]), 1.0),
    "a negative zero": (pa.array([-0.0]), 0.0),
}
WEIGHTS = {0.0: None, 1048576.0: None, 1e300: None, -1e-9: "bad_weight", None: "null_weight"}
SCORE, WEIGHT = ("score_0", "score_0_reason"), ("weight_0", "weight_0_reason")
SCORES = {
    "texts of numbers are read alike": Case({"p": list(NUMBERS)}, SCORE, list(NUMBERS.values()), text=True),
    "infinite logits are scores": Case(
        {"p": list(LOGITS)},
        SCORE,
        list(LOGITS.values()),
        sections={"models": {"m": {"ctr": {"score": "p", "scale": "logit"}}}},
        text=True,
    ),
    **{f"a score: {name}": Case({"p": values}, ["score_0"], [found]) for name, (values, found) in OF_TYPES.items()},
    "weights are numbers from 0 or rejected": Case(
        {"w": [*WEIGHTS, float("nan"), float("inf")]},
        ["weight_0_reason"],
        [*WEIGHTS.values(), "bad_weight", "bad_weight"],
        {"weight": "w"},
    ),
    "minus zero is zero": Case(
        {"p": [-0.0, 0.0], "w": [-0.0, 0.0]}, (*SCORE, *WEIGHT), [(0.0, None, 0.0, None)] * 2, {"weight": "w"}
    ),
}

LABEL = ("label_click", "reason")
CONVENTIONS: dict[str, Any] = {
    "binary": ([0, 1, 2, None], [(0.0, None), (1.0, None), (None, "bad_label"), (None, "null_label")]),
    "signed": ([-1, 1, 0, None], [(0.0, None), (1.0, None), (None, "bad_label"), (None, "null_label")]),
    "soft": (
        [0.25, 1.0, float("nan"), 1.5],
        [(0.25, None), (1.0, None), (None, "bad_label"), (None, "bad_label")],
    ),
}
TRUTHS = ["true", " FALSE ", "1", "0", "yes"]


def labels(values: str) -> dict[str, Any]:
    return {"labels": {"click": {"column": "click", "values": values}}}


LABELS = {
    **{
        f"a {values} label": Case({"click": raw}, LABEL, found, sections=labels(values))
        for values, (raw, found) in CONVENTIONS.items()
    },
    **{
        f"a {values} label of minus zero is zero{' as text' * text}": Case(
            {"click": ["-0.0", "-0"] if text else [-0.0, 0.0]},
            LABEL,
            [(0.0, None)] * 2,
            sections=labels(values),
            text=text,
        )
        for values in ("binary", "soft")
        for text in (False, True)
    },
    "a boolean is a binary label": Case({"click": [True, False]}, ["label_click"], [1.0, 0.0]),
    "a text may say true and false": Case(
        {"click": TRUTHS}, LABEL, [(1.0, None), (0.0, None), (1.0, None), (0.0, None), (None, "bad_label")], text=True
    ),
    "a key error comes before a label error": Case(
        {"id": [None, None, "a"], "ts": [None, NOON, None], "click": [7, 7, 7]},
        ["reason"],
        ["null_id", "null_id", "null_time"],
        {"id": "id", "time": "ts"},
    ),
    "names of columns are never parsed": Case(
        {"a.b": [0.25], "c d`e": [1], "f;--": ["x"]},
        ("id", "label_click", "score_0"),
        [("x", 1.0, 0.25)],
        {"id": "f;--"},
        {
            "labels": {"click": {"column": "c d`e", "values": "binary"}},
            "models": {"m": {"ctr": {"score": "a.b"}}},
        },
    ),
}

# A processor makes a NaN with a sign of its own, which engines would tell apart.
NANS = np.array([0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001], np.uint64).view(np.float64)
CASES = {
    **TIMES,
    **SCORES,
    **LABELS,
    "equal rows have one fingerprint whatever the bits of a nan": Case(
        {"p": NANS, "w": NANS.astype(np.float32)},
        ("fingerprint", "score_0_reason"),
        [(4957637013717705116, "nan_score")] * 3,
        {"weight": "w"},
    ),
}


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    return answers(spark, tmp_path_factory.mktemp("columns"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_columns_become_ours(found, name):
    # As texts, too: to a comparison, minus zero is zero.
    assert (found[name], str(found[name])) == (CASES[name].expected, str(CASES[name].expected))


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
    assert impressions.days_of(frame, Day(DAY, "Europe/Berlin")) == told
