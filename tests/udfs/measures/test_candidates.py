"""Every metric of groups is what its reference says, also on other people's logs and by scikit-learn."""

import csv
from collections.abc import Sequence
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from jobs.settings.relations import KEY_COLUMNS
from tests import strategies
from tests.udfs.references.candidates import REFERENCES, groups
from tests.udfs.rows.candidates import KS, OPTIONS, Slate, metrics, slate, slates_by, terms, unrounded
from udfs.catalog import metrics_of, published, statistics_of
from udfs.exact.kernels import NATIVE
from udfs.examples.groups import group_examples
from udfs.kinds import KINDS
from udfs.measure import Measure

METRICS, STATISTICS = metrics_of("candidates"), statistics_of("candidates")
PRICED = {name for name, statistic in STATISTICS.items() if KINDS["candidates"].losses & set(statistic.inputs)}

graded = st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 0.5])
tied = {"logit": st.sampled_from([-1.0, 0.0, 0.5]), "probability": st.sampled_from([0.0, 0.1, 0.3])}


@st.composite
def slates(draw: st.DrawFn, scale: str) -> list[Slate]:
    """A few groups of up to five candidates, many of them tied, some of them hard."""
    row = st.tuples(graded, tied[scale] | strategies.SCORES[scale])
    drawn = draw(
        st.lists(st.tuples(st.lists(row, min_size=1, max_size=5), strategies.sizeable_weights), min_size=1, max_size=4)
    )
    return [slate(*zip(*rows, strict=True), weight) for rows, weight in drawn]


def assert_referenced(found: Sequence[Slate], scale: str, options: dict[str, float | tuple[float, ...]]) -> None:
    """Each metric is its reference, undefined where that is; the rounding to units is of each group's term."""
    clip = options["clip"]
    assert isinstance(clip, float)
    known = groups(found, scale, clip)
    if not known:
        assert {reason for _, reason in metrics(found, scale, options).values()} == {"no_weight"}
        return
    for name, (value, reason) in metrics(found, scale, options).items():
        base, _, k = name.partition("@")
        expected = REFERENCES[base](known, float(k or 0))
        if expected is None:
            assert reason in ("no_positive", "single_class"), name
        else:
            assert reason is None, name
            assert abs(mpf(value) - expected) <= mpf("1e-12") * max(1, abs(expected)), name


def test_every_metric_has_a_reference_and_every_reference_a_metric() -> None:
    assert set(REFERENCES) == set(METRICS)


@pytest.mark.parametrize("scale", ["logit", "probability"])
@settings(max_examples=60)
@given(data=st.data(), clip=st.sampled_from([1e-15, 1e-7]))
def test_metrics_are_their_references_whatever_the_groups(data: st.DataObject, scale: str, clip: float) -> None:
    assert_referenced(data.draw(slates(scale)), scale, {**OPTIONS, "clip": clip})


@pytest.mark.parametrize("scale", ["logit", "probability"])
def test_metrics_of_slates_are_their_references(scale: str) -> None:
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 7, 40)
    logits = [np.round(rng.normal(0.0, 3.0, size), rng.integers(0, 3)) for size in sizes]
    scores = logits if scale == "logit" else [1.0 / (1.0 + np.exp(-z)) for z in logits]
    labels = [(rng.random(size) < 0.3) * rng.integers(1, 4, size) for size in sizes]
    weights = rng.exponential(2.0, sizes.size)
    assert_referenced([slate(*one) for one in zip(labels, scores, weights.tolist(), strict=True)], scale, OPTIONS)


def one_column(rows: Sequence[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


@pytest.mark.parametrize("file", ["aliexpress_train.csv", "aliexpress_test.csv"])
def test_requests_of_a_real_log_are_their_references(data_dir: Path, file: str) -> None:
    with (data_dir / "taobao_aliexpress_tiny" / file).open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    group, click = one_column(rows, "search_id"), one_column(rows, "click")
    # Any feature ranks the candidates of a request, many of them with ties.
    for number in (1, 4, 9, 20, 35, 61):
        found = slates_by(group, click + one_column(rows, "conversion"), one_column(rows, f"numerical_{number}"))
        assert 40 < len(found) < 60
        assert_referenced(found, "logit", OPTIONS)
        assert metrics(found)["grouped_auc"][1] is None


def large_slates(seed: int) -> list[Slate]:
    """Groups that scikit-learn takes: both classes, up to 60 candidates, many ties."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 60, 50)
    labels = [np.r_[0.0, 1.0, rng.integers(0, 4, size - 2) * (rng.random(size - 2) < 0.3)] for size in sizes]
    return [slate(rng.permutation(label), np.round(rng.normal(0, 1, label.size), 1)) for label in labels]


def test_metrics_equal_those_of_scikit_learn() -> None:
    found = large_slates(7)
    ours = {name: value for name, (value, _) in metrics(found).items()}

    def peer(of: Slate) -> dict[str, float]:
        label, score = np.array(of.label), np.array(of.score)
        gains = {"ndcg": 2.0**label - 1.0, "ndcg_linear": label}
        by_rank = {f"{name}@{k:g}": ndcg_score([gain], [score], k=int(k)) for name, gain in gains.items() for k in KS}
        areas = {
            "grouped_auc_by_group": roc_auc_score(label > 0, score),
            "grouped_average_precision": average_precision_score(label > 0, score),
        }
        return {**by_rank, **areas}

    peers = [peer(one) for one in found]
    for name in peers[0]:
        assert ours[name] == pytest.approx(np.mean([each[name] for each in peers]), rel=1e-12), name


def test_positives_are_told_by_their_score_where_ln_p_has_too_few_digits() -> None:
    # The strict logarithm of both is the same double, but the model has ranked them.
    low, high = 1e-10, float(np.nextafter(1e-10, 1.0))
    found = metrics([slate([1, 0], [high, low])], "probability")
    assert found["grouped_auc"] == (1.0, None)
    assert found["softmax_cross_entropy"][0] == pytest.approx(np.log(2.0), rel=1e-15)


def test_the_native_kernel_differs_in_last_bits_alone() -> None:
    found = large_slates(11)
    strict, native = terms(found), terms(found, kernel=NATIVE)
    for name, values in strict.items():
        np.testing.assert_allclose(native[name], values, rtol=1e-13, err_msg=name)


@pytest.mark.parametrize("small", [0.5, 1e-3, 1e-10, 1e-16, 2e-17])
def test_small_relevances_keep_their_digits_in_ndcg(small: float) -> None:
    found = unrounded([slate([small, 3 * small], [2.0, 1.0])], options={**OPTIONS, "k": (2.0,)})["ndcg@2"]
    low, high = (mpmath.expm1(mpmath.log(2) * y) for y in (small, 3 * small))
    second = mpmath.log(2) / mpmath.log(3)
    assert found == pytest.approx(float((low + high * second) / (high + low * second)), rel=1e-14)


def test_a_hard_positive_costs_the_clip_and_is_counted() -> None:
    found = [slate([1, 0, 1], [-np.inf, 2.0, 3.0], 4.0), slate([1, 0], [0.0, 0.0], 2.0), slate([0, 1], [np.inf, 1.0])]
    ln2, dear, options = np.log(2.0), -np.log(1e-6), {**OPTIONS, "clip": 1e-6}
    assert terms(found)["hard_group_weight"].tolist() == [4.0, 0.0, 1.0]
    assert unrounded(found, options=options)["softmax_cross_entropy"] == pytest.approx((5 * dear + 2 * ln2) / 7)
    assert unrounded(found, options=options)["softmax_cross_entropy_total"] == pytest.approx(9 * dear + 2 * ln2)
    infinite = {name for name, (_, reason) in metrics(found, options={**OPTIONS, "clip": 0.0}).items() if reason}
    assert infinite == {name for name, metric in METRICS.items() if PRICED & set(metric.inputs)}
    without = metrics([found[1]], options={**OPTIONS, "clip": 0.0})
    assert {reason for _, reason in without.values()} == {None}


def test_a_negative_of_probability_0_is_no_hard_row() -> None:
    found = [slate([1, 0, 0], [1.0, -np.inf, 0.0])]
    assert terms(found)["hard_group_weight"].tolist() == [0.0]
    assert unrounded(found)["softmax_cross_entropy"] == unrounded([slate([1, 0], [1.0, 0.0])])["softmax_cross_entropy"]


def test_a_group_without_a_positive_has_no_loss_and_no_rank() -> None:
    found = metrics([slate([0, 0], [1.0, 2.0])])
    assert {reason for name, (_, reason) in found.items() if "loss" in name or name.startswith("ndcg")} == {
        "no_positive",
        "single_class",
    }
    assert found["softmax_cross_entropy_total"] == found["mrr_all"] == (0.0, None)
    assert found["without_positive_share"] == found["grouped_auc_left_out"] == (1.0, None)


def test_no_groups_are_no_metric() -> None:
    nothing = group_examples(np.array([]), np.array([]), np.array([0]), np.array([]), "logit")
    assert all(
        statistic.bound({"k": 5.0}).of(nothing).size == 0 for statistic in STATISTICS.values() if statistic.options
    )
    assert {reason for _, reason in metrics([]).values()} == {"no_weight"}


@pytest.mark.parametrize("measure", [*STATISTICS.values(), *METRICS.values()], ids=lambda measure: measure.name)
def test_every_measure_is_documented(measure: Measure) -> None:
    first = measure.definition.splitlines()[0]
    assert first.endswith(".")
    assert 15 < len(first) <= 160
    assert measure.unit


def test_no_name_is_used_twice() -> None:
    assert not STATISTICS.keys() & METRICS.keys()
    assert not (STATISTICS.keys() | METRICS.keys()) & set(KEY_COLUMNS)
    assert {"ndcg@1", "hit_rate@10", "grouped_auc"} <= published("candidates", OPTIONS).keys()
