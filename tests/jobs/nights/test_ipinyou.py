"""100,000 real impressions: the metrics are scikit-learn's and NumPy's, the sums are the same bits everywhere."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import csv
from pyspark.sql import SparkSession
from sklearn.metrics import brier_score_loss, log_loss

from jobs.settings import load
from tests.world.child import ROOT
from tests.world.night import DAY, EXACT, evaluated, evaluated_by, parquet, table

NAMES = ["click", "price", "pctr", "exchange"]
CLIP = 1e-15
# For a number of files, what else may differ from night to night: rows per Arrow batch, adaptive execution.
BATCH, ADAPTIVE = "spark.sql.execution.arrow.maxRecordsPerBatch", "spark.sql.adaptive.enabled"
PLANS = {
    1: {BATCH: "65536", ADAPTIVE: "true"},
    7: {BATCH: "999", ADAPTIVE: "false"},
    64: {BATCH: "100000", ADAPTIVE: "true"},
}


@pytest.fixture(scope="module")
def rows(data_dir: Path) -> pa.Table:
    options = csv.ParseOptions(delimiter="\t")
    file = data_dir / "ipinyou_1458" / "test.txt"
    return csv.read_csv(file, csv.ReadOptions(column_names=NAMES), options)


@pytest.fixture(scope="module")
def config(data_dir: Path, tmp_path_factory):
    """The example of conf/, with tables of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSLEDGER_DATA", str(data_dir))
        folder = tmp_path_factory.mktemp("ipinyou")
        return load(ROOT / "conf" / "ipinyou.yaml", [f"tables.path={folder}"]).document()


@pytest.fixture(scope="module")
def evaluation(spark, config):
    return evaluated(spark, config)


def peers(click: NDArray, score: NDArray) -> dict[str, float]:
    """The metrics by other people's code. They take no score of 0, so it is what `loss.clip` makes of it."""
    rate = click.mean()
    loss = log_loss(click, np.clip(score, CLIP, 1.0 - CLIP), labels=[0, 1])
    return {
        "log_loss": loss,
        "log_loss_total": loss * len(click),
        "normalized_entropy": loss / log_loss(click, np.full(len(click), rate), labels=[0, 1]),
        "predicted_over_actual": score.sum() / click.sum(),
        "brier_score": brier_score_loss(click, score),
        "base_rate": rate,
        "mean_score": score.mean(),
    }


@pytest.mark.parametrize("exchange", [None, 1, 2, 3])
def test_metrics_are_those_of_scikit_learn(evaluation, rows, exchange):
    chosen = np.full(len(rows), True) if exchange is None else rows["exchange"].to_numpy() == exchange
    expected = peers(rows["click"].to_numpy()[chosen], rows["pctr"].to_numpy()[chosen])
    name = "" if exchange is None else f"exchange={exchange}"
    found = {row["metric"]: row["value"] for row in evaluation.metrics.to_pylist() if row["slice"] == name}
    assert {metric: found[metric] for metric in expected} == pytest.approx(expected, rel=1e-12, abs=0)


def test_scores_of_zero_were_among_them(evaluation, config, rows):
    statistics = table(config, "statistics")
    zeros = rows["pctr"].to_numpy() == 0.0
    assert zeros.sum() > 0
    right = sum(statistics["hard_right_negative_weight"].to_pylist())
    wrong = sum(statistics["hard_wrong_positive_weight"].to_pylist())
    assert right + wrong == int(zeros.sum())


def test_every_row_is_accounted_for(evaluation):
    ledger = evaluation.ledger
    assert (ledger.read, ledger.scored) == (100_000, 100_000)
    assert (ledger.outside, ledger.rejected, ledger.duplicate) == (0, 0, 0)


@pytest.mark.only_engine("spark")
@pytest.mark.parametrize("name", EXACT)
def test_both_engines_have_the_same_bits(evaluation, config, other_engine, name):
    assert table(config, name) == table(other_engine, name)


@pytest.fixture(scope="module")
def other_engine(config, tmp_path_factory):
    there = {**config, "tables": {"path": str(tmp_path_factory.mktemp("sail"))}}
    evaluated_by("sail", there)
    return there


@contextmanager
def planned(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield
    for name, value in before.items():
        spark.conf.unset(name) if value is None else spark.conf.set(name, value)


@pytest.fixture(scope="module")
def shuffled(spark, config, rows, tmp_path_factory) -> tuple[dict, dict[int, date]]:
    """The rows as 1, 7 and 64 files in other orders, each on a day of its own of the same tables."""
    folder = tmp_path_factory.mktemp("shuffled")
    config = {**config, "tables": {"path": str(folder / "tables")}}
    days = {files: DAY + timedelta(days=i) for i, files in enumerate(PLANS)}
    for files, day in days.items():
        order = np.random.default_rng(files).permutation(len(rows))
        source = parquet(folder / f"files-{files}", rows.take(order), files)
        impressions = {**config["impressions"], "source": {"format": "parquet", "path": str(source)}}
        with planned(spark, PLANS[files]):
            evaluated(spark, {**config, "impressions": impressions}, day)
    return config, days


@pytest.mark.parametrize("name", EXACT)
def test_files_order_and_plan_change_no_bit(shuffled, name):
    config, days = shuffled
    one, seven, many = (table(config, name, day) for day in days.values())
    assert one.num_rows > 0
    assert one == seven == many


def test_sums_by_cell_are_those_of_the_text_file(evaluation, config, shuffled):
    config_of_files, days = shuffled
    assert table(config, "statistics") == table(config_of_files, "statistics", days[64])


@pytest.mark.only_engine("sail")
def test_native_logarithms_are_an_option_and_are_recorded(spark, config, evaluation, tmp_path):
    native = {**config, "loss": {**config["loss"], "kernel": "native"}, "tables": {"path": str(tmp_path)}}
    found = evaluated(spark, native).metrics
    values, strict = found["value"].to_numpy(), evaluation.metrics["value"].to_numpy()
    assert found["metric"] == evaluation.metrics["metric"]
    assert values == pytest.approx(strict, rel=1e-12, abs=0, nan_ok=True)
    runs = table(native, "runs").to_pylist()
    assert [json.loads(run["config"])["loss"]["kernel"] for run in runs] == ["native", "native"]
