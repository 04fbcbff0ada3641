"""Labels meet impressions: half-open windows, one row per impression, and which copy of it is kept."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from jobs.day import Day
from jobs.examples import label
from jobs.examples.label import Labelled
from jobs.files import pinned as sources
from jobs.files.pinned import Wanted
from jobs.inputs import impressions as read
from jobs.inputs import label_logs
from jobs.settings import parse
from tests.world.cases import collected
from tests.world.night import DAY, document, parquet

SAME_HASH = ["impr0001", "imp07248EsY<[I9E"]  # of xxhash64, solved for the last eight letters
NOON, END = datetime(2026, 3, 18, 12, tzinfo=UTC), datetime(2026, 3, 19, tzinfo=UTC)
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)
COLUMNS = {"id": "id", "time": "ts"}
BOTH = {name: {"column": name, "values": "binary"} for name in ("buy", "click")}


def columns(**given: Any) -> dict[str, Any]:
    """Impressions at noon of ids a, b, …, with what they need."""
    size = len(next(iter(given.values())))
    plain = {"id": [chr(ord("a") + i) for i in range(size)], "ts": [NOON] * size, "click": [0] * size}
    return {**plain, "p": [0.5] * size, **given}


def configured(
    folder: Path, rows: dict[str, Any], clicks: dict[str, Any] | None = None, *, remove: bool = False, **sections: Any
) -> dict:
    """An evaluation of these impressions, with their own click or a log of clicks within an hour."""
    source = {"format": "parquet", "path": str(parquet(folder / "impressions", rows))}
    impressions = {"source": source, "columns": COLUMNS, "duplicates": "remove" if remove else "none"}
    if clicks is not None:
        log = {"source": {"format": "parquet", "path": str(parquet(folder / "clicks", clicks))}, "window": "1h"}
        sections["labels"] = {"click": {**log, "columns": {"id": "imp", "time": "at"}}}
    return document(folder, **{"impressions": impressions, **sections})


def labelled(spark, config: dict) -> Labelled:
    """The examples as the job has them."""
    settings = parse(config)
    day = Day(DAY, settings.day.timezone)
    pinned = sources.pinned(spark, Wanted("impressions", settings.impressions.source, day))
    logs = {name: sources.pinned(spark, Wanted(name, log.source, day)) for name, log in settings.label_logs.items()}
    key = label_logs.key_type(settings, pinned, logs)
    frames = label_logs.framed(logs, settings, day, day.as_of(settings.age_hours), key)
    return label.labelled(read.impressions(pinned, settings, day, key), frames, settings, day)


# A day whose clicks may count: the id of each impression, its time, those of its events, and its label.
Shown = tuple[str, datetime, Sequence[datetime], float]
OFFSETS = {-TICK: 0.0, 0 * TICK: 1.0, TICK: 1.0, HOUR - TICK: 1.0, HOUR: 0.0, 25 * HOUR: 0.0}
MANY = [NOON - TICK, NOON, NOON, NOON + TICK, NOON + 2 * HOUR]


def any_number() -> list[Shown]:
    """Impressions with any number of events around their windows."""
    rng = np.random.default_rng(5)
    events = [sorted(rng.integers(-90, 150, rng.integers(0, 7)).tolist()) for _ in range(200)]
    events[:3] = [[-10, 30, 90], [-10, 0, 90], [-30, -10, 60]]
    at = [[NOON + timedelta(minutes=minutes) for minutes in some] for some in events]
    inside = [float(any(0 <= minutes < 60 for minutes in some)) for some in events]
    return [(f"i{i}", NOON, some, positive) for i, (some, positive) in enumerate(zip(at, inside, strict=True))]


SHOWN: dict[str, list[Shown]] = {
    "a window is half-open": [
        (f"w{i}", NOON, [NOON + offset], positive) for i, (offset, positive) in enumerate(OFFSETS.items())
    ],
    "a window reaches beyond the end of the day": [
        ("inside", END - TICK, [END - 2 * TICK + HOUR], 1.0),
        ("after", END - TICK, [END - TICK + HOUR], 0.0),
    ],
    "many events are one label": [("many", NOON, MANY, 1.0), ("none", NOON, [], 0.0)],
    "any number of events": any_number(),
    "ids of the same hash are told apart": [(SAME_HASH[0], NOON, [NOON], 1.0), (SAME_HASH[1], NOON, [], 0.0)],
}
STRAY = [(None, NOON), ("none", None), ("stranger", NOON)]


@pytest.fixture(scope="module")
def day(spark, tmp_path_factory) -> tuple[Labelled, dict[str, list[float]]]:
    """The examples of the day above, with a copy of one of the two ids of the same hash; the labels by id."""
    rows = [row for each in SHOWN.values() for row in each]
    shown = [*((name, time) for name, time, _, _ in rows), (SAME_HASH[1], NOON)]
    events = [*((name, moment) for name, _, some, _ in rows for moment in some), *STRAY]
    events = [events[i] for i in np.random.default_rng(6).permutation(len(events))]
    config = configured(
        tmp_path_factory.mktemp("day"),
        columns(id=[name for name, _ in shown], ts=[time for _, time in shown]),
        {"imp": [name for name, _ in events], "at": [moment for _, moment in events]},
        remove=True,
    )
    found = labelled(spark, config)
    labels: dict[str, list[float]] = {}
    for row in found.frame.select("id", "label_click").toArrow().to_pylist():
        labels.setdefault(row["id"], []).append(row["label_click"])
    return found, labels


@pytest.mark.parametrize("claim", SHOWN)
def test_of_events_and_windows(day, claim):
    _, labels = day
    assert {name: labels[name] for name, *_ in SHOWN[claim]} == {row[0]: [row[-1]] for row in SHOWN[claim]}


def test_events_without_id_or_time_or_impression_change_nothing(day):
    _, labels = day
    assert labels.keys() == {name for each in SHOWN.values() for name, *_ in each}


def test_a_copy_is_found_though_another_id_has_its_hash(spark, day):
    hashes = spark.createDataFrame([(name,) for name in SAME_HASH], "id string").select(F.xxhash64("id")).distinct()
    assert (hashes.count(), day[0].duplicates) == (1, 1)


# Copies of one impression: what differs, and the score of the one that is kept.
COPIES: dict[str, tuple[dict[str, list], float]] = {
    "the earliest": ({"ts": [NOON + TICK, NOON, NOON + HOUR], "click": [1, 0, 1]}, 0.2),
    "then the highest label": ({"click": [0, 0, 1]}, 0.3),
    "the earliest before the highest label": ({"ts": [NOON, NOON + TICK, NOON + TICK], "click": [0, 1, 1]}, 0.1),
    "labels in the order of the configuration": ({"click": [1, 1, 0], "buy": [0, 1, 1]}, 0.2),
    "the first label before the second": ({"click": [1, 1, 0], "buy": [0, 0, 1]}, 0.3),
    "of this day": ({"ts": [NOON - 24 * HOUR, NOON, NOON + 24 * HOUR]}, 0.2),
    "none that is rejected": ({"click": [7, 7, 0]}, 0.3),
}
ORDERS = [(0, 1, 2), (2, 0, 1), (2, 1, 0)]
# Of the three, those that are rejected or of another day are no copies.
ALONE = ("of this day", "none that is rejected")


def copies() -> dict[str, list]:
    """The rows of all those copies in every order, of 64 that only their score tells apart, and exact ones."""
    rows = columns(id=["exact"] * 3 + ["single"], p=[0.1] * 4, buy=[0] * 4)
    many = columns(id=["many"] * 64, p=[i / 64 for i in range(64)], buy=[0] * 64)
    whole = {name: [*values, *many[name]] for name, values in rows.items()}
    for name, (differing, _) in COPIES.items():
        for order in ORDERS:
            three = columns(id=[f"{name} {order}"] * 3, p=[0.1, 0.2, 0.3], **{"buy": [0] * 3, **differing})
            for column, values in three.items():
                whole[column] += [values[i] for i in order]
    return whole


@pytest.fixture(scope="module", params=["few", "many"])
def kept(request, spark, tmp_path_factory) -> tuple[Labelled, Counter]:
    """The examples that are left of the copies; and how often each id has each fingerprint and score."""
    config = configured(tmp_path_factory.mktemp("copies"), copies(), remove=True, labels=BOTH)
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(label, "HELD_ROWS", {"few": len(copies()["id"]), "many": 0}[request.param])
        found = labelled(spark, config)
    rows = found.frame.select("id", "fingerprint", "score_0").toArrow().to_pylist()
    return found, Counter(tuple(row.values()) for row in rows)


@pytest.mark.parametrize("name", COPIES)
def test_the_copy_that_is_kept(kept, name):
    _, rows = kept
    found = {of: score for of, _, score in rows.elements() if of.rpartition(" (")[0] == name}
    assert found == {f"{name} {order}": COPIES[name][1] for order in ORDERS}


def test_one_row_is_left_of_each_id_and_the_others_are_counted(kept):
    found, rows = kept
    assert set(Counter(of for of, _, _ in rows.elements()).values()) == {1}
    assert found.duplicates == 2 + 63 + 2 * len(ORDERS) * (len(COPIES) - len(ALONE))


def test_then_the_smallest_hash_of_all_mapped_columns(spark, kept, tmp_path):
    many = columns(id=["many"] * 64, p=[i / 64 for i in range(64)], buy=[0] * 64)
    alone = labelled(spark, configured(tmp_path, many, labels=BOTH)).frame.select("fingerprint", "score_0")
    least = min(map(tuple, alone.collect()))
    assert [row for row in kept[1] if row[0] == "many"] == [("many", *least)]


def test_labels_of_logs_meet_one_copy_of_each_id(spark, tmp_path, monkeypatch):
    # An id that all rows without one have, as an empty text: many impressions, many events.
    times = [NOON + timedelta(minutes=i) for i in range(300)]
    rows = columns(id=[""] * 300 + ["a"] * 2 + ["b"], ts=[*times, NOON + HOUR, NOON, NOON])
    clicks = {"imp": [""] * 300 + ["a"], "at": [*times, NOON + TICK]}
    met, real = [], label._with_labels
    monkeypatch.setattr(label, "_with_labels", lambda frame, logs: (met.append(frame.count()), real(frame, logs))[1])
    found = labelled(spark, configured(tmp_path, rows, clicks, remove=True))
    labels = {row["id"]: row["label_click"] for row in found.frame.select("id", "label_click").toArrow().to_pylist()}
    assert labels == {"": 1.0, "a": 1.0, "b": 0.0}
    assert (sorted(met), found.duplicates) == ([1, 2], 300)


@pytest.mark.parametrize("crowd", [100, 1000])
def test_of_an_id_that_many_share_each_impression_has_its_own_label(spark, tmp_path, monkeypatch, crowd):
    rng = np.random.default_rng(8)
    shown = [NOON + timedelta(minutes=int(i)) for i in rng.integers(0, 600, 400)]
    at = [NOON + timedelta(minutes=int(i)) for i in rng.integers(-60, 660, 12)] * 25
    monkeypatch.setattr(label, "CROWD", crowd)
    config = configured(tmp_path, columns(id=[""] * 400 + ["a"], ts=[*shown, NOON]), {"imp": [""] * 300, "at": at})
    found = labelled(spark, config).frame
    assert ("met_click" in found.columns) == (crowd > len(at))
    labels = Counter(map(tuple, found.select("id", F.col("time"), "label_click").collect()))
    inside = {moment: float(any(moment <= each < moment + HOUR for each in at)) for moment in shown}
    micros = {moment: round(moment.timestamp() * 1e6) for moment in [*shown, NOON]}
    expected = [*(("", micros[moment], inside[moment]) for moment in shown), ("a", micros[NOON], 0.0)]
    assert labels == Counter(expected)
    assert set(inside.values()) == {0.0, 1.0}


# Ids of impressions and of a log, the first with an event within the hour, the second with one after it.
IDS = {
    "integers": ([7, 2**60], [7, 2**60]),
    "texts": (["7", "ü"], ["7", "ü"]),
    "integers and texts": ([7, 2**60], ["7", str(2**60)]),
    "texts and integers": (["7", str(2**60)], [7, 2**60]),
    "narrow and wide integers": (pa.array([7, 8], pa.int32()), pa.array([7, 8], pa.int64())),
}
EMPTY = {"imp": pa.array([], pa.string()), "at": pa.array([], pa.timestamp("us", tz="UTC"))}


@pytest.fixture(scope="module")
def others(spark, tmp_path_factory) -> dict[str, list]:
    """The labels of days of a configuration of their own, by one action."""
    late = columns(ts=[END - TICK] * 2), {"imp": ["a", "b"], "at": [END - TICK, END]}
    given: dict[str, tuple] = {
        **{
            name: (columns(id=ours), {"imp": theirs, "at": [NOON, NOON + HOUR]}) for name, (ours, theirs) in IDS.items()
        },
        "looks like the number": (columns(id=[7]), {"imp": ["07", " 7", "7.0"], "at": [NOON] * 3}),
        "an empty log": (columns(id=["a"]), EMPTY),
        **{age: (*late, {"ages": [age]}) for age in ("0h", "1h")},
    }
    frames = {}
    for name, (rows, clicks, *more) in given.items():
        folder = tmp_path_factory.mktemp("other")
        frames[name] = labelled(spark, configured(folder, rows, clicks, **dict(*more))).frame
    unremoved = {"copies that stay": (COLUMNS, "none"), "no id": ({"time": "ts"}, "remove")}
    for name, (mapping, duplicates) in unremoved.items():
        config = configured(tmp_path_factory.mktemp("other"), columns(id=["a"] * 3))
        config["impressions"] = {**config["impressions"], "columns": mapping, "duplicates": duplicates}
        found = labelled(spark, config)
        assert found.duplicates == 0
        frames[name] = found.frame
    ordered = {
        name: frame.select(F.col("id").cast("string").alias("id"), "label_click") for name, frame in frames.items()
    }
    return {name: [positive for _, positive in sorted(rows, key=str)] for name, rows in collected(ordered).items()}


@pytest.mark.parametrize("name", IDS)
def test_ids_join_whatever_their_types(others, name):
    assert sorted(others[name]) == [0.0, 1.0]


def test_a_text_that_only_looks_like_the_number_is_another_id(others):
    assert others["looks like the number"] == [0.0]


def test_an_empty_log_is_a_day_without_clicks(others):
    assert others["an empty log"] == [0.0]


def test_events_after_the_age_are_not_known_yet(others):
    assert (others["0h"], others["1h"]) == ([1.0, 0.0], [1.0, 1.0])


@pytest.mark.parametrize("name", ["copies that stay", "no id"])
def test_copies_stay_where_none_are_to_be_removed_or_there_is_no_id(others, name):
    assert others[name] == [0.0] * 3
