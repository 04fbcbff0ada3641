"""Trusted values, by 50-digit arithmetic: all of binary and multi-class tasks are met; the others wait for a reason."""

import pytest

from tests.udfs.claims import Case, assert_claimed, cases
from tests.udfs.reference_claims import CLAIMS

CASES = {case["id"]: case for case in cases("reference_values")}
WAITING = {
    "softmax over the candidates of a group": (
        *("mp_seed003_labels", "mp_single", "mp_offset_1e4", "mp_all_positive_equal", "mp_exp_overflow"),
        "mp_no_positive",
    ),
    "AUC by user": ("gauc_20",),
    "pairs and lists of a group": ("ranknet_group", "ranknet_extreme", "listnet_normalised_binary", "mrr_map"),
    "gains by rank": ("ndcg_at_1", "ndcg_at_2", "ndcg_at_3", "ndcg_no_relevant"),
    "a model of the delay of labels, which no score brings along": ("delayed_feedback_nll",),
    "intervals from shards": ("jackknife_users_AUC", "bh_fdr", "poisson1_thresholds_u64", "splitmix64_vectors"),
}
WAITING_OUTPUTS = {
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
