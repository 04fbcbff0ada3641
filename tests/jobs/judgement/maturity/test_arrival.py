"""Months of late conversions: what is said of the labels of each day, of a day without fault and of one with."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.ledger.sharding import folded
from tests.jobs.judgement.maturity.months import (
    AGES,
    FIRST,
    SLICES,
    Ledger,
    month,
    settings_of,
    shard_statistics,
    stamp,
    with_days,
    without,
)

FAULT, LATE, LAST = (FIRST + timedelta(days=i) for i in (20, 24, 29))


def lagging(nights):
    """What is late or missing: day, age, slice and verdict of each."""
    return {(n.day, n.age, lag.slice, lag.verdict) for n in nights for lag in n.found.lags.of}


def faulty(seed):
    """A month with a day on which three in five conversions of advertiser b are lost."""
    return with_days(seed, day20=without(month(seed)[20], 0.6, "b", seed))


def on(day, ledger):
    """The nights of one day, none of those before having been judged."""
    return [ledger.night(day, age) for age in ledger.settings.hours]


@pytest.fixture(scope="module")
def nights():
    """The nights of such a month."""
    return Ledger(faulty(0), settings_of()).nights()


def test_labels_are_missing_on_the_day_and_of_the_advertiser_of_whom_they_are_and_nowhere_else(nights):
    expected = {(FAULT, age, "advertiser=b", "labels_missing") for age in AGES}
    assert lagging(nights) == expected
    assert lagging(on(FAULT, Ledger(faulty(2), settings_of()))) == expected


def test_of_a_month_without_a_fault_no_label_is_late():
    assert not lagging(Ledger(month(3), settings_of()).nights())


def test_where_half_of_all_is_lost_labels_are_late_and_in_the_end_missing():
    found = lagging(on(LATE, Ledger(with_days(0, day24=without(month(0)[24], 0.5)), settings_of())))
    assert {(age, verdict) for _, age, text, verdict in found if text == ""} == {
        *((0, "labels_late"), (24, "labels_late"), (192, "labels_missing"))
    }
    # Of no advertiser there lacks more than of the rest.
    assert {verdict for _, age, _, verdict in found if age < 192} == {"labels_late"}


def of_other_days(nights):
    return [
        (n, text, row) for n in nights for text, row in n.arrival.items() if (n.day, text) != (FAULT, "advertiser=b")
    ]


def test_a_share_has_the_interval_of_one_day(nights):
    last = {(n.day, text): row["positives"] for n, text, row in of_other_days(nights) if n.age == 192}
    held = [
        row["share_low"] <= row["positives"] / last[n.day, text] <= row["share_high"]
        for n, text, row in of_other_days(nights)
        if n.age < 192 and row["share_reason"] is None and row["share_of"] == "slice"
    ]
    assert len(held) > 100
    assert 0.92 <= np.mean(held) <= 0.99


def test_the_expected_number_has_the_interval_of_one_day(nights):
    held = [
        row["expected_low"] <= row["positives"] <= row["expected_high"]
        for _, _, row in of_other_days(nights)
        if row["verdict"] is not None
    ]
    assert len(held) > 300
    assert 0.92 <= np.mean(held) <= 0.99


def test_a_day_that_was_missing_is_no_measure_of_later_ones():
    """As if it was not there for the slice: the others keep it."""
    days, settings = faulty(0), settings_of((192,))
    with_it, without_it = (Ledger(of, settings) for of in (days, [*days[:20], *days[21:]]))
    with_it.night(FAULT, 192)
    one, other = (of.night(LAST, 192).arrival for of in (with_it, without_it))
    names = ("expected_positives", "expected_low", "expected_high", "expected_days")
    assert [one["advertiser=b"][name] for name in names] == [other["advertiser=b"][name] for name in names]
    assert one[""]["expected_days"] == other[""]["expected_days"] + 1


def test_of_few_days_and_of_few_positives_nothing_is_said(nights):
    by_day = {(n.day, n.age): n.arrival for n in nights}
    for age in AGES:
        first, enough = by_day[FIRST + timedelta(days=4), age], by_day[FIRST + timedelta(days=5), age]
        assert {(row["verdict"], row["reason"]) for row in first.values()} == {(None, "too_few_days")}
        assert (enough[""]["reason"], enough[""]["expected_days"]) == (None, 5)
    reasons = {by_day[FIRST + timedelta(days=i), 0]["advertiser=d"]["reason"] for i in range(5, 30)}
    assert reasons <= {None, "too_few_positives"}
    assert "too_few_positives" in reasons
    # A share is of days that are final by then.
    shares = [by_day[FIRST + timedelta(days=i), 24][""] for i in (10, 11, 12)]
    assert [row["share_days"] for row in shares] == [4, 5, 6]
    assert [row["share_reason"] for row in shares] == ["too_few_days", None, None]
    assert by_day[FIRST, 192][""]["share"] == 1.0


def test_rows_and_weight_of_positives_are_exact(nights):
    day = month(0)[29]
    for night in (n for n in nights if n.day == LAST):
        label = day.label(night.age)
        for i, text in enumerate(SLICES):
            own = label if not text else label[day.advertiser == i - 1]
            row = night.arrival[text]
            assert (row["positive_rows"], row["positives"]) == (own.sum(), float(own.sum()))


def test_labels_that_are_taken_back_are_shown_and_never_hidden():
    """Of every day a third is refunded on the third day: a share above 1, and as many fewer in the end."""
    rng = np.random.default_rng(1)
    days = [replace(of, retracted=np.where(rng.random(of.user.size) < 1 / 3, 60.0, np.inf)) for of in month(0)]
    day, nights = days[29], {n.age: n.arrival for n in on(LAST, Ledger(days, settings_of()))}
    assert nights[24]["advertiser=a"]["share"] > 1.2
    for i, text in enumerate(SLICES):
        own = np.ones(day.user.size, dtype=bool) if not text else day.advertiser == i - 1
        counts = [np.bincount(day.user[own] % 32, weights=day.label(age)[own], minlength=32) for age in (24, 192)]
        row = nights[192][text]
        assert row["retracted"] == np.maximum(counts[0] - counts[1], 0.0).sum()
        assert row["positives"] == counts[1].sum()
    assert nights[192][""]["positives"] < nights[24][""]["positives"]
    assert nights[0][""]["retracted"] is None
    # It is usual here.
    assert {row["verdict"] for row in nights[192].values()} == {"complete"}


def test_one_age_alone_is_held_against_itself():
    final, young = (on(FAULT, Ledger(faulty(0), settings_of((age,)))) for age in (192, 0))
    assert lagging(final) == {(FAULT, 192, "advertiser=b", "labels_missing")}
    assert lagging(young) == {(FAULT, 0, "advertiser=b", "labels_missing")}
    assert {row["share_reason"] for row in young[0].arrival.values()} == {"no_final_age"}


def test_of_what_is_provisional_nothing_is_said():
    night = Ledger(month(0), settings_of((192,))).night(LAST, 192, replace(stamp(LAST, 192), provisional=True))
    assert {(row["verdict"], row["reason"]) for row in night.arrival.values()} == {(None, "provisional")}


def test_without_the_total_a_slice_is_late_until_labels_are_final():
    ledger = Ledger(faulty(0), settings_of(slices=[["advertiser"]]))
    ledger.sums = {key: rows.filter(pc.not_equal(rows["slice"], "")) for key, rows in ledger.sums.items()}
    verdicts = {0: "labels_late", 24: "labels_late", 192: "labels_missing"}
    assert lagging(on(FAULT, ledger)) == {(FAULT, age, "advertiser=b", verdict) for age, verdict in verdicts.items()}


def test_what_is_not_asked_is_not_late():
    document = settings_of().document()["labels"]
    settings = settings_of(labels={"sale": {**document["sale"], "shortfall": 1}})
    assert not lagging(on(FAULT, Ledger(faulty(0), settings)))


def test_of_a_slice_that_is_new_nothing_is_said():
    """An advertiser who was never there before has impressions, and no earlier days."""
    ledger = Ledger(month(0)[:8], settings_of((192,)))
    last = ledger.due()[-1]
    rows = ledger.sums[last]
    new = rows.filter(pc.equal(rows["slice"], "advertiser=a"))
    renamed = pa.array(["advertiser=new"] * new.num_rows)
    new = new.set_column(new.column_names.index("slice"), new.schema.field("slice"), renamed)
    ledger.sums[last] = pa.concat_tables([rows, new])
    found = ledger.night(*last).arrival
    assert found["advertiser=new"]["reason"] == "too_few_days"
    assert found["advertiser=a"]["verdict"] == "complete"


def test_the_scale_of_weights_changes_no_verdict():
    """Weights eight times as large are no more positives: the same p values, to the last bit."""
    plain, heavy = (on(FAULT, Ledger(faulty(0), settings_of((192,)), weight))[0] for weight in (1.0, 8.0))
    for text, row in plain.arrival.items():
        found = heavy.arrival[text]
        assert [found[name] for name in ("verdict", "reason", "p_adjusted")] == [
            *(row[name] for name in ("verdict", "reason", "p_adjusted"))
        ]
        assert found["expected_positives"] == 8.0 * row["expected_positives"]


def test_the_sums_of_the_month_are_those_of_its_rows():
    """What the tests rest on: the sums that were made are those of the impressions."""
    day = month(0)[3]
    rows = shard_statistics(day, 24)
    whole = rows.filter(pc.equal(rows["slice"], ""))
    assert pc.sum(whole["n"]).as_py() == day.user.size
    assert float(pc.sum(whole["positive_weight"]).as_py()) == day.label(24).sum()


@pytest.mark.parametrize("count", [16, 24, 64])
def test_labels_arrive_alike_by_other_shards(count):
    """Days before are told by their own shards, however many there are now: what is said of labels is the same."""
    usual, other = (Ledger(month(3), settings_of(shards={"count": n})) for n in (32, count))
    for day, age in ((FAULT, 0), (FAULT, 24)):
        other.sums[day, age] = folded(other.sums[day, age], count)
        found, expected = (ledger.night(day, age) for ledger in (other, usual))
        assert found.arrival == expected.arrival
        assert {row["share_reason"] for row in found.arrival.values()} == {None}
        values = ({key: row["value"] for key, row in night.nowcasts.items()} for night in (found, expected))
        assert next(values) == next(values)


def test_what_was_retracted_is_told_by_the_shards_that_both_ages_have():
    day = month(3)[20]
    ledger = Ledger(with_days(3, day20=replace(day, retracted=np.where(day.user % 2, 12.0, np.inf))), settings_of())
    usual = ledger.night(FAULT, 24).arrival[""]["retracted"]
    known = replace(ledger.vintages(FAULT, 24), common=16)
    ledger.vintages = lambda *_: known
    ledger.sums[FAULT, 24] = folded(ledger.sums[FAULT, 24], 16)
    told = ledger.night(FAULT, 24).arrival[""]["retracted"]
    assert 0.0 < told <= usual
