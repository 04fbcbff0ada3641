"""The standing of a class does not depend on how the classes are listed."""

from itertools import permutations

import numpy as np
import pytest

from udfs.exact.arrays import FloatArray
from udfs.examples.class_ranks import credit, standings


def random_ties(size: int, classes: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).integers(0, 3, (size, classes)) / 4.0


@pytest.mark.parametrize("classes", [1, 2, 4, 5])
def test_a_credit_is_the_mean_over_all_ways_to_break_ties(classes: int) -> None:
    scores = random_ties(30, classes, classes)
    above, tied = standings(np.ascontiguousarray(scores.T), None)
    for k in range(1, classes + 2):
        hits = np.zeros(scores.shape)
        orders = list(permutations(range(classes)))
        for order in orders:
            rank = np.argsort(np.argsort(-scores[:, order], axis=1, kind="stable"), axis=1)
            hits[:, order] += rank < k
        np.testing.assert_allclose(credit(above, tied, float(k)).T, hits / len(orders), rtol=1e-14)


def test_the_standing_of_one_class_is_that_among_all() -> None:
    scores = np.ascontiguousarray(random_ties(200, 6, 1).T)
    scores[:, :3] = np.array([[-np.inf, np.inf, 0.0], [0.0, -0.0, 1.0]] * 3)
    above, tied = standings(scores, None)
    for k in range(6):
        index = np.full(200, k)
        np.testing.assert_array_equal(standings(scores, index), (above[k][None], tied[k][None]))
