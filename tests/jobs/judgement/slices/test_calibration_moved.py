"""Calibration of crosses between two days, and of values."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from jobs.judgement.worst import Asked, worst_of
from jobs.surfaces.worst import lines
from tests.jobs.judgement.day import row
from tests.jobs.judgement.test_changes import CONFIG, logged
from tests.jobs.judgement.test_worst_of_day import WRONG, ledger

VALUES = {
    **CONFIG,
    "labels": {"revenue": {"column": "revenue", "values": "number"}},
    "tasks": {"value": {"label": "revenue", "kind": "regression"}},
    "models": {"m": {"value": {"score": "s"}}},
    "bins": {"slices": []},
    "changes": {},
}
MOVED = Asked(calibration=True, back=timedelta(days=1))


def valued(seed, far=0.0, noise=1.0):
    """Revenue of 1 to 3, expected rightly but for one cross, where it is so `far` off, or as many times as noisy."""
    rows, rng = logged(seed), np.random.default_rng(seed)
    wrong = (rows["country"] == "BR") & (rows["device"] == "android")
    scores = rng.uniform(1.0, 3.0, wrong.size)
    errors = rng.normal(0.0, np.where(wrong, noise, 1.0))
    return {**rows, "s": scores + far * wrong, "revenue": scores + errors}


def test_what_is_farther_off_than_it_was_is_listed_and_what_came_nearer_is_not():
    of = ledger({1: logged(1), 0: logged(2, over=2.0)})
    (found,) = worst_of(of, MOVED)
    first = found["worst"][0]
    assert first["slice"] == WRONG and first["z"] > 0.0
    assert abs(first["before"]) < first["now"] == pytest.approx(first["error"], rel=1e-9)
    assert first["difference"] == first["now"] - first["before"]
    assert first["harm"] == pytest.approx((first["now"] - abs(first["before"])) * first["weight"], rel=1e-12)
    assert {"first_bad_day", "detectable", "spiegelhalter"} <= first.keys()
    assert any(WRONG in line for line in lines([found]))
    (alone,) = worst_of(of, Asked(calibration=True))
    of_the_day = ("all", "field_rce", "bands", "shift", "temperature")
    assert {name: found[name] for name in of_the_day} == {name: alone[name] for name in of_the_day}
    (back,) = worst_of(ledger({1: logged(2, over=2.0), 0: logged(1)}), MOVED)
    assert (back["worst"], back["reason"]) == ([], None)
    (low,) = worst_of(ledger({1: logged(1), 0: logged(2, over=0.4)}), MOVED)
    assert low["worst"][0]["slice"] == WRONG and low["worst"][0]["difference"] < 0.0 < low["worst"][0]["harm"]


def test_values_that_are_expected_too_high_in_one_cross_are_first():
    of = ledger({1: valued(4), 0: valued(5, far=0.5)}, VALUES)
    (found,) = worst_of(of, Asked(calibration=True))
    (moved,) = worst_of(of, MOVED)
    first = found["worst"][0]
    assert first["slice"] == moved["worst"][0]["slice"] == WRONG
    mean = {
        metric: row(of.days[of.day]["metrics"], metric=metric, slice=WRONG) for metric in ("mean_score", "mean_label")
    }
    assert first["error"] == pytest.approx(mean["mean_score"]["value"] - mean["mean_label"]["value"], rel=1e-9)
    assert first["error"] > first["detectable"] > 0.0 > first["z"]
    assert found["field_rce"].keys() == {"country", "device"} and found["all"].keys() == {"error", "z", "detectable"}


def test_values_that_became_noisy_in_one_cross_are_first_by_their_absolute_error():
    of = ledger({1: valued(4), 0: valued(5, noise=1.5)}, VALUES)
    (found,) = worst_of(of, Asked())
    assert (found["metric"], found["worst"][0]["slice"]) == ("mean_absolute_error", WRONG)
    before, now = (row(day["metrics"], metric="mean_absolute_error", slice=WRONG) for day in of.days.values())
    assert found["worst"][0]["now"] == now["value"]
    assert found["worst"][0]["stderr"] == pytest.approx(np.hypot(before["stderr"], now["stderr"]), rel=0.2)


def test_what_cells_do_not_say_has_a_reason():
    config = {
        **VALUES,
        "labels": {"click": {"column": "click", "values": "classes", "classes": ["no", "yes"]}},
        "tasks": {"clicked": {"label": "click", "kind": "multiclass"}},
        "models": {"m": {"clicked": {"score": ["no", "p"]}}},
        "slices": [[]],
    }
    days = [logged(1), logged(2, over=4.0)]
    of = ledger({1 - i: {**rows, "no": 1.0 - rows["p"]} for i, rows in enumerate(days)}, config)
    (found,) = worst_of(of, Asked(calibration=True))
    assert (found["worst"], found["reason"]) == ([], "no_calibration")
    assert list(lines([found])) == ["clicked / m, calibration: no_calibration", ""]
    (found,) = worst_of(of, Asked())
    assert (found["metric"], found["worst"][0]["slice"]) == ("log_loss", WRONG)


@pytest.mark.parametrize("asked", [Asked(), Asked(calibration=True), MOVED])
def test_the_order_of_rows_and_the_number_of_their_files_change_no_bit(asked):
    of = ledger({1: logged(1), 0: logged(2, over=3.0)})
    whole = worst_of(of, asked)
    assert whole[0]["worst"]
    for parts in (1, 7, 64):
        for tables in of.days.values():
            for name in ("statistics", "shard_statistics", "score_bins"):
                order = np.random.default_rng(parts).permutation(tables[name].num_rows)
                dealt = [tables[name].take(own).combine_chunks() for own in np.array_split(order, parts)]
                tables[name] = pa.concat_tables(dealt)
        assert worst_of(of, asked) == whole
