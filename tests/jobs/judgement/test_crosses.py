"""Crosses are exact sums of cells, whatever their size and sign, and none is missing."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from jobs.judgement.slices.crosses import FREE, aligned, cells, crosses, cut
from tests.jobs.judgement.sides import to_decimal
from udfs.exact.decimals import nearest
from udfs.exact.integers import integers

DIMENSIONS = ("country", "device", "hour")


def units(rng, size, bits):
    """Integers of up to so many bits, of both signs, small ones and zeros among them."""
    largest = rng.integers(0, bits, size)
    return [int(rng.integers(-(2**30), 2**30)) * 2 ** int(b) // 2**30 for b in largest]


def table(rng, size, bits, missing=()):
    given = units(rng, size, bits)
    for i in missing:
        given[i] = None
    return pa.table(
        {
            **{name: pa.array([f"v{v}" for v in rng.integers(0, 4, size)]) for name in DIMENSIONS},
            "n": pa.array(rng.integers(0, 1000, size), type=pa.int64()),
            "loss": to_decimal(given),
        }
    )


def by_hand(tables, statistic):
    """Sums by cross text and side, of Python's integers."""
    found = {}
    for side, each in enumerate(tables):
        columns = each.to_pydict()
        values = integers(each[statistic], 1).units()
        for i in range(each.num_rows):
            for depth in range(4):
                for names in combinations(DIMENSIONS, depth):
                    text = ",".join(f"{name}={columns[name][i]}" for name in names)
                    old = found.setdefault(text, [0] * len(tables))
                    old[side] = None if old[side] is None or values[i] is None else old[side] + values[i]
    return found


@pytest.mark.parametrize("bits", [10, 50, 70, 100])
@pytest.mark.parametrize("sides", [1, 2])
def test_crosses_are_the_sums_of_pythons_integers(bits, sides):
    rng = np.random.default_rng(bits)
    tables = [table(rng, 200, bits, missing=[3] if side == 0 else []) for side in range(sides)]
    found = crosses(cells(tables, DIMENSIONS, ["n", "loss"]))
    for statistic in ("n", "loss"):
        expected = by_hand(tables, statistic)
        own = found.sums[statistic].units().reshape(sides, -1)
        assert {found.text(i): own[:, i].tolist() for i in range(len(found.codes))} == expected
        doubles = found.nearest(statistic)
        exact = nearest(found.sums[statistic].units()) * (1 if statistic == "loss" else 10**15)
        assert statistic == "n" or np.array_equal(doubles.reshape(-1), exact, equal_nan=True)


def test_a_parent_has_one_dimension_less():
    rng = np.random.default_rng(5)
    found = crosses(cells([table(rng, 100, 60)], DIMENSIONS, ["n"]))
    assert found.text(0) == "" and (found.parents[0] == -1).all()
    for i in range(1, len(found.codes)):
        above = found.parents[i][found.parents[i] >= 0]
        assert len(above) == found.depths[i]
        for parent in above:
            differs = found.codes[parent] != found.codes[i]
            assert differs.sum() == 1 and found.codes[parent][differs] == FREE


def test_sparse_values_are_found_by_sorting():
    """A few rows of very many values: the same crosses as of dense ones."""
    rng = np.random.default_rng(2)
    names = [f"{v:05}" for v in rng.permutation(3000)]
    day = pa.table({"a": names, "b": names[::-1], "n": pa.array(range(3000), type=pa.int64())})
    found = crosses(cells([day], ["a", "b"], ["n"]))
    assert len(found.codes) == 1 + 3 * 3000
    assert found.nearest("n")[0].sum() == 4 * sum(range(3000))


@pytest.mark.parametrize("bits", [40, 53, 60, 64, 75, 110])
def test_doubles_are_the_nearest(bits):
    rng = np.random.default_rng(bits)
    given = [*units(rng, 4000, bits), 2**53 + 1, 10**15 * (2**53 + 1) - 1, -(2**60) - 1]
    own = integers(to_decimal(given), len(given))
    assert own.units().tolist() == given
    assert own.nearest().tolist() == [float(Fraction(unit, 10**15)) for unit in given]


@pytest.mark.parametrize("sides", [1, 2])
def test_crosses_of_few_rows_are_left_out_and_no_other(sides):
    rng = np.random.default_rng(4)
    given = cells([table(rng, 400, 60) for _ in range(sides)], DIMENSIONS, ["n", "loss"])
    every, some = crosses(given), crosses(given, least_rows=3000)
    large = [i for i in range(len(every.codes)) if (every.nearest("n")[:, i] >= 3000).all() or i == 0]
    assert 10 < len(large) < len(every.codes)
    assert [some.text(i) for i in range(len(some.codes))] == [every.text(i) for i in large]
    assert np.array_equal(some.nearest("loss"), every.nearest("loss")[:, large])
    parents = [[some.text(at) for at in row if at >= 0] for row in some.parents]
    assert parents == [[every.text(at) for at in every.parents[i] if at >= 0] for i in large]


def test_aligned_cells_and_their_slices():
    rng = np.random.default_rng(8)
    tables = [table(rng, 300, 60), table(rng, 20, 60)]
    found = aligned(cells(tables, DIMENSIONS, ["n", "loss"]))
    expected = by_hand(tables, "loss")
    units = found.sums["loss"].units().reshape(2, -1)
    assert {found.text(i): units[:, i].tolist() for i in range(len(found.codes))} == {
        text: both for text, both in expected.items() if text.count("=") == 3
    }
    for declared in ([], ["device"], ["country", "hour"]):
        of, slices = cut(found, declared)
        own = slices.sums["loss"].units().reshape(2, -1)
        for i in range(len(slices.codes)):
            assert own[:, i].tolist() == expected[slices.text(i)] == units[:, of == i].sum(axis=1).tolist()


def test_cells_of_more_values_than_63_bits_are_aligned():
    rng = np.random.default_rng(1)
    names = {f"d{i}": pa.array([f"{v:04}" for v in rng.permutation(2000)]) for i in range(7)}
    given = cells([pa.table({**names, "n": pa.array(range(2000), type=pa.int64())})] * 2, list(names), ["n"])
    found = aligned(given)
    assert len(found.codes) == 2000 and (np.diff(found.codes[:, 0]) > 0).all()
    assert sorted(found.nearest("n")[1].tolist()) == list(range(2000))
    with pytest.raises(ValueError, match="too many for crosses of 7"):
        crosses(given, depth=7)


def test_no_rows_have_no_crosses():
    empty = table(np.random.default_rng(0), 1, 10).slice(1)
    found = crosses(cells([empty], DIMENSIONS, ["n"]))
    assert len(found.codes) == 0


def test_other_types_are_told():
    with pytest.raises(ValueError, match="of type double"):
        integers(pa.array([1.0]), 1)
    assert integers(pa.array([2, None]), 2).units().tolist() == [2, None]
