"""An accelerator changes how fast a night is, and no bit of it."""

import json

import pytest

from jobs.engines.pins import PAIRS
from tests.world import child, days
from tests.world.night import evaluated, table

TABLES = ("statistics", "shard_statistics", "score_bins", "metrics")


@pytest.mark.only_engine("spark")
def test_a_night_on_comet_has_the_bits_of_one_on_spark_alone_and_says_what_it_was(spark, tmp_path):
    config = days.small_day(tmp_path, count=2000, bins={"slices": [[]]})
    days.written([days.impression(i) for i in range(0, 2000, 40)], tmp_path / "impressions")  # copies
    events = {name: of.counts for name, of in evaluated(spark, config, days.DAY).events.items()}
    plain = [table(config, name, days.DAY) for name in TABLES]
    config["tables"] = {"path": str(tmp_path / "accelerated")}
    file = days.saved(config, tmp_path / "accelerated.yaml")
    run = child.succeeded(*child.COMMAND, "run", file, "--date", days.DAY, "--accelerator", "comet", "--json")
    assert (run.told["rows"]["duplicate"], run.told["label_events"]) == (50, events)
    version = PAIRS[0].comet
    assert run.told["accelerator"] == f"accelerated by Apache DataFusion Comet {version}"
    (done,) = (row for row in table(config, "runs", days.DAY).to_pylist() if row["state"] == "done")
    assert json.loads(done["versions"])["comet"] == version
    assert [table(config, name, days.DAY) for name in TABLES] == plain
