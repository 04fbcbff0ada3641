"""`lossledger init` on other people's logs: those with predictions are evaluated, of the others it says why not."""

import shlex
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import log_loss

from jobs import nightly
from jobs.errors import ContractError
from jobs.settings import load
from jobs.surfaces import doctor
from jobs.surfaces.init.command import written

SCORED = {
    "ipinyou_1458/test.txt": {"model": {"column_1": "column_3"}},
    "forecasts/nba_games.csv": {"model": {"prob1_outcome": "prob1", "prob2_outcome": "prob2"}},
    "forecasts/nhl_games.csv": {"model": {"prob1_outcome": "prob1", "prob2_outcome": "prob2"}},
    "forecasts/wnba_games.csv": {"model": {"prob1_outcome": "prob1", "prob2_outcome": "prob2"}},
    "forecasts/world_cup_matches_men.csv": {
        "model": {"prob1_outcome": "prob1", "probtie_outcome": "probtie", "prob2_outcome": "prob2"}
    },
    "forecasts/world_cup_matches_in_game_men.csv": {
        "model": {"prob1_outcome": "prob1", "probtie_outcome": "probtie", "prob2_outcome": "prob2"}
    },
    "vw/text_models.csv": {name: {"label": name} for name in ("ftrl", "ftrl_holdout_off", "ftrl_coin", "resumed")},
    "vw/four_class.csv": {"model": {"label": ["p1", "p2", "p3", "p4"]}},
    "mlb/mlb_2010_2019.csv": {name: {"y": name} for name in ("fivethirtyeight", "constant", "laplace", "vegas")},
}
UNSCORED = {
    "open_bandit/bts_all.csv.gz": "nearest: propensity_score (from ",
    "open_bandit/random_men.csv.gz": "nearest: propensity_score (from ",
    "yidian_news/yidian_news_sampled.csv": "there is no score to evaluate",
    "criteo_tiny/train.tiny.csv": "there is no score to evaluate",
    "taobao_aliexpress_tiny/taobao_train.csv": "there is no score to evaluate",
    "taobao_aliexpress_tiny/aliexpress_train.csv": "there is no score to evaluate",
    "ipinyou_raw/data.txt": "there is no score to evaluate",
}


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """The tables of a configuration are beside it."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", SCORED)
def test_what_is_predicted_is_found(data_dir, tmp_path, name):
    found = written(str(data_dir / name), [], tmp_path / "own.yaml")
    document = yaml.safe_load(found.path.read_text())
    models = {
        model: {task: score["score"] for task, score in scores.items()} for model, scores in document["models"].items()
    }
    assert models == SCORED[name]
    checks = list(doctor._evaluation(found.path, "sail"))
    assert all(check.ok for check in checks), [check.found for check in checks if not check.ok]


@pytest.mark.parametrize("name", UNSCORED)
def test_where_nothing_is_predicted_it_is_said(data_dir, tmp_path, name):
    with pytest.raises(ContractError) as caught:
        written(str(data_dir / name), [], tmp_path / "own.yaml")
    assert UNSCORED[name] in str(caught.value)
    assert "or name it: --column score=" in str(caught.value)


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("name", SCORED)
def test_a_day_of_it_is_evaluated(spark, data_dir, tmp_path, name):
    found = written(str(data_dir / name), [], tmp_path / "own.yaml")
    outcome = nightly.evaluate(spark, load(found.path), found.day)
    assert outcome.ledger.scored > 0
    assert f"--date {found.day}" in shlex.join(shlex.split(found.next))


@pytest.mark.only_engine("sail")
def test_real_impressions_have_the_loss_of_scikit_learn(spark, data_dir, tmp_path):
    found = written(str(data_dir / "ipinyou_1458" / "test.txt"), [], tmp_path / "own.yaml")
    outcome = nightly.evaluate(spark, load(found.path), found.day)
    rows = pd.read_csv(data_dir / "ipinyou_1458" / "test.txt", sep="\t", names=["click", "price", "p", "exchange"])
    p = np.clip(rows["p"], 1e-15, 1 - 1e-15)
    (loss,) = [row["value"] for row in outcome.metrics.to_pylist() if (row["metric"], row["slice"]) == ("log_loss", "")]
    assert loss == pytest.approx(log_loss(rows["click"], p), rel=1e-12)
    assert outcome.ledger.scored == len(rows)


@pytest.mark.only_engine("sail")
def test_propensities_are_evaluated_where_somebody_says_so(spark, data_dir, tmp_path):
    source = str(data_dir / "open_bandit" / "bts_all.csv.gz")
    found = written(source, [], tmp_path / "own.yaml", ["score=propensity_score"])
    settings = load(found.path)
    assert settings.impressions.columns.time.column == "timestamp"
    assert found.day == date(2019, 11, 30)
    assert nightly.evaluate(spark, settings, found.day).ledger.scored == 1_281
