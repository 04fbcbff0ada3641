"""A Delta table whose files are its rows is read as Parquet by Apache Spark, and no row is another one for it."""

import json
import sys

import pytest

from tests.world import child, delta_tables
from tests.world.delta_tables import BY_DELTA, MAKES

SPARK = pytest.mark.only_engine("spark")


@SPARK
@pytest.mark.parametrize("name", MAKES)
def test_its_rows_are_those_that_delta_reads(spark, tmp_path, name):
    delta, parquet = delta_tables.both(spark, delta_tables.made(spark, tmp_path, name))
    assert (delta_tables.rows(parquet), parquet.schema) == (delta_tables.rows(delta), delta.schema)
    assert (parquet is delta) == (name in BY_DELTA)


@SPARK
def test_comet_scans_it_natively_with_the_same_bits(spark, tmp_path):
    found = json.loads(child.succeeded(sys.executable, "-m", "tests.world.delta_tables", tmp_path).out)
    assert found.pop("pinned") == {"natively": True}
    assert found.keys() == MAKES.keys()
    assert [name for name, of in found.items() if not of["same"]] == []
    # Of a type that Comet does not read its scan is left to Spark, which reads the same files.
    assert {name for name, of in found.items() if not of["natively"]} == BY_DELTA | {"types"}
    assert [name for name, of in found.items() if of["rows"] == 0] == ["empty"]
