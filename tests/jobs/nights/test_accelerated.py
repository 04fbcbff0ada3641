"""An accelerator changes how fast a night is, and no bit of it, also where labels do not fit into its memory."""

import json
import secrets
import sys

import pytest

from jobs.engines.comet import OF_POOL
from jobs.engines.pins import PAIRS
from tests.world import child, days
from tests.world.night import evaluated, table

TABLES = ("statistics", "shard_statistics", "score_bins", "metrics")
POOL = 2**28
# A night by the command line in a session with a pool of that size; the joins of its plans are told, too.
IN_A_SMALL_POOL = """
import re, sys
from typer.testing import CliRunner
from jobs.cli import app
from jobs.engines.comet import POOL
from jobs.engines.session import session
with session("spark", accelerator="comet", settings={POOL: sys.argv[1]}) as spark:
    ended = CliRunner().invoke(app, sys.argv[2:])
    plans = spark._jsparkSession.sharedState().statusStore().executionsList()
    text = "".join(plans.apply(i).physicalPlanDescription() for i in range(plans.size()))
print(ended.stdout)
print(*set(re.findall(r"\\w+Join", text)), file=sys.stderr)
sys.exit(ended.exit_code)
"""


@pytest.fixture
def config(tmp_path):
    """A day with copies, and with conversions about nothing that are larger than what a pool lets broadcast."""
    made = days.small_day(tmp_path, count=2000, bins={"slices": [[]]})
    days.written([days.impression(i) for i in range(0, 2000, 40)], tmp_path / "impressions")
    count = 2 * POOL // OF_POOL // 320
    strays = [days.conversion(i % 2000, impression_id=secrets.token_hex(160)) for i in range(count)]
    days.written(strays, tmp_path / "conversions")
    made["labels"]["conversion"]["unmatched"] = {"refuse": 1}
    return made


@pytest.mark.only_engine("spark")
def test_a_night_on_comet_has_the_bits_of_one_on_spark_alone_and_says_what_it_was(spark, config, tmp_path):
    events = {name: of.counts for name, of in evaluated(spark, config, days.DAY).events.items()}
    plain = [table(config, name, days.DAY) for name in TABLES]
    config["tables"] = {"path": str(tmp_path / "accelerated")}
    file = days.saved(config, tmp_path / "accelerated.yaml")
    given = ("run", file, "--date", days.DAY, "--engine", "spark", "--accelerator", "comet", "--json")
    run = child.succeeded(sys.executable, "-c", IN_A_SMALL_POOL, POOL, *given)
    assert "CometSortMergeJoin" in run.err
    assert (run.told["rows"]["duplicate"], run.told["label_events"]) == (50, events)
    version = PAIRS[0].comet
    assert run.told["accelerator"] == f"accelerated by Apache DataFusion Comet {version}"
    (done,) = (row for row in table(config, "runs", days.DAY).to_pylist() if row["state"] == "done")
    assert json.loads(done["versions"])["comet"] == version
    assert [table(config, name, days.DAY) for name in TABLES] == plain
