"""What changed since an earlier day: the numbers of both days, their intervals, their causes, the first bad day."""

import math
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.judgement.changes.days import READ, SERIES, Earlier, at_one_clip
from jobs.judgement.changes.rows import changes
from jobs.judgement.changes.since import since
from jobs.ledger.stamp import Stamp
from jobs.settings import parse
from tests.jobs.judgement.day import DAY, row, tables
from tests.jobs.judgement.sides import VALUES, rows

CONFIG = {
    "evaluation": "changing",
    "impressions": {"source": {"format": "parquet", "path": "x"}, "columns": {"unit": "user"}},
    "labels": {"click": {"column": "click", "values": "binary"}},
    "tasks": {"ctr": {"label": "click"}},
    "models": {"m": {"ctr": {"score": "p"}}},
    "dimensions": ["country", "device"],
    "slices": [[], ["country"], ["country", "device"]],
    "bins": {"slices": [[]]},
    "changes": {"against": ["1d", "7d"], "reference": "2026-03-01"},
    "tables": {"path": "x"},
}
BOTH = {"task": "ctr", "model": "m", "against": "1d"}


def logged(seed, over=1.0, size=20_000, moved=0.0, users=4_000):
    """A day whose scores are right but for a cross; so many of its rows are `moved` to one country."""
    rng, codes, rate = rows(seed, size)
    codes["country"] = np.where(rng.random(size) < moved, 3, codes["country"])
    wrong = (codes["country"] == 0) & (codes["device"] == 0)
    return {
        **{name: np.array(VALUES[name])[codes[name]] for name in CONFIG["dimensions"]},
        "click": (rng.random(size) < rate).astype(np.float64),
        "p": np.where(wrong, np.minimum(over * rate, 0.99), rate),
        "shard": rng.integers(0, users, size) % 32,
    }


def judged(today, before, config=CONFIG):
    """The rows of `changes`: `before` by how many days back."""
    settings = parse(config)
    new = tables(settings, today)
    past = {back: tables(settings, rows, day=DAY - timedelta(days=back)) for back, rows in before.items()}
    empty = {name: new[name].slice(0, 0) for name in READ if name in new}
    found = {name: pa.concat_tables([empty[name], *(of[name] for of in past.values())]) for name in empty}
    days = new["metrics"].slice(0, 0).select(SERIES)
    stamp = Stamp(DAY, settings.age_hours, new["metrics"]["as_of"][0].as_py(), "run")
    return new, past, changes(new, Earlier(settings.changes.days(DAY), found, days), settings, stamp)


@pytest.fixture(scope="module")
def night():
    return judged(logged(2, over=3.0, moved=0.2), {1: logged(1)})


def test_values_are_the_published_ones_and_the_difference_theirs(night):
    new, past, found = night
    now, before = ({(of["slice"], of["metric"]): of for of in each["metrics"].to_pylist()} for each in (new, past[1]))
    for of in found.filter(pc.equal(found["against"], "1d")).to_pylist():
        key = of["slice"], of["metric"]
        assert (of["now"], of["before"], of["n"]) == (now[key]["value"], before[key]["value"], now[key]["n"])
        assert of["difference"] == of["now"] - of["before"]
        assert of["ci_low"] < of["difference"] < of["ci_high"]


def test_causes_add_up_to_the_last_bit(night):
    _, _, found = night
    for of in found.filter(pc.is_in(found["metric"], pa.array(["log_loss", "normalized_entropy"]))).to_pylist():
        parts = [of[name] for name in ("within", "mix", "interaction")]
        if of["against"] == "1d":
            assert math.fsum(parts) == of["difference"]
        else:
            assert parts == [None] * 3


def test_calibration_and_discrimination_add_up_with_the_labels(night):
    _, _, found = night
    for metric in ("log_loss", "brier_score"):
        of = row(found, **BOTH, slice="", metric=metric)
        whole = of["calibration"] + of["discrimination"] + of["uncertainty"]
        assert whole == pytest.approx(of["difference"], abs=1e-12)
        assert of["calibration"] > abs(of["discrimination"]) > 0.0 < of["half_width"] < 1e-3
    assert row(found, **BOTH, slice="country=BR", metric="log_loss")["calibration"] is None


def test_what_became_wrong_harms_most_and_is_seen(night):
    _, _, found = night
    of_loss = found.filter(pc.and_(pc.equal(found["metric"], "log_loss"), pc.equal(found["against"], "1d")))
    harm = of_loss["harm"].to_pylist()
    assert harm == sorted(harm, reverse=True)
    wrong = row(of_loss, slice="country=BR,device=android")
    assert wrong["p_adjusted"] < 0.01 and wrong["harm"] == wrong["difference"] * wrong["weight"]
    assert wrong["within"] == wrong["difference"]
    assert row(found, **BOTH, slice="", metric="base_rate")["harm"] is None


@pytest.mark.parametrize("against", ["7d", "reference"])
def test_a_day_without_data_is_a_reason(night, against):
    _, _, found = night
    for of in found.filter(pc.equal(found["against"], against)).to_pylist():
        assert (of["reason"], of["ci_reason"]) == ("no_day", "no_day")
        assert of["now"] is not None and of["before"] is of["difference"] is of["ci_low"] is None


def test_units_that_come_back_are_paired():
    """The same users, and each of them clicks as he does: what both days share cancels."""
    rng = np.random.default_rng(5)
    taste = np.repeat(rng.normal(0.0, 1.0, 32), 625)

    def day(seed):
        of = logged(seed)
        shard = np.repeat(np.arange(32), 625)
        rate = 1.0 / (1.0 + np.exp(2.0 - taste))
        return {**of, "shard": shard, "click": (np.random.default_rng(seed).random(taste.size) < rate) * 1.0}

    columns = {**CONFIG, "impressions": {**CONFIG["impressions"], "columns": {}}}
    apart, together = (judged(day(2), {1: day(1)}, config)[2] for config in (columns, CONFIG))
    errors = [row(of, **BOTH, slice="", metric="log_loss")["stderr"] for of in (apart, together)]
    assert errors[1] < errors[0] / 3.0


def test_a_slice_of_one_day_only_and_few_rows_have_reasons():
    today = {name: values[:20_000] for name, values in logged(2).items()}
    today["country"] = np.where(today["country"] == "US", "XX", today["country"])
    few = np.flatnonzero(today["country"] == "FR")[20:]
    today = {name: np.delete(values, few) for name, values in today.items()}
    _, _, found = judged(today, {1: logged(1)})
    told = {
        text: row(found, **BOTH, slice=text, metric="log_loss") for text in ("country=US", "country=XX", "country=FR")
    }
    assert [of["reason"] for of in told.values()] == ["no_weight", "no_weight", "too_few_rows"]
    assert told["country=FR"]["now"] is None and told["country=FR"]["before"] is not None


def test_the_first_bad_day_is_the_planted_one():
    """Ten days, the cross a quarter too high from the ninth on: told that night and the next, with the day."""
    config = {**CONFIG, "slices": [["country", "device"]], "bins": {"slices": []}}
    days = [logged(30 + i, over=1.25 if i >= 8 else 1.0, size=60_000) for i in range(10)]
    made = [tables(parse(config), rows, day=DAY - timedelta(days=9 - i)) for i, rows in enumerate(days)]
    for night in (8, 9):
        series = pa.concat_tables(each["metrics"] for each in made[:night])
        day = DAY - timedelta(days=9 - night)
        first = since(made[night]["metrics"], series, day)
        assert first["ctr", "m", "country=BR,device=android", "predicted_over_actual"] == DAY - timedelta(days=1)
        assert ("ctr", "m", "country=DE,device=ios", "predicted_over_actual") not in first


def test_losses_of_days_with_another_clip_are_no_days_before():
    names = ["log_loss", "normalized_entropy", "brier_score"]
    values = pa.table({"metric": names * 3, "clip": [1e-15] * 3 + [1e-6] * 3 + [None] * 3, "value": range(9)})
    kept = at_one_clip(values, parse({**CONFIG, "loss": {"clip": 1e-6}}))
    assert kept["value"].to_pylist() == [2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("dimensions", [[], ["country"]])
def test_without_dimensions_and_bins_there_are_changes_too(dimensions):
    config = {**CONFIG, "dimensions": dimensions, "slices": [[]], "bins": {"slices": []}}
    _, _, found = judged(logged(2, size=4_000), {1: logged(1, size=4_000)}, config)
    of = row(found, **BOTH, slice="", metric="log_loss")
    assert of["difference"] == math.fsum(of[name] for name in ("within", "mix", "interaction"))
    assert of["calibration"] is None
