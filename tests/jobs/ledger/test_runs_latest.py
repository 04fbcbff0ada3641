"""`runs_latest` knows for every day whether the tables hold one whole run that was done."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs import nightly
from jobs.engines.identity import engine_of
from jobs.ledger import runs
from jobs.ledger.stamp import Stamp
from jobs.ledger.tables import SCORE_BINS
from jobs.settings import parse
from jobs.sql.query import answered
from jobs.storage import lake
from tests.world.two_nights import NEXT_DAY, SIZES, changed, copied, held

RESULTS = ("statistics", "shard_statistics", "metrics", "score_bins")

REFRESHED = "old fresh.started fresh.metrics fresh.done"
# What happened on a day, in this order (`wrote` is all tables of results), and what runs_latest must say of it.
STORIES = {
    "done": ("old", "done", False),
    "killed before it wrote": ("old new.started", "in_doubt", True),
    "killed after statistics": ("old new.started new.statistics", "in_doubt", True),
    "killed after two tables": ("old new.started new.metrics new.shard_statistics", "in_doubt", True),
    "killed before it said done": ("old new.started new.wrote", "in_doubt", True),
    "refused": ("old new.started new.refused", "refused", False),
    "failed before it wrote": ("old new.started new.failed", "failed", False),
    "failed after it wrote a table": ("old new.started new.metrics new.failed", "failed", True),
    "repaired": ("old new.started new.statistics newer.started newer.wrote newer.done", "done", False),
    "refused after a killed one": ("old new.started new.wrote newer.started newer.refused", "refused", True),
    "killed, then done": ("new.started old", "done", False),
    "at the same time": ("new.started newer.started newer.wrote newer.done new.wrote new.done", "done", False),
    "mixed at the same time": ("new.started newer.started newer.wrote newer.done new.metrics new.done", "done", True),
    "failed after it was done": ("new.started new.wrote new.done new.failed", "failed", False),
    "never done": ("new.started new.refused", "refused", False),
    "never done, but wrote": ("new.started new.statistics new.failed", "failed", True),
    "paused before it wrote its bins": (
        "new.started newer.started newer.wrote newer.done new.score_bins new.failed",
        "done",
        True,
    ),
    "paused before it said done": (
        "new.started new.wrote newer.started newer.wrote newer.done new.done",
        "done",
        False,
    ),
    "done without bins": ("new.started new.statistics new.shard_statistics new.metrics new.done", "done", False),
    "done, and rows of an older one came back": (
        "aged.started aged.wrote aged.done new.started new.wrote new.done aged.wrote",
        "done",
        True,
    ),
    "done, and the rows are lost": ("new.started new.statistics new.metrics new.done", "done", True),
    "refreshed": ("old fresh.started fresh.metrics fresh.done", "done", False),
    "refresh killed before it wrote": ("old fresh.started", "in_doubt", True),
    "refresh killed after it wrote": ("old fresh.started fresh.metrics", "in_doubt", True),
    "refresh failed before it wrote": ("old fresh.started fresh.failed", "failed", False),
    "refresh failed after it wrote": ("old fresh.started fresh.metrics fresh.failed", "failed", True),
    "refreshed, then run": (f"{REFRESHED} new.started new.wrote new.done", "done", False),
    "refreshed, then killed after bins": (f"{REFRESHED} new.started new.score_bins", "in_doubt", True),
    "refreshed, and sums of an older run came back": (
        f"aged.started aged.wrote aged.done {REFRESHED} aged.statistics aged.shard_statistics aged.score_bins",
        "done",
        True,
    ),
}
# Of these the sums are whole, and what else there is can be made of them.
WHOLE = {
    **dict.fromkeys((name for name in STORIES if name.startswith(("refreshed", "refresh "))), "old"),
    "refreshed, then run": "new",
    "refreshed, then killed after bins": None,
    "refreshed, and sums of an older run came back": None,
    "done": "old",
    "killed after statistics": None,
    "failed after it wrote a table": "old",
    "killed before it said done": None,
    "never done": None,
}
PAUSED = ("paused before it wrote its bins", "paused before it said done")
OLD = "old.started old.wrote old.done"
FIRST_STORY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def stories(spark, ledger, tmp_path_factory):
    """The rows of runs_latest by story, each told on a day of its own."""
    settings = with_bins(copied(ledger, tmp_path_factory.mktemp("stories")))
    lake.ensure(spark, lake.address(settings, "score_bins", engine_of(spark)), SCORE_BINS)
    events, rows = [], {table: [] for table in RESULTS}
    templates = {table: held(spark, ledger, table).slice(0, 1) for table in RESULTS[:3]}
    templates["score_bins"] = bins_like(templates["metrics"])
    for number, (text, _, _) in enumerate(STORIES.values()):
        day = FIRST_STORY + timedelta(days=number)
        told, holders = story(text, day, settings)
        events += told
        for table, run_id in holders.items():
            rows[table].append(changed(templates[table], {"event_date": day, "run_id": run_id}))
    for table, new in {"runs": events, **rows}.items():
        lake.append(spark, lake.address(settings, table, engine_of(spark)), pa.concat_tables(new), {})
    found = answered(spark, settings, "SELECT * FROM runs_latest").to_pylist()
    by_day = {row["event_date"]: row for row in found}
    return {name: by_day[FIRST_STORY + timedelta(days=number)] for number, name in enumerate(STORIES)}


def with_bins(settings):
    return parse({**settings.document(), "bins": {"slices": [[]]}})


def bins_like(metrics):
    """A row of score_bins of the same run as one of metrics."""
    keys = {name: metrics[name][0].as_py() for name in metrics.column_names if name in SCORE_BINS.schema.names}
    row = {**dict.fromkeys(SCORE_BINS.schema.names), **keys, "shard": -1, "bin": 0.5, "n": 1}
    return pa.Table.from_pylist([row], schema=SCORE_BINS.schema)


def story(text, day, settings):
    """The events of a day, one second apart, and the run whose rows each table then holds."""
    events, holders = [], {}
    for second, token in enumerate(text.replace("old", OLD).split()):
        run_id, what = token.split(".")
        if what in RESULTS or what == "wrote":
            holders.update(dict.fromkeys(RESULTS if what == "wrote" else [what], run_id))
        else:
            moment = datetime(2026, 7, 1, tzinfo=UTC) + timedelta(seconds=second)
            event = runs.event(what, Stamp(day, 0, moment, run_id), settings, "sail", message=f"{run_id} {what}")
            of = {"sums_run_id": "old"} if run_id == "fresh" else {}
            events.append(changed(event, {"event_time": moment, **of}))
    return events, holders


@pytest.mark.parametrize("name", STORIES)
def test_runs_latest_knows_whether_the_tables_can_be_trusted(stories, name):
    _, state, in_doubt = STORIES[name]
    assert (stories[name]["state"], stories[name]["in_doubt"]) == (state, in_doubt)


def test_runs_latest_shows_the_run_that_started_last(stories):
    newest = {name: text.split()[-1].split(".")[0] for name, (text, _, _) in STORIES.items()}
    newest |= dict.fromkeys(("mixed at the same time", *PAUSED), "newer")
    newest["done, and rows of an older one came back"] = "new"
    newest["refreshed, and sums of an older run came back"] = "fresh"
    assert {name: row["run_id"] for name, row in stories.items()} == newest


def test_runs_latest_names_the_run_that_the_rows_are_of(stories):
    assert stories["at the same time"]["held_run_id"] == "new"
    assert stories["paused before it said done"]["held_run_id"] == "newer"
    assert stories["refused"]["held_run_id"] == "old"
    assert stories["mixed at the same time"]["held_run_id"] is None
    assert stories["paused before it wrote its bins"]["held_run_id"] is None
    assert stories["never done"]["held_run_id"] is None


def test_runs_latest_names_the_run_of_sums_that_are_whole(stories):
    assert {name: stories[name]["sums_run_id"] for name in WHOLE} == WHOLE
    assert stories["refreshed"]["held_run_id"] == "fresh"


def test_runs_latest_has_the_times_and_the_message_of_the_run(stories):
    row = stories["refused"]
    assert row["ended_time"] - row["started_time"] == timedelta(seconds=1)
    assert row["message"] == "new refused"
    assert stories["killed before it wrote"]["ended_time"] is None


def test_runs_latest_has_the_row_ledger(spark, ledger):
    rows = answered(spark, ledger, "SELECT * FROM runs_latest").to_pylist()
    assert {row["event_date"]: row["rows_read"] for row in rows} == SIZES
    assert [(row["rows_rejected"], row["rows_read"] - row["rows_scored"]) for row in rows] == [(1, 1)] * 2
    assert [(row["state"], row["in_doubt"], row["age_hours"]) for row in rows] == [("done", False, 0)] * 2


@pytest.mark.only_engine("sail")
def test_a_table_of_another_run_puts_the_day_in_doubt_until_the_next_run(spark, ledger, tmp_path):
    settings = copied(ledger, tmp_path)
    where = lake.address(settings, "shard_statistics", engine_of(spark))
    rows = held(spark, settings, "shard_statistics")
    lake.replace(spark, where, changed(rows.filter(pc.equal(rows["event_date"], NEXT_DAY)), {"run_id": "else"}), {})
    doubts = "SELECT event_date, in_doubt FROM runs_latest ORDER BY event_date"
    assert answered(spark, settings, doubts)["in_doubt"].to_pylist() == [False, True]
    nightly.evaluate(spark, settings, NEXT_DAY)
    assert answered(spark, settings, doubts)["in_doubt"].to_pylist() == [False, False]
