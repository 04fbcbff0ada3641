"""Paired sums: exact, by any key, of the same rows on both sides."""

import numpy as np
import pyarrow as pa
import pytest

from jobs.judgement.uncertainty.same_rows import unequal
from tests.udfs.rows.binary import decimals
from udfs.exact.decimals import UNITS, from_decimal
from udfs.scan.partials import subtracted

RANDOM = np.random.default_rng(5)
BY = ["slice", "shard"]
ROWS = 4000
SLICE, SHARD = RANDOM.integers(0, 3, ROWS), RANDOM.integers(0, 5, ROWS)
WEIGHT = RANDOM.integers(0, 10**18, ROWS).astype(np.object_) * 1000
LOSS = {model: RANDOM.integers(-(10**18), 10**18, ROWS).astype(np.object_) for model in "ab"}
USABLE = {model: RANDOM.random(ROWS) < 0.9 for model in "ab"}


def summed(model, rows):
    """The sums of a model over some rows; keys without rows have no row."""
    places = sorted(set(zip(SLICE[rows].tolist(), SHARD[rows].tolist(), strict=True)))
    chosen = [np.flatnonzero(rows & (a == SLICE) & (b == SHARD)) for a, b in places]
    return pa.table(
        {
            "slice": [a for a, _ in places],
            "shard": [b for _, b in places],
            "n": [each.size for each in chosen],
            "weight": decimals([WEIGHT[each].sum() for each in chosen]),
            "positive_nll": decimals([LOSS[model][each].sum() for each in chosen]),
        }
    )


def both(model, other):
    return subtracted(summed(model, USABLE[model]), summed(model, USABLE[model] & ~USABLE[other]), BY)


def test_what_is_left_are_the_sums_over_common_rows():
    for model, other in ("ab", "ba"):
        expected = summed(model, USABLE["a"] & USABLE["b"])
        assert both(model, other).sort_by([(name, "ascending") for name in BY]).equals(expected)


def test_both_sides_are_of_the_same_rows():
    a, b = both("a", "b"), both("b", "a")
    assert unequal(a, b, BY, ["n", "weight"]) == []
    assert unequal(a, b, BY, ["positive_nll"]) != []


def test_rows_that_one_side_lacks_are_named():
    a, b = both("a", "b"), both("b", "a")
    (found,) = unequal(a, b.slice(1), BY)
    assert (found["slice"], found["shard"]) == (b["slice"][0].as_py(), b["shard"][0].as_py())
    assert found["n"] == b["n"][0].as_py()


def test_where_nothing_is_left_the_sums_are_zero():
    own = summed("a", USABLE["a"])
    found = subtracted(own, own, BY)
    assert set(found["n"].to_pylist()) == {0}
    assert set(from_decimal(found["weight"])) == {0}


def test_what_was_not_recorded_stays_unknown_where_it_was_not():
    own = pa.table({"slice": ["x", "y"], "n": [2, 2], "weight": decimals([UNITS, UNITS])})
    part = pa.table({"slice": ["x"], "n": [1], "weight": decimals([None])})
    assert from_decimal(subtracted(own, part, ["slice"])["weight"]).tolist() == [None, UNITS]


@pytest.mark.parametrize("wide", [pa.decimal128(37, 15), pa.decimal256(76, 15)])
def test_most_models_score_the_same(wide):
    own = summed("a", USABLE["a"])
    own = own.set_column(3, "weight", own["weight"].cast(wide))
    assert subtracted(own, own.schema.empty_table(), BY).equals(own)
