"""A run or a query over a damaged table changes nothing, and says which one it is and what mends it."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs import nightly
from jobs.errors import ContractError
from jobs.settings import parse
from jobs.sql.query import answered
from tests.world import child, days
from tests.world.days import DAY

SMALL = "mount -t tmpfs -o size=120k none {0} && {1}; code=$?; mount -o remount,size=32m {0} && {1} && exit $code"
# A disk that is full, in a mount of its own that nobody else sees: where the system lets a user make one.
MOUNTS = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


def last_commit(folder, table):
    return sorted((folder / "tables" / "small" / table / "_delta_log").glob("*.json"))[-1]


@pytest.mark.parametrize(
    ("table", "content"),
    [pytest.param("statistics", b"", marks=pytest.mark.only_engine("sail")), ("runs", b"garbage{{{")],
)
def test_a_damaged_table_is_told_and_mended_as_told(spark, folder, table, content):
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    expected = days.all_results(folder)
    last = last_commit(folder, table)
    last.write_bytes(content)
    before = days.bytes_of(folder)
    told = rf"{table} \(.*/{table}\), version {int(last.stem)}: found"
    with pytest.raises(ContractError, match=told) as caught:
        nightly.evaluate(spark, parse(document), DAY)
    with pytest.raises(ContractError, match=told):
        answered(spark, parse(document), f"SELECT COUNT(*) FROM {table}")
    assert days.bytes_of(folder) == before
    assert f"remove {last.stem}.* and .{last.stem}.* in {last.parent}" in str(caught.value)
    for file in (*last.parent.glob(f"{last.stem}.*"), *last.parent.glob(f".{last.stem}.*")):
        file.unlink()
    nightly.evaluate(spark, parse(document), DAY)
    assert days.all_results(folder) == expected


def damaged(folder, table):
    """The data file of a table, after a disk has lost its last bytes: it is as long as before."""
    (file,) = (Path(uri) for uri in DeltaTable(str(folder / "tables" / "small" / table)).file_uris()[:1])
    content = file.read_bytes()
    file.write_bytes(content[:-64] + bytes(64))
    return file


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("table", days.RESULTS)
def test_a_damaged_file_of_results_is_replaced_by_the_next_run_of_its_day(spark, folder, table):
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    expected = days.all_results(folder)
    damaged(folder, table)
    nightly.evaluate(spark, parse(document), DAY)
    assert days.all_results(folder) == expected
    (latest,) = answered(spark, parse(document), "SELECT state, in_doubt FROM runs_latest").to_pylist()
    assert latest == {"state": "done", "in_doubt": False}


@pytest.mark.only_engine("sail")
def test_a_damaged_file_of_runs_is_named_and_nothing_is_changed(spark, folder):
    document = days.small_day(folder)
    nightly.evaluate(spark, parse(document), DAY)
    file, before = damaged(folder, "runs"), days.bytes_of(folder)
    with pytest.raises(ContractError, match="a file of a table is damaged") as caught:
        nightly.evaluate(spark, parse(document), DAY)
    assert str(file.name) in str(caught.value)
    assert "restore it from a backup" in str(caught.value)
    assert days.bytes_of(folder) == before


@pytest.mark.only_engine("sail" if MOUNTS else "none")
def test_a_full_disk_is_told_and_the_next_run_is_right(spark, folder):
    document = days.small_day(folder)
    mounted = folder / "full"
    mounted.mkdir()
    config = days.saved({**document, "tables": {"path": str(mounted)}}, folder / "small.yaml")
    run = shlex.join([*child.COMMAND, "run", str(config), "--date", str(DAY), "--engine", "sail", "--json"])
    done = child.ended("unshare", "-rm", "sh", "-c", SMALL.format(mounted, run))
    first, second = map(json.loads, done.out.splitlines())
    assert (done.code, first["exit_code"], second["exit_code"]) == (3, 3, 0)
    assert f"the table {mounted}/small/" in first["error"]
    assert "could not be written: No space left on device" in first["error"]
