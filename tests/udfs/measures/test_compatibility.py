"""The numbers of peers: scikit-learn itself, and the formulas of the others as their sources have them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from pyspark import cloudpickle
from sklearn import metrics as sklearn_metrics

from tests import strategies
from tests.udfs.claims.cases import cases
from tests.udfs.claims.of_peers import rows_in
from tests.udfs.claims.peer_formulas import FORMULAS, torchrec, torchrec_ne
from tests.udfs.rows.binary import Rows, Value, metrics_of_rows, rows_of
from udfs.catalog import metrics_of, statistics_of
from udfs.exact.decimals import nearest
from udfs.exact.sums import exact_sum
from udfs.exact.units import TERM_LIMIT, WEIGHT_LIMIT
from udfs.examples.binary import Examples, binary_examples
from udfs.kinds import KINDS
from udfs.measures.peers import PEERS, peer_columns, peer_metrics
from udfs.pricing import evaluated

EXTREMES = [0.0, 1.0, 1e-300, 1e-17, 1e-13, 5e-9, 9e-8, 0.5, 1 - 5e-8, 1 - 1e-8, 1 - 1e-13, 1 - 2.0**-53]


def examples(rows: Rows) -> Examples:
    return binary_examples(rows.label, rows.weight, rows.score, rows.scale)


def printed(rows: Rows, *peers: str) -> dict[str, Value]:
    """The metrics of these peers, of all without a name."""
    names, columns = peers or tuple(PEERS), examples(rows)
    statistics = peer_columns(names) | {
        name: statistics_of("binary")[name] for name in ("n", "weight", "positive_weight", "negative_weight")
    }
    sums = {name: nearest([exact_sum(statistic.of(columns))]) for name, statistic in statistics.items()}
    found = {name: evaluated(metric, sums) for name, metric in peer_metrics(names).items()}
    return {name: (float(values[0]), reasons[0]) for name, (values, reasons) in found.items()}


def some_rows(seed: int, extremes: bool = True) -> Rows:
    rng = np.random.default_rng(seed)
    score = np.concatenate([rng.beta(1, 20, 500), rng.beta(2, 1, 100), np.repeat(EXTREMES if extremes else 0.25, 2)])
    label = (rng.random(score.size) < score).astype(np.float64)
    label[600:] = np.arange(score.size - 600) % 2
    return rows_of(label, score, rng.exponential(1.0, score.size))


def tolerance(name: str) -> float:
    """How near we are: to a float64 peer as two float64 sums are, to a float32 peer as its own digits are."""
    return 1e-6 if PEERS[name.partition("[")[2].rstrip("]")].single else 1e-12


def test_every_metric_of_a_peer_has_its_formula() -> None:
    assert set(peer_metrics(PEERS)) == set(FORMULAS)


@pytest.mark.parametrize("extremes", [True, False])
@pytest.mark.parametrize("name", FORMULAS)
def test_the_number_of_a_peer_is_met(name: str, extremes: bool) -> None:
    rows = some_rows(7, extremes)
    expected = FORMULAS[name](rows.label, rows.score, rows.weight)
    assert printed(rows)[name] == (pytest.approx(expected, rel=tolerance(name)), None)


@given(rows=strategies.rows(label=strategies.hard_labels, scales=strategies.st.just("probability")))
def test_the_numbers_of_peers_are_met_whatever_the_rows(rows: Rows) -> None:
    found = printed(rows)
    kept = rows.weight > 0  # scikit-learn wants more than one row; no other peer would notice the zeros
    for name in FORMULAS.keys() - {name for name in FORMULAS if "scikit" in name}:
        size = kept.size if "pytorch" in name else kept.sum()
        expected = FORMULAS[name](rows.label[kept], rows.score[kept], rows.weight[kept]) * kept.sum() / size
        # A sum is right to half a unit per row, and torchrec's entropy of one class is as small as a few units.
        weight = min(rows.weight[kept].sum(), size)  # PyTorch divides by the rows
        half_units = 1e-15 * kept.sum() / weight + 2e-18  # of Spark's −log1p(−1e-15), not −log of the double 1 − 1e-15
        if "entropy" in name:
            half_units *= expected / torchrec(rows.label[kept], rows.score[kept], rows.weight[kept])
        assert abs(found[name][0] - expected) <= tolerance(name) * expected + half_units, name


def test_peers_differ_where_a_clip_bites_and_nowhere_else() -> None:
    ordinary = rows_of([0, 1, 0, 1], [0.1, 0.9, 0.3, 0.6], [1.0, 2.0, 0.5, 1.0])
    own = metrics_of_rows(ordinary)["log_loss"][0]
    for name, (value, _) in printed(ordinary).items():
        if name.startswith("log_loss"):
            factor = {"torchrec": 1 / math.log(2), "pytorch": 4.5 / 4}.get(name[9:-1], 1.0)
            assert value == pytest.approx(own * factor, rel=1e-6), name
    wrong = {name: printed(rows_of([1], [0.0]))[name][0] for name in FORMULAS if name.startswith("log_loss")}
    assert {name[9:-1]: round(value, 2) for name, value in wrong.items()} == {
        "scikit-learn": 36.04,
        "scikit-learn-float32": 15.94,
        "torchrec": 39.86,
        "spark-mllib": 34.54,
        "keras": 16.12,
        "keras-2": 15.42,
        "pytorch": 100.0,
        "xgboost": 36.84,
        "lightgbm": 34.54,
    }
    assert printed(rows_of([0], [1.0]))["log_loss[keras]"][0] == pytest.approx(15.942385, rel=1e-7)
    assert printed(rows_of([0], [1.0]))["log_loss[keras-2]"][0] == pytest.approx(15.33, abs=0.01)
    assert printed(rows_of([0], [1 - 6e-8]))["log_loss[xgboost]"][0] == pytest.approx(16.6, abs=0.1)
    assert printed(rows_of([0], [1 - 2.0**-26]))["log_loss[xgboost]"][0] == pytest.approx(36.84, abs=0.01)


def test_one_class_is_a_huge_number_for_torchrec() -> None:
    rows = rows_of([0, 0], [0.1, 0.2])
    expected = torchrec_ne(rows.label, rows.score, rows.weight)
    assert printed(rows)["normalized_entropy[torchrec]"][0] == pytest.approx(expected, rel=1e-12)
    assert expected > 1e11
    assert metrics_of_rows(rows)["normalized_entropy"][1] == "single_class"


@pytest.mark.parametrize("positives", [3, 100])
def test_the_base_rate_of_float32_scores_is_no_float32(positives: int) -> None:
    label = np.arange(100_000) < positives
    score = np.where(label, 0.3, 1e-4)
    expected = sklearn_metrics.d2_log_loss_score(label.astype(int), score.astype(np.float32))
    found = printed(rows_of(label.astype(float), score))["relative_information_gain[scikit-learn-float32]"][0]
    assert found == pytest.approx(expected, rel=1e-6)


VECTORS = [
    case
    for case in cases("peer_vectors")
    if case["peer"] in ("scikit-learn", "Spark MLlib", "XGBoost")
    and isinstance(case["expected"], float)
    and case["metric"] in ("log_loss", "d2_log_loss = 1 - NE")
]
BY_GROUP = [case for case in cases("peer_vectors") if case["metric"] == "normalized_entropy by group"]


@pytest.mark.parametrize("case", VECTORS, ids=[case["id"] for case in VECTORS])
def test_what_a_peer_asserts_of_itself_is_met(case: dict) -> None:
    peer = case["peer"].lower().replace(" ", "-")
    name = f"{'log_loss' if case['metric'] == 'log_loss' else 'relative_information_gain'}[{peer}]"
    found, reason = printed(rows_in(case["inputs"]), peer)[name]
    assert reason is None
    assert found == pytest.approx(case["expected"], rel=0, abs=max(case["abs_tolerance"], 1e-12))
    assert found == pytest.approx(case["recomputed"]["value"], rel=tolerance(name), abs=tolerance(name))


@pytest.mark.parametrize("case", BY_GROUP, ids=[case["id"] for case in BY_GROUP])
def test_what_torchrec_asserts_of_its_groups_is_met(case: dict) -> None:
    rows, group = rows_in(case["inputs"]), np.array(case["inputs"]["group"])
    for number, expected in case["expected"].items():
        found, reason = printed(rows.take(group == int(number)))["normalized_entropy[torchrec]"]
        assert (reason == "no_weight") == (expected is None)
        assert expected is None or found == pytest.approx(case["recomputed"]["value"][number], rel=1e-12)


def test_there_are_vectors_of_each_of_these_peers() -> None:
    assert {case["peer"] for case in VECTORS} == {"scikit-learn", "Spark MLlib", "XGBoost"}
    assert {case["peer"] for case in BY_GROUP} == {"torchrec"}


@given(rows=strategies.rows(label=strategies.labels, weight=strategies.any_weights))
def test_terms_are_within_their_limits_and_0_without_weight(rows: Rows) -> None:
    columns = examples(rows)
    for statistic in peer_columns(PEERS).values():
        terms = statistic.of(columns)
        assert (np.abs(terms) <= 104.0 * columns["weight"]).all(), statistic.name
    assert 104.0 * WEIGHT_LIMIT < TERM_LIMIT


def test_sums_do_not_depend_on_the_order_of_rows() -> None:
    rows = some_rows(9)
    order = np.random.default_rng(0).permutation(rows.label.size)
    assert printed(rows.take(order)) == printed(rows)


def test_only_what_is_declared_is_recorded() -> None:
    assert peer_columns([]) == peer_metrics([]) == {}
    assert list(peer_columns(["keras", "spark-mllib"])) == ["nll_keras", "nll_spark_mllib"]
    for function in (peer_columns, peer_metrics):
        with pytest.raises(ValueError, match="no peer 'kears'; there are keras, keras-2, lightgbm, "):
            function(["keras", "kears"])


def test_names_are_their_own_and_definitions_say_what_differs() -> None:
    columns, metrics = peer_columns(PEERS), peer_metrics(PEERS)
    assert not columns.keys() & statistics_of("binary").keys()
    assert not metrics.keys() & metrics_of("binary").keys()
    for measure in (*columns.values(), *metrics.values()):
        assert measure.definition.splitlines()[0].endswith(".")
        assert any(peer.note in measure.definition for peer in PEERS.values())
    for column in columns.values():
        assert column.name.isidentifier()
        assert KINDS["binary"].columns.issuperset(column.inputs)


def test_statistics_travel_to_workers() -> None:
    rows = some_rows(1)
    for statistic in peer_columns(PEERS).values():
        there = cloudpickle.loads(cloudpickle.dumps(statistic))
        assert there.of(examples(rows)).tobytes() == statistic.of(examples(rows)).tobytes()
