"""What a task × model goes without is told by rows and by weight, and refuses the night unless the model may."""

import json
import math

import numpy as np
import pytest

from jobs.errors import RefusedError
from jobs.examples import left_out
from jobs.inputs.scorings import scorings
from jobs.settings import parse
from jobs.surfaces import verdict
from tests.world import night
from tests.world.night import document, evaluated, parquet

ROWS = 400
SHADOWED = {"champion": {"ctr": {"score": "p"}}, "shadow": {"ctr": {"score": "q", "required": False}}}


def impressions(**changes):
    """Rows of one model and of a shadow that scores one in twenty, with a bid of 1."""
    rng = np.random.default_rng(5)
    p = rng.uniform(0.05, 0.5, ROWS)
    columns = {
        "id": np.arange(ROWS),
        "click": (rng.uniform(size=ROWS) < p).astype(int),
        "p": p,
        "q": np.where(np.arange(ROWS) % 20 == 0, p, np.nan),
        "bid": np.ones(ROWS),
    }
    return {**columns, **changes}


def log_loss(rows, score, chosen):
    terms = [math.log(s if y else 1.0 - s) for y, s in zip(rows["click"][chosen], score[chosen], strict=True)]
    return -math.fsum(terms) / len(terms)


def overall(outcome):
    return {(row["task"], row["model"]): row for row in verdict.of_outcome(outcome)["metrics"]}


@pytest.mark.only_engine("sail")
def test_a_shadow_model_is_evaluated_on_its_own_rows_and_does_not_refuse_the_night(spark, folder, capsys):
    rows = impressions()
    parquet(folder / "impressions", rows)
    outcome = evaluated(spark, document(folder, models=SHADOWED))
    metrics, scored = overall(outcome), np.arange(ROWS) % 20 == 0
    champion, shadow = metrics["ctr", "champion"], metrics["ctr", "shadow"]
    assert (champion["n"], shadow["n"]) == (ROWS, ROWS // 20)
    assert champion["log_loss"] == pytest.approx(log_loss(rows, rows["p"], scored | True), rel=1e-13)
    assert shadow["log_loss"] == pytest.approx(log_loss(rows, rows["q"], scored), rel=1e-13)
    line = "ctr / shadow (required: false) goes without 380 rows, 95.00% of its rows: 380 nan_score"
    assert outcome.warnings == (line,)
    verdict.show(outcome, as_json=False)
    assert capsys.readouterr().out.count(line) == 1


@pytest.mark.only_engine("sail")
def test_a_shadow_without_any_score_has_no_metric_and_the_champion_stays_guarded(spark, folder):
    parquet(folder / "impressions", impressions(q=np.full(ROWS, np.nan)))
    config = document(folder, models=SHADOWED, limits={"min_rows": 0, "stored_rejects": 3})
    metrics = overall(evaluated(spark, config))
    assert metrics["ctr", "shadow"] | {"n": 0, "log_loss": "no_weight"} == metrics["ctr", "shadow"]
    assert isinstance(metrics["ctr", "champion"]["log_loss"], float)
    assert night.table(config, "rejects").num_rows == 3
    parquet(folder / "impressions", impressions(p=np.where(np.arange(ROWS) < 5, np.nan, 0.3)))
    with pytest.raises(RefusedError, match="is rejected of ctr / champion;"):
        evaluated(spark, config)


@pytest.mark.only_engine("sail")
def test_few_rows_of_much_weight_refuse_the_night(spark, folder):
    bid, p = np.ones(ROWS), np.full(ROWS, 0.3)
    p[:2], bid[:2] = [np.nan, 1.5], [30.0, 10.0]
    parquet(folder / "impressions", impressions(p=p, bid=bid))
    tasks = {"ctr": {"label": "click"}, "by_bid": {"label": "click", "weight": "bid"}}
    scores = {"ctr": {"score": "p"}, "by_bid": {"score": "p"}}
    config = document(folder, tasks=tasks, models={"m": scores})
    told = (
        r"more than 1\.00% \(limits\.rejected_share\) is rejected of by_bid / m \(0\.50% of its rows and 9\.13% of the"
    )
    with pytest.raises(RefusedError, match=told):
        evaluated(spark, config)
    outcome = evaluated(spark, {**config, "limits": {"rejected_share": 0.1}})
    plain, by_bid = json.loads(json.dumps(verdict.of_outcome(outcome)["left_out"]))
    reasons = {"bad_score": 1, "nan_score": 1}
    assert plain["weight_share"] is None
    assert plain["reasons"] == by_bid["reasons"] == reasons
    assert (by_bid["rows"], by_bid["row_share"], by_bid["weight_share"]) == (2, 2 / ROWS, 40.0 / (ROWS - 2 + 40.0))
    assert (
        sum(row["unscored_weight"] for row in night.table(config, "statistics").to_pylist()) == 42
    )  # 2 of them weigh 1
    assert outcome.left_out[1].sentence.endswith("of the weight: 1 bad_score, 1 nan_score")


@pytest.mark.only_engine("sail")
def test_the_weight_of_groups_that_are_left_out_is_that_of_their_first_row(spark, folder):
    group = np.arange(ROWS) // 4
    score = np.where(np.arange(ROWS) == 5, np.nan, 0.25)
    bid = np.where(group == 1, 7.0, 1.0)
    parquet(folder / "impressions", impressions(p=score, bid=bid, group=[f"g{i}" for i in group]))
    columns = {"id": "id", "group": "group", "weight": "bid"}
    config = document(
        folder,
        impressions={"source": {"format": "parquet", "path": str(folder / "impressions")}, "columns": columns},
        tasks={"slate": {"kind": "candidates", "label": "click"}},
        models={"m": {"slate": {"score": "p"}}},
        limits={"min_rows": 0, "rejected_share": 0.5},
    )
    (slate,) = evaluated(spark, config).left_out
    assert (slate.rows, slate.row_share, slate.weight_share) == (1, 0.01, 7.0 / 106.0)


def test_a_product_is_optional_where_a_factor_is():
    tasks = {
        "ctr": {"label": "click"},
        "cvr": {"label": "click"},
        "both": {"label": "click", "score": {"product": ["ctr", "cvr"]}},
    }
    models = {"m": {"ctr": {"score": "p"}, "cvr": {"score": "q", "required": False}}}
    base = {"impressions": {"source": {"format": "parquet", "path": "x"}}, "tables": {"path": "t"}, "evaluation": "e"}
    found = scorings(
        parse({**base, "labels": {"click": {"column": "c", "values": "binary"}}, "tasks": tasks, "models": models})
    )
    assert {s.task: s.optional for s in found} == {"ctr": False, "cvr": True, "both": True}


def test_what_a_run_recorded_that_did_not_tell_the_most_is_known():
    of = {"source": "impressions", "task": None, "weights": {"ctr": {"weight": 2.0, "share": 0.25}}}
    assert left_out.of_weight([of]) == "25.00% of the weight of ctr"
