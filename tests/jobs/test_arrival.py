"""A night that is not there is told from one whose rows are wrong, with what is there instead."""

import shutil
from datetime import timedelta

import pytest

from jobs import nightly
from jobs.errors import InputMissingError, RefusedError
from jobs.settings import parse
from tests.jobs import days
from tests.jobs.days import DAY, impression

EVE = days.START - timedelta(days=1)


def by_day(folder, held):
    """A source of one folder for each date, with the times of its rows; the configuration that reads it."""
    document = days.small_day(folder)
    shutil.rmtree(folder / "impressions")
    for name, times in held.items():
        rows = [impression(i, impression_id=f"{name}-{i}", ts=time) for i, time in enumerate(times)]
        days.written(rows, folder / "impressions" / f"dt={name}")
    return parse({**document, "day": {"partition": "dt"}})


def last_event(folder):
    events = sorted(days.rows_of(folder, "runs"), key=lambda row: row["event_time"])
    return events[-1]["state"], events[-1]["message"]


def test_a_night_between_its_neighbours_is_missed(spark, folder):
    settings = by_day(folder, {"2026-11-15": [EVE, None], "20261117": [None] * 3})
    told = r"impressions: no file under .* in a partition dt=2026-11-16; there are dt=2026-11-15, dt=20261117 "
    with pytest.raises(InputMissingError, match=told):
        nightly.evaluate(spark, settings, DAY)
    state, message = last_event(folder)
    assert (state, "there are dt=2026-11-15" in message) == ("refused", True)


def test_a_row_without_a_time_is_of_the_day_of_its_partition(spark, folder):
    held = {"2026-11-15": [EVE, None], "20261116": [days.START] * 199 + [None], "2026-11-17": [None] * 3}
    found = nightly.evaluate(spark, by_day(folder, held), DAY).ledger
    assert (found.read, found.outside, found.rejected, found.scored) == (205, 5, 1, 199)


@pytest.mark.only_engine("sail")
def test_rows_without_a_time_are_no_night(spark, folder):
    document = days.small_day(folder)
    shutil.rmtree(folder / "impressions")
    days.written([impression(i, ts=None if i < 3 else EVE) for i in range(40)], folder / "impressions")
    told = r"none of 40 rows read lies in it, and 3 of them have no time; they are of 2026-11-15\. Wait until"
    with pytest.raises(InputMissingError, match=told):
        nightly.evaluate(spark, parse(document), DAY)
    assert last_event(folder)[0] == "refused"
    assert not days.rows_of(folder, "statistics")


@pytest.mark.only_engine("sail")
def test_a_night_whose_times_are_all_wrong_is_no_matter_of_waiting(spark, folder):
    document = days.small_day(folder)
    shutil.rmtree(folder / "impressions")
    days.written([impression(i, ts=None) for i in range(40)], folder / "impressions")
    with pytest.raises(RefusedError, match="null_time"):
        nightly.evaluate(spark, parse(document), DAY)


@pytest.mark.only_engine("sail")
def test_a_source_that_is_missing_is_an_event_of_the_first_run_too(spark, tmp_path):
    document = days.small_day(tmp_path)
    shutil.rmtree(tmp_path / "conversions")
    with pytest.raises(InputMissingError):
        nightly.evaluate(spark, parse(document), DAY)
    state, message = last_event(tmp_path)
    assert (state, message.startswith("labels.conversion: there is nothing at")) == ("refused", True)
