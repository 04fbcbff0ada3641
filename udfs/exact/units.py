"""What can be summed exactly, and the unit of what is larger: a power of two that brings every term into range.

Dividing by it and multiplying a sum by it again are exact, so that readers see natural numbers only.
"""

from __future__ import annotations

import math

WEIGHT_LIMIT, LOGIT_LIMIT, TERM_LIMIT = 2.0**20, 2.0**19, 2.0**40  # in units; what is summed has to stay below
HEAVIEST, FARTHEST = 2.0**60, 2.0**50  # weights and values have to stay below
FARTHEST_LOSS = 1000.0  # nats: beyond the loss of every probability that a double holds; squared it is below 2²⁰
DAY_LIMIT = 10**19  # what a sum of a day may be: those of a thousand days still fit DECIMAL(37,15)


def unit_below(largest: float, limit: float) -> float:
    """The smallest power of two U ≥ 1 with largest / U below a limit that is a power of two.

    >>> unit_below(2.0**20 - 1, 2.0**20), unit_below(2.0**20, 2.0**20), unit_below(1e12, 2.0**20)
    (1.0, 2.0, 1048576.0)
    """
    return 2.0 ** max(0, math.frexp(largest / limit)[1])


def weight_unit(heaviest: float, largest_factor: float = 1.0) -> float:
    """The unit of weights: w / U < 2²⁰, and w / U times the largest factor that a term has besides stays below 2³⁹."""
    return max(unit_below(heaviest, WEIGHT_LIMIT), unit_below(heaviest * largest_factor, TERM_LIMIT / 2))


def value_unit(largest_square: float, weight: float) -> float:
    """The unit V of labels and predicted values, where w·(|y| + |s|)² is at most `largest_square`, and w has a unit."""
    square = unit_below(largest_square / weight, TERM_LIMIT)
    return 2.0 ** math.ceil(math.log2(square) / 2.0)
