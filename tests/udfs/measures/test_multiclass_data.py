"""Published forecasts of three classes, and a real model of four: our metrics are those of scikit-learn."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tests.udfs.rows.classes import ClassRows, class_rows, class_sums, metrics_of_class_rows
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import UNITS

WORLD_CUP = ("prob1", "probtie", "prob2")
SKLEARN_CLIP = 2.0**-52


def world_cup(data_dir: Path, name: str) -> ClassRows:
    with open(data_dir / "forecasts" / f"world_cup_{name}_men.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    outcome = np.array([[float(row[f"{column}_outcome"]) for column in WORLD_CUP] for row in rows])
    return class_rows(outcome, [[float(row[column]) for column in WORLD_CUP] for row in rows])


def four_class(data_dir: Path) -> ClassRows:
    table = np.loadtxt(data_dir / "vw" / "four_class.csv", delimiter=",", skiprows=1)
    return class_rows(table[:, 1] - 1.0, table[:, 2:])


def given(data_dir: Path, name: str) -> ClassRows:
    return four_class(data_dir) if name == "four_class" else world_cup(data_dir, name)


def classes_of(rows: ClassRows) -> FloatArray:
    return rows.label if rows.label.ndim == 1 else rows.label.argmax(axis=1).astype(np.float64)


# The four probabilities are printed with six digits; scikit-learn warns, and uses them as they are.
@pytest.mark.filterwarnings("ignore:The y_prob:UserWarning")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["matches", "matches_in_game", "four_class"])
def test_metrics_equal_those_of_scikit_learn(data_dir: Path, name: str, weighted: bool) -> None:
    rows = given(data_dir, name)
    weight = np.random.default_rng(8).exponential(2.0, rows.weight.size) if weighted else rows.weight
    label, classes = classes_of(rows), np.arange(rows.scores.shape[1])
    found = metrics_of_class_rows(rows.weighing(weight), {"clip": SKLEARN_CLIP, "k": (1.0, 2.0)})
    given_to_both = {"sample_weight": weight, "labels": classes}
    brier = sklearn_metrics.brier_score_loss(label, rows.scores, scale_by_half=False, **given_to_both)
    assert found["brier_score"][0] == pytest.approx(brier, rel=1e-12)
    loss = sklearn_metrics.log_loss(label, rows.scores, **given_to_both)
    assert found["log_loss"][0] == pytest.approx(loss, rel=1e-12)
    untied = np.array([len(set(row)) == len(row) for row in rows.scores.tolist()])
    of_untied = metrics_of_class_rows(rows.weighing(weight).take(untied), {"clip": SKLEARN_CLIP, "k": (1.0, 2.0)})
    for k in (1, 2):
        expected = sklearn_metrics.top_k_accuracy_score(
            label[untied], rows.scores[untied], k=k, sample_weight=weight[untied], labels=classes
        )
        assert of_untied[f"top_k_accuracy@{k}"][0] == pytest.approx(expected, rel=1e-12)
    assert of_untied["accuracy"] == of_untied["top_k_accuracy@1"]


def test_the_hard_scores_of_games_under_way_are_counted(data_dir: Path) -> None:
    rows = world_cup(data_dir, "matches_in_game")
    sums, own = class_sums(rows), rows.scores[np.arange(len(rows.scores)), classes_of(rows).astype(np.int64)]
    assert (rows.scores == 0.0).any(axis=1).sum() == 5137
    assert sums["hard_wrong_weight"] == (own == 0.0).sum() * UNITS
    assert sums["hard_right_weight"] == (own == 1.0).sum() * UNITS == 1037 * UNITS
    assert sums["unnormalised"] == 0


def test_forecasts_gain_on_their_class_shares(data_dir: Path) -> None:
    found = metrics_of_class_rows(world_cup(data_dir, "matches_in_game"))
    assert found["relative_information_gain"][0] == pytest.approx(0.300939, abs=5e-7)
    assert found["label_entropy"][0] == pytest.approx(1.002090, abs=5e-7)
    assert 0.0 < found["kl_calibration"][0] < found["log_loss"][0] - 0.6


def test_the_error_rate_of_vowpal_wabbit_is_1_minus_accuracy(data_dir: Path) -> None:
    # It printed 0.45, so 110 hits of 200: in its first row all classes are tied, for it a hit, for us a quarter of one.
    sums = class_sums(four_class(data_dir))
    assert sums["correct_weight"] / UNITS == 110 - 0.75
    # Printed with six digits, sixteen rows miss 1 by the last one.
    assert sums["unnormalised"] == 16 * UNITS
