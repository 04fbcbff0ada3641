"""Two models' crosses are on exactly the impressions that both can score, or there is a reason."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from jobs.errors import InputMissingError
from jobs.judgement.worst import Asked, worst_of
from jobs.surfaces.worst import lines
from tests.jobs.judgement.day import DAY
from tests.jobs.judgement.test_changes import CONFIG, logged
from tests.jobs.judgement.test_worst_of_day import WRONG, ledger

MODELS = {"m": {"ctr": {"score": "p"}}, "other": {"ctr": {"score": "q"}}}
COMPARED = {**CONFIG, "models": MODELS, "comparisons": {"release": {"candidate": "other", "baseline": "m"}}}
ASKED = Asked(models=("m", "other"))


@pytest.fixture(scope="module")
def rows():
    return {**logged(3), "q": logged(3, over=4.0)["p"]}


@pytest.fixture(scope="module")
def missing(rows):
    """Where a model has no score; those of the second miss where it is best."""
    place = np.arange(rows["p"].size)
    return place % 11 == 0, (place % 3 == 0) & (rows["click"] == 0.0)


@pytest.fixture(scope="module")
def found(rows, missing):
    p, q = (np.where(none, np.nan, rows[name]) for none, name in zip(missing, ("p", "q"), strict=True))
    return worst_of(ledger({0: {**rows, "p": p, "q": q}}, COMPARED), ASKED)[0]


def test_rows_that_only_one_can_score_have_no_say(rows, missing, found):
    """As if they had never been logged: of the rows that are left every cross is searched, of these the slices."""
    kept = ~missing[0] & ~missing[1]
    (expected,) = worst_of(ledger({0: {name: values[kept] for name, values in rows.items()}}, COMPARED), ASKED)
    assert (expected["only_model"], expected["only_against"]) == (0, 0)
    assert found["worst"][0]["slice"] == expected["worst"][0]["slice"] == WRONG
    same = ["before", "now", "difference", "weight", "harm", "stderr", "z", "values"]
    assert {name: found["worst"][0][name] for name in same} == {name: expected["worst"][0][name] for name in same}
    assert found["judged"] == 1 + 4 + 12 < expected["judged"], "devices alone are no declared slice"


def test_rows_that_only_one_can_score_are_counted(missing, found):
    only_other, only_m = missing[0] & ~missing[1], missing[1] & ~missing[0]
    assert (found["only_model"], found["only_against"]) == (only_other.sum(), only_m.sum())
    told = list(lines([found]))
    assert f"without {only_other.sum():,} rows that only other can score, {only_m.sum():,} that only m can" in told[1]


def test_without_a_total_they_are_counted_all_the_same(rows, missing, found):
    config = {**COMPARED, "slices": [["country"], ["country", "device"]], "bins": {"slices": []}}
    (other,) = worst_of(ledger({0: {**rows, "q": np.where(missing[1], np.nan, rows["q"])}}, config), ASKED)
    assert (other["only_model"], other["only_against"]) == (0, missing[1].sum())
    assert other["worst"][0]["slice"] == WRONG and other["judged"] == 4 + 12


def test_what_neither_can_score_is_no_difference(rows):
    nothing = np.arange(rows["p"].size) % 5 == 0
    both = {**rows, **{name: np.where(nothing, np.nan, rows[name]) for name in ("p", "q")}}
    (found,) = worst_of(ledger({0: both}, COMPARED), ASKED)
    assert (found["only_model"], found["only_against"], found["worst"][0]["slice"]) == (0, 0, WRONG)
    assert found["judged"] == 1 + 4 + 3 + 12


def test_models_that_the_day_did_not_compare_need_all_scores(rows):
    config = {**COMPARED, "comparisons": {}}
    (found,) = worst_of(ledger({0: rows}, config), ASKED)
    assert (found["worst"][0]["slice"], found["only_model"], found["only_against"]) == (WRONG, 0, 0)
    some = {**rows, "q": np.where(rows["p"] > 0.1, np.nan, rows["q"])}
    (found,) = worst_of(ledger({0: some}, config), ASKED)
    assert (found["worst"], found["judged"], found["reason"]) == ([], 0, "not_compared")
    assert found["only_model"] is None


@pytest.mark.parametrize("nothing", [("q",), ("p", "q"), ("p",)])
def test_without_shared_rows_there_is_a_reason(rows, nothing):
    """One model scores nothing; or each what the other does not."""
    odd = np.arange(rows["p"].size) % 2 == 1
    where = {"p": odd, "q": ~odd} if len(nothing) == 2 else dict.fromkeys(nothing, odd | ~odd)
    some = {**rows, **{name: np.where(none, np.nan, rows[name]) for name, none in where.items()}}
    (found,) = worst_of(ledger({0: some}, {**COMPARED, "bins": {"slices": []}}), ASKED)
    assert (found["worst"], found["judged"], found["reason"]) == ([], 0, "no_common_rows")


@pytest.fixture(scope="module")
def two_days(rows):
    return ledger({1: rows, 0: rows}, {**COMPARED, "comparisons": {}})


@pytest.mark.parametrize("asked", [Asked(), Asked(calibration=True), ASKED, Asked(calibration=True, back=timedelta(1))])
@pytest.mark.parametrize("back", [0, 1])
def test_a_provisional_day_is_refused(two_days, asked, back):
    day = DAY - timedelta(days=back)
    marked = {name: marks(table) for name, table in two_days.days[day].items()}
    of = replace(two_days, days={**two_days.days, day: marked})
    if back and asked in (ASKED, Asked(calibration=True)):
        assert worst_of(of, asked), "the day before does not matter"
        return
    with pytest.raises(InputMissingError, match=f"{day} at age 0h is provisional: what is lacking"):
        worst_of(of, asked)


def marks(table):
    if "provisional" not in table.column_names:
        return table
    at = table.column_names.index("provisional")
    return table.set_column(at, "provisional", pc.is_valid(table["task"]))
