"""Two models on the rows that both can score: a bootstrap says the same, and rows of one model have no say."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs.errors import ConfigurationError, RuntimeFailure
from jobs.judgement import comparisons
from jobs.judgement.comparisons import compared
from jobs.judgement.estimates import Known
from jobs.judgement.paired import Asked
from jobs.settings import parse
from jobs.surfaces.compared import facts, sentences
from tests.jobs.judgement.day import DAY, row, tables
from tests.jobs.judgement.forecasts import CONFIG, games, resampled
from tests.jobs.judgement.test_intervals import value_of

SMALL = {**CONFIG, "bins": {"slices": []}}
TOTAL = {"task": "home", "slice": ""}
ASKED = Asked("knowing", "home", "forecast", "rate")


@pytest.fixture(scope="module")
def rows(data_dir):
    return games(data_dir)


@pytest.fixture(scope="module")
def whole(rows):
    return tables(parse(SMALL), rows)["comparisons"]


def without(rows, **missing):
    """The rows with no score of a model where it is said so."""
    return {**rows, **{model: np.where(where, np.nan, rows[model]) for model, where in missing.items()}}


def taken(rows, where):
    return {name: values[where] for name, values in rows.items()}


@pytest.mark.parametrize("metric", ["log_loss", "normalized_entropy"])
def test_a_bootstrap_of_units_of_raw_rows_says_the_same(whole, rows, metric):
    counts, of = resampled(rows), row(whole, **TOTAL, metric=metric)
    drawn = value_of(metric, counts, rows) - value_of(metric, counts, rows, "rate")
    assert of["difference"] == pytest.approx(of["candidate_value"] - of["baseline_value"], abs=1e-15)
    assert of["stderr"] == pytest.approx(drawn.std(), rel=0.25)
    assert of["ci_low"] < of["difference"] < of["ci_high"] < 0.0
    assert of["relative_difference"] == pytest.approx(of["difference"] / of["baseline_value"], rel=1e-12)
    assert of["p"] < 1e-6
    assert of["detectable"] == pytest.approx(2.8 * of["stderr"])


def test_rows_that_only_one_model_can_score_have_no_say(rows):
    place = np.arange(rows["won"].size)
    only_rate, only_forecast = place % 10 == 3, place % 7 == 2
    found = tables(parse(SMALL), without(rows, forecast=only_rate, rate=only_forecast))
    both = tables(parse(SMALL), taken(rows, ~only_rate & ~only_forecast))["comparisons"]
    counts = ["only_candidate", "only_baseline"]
    # What is made of cells is not known of the shared rows alone.
    of_sums = pc.invert(pc.match_substring(both["metric"], "[stratified]"))
    ours, theirs = (each.filter(of_sums).drop_columns(counts) for each in (found["comparisons"], both))
    assert ours.equals(theirs)
    of = row(found["comparisons"], **TOTAL, metric="log_loss")
    expected = (~only_forecast & only_rate).sum(), (~only_rate & only_forecast).sum()
    assert (of["only_baseline"], of["only_candidate"]) == expected
    told = found["unpaired_statistics"].filter(pc.equal(found["unpaired_statistics"]["slice"], ""))
    assert sum(told["n"].to_pylist()) == sum(expected)


def test_a_model_that_scores_all_has_nothing_apart(rows):
    assert "unpaired_statistics" not in tables(parse(SMALL), rows)


def test_in_as_many_parts_as_may_be_the_doubles_are_the_same(rows):
    some = without(rows, rate=np.arange(rows["won"].size) % 7 == 2)
    one, *others = (tables(parse(SMALL), some, parts) for parts in (1, 7, 64))
    for other in others:
        assert other["comparisons"].equals(one["comparisons"])
        assert other["unpaired_statistics"].equals(one["unpaired_statistics"])


def test_slices_pay_for_being_many(whole):
    of = [each for each in whole.to_pylist() if each["metric"] == "log_loss"]
    assert all(each["p"] <= each["p_adjusted"] <= 1.0 for each in of)
    assert any(each["p"] < each["p_adjusted"] for each in of)


@pytest.mark.parametrize(
    ("changes", "of_rows", "reason", "ci_reason"),
    [
        ({}, lambda rows, odd: without(rows, forecast=odd, rate=~odd), "no_common_rows", "no_common_rows"),
        ({}, lambda rows, odd: without(rows, forecast=odd | ~odd), "no_common_rows", "no_common_rows"),
        ({}, lambda rows, odd: without(rows, forecast=odd | ~odd, rate=odd | ~odd), "no_common_rows", "no_common_rows"),
        ({}, lambda rows, odd: taken(rows, np.arange(odd.size) < 10), "too_few_rows", "too_few_rows"),
        ({}, lambda rows, odd: {**rows, "shard": rows["shard"] * 0}, None, "too_few_shards"),
        ({"shards": {"count": 1}}, lambda rows, odd: {**rows, "shard": rows["shard"] * 0}, None, "too_few_shards"),
    ],
)
def test_too_little_gives_a_reason_and_never_an_exception(rows, changes, of_rows, reason, ci_reason):
    some = of_rows(rows, np.arange(rows["won"].size) % 2 == 1)
    found = tables(parse({**SMALL, **changes}), some)["comparisons"]
    of = row(found, **TOTAL, metric="log_loss")
    assert (of["reason"], of["ci_reason"]) == (reason, ci_reason)
    assert (of["difference"] is None) == (reason is not None)
    assert [of[name] for name in ("ci_low", "ci_high", "stderr", "p", "p_adjusted", "running_low")] == [None] * 6
    (line,) = sentences(found)
    assert "cannot be compared with" in line
    assert ci_reason in line


def test_what_is_not_of_the_same_rows_is_refused(rows):
    found = tables(parse(SMALL), without(rows, rate=np.arange(rows["won"].size) % 7 == 2))
    lost = {**found, "unpaired_statistics": found["unpaired_statistics"].slice(0, 0)}
    with pytest.raises(RuntimeFailure, match=r"comparisons.knowing: .* not left with the same rows"):
        compared(Known(lost, parse(SMALL), {}), DAY, {})


def test_nights_add_up_to_one_that_may_be_read_every_night(rows, monkeypatch):
    nights = {date(2026, 3, 15 + i): taken(rows, np.arange(rows["won"].size) % 3 == i) for i in range(3)}
    settings = parse(SMALL)
    of_nights = {day: tables(settings, of, day=day) for day, of in nights.items()}
    *before, last = of_nights
    earlier = {ASKED: {day: of_nights[day] for day in before}}
    found = compared(Known(of_nights[last], settings, {}), last, earlier)
    monkeypatch.setattr(comparisons, "AT_ONCE", 1)
    assert compared(Known(of_nights[last], settings, {}), last, earlier).equals(found)
    alone = [row(of["comparisons"], **TOTAL, metric="log_loss") for of in of_nights.values()]
    of = row(found, **TOTAL, metric="log_loss")
    mean = sum(each["n"] * each["difference"] for each in alone) / sum(each["n"] for each in alone)
    assert of["running_value"] == pytest.approx(mean, rel=1e-12)
    assert of["running_since"] == min(nights)
    assert of["running_low"] < mean < of["running_high"] < 0.0
    widths = [each["running_high"] - each["running_low"] for each in (alone[-1], of)]
    assert widths[1] < widths[0]
    assert {name: of[name] for name in ("difference", "ci_low", "p")} == {
        name: alone[-1][name] for name in ("difference", "ci_low", "p")
    }
    assert row(found, **TOTAL, metric="brier_score")["running_value"] is None
    season = found.filter(pc.and_(pc.equal(found["metric"], "log_loss"), pc.not_equal(found["slice"], "")))
    assert set(season["running_since"].to_pylist()) == {min(nights)}


def test_tasks_of_classes_are_compared_too(rows):
    third = {"p1": rows["forecast"], "p2": 1.0 - rows["forecast"], "q1": rows["rate"], "q2": 1.0 - rows["rate"]}
    scores = {"forecast": ["p1", "p2"], "rate": ["q1", "q2"]}
    config = {
        **SMALL,
        "labels": {"won": {"column": "won", "values": "classes", "classes": ["lost", "won"]}},
        "tasks": {"home": {"kind": "multiclass", "label": "won"}},
        "models": {model: {"home": {"score": of}} for model, of in scores.items()},
    }
    lost = {**rows, **third, "won": 1.0 - rows["won"]}
    of = row(tables(parse(config), lost)["comparisons"], **TOTAL, metric="log_loss")
    binary = row(tables(parse(SMALL), rows)["comparisons"], **TOTAL, metric="log_loss")
    assert of["difference"] == pytest.approx(binary["difference"], rel=1e-12)
    assert of["ci_low"] == pytest.approx(binary["ci_low"], rel=1e-9)


def test_the_verdict_names_the_better_one(whole):
    (line,) = sentences(whole)
    assert line.startswith("knowing, home: forecast is better than rate on 8,886 shared rows: log_loss -0.0")
    assert "normalized_entropy -0.0" in line
    assert {each["metric"]: each["verdict"] for each in facts(whole)} == dict.fromkeys(
        ["log_loss", "normalized_entropy"], "is better than"
    )
    turned = whole.set_column(
        whole.column_names.index("ci_high"), "ci_high", pa.array([1.0] * whole.num_rows, pa.float64())
    )
    assert "forecast is not told from rate" in next(sentences(turned))
    assert [*sentences(None), *facts(None)] == []


@pytest.mark.parametrize(
    ("comparison", "told"),
    [
        ({"candidate": "forecst", "baseline": "rate"}, "did you mean 'forecast'"),
        ({"candidate": "rate", "baseline": "rate"}, "another model than the baseline"),
        ({"candidate": "forecast", "baseline": "rate", "tasks": ["hom"]}, "did you mean 'home'"),
        ({"candidate": "forecast", "baseline": "other"}, "models that score a task both"),
        ({"candidate": "forecast", "baseline": "other", "tasks": ["home"]}, "a task that both models score"),
        ({"candidate": "forecast"}, "baseline"),
        (
            {"candidate": "forecast", "baseline": "rate", "pair_statistics": True},
            "comparisons.knowing.pair_statistics: found true, expected false, or only tasks of the kinds binary and "
            "regression in tasks, as which is of the kind multiclass",
        ),
    ],
)
def test_a_comparison_that_cannot_be_is_told_before_any_work(comparison, told):
    team = {"column": "team", "values": "classes", "classes": ["us", "them"]}
    labels = {**CONFIG["labels"], "team": team}
    tasks = {**CONFIG["tasks"], "away": {"label": "won"}, "which": {"kind": "multiclass", "label": "team"}}
    models = {model: {**scores, "which": {"score": ["us", "them"]}} for model, scores in CONFIG["models"].items()}
    models["other"] = {"away": {"score": "rate"}}
    sections = {"labels": labels, "tasks": tasks, "models": models, "comparisons": {"knowing": comparison}}
    with pytest.raises(ConfigurationError) as error:
        parse({**CONFIG, **sections})
    assert told in str(error.value)
