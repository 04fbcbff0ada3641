"""A night that is not there is told from one whose rows are wrong, with what is there instead."""

import json
import shutil
from datetime import timedelta

import pytest

from jobs import nightly
from jobs.errors import InputMissingError, RefusedError
from jobs.settings import parse
from tests.world import days
from tests.world.days import DAY, impression

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


@pytest.mark.only_engine("sail")
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


# A day of clicks, one for each tenth impression, and what of it has landed.
SIZE, HOUR = 2880, timedelta(hours=1)


def clicked_day(folder, *, until=24, stray=(), day=0, size=SIZE, **log):
    """A day of impressions, and its clicks up to an hour; the configuration of both."""
    start = days.START + timedelta(days=day)
    times = [start + i * 24 * HOUR / size for i in range(size)]
    shown = [impression(i, impression_id=f"{day}-{i}", ts=time) for i, time in enumerate(times)]
    days.written(shown, folder / "impressions")
    landed = [i for i in range(0, size, 10) if times[i] < start + until * HOUR or i in stray]
    clicks = [{"impression_id": f"{day}-{i}", "conv_ts": times[i] + timedelta(minutes=5)} for i in landed]
    days.written(clicks, folder / "conversions")
    document = days.configured(folder)
    document["labels"]["conversion"] |= {"window": "1h", **log}
    return document


@pytest.mark.parametrize("stray", [(), pytest.param((2879, 2870), marks=pytest.mark.only_engine("sail"))])
def test_a_log_that_was_cut_off_is_not_whole(spark, folder, stray):
    settings = parse(clicked_day(folder, until=8, stray=stray))
    told = r"labels\.conversion: found [01] of its 9\d rows of the day from 2026-11-16 09:00 \(UTC\) on, expected"
    with pytest.raises(InputMissingError, match=told) as refused:
        nightly.evaluate(spark, settings, DAY)
    assert refused.value.exit_code == 4
    state, message = last_event(folder)
    assert (state, "is not whole: wait for the rest" in message) == ("refused", True)
    assert not days.rows_of(folder, "statistics") + days.rows_of(folder, "metrics")
    outcome = nightly.evaluate(spark, settings, DAY, provisional=True)
    assert {(row["is_final"], row["provisional"]) for row in days.rows_of(folder, "metrics")} == {(False, True)}
    assert len(outcome.provisional) == 1


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize(
    "log",
    [{"until": 24}, {"until": 8, "size": 40}, {"until": 8, "complete": {"tail": 0}}],
    ids=["whole", "few", "unasked"],
)
def test_other_logs_are_whole(spark, folder, log):
    nightly.evaluate(spark, parse(clicked_day(folder, **log)), DAY)
    assert {row["is_final"] for row in days.rows_of(folder, "metrics")} == {True}
    (done,) = (row for row in days.rows_of(folder, "runs") if row["state"] == "done")
    arrived = json.loads(done["arrived"])
    assert sum(arrived["impressions"]["hours"]) == arrived["impressions"]["rows"] == log.get("size", SIZE)
    assert set(arrived) == {"impressions", "conversion"}


@pytest.mark.only_engine("sail")
def test_a_day_is_held_against_those_before_it(spark, folder):
    document = clicked_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    tomorrow = DAY + timedelta(days=1)
    clicked_day(folder, day=1, size=SIZE // 4)
    told = (
        r"impressions: found 720 rows of the day, expected about 2,880 as on earlier days; .* --set limits\.volume=0\n"
        r".*labels\.conversion: found 73 rows of the day, expected about 287"
    )
    with pytest.raises(InputMissingError, match=told):
        nightly.evaluate(spark, parse(document), tomorrow)
    nightly.evaluate(spark, parse({**document, "limits": {"volume": 0}}), tomorrow)
    assert {row["provisional"] for row in days.rows_of(folder, "metrics")} == {False}


@pytest.mark.only_engine("sail")
def test_no_provisional_run_replaces_a_day_that_was_whole(spark, folder):
    settings = parse(clicked_day(folder))
    nightly.evaluate(spark, settings, DAY)
    before = days.bytes_of(folder)
    shutil.rmtree(folder / "conversions")
    shutil.rmtree(folder / "impressions")
    clicked_day(folder, until=8)
    with pytest.raises(InputMissingError, match="as it was when it was whole, and no provisional run replaces that"):
        nightly.evaluate(spark, settings, DAY, provisional=True)
    assert days.bytes_of(folder) == before


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("partition", [None, "dt"])
def test_a_file_says_that_a_log_is_whole(spark, folder, partition):
    document = clicked_day(folder, complete={"file": "_SUCCESS"})
    document["day"] = {"partition": partition}
    place = folder / "conversions"
    if partition:
        # What an earlier day left says nothing about this one.
        (place / "_SUCCESS").touch()
        place /= f"{partition}={DAY:%Y%m%d}"
        place.mkdir()
        for file in (folder / "conversions").glob("*.parquet"):
            file.rename(place / file.name)
    with pytest.raises(InputMissingError, match=rf"labels\.conversion: found no _SUCCESS in .*{place}, expected one"):
        nightly.evaluate(spark, parse(document), DAY)
    (place / "_SUCCESS").touch()
    nightly.evaluate(spark, parse(document), DAY)


@pytest.mark.only_engine("sail")
def test_a_watermark_says_that_a_log_is_whole(spark, folder):
    document = clicked_day(folder, complete={"watermark": "conv_ts"})
    # A clock that is years ahead says nothing.
    days.written([days.conversion(0, conv_ts=days.START.replace(year=2099))], folder / "conversions")
    told = (
        r"found 2026-11-17 00:00:00 UTC as the latest conv_ts, "
        r"expected 2026-11-17 01:00:00 UTC or later, as labels\.conversion\.complete\.watermark asks"
    )
    with pytest.raises(InputMissingError, match=told):
        nightly.evaluate(spark, parse(document), DAY)
    days.written([days.conversion(0, conv_ts=days.START + 25 * HOUR)], folder / "conversions")
    nightly.evaluate(spark, parse(document), DAY)
