"""Every metric of bins is its reference where bins tell scores apart, and keeps its bounds where they do not."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve as sklearn_curve
from sklearn.metrics import average_precision_score, roc_auc_score

from tests.udfs.claims.bins import confusion_of, curve_of, drawn
from tests.udfs.claims.cases import cases
from tests.udfs.references.bins import BINS, REFERENCES, THRESHOLD
from tests.udfs.rows.binary import Rows, metrics_of_rows, rows_of
from tests.udfs.rows.bins import columns_of, metrics_of_bins
from udfs.catalog import metrics_of, published, statistics_of
from udfs.exact.kernels import sigmoid
from udfs.exact.numerics import preceding
from udfs.examples.bins import BIN_COLUMNS, Binning
from udfs.measure import Metric

METRICS = metrics_of("binary", "bins")
OPTIONS = {"threshold": THRESHOLD, "calibration_bins": BINS}
LOGITS = Binning("logit")
MILLION = 1_000_000
OUTSIDE = ("(-in", "[1.0")  # bins of a peer for scores that are no probabilities


def coarse_rows(scale: str, size: int = 300, seed: int = 5) -> Rows:
    """Scores with ties that need few bits, weights of which some are 0, and soft labels."""
    rng = np.random.default_rng(seed)
    label = np.where(rng.random(size) < 0.9, rng.random(size) < 0.3, rng.random(size))
    weight = np.where(rng.random(size) < 0.1, 0.0, rng.exponential(2.0, size))
    logit = np.round(8.0 * (rng.normal(-1.0, 2.0, size) + label)) / 8.0
    score = logit if scale == "logit" else np.round(64.0 * sigmoid(logit)) / 64.0
    score[:4] = [-np.inf, np.inf, 16.0, -20.0] if scale == "logit" else [0.0, 1.0, 0.5, 2.0**-40]
    return rows_of(label, score, weight, scale)


def fine_rows(scale: str, size: int, seed: int = 7) -> Rows:
    """Scores of all bits, calibrated, one in twenty positive."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(-4.0, 1.5, size)
    label = rng.random(size) < sigmoid(logit)
    return rows_of(label, logit if scale == "logit" else sigmoid(logit), scale=scale)


def test_every_metric_of_bins_has_a_reference_and_every_reference_a_metric() -> None:
    assert set(REFERENCES) == set(METRICS)
    assert not METRICS.keys() & (metrics_of("binary").keys() | statistics_of("binary").keys())


@pytest.mark.parametrize("scale", ["probability", "logit"])
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_bins_is_its_reference(name: str, scale: str) -> None:
    rows = coarse_rows(scale)
    binning = Binning(scale, thresholds=(THRESHOLD,), calibration_bins=BINS)
    found = metrics_of_bins(rows, binning, OPTIONS)[name + METRICS[name].suffix.format(threshold=THRESHOLD)]
    assert found == pytest.approx(REFERENCES[name](rows), rel=1e-12)


@pytest.mark.parametrize("measure", METRICS.values(), ids=lambda measure: measure.name)
def test_every_metric_of_bins_is_documented(measure: Metric) -> None:
    first = measure.definition.splitlines()[0]
    assert first.endswith(".")
    assert 15 < len(first) <= 160


def test_a_threshold_is_part_of_the_name() -> None:
    names = published("binary", {"threshold": (0.5, 0.1234567, 0.12345678), "calibration_bins": 10}, "bins").keys()
    assert {"precision@0.5", "precision@0.1234567", "precision@0.12345678", "f1@0.5"} <= names
    assert len(names) == len(METRICS) + 2 * 3


@pytest.mark.parametrize(("scale", "most"), [("probability", 1e-3), ("logit", 1e-3)])
def test_the_interval_of_a_million_scores_is_narrow_and_has_the_exact_areas(scale: str, most: float) -> None:
    rows = fine_rows(scale, MILLION)
    found = metrics_of_bins(rows, Binning(scale))
    exact = roc_auc_score(rows.label, rows.score)
    assert 0.0 < found["auc_half_width"] <= most
    assert abs(found["auc"] - exact) <= found["auc_half_width"]
    assert abs(found["auc"] - exact) < 1e-5
    precision = average_precision_score(rows.label, rows.score)
    low, high = found["average_precision_low"], found["average_precision_high"]
    assert low <= precision <= high
    assert high - low < 0.02 * precision


def test_the_interval_of_a_million_tied_scores_has_the_exact_auc() -> None:
    rows = fine_rows("probability", MILLION)
    tied = rows_of(rows.label, np.round(rows.score, 3), 1.0 + np.arange(MILLION) % 3)
    found = metrics_of_bins(tied, Binning("probability"))
    exact = roc_auc_score(tied.label, tied.score, sample_weight=tied.weight)
    assert abs(found["auc"] - exact) <= found["auc_half_width"]


@settings(max_examples=20)
@given(
    label=st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=4),
    weight=st.lists(st.sampled_from([1.0, 0.125, 3.0]), min_size=4, max_size=4),
    outside=st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])),
)
def test_bounds_hold_whatever_the_order_and_the_ties_in_a_bin(
    label: list[float], weight: list[float], outside: tuple[float, float]
) -> None:
    size = len(label)
    scores = 0.5 + np.arange(size) * 1e-6  # one bin, between two others
    labels, weights = np.array([*label, *outside]), np.array([*weight[:size], 2.0, 0.5])
    assume(0.0 < labels.sum() < labels.size)
    found = metrics_of_bins(rows_of(labels, [*scores, 0.1, 0.9], weights), Binning("probability"))
    for order in permutations(scores):
        for tie in (order, (order[0], *order[:-1])):
            drawn_scores = [*tie, 0.1, 0.9]
            auc = roc_auc_score(labels, drawn_scores, sample_weight=weights)
            precision = average_precision_score(labels, drawn_scores, sample_weight=weights)
            assert abs(found["auc"] - auc) <= found["auc_half_width"] + 1e-15
            low, high = found["average_precision_low"], found["average_precision_high"]
            assert low - 1e-15 <= precision <= high + 1e-15


@pytest.mark.parametrize(("scale", "score"), [("probability", 0.3), ("logit", -1.7), ("probability", 0.0)])
def test_a_constant_score_has_no_rank_and_a_base_rate_no_error(scale: str, score: float) -> None:
    label = np.arange(7) < 3
    found = metrics_of_bins(rows_of(label, np.full(7, score), scale=scale), Binning(scale))
    assert (found["auc"], found["auc_half_width"]) == (0.5, 0.5)
    assert found["average_precision"] == 3 / 7
    assert found["brier_resolution"] == 0.0


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_has_no_area(label: float) -> None:
    found = metrics_of_bins(rows_of(np.full(3, label), [0.1, 0.5, 0.9]), Binning("probability"))
    undefined = {name for name, value in found.items() if math.isnan(value)}
    areas = {"auc", "auc_half_width"}
    of_positives = {name for name in found if name.startswith("average_precision")} | {"recall@0.5"}
    assert undefined == (areas if label else areas | of_positives)
    assert found["precision@0.5"] == label


@pytest.mark.parametrize("rows", [rows_of([], []), rows_of([0, 1], [0.2, 0.7], [0.0, 0.0]), rows_of([np.nan], [0.5])])
def test_no_weight_is_no_metric_of_bins(rows: Rows) -> None:
    assert all(math.isnan(value) for value in metrics_of_bins(rows, Binning("probability")).values())


def test_what_was_not_recorded_is_no_metric_of_bins() -> None:
    columns = columns_of(coarse_rows("probability"))
    for missing in BIN_COLUMNS - {"low"}:
        for metric in published("binary", OPTIONS, "bins").values():
            found = metric.of({**columns, missing: np.full(columns["n"].size, np.nan)})
            assert math.isnan(found) == (missing in metric.inputs), (metric.name, missing)


def test_no_score_above_the_threshold_is_no_precision() -> None:
    found = metrics_of_bins(rows_of([0, 1], [0.2, 0.4]), Binning("probability", thresholds=(0.5,)))
    assert math.isnan(found["precision@0.5"])
    assert (found["recall@0.5"], found["f1@0.5"]) == (0.0, 0.0)
    assert METRICS["precision"].undefined == "none_above_threshold"


@given(seed=st.integers(0, 2**32 - 1))
def test_the_auc_of_the_opposite_score_is_the_rest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rows_of(rng.random(200) < 0.4, rng.normal(0, 3, 200), rng.exponential(1.0, 200), "logit")
    found, other = (
        metrics_of_bins(rows_of(rows.label, sign * rows.score, rows.weight, "logit"), LOGITS) for sign in (1.0, -1.0)
    )
    assert found["auc"] + other["auc"] == pytest.approx(1.0, abs=1e-15)
    assert found["auc_half_width"] == pytest.approx(other["auc_half_width"], rel=1e-15)


@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_a_row_twice_is_a_row_of_twice_the_weight_but_for_the_noise(scale: str) -> None:
    rows = coarse_rows(scale)
    twice, heavy = rows.take(np.repeat(np.arange(rows.label.size), 2)), rows.weighing(2.0 * rows.weight)
    found, other, one = (metrics_of_bins(each, Binning(scale)) for each in (twice, heavy, rows))
    for name, value in found.items():
        more = math.sqrt(0.5) if name.endswith("_noise") else 1.0
        assert value == pytest.approx(more * other[name], rel=1e-12), name
        assert other[name] == pytest.approx(one[name], rel=1e-12), name


def test_what_ranks_perfectly_has_areas_of_1() -> None:
    found = metrics_of_bins(rows_of([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9]), Binning("probability"))
    areas = [found[name] for name in found if name.startswith(("auc", "average_precision"))]
    assert areas == [1.0, 0.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_the_brier_score_is_its_parts(scale: str) -> None:
    for rows, error in ((coarse_rows(scale), 1e-15), (fine_rows(scale, 20_000), 2e-5)):
        hard = rows_of(np.round(rows.label), rows.score, rows.weight, scale)
        sums, bins = metrics_of_rows(hard), metrics_of_bins(hard, Binning(scale))
        q = sums["base_rate"][0]
        parts = bins["brier_reliability"] - bins["brier_resolution"] + q * (1.0 - q)
        assert sums["brier_score"][0] == pytest.approx(parts, abs=error)


@pytest.mark.parametrize("kind", ["", "_equal_mass", "_logit"])
def test_the_error_of_right_scores_is_its_noise_on_average(kind: str) -> None:
    name = f"expected_calibration_error{kind}"
    found = [metrics_of_bins(fine_rows("probability", 5000, seed), Binning("probability")) for seed in range(60)]
    errors, noises = (np.array([each[n] for each in found]) for n in (name, f"{name}_noise"))
    assert errors.mean() == pytest.approx(noises.mean(), rel=0.12)


def test_a_miscalibrated_score_is_found_by_every_error() -> None:
    rows = fine_rows("logit", 50_000)
    shifted = metrics_of_bins(rows_of(rows.label, rows.score + 1.0, scale="logit"), Binning("logit"))
    for kind in ("", "_equal_mass", "_logit"):
        error, noise = (shifted[f"expected_calibration_error{kind}{part}"] for part in ("", "_noise"))
        assert error > 10.0 * noise


@pytest.mark.parametrize("bins", [3, 10])
def test_the_curve_is_that_of_scikit_learn(bins: int) -> None:
    rows = fine_rows("probability", 5000)
    label, score = sklearn_curve(rows.label, rows.score, n_bins=bins)
    found = curve_of(rows, bins)
    used = found.weight > 0.0
    assert found.label[used] == pytest.approx(label, rel=1e-12)
    assert found.score[used] == pytest.approx(score, rel=1e-12)
    assert (found.low[0], found.high[-1]) == (0.0, 1.0)
    assert found.weight.sum() == rows.label.size
    assert np.isnan(found.label[~used]).all()


def test_the_curve_of_a_peer_agrees_where_scores_are_probabilities() -> None:
    case = next(case for case in cases("peer_vectors") if case["id"] == "TF-CALBIN-1")
    rows = drawn(case["inputs"])
    found = curve_of(rows.take((rows.score >= 0.0) & (rows.score <= 1.0)), 10)
    table = {low: [w * y, w * s, w] for low, _, w, y, s in zip(*found, strict=True) if w}
    expected = {float(name[1:4]): values for name, values in case["expected"].items() if name[:4] not in OUTSIDE}
    assert table.keys() == expected.keys() == {0.2, 0.5, 0.8}
    assert all(table[low] == pytest.approx(expected[low], rel=1e-14) for low in table)


@given(threshold=st.floats(0.0, 1.0), seed=st.integers(0, 2**32 - 1))
def test_counts_at_a_threshold_are_exact(threshold: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.random(50), [threshold, np.nextafter(threshold, 0.0), 0.0, 1.0]])
    label = rng.random(scores.size) < 0.5
    found = confusion_of(rows_of(label, scores), threshold)
    above = scores >= threshold
    assert found == tuple(np.sum(label == t, where=above == p) for t, p in ((1, 1), (0, 1), (1, 0), (0, 0)))


def test_what_precedes_is_summed_with_twice_the_digits() -> None:
    x = np.random.default_rng(0).exponential(1.0, 100_000) ** 5
    found = preceding(x)
    places = range(0, x.size, 997)
    exact = np.array([math.fsum(x[:i]) for i in places])
    assert found[places] == pytest.approx(exact, rel=2.0**-52)
    assert found.size == x.size
    assert preceding(x[:0]).size == 0
