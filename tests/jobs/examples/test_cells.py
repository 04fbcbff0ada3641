"""Which cells a day has: caps and reserved values, slices, codes that collide, and too many of them."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from jobs.errors import ContractError, RuntimeFailure
from jobs.examples import cells
from jobs.examples.cells import Cells, encoded
from jobs.settings import parse
from tests.world.cases import mapped, of_columns
from tests.world.night import DAY, EXACT, evaluated, table

# An engine counts the rows of each combination; all else is decided on the driver.
SAIL = pytest.mark.only_engine("sail")
ENCODED = {
    "DE": "DE",
    "": "",
    " ": " ",
    "a=b": "a%3Db",
    "a,b": "a%2Cb",
    "100%": "100%25",
    "%3D": "%253D",
    "(other)": "%28other)",
    "(null)": "%28null)",
    "f(x)": "f(x)",
    "日本": "日本",
}


@pytest.mark.parametrize("value", ENCODED)
def test_values_are_encoded_so_that_brackets_are_ours(value):
    assert encoded(value) == ENCODED[value]


def test_null_is_not_the_text_null():
    assert len({encoded(None), encoded("(null)"), encoded("null"), encoded("")}) == 4


def scanned(spark, folder: Path, columns: dict[str, Any], **sections: Any) -> Cells:
    """The cells of rows whose columns are the dimensions."""
    config = of_columns(folder, columns, dimensions=list(columns), **sections)
    return cells.scanned(mapped(spark, config), parse(config))


def values(count: dict[Any, int]) -> list[Any]:
    return [value for value, rows in count.items() for _ in range(rows)]


CAPS = {
    "most rows first": ({"a": 1, "b": 3, "c": 2}, 2, {"b", "c", "(other)"}),
    "ties by value": ({"b": 2, "c": 2, "a": 2}, 2, {"a", "b", "(other)"}),
    "a limit that is not reached": ({"a": 1, "b": 1}, 2, {"a", "b"}),
    "null is never folded and takes no place": ({None: 1, "a": 2, "b": 3}, 1, {"(null)", "b", "(other)"}),
    "the text is no value of ours": ({"(other)": 3, "b": 2, "a": 1}, 1, {"%28other)", "(other)"}),
}


@SAIL
@pytest.mark.parametrize("name", CAPS)
def test_rare_values_are_folded(spark, tmp_path, name):
    counts, limit, expected = CAPS[name]
    limits = {"min_rows": 0, "values": {"country": limit}}
    found = scanned(spark, tmp_path, {"country": values(counts)}, limits=limits)
    assert {cell[0] for cell in found.cells} == expected


def test_numbers_fold_by_rows_over_all_other_dimensions(spark, tmp_path):
    columns = {"campaign": pa.array([10, 10, 9, 9, 9], pa.int32()), "device": ["a", "b", "a", "b", "c"]}
    found = scanned(spark, tmp_path, columns, limits={"values": {"campaign": 1}})
    expected = [("(other)", "a"), ("(other)", "b"), ("9", "a"), ("9", "b"), ("9", "c")]
    assert found.cells == sorted(expected)


def test_dimensions_of_every_type_are_texts(spark, tmp_path):
    columns = {"flag": [True, None], "day": [date(2026, 3, 18), date(1969, 12, 31)], "id": [2**60, -1]}
    found = scanned(spark, tmp_path, columns)
    assert found.cells == [("(null)", "1969-12-31", "-1"), ("true", "2026-03-18", str(2**60))]


@SAIL
def test_slices_group_the_cells(spark, tmp_path):
    columns = {"country": ["DE", "DE", "FR"], "device": ["a", None, "a"]}
    found = scanned(spark, tmp_path, columns, slices=[[], ["country"], ["device", "country"]])
    assert [sorted(slices.texts) for slices in found.slices] == [
        [""],
        ["country=DE", "country=FR"],
        ["country=DE,device=(null)", "country=DE,device=a", "country=FR,device=a"],
    ]


def test_without_dimensions_there_is_one_cell(spark, tmp_path):
    found = cells.scanned(mapped(spark, config := of_columns(tmp_path, {"p": [0.5, 0.25]})), parse(config))
    assert (found.cells, found.read, found.outside) == ([()], 2, 0)


@SAIL
def test_too_many_cells_name_the_dimension_to_blame(spark, tmp_path):
    columns = {"country": ["DE", "FR", "DE", "FR"], "user_agent": ["a", "b", "c", "d"]}
    with pytest.raises(ContractError) as caught:
        scanned(spark, tmp_path, columns, limits={"cells": 3})
    assert caught.value.exit_code == 2
    assert "more than 3 cells (limits.cells)" in str(caught.value)
    assert "country has 2, user_agent has 4" in str(caught.value)
    assert "limits.values: {user_agent: 1000}" in str(caught.value)


@SAIL
def test_folding_comes_before_the_limit(spark, tmp_path):
    limits = {"cells": 2, "values": {"country": 1}}
    assert len(scanned(spark, tmp_path, {"country": ["a", "a", "b", "c", "d"]}, limits=limits).cells) == 2


def weak(until: int):
    """A hash that is the same for all rows under the first salts."""
    strong = cells.code
    return lambda dimensions, salt: F.lit(7).cast("bigint") if salt < until else strong(dimensions, salt)


ROWS = {"country": ["DE", None, "FR", "DE"], "p": [0.5, 0.25, 0.125, 0.75], "click": [1, 0, 0, 1]}


@SAIL
def test_a_collision_is_met_by_the_next_salt(spark, tmp_path, monkeypatch):
    config = of_columns(tmp_path, ROWS, dimensions=["country"], slices=[[], ["country"]])
    evaluated(spark, config)
    monkeypatch.setattr(cells, "code", weak(until=2))
    found = cells.scanned(mapped(spark, config), parse(config))
    assert (found.salt, np.unique(found.codes).size) == (2, 3)
    next_day = DAY + timedelta(days=1)
    evaluated(spark, config, next_day)
    for name in EXACT:
        assert table(config, name, next_day) == table(config, name)


@SAIL
def test_a_hash_that_always_collides_fails(spark, tmp_path, monkeypatch):
    config = of_columns(tmp_path, ROWS, dimensions=["country"])
    monkeypatch.setattr(cells, "code", weak(until=99))
    with pytest.raises(RuntimeFailure, match="no salt gives every combination a code of its own"):
        cells.scanned(mapped(spark, config), parse(config))
