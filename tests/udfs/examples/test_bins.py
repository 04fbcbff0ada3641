"""A score is in the bin whose low edge is the largest one not above it, whatever the bits and the edges declared."""

import functools
import math
import pickle

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import strategies
from tests.udfs.rows.binary import Rows, rows_of
from tests.udfs.rows.bins import NAMES, Units, columns_from, columns_of, metrics_of_bins, sums_of_bins
from udfs.exact.kernels import sigmoid
from udfs.examples.bins import LEAST_BITS, MOST_BITS, Binning, edges, equal_width, logit

BINNINGS = {scale: Binning(scale, thresholds=(0.57, 0.0, 1.0, 1e-300)) for scale in ("probability", "logit")}
EDGES_NEAR = [-np.inf, -np.finfo(np.float64).tiny, -5e-324, -0.0, 0.0, 5e-324, 1e-45, 2.0**-149, 2.0**-133, 2.0**-126]


def simply_located(scores: np.ndarray, low: np.ndarray) -> np.ndarray:
    return np.searchsorted(low, scores, side="right") - 1


def legal(scores: np.ndarray, scale: str) -> np.ndarray:
    return scores[(scores >= 0.0) & (scores <= 1.0)] if scale == "probability" else scores


@pytest.mark.parametrize("bits", [LEAST_BITS, 11, 16, MOST_BITS])
@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_scores_are_where_a_search_finds_them(scale: str, bits: int) -> None:
    binning = Binning(scale, bits=bits, thresholds=(1e-300, 0.57, 0.3, np.nextafter(0.3, 1.0)), calibration_bins=1000)
    rng = np.random.default_rng(bits)
    z = np.concatenate([rng.normal(0, 10, 20_000), np.exp(rng.normal(0, 300, 20_000).clip(-745, 13)), EDGES_NEAR])
    scores = legal(np.concatenate([z, -z, [np.inf], sigmoid(z)]), scale)
    near = binning.edges[np.isfinite(binning.edges)]
    steps = [near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)]
    every = np.concatenate([scores, *(legal(step, scale) for step in steps)])
    place = binning.located(every)
    assert place.dtype == np.int64
    assert (place == simply_located(every, binning.edges)).all()
    assert (binning.located(every[::-1]) == place[::-1]).all()


@given(scale=strategies.SCALES, data=st.data())
def test_a_score_is_not_below_its_edge_and_below_the_next(scale: str, data: st.DataObject) -> None:
    low = BINNINGS[scale].edges
    score = data.draw(strategies.SCORES[scale])
    place = int(BINNINGS[scale].located(np.array([score]))[0])
    assert low[place] <= score
    assert place == low.size - 1 or score < low[place + 1]


@pytest.mark.parametrize(("scale", "most"), [("probability", 17_000), ("logit", 38_000)])
def test_bins_are_a_modest_number_and_their_edges_have_few_bits(scale: str, most: int) -> None:
    low = edges(scale, 16)
    assert (np.diff(low[np.isfinite(low)]) > 0).all()
    assert low.size < most
    finite = low[np.isfinite(low)]
    assert (finite.astype(np.float32) == finite).all()
    assert not (finite.astype(np.float32).view(np.uint32) & 0xFFFF).any()
    assert (low[0], low[-1]) == ((0.0, 1.0) if scale == "probability" else (-np.inf, np.inf))
    assert not np.signbit(low[low == 0.0]).any()
    if scale == "logit":
        assert (low == -low[::-1]).all()
        assert low[1] == -(2.0**19)


def test_a_bin_is_narrow_beside_its_score() -> None:
    low = edges("probability", 16)
    normal = low[low >= 2.0**-126]
    assert (np.diff(normal) <= normal[:-1] * 2.0**-7).all()


@pytest.mark.parametrize("bits", [-1, 8, 21, 32])
def test_bits_that_make_no_sensible_bins_are_refused(bits: int) -> None:
    with pytest.raises(ValueError, match=f"bins of {bits} bits, expected 9 to 20"):
        edges("logit", bits)


def test_zeros_of_both_signs_are_one_score() -> None:
    for binning in BINNINGS.values():
        zero, negative = binning.located(np.array([0.0, -0.0]))
        assert zero == negative
        assert binning.edges[zero] == 0.0
    tiny = BINNINGS["logit"].located(np.array([-5e-324, 0.0, 5e-324]))
    assert tiny.tolist() == [tiny[1] - 1, tiny[1], tiny[1]]


def test_an_infinite_logit_is_alone_in_its_bin() -> None:
    low = BINNINGS["logit"].edges
    place = BINNINGS["logit"].located(np.array([-np.inf, -strategies.LARGEST_LOGIT, strategies.LARGEST_LOGIT, np.inf]))
    assert place[[0, 1, 3]].tolist() == [0, 1, low.size - 1]
    assert place[2] < place[3]


def test_a_hundredth_is_the_double_nearest_to_it() -> None:
    binning = Binning("probability", calibration_bins=100)
    assert math.floor(0.57 * 100) == 56  # which is why a bin is searched and not computed
    hundredths = np.array([float(f"0.{k:02d}") for k in range(100)])
    assert (equal_width(100)[:-1] == hundredths).all()
    assert (binning.edges[binning.located(hundredths)] == hundredths).all()
    below = binning.located(np.nextafter(hundredths[1:], 0.0))
    assert (binning.edges[below] < hundredths[1:]).all()


@functools.cache
def of_bits(scale: str, bits: int) -> Binning:
    return Binning(scale, bits=bits, thresholds=(0.3,))


@given(
    scale=strategies.SCALES,
    bits=st.sampled_from([(9, 12), (11, 12), (12, 16)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_coarser_bins_are_made_of_finer_ones(scale: str, bits: tuple[int, int], seed: int) -> None:
    coarse, fine = (of_bits(scale, b) for b in bits)
    z = np.random.default_rng(seed).normal(-2.0, 4.0, 500)
    scores = z if scale == "logit" else sigmoid(z)
    assert np.isin(coarse.edges, fine.edges).all()
    assert (coarse.located(fine.edges[fine.located(scores)]) == coarse.located(scores)).all()
    rows = rows_of(z < 0, scores, scale=scale)
    merged: dict[float, Units] = {}
    for edge, units in sums_of_bins(rows, fine).items():
        place = float(coarse.edges[coarse.located(np.array([edge]))[0]])
        merged[place] = added(merged.get(place), units)
    assert merged == sums_of_bins(rows, coarse)


def added(a: Units | None, b: Units) -> Units:
    return b if a is None else tuple(x + y for x, y in zip(a, b, strict=True))


@given(rows=strategies.rows(label=strategies.labels, weight=strategies.any_weights), data=st.data())
def test_bins_of_parts_add_up_to_those_of_the_whole(rows: Rows, data: st.DataObject) -> None:
    part = np.array(data.draw(strategies.spread(rows.label.size, range(3))), dtype=np.int64)
    binning, total = BINNINGS[rows.scale], dict[float, Units]()
    for which in range(3):
        for edge, units in sums_of_bins(rows.take(part == which), binning).items():
            total[edge] = added(total.get(edge), units)
    assert total == sums_of_bins(rows, binning)
    whole = columns_of(rows, binning)
    assert all((columns_from(total, binning)[name] == whole[name]).all() for name in ("low", *NAMES))


@given(rows=strategies.rows(), data=st.data())
def test_no_metric_depends_on_the_order_of_rows(rows: Rows, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(rows.label.size)))
    found, other = (metrics_of_bins(each, BINNINGS[each.scale]) for each in (rows, rows.take(order)))
    assert repr(found) == repr(other)


@pytest.mark.parametrize("threshold", [1e-300, 1e-9, 0.1, 0.3, 0.5, np.nextafter(0.5, 1), 0.57, 0.999, 1 - 2.0**-53])
def test_a_threshold_on_the_logit_is_exact_in_its_own_double(threshold: float) -> None:
    binning = Binning("logit", thresholds=(threshold,))
    border = logit(np.array([threshold]))[0]
    assert border == pytest.approx(math.log(threshold) - math.log1p(-threshold), rel=1e-15, abs=2.0**-52)
    scores = np.array([border, np.nextafter(border, -np.inf), -np.inf, np.inf, np.nextafter(border, np.inf)])
    found = binning.probability(binning.edges[binning.located(scores)])
    assert (found >= threshold).tolist() == [True, False, False, True, True]
    assert found[0] == threshold


@given(thresholds=st.lists(st.floats(0.0, 1.0), max_size=4), bins=st.integers(1, 50))
@example(thresholds=[0.8807970779778824, 0.9525741268224333], bins=3)  # an ulp from the logits 2 and 3, on either side
@example(thresholds=[5e-324, -0.0, 1.0], bins=10)
def test_edges_stay_in_order_as_probabilities(thresholds: list[float], bins: int) -> None:
    binning = Binning("logit", bits=12, thresholds=tuple(thresholds), calibration_bins=bins)
    low = binning.probability(binning.edges)
    assert (np.diff(low) >= 0.0).all()
    assert (low[0], low[-1]) == (0.0, 1.0)
    assert np.abs(low - sigmoid(binning.edges)).max() <= 2.0**-52


def test_a_binning_travels_light_and_stays_the_same() -> None:
    packed = pickle.dumps(Binning("logit", thresholds=(0.1,)))
    assert len(packed) < 1000
    assert (pickle.loads(packed).edges == Binning("logit", thresholds=(0.1,)).edges).all()
