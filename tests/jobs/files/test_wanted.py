"""Which files can hold what a day needs, as their footers tell; where they do not, a file can."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.day import Day
from jobs.files import wanted
from jobs.files.unchanged import stat
from jobs.files.wanted import Wanted
from jobs.settings import Source, TimeColumn

DAY = Day(date(2026, 3, 18), "Europe/Berlin")
HOUR, MICRO = timedelta(hours=1), timedelta(microseconds=1)
UTC_TIMES = pa.timestamp("us", "UTC")


def asked(unit=None, until=None, time="ts"):
    column = None if time is None else TimeColumn(column=time, unit=unit)
    return Wanted("labels.click", Source(format="parquet", path="logs"), DAY, until=until, time=column)


def file(folder, values, type_=UTC_TIMES, **columns):
    path = folder / "part.parquet"
    pq.write_table(pa.table({"ts": pa.array(values, type_), **columns}), path)
    return stat(str(path))


def kept(found, **of):
    return wanted.of_day([found], asked(**of)) == [found]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([DAY.start], True),
        ([DAY.start - MICRO], False),
        ([DAY.end - MICRO, DAY.end + HOUR], True),
        ([DAY.end], False),
        ([DAY.start - HOUR, DAY.end + HOUR], True),
        # A row without a time is one of every day.
        ([DAY.end, None], True),
    ],
)
def test_a_file_whose_times_are_of_other_days_holds_nothing_of_this_one(tmp_path, times, expected):
    assert kept(file(tmp_path, times)) == expected


def test_events_count_up_to_the_cut_off(tmp_path):
    found, until = file(tmp_path, [DAY.end + 24 * HOUR]), DAY.end + 24 * HOUR
    assert (kept(found), kept(found, until=until), kept(found, until=until + MICRO)) == (False, False, True)


@pytest.mark.parametrize(
    ("values", "type_", "unit", "expected"),
    [
        ([int(DAY.start.timestamp())], pa.int64(), "s", True),
        ([int(DAY.end.timestamp())], pa.int64(), "s", False),
        ([int(DAY.end.timestamp() * 1000) - 1], pa.int64(), "ms", True),
        ([int(DAY.end.timestamp() * 1_000_000)], pa.int64(), "us", False),
        ([2**62], pa.int64(), "s", True),
        # In the declared zone, where the day begins at midnight; an hour to either side may be meant.
        ([datetime(2026, 3, 18)], pa.timestamp("us"), None, True),
        ([datetime(2026, 3, 19, 0, 59)], pa.timestamp("us"), None, True),
        ([datetime(2026, 3, 19, 1, 1)], pa.timestamp("us"), None, False),
        ([date(2026, 5, 1)], pa.date32(), None, True),
        (["2026-05-01 00:00:00"], pa.string(), None, True),
        ([1.0], pa.float64(), "s", True),
    ],
)
def test_times_are_read_as_they_are_declared(tmp_path, values, type_, unit, expected):
    assert kept(file(tmp_path, values, type_), unit=unit) == expected


def test_a_file_that_does_not_tell_its_times_can_hold_anything(tmp_path):
    late = DAY.end + 100 * HOUR
    found = file(tmp_path, [late])
    assert not kept(found)
    assert kept(found, time=None)
    assert kept(found, time="other")
    pq.write_table(pa.table({"ts": pa.array([late], UTC_TIMES)}), tmp_path / "silent.parquet", write_statistics=False)
    (tmp_path / "log.csv").write_text("ts\n2026-05-01T00:00:00Z\n")
    for name in ("silent.parquet", "log.csv", "gone.parquet"):
        assert kept(stat(str(tmp_path / name)))
    assert kept(stat("hdfs://there/part.parquet"))


def test_the_rows_of_a_file_are_told_by_its_footer(tmp_path):
    found = file(tmp_path, [DAY.start, DAY.end])
    (told,) = wanted.told([found], asked())
    assert told == (2, DAY.start, DAY.end)
    assert wanted.told([stat("hdfs://there/part.parquet")], asked()) == [None]


def test_a_file_that_is_written_anew_is_asked_again(tmp_path):
    assert not kept(file(tmp_path, [DAY.end]))
    assert kept(file(tmp_path, [DAY.start, DAY.start + HOUR]))
    assert datetime.now(UTC) > DAY.end
