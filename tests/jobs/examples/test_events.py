"""Every event of a label log is counted in one class, and the classes add up to the events that were read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobs.day import Day
from jobs.examples import cells, events, label, summarise
from jobs.examples.events import EventCounts, Passed
from jobs.examples.labels import met
from jobs.files import pinned as sources
from jobs.files.pinned import Wanted
from jobs.inputs import impressions as read
from jobs.inputs import label_logs
from jobs.inputs.frames import Frames
from jobs.inputs.scorings import scorings
from jobs.ledger.runs import Ledger
from jobs.settings import Evaluation, parse
from tests.world.night import DAY, document, parquet

START = datetime(2026, 3, 18, tzinfo=UTC)
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)
END = START + 24 * HOUR
WINDOWS = {"click": HOUR, "conversion": 48 * HOUR}
AGE = 24
SPELLED = {"integers": int, "texts": "i{}".format, "floats": lambda key: f"{key}.0" if key % 2 else f"i{key}"}

Impression = tuple[int | None, datetime | None, int]
Event = tuple[int | None, datetime | None]


def written(folder: Path, impressions: Sequence[Impression], logs: Mapping[str, Sequence[Event]], ids: str) -> dict:
    """A night of these logs; an impression is its id, its time and its label."""
    folder.mkdir(parents=True)

    def keys(rows: Iterable[tuple]) -> pa.Array:
        spelled = [None if row[0] is None else SPELLED[ids](row[0]) for row in rows]
        return pa.array(spelled, pa.int64() if ids == "integers" else pa.string())

    def times(rows: Iterable[tuple]) -> pa.Array:
        return pa.array([row[1] for row in rows], pa.timestamp("us", tz="UTC"))

    shown = {"id": keys(impressions), "ts": times(impressions), "seen": [row[2] for row in impressions]}
    source = {
        "format": "parquet",
        "path": str(parquet(folder / "impressions", {**shown, "p": [0.5] * len(impressions)})),
    }
    labels: dict[str, Any] = {"seen": {"column": "seen", "values": "binary"}}
    for name, rows in logs.items():
        path = parquet(folder / name, {"imp": keys(rows), "at": times(rows)})
        log = {"source": {"format": "parquet", "path": str(path)}, "columns": {"id": "imp", "time": "at"}}
        labels[name] = {**log, "window": f"{WINDOWS[name] // HOUR}h"}
    return document(
        folder,
        impressions={"source": source, "columns": {"id": "id", "time": "ts"}, "duplicates": "remove"},
        labels=labels,
        tasks={name: {"label": name} for name in ("seen", *logs)},
        models={"m": {name: {"score": "p"} for name in ("seen", *logs)}},
        ages=[f"{AGE}h"],
    )


def framed(spark, evaluation: Evaluation) -> Frames:
    """The impressions and the logs of an evaluation."""
    day = Day(DAY, "UTC")
    pinned = sources.pinned(spark, Wanted("impressions", evaluation.impressions.source, day))
    logs = {n: sources.pinned(spark, Wanted(n, log.source, day)) for n, log in evaluation.label_logs.items()}
    key = label_logs.key_type(evaluation, pinned, logs)
    frames = label_logs.framed(logs, evaluation, day, day.as_of(AGE), key)
    return Frames(read.impressions(pinned, evaluation, day, key), frames)


def counted(spark, config: dict, *, rejected: bool = True) -> dict[str, EventCounts]:
    """The events as the job counts them by a join of their own."""
    evaluation = parse(config)
    frames = framed(spark, evaluation)
    return events.counted(frames.impressions, frames.logs, evaluation, Day(DAY, "UTC"), Passed(rejected))


def in_the_pass(spark, config: dict) -> tuple[Passed, dict[str, EventCounts]]:
    """What the pass says of the impressions, and the events as the job counts them by it."""
    evaluation, day = parse(config), Day(DAY, "UTC")
    frames = framed(spark, evaluation)
    found = cells.scanned(frames.impressions, evaluation)
    examples = label.labelled(frames.impressions, frames.logs, evaluation, day)
    summary = summarise.summarised(examples.frame, None, evaluation, found, scorings(evaluation))
    label.check(examples, summary.rows)
    ledger = Ledger.of(found.read, found.outside, duplicate=examples.duplicates, scored=summary.rows)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "FEW", 1.0)
        passed = Passed.of(ledger, summary.met)
    return passed, events.counted(frames.impressions, frames.logs, evaluation, day, passed)


def fate(event: Event, impressions: Sequence[Impression], window: timedelta, *, every_copy: bool) -> str:
    """The class of an event that can be joined, found the long way."""
    identity, time = event
    of_day = [row for row in impressions if row[0] == identity and (row[1] is None or START <= row[1] < END)]
    usable = sorted(row[1] for row in of_day if row[1] is not None and row[2] in (0, 1))
    if usable:
        copies = usable if every_copy else usable[:1]
        if any(shown <= time < shown + window for shown in copies):
            return "inside"
        return "before" if time < usable[0] else "after"
    if of_day:
        return "rejected_impression"
    if any(row[0] == identity for row in impressions):
        return "other_impression"
    return "orphan" if time - window >= START - TICK and time < END else "unknown"


def expected(rows: Sequence[Event], impressions: Sequence[Impression], name: str, duplicates: str) -> dict[str, Any]:
    """The counts of a log, event by event."""
    window, found = WINDOWS[name], Counter({"read": len(rows)})
    rejected: Counter[str] = Counter()
    seen = set()
    for event in rows:
        identity, time = event
        if time is not None and not START <= time < END + window:
            found["other_days"] += 1
        elif time is not None and time >= END + AGE * HOUR:
            found["after_age"] += 1
        elif identity is None or time is None:
            rejected["null_id" if identity is None else "null_time"] += 1
        elif event in seen:
            found["duplicate"] += 1
        else:
            seen.add(event)
            found[fate(event, impressions, window, every_copy=duplicates == "none")] += 1
    names = [name for name in EventCounts(0).counts if name != "rejected"]
    return {**{name: found[name] for name in names}, "rejected": dict(rejected)}


EDGES = [START, START + HOUR, START + 12 * HOUR, END, END + HOUR, END + AGE * HOUR, END + 48 * HOUR]
times = st.sampled_from([edge + ticks * TICK for edge in EDGES for ticks in (-1, 0, 1)])
keys = st.none() | st.integers(0, 6)
impressions = st.lists(st.tuples(keys, times | st.none(), st.sampled_from([0, 1, 7])), min_size=1, max_size=8)
some_events = st.lists(st.tuples(keys, times | st.none()), min_size=1, max_size=25)
nights = st.tuples(impressions, some_events, some_events)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders, one after the other."""
    root = tmp_path_factory.mktemp("nights")
    return (root / str(number) for number in range(10**6))


@pytest.mark.only_engine("sail")  # Apache Spark has the nights below
@settings(max_examples=12)
@given(nights, st.sampled_from(["remove", "none"]), st.sampled_from(list(SPELLED)))
def test_any_events_are_counted_as_one_by_one(spark, folders, night, duplicates, ids):
    shown, logs = night[0], dict(zip(WINDOWS, night[1:], strict=True))
    config = written(next(folders), shown, logs, ids)
    config["impressions"]["duplicates"] = duplicates
    for name, found in counted(spark, config).items():
        assert found.counts == expected(logs[name], shown, name, duplicates)
        whole = {**found.counts, "rejected": sum(found.rejected.values())}
        assert whole.pop("read") == sum(whole.values()) == len(logs[name])


of_the_day = st.sampled_from([e + k * TICK for e in EDGES[:3] for k in (0, 1)] + [END - TICK])
usable = st.lists(st.tuples(st.integers(0, 6), of_the_day, st.sampled_from([0, 1])), min_size=1, max_size=8)
whole_days = st.tuples(usable, some_events, some_events)


@pytest.mark.only_engine("sail")  # Apache Spark has the day below
@settings(max_examples=25)
@given(whole_days | nights, st.sampled_from(["remove", "none"]), st.sampled_from(list(SPELLED)))
def test_the_pass_counts_any_events_as_a_join_of_their_own_does(spark, folders, night, duplicates, ids):
    shown, logs = night[0], dict(zip(WINDOWS, night[1:], strict=True))
    config = written(next(folders), shown, logs, ids)
    config["impressions"]["duplicates"] = duplicates
    usable_rows = [row for row in shown if None not in row and row[2] in (0, 1) and START <= row[1] < END]
    assume(usable_rows)
    passed, found = in_the_pass(spark, config)
    assert found == counted(spark, config)
    assert passed.beside == (len(usable_rows) < len(shown))
    if duplicates == "remove" or len({row[0] for row in shown}) == len(shown):
        assert passed.met.keys() == logs.keys()


SHOWN: list[Impression] = [
    *((k, START + k * HOUR, k % 2) for k in range(12)),
    *[(3, START + 2 * HOUR, 0), (3, START + 9 * HOUR, 1)],  # copies
    *[(20, START + HOUR, 7), (21, None, 0), (22, START - HOUR, 0), (23, END, 0)],  # rejected, and of other days
]
OFFSETS = (-2 * HOUR, -TICK, 0 * TICK, HOUR - TICK, HOUR, 7 * HOUR)
CLICKS: list[Event] = [
    *((k, START + k * HOUR + offset) for k in range(12) for offset in OFFSETS),
    *((k, START + 9 * HOUR) for k in (4, 4, 4, 20, 21, 22, 23, 99, None)),
    *[(99, START + HOUR - 2 * TICK), (99, START + HOUR - TICK), (99, END - TICK), (99, END), (5, None)],
]


@pytest.mark.parametrize("ids", ["texts", pytest.param("integers", marks=pytest.mark.only_engine("sail"))])
@pytest.mark.parametrize("duplicates", ["remove", "none"])
def test_the_pass_tells_of_a_whole_day(spark, tmp_path, ids, duplicates):
    shown = SHOWN if duplicates == "remove" else [*SHOWN[:12], *SHOWN[14:]]  # with copies, and without
    logs = {"click": CLICKS, "conversion": [*CLICKS, (5, END + AGE * HOUR)]}
    config = written(tmp_path / "night", shown, logs, ids)
    config["impressions"]["duplicates"] = duplicates
    passed, found = in_the_pass(spark, config)
    assert passed.met.keys() == logs.keys()
    assert found == counted(spark, config)
    assert {name: each.counts for name, each in found.items()} == {
        name: expected(rows, shown, name, duplicates) for name, rows in logs.items()
    }


def test_where_many_did_not_pass_all_events_are_joined():
    told = {"click": met.Met({}, 0)}
    ends = ((0, 90), (1, 89), (10, 90))
    few, many, none = (Passed.of(Ledger.of(100, outside, duplicate=0, scored=n), told) for outside, n in ends)
    assert (few.met, few.beside, few.rejected) == (told, True, True)
    assert (many.met, many.beside) == ({}, True)
    assert (none.met, none.beside, none.rejected) == (told, True, False)


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("many", [met.FIELD - 1, met.FIELD])
def test_more_events_of_an_impression_than_a_number_says_are_joined(spark, tmp_path, many):
    far, near = ([(1, START + k * step) for k in range(many)] for step in (HOUR / 6, TICK))
    config = written(tmp_path / "many", [(1, START, 0), (2, START, 1)], {"click": far, "conversion": near}, "texts")
    passed, found = in_the_pass(spark, config)
    assert passed.met.keys() == ({"click", "conversion"} if many < met.FIELD else set())
    assert found == counted(spark, config)


@pytest.mark.only_engine("sail")
def test_copies_that_stay_are_joined_where_they_have_events(spark, tmp_path):
    shown = [(1, START, 0), (1, START + 5 * HOUR, 0), (2, START, 0)]
    for clicked in (1, 2):
        config = written(tmp_path / str(clicked), shown, {"click": [(clicked, START + 5 * HOUR)]}, "texts")
        config["impressions"]["duplicates"] = "none"
        passed, found = in_the_pass(spark, config)
        assert bool(passed.met) == (clicked == 2)
        assert found == counted(spark, config)
        assert found["click"].inside == 2 - clicked


@pytest.mark.parametrize("ids", ["texts", pytest.param("integers", marks=pytest.mark.only_engine("sail"))])
def test_every_class_of_events(spark, tmp_path, ids):
    logs = {"click": CLICKS, "conversion": [*CLICKS, (5, END + AGE * HOUR)]}
    found = counted(spark, written(tmp_path / "night", SHOWN, logs, ids))
    assert {name: events.counts for name, events in found.items()} == {
        name: expected(rows, SHOWN, name, "remove") for name, rows in logs.items()
    }
    assert found["click"].counts == {
        "read": 86, "other_days": 3, "after_age": 0, "rejected": {"null_id": 1, "null_time": 1}, "duplicate": 2,
        "retracted": 0, "inside": 23, "before": 20, "after": 27, "rejected_impression": 2, "other_impression": 2,
        "orphan": 3, "unknown": 2,
    }  # fmt: skip
    assert found["conversion"].after_age == 1


@pytest.mark.only_engine("sail")
def test_why_an_impression_is_rejected_is_not_asked_where_none_is(spark, tmp_path):
    config = written(tmp_path / "night", SHOWN, {"click": CLICKS}, "integers")
    asked, not_asked = (counted(spark, config, rejected=rejected)["click"] for rejected in (True, False))
    assert not_asked.rejected_impression == 1  # that without a time has no window either
    assert asked.counts != not_asked.counts


UNITS = {timedelta(seconds=1): {"seconds"}, timedelta(minutes=1): {"seconds", "minutes"}, TICK: set()}


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("unit", UNITS)
def test_which_whole_units_times_are(spark, tmp_path, unit):
    shown = [(k, START + k * HOUR + 5 * unit + 7 * TICK, 0) for k in range(5)]
    clicks = [(k, START + k * HOUR + 5 * unit) for k in range(5)]
    found = counted(spark, written(tmp_path / "night", shown, {"click": clicks}, "integers"))["click"]
    assert found.before == 5
    assert {name for name, count in found.whole.items() if count == 5} == UNITS[unit]
    assert not any(found.whole_impressions.values())


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("duplicates", ["remove", "none"])
@pytest.mark.timeout(60)
def test_an_id_that_thousands_share_does_not_give_each_with_each(spark, tmp_path, duplicates):
    rows = 60_000
    shown = [(0, START + 3 * HOUR + each * TICK, 0) for each in range(rows)]
    clicks = [(0, START + 3 * HOUR + each * TICK) for each in range(-rows, rows)]
    config = written(tmp_path / "hot", shown, {"click": clicks}, "texts")
    found = counted(spark, {**config, "impressions": {**config["impressions"], "duplicates": duplicates}})["click"]
    assert (found.read, found.inside, found.before, found.duplicate) == (2 * rows, rows, rows, 0)
