"""Adjusted p values: as SciPy has them, equal where the p values are, the same in any order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jobs.judgement.uncertainty.discoveries import adjusted

P = st.lists(st.sampled_from([0.0, 1e-9, 0.01, 0.02, 0.05, 0.3, 1.0]) | st.floats(0.0, 1.0), max_size=20)


@given(P)
def test_it_is_the_procedure_of_benjamini_and_hochberg(p):
    expected = stats.false_discovery_control(p) if p else np.array([])
    np.testing.assert_allclose(adjusted(np.array(p)), expected, rtol=1e-14)


@given(P, st.randoms())
def test_neither_order_nor_unknown_ones_change_anything(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    mixed = np.array([np.nan, *(p[i] for i in order), np.nan])
    found = adjusted(mixed)
    assert np.isnan(found[[0, -1]]).all()
    assert found[1:-1].tolist() == adjusted(np.array(p))[order].tolist()


def test_equal_ones_stay_equal():
    assert len(set(adjusted(np.array([0.02, 0.02, 0.02, 0.9]))[:3].tolist())) == 1


def test_of_null_slices_hardly_ever_is_one_a_discovery():
    p = np.random.default_rng(1).random((400, 500))
    found = np.mean([(adjusted(each) <= 0.05).any() for each in p])
    assert found <= 0.08  # 5 % on average; unadjusted, in every one
    assert (p <= 0.05).any(axis=1).all()
