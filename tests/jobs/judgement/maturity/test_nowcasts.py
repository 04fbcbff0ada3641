"""Nowcasts over months of late conversions: their intervals hold what becomes of a day, where the naive number errs."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.jobs.judgement.maturity.months import (
    FIRST,
    METRICS,
    SLICES,
    Ledger,
    finals,
    month,
    settings_of,
    stamp,
    with_days,
    without,
)

MONTHS = 5
NAMES = [metric.name for metric in METRICS]
LAST = FIRST + timedelta(days=29)


@pytest.fixture(scope="module")
def backtest():
    """Of several months every nowcast with an interval, by age, metric and total or not: its row, and what became."""
    found = defaultdict(list)
    for seed in range(MONTHS):
        ledger = Ledger(month(seed), settings_of())
        for day, age in ((FIRST + timedelta(days=i), age) for i in range(11, 30) for age in (0, 24)):
            truth, naive = finals(ledger, day), finals(ledger, day, age)
            for (text, name), row in ledger.night(day, age).nowcasts.items():
                if row["reason"] is None and row["ci_reason"] is None:
                    found[age, name, text == ""].append((row, truth[text, name], naive[text, name]))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("age", [0, 24])
def test_intervals_hold_what_becomes_of_the_day(backtest, name, age):
    every = [of for whole in (True, False) for of in backtest[age, name, whole]]
    held = [row["ci_low"] <= truth <= row["ci_high"] for row, truth, _ in every]
    assert len(held) > 250
    assert 0.92 <= np.mean(held) <= 0.98


@pytest.mark.parametrize("name", NAMES)
def test_of_the_total_they_hold_it_too(backtest, name):
    held = [row["ci_low"] <= truth <= row["ci_high"] for age in (0, 24) for row, truth, _ in backtest[age, name, True]]
    assert len(held) > 150
    assert 0.92 <= np.mean(held) <= 0.99


def test_a_provisional_log_loss_flatters_and_the_nowcast_does_not(backtest):
    for age, flattered in ((0, 0.75), (24, 0.95)):
        of = backtest[age, "log_loss", True]
        naive, nowcast = (np.array([each(*one) for one in of]) for each in (flattery, error))
        assert (naive < 1.0).all()
        assert naive.mean() < flattered
        assert abs(nowcast.mean()) < 0.01
    for name, least in (("predicted_over_actual", 1.5), ("normalized_entropy", 1.0)):
        of = backtest[0, name, True]
        assert np.mean([naive / truth for _, truth, naive in of]) > least
        assert abs(np.mean([error(*one) for one in of])) < 0.03


def flattery(row, truth, naive):
    return naive / truth


def error(row, truth, naive):
    return row["value"] / truth - 1.0


def test_one_share_for_every_sum_would_miss_the_total():
    """Advertisers who report late have other scores: the loss of their positives arrives as they do."""
    ledger = Ledger(month(0), settings_of())
    off = defaultdict(list)
    for night in (ledger.night(FIRST + timedelta(days=i), 24) for i in range(14, 30)):
        curve = night.found.curves["cvr"]
        if curve.of_losses.reasons[0] is None:
            rows, truth = ledger.sums[night.day, 24], finals(ledger, night.day)["", "log_loss"]
            p, c, n, weight = (
                float(pc.sum(rows.filter(pc.equal(rows["slice"], ""))[name]).as_py())
                for name in ("positive_nll", "positive_complement_nll", "negative_nll", "weight")
            )
            share = curve.share.value[0]
            one = (p / share + n + c - c / share) / weight
            off["one"].append(one / truth - 1.0)
            off["three"].append(night.nowcasts["", "log_loss"]["value"] / truth - 1.0)
    assert abs(np.mean(off["three"])) < abs(np.mean(off["one"])) / 2


def test_a_day_that_is_final_has_no_nowcast_and_another_one_for_every_slice():
    ledger = Ledger(month(0)[:3], settings_of())
    for night in ledger.nights():
        assert (night.metrics is None) == (night.age == 192)
        assert night.age == 192 or night.nowcasts.keys() == {(text, name) for text in SLICES for name in NAMES}
        assert {row["reason"] for row in night.nowcasts.values()} <= {"too_few_days"}
        assert not any(row["is_final"] for row in night.nowcasts.values())


def test_where_labels_are_missing_nothing_is_said():
    days = with_days(0, day20=without(month(0)[20], 0.6, "b"))
    ledger = Ledger(days, settings_of())
    for age in (0, 24):
        found = ledger.night(days[20].day, age).nowcasts
        reasons = {text: found[text, "log_loss"]["reason"] for text in SLICES}
        # As many are lacking of the total as are told of; no impression of another advertiser is touched.
        assert reasons[""] == reasons["advertiser=b"] == "labels_missing"
        assert reasons["advertiser=a"] is None
    assert ledger.night(days[21].day, 24).nowcasts["", "log_loss"]["reason"] is None


def test_a_slice_without_enough_takes_the_shares_of_the_total_and_has_no_interval():
    ledger, reasons = Ledger(month(0), settings_of()), set()
    for night in (ledger.night(FIRST + timedelta(days=i), 0) for i in range(12, 17)):
        for text in (text for text, row in night.arrival.items() if row["share_of"] == "total"):
            row = night.nowcasts[text, "log_loss"]
            assert (row["reason"], row["ci_low"]) == (None, None)
            assert night.arrival[text]["share"] == night.arrival[""]["share"]
            reasons.add(row["ci_reason"])
        assert night.nowcasts["", "log_loss"]["ci_reason"] is None
    assert "share_of_total" in reasons


def test_a_provisional_night_has_none():
    key = LAST, 24
    night = Ledger(month(0), settings_of()).night(*key, replace(stamp(*key), provisional=True))
    assert {row["reason"] for row in night.nowcasts.values()} == {"provisional"}


def test_days_before_the_sum_was_recorded_do_not_count():
    settings = settings_of((24, 192))
    ledger, before = Ledger(month(0), settings), FIRST + timedelta(days=19)
    for (day, age), rows in ledger.sums.items():
        if day < before:
            at = rows.column_names.index("positive_complement_nll")
            nothing = pa.nulls(rows.num_rows, rows.schema.types[at])
            ledger.sums[day, age] = rows.set_column(at, rows.schema.field(at), nothing)
    of_last = ledger.night(LAST, 24)
    # Of the days that are final by then four have the sum.
    assert {row["reason"] for row in of_last.nowcasts.values()} == {"not_recorded"}
    assert of_last.arrival[""]["share_days"] == 23
    assert of_last.arrival[""]["share_reason"] is None


def test_a_label_that_is_given_another_one_waits_for_that_one_too():
    log = settings_of().document()["labels"]["sale"]
    tasks = {"cvr": {"label": "sale", "given": "click"}}
    labels = {"click": {**log, "window": "2h", "lateness": "0h"}, "sale": log}
    ledger = Ledger(month(0), settings_of(labels=labels, tasks=tasks))
    assert {row["reason"] for row in ledger.night(LAST, 0).nowcasts.values()} == {"given_not_final"}
    assert ledger.night(LAST, 24).nowcasts["", "log_loss"]["reason"] is None


def test_the_same_bits_in_any_order_of_the_rows():
    days, settings = month(0)[:14], settings_of()
    plain, mixed = Ledger(days, settings), Ledger(days, settings)
    for number, (key, rows) in enumerate(mixed.sums.items()):
        mixed.sums[key] = rows.take(pa.array(np.random.default_rng(number).permutation(rows.num_rows)))
    for age in (0, 24, 192):
        one, other = (of.night(days[-1].day, age) for of in (plain, mixed))
        assert one.found.tables == other.found.tables
        assert one.metrics == other.metrics
