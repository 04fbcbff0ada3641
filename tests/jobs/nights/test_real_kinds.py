"""Other people's forecasts of several classes, and requests with clicks and conversions, through the whole job."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import metrics as sklearn_metrics

from tests.world.night import document, evaluated, parquet

DAY = date(2026, 3, 18)
SIDES = ["prob1", "probtie", "prob2"]
pytestmark = pytest.mark.only_engine("sail")  # test_kinds.py shows that Apache Spark has the same bits


def found(spark: Any, config: dict[str, Any], of: str = "") -> dict[tuple[str, str], float]:
    rows = evaluated(spark, config, DAY).metrics.to_pylist()
    return {(row["task"], row["metric"]): row["value"] for row in rows if row["slice"] == of}


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-12)


def test_forecasts_of_matches_under_way_with_classes_at_exactly_0(spark, tmp_path, data_dir):
    rows = pd.read_csv(data_dir / "forecasts" / "world_cup_matches_in_game_men.csv")
    outcomes = rows[[f"{side}_outcome" for side in SIDES]].to_numpy(float)
    assert (rows[SIDES] == 0.0).any(axis=1).sum() == 5137
    columns = {**{side: rows[side].to_numpy(float) for side in SIDES}, "outcome": list(outcomes)}
    columns["period"] = rows["period"].to_numpy()
    config = document(
        tmp_path,
        impressions={"source": {"format": "parquet", "path": str(parquet(tmp_path / "impressions", columns, files=3))}},
        labels={"outcome": {"column": "outcome", "values": "classes", "classes": ["first", "tie", "second"]}},
        tasks={"match": {"kind": "multiclass", "label": "outcome"}},
        models={"m": {"match": {"score": SIDES}}},
        dimensions=["period"],
        slices=[[], ["period"]],
        loss={"clip": 2.0**-52, "k": [2]},
    )
    for of, chosen in {"": rows["period"] > 0, "period=2": rows["period"] == 2}.items():
        label, scores = outcomes[chosen].argmax(axis=1), rows.loc[chosen, SIDES].to_numpy(float)
        metrics = found(spark, config, of)
        rates = outcomes[chosen].mean(axis=0)
        loss = sklearn_metrics.log_loss(label, scores, labels=[0, 1, 2])
        assert metrics["match", "log_loss"] == close(loss)
        assert metrics["match", "normalized_entropy"] == close(loss / -(rates * np.log(rates)).sum())
        assert metrics["match", "brier_score"] == close(((scores - outcomes[chosen]) ** 2).sum(axis=1).mean())


@pytest.mark.filterwarnings("ignore:The y_prob:UserWarning")
def test_four_classes_by_name_from_text(spark, tmp_path, data_dir):
    path = data_dir / "vw" / "four_class.csv"
    config = document(
        tmp_path,
        impressions={"source": {"format": "csv", "path": str(path)}, "columns": {"id": "row"}},
        labels={"label": {"column": "label", "values": "classes", "classes": ["1", "2", "3", "4"]}},
        tasks={"letter": {"kind": "multiclass", "label": "label"}},
        models={"m": {"letter": {"score": ["p1", "p2", "p3", "p4"]}}},
    )
    rows = pd.read_csv(path)
    scores = rows[["p1", "p2", "p3", "p4"]].to_numpy(float)
    assert found(spark, config)["letter", "log_loss"] == close(sklearn_metrics.log_loss(rows["label"], scores))


def test_requests_with_clicks_and_conversions(spark, tmp_path, data_dir):
    rows = pd.read_csv(data_dir / "taobao_aliexpress_tiny" / "aliexpress_train.csv")
    rows = rows.assign(id=np.arange(len(rows)), z=rows["numerical_4"] * 3.0, p=rows["numerical_1"].clip(0.05, 0.95))
    columns = pa.Table.from_pandas(rows[["id", "search_id", "click", "conversion", "z", "p", "categorical_1"]])
    config = document(
        tmp_path,
        impressions={
            "source": {"format": "parquet", "path": str(parquet(tmp_path / "impressions", columns, files=4))},
            "columns": {"id": "id", "group": "search_id"},
        },
        labels={name: {"column": name, "values": "binary"} for name in ("click", "conversion")},
        tasks={
            "ctr": {"label": "click"},
            "cvr": {"label": "conversion", "given": "click"},
            "ctcvr": {"label": "conversion", "score": {"product": ["ctr", "cvr"]}},
            "slate": {"kind": "candidates", "label": "click"},
        },
        models={
            "m": {
                "ctr": {"score": "p"},
                "cvr": {"score": "z", "scale": "logit"},
                "slate": {"score": "z", "scale": "logit"},
            }
        },
        joint={"esmm": {"ctr": 1.0, "ctcvr": 1.0}},
    )
    metrics = found(spark, config)
    product = rows["p"] / (1.0 + np.exp(-rows["z"]))
    losses = [
        sklearn_metrics.log_loss(rows[name], p, labels=[0, 1])
        for name, p in (("click", rows["p"]), ("conversion", product))
    ]
    assert metrics["ctcvr", "log_loss"] == close(losses[1])
    assert metrics["esmm", "joint_loss"] == close(sum(losses))
    softmax = [
        np.mean(np.log(np.exp(each["z"]).sum()) - each.loc[each["click"] == 1, "z"])
        for _, each in rows.groupby("search_id")
        if each["click"].any()
    ]
    assert metrics["slate", "softmax_cross_entropy"] == pytest.approx(np.mean(softmax), rel=1e-11)
    assert evaluated(spark, config, DAY).ledger.mixed == 0
