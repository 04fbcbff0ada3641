"""Sail as one process and as a cluster in it: the same bits."""

import json

import pytest

from jobs.engines import sail
from jobs.errors import ConfigurationError
from tests.world import days
from tests.world.days import DAY
from tests.world.night import evaluated, evaluated_by, table

TABLES = ("statistics", "shard_statistics", "score_bins", "metrics")


@pytest.mark.only_engine("sail")
def test_a_night_on_a_local_cluster_of_sail_has_the_same_bits(spark, tmp_path):
    config = days.small_day(tmp_path, bins={"slices": [[]]})
    # More files than one, so that there are several tasks.
    days.written([days.impression(i) for i in range(120, 200)], tmp_path / "impressions")
    evaluated(spark, config, DAY)
    before = [table(config, name, DAY) for name in TABLES]
    evaluated_by("sail", config, DAY, SAIL_MODE="local-cluster")
    assert [table(config, name, DAY) for name in TABLES] == before
    assert all(rows.num_rows for rows in before)
    runs = [json.loads(run["versions"]) for run in table(config, "runs", DAY).to_pylist() if run["state"] == "done"]
    assert {run.get("sail_mode") for run in runs} == {None, "local-cluster"}


def test_a_mode_of_sail_that_was_not_tested_is_refused(monkeypatch):
    monkeypatch.setenv("SAIL_MODE", "local_cluster")
    assert sail.mode() == "local-cluster"
    monkeypatch.setenv("SAIL_MODE", "kubernetes-cluster")
    with pytest.raises(
        ConfigurationError, match="SAIL_MODE: found 'kubernetes-cluster', expected one of local, local-"
    ):
        sail.mode()
