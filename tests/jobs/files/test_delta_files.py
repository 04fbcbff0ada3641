"""Sources that are Delta tables: what their log says of a file is never taken for its rows."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from jobs.day import Day
from jobs.errors import ContractError
from jobs.files.pinned import Wanted, pinned
from jobs.settings import Source
from tests.world import delta_tables
from tests.world.night import DAY, parquet

SAIL = pytest.mark.only_engine("sail")


def rows(spark, folder, **changes):
    source = Source(format="delta", path=str(folder / "log"))
    frame = pinned(spark, Wanted("labels.click", source, Day(DAY, "UTC"), **changes)).frame
    return [row.asDict() for row in frame.orderBy("n").collect()]


def test_what_a_log_rounds_is_read_from_the_file(spark, folder):
    # To the log these are one value each, as the least and the largest: 2^63 - 1, a double, and what is no NaN.
    ids = [Decimal(2**63 + i) for i in range(3)]
    bids = [Decimal(f"12345678901234.5678{i}") for i in range(3)]
    columns = {"id": pa.array(ids, pa.decimal128(20, 0)), "bid": pa.array(bids, pa.decimal128(19, 5))}
    write_deltalake(folder / "log", pa.table({**columns, "p": [0.5, float("nan"), 0.5], "n": [0, 1, 2]}))
    found = rows(spark, folder)
    assert [row["id"] for row in found] == ids
    assert [row["bid"] for row in found] == bids
    assert str([row["p"] for row in found]) == "[0.5, nan, 0.5]"


@SAIL
def test_a_table_is_not_read_as_files_nor_files_as_a_table(spark, folder):
    write_deltalake(folder / "table", pa.table({"n": [0]}))
    parquet(folder / "files", {"n": [0]})
    for kind, place, found in [
        ("parquet", "table", "a Delta table"),
        ("delta", "files", "a folder without _delta_log"),
    ]:
        source = Source(format=kind, path=str(folder / place))
        with pytest.raises(ContractError, match=f"labels.click: found {found} at .*{place}"):
            pinned(spark, Wanted("labels.click", source, Day(DAY, "UTC")))


@SAIL
def test_partitions_have_their_types_and_later_columns_are_null_before(spark, folder):
    old = pa.table(
        {
            "n": [0, 1, 2],
            "dt": pa.array([date(2026, 3, 18), date(2026, 3, 17), date(2026, 3, 1)]),
            "site": ["a/b c%20", None, "x"],
            "app": [True, False, True],
        }
    )
    write_deltalake(folder / "log", old, partition_by=["dt", "site", "app"])
    new = old.slice(0, 1).set_column(0, "n", pa.array([3])).append_column("shares", pa.array([[0.5]]))
    write_deltalake(folder / "log", new, partition_by=["dt", "site", "app"], mode="append", schema_mode="merge")
    found = rows(spark, folder, partition="dt")
    assert [(row["dt"], row["site"], row["app"], row["shares"]) for row in found] == [
        (date(2026, 3, 18), "a/b c%20", True, None),
        (date(2026, 3, 17), None, False, None),
        (date(2026, 3, 18), "a/b c%20", True, [0.5]),
    ]


@SAIL
def test_a_partition_of_any_type_has_the_value_that_the_file_had(spark, folder):
    columns = {
        "n": [1, 2],
        "moment": pa.array([datetime(2026, 3, 18, 1, 2, 3, 500000, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "plain": pa.array([datetime(2026, 3, 18, 1, 2, 3), None], pa.timestamp("us")),
        "price": pa.array([Decimal("0.500"), None], pa.decimal128(9, 3)),
        "rate": pa.array([0.1, float("nan")], pa.float32()),
        "hour": pa.array([3, None], pa.int16()),
    }
    for key in columns.keys() - {"n"}:
        write_deltalake(folder / key / "log", pa.table(columns), partition_by=[key])
        found = pa.Table.from_pylist(rows(spark, folder / key), pa.table(columns).schema)
        assert str(found.to_pylist()) == str(pa.table(columns).to_pylist())


@SAIL
def test_a_column_that_is_no_number_nor_text_is_told_of_once(spark, folder):
    write_deltalake(folder / "log", pa.table({"n": [0], "raw": [b"a"], "pair": [{"a": 1}]}))
    source = Source(format="delta", path=str(folder / "log"))
    found = pinned(spark, Wanted("labels.click", source, Day(DAY, "UTC")))
    assert found.types == {"n": "bigint"}
    assert found.unusable.keys() == {"raw", "pair"}


@SAIL
def test_a_file_that_spells_a_column_otherwise_is_refused_by_both_names(spark, folder):
    delta_tables.spelled_otherwise(spark, folder / "log")
    with pytest.raises(ContractError, match=r"labels\.click: found columns 'P' and 'p', expected names that differ in"):
        rows(spark, folder)


@SAIL
def test_an_empty_table_has_its_columns(spark, folder):
    write_deltalake(folder / "log", pa.table({"n": pa.array([], pa.int64()), "s": pa.array([], pa.string())}))
    assert rows(spark, folder) == []


@SAIL
def test_a_part_without_a_column_does_not_take_its_type(spark, folder):
    for name, text in {"a": "n,p\n0,0.5\n", "b": "n,p,site\n1,0.5,x\n"}.items():
        (folder / f"{name}.csv").write_text(text)
    frame = pinned(spark, Wanted("impressions", Source(format="csv", path=str(folder)), Day(DAY, "UTC"))).frame
    assert dict(frame.dtypes)["site"] == "string"
    assert [row["site"] for row in frame.orderBy("n").collect()] == [None, "x"]
