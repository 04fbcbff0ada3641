"""Upkeep keeps every row and every sum: fewer files, none that is needed goes, and what runs comes first."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs import nightly
from jobs.engines.identity import engine_of
from jobs.errors import ConfigurationError
from jobs.ledger import maintenance, runs
from jobs.ledger.stamp import Stamp
from jobs.ledger.writer import Writer
from jobs.settings import parse
from jobs.storage.upkeep import by_delta_rust
from jobs.storage.upkeep.told import Files, Upkeep
from jobs.surfaces.maintain import lines
from tests.world import child, days
from tests.world.days import DAY, RESULTS, impression
from tests.world.duck_db import connected, path
from tests.world.many_nights import files_by_day, told
from tests.world.two_nights import copied

NOTHING = timedelta(0)
WEEK = timedelta(days=7)
NAMES = (*RESULTS, "rejects", "runs")
NIGHTS = 363 if os.environ.get("LOSSLEDGER_FAULTS") == "all" else 40
SAIL = pytest.mark.only_engine("sail")


@pytest.fixture
def again(spark, writer, folder):
    """An evaluation whose day was run three times, the second time with other rows and rejects."""
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    days.written([impression(900, clicked=None)], folder / "impressions")
    for _ in range(2):
        nightly.evaluate(spark, parse(document), DAY)
    return parse(document)


def rows_of(settings, names=NAMES):
    """The rows of every table, in an order."""
    found = {name: DeltaTable(path(settings, name)).to_pyarrow_table().to_pylist() for name in names}
    return {name: sorted(map(str, rows)) for name, rows in found.items()}


def versions(settings):
    return {name: DeltaTable(path(settings, name)).version() for name in NAMES}


def data_files(settings, name):
    """The data files in the folder of a table, whether the table has them or not."""
    return {str(file.relative_to(path(settings, name))) for file in Path(path(settings, name)).rglob("part-*.parquet")}


def referenced(settings, name):
    return {file.split(f"/{name}/")[1].replace("%3A", ":") for file in DeltaTable(path(settings, name)).file_uris()}


def test_upkeep_keeps_every_row_and_what_is_needed_of_the_files(spark, again):
    before, at = rows_of(again), versions(again)
    expected = maintenance.maintained(spark, again, NOTHING, dry_run=True)
    assert (rows_of(again), versions(again)) == (before, at)
    found = maintenance.maintained(spark, again, NOTHING)
    assert rows_of(again) == before
    for name in NAMES:
        assert set(files_by_day(again, name).values()) <= {1}
        assert data_files(again, name) == referenced(again, name)
        assert found[name].compacted.count == expected[name].compacted.count
        # What is put together is deleted at once where nothing is kept for readers.
        assert found[name].deleted.count == expected[name].deleted.count + found[name].compacted.count
    assert found["runs"].compacted.count == 6
    assert found["runs"].into.count == 1
    assert found["statistics"].deleted.count == 2
    at = versions(again)
    nothing = maintenance.maintained(spark, again, NOTHING)
    assert [name for name, of in nothing.items() if of.compacted.count or of.deleted.count or of.forgotten] == []
    assert versions(again) == at
    # The tables are written on.
    outcome = nightly.evaluate(spark, again, DAY)
    assert {run for name in RESULTS for run in days.run_ids(Path(again.tables.path).parent, name)} == {
        outcome.stamp.run_id
    }


def test_rejects_are_kept_as_long_as_configured(spark, again):
    settings = parse({**again.document(), "limits": {"rejects_kept": "90d"}})
    day = datetime(2026, 11, 16, 12, tzinfo=UTC)
    for now, rows in ((day + timedelta(days=90), 0), (day + timedelta(days=91), 2)):
        for dry_run in (True, False):
            found = maintenance.maintained(spark, settings, WEEK, dry_run=dry_run, now=now)
            assert found["rejects"].forgotten == rows
    assert rows_of(settings, ["rejects"]) == {"rejects": []}
    assert len(rows_of(settings)["statistics"]) > 0


@SAIL
def test_a_week_is_kept_for_readers_and_younger_days_are_left_alone(spark, again):
    orphan = Path(path(again, "metrics"), "part-orphan.parquet")
    orphan.write_bytes(b"of a run that was killed before it committed")
    before = data_files(again, "statistics")
    moment = datetime.combine(DAY, datetime.min.time(), UTC)
    for now, compacted in ((moment + WEEK, 0), (moment + WEEK + timedelta(days=1), 6)):
        found = maintenance.maintained(spark, again, WEEK, now=now)
        assert found["runs"].compacted.count == compacted
        assert {of.deleted for of in found.values()} == {Files()}
    assert data_files(again, "statistics") == before
    assert orphan.exists()


@SAIL
def test_files_that_a_run_under_way_may_read_stay(spark, again):
    stamp = Stamp(DAY, 24, datetime.now(UTC), "other")
    holder = {"host": "elsewhere", "pid": 7, "birth": None, "silence": 600.0}
    writer = Writer(spark, again, stamp)
    writer.append("runs", runs.event("started", stamp, again, engine_of(spark), turn=9, holder=holder))
    assert {of.deleted for of in maintenance.maintained(spark, again, NOTHING).values()} == {Files()}
    writer.append("runs", runs.event("failed", stamp, again, engine_of(spark), turn=9, holder=holder))
    assert maintenance.maintained(spark, again, NOTHING)["statistics"].deleted.count == 2


@SAIL
def test_a_run_that_commits_meanwhile_goes_first(spark, again, monkeypatch):
    real, meanwhile = by_delta_rust._sizes, []

    def sizes(table, before):
        found = real(table, before)
        if table.table_uri.rstrip("/").endswith("/statistics") and not meanwhile:
            meanwhile.append(nightly.evaluate(spark, again, DAY).stamp.run_id)
            # As if there were something to put together.
            return {part: [*files, *files] for part, files in found.items()}
        return found

    monkeypatch.setattr(by_delta_rust, "_sizes", sizes)
    before = rows_of(again, ["shard_statistics"])
    maintenance.maintained(spark, again, WEEK, now=datetime(2026, 12, 24, tzinfo=UTC))
    assert days.run_ids(Path(again.tables.path).parent, "statistics") == {*meanwhile}
    assert len(rows_of(again, ["shard_statistics"])["shard_statistics"]) == len(before["shard_statistics"])


@SAIL
def test_after_a_year_of_nights_there_are_few_files_and_the_same_sums(spark, ledger, tmp_path):
    settings, names = copied(ledger, tmp_path), ("statistics", "runs")
    nights = [date(2025, 3, 19) + timedelta(days=i) for i in range(NIGHTS)]
    template = max(day for day, _ in files_by_day(settings, "statistics"))
    told(settings, template, names, nights)
    query = "SELECT COUNT(*) AS n, CAST(SUM(positive_nll) AS VARCHAR) AS nll, SUM(n) AS rows FROM statistics"
    asked = f"{query} WHERE event_date BETWEEN DATE '{nights[-28]}' AND DATE '{nights[-1]}'"
    with connected(settings) as duck:
        before = duck.sql(asked).fetchall()
    every = rows_of(settings, names)
    # Two more nights are there.
    assert sum(files_by_day(settings, "runs").values()) == 2 * (NIGHTS + 2)
    maintenance.maintained(spark, settings, NOTHING)
    assert rows_of(settings, names) == every
    for name in names:
        by_day = files_by_day(settings, name)
        assert (len(by_day), max(by_day.values())) == (NIGHTS + 2, 1)
        assert data_files(settings, name) == referenced(settings, name)
        log = list(Path(path(settings, name), "_delta_log").glob("*.checkpoint.parquet"))
        assert max(int(file.name[:20]) for file in log) == DeltaTable(path(settings, name)).version()
    with connected(settings) as duck:
        assert duck.sql(asked).fetchall() == before


def test_less_than_a_week_is_refused_unless_it_is_said_to_be_wanted():
    with pytest.raises(ConfigurationError, match=r"--older-than: found 1d, expected 7d or more, .+; or --unsafe"):
        maintenance.checked(timedelta(days=1), unsafe=False)
    assert maintenance.checked(timedelta(days=1), unsafe=True) == timedelta(days=1)
    assert maintenance.checked(WEEK, unsafe=False) == WEEK


def test_what_was_done_is_told():
    did = {"runs": Upkeep(Files(730, 10), Files(365, 5), Files(12, 2_500_000), 3, 700), "metrics": Upkeep()}
    assert list(lines(did, dry_run=False)) == [
        "runs: 3 rows of days that are no longer kept; 730 files of closed days into 365; 12 unused files (2.5 MB); "
        "700 files of the log",
        "2 tables, 12 files (2.5 MB) deleted",
    ]
    assert list(lines({"metrics": Upkeep()}, dry_run=True)) == [
        "1 tables, 0 files (0.0 MB) would be deleted; nothing was done"
    ]


@SAIL
def test_the_command_maintains(again, tmp_path):
    config = days.saved(again.document(), tmp_path / "small.yaml")
    command = (*child.COMMAND, "maintain", config)
    told = child.succeeded(*command, "--older-than", "0d", "--unsafe", "--json").told
    assert (told["exit_code"], told["dry_run"]) == (0, False)
    assert told["tables"]["statistics"]["deleted"]["count"] == 2
    dry = child.succeeded(*command, "--dry-run")
    assert dry.out.splitlines()[-1] == "6 tables, 0 files (0.0 MB) would be deleted; nothing was done"
    refused = child.ended(*command, "--older-than", "1h", "--json")
    assert (refused.code, json.loads(refused.out)["exit_code"]) == (2, 2)
    assert child.ended(*command, "--older-than", "soon").code == 2
    nowhere = child.ended(*command, "--set", "evaluation=other", "--json")
    assert (nowhere.code, nowhere.told["error"].splitlines()[0]) == (2, "there is nothing to maintain")
