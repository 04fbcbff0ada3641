"""Every metric of two models on the same rows: the rows themselves say the same, one shard of users after another."""

import re

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from jobs.errors import RuntimeFailure
from jobs.judgement import gate_rows
from jobs.judgement.comparisons import compared
from jobs.judgement.estimates import Known
from jobs.judgement.gate_rows import Evidence
from jobs.settings import parse
from jobs.surfaces.compared import facts, sentences
from tests.jobs.judgement.day import DAY, row, tables

SHARDS, ROWS, REFERENCE = 12, 1200, 0.3
CONFIG = {
    "evaluation": "two",
    "impressions": {"source": {"format": "csv", "path": "rows"}, "duplicates": "none"},
    "labels": {"click": {"column": "click", "values": "binary"}},
    "tasks": {"ctr": {"label": "click"}},
    "models": {"new": {"ctr": {"score": "new"}}, "old": {"ctr": {"score": "old"}}},
    "comparisons": {"release": {"candidate": "new", "baseline": "old"}},
    "baselines": {"reference": {"ctr": REFERENCE}},
    "compatibility": ["keras"],
    "dimensions": ["country"],
    "slices": [[], ["country"]],
    "bins": {"shards": True, "slices": [[], ["country"]]},
    "shards": {"count": SHARDS},
    "tables": {"path": "tables"},
}
TOTAL, FRENCH = {"task": "ctr", "slice": ""}, {"task": "ctr", "slice": "country=FR"}


def made(seed=5):
    """Rows of users in shards, and two models of which one knows more; every score is a bin of its own."""
    draw = np.random.default_rng(seed)
    logit = draw.normal(-0.5, 1.2, ROWS)
    new, old = (
        np.clip(np.round(1 / (1 + np.exp(-(logit + draw.normal(0, s, ROWS)))), 2), 0.01, 0.99) for s in (0.3, 1)
    )
    return {
        "click": (draw.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.float64),
        "new": new,
        "old": old,
        "country": np.array(["DE", "FR"])[draw.integers(0, 2, ROWS)],
        "shard": draw.integers(0, SHARDS, ROWS).astype(np.int32),
    }


@pytest.fixture(scope="module")
def rows():
    return made()


@pytest.fixture(scope="module")
def found(rows):
    return tables(parse(CONFIG), rows)


def nll(rows, model):
    y, p = rows["click"], rows[model]
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def against(rows, model, prior):
    y = rows["click"]
    return nll(rows, model).sum() / -(y * np.log(prior) + (1 - y) * np.log1p(-prior)).sum()


def area(rows, model):
    return sklearn_metrics.roc_auc_score(rows["click"], rows[model])


OF_ROWS = {
    "auc": lambda own, model, day: area(own, model),
    "average_precision": lambda own, model, day: sklearn_metrics.average_precision_score(own["click"], own[model]),
    "normalized_entropy[total]": lambda own, model, day: against(own, model, day["click"].mean()),
    "normalized_entropy[reference]": lambda own, model, day: against(own, model, REFERENCE),
    "log_loss[keras]": lambda own, model, day: nll(own, model).mean(),
}


def left_out(value, rows, inside):
    """The difference of the models over all rows and its standard error, shard by shard."""

    def difference(kept):
        day, own = ({name: of[where] for name, of in rows.items()} for where in (kept, kept & inside))
        return value(own, "new", day) - value(own, "old", day)

    without = np.array([difference(rows["shard"] != shard) for shard in range(SHARDS)])
    return difference(inside | ~inside), np.sqrt((SHARDS - 1) * without.var())


@pytest.mark.parametrize("metric", OF_ROWS)
@pytest.mark.parametrize("place", [TOTAL, FRENCH], ids=["total", "slice"])
def test_the_difference_and_its_error_are_those_of_rows(found, rows, metric, place):
    of = row(found["comparisons"], **place, metric=metric)
    inside = rows["country"] == "FR" if place["slice"] else rows["shard"] >= 0
    value, stderr = left_out(OF_ROWS[metric], rows, inside)
    close = 1e-6 if "keras" in metric else 1e-10  # a peer computes in single precision
    assert of["difference"] == pytest.approx(value, rel=close)
    assert of["stderr"] == pytest.approx(stderr, rel=100 * close)
    reach = stats.t.ppf(0.975, SHARDS - 1) * stderr
    assert (of["ci_low"], of["ci_high"]) == pytest.approx((value - reach, value + reach), rel=100 * close)
    assert of["p"] <= of["p_adjusted"] < 0.05


def test_each_value_is_the_one_that_metrics_has_where_all_rows_are_shared(found):
    there = {(of["model"], of["slice"], of["metric"]): of for of in found["metrics"].to_pylist()}
    rows = found["comparisons"].to_pylist()
    assert {"expected_calibration_error", "normalized_entropy[stratified]"} <= {of["metric"] for of in rows}
    for of in rows:
        for model, value in (("new", "candidate_value"), ("old", "baseline_value")):
            own = there[model, of["slice"], of["metric"]]
            assert (of[value], of["reason"]) == (own["value"], own["reason"])
            assert of["ci_reason"] == own["ci_reason"]
    assert not {"log_loss_total", "auc_half_width"} & {of["metric"] for of in rows}


def test_a_gate_on_the_area_is_decided_by_its_interval(found):
    gates = {
        "ranks_better": {"task": "ctr", "comparison": "release", "metric": "auc", "require": "better"},
        "not_worse": {"task": "ctr", "comparison": "release", "metric": "auc", "require": "not_worse", "margin": 0.001},
    }
    turned = {"release": {"candidate": "old", "baseline": "new"}}
    for comparisons, verdict in ((CONFIG["comparisons"], "passed"), (turned, "failed")):
        settings = parse({**CONFIG, "comparisons": comparisons, "gates": gates})
        judged = tables(settings, made()) if comparisons is turned else found
        assert [of.judged.verdict for of in gate_rows.results(settings, Evidence.of(judged, settings, None))] == [
            verdict
        ] * 2


def test_the_verdict_names_the_area_beside_the_losses(found):
    (line,) = sentences(found["comparisons"])
    assert re.search(r"release, ctr: new is better than old .*; auc \+0\.\d+ \(\+0\.\d+ to \+0\.\d+, \+", line)
    assert {of["metric"]: of["verdict"] for of in facts(found["comparisons"])} == dict.fromkeys(
        ["log_loss", "normalized_entropy", "auc"], "is better than"
    )


def lacking(rows, candidate, baseline):
    """The rows with some scores missing, and where both models have one: of some slices one has all."""
    place, german = np.arange(ROWS), rows["country"] == "DE"
    gone = {candidate: german & (place % 10 == 0), baseline: (place % 7 == 0) & (german | (rows["shard"] < 2))}
    some = {name: np.where(gone[name[:3]], np.nan, of) if name[:3] in gone else of for name, of in rows.items()}
    return some, ~(gone[candidate] | gone[baseline])


def of_shared(found, without=()):
    """Comparisons but for how many rows only one model can score."""
    rows = found.drop_columns(["only_candidate", "only_baseline"])
    return [of for of in rows.to_pylist() if not any(word in of["metric"] for word in without)]


def test_unpaired_rows_leave_bins_and_classes_of_exactly_the_shared_ones(rows):
    some, both = lacking(rows, "new", "old")
    found, shared = tables(parse(CONFIG), some), {name: of[both] for name, of in rows.items()}
    expected = tables(parse(CONFIG), shared)["comparisons"]
    assert of_shared(found["comparisons"], ["stratified"]) == of_shared(expected, ["stratified"])
    for place, inside in ((TOTAL, shared["shard"] >= 0), (FRENCH, shared["country"] == "FR")):
        of, (value, stderr) = row(found["comparisons"], **place, metric="auc"), left_out(OF_ROWS["auc"], shared, inside)
        assert (of["difference"], of["stderr"]) == (pytest.approx(value, rel=1e-10), pytest.approx(stderr, rel=1e-8))
    config, of_classes = classes(rows)
    some, both = lacking(of_classes, "new", "old")
    of_all, expected = (
        tables(parse(config), of)["comparisons"] for of in (some, {name: of[both] for name, of in of_classes.items()})
    )
    assert of_shared(of_all) == of_shared(expected)


def test_what_is_not_known_of_unpaired_rows_is_a_reason_and_what_does_not_fit_an_error(rows):
    found = tables(parse(CONFIG), lacking(rows, "new", "old")[0])
    of_days = [{**found, "unpaired_bins": found["unpaired_bins"].slice(0, 0)}]
    of_days += [{name: of for name, of in found.items() if name != "unpaired_bins"}]
    old = [("auc", compared(Known(of, parse(CONFIG), {}), DAY, {})) for of in of_days]
    for metric, of in (*old, ("normalized_entropy[stratified]", found["comparisons"])):
        reasons = {each["slice"]: each["reason"] for each in of.to_pylist() if each["metric"] == metric}
        assert reasons == dict.fromkeys(["", "country=DE", "country=FR"], "unpaired_rows")
    lost = {**found, "unpaired_bins": found["unpaired_bins"].slice(1)}
    with pytest.raises(RuntimeFailure, match=r"tasks.ctr: the score bins of new are not left with the rows"):
        compared(Known(lost, parse(CONFIG), {}), DAY, {})


def test_without_bins_by_shard_or_the_rate_of_the_day_a_difference_has_no_interval(rows):
    config = {**CONFIG, "slices": [["country"]], "bins": {"slices": [["country"]]}}
    found = tables(parse(config), rows)["comparisons"]
    inside = rows["country"] == "FR"
    expected = {"auc": "bins_not_by_shard", "normalized_entropy[total]": "total_not_declared"}
    for metric, reason in expected.items():
        of = row(found, **FRENCH, metric=metric)
        assert (of["reason"], of["ci_reason"], of["ci_low"], of["p"]) == (None, reason, None, None)
        assert of["difference"] == pytest.approx(left_out(OF_ROWS[metric], rows, inside)[0], rel=1e-10)
    less = {**rows, "old": np.where(np.arange(ROWS) == np.flatnonzero(~inside)[0], np.nan, rows["old"])}
    of = row(tables(parse(config), less)["comparisons"], **FRENCH, metric="normalized_entropy[total]")
    assert (of["difference"], of["reason"]) == (None, "unpaired_rows")


def classes(rows):
    """A task of three classes, and rows of it."""
    draw = np.random.default_rng(9)
    scores = {model: draw.dirichlet([2.0, 1.0, 1.0], ROWS) for model in ("new", "old")}
    label = draw.integers(0, 3, ROWS).astype(np.float64)
    columns = {f"{model}{k}": of[:, k] for model, of in scores.items() for k in range(3)}
    config = {
        **{name: of for name, of in CONFIG.items() if name not in ("baselines", "compatibility", "bins")},
        "labels": {"kind": {"column": "kind", "values": "classes", "classes": ["a", "b", "c"]}},
        "tasks": {"ctr": {"kind": "multiclass", "label": "kind"}},
        "models": {m: {"ctr": {"score": [f"{m}{k}" for k in range(3)]}} for m in scores},
    }
    return config, {"kind": label, "country": rows["country"], "shard": rows["shard"], **columns}


def test_metrics_of_classes_are_compared_shard_by_shard(rows):
    config, own = classes(rows)

    def entropy(own, model, day):
        p, y = np.column_stack([own[f"{model}{k}"] for k in range(3)]), own["kind"].astype(np.int64)
        shares = np.bincount(y, minlength=3) / y.size
        return -np.log(p[np.arange(y.size), y]).mean() / -(shares * np.log(shares)).sum()

    found = tables(parse(config), own)["comparisons"]
    value, stderr = left_out(entropy, own, own["country"] == "FR")
    of = row(found, **FRENCH, metric="normalized_entropy")
    assert (of["difference"], of["stderr"]) == (pytest.approx(value, rel=1e-10), pytest.approx(stderr, rel=1e-8))
