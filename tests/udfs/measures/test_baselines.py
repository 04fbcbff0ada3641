"""Entropy metrics against a baseline: references, what a baseline loses, and identities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf
from sklearn import metrics as sklearn_metrics

from tests import strategies
from tests.udfs.references.baselines import REFERENCES, against_prior, priced_sums
from tests.udfs.references.binary import entropy, exact, value_and_bound
from tests.udfs.rows.binary import Rows, metrics_of_rows, rows_of
from udfs import catalog
from udfs.catalog import metrics_of, published_against
from udfs.exact.arrays import FloatArray
from udfs.measure import Metric, metric
from udfs.measures.baselines import BASELINES, constant_baseline, prior_entropy, stratified_baseline

priors = st.floats(2.0**-20, 1 - 2.0**-20)


def test_every_metric_has_a_reference_and_its_baseline_in_its_name() -> None:
    assert set(REFERENCES) == set(metrics_of("binary", "baseline"))
    assert published_against("binary", "total").keys() == {f"{name}[total]" for name in REFERENCES}
    constant = {"normalized_entropy_he2014[stratified]"}
    assert published_against("binary", "stratified").keys() == {f"{name}[stratified]" for name in REFERENCES} - constant
    with pytest.raises(KeyError):
        published_against("binary", "self")


@given(rows=strategies.rows(), prior=priors, baseline=st.sampled_from(["total", "reference"]))
def test_metrics_are_their_references(rows: Rows, prior: float, baseline: str) -> None:
    e, found = exact(rows), against_prior(rows, prior, baseline)
    for name, reference in REFERENCES.items():
        value, reason = found[f"{name}[{baseline}]"]
        expected, bound = value_and_bound(reference(mpf(prior)), e)
        assert expected is not None
        assert mp.isinf(bound) or (reason is None and abs(value - expected) <= bound), name


@given(positive=st.floats(0, 1e12), negative=st.floats(0, 1e12), prior=st.floats(0, 1))
def test_a_constant_baseline_loses_the_cross_entropy(positive: float, negative: float, prior: float) -> None:
    found = float(constant_baseline(*(np.array([value]) for value in (positive, negative, prior)))[0])
    if (positive and prior == 0.0) or (negative and prior == 1.0):
        assert found == np.inf
        return
    losses = (mpf(w) * -mp.log(p) for w, p in ((positive, mpf(prior)), (negative, 1 - mpf(prior))) if w)
    expected = mp.fsum(losses)
    assert abs(found - expected) <= mpf(2) ** -50 * expected + mpf(2) ** -1074


def test_against_the_total_a_slice_can_be_worse_although_it_beats_its_own_rate() -> None:
    rows = rows_of([0, 0, 0, 1], [0.2, 0.2, 0.2, 0.3])
    assert metrics_of_rows(rows)["normalized_entropy"][0] < 1.0
    assert against_prior(rows, 0.25)["normalized_entropy[total]"][0] == pytest.approx(
        metrics_of_rows(rows)["normalized_entropy"][0], rel=1e-15
    )
    assert against_prior(rows, 0.9)["normalized_entropy[total]"][0] < 0.5


def test_the_prior_is_a_model_like_another_to_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    score, weight = rng.beta(1, 9, 500), rng.exponential(1.0, 500)
    label = (rng.random(500) < score).astype(np.float64)
    found = against_prior(rows_of(label, score, weight), 0.07)["relative_cross_entropy[total]"]
    losses = [
        sklearn_metrics.log_loss(label, probability, sample_weight=weight)
        for probability in (score, np.full(500, 0.07))
    ]
    assert found == (pytest.approx(100 * (1 - losses[0] / losses[1]), rel=1e-11), None)


@given(rows=strategies.rows(label=strategies.hard_labels))
def test_the_slice_s_own_rate_is_the_least_dear_prior(rows: Rows) -> None:
    sums = priced_sums(rows)
    positive, negative = sums["positive_weight"], sums["negative_weight"]
    rate = positive / (positive + negative)
    own = constant_baseline(positive, negative, rate)
    assert own == pytest.approx((positive + negative) * prior_entropy(rate), rel=1e-12)
    for prior in (0.01, 0.5, 0.97):
        assert constant_baseline(positive, negative, np.array([prior])) >= own * (1 - 1e-14)


@given(prior=priors, weights=st.lists(st.integers(1, 1000), min_size=2, max_size=6))
def test_a_prior_against_itself_is_1(prior: float, weights: list[int]) -> None:
    rows = rows_of(np.arange(len(weights)) % 2, np.full(len(weights), prior), np.array(weights) * 1.0)
    found = against_prior(rows, prior)
    assert found["normalized_entropy[total]"][0] == pytest.approx(1.0, rel=1e-9)
    assert found["relative_information_gain[total]"][0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_a_baseline_that_is_surely_wrong_proves_nothing(prior: float) -> None:
    found = against_prior(rows_of([0, 1], [0.4, 0.6]), prior)
    assert {reason for _, reason in found.values()} == {"single_class"}


class_weights = st.just(0.0) | st.floats(1e-9, 1e6)
children = st.lists(st.tuples(class_weights, class_weights, st.integers(0, 2)), min_size=1, max_size=12)


@given(children=children, data=st.data())
def test_a_stratified_baseline_adds_the_entropies_of_parts(
    children: list[tuple[float, float, int]], data: st.DataObject
) -> None:
    def of(drawn: list[tuple[float, float, int]]) -> FloatArray:
        positive, negative = (np.array([child[i] for child in drawn]) for i in (0, 1))
        return stratified_baseline(positive, negative, np.array([child[2] for child in drawn]), 3)

    found = of(children)
    assert of(data.draw(st.permutations(children))).tolist() == found.tolist()
    for number in range(3):
        parts = [(mpf(p), mpf(n)) for p, n, of_slice in children if of_slice == number and p + n]
        expected = mp.fsum((p + n) * entropy(p, n) for p, n in parts)
        assert found[number] == pytest.approx(float(expected), rel=1e-13, abs=1e-300)
        # Parts have no more entropy than the whole.
        whole = sum(p for p, _ in parts), sum(n for _, n in parts)
        assert not parts or expected <= sum(whole) * entropy(*whole) * (1 + mpf("1e-50"))


def test_the_order_of_a_thousand_children_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    positive, negative, of_slice = rng.exponential(1.0, 1000), rng.exponential(9.0, 1000), rng.integers(0, 2, 1000)
    order = rng.permutation(1000)
    found = stratified_baseline(positive[order], negative[order], of_slice[order], 2)
    assert found.tolist() == stratified_baseline(positive, negative, of_slice, 2).tolist()


def test_a_baseline_metric_of_an_unknown_column_is_an_error() -> None:
    def of_nothing(baseline_loss: FloatArray) -> FloatArray:
        """A metric with a misspelt input."""
        return baseline_loss

    with pytest.raises(TypeError, match=r"of_nothing: unknown parameter 'baseline_loss'; there are: .*baseline_nll"):
        catalog.check([metric(unit="1")(of_nothing)], catalog.inputs_of("binary")[Metric, "baseline"])


def test_every_metric_is_documented() -> None:
    for each in metrics_of("binary", "baseline").values():
        first = each.definition.splitlines()[0]
        assert first.endswith(".")
        assert 15 < len(first) <= 160
    assert set(BASELINES) == {"total", "reference", "stratified"}


def test_a_loss_and_a_baseline_that_are_both_infinite_tell_nothing() -> None:
    for each in metrics_of("binary", "baseline").values():
        assert np.isnan(each(**dict.fromkeys(each.inputs, np.inf)))
    assert metrics_of("binary")["calibration_free_normalized_entropy"](np.inf, 0, 1, 1, 2) == np.inf
