"""Other people's logs: real copies, scores of exactly 0 and 1, clicks that come as a log of their own."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import ArrayLike
from sklearn.metrics import brier_score_loss, log_loss

from tests.world.night import document, evaluated, parquet

CLIP = 1e-15
# Apache Spark has the night of iPinYou, and the oracle.
pytestmark = pytest.mark.only_engine("sail")


def peers(label: pd.Series, score: ArrayLike, weight: ArrayLike | None = None) -> dict[str, float]:
    """The metrics by scikit-learn and NumPy; both columns are clipped, as 1 − (1 − 10⁻¹⁵) is not 10⁻¹⁵."""
    p, w = np.asarray(score, dtype=float), np.ones(len(label)) if weight is None else np.asarray(weight)
    both = np.column_stack([np.where(p == 1.0, CLIP, 1.0 - p), np.where(p == 0.0, CLIP, p)])
    rate = np.average(label, weights=w)
    base = log_loss(label, np.full(len(label), rate), sample_weight=w)
    loss = log_loss(label, both, sample_weight=w)
    return {
        "log_loss": loss,
        "normalized_entropy": loss / base,
        "predicted_over_actual": (w * p).sum() / (w * label).sum(),
        "brier_score": brier_score_loss(label, p, sample_weight=w),
        "base_rate": rate,
    }


def metrics(found: Any, model: str = "m", of: str = "") -> dict[str, float]:
    return {
        row["metric"]: row["value"] for row in found.metrics.to_pylist() if (row["model"], row["slice"]) == (model, of)
    }


def assert_equal(found: dict[str, float], expected: dict[str, float]) -> None:
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.fixture
def news(data_dir: Path) -> pd.DataFrame:
    """Impressions of news; the score is one that falls with the position, as clicks do."""
    rows = pd.read_csv(data_dir / "yidian_news" / "yidian_news_sampled.csv", index_col=0)
    keys = rows[["userId", "itemId", "showTime"]].astype(str)
    return rows.assign(id=keys.agg("-".join, axis=1), p=1.0 / (2.0 + rows["showPos"]))


DAYS = {
    "one day in Shanghai": (date(2021, 6, 30), {"column": "showTime", "unit": "ms"}),
    "all of them": (date(2021, 7, 7), None),
}


@pytest.mark.parametrize("name", DAYS)
def test_of_copies_with_and_without_a_click_the_clicked_one_is_kept(spark, tmp_path, news, name):
    day, time = DAYS[name]
    source = {"format": "parquet", "path": str(parquet(tmp_path / "impressions", pa.Table.from_pandas(news)))}
    columns = {"id": "id", "time": time, "unit": "userId"}
    config = document(tmp_path, impressions={"source": source, "columns": columns, "duplicates": "remove"})
    zone = {"day": {"timezone": "Asia/Shanghai"}, "dimensions": ["province"], "slices": [[], ["province"]]}
    found = evaluated(spark, {**config, **zone}, day)
    local = pd.to_datetime(news["showTime"], unit="ms", utc=True).dt.tz_convert("Asia/Shanghai").dt.date
    inside = news[local == day] if time else news
    kept = inside.sort_values("click", ascending=False).drop_duplicates("id")
    assert found.ledger.duplicate == len(inside) - len(kept) == (4 if time else 14)
    assert found.ledger.outside == len(news) - len(inside)
    assert_equal(metrics(found), peers(kept["click"], kept["p"]))
    largest = kept["province"].value_counts().index[0]
    there = kept[kept["province"] == largest]
    assert_equal(metrics(found, of=f"province={largest}"), peers(there["click"], there["p"]))


@pytest.fixture
def texts(data_dir: Path) -> Path:
    return data_dir / "vw" / "text_models.csv"


MODELS = ("ftrl", "ftrl_holdout_off", "ftrl_coin", "resumed")


def test_scores_of_exactly_0_and_1_cost_what_the_clip_says(spark, tmp_path, texts):
    config = document(
        tmp_path,
        impressions={"source": {"format": "csv", "path": str(texts)}, "columns": {"id": "row"}},
        labels={"click": {"column": "label", "values": "binary"}},
        models={model: {"ctr": {"score": model}} for model in MODELS},
    )
    found = evaluated(spark, config, date(2026, 3, 18))
    rows = pd.read_csv(texts)
    assert rows[list(MODELS)].isin([0.0, 1.0]).sum().sum() > 100
    for model in MODELS:
        assert_equal(metrics(found, model), peers(rows["label"], rows[model]))


def test_a_wrong_score_of_exactly_0_or_1_costs_what_the_clip_says(spark, tmp_path, texts):
    rows = pd.read_csv(texts)
    flipped = rows.assign(label=1 - rows["label"])
    path = parquet(tmp_path / "impressions", pa.Table.from_pandas(flipped))
    config = document(
        tmp_path,
        impressions={"source": {"format": "parquet", "path": str(path)}, "columns": {"id": "row"}},
        labels={"click": {"column": "label", "values": "binary"}},
        models={"m": {"ctr": {"score": "resumed"}}},
    )
    expected = peers(flipped["label"], flipped["resumed"])
    assert expected["log_loss"] > 10
    assert_equal(metrics(evaluated(spark, config)), expected)


def test_clicks_as_a_log_and_importance_weights(spark, tmp_path, data_dir):
    rows = pd.read_csv(data_dir / "open_bandit" / "bts_men.csv.gz").rename(columns={"Unnamed: 0": "id"})
    rows = rows.assign(
        timestamp=pd.to_datetime(rows["timestamp"]).dt.as_unit("us"), inverse=1.0 / rows["propensity_score"]
    )
    clicked = rows.loc[rows["click"] == 1, ["id", "timestamp"]]
    clicks = clicked.assign(timestamp=clicked["timestamp"] + pd.Timedelta(seconds=30).as_unit("us"))
    impressions = rows[["id", "timestamp", "position", "propensity_score", "inverse"]]
    paths = {
        name: {"format": "parquet", "path": str(parquet(tmp_path / name, pa.Table.from_pandas(frame)))}
        for name, frame in (("impressions", impressions), ("clicks", clicks))
    }
    config = document(
        tmp_path,
        impressions={"source": paths["impressions"], "columns": {"id": "id", "time": "timestamp", "weight": "inverse"}},
        labels={"click": {"source": paths["clicks"], "columns": {"id": "id", "time": "timestamp"}, "window": "1h"}},
        models={"m": {"ctr": {"score": "propensity_score"}}},
        dimensions=["position"],
        slices=[[], ["position"]],
    )
    found = evaluated(spark, config, date(2019, 11, 24))
    day = rows[rows["timestamp"].dt.date == date(2019, 11, 24)]
    assert (found.ledger.scored, found.ledger.outside) == (len(day), len(rows) - len(day))
    for name, chosen in {"": day, **{f"position={i}": day[day["position"] == i] for i in (1, 2, 3)}}.items():
        expected = peers(chosen["click"], chosen["propensity_score"], chosen["inverse"])
        assert_equal(metrics(found, of=name), expected)
