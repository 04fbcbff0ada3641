"""Tasks of every kind in one night: the tables hold what plain NumPy and scikit-learn make of the same rows."""

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy.special import log_softmax
from sklearn import metrics as sklearn_metrics

from jobs.errors import ConfigurationError, ContractError, RefusedError
from jobs.settings import parse
from jobs.sql.query import answered
from tests.udfs.counts import COUNTS
from tests.world.night import DAY, document, evaluated, evaluated_by, parquet, table
from udfs.kinds import KINDS

SIZE = 600
CLASSES = ["home", "draw", "away"]
CODES = [2, 1, -7]  # names that are numbers, of which some are places too
REPLACED = ("statistics", "shard_statistics", "score_bins", "class_statistics", "metrics")
# On Apache Spark a night of so many tables takes half a minute: there one is evaluated, and compared.
pytestmark = pytest.mark.only_engine("sail")
MOVED_LOGIT = {"logit": {"ctr": {"score": "z", "scale": "logit", "negatives_rate": 0.2}}}


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


@pytest.fixture(scope="module")
def rows():
    """Impressions in requests of one to eight, with clicks, conversions, an outcome of three and a price."""
    rng = np.random.default_rng(11)
    z = rng.normal(-1.0, 1.0, SIZE)
    click = (rng.random(SIZE) < sigmoid(z)).astype(int)
    p = rng.dirichlet([2.0, 1.0, 1.5], SIZE)
    names = rng.choice(CLASSES, SIZE)
    return {
        "id": np.arange(SIZE),
        "request": np.repeat(np.arange(SIZE), rng.integers(1, 9, SIZE))[:SIZE],
        "country": rng.choice(["DE", "FR"], SIZE),
        "click": click,
        "conv": click * (rng.random(SIZE) < 0.3),
        "z": z,
        "q": sigmoid(rng.normal(-1.0, 1.0, SIZE)),
        "outcome": names,
        "number": np.array([CLASSES.index(name) for name in names]),
        "code": np.array([CODES[CLASSES.index(name)] for name in names]),
        "shares": list(np.eye(3)[[CLASSES.index(name) for name in names]]),
        "p0": p[:, 0],
        "p1": p[:, 1],
        "p2": p[:, 2],
        "logits": list(np.log(p) + 3.0),
        "price": rng.exponential(2.0, SIZE),
        "bid": rng.exponential(2.0, SIZE),
        "seen": rng.uniform(0.05, 1.0, SIZE),
    }


def configuration(folder, rows, **sections):
    source = {"format": "parquet", "path": str(parquet(folder / "impressions", rows, files=3))}
    classes = {"values": "classes", "classes": CLASSES}
    labels = {
        "click": {"column": "click", "values": "binary"},
        "conv": {"column": "conv", "values": "binary"},
        "outcome": {"column": "outcome", **classes},
        "number": {"column": "number", **classes},
        "code": {"column": "code", "values": "classes", "classes": CODES},
        "shares": {"column": "shares", **classes},
        "price": {"column": "price", "values": "number"},
    }
    tasks = {
        "ctr": {"label": "click"},
        "seen": {"label": "click", "propensity": {"column": "seen", "cap": 10.0}},
        "cvr": {"label": "conv", "given": "click"},
        "ctcvr": {"label": "conv", "score": {"product": ["ctr", "cvr"]}},
        "match": {"kind": "multiclass", "label": "outcome"},
        "numbered": {"kind": "multiclass", "label": "number"},
        "coded": {"kind": "multiclass", "label": "code"},
        "shared": {"kind": "multiclass", "label": "shares"},
        "value": {"kind": "regression", "label": "price"},
        "slate": {"kind": "candidates", "label": "click"},
    }
    scores = ["p0", "p1", "p2"]
    model = {
        "ctr": {"score": "z", "scale": "logit"},
        "seen": {"score": "z", "scale": "logit"},
        "cvr": {"score": "q"},
        "match": {"score": scores},
        "numbered": {"score": "logits", "scale": "logit"},
        "coded": {"score": scores},
        "shared": {"score": scores},
        "value": {"score": "bid"},
        "slate": {"score": "z", "scale": "logit"},
    }
    return document(
        folder,
        impressions={"source": source, "columns": {"id": "id", "group": "request"}, "duplicates": "none"},
        labels=labels,
        tasks=tasks,
        models={"m": model},
        dimensions=["country"],
        slices=[[], ["country"]],
        bins={"slices": [[]], "thresholds": [0.3], "bits": 18},
        loss={"k": [1, 2, 3]},
        baselines={"reference": {"ctr": 0.25}},
        compatibility=["scikit-learn", "torchrec"],
        joint={"esmm": {"ctr": 1.0, "ctcvr": 1.0}},
        **sections,
    )


@pytest.fixture(scope="module")
def night(spark, tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("kinds")
    config = configuration(folder, rows)
    outcome = evaluated(spark, config)
    return config, outcome


@pytest.fixture(scope="module")
def found(night):
    """The metrics of the total: (task, metric) to value or reason."""
    metrics = night[1].metrics
    whole = metrics.filter(pc.equal(metrics["slice"], "")).to_pylist()
    return {(row["task"], row["metric"]): row["reason"] or row["value"] for row in whole}


def close(value):
    return pytest.approx(value, rel=1e-11)


def test_areas_and_thresholds_of_bins(found, rows):
    auc = sklearn_metrics.roc_auc_score(rows["click"], rows["z"])
    assert abs(found["ctr", "auc"] - auc) <= found["ctr", "auc_half_width"] <= 5e-3
    p = sigmoid(rows["z"])
    assert found["ctr", "precision@0.3"] == close(sklearn_metrics.precision_score(rows["click"], p >= 0.3))
    assert found["ctr", "recall@0.3"] == close(sklearn_metrics.recall_score(rows["click"], p >= 0.3))
    exact = sklearn_metrics.average_precision_score(rows["click"], rows["z"])
    assert found["ctr", "average_precision_low"] <= exact <= found["ctr", "average_precision_high"]


def test_bins_are_kept_of_the_declared_slices_alone(night):
    config, outcome = night
    bins = table(config, "score_bins")
    assert set(bins["slice"].to_pylist()) == {""}
    assert set(bins["shard"].to_pylist()) == {-1}
    assert sum(bins.filter(pc.equal(bins["task"], "ctr"))["n"].to_pylist()) == SIZE
    sliced = outcome.metrics.filter(pc.equal(outcome.metrics["slice"], "country=DE"))
    assert "auc" not in sliced["metric"].to_pylist()


def test_products_are_made_of_their_factors(found, rows):
    p = sigmoid(rows["z"]) * rows["q"]
    expected = sklearn_metrics.log_loss(rows["conv"], p)
    assert found["ctcvr", "log_loss"] == close(expected)
    assert found["esmm", "joint_loss"] == close(found["ctr", "log_loss"] + expected)


@pytest.mark.parametrize("task", ["match", "numbered", "coded", "shared"])
def test_classes_by_name_by_number_and_by_shares(found, rows, task):
    p = np.stack([rows["p0"], rows["p1"], rows["p2"]]).T
    entropy = -sum(q * np.log(q) for q in np.bincount(rows["number"]) / SIZE)
    loss = sklearn_metrics.log_loss(rows["number"], p)
    assert found[task, "log_loss"] == close(loss)
    assert found[task, "accuracy"] == close((p.argmax(axis=1) == rows["number"]).mean())
    assert found[task, "top_k_accuracy@2"] == close(sklearn_metrics.top_k_accuracy_score(rows["number"], p, k=2))
    assert found[task, "label_entropy"] == close(entropy)
    assert found[task, "normalized_entropy"] == close(loss / entropy)


def test_the_classes_add_up_to_the_weight(night):
    classes = table(night[0], "class_statistics")
    whole = classes.filter(pc.and_(pc.equal(classes["task"], "match"), pc.equal(classes["slice"], "country=DE")))
    statistics = table(night[0], "statistics")
    of = pc.and_(pc.equal(statistics["task"], "match"), pc.equal(statistics["country"], "DE"))
    assert pc.sum(whole["class_weight"]) == pc.sum(statistics.filter(of)["weight"])
    assert set(whole["class"].to_pylist()) == set(CLASSES)


def test_values_are_regressed(found, rows):
    assert found["value", "mean_squared_error"] == close(np.mean((rows["price"] - rows["bid"]) ** 2))
    assert found["value", "mean_absolute_error"] == close(np.mean(np.abs(rows["price"] - rows["bid"])))


def test_groups_are_whole(found, rows):
    losses, weights, areas = [], [], []
    for request in np.unique(rows["request"]):
        z, y = (rows[name][rows["request"] == request] for name in ("z", "click"))
        if y.any():
            losses.append(-log_softmax(z)[y == 1].mean())
        if 0 < y.sum() < y.size:
            areas.append(sklearn_metrics.roc_auc_score(y, z))
            weights.append(y.size)
    assert found["slate", "softmax_cross_entropy"] == close(np.mean(losses))
    assert found["slate", "grouped_auc"] == close(np.average(areas, weights=weights))
    assert found["slate", "hit_rate@3"] <= 1.0


def test_baselines_and_peers(found, rows):
    p, y = sigmoid(rows["z"]), rows["click"]
    loss = sklearn_metrics.log_loss(y, p)
    assert found["ctr", "log_loss[scikit-learn]"] == pytest.approx(loss, rel=1e-12)
    assert found["ctr", "normalized_entropy[total]"] == close(found["ctr", "normalized_entropy"])
    reference = -(y.mean() * np.log(0.25) + (1 - y.mean()) * np.log(0.75))
    assert found["ctr", "normalized_entropy[reference]"] == close(loss / reference)
    assert found["ctr", "normalized_entropy[stratified]"] > found["ctr", "normalized_entropy"]
    assert ("seen", "normalized_entropy[reference]") not in found


def test_a_propensity_weighs_by_its_capped_inverse(found, rows):
    weight = np.minimum(1.0 / rows["seen"], 10.0)
    expected = sklearn_metrics.log_loss(rows["click"], sigmoid(rows["z"]), sample_weight=weight)
    assert found["seen", "log_loss"] == close(expected)
    assert found["seen", "effective_sample_size"] == close(weight.sum() ** 2 / (weight**2).sum())


def test_the_same_bits_whatever_the_files(spark, tmp_path, night, rows):
    order = np.random.default_rng(1).permutation(SIZE)
    shuffled = {name: [values[i] for i in order] for name, values in rows.items()}
    config = configuration(tmp_path, shuffled)
    evaluated(spark, config)
    for name in REPLACED:
        assert table(config, name).equals(table(night[0], name)), name


def bad(rows, **changes):
    """Twelve rows, the first with another value for some columns."""
    return {name: [changes[name], *values[1:12]] if name in changes else values[:12] for name, values in rows.items()}


REASONS = {
    "a class that was not declared": ({"outcome": "hom"}, "bad_label"),
    "a number that is no class": ({"number": 3}, "bad_label"),
    "one-hot with two ones": ({"shares": np.array([1.0, 1.0, 0.0])}, "bad_label"),
    "shares of another number of classes": ({"shares": np.array([1.0, 0.0])}, "bad_label"),
    "no group": ({"request": None}, "null_group"),
    "a label that is no number": ({"price": float("nan")}, "bad_label"),
    "logits of another length": ({"logits": np.array([0.0, 1.0])}, "bad_score"),
    "logits of which none is possible": ({"logits": np.full(3, -np.inf)}, "bad_score"),
    "logits of which two are certain": ({"logits": np.array([np.inf, 0.0, np.inf])}, "bad_score"),
    "logits out of range": ({"logits": np.array([0.0, 2.0**18, 0.0])}, "out_of_range"),
    "a score of a class that is missing": ({"p1": None}, "null_score"),
    "a propensity above 1": ({"seen": 1.5}, "bad_weight"),
    "a value that is infinite": ({"bid": np.inf}, "bad_score"),
    "a score of a group that is missing": ({"z": float("nan")}, "nan_score"),
}


def with_reasons(rows):
    """The rows, of which each of the first has one of the reasons not to be used."""
    some = {name: list(values) for name, values in rows.items()}
    for i, (changes, _) in enumerate(REASONS.values()):
        for name, value in changes.items():
            some[name][i] = value
    return some


@pytest.fixture(scope="module")
def reasons(spark, tmp_path_factory, rows):
    """Why rows are rejected, by their keys, in a night where each is a group of its own."""
    some = with_reasons({**rows, "request": np.arange(SIZE)})
    config = configuration(tmp_path_factory.mktemp("reasons"), some)
    config["limits"] = {"min_rows": 0, "rejected_share": 1.0}
    evaluated(spark, config)
    found = {}
    for row in table(config, "rejects").to_pylist():
        found.setdefault(row["key"], set()).add(row["reason"])
    return found


@pytest.mark.parametrize("name", REASONS)
def test_what_cannot_be_used_is_rejected_with_its_reason(reasons, name):
    assert reasons[str(list(REASONS).index(name))] == {REASONS[name][1]}


def test_nothing_else_is_rejected(reasons):
    assert reasons.keys() == {str(i) for i in range(len(REASONS))}


@pytest.mark.only_engine("spark")
def test_both_engines_have_the_same_bits_and_reject_the_same_rows(spark, tmp_path, rows):
    some = with_reasons(rows)
    # Without a key only their values tell them apart.
    some["id"][len(REASONS) : len(REASONS) + 20] = [None] * 20
    config = configuration(tmp_path / "spark", some)
    config["limits"] = {"min_rows": 0, "rejected_share": 1.0, "stored_rejects": 3}
    other = {**config, "tables": {"path": str(tmp_path / "sail")}}
    ledger = evaluated(spark, config).ledger
    evaluated_by("sail", other)
    assert {row["reason"] for row in ledger.reasons} == {"null_id", *(reason for _, reason in REASONS.values())}
    for name in REPLACED:
        assert table(config, name).num_rows > 0
        assert table(other, name).equals(table(config, name)), name
    assert kept(other) == kept(config)


def kept(config):
    """The rows of `rejects`, whose numbers engines spell in ways of their own."""
    found = ({**row, "row": json.loads(row["row"])} for row in table(config, "rejects").to_pylist())
    return sorted(found, key=str)


def test_a_relevance_below_zero_is_no_label(spark, tmp_path, rows):
    few = {name: values[:12] for name, values in rows.items()}
    relevance = [-1.0, 2.0, *np.zeros(10)]
    config = of_rows(
        tmp_path,
        {**few, "relevance": relevance},
        {"id": "id", "group": "request"},
        labels={"relevance": {"column": "relevance", "values": "number"}},
        tasks={"slate": {"kind": "candidates", "label": "relevance"}},
        models={"m": {"slate": {"score": "z", "scale": "logit"}}},
        limits={"min_rows": 0, "rejected_share": 1.0},
    )
    assert [(row["reason"], row["rows"]) for row in evaluated(spark, config).ledger.reasons] == [("bad_label", 1)]


@pytest.mark.parametrize("true", ["true", "1"])
def test_a_value_that_is_too_large_beside_a_label_in_words_is_told(spark, tmp_path, true):
    (tmp_path / "a.csv").write_text(f"bought,value\n{true},1e30\n{true},0.5\nfalse,0.5\n")
    config = document(
        tmp_path,
        impressions={"source": {"format": "csv", "path": str(tmp_path / "a.csv")}},
        labels={"bought": {"column": "bought", "values": "binary"}},
        tasks={"value": {"kind": "regression", "label": "bought"}},
        models={"m": {"value": {"score": "value"}}},
        limits={"min_rows": 0, "rejected_share": 1.0},
    )
    with pytest.raises(ContractError, match=r"tasks\.value: score 'value': found 1e\+30, expected numbers below 2\^50"):
        evaluated(spark, config)


def test_a_day_that_has_no_bins_any_more_has_none_of_an_earlier_run(spark, tmp_path, rows):
    few = {name: values[:40] for name, values in rows.items()}
    config = of_rows(
        tmp_path,
        few,
        labels={name: {"column": name, "values": "binary"} for name in ("click", "conv")},
        tasks={"cvr": {"label": "conv", "given": "click"}, "value": {"kind": "regression", "label": "click"}},
        models={"m": {"cvr": {"score": "q"}, "value": {"score": "bid"}}},
        bins={"slices": [[]]},
    )
    evaluated(spark, config)
    assert table(config, "score_bins").num_rows > 0
    parquet(tmp_path / "impressions", {**few, "click": [0] * 40})
    evaluated(spark, config)
    assert table(config, "score_bins").num_rows == 0
    assert table(config, "statistics").num_rows > 0


def test_large_groups_are_counted_and_set_apart(spark, tmp_path, rows):
    config = configuration(tmp_path, {name: values[:40] for name, values in rows.items()})
    config["limits"] = {"min_rows": 0, "rejected_share": 1.0, "group_rows": 3}
    sizes = np.bincount(rows["request"][:40])
    outcome = evaluated(spark, config)
    assert [(row["task"], row["reason"], row["rows"]) for row in outcome.ledger.reasons] == [
        ("slate", "group_too_large", (sizes > 3).sum())
    ]
    n = outcome.metrics.filter(
        pc.and_(pc.equal(outcome.metrics["task"], "slate"), pc.equal(outcome.metrics["slice"], ""))
    )
    assert set(n["n"].to_pylist()) == {((sizes > 0) & (sizes <= 3)).sum()}


def test_mixed_groups_are_counted(night, rows):
    countries = {}
    for request, country in zip(rows["request"], rows["country"], strict=True):
        countries.setdefault(request, set()).add(country)
    assert night[1].ledger.mixed == sum(len(each) > 1 for each in countries.values())


def test_without_the_share_the_day_is_refused(spark, tmp_path, rows):
    config = configuration(tmp_path, bad(rows, outcome="hom"))
    with pytest.raises(RefusedError, match="bad_label"):
        evaluated(spark, config)


def of_rows(folder, rows, columns=None, **sections):
    """An evaluation of rows that are impressions, by one model of one binary task unless sections say otherwise."""
    source = {"format": "parquet", "path": str(parquet(folder / "impressions", rows))}
    impressions = {"source": source, "duplicates": "none", "columns": columns or {}}
    return document(folder, **{"impressions": impressions, "models": {"m": {"ctr": {"score": "q"}}}, **sections})


def test_sampled_negatives_weigh_more_and_a_model_that_learnt_from_them_is_moved_back(spark, tmp_path, rows):
    rate = np.where(rows["country"] == "DE", 0.25, 0.5)
    models = {"as_is": {"ctr": {"score": "q"}}, "moved": {"ctr": {"score": "q", "negatives_rate": 0.2}}}
    config = of_rows(tmp_path, {**rows, "rate": rate}, {"sampling_rate": "rate"}, models=models | MOVED_LOGIT)
    found = {
        row["model"]: row["value"]
        for row in evaluated(spark, config).metrics.to_pylist()
        if row["metric"] == "log_loss"
    }
    weight = np.where(rows["click"] == 0, 1.0 / rate, 1.0)
    for model, p in {
        "as_is": rows["q"],
        "moved": rows["q"] / (rows["q"] + (1.0 - rows["q"]) / 0.2),
        "logit": sigmoid(rows["z"] + np.log(0.2)),
    }.items():
        assert found[model] == close(sklearn_metrics.log_loss(rows["click"], p, sample_weight=weight))


def test_bins_are_of_the_slices_by_the_same_dimensions_in_any_order(spark, tmp_path, rows):
    config = of_rows(
        tmp_path,
        rows,
        dimensions=["country", "outcome"],
        slices=[["country", "outcome"]],
        bins={"slices": [["outcome", "country"]]},
    )
    areas = [row for row in evaluated(spark, config).metrics.to_pylist() if row["metric"] == "auc"]
    assert len(areas) == 2 * len(CLASSES)
    assert all(0.0 < row["value"] < 1.0 for row in areas)


def test_the_rate_of_an_earlier_day_is_a_reference(spark, tmp_path, rows):
    config = of_rows(tmp_path, rows, baselines={"reference": {"ctr": "1d"}})

    def normalized(day):
        metrics = evaluated(spark, config, day).metrics.to_pylist()
        (row,) = (row for row in metrics if row["metric"] == "normalized_entropy[reference]")
        return row["value"], row["reason"]

    assert normalized(DAY) == (None, "not_recorded")
    fewer = {name: values[: SIZE // 2] for name, values in rows.items()}
    pq.write_table(pa.table(fewer), tmp_path / "impressions" / "part-000.parquet")
    rate, y = rows["click"].mean(), fewer["click"]
    baseline = -(y.mean() * np.log(rate) + (1 - y.mean()) * np.log(1 - rate))
    value, reason = normalized(DAY + timedelta(days=1))
    assert (reason, value) == (None, close(sklearn_metrics.log_loss(y, fewer["q"]) / baseline))


def test_tables_without_a_binary_task_can_be_queried(spark, tmp_path, rows):
    labels = {"number": {"column": "number", "values": "classes", "classes": CLASSES}}
    config = of_rows(
        tmp_path,
        rows,
        labels=labels,
        tasks={"match": {"kind": "multiclass", "label": "number"}},
        models={"m": {"match": {"score": ["p0", "p1", "p2"]}}},
    )
    evaluated(spark, config)
    query = "SELECT in_doubt, value > 0 AS above FROM metrics_latest JOIN runs_latest USING (event_date, age_hours)"
    found = answered(spark, parse(config), f"{query} WHERE metric = 'log_loss' AND slice = ''")
    assert found.to_pylist() == [{"in_doubt": False, "above": True}]
    total = answered(spark, parse(config), "SELECT value FROM metrics WHERE metric = 'log_loss' AND slice = ''")
    for view, where in (("class_ledger", "true"), ("shard_class_ledger", "slice = ''")):
        obvious = f"SELECT SUM(nll) / SUM(weight) AS value FROM {view} WHERE {where}"
        loss = answered(spark, parse(config), obvious)["value"][0].as_py()
        assert loss == pytest.approx(total["value"][0].as_py(), rel=1e-12)
    with pytest.raises(ConfigurationError, match="found the table 'ledger'"):
        answered(spark, parse(config), "SELECT * FROM ledger")


@pytest.mark.parametrize("rate", [0.0, 1.5, None, -0.5])
def test_a_sampling_rate_that_is_none_is_told(spark, tmp_path, rows, rate):
    few = {name: values[:12] for name, values in rows.items()} | {"rate": [rate] + [0.5] * 11, "click": [0, 1] * 6}
    config = of_rows(
        tmp_path,
        few,
        {"sampling_rate": "rate", "weight": "bid"},
        limits={"min_rows": 0, "rejected_share": 1.0},
    )
    assert {row["reason"] for row in evaluated(spark, config).ledger.reasons} == {"bad_sampling_rate"}


def test_a_sampling_rate_is_asked_of_negatives_of_binary_tasks_only(spark, tmp_path, rows):
    few = {name: values[:12] for name, values in rows.items()}
    config = of_rows(
        tmp_path,
        {**few, "click": [0, 1] * 6, "rate": [0.5, None] * 6},
        {"sampling_rate": "rate", "weight": "bid"},
        tasks={"ctr": {"label": "click"}, "value": {"kind": "regression", "label": "click"}},
        models={"m": {"ctr": {"score": "q"}, "value": {"score": "bid"}}},
    )
    outcome = evaluated(spark, config)
    assert outcome.ledger.reasons == []
    weights = {row["task"]: row["weight"] for row in outcome.metrics.to_pylist()}
    bid = few["bid"]
    assert weights == {"ctr": close(2.0 * bid[::2].sum() + bid[1::2].sum()), "value": close(bid.sum())}


# The weight of the first row, its click, its rate, and what is said of it.
SAMPLED = {
    "a heavy positive": (5e6, 1, None, []),
    "a positive without a rate": (3.0, 1, float("nan"), []),
    "a positive that would weigh too much as a negative": (100.0, 1, 1e-5, []),
    "a negative that weighs much": (100.0, 0, 1e-5, []),
    "a negative without a rate": (3.0, 0, float("nan"), ["bad_sampling_rate"]),
}


@pytest.mark.parametrize("name", SAMPLED)
def test_what_a_row_may_weigh_where_negatives_were_sampled(spark, tmp_path, rows, name):
    weight, click, rate, reasons = SAMPLED[name]
    few = {name: values[:12] for name, values in rows.items()}
    first = {"w": [weight] + [1.0] * 11, "click": [click] + [0, 1] * 5 + [0], "rate": [rate] + [0.5] * 11}
    config = of_rows(
        tmp_path,
        few | first,
        {"sampling_rate": "rate", "weight": "w"},
        limits={"min_rows": 0, "rejected_share": 1.0},
    )
    assert [row["reason"] for row in evaluated(spark, config).ledger.reasons] == reasons


def test_a_conversion_without_a_click_is_no_event_of_their_product(spark, tmp_path, rows):
    few = {name: values[:12] for name, values in rows.items()}
    config = of_rows(
        tmp_path,
        {**few, "click": [0, 1, 1] * 4, "conv": [1, 1, 0] + [0, 0, 1] * 3},
        labels={name: {"column": name, "values": "binary"} for name in ("click", "conv")},
        tasks={
            "ctr": {"label": "click"},
            "cvr": {"label": "conv", "given": "click"},
            "ctcvr": {"label": "conv", "score": {"product": ["ctr", "cvr"]}},
        },
        models={"m": {"ctr": {"score": "q"}, "cvr": {"score": "p0"}}},
        limits={"min_rows": 0, "rejected_share": 1.0},
    )
    outcome = evaluated(spark, config)
    assert [(row["task"], row["reason"], row["rows"]) for row in outcome.ledger.reasons] == [
        ("ctcvr", "positive_without_given", 1)
    ]
    totals = {row["task"]: (row["n"], row["positives"]) for row in outcome.metrics.to_pylist()}
    assert totals == {"ctr": (12, 8.0), "cvr": (8, 4.0), "ctcvr": (11, 4.0)}


def test_a_fifth_kind_has_its_night_without_another_line(spark, tmp_path, monkeypatch):
    monkeypatch.setitem(KINDS, COUNTS.name, COUNTS)
    seen, said = np.array([0, 1, 3, 2, 5]), np.array([0.5, 0.25, 2.0, 0.0, np.nan])
    parquet(tmp_path / "impressions", {"seen": seen, "said": said, "weight": [1.0, 2.0, 0.5, 1.5, 7.0]})
    config = document(
        tmp_path,
        labels={"seen": {"column": "seen", "values": "number"}},
        tasks={"views": {"kind": COUNTS.name, "label": "seen", "weight": "weight"}},
        models={"m": {"views": {"score": "said"}}},
        joint={"both": {"views": 2.0}},
        loss={"clip": 0.001},
        limits={"min_rows": 0, "rejected_share": 0.9},
    )
    evaluated(spark, config)
    found = {row["metric"]: row["value"] for row in table(config, "metrics").to_pylist()}
    loss = (0.5 + 2.0 * (0.25 - np.log(0.25)) + 0.5 * (2.0 - 3.0 * np.log(2.0)) + 1.5 * 2.0 * -np.log(0.001)) / 5.0
    assert found["count_loss"] == pytest.approx(loss, rel=1e-12)
    assert found["joint_loss"] == 2.0 * found["count_loss"]
    assert sum(table(config, "statistics")["unscored"].to_pylist()) == 1
