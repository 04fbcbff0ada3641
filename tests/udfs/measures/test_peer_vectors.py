"""What peer libraries assert in their own tests holds of our metrics, under the peer's clip and averaging."""

import math
import re

import pytest

from tests.udfs.claims.cases import Case, cases
from tests.udfs.claims.of_peers import CLAIMS, Found, hard_weight, numbers, rows_in
from tests.udfs.rows.binary import OPTIONS, metrics_of_rows

CASES = {case["id"]: case for case in cases("peer_vectors")}
WAITING = {
    "scores outside [0, 1] are no probabilities": ("TF-CALBIN-1",),
    "no number but errors: of missing classes, where ours are declared, and of sums other than 1": ("SK-LL-9",),
}
BETWEEN = ("SK-LL-8", "SK-D2-4", "SL-NE-3")  # not values but borders
RUN = [case for case in CASES.values() if case["metric"] in CLAIMS and case["id"] not in BETWEEN]
VOWPAL = [case for case in RUN if case["id"].startswith("VW-BRIER")]


def assert_all_close(found: Found, expected: Found, tolerance: float) -> None:
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert_all_close(found[name], value, tolerance)
    elif isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            assert_all_close(one, other, tolerance)
    elif expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, rel=0, abs=tolerance)


@pytest.mark.parametrize("case", RUN, ids=[case["id"] for case in RUN])
def test_what_a_peer_asserts_holds_of_our_metric(case: Case) -> None:
    found = CLAIMS[case["metric"]](case)
    assert_all_close(found, case["expected"], case["abs_tolerance"])
    # Computed anew by formula from the same doubles, it has more digits than the peer prints.
    assert_all_close(found, case["recomputed"]["value"], 2e-12)


def test_every_case_is_run_or_waits() -> None:
    waiting = [name for names in WAITING.values() for name in names]
    assert sorted([case["id"] for case in RUN] + [*BETWEEN] + waiting) == sorted(CASES)
    assert len(CASES) == 97


def test_wrong_hard_scores_are_dear_but_finite() -> None:
    case = CASES["SK-LL-8"]
    assert case["expected"] == {"finite": True}
    rows = rows_in(case["inputs"])
    for clip, expected in ((2.0**-52, 36.04), (1e-15, 34.54), (1e-12, 27.63), (1e-7, 16.12)):
        found = metrics_of_rows(rows, {**OPTIONS, "clip": clip})["log_loss"][0]
        assert found == pytest.approx(-math.log(clip), rel=1e-15)
        assert round(found, 2) == expected


def test_a_good_model_gains_information_and_a_bad_one_loses_it() -> None:
    case = CASES["SK-D2-4"]
    found = {
        name: numbers(case, rows_in(case["inputs"][name]))["relative_information_gain"] for name in ("good", "bad")
    }
    low, high = case["expected"]["good_in"]
    assert low < found["good"] < high
    assert found["bad"] < case["expected"]["bad_below"]
    assert found == pytest.approx({"good": 0.791355, "bad": -1.186298}, abs=5e-7)


def test_a_wrong_or_uncalibrated_model_is_worse_than_the_base_rate() -> None:
    case = CASES["SL-NE-3"]
    found = {name: numbers(case, rows_in(inputs))["normalized_entropy"] for name, inputs in case["inputs"].items()}
    assert {name: ">1" if value and value > 1 else "<1" for name, value in found.items()} == case["expected"]
    assert found == pytest.approx({"wrong": 3.542249, "good": 0.168067, "good_but_uncalibrated": 1.236966}, abs=5e-7)


@pytest.mark.parametrize("case", VOWPAL, ids=[case["id"] for case in VOWPAL])
def test_the_log_loss_of_the_same_predictions_under_two_clips(case: Case) -> None:
    pattern = r"clip 1e-15 / 1e-7: ([\d.]+) / ([\d.]+); .* hard 0 or 1 predictions: (\d+)"
    noted = re.search(pattern, case["note"])
    assert noted is not None
    rows = rows_in(case["inputs"])
    for clip, expected in zip((1e-15, 1e-7), noted.groups(), strict=False):
        found = metrics_of_rows(rows, {**OPTIONS, "clip": clip})["log_loss"][0]
        assert found == pytest.approx(float(expected), abs=5.1e-7)
    assert hard_weight(rows) == float(noted.group(3))
