"""Months whose rate falls for good: what is told of it, what is not taken for it, and what people can say."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from jobs.judgement.maturity.lasting import at_one_level
from tests.jobs.judgement.maturity.months import FIRST, Ledger, month, settings_of, without

FALL, SAID, LAST = 12, 22, 29
OF_B = "advertiser=b"


def day(number):
    return FIRST + timedelta(days=number)


def since(seed, change):
    """The days of a month, those from the fall on changed."""
    return [change(i, of) if i >= FALL else of for i, of in enumerate(month(seed))]


def fallen(seed, share=0.6, advertiser="b"):
    """From a day on only two in five conversions of an advertiser come, or of all."""
    return since(seed, lambda i, of: without(of, share, advertiser, 100 * seed + i))


@pytest.fixture(scope="module")
def nights():
    """What the nights of such a month say, by day and age."""
    return {(night.day, night.age): night for night in Ledger(fallen(1), settings_of()).nights()}


def test_from_the_seventh_day_on_it_is_told_since_when_and_that_it_may_be_the_rate(nights):
    for i in range(FALL, LAST + 1):
        row = nights[day(i), 192].arrival[OF_B]
        assert row["verdict"] == "labels_missing"
        assert row["lasting_days"] == (i - FALL + 1 if i - FALL >= 6 else None)
        assert row["arrival_shape"] == ("as_always" if i - FALL >= 6 else None)
        assert row["level_since"] is None
    (lag,) = nights[day(LAST), 192].found.lags.of
    assert lag.sentence.endswith(
        f"it is this part on each of 18 days since {day(FALL)}, arriving as always: either the rate has fallen, or as "
        f"many are lost every day. If it has fallen, say labels.sale.level_since: {day(FALL)}"
    )


def test_while_labels_arrive_their_shape_is_told_once_enough_days_are_final(nights):
    shapes = {i: nights[day(i), 24].arrival[OF_B]["arrival_shape"] for i in range(FALL, LAST + 1)}
    assert {shapes[i] for i in range(FALL, FALL + 11)} == {None}
    assert shapes[LAST] == "as_always"


def test_slices_on_time_and_single_days_have_no_such_word(nights):
    others = [row for night in nights.values() for text, row in night.arrival.items() if text != OF_B]
    assert {row["lasting_days"] for row in others if row["verdict"] in ("arriving", "complete", None)} == {None}


def test_a_fall_of_everything_is_told_of_everything():
    ledger = Ledger(fallen(2, 0.5, None), settings_of((192,)))
    row = ledger.nights()[-1].arrival[""]
    assert (row["verdict"], row["lasting_days"]) == ("labels_missing", LAST - FALL + 1)
    # With one age alone nobody can tell how they arrive.
    assert row["arrival_shape"] is None


def test_labels_that_come_later_than_always_are_no_fall_of_the_rate():
    later = since(3, lambda i, of: replace(of, arrives=np.where(of.advertiser == 1, of.arrives + 30.0, of.arrives)))
    nights = {(night.day, night.age): night for night in Ledger(later, settings_of()).nights()}
    row = nights[day(LAST), 24].arrival[OF_B]
    assert (row["verdict"], row["arrival_shape"]) == ("labels_missing", "otherwise")
    assert nights[day(LAST), 24].found.lags.of[0].sentence.endswith("and they do not arrive as always")
    assert nights[day(LAST), 192].arrival[OF_B]["verdict"] == "complete"


def test_losses_that_differ_from_day_to_day_are_no_level():
    lost = since(1, lambda i, of: without(of, (0.45, 0.85)[i % 2], "b", i))
    found = [night.arrival[OF_B]["lasting_days"] for night in Ledger(lost, settings_of((192,))).nights()]
    assert set(found) == {None}


def said(first):
    """A ledger of a month whose rate has fallen, judged until people say so, and what it says from then on."""
    days = fallen(1)
    days[26] = without(days[26], 0.7, "b", 5)
    ledger = Ledger(days, settings_of((24, 192)))
    due = ledger.due()
    for key in (key for key in due if key[0] < day(SAID)):
        ledger.night(*key)
    log = ledger.settings.document()["labels"]["sale"]
    ledger.settings = settings_of((24, 192), labels={"sale": {**log, "level_since": first.isoformat()}})
    return {(night.day, night.age): night for night in (ledger.night(*key) for key in due if key[0] >= day(SAID))}


def test_once_people_say_so_the_new_level_is_what_is_expected_and_a_new_loss_is_seen():
    nights = said(day(FALL))
    lagging = {(night.day, lag.slice, lag.verdict) for night in nights.values() for lag in night.found.lags.of}
    assert lagging == {(day(26), OF_B, "labels_missing")}
    row = nights[day(SAID), 192].arrival[OF_B]
    assert (row["verdict"], row["level_since"], row["expected_days"]) == ("complete", day(FALL), SAID - FALL)
    # What is known of how labels arrive is not forgotten: of the days before the fall, too.
    assert nights[day(SAID), 24].arrival[OF_B]["share_days"] > SAID - FALL


def test_a_day_before_it_is_judged_as_if_nothing_had_been_said():
    ledger = Ledger(month(0), settings_of((192,)))
    plain = ledger.night(day(20), 192).found.tables
    log = ledger.settings.document()["labels"]["sale"]
    ledger.settings = settings_of((192,), labels={"sale": {**log, "level_since": day(21).isoformat()}})
    assert ledger.night(day(20), 192).found.tables == plain


def rows(*parts, of=1000.0):
    return [{"positives": part * of, "expected_positives": of} for part in parts]


@pytest.mark.parametrize(
    ("parts", "days"),
    [
        ([0.6] * 6, None),
        ([0.6] * 7, 7),
        ([0.8, *[0.6] * 7], 7),
        ([0.6, 0.62, 0.59, 0.61, 0.6, 0.58, 0.6], 7),
        ([0.6, 0.7, 0.5, 0.65, 0.55, 0.6, 0.6], None),
        ([0.0] * 9, 9),
    ],
)
def test_days_are_at_one_level_where_chance_allows_what_they_are_apart(parts, days):
    assert at_one_level(rows(*parts), 1.0, 0.0) == days


def test_one_level_is_taken_for_several_as_rarely_as_it_should():
    rng = np.random.default_rng(3)
    found = [
        at_one_level([{"positives": float(x), "expected_positives": 200.0} for x in rng.poisson(120.0, 7)], 1.0, 0.0)
        for _ in range(2000)
    ]
    assert 0.003 <= np.mean([each is None for each in found]) <= 0.02


def test_a_level_begins_on_a_day():
    assert settings_of(labels={"sale": {**LOG, "level_since": "2026-09-13"}}).label_logs["sale"].level_since == date(
        2026, 9, 13
    )


LOG = settings_of().document()["labels"]["sale"]
