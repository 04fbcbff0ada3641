"""Statements, and what follows from many; two tables that are the same, or not."""

import pyarrow as pa
import pytest

from jobs.audit.proofs import derived
from jobs.audit.same import same
from jobs.audit.statement import TOLD, all_hold, equal, sure, unknown, verdict

ROWS = pa.table({"k": ["a", "b"], "x": [1.0, None], "n": [1, 2]})


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([], "nothing_to_prove"),
        ([all_hold(0)], "nothing_to_prove"),
        ([equal("a", 1, 1), all_hold(3)], "proven"),
        ([equal("a", 1, 1), unknown("b", "gone")], "not_proven"),
        ([unknown("b", "gone")], "not_proven"),
        ([unknown("b", "gone"), equal("a", 1, 2)], "wrong"),
        ([sure("a", 3, "2 at most", holds=False)], "wrong"),
    ],
)
def test_what_is_wrong_decides_then_what_is_not_known(statements, state):
    assert verdict("proof", statements).state == state


def test_of_many_findings_the_first_are_told_and_all_are_counted():
    found = verdict("proof", (equal("a", 0, i) for i in range(100)))
    assert (found.compared, found.wrong, len(found.findings)) == (100, 99, TOLD)
    assert found.facts["findings"][0] == {"where": "a", "found": "0", "expected": "1"}


def test_equal_tables_are_the_same_in_any_order():
    (held,) = same("t", ROWS.take([1, 0]), ROWS, ["k"])
    assert (held.holds, held.count) == (True, 4)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ({"k": ["a", "b"], "x": [1.5, None], "n": [1, 2]}, ["t at k a, x: found 1.5, expected 1.0"]),
        ({"k": ["a", "b"], "x": [1.0, 0.0], "n": [1, 2]}, ["t at k b, x: found 0.0, expected None"]),
        ({"k": ["a"], "x": [1.0], "n": [1]}, ["t at k b: found no row, expected one"]),
        ({"k": ["a", "c", "b"], "x": [1.0, None, None], "n": [1, 5, 2]}, ["t at k c: found a row, expected none"]),
        ({"k": ["a", "b", "b"], "x": [1.0, None, None], "n": [1, 2, 2]}, ["t at k b: found 2 rows, expected one"]),
    ],
)
def test_each_difference_is_told(rows, told):
    assert [str(each) for each in same("t", pa.table(rows), ROWS, ["k"]) if not each.holds] == told


def test_doubles_may_be_near_where_that_is_asked_for():
    near = pa.table({"k": ["a", "b"], "x": [1.0 + 1e-12, None], "n": [1, 2]})
    assert all(each.holds for each in same("t", near, ROWS, ["k"], within=1e-9))
    assert not all(each.holds for each in same("t", near, ROWS, ["k"], within=1e-13))


@pytest.mark.parametrize(("within", "state"), [(0.0, "wrong"), (1e-9, "not_proven")])
def test_metrics_that_another_version_of_the_code_lacks_are_not_told_as_wrong(within, state):
    keys = {name: ["", "", ""] for name in ("task", "model", "slice")}
    then = pa.table({**keys, "metric": ["log_loss", "brier", "retired"], "value": [0.5, 0.1, 0.2]})
    now = pa.table({**keys, "metric": ["log_loss", "brier", "newer"], "value": [0.5, 0.1, 0.3]})
    found = verdict("metrics", derived._same("metrics", then, now, within))
    assert found.state == state
    if within:
        assert found.open == ("metrics: made by another version of the code, and one of both lacks newer, retired",)
    wrong = now.set_column(4, "value", pa.array([0.5, 0.11, 0.3]))
    assert verdict("metrics", derived._same("metrics", then, wrong, within)).state == "wrong"
