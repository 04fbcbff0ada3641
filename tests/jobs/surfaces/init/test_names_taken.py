"""`lossledger init` on logs, columns and models of which several would have one name: none is lost."""

import pandas as pd
import pytest
import yaml

from jobs.surfaces.init.command import written
from tests.jobs.surfaces.init import logs

WORLD = logs.world()


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def initialised(tmp_path, source, *labels, columns=()):
    found = written(str(source), [str(path) for path in labels], tmp_path / "lossledger.yaml", columns)
    return found, yaml.safe_load(found.path.read_text())


def test_two_scores_whose_names_mean_one_model_are_two_models(tmp_path):
    rows = WORLD[["id", "at", "click"]].assign(prediction=WORLD["p"], pred=WORLD["p"] / 2)
    _, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert document["models"] == {"pred": {"ctr": {"score": "prediction"}}, "pred_2": {"ctr": {"score": "pred"}}}
    assert document["comparisons"] == {"pred_2": {"candidate": "pred_2", "baseline": "pred"}}


def test_two_columns_whose_names_mean_one_label_are_two_labels(tmp_path):
    rows = WORLD[["id", "at"]].assign(label=WORLD["click"], Label_=WORLD["conversion"], score=WORLD["p"])
    found, document = initialised(tmp_path, logs.parquet(rows, tmp_path / "log.parquet"))
    assert {name: label.column for name, label in found.proposal.labels.items()} == {
        "label": "label",
        "label_2": "Label_",
    }
    assert document["labels"] == {"label": {"column": "label", "values": "binary"}}


def test_of_two_logs_of_one_name_the_one_without_a_score_is_told(tmp_path):
    logs.parquet(WORLD[["id", "at", "p"]], tmp_path / "impressions.parquet")
    clicked = logs.clicks(WORLD)
    logs.parquet(clicked, tmp_path / "a" / "clicks.parquet")
    logs.parquet(clicked[:100], tmp_path / "b" / "clicks.parquet")
    own = [tmp_path / folder / "clicks.parquet" for folder in "ab"]
    found, document = initialised(tmp_path, tmp_path / "impressions.parquet", *own)
    assert document["labels"].keys() == {"click"}
    assert document["labels"]["click"]["source"]["path"] == str(own[0])
    assert found.facts["passed_over"] == {"click_2": "no score is about it"}
    assert not any("click_2" in guess.role for guess in found.proposal.guesses)


def test_two_logs_that_are_no_labels_are_both_told(tmp_path):
    logs.parquet(WORLD[["id", "at", "p", "click"]], tmp_path / "data" / "impressions" / "a.parquet")
    strange = pd.DataFrame({"word": ["a", "b"], "count": [1, 2]})
    logs.parquet(strange, tmp_path / "data" / "words.parquet")
    logs.csv(strange, tmp_path / "data" / "words.csv")
    found, _ = initialised(tmp_path, tmp_path / "data")
    assert found.facts["passed_over"].keys() == {"words", "words_2"}


def test_impressions_in_two_formats_under_one_name(tmp_path):
    clicked = pd.concat([logs.clicks(WORLD)] * 10)
    logs.csv(clicked.assign(at=logs.iso(clicked["at"])), tmp_path / "data" / "log.csv")
    logs.parquet(WORLD[["id", "at"]].assign(pctr=WORLD["p"]), tmp_path / "data" / "log.parquet")
    assert len(clicked) > len(WORLD)
    _, document = initialised(tmp_path, tmp_path / "data")
    assert document["impressions"]["source"]["path"].endswith("log.parquet")
    assert [log["source"]["path"].rpartition("/")[2] for log in document["labels"].values()] == ["log.csv"]
