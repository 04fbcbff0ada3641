"""Trusted values, by 50-digit arithmetic: all of binary and multi-class tasks are met; the others wait for a reason."""

import pytest

from tests.udfs.claims.cases import Case, assert_claimed, cases
from tests.udfs.claims.of_references import CLAIMS

CASES = {case["id"]: case for case in cases("reference_values")}
WAITING = {
    "a model of the delay of labels, which no score brings along": ("delayed_feedback_nll",),
    "intervals from shards": ("jackknife_users_AUC", "bh_fdr", "poisson1_thresholds_u64", "splitmix64_vectors"),
}
WAITING_OUTPUTS = {
    "a gain that is not divided by the best one": ("dcg_exp2",),
    "intervals from shards": (
        *("se_log_loss (ddof1)", "se_NE (IF, ddof0)", "se_calibration (IF, ddof0)"),
        *("paired_diff", "se_paired_diff (ddof1)"),
    ),
    "DeLong's variance of an AUC: intervals come from shards": ("var", "se", "hanley_mcneil_var"),
}
RUN = [case for case in CASES.values() if case["metric"] in CLAIMS]


@pytest.mark.parametrize("case", RUN, ids=[case["id"] for case in RUN])
def test_a_trusted_value_is_met(case: Case) -> None:
    found = CLAIMS[case["metric"]](case)
    waiting = {name for names in WAITING_OUTPUTS.values() for name in names}
    assert not found.keys() & waiting
    for name in case["out"].keys() - waiting:
        assert_claimed(found[name], case["out"][name], case["rtol"])


def test_every_case_is_run_or_waits() -> None:
    waiting = [name for names in WAITING.values() for name in names]
    assert sorted([case["id"] for case in RUN] + waiting) == sorted(CASES)
    assert len(CASES) == 88


def test_an_output_that_waits_exists() -> None:
    outputs = {name for case in RUN for name in case["out"]}
    assert {name for names in WAITING_OUTPUTS.values() for name in names} <= outputs


def test_the_expected_values_have_their_digits() -> None:
    for case in CASES.values():
        for value in _numbers(case["out"]):
            assert float(value["v"]) == float.fromhex(value["x"])


def _numbers(node: object) -> list[dict[str, str]]:
    if isinstance(node, dict) and node.keys() == {"v", "x"}:
        return [node]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [number for child in children for number in _numbers(child)]
