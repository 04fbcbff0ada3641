"""A gate is decided by where its whole interval lies, and says in one sentence why."""

import math

import pytest

from jobs.judgement.gates import FAILED, KINDS, NOT_JUDGED, PASSED, UNDECIDED, judged
from jobs.settings.errors import WrongValueError
from jobs.settings.judgement.gates import Gate, Margin

PAIR = {"task": "ctr", "comparison": "release", "metric": "log_loss"}
ONE = {"task": "ctr", "model": "champion", "metric": "log_loss"}
NAMES = {"candidate": "new", "baseline": "old"}


def gate(**keys):
    return Gate.model_validate(keys)


def compared(low, high, **others):
    """A row of `comparisons`: the difference, its interval, and the same relative to the baseline."""
    value = (low + high) / 2
    absolute = {"difference": value, "ci_low": low, "ci_high": high}
    relative = {"relative_difference": value, "relative_low": low, "relative_high": high}
    return {**NAMES, **absolute, **relative, **others}


# Log loss: smaller is better, so that a difference below 0 is a gain.
@pytest.mark.parametrize(
    ("requirement", "low", "high", "verdict"),
    [
        ({"require": "better"}, -0.02, -0.01, PASSED),
        ({"require": "better"}, 0.01, 0.02, FAILED),
        ({"require": "better"}, -0.02, 0.01, UNDECIDED),
        ({"require": "better"}, -0.02, 0.0, UNDECIDED),
        ({"require": "better"}, 0.0, 0.02, FAILED),
        ({"require": "not_worse", "margin": 0.01}, -0.02, 0.005, PASSED),
        ({"require": "not_worse", "margin": 0.01}, 0.02, 0.03, FAILED),
        ({"require": "not_worse", "margin": "1%"}, 0.0, 0.03, UNDECIDED),
        ({"require": "equivalent", "margin": 0.01}, -0.009, 0.009, PASSED),
        ({"require": "equivalent", "margin": 0.01}, -0.03, -0.02, FAILED),
        ({"require": "equivalent", "margin": 0.01}, -0.02, 0.0, UNDECIDED),
        ({"suspicious": "30%"}, -0.2, -0.1, PASSED),
        ({"suspicious": "30%"}, -0.5, -0.4, FAILED),
        ({"suspicious": 0.3}, -0.4, -0.2, UNDECIDED),
    ],
)
def test_gates_of_two_models(requirement, low, high, verdict):
    assert judged(gate(**PAIR, **requirement), compared(low, high), quiet=None, sign=-1).verdict == verdict


def test_where_larger_is_better_a_difference_above_0_is_a_gain():
    asked = gate(**PAIR, require="better")
    assert judged(asked, compared(0.01, 0.02), quiet=None, sign=1).verdict == PASSED
    assert judged(asked, compared(-0.02, -0.01), quiet=None, sign=1).verdict == FAILED


def test_the_running_interval_is_read_unless_the_gate_is_asked_once():
    row = compared(-0.02, -0.01, running_value=-0.01, running_low=-0.03, running_high=0.01, running_since="2026-11-01")
    night = judged(gate(**PAIR, require="better"), row, quiet=None, sign=-1)
    assert (night.verdict, "since 2026-11-01" in night.sentence) == (UNDECIDED, True)
    assert judged(gate(**PAIR, require="better", every_night=False), row, quiet=None, sign=-1).verdict == PASSED


@pytest.mark.parametrize("reasons", [{"reason": "no_common_rows"}, {"ci_reason": "too_few_positives"}])
def test_a_night_that_says_nothing_is_not_judged_by_those_before_it(reasons):
    before = {"running_value": -0.02, "running_low": -0.03, "running_high": -0.01, "running_since": "2026-11-01"}
    unknown = dict.fromkeys(("difference", "ci_low", "ci_high"))
    told = judged(gate(**PAIR, require="better"), {**NAMES, **unknown, **before, **reasons}, quiet=None, sign=-1)
    assert (told.verdict, next(iter(reasons.values())) in told.sentence) == (NOT_JUDGED, True)


@pytest.mark.parametrize(
    ("requirement", "row", "verdict"),
    [
        ({"within": [0.95, 1.05]}, {"value": 1.0, "ci_low": 0.98, "ci_high": 1.02}, PASSED),
        ({"within": [0.95, 1.05]}, {"value": 1.2, "ci_low": 1.1, "ci_high": 1.3}, FAILED),
        ({"within": [0.95, 1.05]}, {"value": 1.04, "ci_low": 1.0, "ci_high": 1.08}, UNDECIDED),
        ({"at_most": "+2%", "against": "7d"}, compared(-0.01, 0.01), PASSED),
        ({"at_most": "+2%", "against": "7d"}, compared(0.03, 0.04), FAILED),
        ({"at_most": 0.02, "against": "7d"}, compared(0.01, 0.03), UNDECIDED),
        ({"rows": 100}, {"n": 100}, PASSED),
        ({"rows": 100}, {"n": 99}, FAILED),
        ({"final": True}, {"is_final": True}, PASSED),
        ({"final": True}, {"is_final": False}, FAILED),
    ],
)
def test_gates_of_one_model(requirement, row, verdict):
    assert judged(gate(**ONE, **requirement), row, quiet=None, sign=-1).verdict == verdict


def test_a_slice_that_is_not_there_fails():
    assert judged(gate(**ONE, within=[0, 1]), None, quiet=None).verdict == FAILED


def test_without_an_interval_nothing_is_judged_and_the_reason_is_told():
    no_value = {"value": None, "ci_low": None, "ci_high": None, "reason": "single_class", "ci_reason": None}
    no_interval = {"value": 0.5, "ci_low": None, "ci_high": None, "reason": None, "ci_reason": "too_few_shards"}
    for row, reason in ((no_value, "single_class"), (no_interval, "too_few_shards")):
        told = judged(gate(**ONE, within=[0, 1]), row, quiet=None)
        assert (told.verdict, reason in told.sentence) == (NOT_JUDGED, True)


def test_models_are_not_judged_where_labels_are_late_but_finality_is():
    row = {"value": 9.0, "ci_low": 8.0, "ci_high": 9.5, "is_final": False}
    assert judged(gate(**ONE, within=[0, 1]), row, quiet="labels are late").verdict == NOT_JUDGED
    assert judged(gate(**ONE, final=True), row, quiet="labels are late").verdict == FAILED


def test_the_sentence_has_the_number_the_interval_and_what_it_has_to_be():
    told = judged(gate(**PAIR, require="not_worse", margin="1%"), compared(0.02, 0.04), quiet=None, sign=-1)
    expected = (
        "failed: the relative gain of new over old in log_loss is -0.03, [-0.04, -0.02]; it has to be above -0.01"
    )
    assert told.sentence == expected
    enough = judged(gate(**ONE, rows=120_000), {"n": 123_456}, quiet=None)
    assert enough.sentence == "passed: the number of rows scored by champion is 123,456; it has to be at least 120,000"
    steady = judged(gate(**ONE, against="reference", at_most="2%"), compared(0.0, 0.01), quiet=None, sign=-1)
    assert steady.sentence == (
        "passed: how much worse, relatively, log_loss of champion is than on the reference day is 0.005, [0, 0.01]; "
        "it has to be below 0.02"
    )
    zero = judged(gate(**PAIR, require="better"), compared(-0.01, 0.0), quiet=None, sign=-1)
    assert zero.sentence.endswith("[0, 0.01]; it has to be above 0")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"task": "ctr"}, "one of require, suspicious"),
        ({**ONE, "within": [0, 1], "rows": 5}, "one of require, suspicious"),
        ({**ONE, "within": [1, 0]}, "two bounds"),
        ({**ONE, "require": "better"}, "the key comparison"),
        ({**PAIR, "require": "not_worse"}, "the key margin"),
        ({**ONE, "at_most": "2%"}, "the key against"),
        ({"task": "ctr", "model": "m", "within": [0, 1]}, "the key metric"),
        ({**PAIR, "require": "equivalent", "margin": "-1%"}, "an amount above 0"),
        ({**PAIR, "require": "equivalent", "margin": 0}, "an amount above 0"),
        ({**PAIR, "require": "equivalent", "margin": math.inf}, "an amount above 0"),
        ({**PAIR, "require": "better", "margin": "1%"}, "no key margin, as require"),
        ({**PAIR, "model": "new", "require": "better"}, "no key model, as require"),
    ],
)
def test_a_gate_that_says_too_little_or_too_much_is_refused(keys, expected):
    with pytest.raises(ValueError, match=expected) as raised:
        gate(**keys)
    assert isinstance(raised.value.errors()[0]["ctx"]["error"], WrongValueError)


def test_a_margin_is_read_as_it_is_written():
    for text, margin in (("1%", Margin(0.01, True)), ("+2.5%", Margin(0.025, True)), (0.002, Margin(0.002, False))):
        known = gate(**PAIR, require="equivalent", margin=text)
        assert known.margin == margin
        assert gate(**known.model_dump(mode="json", exclude_none=True)) == known


def test_every_requirement_is_one_function_and_none_lets_an_interval_pass_on_its_point():
    assert all(each.__doc__ for each in KINDS.values())
    wide = {"value": 1.0, "ci_low": -math.inf, "ci_high": math.inf}
    assert judged(gate(**ONE, within=[0.9, 1.1]), wide, quiet=None).verdict == UNDECIDED
