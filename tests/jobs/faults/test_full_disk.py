"""A disk that is full at any moment of a run: whole tables are left, truly told; with more room the next is right."""

import json
import os
import shlex
import subprocess

import pytest
from deltalake import DeltaTable

from jobs.settings import parse
from jobs.sql.query import answered
from tests.world import child, days
from tests.world.days import DAY, RESULTS

# As much as a run takes in all, and less: KiB of a disk in memory, in a mount of its own that nobody else sees.
SIZES = (*range(16, 480, 16),) if os.environ.get("LOSSLEDGER_FAULTS") == "all" else (200,)
MOUNTS = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
TOO_SMALL = 120  # for a run, whatever else
SCRIPT = """
mount -t tmpfs -o size={size}k none {place} && {run}; cp -r {place}/. {first}
mount -o remount,size=64m {place} && {run}; cp -r {place}/. {second}
"""
pytestmark = pytest.mark.only_engine("sail" if MOUNTS else "none")


def whole(spark, folder, document, expected):
    """Whether all tables are of one run that was done; each has all rows of one, or none."""
    held = {table: days.results(folder, table) for table in RESULTS}
    assert [table for table, rows in held.items() if rows not in ([], expected[table])] == []
    settings = parse({**document, "tables": {"path": str(folder / "tables")}})
    if not all(DeltaTable.is_deltatable(str(folder / "tables" / "small" / name)) for name in (*RESULTS, "runs")):
        return False
    latest = answered(spark, settings, "SELECT * FROM runs_latest").to_pylist()
    trusted = [row for row in latest if row["held_run_id"] is not None and not row["in_doubt"]]
    runs = {run for table in RESULTS for run in days.run_ids(folder, table)}
    assert [{row["held_run_id"]} for row in trusted] in ([], [runs])
    return bool(trusted)


@pytest.mark.parametrize("size", SIZES)
def test_a_disk_that_fills_up_anywhere_leaves_whole_tables_and_the_next_run_is_right(spark, tmp_path, size):
    document = days.small_day(tmp_path)
    undisturbed = days.saved(document, tmp_path / "undisturbed.yaml")
    child.succeeded(*child.COMMAND, "run", undisturbed, "--date", DAY, "--engine", "sail", "--json")
    expected = days.all_results(tmp_path)
    place, first, second = (tmp_path / name for name in ("disk", "first/tables", "second/tables"))
    for folder in (place, first, second):
        folder.mkdir(parents=True)
    config = days.saved({**document, "tables": {"path": str(place)}}, tmp_path / "small.yaml")
    run = shlex.join([*child.COMMAND, "run", str(config), "--date", str(DAY), "--engine", "sail", "--json"])
    script = SCRIPT.format(size=size, place=place, run=run, first=first, second=second)
    done = child.succeeded("unshare", "-rm", "sh", "-c", script)
    full, right = map(json.loads, done.out.splitlines())
    assert whole(spark, first.parent, document, expected) == (full["exit_code"] == 0)
    assert full["exit_code"] == (3 if size <= TOO_SMALL else full["exit_code"])
    assert full["exit_code"] == 0 or "No space left on device" in full["error"]
    assert right["exit_code"] == 0, right
    assert whole(spark, second.parent, document, expected)
