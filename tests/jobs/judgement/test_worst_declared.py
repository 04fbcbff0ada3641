"""The worst declared slices of a night: by harm beside the nearest day, else by calibration, never by chance."""

import math
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from jobs.judgement.slices.declared import worst_declared
from jobs.ledger.stamp import Stamp
from jobs.settings import parse
from jobs.surfaces.verdict import _worst
from tests.world.night import document

STAMP = Stamp(date(2026, 3, 18), 0, datetime(2026, 4, 1, tzinfo=UTC), "run")
TWO = {"m": {"ctr": {"score": "p"}}, "other": {"ctr": {"score": "q"}}}
SLICED = {"dimensions": ["country"], "slices": [[], ["country"]], "models": TWO}


def changed(slice_, harm, p=0.001, **columns):
    """A row of `changes`."""
    named = {"task": "ctr", "model": "m", "slice": slice_, "metric": "log_loss", "against": "1d", "ci_reason": None}
    numbers = {"difference": harm / 1000.0, "ci_low": harm / 1000.0 - 0.01, "ci_high": harm / 1000.0 + 0.01}
    return {**named, **numbers, "harm": harm, "p_adjusted": p, **columns}


def calibrated(slice_, value, positives, width=0.1, **columns):
    """A row of `metrics`, its interval on the log scale."""
    ends = {"ci_low": value * math.exp(-width), "ci_high": value * math.exp(width), "ci_reason": None}
    named = {"task": "ctr", "model": "m", "slice": slice_, "metric": "predicted_over_actual", "is_final": True}
    return {**named, "value": value, "positives": positives, **ends, **columns}


def worst(folder, beside, metrics=(), stamp=STAMP, **sections):
    """What is found of the one task, and its lines."""
    settings = parse(document(folder, **{**SLICED, "changes": {"against": ["7d", "1d"]}, **sections}))
    empty = {"metrics": calibrated("", 1.0, 1.0), "changes": changed("", 1.0)}
    found = {name: pa.Table.from_pylist([row]).slice(0, 0) for name, row in empty.items()}
    for name, rows in (("changes", beside), ("metrics", metrics)):
        if rows:
            found[name] = pa.Table.from_pylist(list(rows))
    (of,) = worst_declared(found, settings, stamp)
    return of, list(_worst([of]))


@pytest.fixture
def of_day(tmp_path):
    return lambda *arguments, **sections: worst(tmp_path, *arguments, **sections)


def test_three_slices_that_harm_most_are_told_each_once_with_its_worst_model(of_day):
    rows = [changed("", 400.0), changed("country=BR", 123.0), changed("country=BR", 150.0, model="other")]
    rows += [changed(f"country={name}", harm) for name, harm in (("DE", 80.0), ("FR", 70.0), ("US", 60.0))]
    rows += [
        changed("country=LU", 500.0, p=0.2),
        changed("country=IT", -300.0),
        changed("country=BR", 999.0, metric="x"),
    ]
    found, lines = of_day(rows)
    assert [(row["model"], row["slice"], row["harm"], row["of"]) for row in found["slices"]] == [
        ("other", "country=BR", 150.0, None),
        ("m", "country=DE", 80.0, 400.0),
        ("m", "country=FR", 70.0, 400.0),
    ]
    assert (found["against"], found["judged"], found["reason"]) == ("2026-03-17", 6, None)
    assert lines[:2] == [
        "worst: ctr other country=BR: log_loss +0.15 ± 0.01 against 2026-03-17 (harm 150)",
        "worst: ctr m country=DE: log_loss +0.08 ± 0.01 against 2026-03-17 (harm 80 of 400)",
    ]


def test_the_nearest_day_that_has_rows_is_taken(of_day):
    nothing = dict.fromkeys(("difference", "ci_low", "ci_high", "harm", "p_adjusted"))
    absent = {**changed("country=BR", 1.0), **nothing, "ci_reason": "no_day"}
    found, _ = of_day([absent, changed("country=BR", 5.0, against="7d")])
    assert (found["against"], len(found["slices"])) == ("2026-03-11", 1)
    found, lines = of_day([absent])
    assert (found["against"], found["reason"], lines) == (None, "no_day", ["worst: ctr: slices not judged: no_day"])


def test_of_a_day_that_is_there_and_says_nothing_its_reason_is_told(of_day):
    nothing = dict.fromkeys(("difference", "ci_low", "ci_high", "harm", "p_adjusted"))
    silent = {**changed("country=BR", 1.0), **nothing}
    rows = [{**silent, "ci_reason": "no_positive"}, {**silent, "against": "7d", "ci_reason": "no_day"}]
    assert of_day(rows)[1] == ["worst: ctr: slices not judged: no_positive"]


def test_none_is_told_where_chance_allows_it(of_day):
    _, lines = of_day([changed("country=BR", 9.0, p=0.4), changed("country=DE", -9.0)])
    assert lines == ["worst: ctr: none of 2 slices is worse than chance allows, also against 2026-03-17"]
    assert of_day([changed("country=BR", 1.0) | {"harm": None}, changed("country=DE", -9.0)])[0]["slices"] == []
    few = [changed("country=BR", 9.0, p=None, ci_reason="too_few_shards")]
    assert of_day(few)[1] == ["worst: ctr: slices not judged: too_few_shards"]


def test_without_an_earlier_day_calibration_ranks_by_positives_that_are_off(of_day):
    rows = [calibrated("", 1.2, 5000.0), calibrated("country=BR", 0.7, 500.0), calibrated("country=DE", 1.5, 200.0)]
    rows += [calibrated("country=FR", 1.05, 9000.0), calibrated("country=US", 3.0, 4.0, ci_low=None, ci_high=None)]
    found, lines = of_day([], rows, changes={})
    assert [(row["slice"], row["harm"]) for row in found["slices"]] == [
        ("country=BR", pytest.approx(150.0)),
        ("country=DE", pytest.approx(100.0)),
    ]
    assert found["judged"] == 3
    assert lines[0] == ("worst: ctr m country=BR: predicted_over_actual 0.7 ± 0.07 (150 positives off of 500)")


def test_calibration_follows_what_became_worse_and_no_slice_is_told_twice(of_day):
    rows = [calibrated("country=BR", 1.5, 900.0), calibrated("country=DE", 2.0, 100.0)]
    found, _ = of_day([changed("country=BR", 9.0), changed("country=DE", -9.0)], rows)
    assert [(row["slice"], row["metric"], row["against"]) for row in found["slices"]] == [
        ("country=BR", "log_loss", "2026-03-17"),
        ("country=DE", "predicted_over_actual", None),
    ]


def test_of_many_slices_that_are_well_calibrated_none_is_told_though_some_intervals_miss(of_day):
    rows = [calibrated(f"country={i}", 1.0 + 0.01 * (i % 12), 1000.0) for i in range(120)]
    assert sum(row["ci_low"] > 1.0 for row in rows) == 10
    assert of_day([], rows, changes={})[0]["slices"] == []


@pytest.mark.parametrize(
    ("metrics", "stamp", "reason"),
    [
        ([calibrated("country=BR", 2.0, 500.0, is_final=False)], STAMP, "labels_can_change"),
        ([calibrated("country=BR", 2.0, 500.0)], Stamp(*list(vars(STAMP).values())[:4], True), "provisional"),
        ([], STAMP, "no_day"),
    ],
)
def test_what_cannot_be_judged_is_a_reason(of_day, metrics, stamp, reason):
    found, lines = of_day([], metrics, stamp, changes={})
    assert (found["slices"], found["reason"], lines) == ([], reason, [f"worst: ctr: slices not judged: {reason}"])


def test_without_slices_there_is_nothing_to_rank(tmp_path):
    assert worst_declared({}, parse(document(tmp_path)), STAMP) == []
