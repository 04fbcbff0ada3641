"""The standard error of AUC over rows: from the bins it is that of all pairs of rows, ties and weights included."""

import numpy as np
import pytest

from jobs.judgement.uncertainty.delong import delong, weigh_one
from udfs.exact.decimals import UNITS

RANDOM = np.random.default_rng(3)


def rows(n=800, decimals=1):
    label = RANDOM.random(n) < 0.2
    return label, np.round(RANDOM.standard_normal(n) + label, decimals), RANDOM.integers(1, 5, n).astype(np.float64)


def bins(label, score, weight):
    place = np.unique(score, return_inverse=True)[1]
    return {
        f"{name}{kind}_weight": np.bincount(place, weights=weight**power * chosen)
        for name, chosen in (("positive", label), ("negative", ~label))
        for kind, power in (("", 1), ("_squared", 2))
    }


def by_pairs(label, score, weight):
    """AUC and its standard error from every pair of a positive and a negative."""
    p, q = weight[label], weight[~label]
    wins = (score[label][:, None] > score[~label]) + 0.5 * (score[label][:, None] == score[~label])
    area = p @ wins @ q / p.sum() / q.sum()
    variance = sum(
        (w**2 * (share - area) ** 2).sum() / (w.sum() ** 2 - (w**2).sum())
        for w, share in ((p, wins @ q / q.sum()), (q, p @ wins / p.sum()))
    )
    return area, np.sqrt(variance)


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_it_is_that_of_all_pairs(decimals):
    label, score, _ = rows(decimals=decimals)
    found = delong(bins(label, score, np.ones(label.size)), alike=True)
    assert (found.value[0], found.stderr[0]) == pytest.approx(by_pairs(label, score, np.ones(label.size)), rel=1e-12)
    # DeLong's own form: variances of the shares, each over its class.
    p, q = score[label], score[~label]
    wins = (p[:, None] > q) + 0.5 * (p[:, None] == q)
    own = wins.mean(axis=1).var(ddof=1) / p.size + wins.mean(axis=0).var(ddof=1) / q.size
    assert found.stderr[0] ** 2 == pytest.approx(own, rel=1e-12)


def test_fine_bins_have_the_error_of_the_scores_themselves():
    label, score, _ = rows(20_000, 9)
    coarse = delong(bins(label, np.round(score, 2), np.ones(label.size)), alike=True)
    exact = delong(bins(label, score, np.ones(label.size)), alike=True)
    assert coarse.stderr == pytest.approx(exact.stderr, rel=1e-4)


def test_weights_need_their_squares():
    label, score, weight = rows()
    of = bins(label, score, weight)
    found = delong(of, alike=False)
    assert (found.value[0], found.stderr[0]) == pytest.approx(by_pairs(label, score, weight), rel=1e-12)
    none = delong({name: of[name] for name in ("positive_weight", "negative_weight")}, alike=False)
    assert none.reasons == ["weighted_rows"]
    assert none.value == found.value


def test_the_scale_of_a_class_changes_nothing():
    label, score, weight = rows()
    scaled = delong(bins(label, score, np.where(label, weight, 8.0 * weight)), alike=False)
    plain = delong(bins(label, score, weight), alike=False)
    assert scaled.stderr == pytest.approx(plain.stderr, rel=1e-12)


@pytest.mark.parametrize(
    ("positive", "negative", "reason"),
    [
        ([5.0, 5.0], [9.0, 9.0], None),
        ([4.0, 5.0], [9.0, 9.0], "too_few_positives"),
        ([9.0, 9.0], [4.0, 5.0], "too_few_negatives"),
        ([0.0, 0.0], [9.0, 9.0], "single_class"),
        ([9.0, 9.0], [0.0, 0.0], "single_class"),
        ([], [], "single_class"),
    ],
)
def test_it_has_a_reason_where_there_are_too_few(positive, negative, reason):
    found = delong({"positive_weight": np.array(positive), "negative_weight": np.array(negative)}, alike=True)
    assert found.reasons == [reason]
    assert np.isnan(found.stderr[0]) == (reason is not None)


def test_weights_that_are_all_one_are_known_by_their_sums():
    for weights in ([1] * 1000, [0, 2], [2, 2], [1, 3], []):
        sums = (sum(weights) * UNITS, sum(w * w for w in weights) * UNITS)
        assert weigh_one(len(weights), *sums) == (set(weights) <= {1})
