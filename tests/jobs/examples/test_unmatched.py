"""Events that give no label are told with their likely cause, and a log of hardly any others refuses the day."""

import io
import json
from contextlib import nullcontext, redirect_stdout
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from jobs import nightly
from jobs.day import Day
from jobs.errors import RefusedError
from jobs.examples import events, unmatched
from jobs.examples.events import UNITS, EventCounts
from jobs.examples.unmatched import Judged
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.surfaces import verdict
from tests.world import days
from tests.world.days import DAY, START, conversion, impression
from tests.world.night import parquet
from tests.world.two_nights import COOKBOOK

SAIL = pytest.mark.only_engine("sail")  # what is decided of counts is the same on each engine
TYPES = pa.schema([("impression_id", pa.string()), ("conv_ts", pa.timestamp("us", tz="UTC"))])


def judged(folder, window: str = "1h", allowed: dict[str, Any] | None = None, **counts: Any) -> Judged:
    """A log with these events."""
    document = days.configured(folder)
    document["labels"]["conversion"] |= {"window": window, "unmatched": allowed or {}}
    found = EventCounts(
        **{"read": 0, "whole": dict.fromkeys(UNITS, 0), "whole_impressions": dict.fromkeys(UNITS, 0), **counts}
    )
    nothing: Any = None
    return Judged("conversion", parse(document).label_logs["conversion"], found, nothing, nothing, Day(DAY, "UTC"))


@pytest.fixture(autouse=True)
def examples(request, monkeypatch):
    """No rows, no examples of them; a test that has an engine takes those there are."""
    if "spark" not in request.fixturenames:
        monkeypatch.setattr(unmatched, "_examples", lambda _: "")


# The counts, and what is said of them; ! in front where they refuse the day.
VERDICTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all is well": ({"inside": 1000, "after": 400, "unknown": 60}, []),
    "as many as may be": ({"inside": 980, "orphan": 10, "before": 10}, []),
    "orphans": ({"inside": 989, "orphan": 11}, ["11 of 1,000 events are about no impression that was read"]),
    "early": ({"inside": 418, "before": 105}, ["105 of 523 events lie before their impression"]),
    "both": (
        {"inside": 80, "before": 10, "orphan": 10},
        ["10 of 100 events are about no", "10 of 100 events lie before"],
    ),
    "nearly all late": ({"inside": 9, "after": 91}, ["91 of 100 events lie after the window of their impression"]),
    "nearly all orphans": ({"inside": 5, "orphan": 220}, ["!220 of 225 events are about no impression that was read"]),
    "nearly all early": ({"inside": 1, "before": 40}, ["!40 of 41 events lie before their impression"]),
    "few orphans only": ({"orphan": 19}, ["none of 19 events is about an impression of the day"]),
    "orphans only": ({"orphan": 20}, ["!none of 20 events is about an impression of the day"]),
    "none, as far as can be told": ({"unknown": 30}, ["none of 30 events is about an impression of the day"]),
    "more than is left to chance": ({"unknown": 500}, ["!none of 500 events is about an impression of the day"]),
    "one at least": ({"inside": 1, "unknown": 500}, ["500 of 501 events are about no impression that was read, more"]),
    "as other days have them": ({"inside": 100, "unknown": 800}, []),
    "floats": (
        {"inside": 50, "unknown": 50, "floats": 2},
        ["50 of 100 events are about no impression that was read, 2"],
    ),
    "floats on both sides": ({"inside": 50, "unknown": 50, "floats": 50, "other_floats": 50}, []),
    "about other days": ({"other_impression": 100, "rejected_impression": 5}, []),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_what_is_said_of_events(tmp_path, name):
    counts, sentences = VERDICTS[name]
    log = judged(tmp_path, **counts)
    if sentences and sentences[0].startswith("!"):
        with pytest.raises(RefusedError, match=f"labels.conversion: {sentences[0][1:]}") as caught:
            unmatched.check(log)
        assert "labels.conversion.unmatched: {refuse: 1}" in str(caught.value)
        unmatched.check(judged(tmp_path, allowed={"refuse": 1.0}, **counts))
        return
    unmatched.check(log)
    told = list(unmatched.warnings(log))
    assert len(told) == len(sentences)
    assert all(f"labels.conversion: {start}" in text for start, text in zip(sentences, told, strict=True))


@SAIL
def test_ids_that_are_floats_are_told_though_their_window_is_long(spark, folder):
    clicked = range(0, 120, 5)
    days.written([impression(i, impression_id=str(10**6 + i)) for i in range(120)], folder / "impressions")
    ids = (str(10**6 + i) + (".0" if i % 2 else "") for i in clicked)
    events = [conversion(i, impression_id=id_) for i, id_ in zip(clicked, ids, strict=True)]
    days.written(events, folder / "conversions", schema=TYPES)
    document = days.configured(folder)
    document["labels"]["conversion"]["window"] = "7d"
    (told,) = nightly.evaluate(spark, parse(document), DAY).warnings
    assert "12 of 24 events are about no impression that was read, 12 by ids that look like floats" in told


@SAIL
def test_ids_of_many_rows_are_told(spark, folder):
    rows = [impression(i, impression_id=repr(float(10**17 + i))) for i in range(120)]
    days.written(rows, folder / "impressions")
    document = days.configured(folder, labels={"click": {"column": "clicked", "values": "binary"}})
    document["tasks"] = {"ctr": {"label": "click"}}
    document["models"] = {"champion": {"ctr": {"score": "p"}}}
    (told,) = nightly.evaluate(spark, parse(document), DAY).warnings
    assert "rows have the id of another one and are left out as its duplicates" in told
    assert "120 of 120 ids look like floats" in told


def test_the_share_that_is_told_is_configured(tmp_path):
    counts = {"inside": 50, "orphan": 50}
    assert not list(unmatched.warnings(judged(tmp_path, allowed={"warn": 0.5}, **counts)))
    assert list(unmatched.warnings(judged(tmp_path, allowed={"warn": 0.49}, **counts)))


def test_of_a_long_window_most_events_may_be_about_other_days(tmp_path):
    unmatched.check(judged(tmp_path, window="30d", unknown=600))
    with pytest.raises(RefusedError, match="none of 700 events"):
        unmatched.check(judged(tmp_path, window="30d", unknown=700))


@pytest.mark.parametrize("unit", UNITS)
def test_times_that_were_cut_are_told_by_their_unit(tmp_path, unit):
    coarser = list(UNITS)[: list(UNITS).index(unit)]
    whole = {name: 1 if name in coarser else 100 for name in UNITS}
    counts = {"inside": 90, "before": 10, "whole": whole, "whole_impressions": dict.fromkeys(UNITS, 0)}
    (told,) = unmatched.warnings(judged(tmp_path, **counts))
    assert f"all times of the log are whole {unit}, those of the impressions are not" in told
    alike = {**counts, "whole_impressions": dict.fromkeys(UNITS, 10)}
    (told,) = unmatched.warnings(judged(tmp_path, **alike))
    assert "compare the clocks, time zones and units" in told


def write_night(folder, events):
    """Impressions that carry fractions of a second, and these events about them."""
    late = timedelta(microseconds=400_000)
    days.written(
        [impression(i, ts=START + timedelta(seconds=30 * i) + late) for i in range(120)], folder / "impressions"
    )
    days.written(events, folder / "conversions", schema=TYPES)


CUT = [conversion(i, conv_ts=START + timedelta(seconds=30 * i)) for i in range(10)]  # cut to seconds: before
COUNTS = {"inside": 48, "before": 10, "orphan": 1, "duplicate": 2, "other_days": 1, "unknown": 1}
NIGHT = [
    *CUT,
    *(conversion(i) for i in range(20, 68)),
    *(conversion(20), conversion(20)),
    conversion(1, conv_ts=START - timedelta(seconds=1)),
    conversion(9999, conv_ts=START + timedelta(hours=5)),
    conversion(9999, conv_ts=START + timedelta(minutes=5)),
]


@pytest.fixture(scope="module")
def night(spark, tmp_path_factory):
    """A night with events of many kinds, evaluated."""
    folder = tmp_path_factory.mktemp("night")
    write_night(folder, NIGHT)
    document = days.configured(folder)
    document["labels"]["conversion"]["window"] = "2h"
    return folder, nightly.evaluate(spark, parse(document), DAY)


@SAIL
def test_a_run_records_what_became_of_the_events(night):
    folder, outcome = night
    counts = outcome.events["conversion"].counts
    assert {name: count for name, count in counts.items() if count} == {"read": 63, **COUNTS}
    by_state = {row["state"]: row["label_events"] for row in days.rows_of(folder, "runs")}
    assert by_state == {"started": None, "done": json.dumps({"conversion": counts}, sort_keys=True)}


@pytest.mark.parametrize("outside", [False, True])
@SAIL
def test_events_are_joined_once_more_only_where_other_impressions_were_read(spark, tmp_path, monkeypatch, outside):
    write_night(tmp_path, NIGHT)
    if outside:
        days.written([impression(500, ts=START - timedelta(days=1))], tmp_path / "impressions")
    monkeypatch.setattr(events, "fates", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError) if outside else nullcontext():
        nightly.evaluate(spark, parse(days.configured(tmp_path)), DAY)


@SAIL
def test_the_verdict_tells_the_events_and_what_is_wrong_with_them(night):
    _, outcome = night
    assert verdict.of_outcome(outcome)["label_events"] == {"conversion": outcome.events["conversion"].counts}
    with redirect_stdout(io.StringIO()) as told:
        verdict.show(outcome, as_json=False)
    assert (
        "labels.conversion: 63 events read: 48 in the window of their impression, 10 before it, 1 about no impression, "
        "1 about none that was read, 2 duplicate, 1 of other days\n"
    ) in told.getvalue()
    orphan, early = outcome.warnings
    assert orphan.startswith("labels.conversion: 1 of 59 events are about no impression that was read; compare the ids")
    assert orphan.endswith("whole. The log has 'i9999', the impressions have 'i0000'")
    assert early.startswith(
        "labels.conversion: 10 of 59 events lie before their impression and give no label: all times"
    )
    assert "whole seconds" in early


# Ids of impressions and of a log, how they are told, and whose look like floats.
FLOATS = {
    "texts of floats": (str, "{}.0".format, "'1000500.0', the impressions have '1000000'", "log"),
    "in powers of ten": (str, "{}e+00".format, "'1000500e+00', the impressions have '1000000'", "log"),
    "beside integers": (int, "{}.0".format, "'1000500.0', the impressions have '1000000'", "log"),
    "of the impressions": ("{}.0".format, int, "'1000500', the impressions have '1000000.0'", "impressions"),
    "other ids": (str, str, "'1000500', the impressions have '1000000'", None),
}


@SAIL
@pytest.mark.parametrize("name", FLOATS)
def test_ids_that_went_through_floats_refuse_the_day(spark, tmp_path, name):
    ours, theirs, told, side = FLOATS[name]
    rows = [impression(i, impression_id=ours(1_000_000 + i)) for i in range(120)]
    at = START + timedelta(hours=2)
    events = [conversion(0, impression_id=theirs(1_000_500 + i), conv_ts=at) for i in range(40)]
    for folder, logged in (("impressions", rows), ("conversions", events)):
        parquet(tmp_path / folder, pa.Table.from_pylist(logged))
    document = days.configured(tmp_path)
    document["labels"]["conversion"]["window"] = "1h"
    with pytest.raises(RefusedError, match="none of 40 events is about an impression of the day") as caught:
        nightly.evaluate(spark, parse(document), DAY)
    message = verdict.of_error(caught.value)["error"]
    assert f"The log has {told}" in message
    count = {"log": 40, "impressions": 120}.get(side or "", 0)
    assert (f"{count} of {count} such ids of the {side} look like floats" in message) == (side is not None)
    # Of ids no table knows but `rejects`.
    (run,) = [row for row in days.rows_of(tmp_path, "runs") if row["state"] == "refused"]
    assert run["message"] == str(caught.value)
    assert "1000" not in run["message"]
    assert json.loads(run["label_events"])["conversion"]["orphan"] == 40
    assert not days.rows_of(tmp_path, "statistics")


@SAIL
def test_the_cookbook_asks_for_the_events(spark, night):
    folder, outcome = night
    (query,) = [text.replace("click", "conversion") for text in COOKBOOK if "label_events" in text]
    (row,) = answered(spark, parse(days.configured(folder)), query).to_pylist()
    assert (row["inside"], row["before"], row["after"], row["orphans"]) == (48, 10, 0, 1)
    assert row["run_id"] == outcome.stamp.run_id
