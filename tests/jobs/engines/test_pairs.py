"""Every tested pair of Apache Spark and Delta makes the same bits, each in a process of its own."""

import os
from pathlib import Path

import pyspark
import pytest

from jobs.engines.pins import PAIRS
from tests.world import child, days
from tests.world.night import evaluated_by, table

OTHER = Path(os.environ.get("LOSSLEDGER_OTHER", child.ROOT / ".other"))
TABLES = ("statistics", "shard_statistics", "score_bins", "metrics")


@pytest.mark.pair
def test_a_night_on_the_other_pair_has_the_same_bits(tmp_path):
    (other,) = (pair for pair in PAIRS if pair.spark != pyspark.__version__)
    assert (OTHER / "pyspark").is_dir(), f"there is no PySpark in {OTHER}: `make pair` installs it and runs this test"
    config = days.small_day(tmp_path, bins={"slices": [[]]})
    found = {}
    for spark, path in ((pyspark.__version__, {}), (other.spark, {"PYTHONPATH": str(OTHER)})):
        config["tables"] = {"path": str(tmp_path / spark)}
        evaluated_by("spark", config, days.DAY, **path)
        (done,) = (run for run in table(config, "runs", days.DAY).to_pylist() if run["state"] == "done")
        assert f'"pyspark": "{spark}"' in done["versions"]
        found[spark] = [table(config, name, days.DAY) for name in TABLES]
    assert found[pyspark.__version__] == found[other.spark]
    assert all(rows.num_rows for rows in found[other.spark])
