"""The shard of a row: of its unit, else of its id, else of all mapped columns; the same on every engine."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from tests.jobs.test_read import mapped, of_columns, rows

COUNT, SALT = 13, "pepper"
SHARDS = {"count": COUNT, "salt": SALT}


def of_texts(spark, texts: list[str]) -> list[int]:
    """The shards by the published rule, in SQL."""
    frame = spark.createDataFrame(pa.table({"key": texts}))
    return [row[0] for row in frame.select(F.expr(f"pmod(xxhash64('{SALT}', key), {COUNT})")).collect()]


def test_the_unit_decides_else_the_id(spark, tmp_path):
    columns = {"id": ["a", "b", "c", "d"], "user": pa.array([7, None, 7, 2**60])}
    config = of_columns(tmp_path, columns, {"id": "id", "unit": "user"}, shards=SHARDS)
    assert rows(mapped(spark, config), "shard") == of_texts(spark, ["7", "b", "7", str(2**60)])


def test_without_a_unit_the_id_decides(spark, tmp_path):
    config = of_columns(tmp_path, {"id": [1, 2, 3]}, {"id": "id"}, shards=SHARDS)
    assert rows(mapped(spark, config), "shard") == of_texts(spark, ["1", "2", "3"])


def test_the_type_of_the_unit_does_not_matter(spark, tmp_path):
    numbers = of_columns(tmp_path / "a", {"user": pa.array([1, 20], pa.int32())}, {"unit": "user"}, shards=SHARDS)
    texts = of_columns(tmp_path / "b", {"user": ["1", "20"]}, {"unit": "user"}, shards=SHARDS)
    assert rows(mapped(spark, numbers), "shard") == rows(mapped(spark, texts), "shard")


def test_without_keys_all_mapped_columns_decide(spark, tmp_path):
    columns = {"country": ["DE", None, None, "DE"], "device": [None, "DE", None, None], "p": [0.5, 0.5, 0.5, 0.25]}
    config = of_columns(tmp_path, columns, dimensions=["country", "device"], shards={"count": 1024})
    fingerprints = rows(mapped(spark, config), "fingerprint")
    assert len(set(fingerprints)) == 4, "a NULL in another place is another row"


def test_columns_that_are_not_mapped_do_not_count(spark, tmp_path):
    config = of_columns(tmp_path, {"p": [0.5, 0.5, 0.25], "line": [1, 2, 3]})
    assert len(set(rows(mapped(spark, config), "fingerprint"))) == 2


# One column of each type, with the hash that both engines must give the row, beside click 0 and p 0.5.
DIMENSIONS = {
    "string": (pa.array(["ü"]), -5465212521636025828),
    "long": (pa.array([2**53 + 1]), -3175614945628569273),
    "int": (pa.array([-5], pa.int32()), 3733674350070277172),
    "short": (pa.array([-5], pa.int16()), 3733674350070277172),
    "byte": (pa.array([-5], pa.int8()), 3733674350070277172),
    "boolean": (pa.array([True]), 5519597033129067032),
    "date": (pa.array([date(1969, 12, 31)]), -5349343654472092715),
}
SCORES = {
    "float": (pa.array([0.1], pa.float32()), 5821663189313485955),
    "double": (pa.array([0.1]), -1448051398586587549),
    "negative zero": (pa.array([-0.0]), 2644218420441589786),
    "negative zero float": (pa.array([-0.0], pa.float32()), -8156657217215900834),
    "nan": (pa.array([float("nan")]), 2249961300190660545),
    "decimal": (pa.array([Decimal("0.10")], pa.decimal128(5, 2)), -1448051398586587549),
    "wide decimal": (pa.array([Decimal("0.123456789012")], pa.decimal128(30, 12)), -1351326283115974587),
}
TIMES = {
    "instant": (pa.array([datetime(1969, 12, 31, 23, tzinfo=UTC)]), -2557122133916877500),
    "local time": (pa.array([datetime(2026, 3, 18)]), -374553482593383993),
}
KINDS = {"d": DIMENSIONS, "p": SCORES, "t": TIMES}


@pytest.mark.parametrize(("column", "name"), [(column, name) for column, kind in KINDS.items() for name in kind])
def test_values_of_every_type_hash_alike_on_both_engines(spark, tmp_path, column, name):
    value, expected = KINDS[column][name]
    sections = {"dimensions": ["d"]} if column == "d" else {}
    config = of_columns(tmp_path, {column: value}, {"time": "t"} if column == "t" else {}, **sections)
    assert rows(mapped(spark, config), "fingerprint") == [expected]
