"""spark-submit with the zip, away from the source tree: true exit codes. Its numbers: `engines/test_cluster.py`."""

import pytest

from tests.world import child, cluster, days


# This session's engine is not in the way: it is only here so that the test runs with those of Apache Spark.
@pytest.mark.only_engine("spark")
@pytest.mark.usefixtures("spark")
def test_exit_codes_come_through(tmp_path):
    shipped = child.shipped_into(tmp_path)
    config = days.saved(days.small_day(tmp_path / "night"), tmp_path / "small.yaml")
    command = cluster.submitted("local[1]", config, "--date", "2026-11-15", "--json")
    done = child.ended(*command, cwd=shipped, **child.of_submit())
    assert done.code == done.told["exit_code"] == 4, done.out + done.err
    assert "2026-11-15 is empty" in done.told["error"]
