"""A source that grows while it is read changes nothing, and one that is changed in place fails the run."""

from collections import Counter
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from jobs import nightly
from jobs.day import Day
from jobs.errors import InputChangedError
from jobs.examples import cells, summarise
from jobs.files import pinned as sources
from jobs.settings import Source, parse
from tests.world import days
from tests.world.cases import collected
from tests.world.days import DAY, conversion, impression

COUNT = 120
HIVE = "dt=2026-11-16"
SOURCES = {
    "impressions": [impression(i) for i in range(COUNT)],
    "conversions": [conversion(i) for i in range(0, COUNT, 5)],
}
LATE = {
    # Among them a country that the cells do not know, and copies that would count as duplicates.
    "impressions": [impression(i, country="US" if i % 2 else "DE") for i in range(60, 180)],
    "conversions": [conversion(i) for i in range(1, COUNT, 5)],
}
KINDS = ("parquet", "hive", "csv", "delta", "parquet table", "delta table")
MOMENTS = {"before the cells": (cells, "scanned"), "before the sums": (summarise, "summarised")}


SAIL = pytest.mark.only_engine("sail")
# Nights in which both logs grow. What becomes of each kind is shown of its frame.
GROWING = [
    ("parquet", "before the sums"),
    pytest.param(("parquet", "before the cells"), marks=SAIL),
    pytest.param(("csv", "before the cells"), marks=SAIL),
    pytest.param(("delta", "before the sums"), marks=SAIL),
]
# Every two of change, kind, log and moment meet in one of them.
CHANGING = [
    ("shrunk", "csv", "impressions", "before the sums"),
    ("same size", "parquet", "conversions", "before the sums"),
    pytest.param(("grown", "parquet", "impressions", "before the sums"), marks=SAIL),
    pytest.param(("shrunk", "parquet", "conversions", "before the cells"), marks=SAIL),
    pytest.param(("grown", "csv", "conversions", "before the cells"), marks=SAIL),
    pytest.param(("same size", "csv", "impressions", "before the cells"), marks=SAIL),
]


def file_kind(kind):
    return {"hive": "parquet", "csv": "csv"}.get(kind, kind.split()[0])


def put(folder, name, kind, rows):
    """Write or append the rows of a source of some kind."""
    place = folder / name / HIVE if kind == "hive" else folder / name
    return days.written(rows, place, file_kind(kind))


def described(spark, folder, name, kind):
    """A source of some kind as the configuration names it; a table is made in the catalog."""
    path = str(folder / name)
    if not kind.endswith("table"):
        return {"format": file_kind(kind), "path": path}
    table = f"{name}_{folder.name}".lower()
    spark.sql(f"CREATE TABLE `{table}` USING {file_kind(kind)} LOCATION '{path}'")
    return {"table": table}


def configured(spark, folder, kinds):
    """The logs of the day, each of its kind, and their configuration."""
    for name, rows in SOURCES.items():
        put(folder, name, kinds[name], rows)
    document = days.configured(folder)
    found = {name: described(spark, folder, name, kind) for name, kind in kinds.items()}
    document["impressions"]["source"] = found["impressions"]
    document["labels"]["conversion"]["source"] = found["conversions"]
    if kinds["impressions"] == "hive":
        document["day"] = {"partition": "dt"}
    return document


@pytest.fixture(scope="module")
def undisturbed(spark, tmp_path_factory):
    """The results of the day when nothing happens meanwhile."""
    folder = tmp_path_factory.mktemp("undisturbed")
    nightly.evaluate(spark, parse(days.small_day(folder, COUNT)), DAY)
    return SimpleNamespace(folder=folder, results=days.all_results(folder))


def in_tables_of(undisturbed, document):
    """The same evaluation in the tables that hold the day: on Apache Spark it takes long to make new ones."""
    return {**document, "tables": {"path": str(undisturbed.folder / "tables")}}


def evaluated(spark, document, undisturbed):
    """The results of the day again."""
    outcome = nightly.evaluate(spark, parse(in_tables_of(undisturbed, document)), DAY)
    assert days.run_ids(undisturbed.folder, "metrics") == {outcome.stamp.run_id}
    return days.all_results(undisturbed.folder)


def disturbed(monkeypatch, step, event):
    """Let something happen right before a step of the run."""
    module, name = MOMENTS[step]
    real = getattr(module, name)
    happened = []

    def after_the_event(*arguments):
        happened.append(event())
        return real(*arguments)

    monkeypatch.setattr(module, name, after_the_event)
    return happened


@pytest.mark.parametrize("case", GROWING, ids=" ".join)
def test_a_night_whose_logs_grow_is_that_of_what_was_pinned(spark, tmp_path, monkeypatch, undisturbed, case):
    kind, step = case
    document = configured(spark, tmp_path, dict.fromkeys(SOURCES, kind))
    happened = disturbed(monkeypatch, step, lambda: [put(tmp_path, name, kind, rows) for name, rows in LATE.items()])
    assert evaluated(spark, document, undisturbed) == undisturbed.results
    assert len(happened) == 1
    monkeypatch.undo()
    # The next run reads what came: the rows were where a source is read.
    assert evaluated(spark, document, undisturbed) != undisturbed.results


def keys(frame, column):
    """A frame of the key alone, which is a text whatever the file has."""
    return frame.select(frame[column].cast("string").alias("key"))


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_of_any_kind_that_grows_is_read_as_it_was_pinned(spark, tmp_path, name):
    pinned, after = {}, {}
    for kind in KINDS:
        folder = tmp_path / kind.replace(" ", "_")
        put(folder, name, kind, SOURCES[name])
        source = Source(**described(spark, folder, name, kind))
        wanted = sources.Wanted(name, source, Day(DAY), "dt" if kind == "hive" else None)
        pinned[kind] = keys(sources.pinned(spark, wanted).frame, "impression_id")
        put(folder, name, kind, LATE[name])
        after[f"{kind}, later"] = keys(sources.pinned(spark, wanted).frame, "impression_id")
    found = collected({**pinned, **after})
    before = sorted(row["impression_id"] for row in SOURCES[name])
    grown = sorted([*before, *(row["impression_id"] for row in LATE[name])])
    assert {kind: sorted(rows) for kind, rows in found.items()} == {
        **dict.fromkeys(pinned, before),
        **dict.fromkeys(after, grown),
    }


VALUES = ["2026-11-16 10%3A00", "with space", "ha#sh", "50%25", "größer"]


def test_files_of_any_partition_value_are_read_and_watched(spark, tmp_path):
    frames = {}
    for number, value in enumerate(VALUES):
        folder = tmp_path / str(number) / "impressions"
        days.written(SOURCES["impressions"][:70], folder / f"part={value}")
        days.written(SOURCES["impressions"][70:], folder / "part=plain")
        source = parse(days.configured(folder.parent)).impressions.source
        pinned = sources.pinned(spark, sources.Wanted("impressions", source, Day(DAY)))
        assert sorted(file.path for file in pinned.files) == sorted(map(str, folder.rglob("*.parquet")))
        frames[value] = pinned.frame.select("part")
        sources.verify([pinned])
        (watched,) = (folder / f"part={value}").iterdir()
        watched.touch()
        with pytest.raises(InputChangedError, match="changed while it was read"):
            sources.verify([pinned])
    for value, parts in collected(frames).items():
        assert Counter(parts) == {unquote(value): 70, "plain": COUNT - 70}


def rewritten(file, kind, rows):
    """Write other rows over a file."""
    new = days.written(rows, file.parent.parent / "new", kind)
    file.write_bytes(new.read_bytes())


@pytest.mark.parametrize("case", CHANGING, ids=" ".join)
def test_a_file_changed_in_place_fails_the_run(spark, tmp_path, monkeypatch, undisturbed, case):
    change, kind, name, step = case
    document = in_tables_of(undisturbed, configured(spark, tmp_path, dict.fromkeys(SOURCES, kind)))
    before = days.bytes_of(undisturbed.folder), days.rows_of(undisturbed.folder, "rejects")
    rows = SOURCES[name]
    other = {"grown": rows * 2, "shrunk": rows[: len(rows) // 2], "same size": rows[::-1]}[change]
    (file,) = (tmp_path / name).iterdir()
    disturbed(monkeypatch, step, lambda: rewritten(file, kind, other))
    with pytest.raises(InputChangedError, match="changed while it was read; nothing was written") as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert caught.value.exit_code == 3
    assert (days.bytes_of(undisturbed.folder), days.rows_of(undisturbed.folder, "rejects")) == before


def test_a_combination_that_the_cells_did_not_see_fails_the_run(spark, tmp_path, monkeypatch, undisturbed):
    document = in_tables_of(undisturbed, configured(spark, tmp_path, dict.fromkeys(SOURCES, "csv")))
    before = days.bytes_of(undisturbed.folder)
    (file,) = (tmp_path / "impressions").iterdir()
    # As many bytes as before, so that a reader with its offsets finds whole rows.
    disturbed(monkeypatch, "before the sums", lambda: file.write_bytes(file.read_bytes().replace(b",FR,", b",GB,")))
    with pytest.raises(InputChangedError, match="input_changed: 40 rows have dimension values") as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert caught.value.exit_code == 3
    assert days.bytes_of(undisturbed.folder) == before
