"""Labels meet impressions: half-open windows, one row per impression, and which copy of it is kept."""

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
from jobs.settings import parse
from tests.jobs.night import DAY, document, parquet

SAME_HASH = ["impr0001", "imp07248EsY<[I9E"]  # of xxhash64, solved for the last eight letters
NOON = datetime(2026, 3, 18, 12, tzinfo=UTC)
TICK, HOUR = timedelta(microseconds=1), timedelta(hours=1)
COLUMNS = {"id": "id", "time": "ts"}


def columns(**given: Any) -> dict[str, Any]:
    """Impressions at noon of ids a, b, …, with what they need."""
    size = len(next(iter(given.values())))
    plain = {"id": [chr(ord("a") + i) for i in range(size)], "ts": [NOON] * size, "click": [0] * size}
    return {**plain, "p": [0.5] * size, **given}


def configured(folder: Path, rows: dict[str, Any], clicks: dict[str, Any] | None = None, **sections: Any) -> dict:
    """An evaluation of these impressions, with their own click or a log of clicks within an hour."""
    source = {"format": "parquet", "path": str(parquet(folder / "impressions", rows))}
    impressions = {"source": source, "columns": COLUMNS, "duplicates": "remove"}
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
    key = read.key_type(settings, pinned, logs)
    frames = {
        n: read.label_log(logs[n], log, day, day.as_of(settings.age_hours), key)
        for n, log in settings.label_logs.items()
    }
    return label.labelled(read.impressions(pinned, settings, day, key), frames, settings)


def values(found: Labelled, *names: str) -> list[tuple]:
    rows = found.frame.select(*names).toArrow()
    return sorted(zip(*(rows[name].to_pylist() for name in names), strict=True), key=str)


OFFSETS = {-TICK: 0.0, 0 * TICK: 1.0, TICK: 1.0, HOUR - TICK: 1.0, HOUR: 0.0, 25 * HOUR: 0.0}


def test_a_window_is_half_open(spark, tmp_path):
    ids = [chr(ord("a") + i) for i in range(len(OFFSETS))]
    clicks = {"imp": ids, "at": [NOON + offset for offset in OFFSETS]}
    config = configured(tmp_path, columns(id=ids), clicks)
    assert values(labelled(spark, config), "id", "label_click") == list(zip(ids, OFFSETS.values(), strict=True))


def test_ids_of_the_same_hash_are_told_apart(spark, tmp_path):
    rows = columns(id=[*SAME_HASH, SAME_HASH[1]])
    config = configured(tmp_path, rows, {"imp": SAME_HASH[:1], "at": [NOON]})
    found = labelled(spark, config)
    hashes = found.frame.select(F.xxhash64("id").alias("hash")).distinct().toArrow()
    assert hashes.num_rows == 1
    assert found.duplicates == 1
    assert values(found, "id", "label_click") == [(SAME_HASH[1], 0.0), (SAME_HASH[0], 1.0)]


def test_a_window_reaches_beyond_the_end_of_the_day(spark, tmp_path):
    last = datetime(2026, 3, 18, 23, 59, 59, 999999, tzinfo=UTC)
    clicks = {"imp": ["a", "b"], "at": [last + HOUR - TICK, last + HOUR]}
    config = configured(tmp_path, columns(ts=[last, last]), clicks)
    assert values(labelled(spark, config), "id", "label_click") == [("a", 1.0), ("b", 0.0)]


def test_events_after_the_age_are_not_known_yet(spark, tmp_path):
    end = datetime(2026, 3, 19, tzinfo=UTC)
    rows = columns(ts=[end - TICK] * 2)
    found = {}
    for age in ("0h", "1h"):
        clicks = {"imp": ["a", "b"], "at": [end - TICK, end]}
        config = configured(tmp_path / age, rows, clicks, ages=[age])
        found[age] = values(labelled(spark, config), "id", "label_click")
    assert found == {"0h": [("a", 1.0), ("b", 0.0)], "1h": [("a", 1.0), ("b", 1.0)]}


def test_many_events_are_one_label(spark, tmp_path):
    events = [NOON - TICK, NOON, NOON, NOON + TICK, NOON + 2 * HOUR]
    config = configured(tmp_path, columns(id=["a", "b"]), {"imp": ["a"] * 5, "at": events})
    assert values(labelled(spark, config), "id", "label_click") == [("a", 1.0), ("b", 0.0)]


def test_any_number_of_events_about_an_impression(spark, tmp_path):
    rng = np.random.default_rng(5)
    events = [sorted(rng.integers(-90, 150, rng.integers(0, 7)).tolist()) for _ in range(200)]
    events[:3] = [[-10, 30, 90], [-10, 0, 90], [-30, -10, 60]]
    ids = [f"i{number}" for number in range(len(events))]
    at = [(name, NOON + timedelta(minutes=minutes)) for name, some in zip(ids, events, strict=True) for minutes in some]
    shuffled = [at[place] for place in rng.permutation(len(at))]
    clicks = {"imp": [name for name, _ in shuffled], "at": [moment for _, moment in shuffled]}
    found = values(labelled(spark, configured(tmp_path, columns(id=ids), clicks)), "id", "label_click")
    assert dict(found) == {
        name: float(any(0 <= minutes < 60 for minutes in some)) for name, some in zip(ids, events, strict=True)
    }


def test_events_without_id_or_time_or_impression_change_nothing(spark, tmp_path):
    clicks = {"imp": [None, "a", "stranger"], "at": [NOON, None, NOON]}
    config = configured(tmp_path, columns(id=["a", "b"]), clicks)
    assert values(labelled(spark, config), "id", "label_click") == [("a", 0.0), ("b", 0.0)]


def test_an_empty_log_is_a_day_without_clicks(spark, tmp_path):
    clicks = pa.table({"imp": pa.array([], pa.string()), "at": pa.array([], pa.timestamp("us", tz="UTC"))})
    config = configured(tmp_path, columns(id=["a"]), dict(zip(clicks.column_names, clicks.columns, strict=True)))
    assert values(labelled(spark, config), "label_click") == [(0.0,)]


IDS = {
    "integers": ([7, 2**60], [7, 2**60]),
    "texts": (["7", "ü"], ["7", "ü"]),
    "integers and texts": ([7, 2**60], ["7", str(2**60)]),
    "texts and integers": (["7", str(2**60)], [7, 2**60]),
    "narrow and wide integers": (pa.array([7, 8], pa.int32()), pa.array([7, 8], pa.int64())),
}


@pytest.mark.parametrize("name", IDS)
def test_ids_join_whatever_their_types(spark, tmp_path, name):
    ours, theirs = IDS[name]
    config = configured(tmp_path, columns(id=ours), {"imp": theirs, "at": [NOON, NOON + HOUR]})
    assert [row[0] for row in values(labelled(spark, config), "label_click")] == [0.0, 1.0]


def test_a_text_that_only_looks_like_the_number_is_another_id(spark, tmp_path):
    config = configured(tmp_path, columns(id=[7]), {"imp": ["07", " 7", "7.0"], "at": [NOON] * 3})
    assert values(labelled(spark, config), "label_click") == [(0.0,)]


# Copies of one impression: what differs, and the score of the one that is kept.
COPIES = {
    "the earliest": ({"ts": [NOON + TICK, NOON, NOON + HOUR], "click": [1, 0, 1]}, 0.2),
    "then the highest label": ({"click": [0, 0, 1]}, 0.3),
    "the earliest before the highest label": ({"ts": [NOON, NOON + TICK, NOON + TICK], "click": [0, 1, 1]}, 0.1),
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (2, 1, 0)])
def test_the_copy_that_is_kept(spark, tmp_path, name, order):
    differing, kept = COPIES[name]
    rows = columns(id=["a"] * 3, p=[0.1, 0.2, 0.3], **differing)
    shuffled = {column: [cells[i] for i in order] for column, cells in rows.items()}
    found = labelled(spark, configured(tmp_path, shuffled))
    assert (found.duplicates, values(found, "score_0")) == (2, [(kept,)])


def test_labels_decide_in_the_order_of_the_configuration(spark, tmp_path):
    labels = {name: {"column": name, "values": "binary"} for name in ("buy", "click")}
    rows = columns(id=["a"] * 3, p=[0.1, 0.2, 0.3], click=[1, 1, 0], buy=[0, 1, 1])
    assert values(labelled(spark, configured(tmp_path, rows, labels=labels)), "score_0") == [(0.2,)]
    swapped = columns(id=["a"] * 2, p=[0.1, 0.2], click=[1, 0], buy=[0, 1])
    assert values(labelled(spark, configured(tmp_path / "b", swapped, labels=labels)), "score_0") == [(0.2,)]


def test_then_the_smallest_hash_of_all_mapped_columns(spark, tmp_path):
    scores = [i / 64 for i in range(64)]
    alone = configured(tmp_path / "alone", columns(id=["a"] * 64, p=scores), limits={})
    alone["impressions"] = {**alone["impressions"], "duplicates": "none"}
    hashes = values(labelled(spark, alone), "fingerprint", "score_0")
    together = labelled(spark, configured(tmp_path / "together", columns(id=["a"] * 64, p=scores)))
    assert values(together, "fingerprint", "score_0") == [min(hashes)]


def test_exact_copies_leave_one_row(spark, tmp_path):
    found = labelled(spark, configured(tmp_path, columns(id=["a", "b", "a", "a"])))
    assert (found.duplicates, values(found, "id")) == (2, [("a",), ("b",)])


def test_a_rejected_copy_does_not_count_as_one(spark, tmp_path):
    found = labelled(spark, configured(tmp_path, columns(id=["a", "a", None], click=[0, 7, 0])))
    assert (found.duplicates, values(found, "id")) == (0, [("a",)])


UNTOUCHED: dict[str, tuple[dict[str, Any], str]] = {
    "none are to be removed": (COLUMNS, "none"),
    "there is no id": ({"time": "ts"}, "remove"),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_copies_stay_where(spark, tmp_path, name):
    mapping, duplicates = UNTOUCHED[name]
    config = configured(tmp_path, columns(id=["a"] * 3))
    config["impressions"] = {**config["impressions"], "columns": mapping, "duplicates": duplicates}
    found = labelled(spark, config)
    assert (found.duplicates, found.frame.count()) == (0, 3)


def test_copies_of_other_days_are_not_looked_at(spark, tmp_path):
    times: Sequence[datetime] = [NOON - 24 * HOUR, NOON, NOON + 24 * HOUR]
    found = labelled(spark, configured(tmp_path, columns(id=["a"] * 3, ts=times, p=[0.1, 0.2, 0.3])))
    assert (found.duplicates, values(found, "score_0")) == (0, [(0.2,)])
