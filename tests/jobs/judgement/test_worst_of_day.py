"""`lossledger worst` on tables that were made without an engine: the planted cross is first, with its first day."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.errors import ConfigurationError
from jobs.judgement.slices.ledger import Ledger
from jobs.judgement.worst import Asked, worst_of
from jobs.ledger.tables import declared
from jobs.settings import parse
from jobs.surfaces.worst import checked, lines
from tests.jobs.judgement.day import DAY, row, tables
from tests.jobs.judgement.test_changes import CONFIG, logged

WRONG = "country=BR,device=android"


@dataclass(frozen=True)
class Held(Ledger):
    """Tables of some days in memory."""

    days: dict[date, Any] = field(default_factory=dict)

    def shards(self, days):
        return {}

    def held(self, name, day, columns=None):
        schema = declared(self.settings)[name].schema
        found = self.days.get(day, {}).get(name, schema.empty_table())
        for field_ in schema:
            if field_.name not in found.column_names:
                found = found.append_column(field_, pa.nulls(found.num_rows, field_.type))
        return found if columns is None else found.select(columns)


def ledger(days, config=CONFIG, night=None):
    settings = parse(config)
    made = {DAY - timedelta(days=back): tables(settings, rows, day=DAY - timedelta(days=back)) for back, rows in
            days.items()}  # fmt: skip
    return Held(None, settings, DAY if night is None else night, settings.age_hours, made)


@pytest.fixture(scope="module")
def history():
    """Nine days, the cross a quarter too high on the last two."""
    return ledger({8 - i: logged(50 + i, over=1.25 if i >= 7 else 1.0, size=60_000) for i in range(9)})


def test_a_quarter_too_much_in_one_cross_is_first_with_its_day_within_two_nights(history):
    for back in (1, 0):
        night = DAY - timedelta(days=back)
        (found,) = worst_of(
            Held(None, history.settings, night, history.age_hours, history.days), Asked(calibration=True)
        )
        first = found["worst"][0]
        assert (first["slice"], first["first_bad_day"]) == (WRONG, (DAY - timedelta(days=1)).isoformat())
        assert first["error"] > first["detectable"] > 0.0 > first["z"]


def test_the_bands_hold_all_and_a_shift_brings_what_it_says(history):
    (found,) = worst_of(history, Asked(calibration=True))
    assert sum(each["weight_share"] for each in found["bands"]) == pytest.approx(1.0)
    assert sum(each["loss_share"] for each in found["bands"]) == pytest.approx(1.0)
    loss = row(history.days[DAY]["metrics"], metric="log_loss", slice="")["value"]
    told = sum(each["log_loss"] * each["weight_share"] for each in found["bands"])
    assert told == pytest.approx(loss, rel=1e-12)
    assert found["shift"]["shift"] < 0.0 and found["shift"]["loss"] < loss
    assert found["temperature"]["loss_low"] < found["shift"]["loss"]
    assert found["field_rce"].keys() == {"country", "device"}
    metrics = {of["metric"]: of["value"] for of in history.days[DAY]["metrics"].to_pylist() if of["slice"] == ""}
    assert metrics["calibration_z"] == pytest.approx(found["all"]["z"] * scale(history, found), rel=1e-9)


def scale(history, found):
    """How many times as large the standard error is as by rows."""
    of = {m["metric"]: m for m in history.days[DAY]["metrics"].to_pylist() if m["slice"] == ""}
    by_row = of["calibration_bias"]["value"] / -of["calibration_z"]["value"]
    return of["calibration_bias"]["stderr"] / by_row


def test_scores_of_0_and_1_are_in_the_bands_at_the_clip():
    rows = logged(1)
    rows["p"][:400] = np.repeat([0.0, 1.0], 200)
    of = ledger({0: rows})
    (found,) = worst_of(of, Asked(calibration=True))
    loss = row(of.days[DAY]["metrics"], metric="log_loss", slice="")["value"]
    assert sum(each["log_loss"] * each["weight_share"] for each in found["bands"]) == pytest.approx(loss, rel=1e-12)


def test_what_became_worse_since_the_day_before_is_first():
    of = ledger({1: logged(1), 0: logged(2, over=4.0)})
    (found,) = worst_of(of, Asked(back=timedelta(days=1)))
    assert found["worst"][0]["slice"] == WRONG
    assert found["worst"][0]["difference"] > 0.0 and found["reason"] is None
    assert any(WRONG in line for line in lines([found]))
    (none,) = worst_of(of, Asked(back=timedelta(days=7)))
    assert (none["worst"], none["reason"]) == ([], "no_day")


def test_a_model_that_is_worse_in_one_cross_is_told():
    config = {**CONFIG, "models": {"m": {"ctr": {"score": "p"}}, "other": {"ctr": {"score": "q"}}}}
    rows = logged(3)
    of = ledger({0: {**rows, "q": logged(3, over=4.0)["p"]}}, config)
    (found,) = worst_of(of, Asked(models=("m", "other")))
    assert (found["model"], found["against"], found["worst"][0]["slice"]) == ("other", "m", WRONG)
    (back,) = worst_of(of, Asked(models=("other", "m")))
    assert back["worst"] == []


def test_days_before_the_squares_were_recorded_have_a_reason():
    of = ledger({1: logged(1), 0: logged(2)})
    old = of.days[DAY]["statistics"]
    at = old.column_names.index("squared_nll")
    of.days[DAY] |= {
        "statistics": old.set_column(at, old.schema.field(at), pa.nulls(len(old), old.schema.field(at).type))
    }
    (found,) = worst_of(of, Asked(back=timedelta(days=1)))
    assert (found["worst"], found["reason"]) == ([], "not_recorded")


@pytest.mark.parametrize(
    ("size", "changes", "reasons"),
    [
        (4_000, {"w": 0.0}, ("no_weight", "no_weight")),
        (4_000, {"p": np.nan}, ("no_weight", "no_weight")),
        (4_000, {"p": 1.0}, ("no_variance", None)),
        (90, {}, ("too_few_rows", "too_few_rows")),
    ],
)
def test_a_day_that_says_too_little_has_a_reason(size, changes, reasons):
    rows = {**logged(2, size=size), "w": np.ones(size)}
    rows |= {name: np.full(size, value) for name, value in changes.items()}
    config = {**CONFIG, "tasks": {"ctr": {"label": "click", "weight": "w"}}, "bins": {"slices": []}}
    of = ledger({1: rows, 0: rows}, config)
    for asked, reason in zip((Asked(calibration=True), Asked(back=timedelta(days=1))), reasons, strict=True):
        (found,) = worst_of(of, asked)
        assert (found["worst"], found["judged"] > 0, found["reason"]) == ([], reason is None, reason)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"against": "1w"}, "--against: found '1w', expected how many days back, such as 1d or 7d"),
        ({"models": ("m", "n")}, "--models: found 'n', expected one of m"),
        ({"models": ("m", "m")}, "--models: found m m, expected two models that score the same task"),
        ({"against": "1d", "models": ("m", "m")}, "options: found several"),
        ({"calibration": True, "models": ("m", "m")}, "options: found several"),
    ],
)
def test_an_unclear_question_is_refused(given, problem):
    asked = {"against": None, "models": None, "calibration": False, **given}
    with pytest.raises(ConfigurationError) as caught:
        checked(parse(CONFIG), asked["against"], asked["models"], calibration=asked["calibration"])
    assert problem in str(caught.value.problems[0])


def test_without_dimensions_the_total_is_all_there_is():
    config = {**CONFIG, "dimensions": [], "slices": [[]]}
    (found,) = worst_of(ledger({0: logged(2, over=3.0)}, config), Asked(calibration=True))
    assert [each["slice"] for each in found["worst"]] == [""] and found["judged"] == 1
