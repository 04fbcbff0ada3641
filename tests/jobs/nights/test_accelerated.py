"""An accelerator changes how fast a night is, and no bit of it."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest

from jobs.engines.pins import PAIRS
from tests.world import child, cluster, days
from tests.world.night import evaluated, table

TABLES = ("statistics", "shard_statistics", "score_bins", "metrics")


@pytest.mark.only_engine("spark")
def test_a_night_on_comet_has_the_bits_of_one_on_spark_alone_and_says_what_it_was(spark, tmp_path):
    config = days.small_day(tmp_path, count=2000, bins={"slices": [[]]})
    evaluated(spark, config, days.DAY)
    plain = [table(config, name, days.DAY) for name in TABLES]
    config["tables"] = {"path": str(tmp_path / "accelerated")}
    file = days.saved(config, tmp_path / "accelerated.yaml")
    run = child.succeeded(*child.COMMAND, "run", file, "--date", days.DAY, "--accelerator", "comet", "--json")
    version = PAIRS[0].comet
    assert run.told["accelerator"] == f"accelerated by Apache DataFusion Comet {version}"
    (done,) = (row for row in table(config, "runs", days.DAY).to_pylist() if row["state"] == "done")
    assert json.loads(done["versions"])["comet"] == version
    assert [table(config, name, days.DAY) for name in TABLES] == plain


@pytest.mark.only_engine("spark")
@pytest.mark.usefixtures("spark")
def test_where_the_labels_do_not_fit_the_run_ends_with_the_mend_and_the_tables_as_they_were(tmp_path):
    shipped = child.shipped_into(tmp_path)
    config = days.saved(days.small_day(tmp_path / "night"), tmp_path / "small.yaml")
    child.succeeded(*child.COMMAND, "run", config, "--date", days.DAY, "--engine", "sail", "--json")
    before = days.all_results(tmp_path / "night")
    many = [sha256(str(i).encode()).hexdigest() for i in range(200_000)]
    moments = [days.START + timedelta(seconds=i / 4) for i in range(len(many))]
    pairs = list(zip(many, moments, strict=True))
    added = [days.impression(i, impression_id=each, ts=moment) for i, (each, moment) in enumerate(pairs)]
    days.written(added, tmp_path / "night" / "impressions")
    converted = [{"impression_id": each, "conv_ts": moment + timedelta(hours=1)} for each, moment in pairs]
    days.written(converted, tmp_path / "night" / "conversions")
    submit, *rest = cluster.submitted("local[2]", config, "--date", days.DAY, "--json", conf="spark-comet.conf")
    pool = ("--conf", "spark.memory.offHeap.size=64m")
    small = child.ended(submit, *pool, *rest, cwd=shipped, **child.of_submit())
    assert (small.code, small.told["exit_code"]) == (3, 3), small.out + small.err
    assert "--accelerator none" in small.told["error"]
    assert days.all_results(tmp_path / "night") == before
