"""The shard of a row: of its unit, else of its id, else of all mapped columns; the same on every engine."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from tests.world.cases import Case, answers

COUNT, SALT = 13, "pepper"
SHARDS = {"shards": {"count": COUNT, "salt": SALT}}
UNIT = {"unit": "user"}
# The text that decides each row's shard.
KEYS = {
    "the unit, else the id": (
        {"id": ["a", "b", "c", "d"], "user": pa.array([7, None, 7, 2**60])},
        {"id": "id", **UNIT},
        ["7", "b", "7", str(2**60)],
    ),
    "the id without a unit": ({"id": [1, 2, 3]}, {"id": "id"}, ["1", "2", "3"]),
    "a narrow unit": ({"user": pa.array([1, 20], pa.int32())}, UNIT, ["1", "20"]),
    "a unit of texts": ({"user": ["1", "20"]}, UNIT, ["1", "20"]),
}
# What decides where there is no key: the fingerprints, of which so many differ.
DISTINCT = {
    "all mapped columns": (
        {"country": ["DE", None, None, "DE"], "device": [None, "DE", None, None], "p": [0.5, 0.5, 0.5, 0.25]},
        {"dimensions": ["country", "device"]},
        4,  # a NULL in another place is another row
    ),
    "none that is not mapped": ({"p": [0.5, 0.5, 0.25], "line": [1, 2, 3]}, {}, 2),
}
# One column of each type, with the hash that both engines must give the row, beside click 0 and p 0.5.
HASHES = {
    "d": {
        "string": (pa.array(["ü"]), -5465212521636025828),
        "long": (pa.array([2**53 + 1]), -3175614945628569273),
        "int": (pa.array([-5], pa.int32()), 3733674350070277172),
        "short": (pa.array([-5], pa.int16()), 3733674350070277172),
        "byte": (pa.array([-5], pa.int8()), 3733674350070277172),
        "boolean": (pa.array([True]), 5519597033129067032),
        "date": (pa.array([date(1969, 12, 31)]), -5349343654472092715),
    },
    "p": {
        "float": (pa.array([0.1], pa.float32()), 5821663189313485955),
        "double": (pa.array([0.1]), -1448051398586587549),
        "negative zero": (pa.array([-0.0]), 2644218420441589786),
        "negative zero float": (pa.array([-0.0], pa.float32()), -8156657217215900834),
        "nan": (pa.array([float("nan")]), 2249961300190660545),
        "decimal": (pa.array([Decimal("0.10")], pa.decimal128(5, 2)), -1448051398586587549),
        "wide decimal": (pa.array([Decimal("0.123456789012")], pa.decimal128(30, 12)), -1351326283115974587),
    },
    "t": {
        "instant": (pa.array([datetime(1969, 12, 31, 23, tzinfo=UTC)]), -2557122133916877500),
        "local time": (pa.array([datetime(2026, 3, 18)]), -374553482593383993),
    },
}
CASES = {
    **{name: Case(columns, ["shard"], keys, mapping, SHARDS) for name, (columns, mapping, keys) in KEYS.items()},
    **{name: Case(columns, ["fingerprint"], [], {}, more) for name, (columns, more, _) in DISTINCT.items()},
    **{
        f"{column}: {name}": Case(
            {column: value},
            ["fingerprint"],
            [expected],
            {"time": "t"} if column == "t" else {},
            {"dimensions": ["d"]} if column == "d" else {},
        )
        for column, of_type in HASHES.items()
        for name, (value, expected) in of_type.items()
    },
}


@pytest.fixture(scope="module")
def found(spark, tmp_path_factory):
    return answers(spark, tmp_path_factory.mktemp("shards"), CASES)


@pytest.fixture(scope="module")
def published(spark):
    """The shard of every key by the published rule, in SQL."""
    keys = sorted({key for _, _, keys in KEYS.values() for key in keys})
    frame = spark.createDataFrame(pa.table({"key": keys}))
    return dict(map(tuple, frame.select("key", F.expr(f"pmod(xxhash64('{SALT}', key), {COUNT})")).collect()))


@pytest.mark.parametrize("name", KEYS)
def test_what_decides_a_shard(found, published, name):
    assert found[name] == [published[key] for key in KEYS[name][2]]


@pytest.mark.parametrize("name", DISTINCT)
def test_without_keys_a_shard_is_of(found, name):
    assert len(set(found[name])) == DISTINCT[name][2]


@pytest.mark.parametrize("name", [name for name in CASES if ": " in name])
def test_values_of_every_type_hash_alike_on_both_engines(found, name):
    assert found[name] == CASES[name].expected
