"""Columns of every type that files have, read alike by both engines."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import nightly
from jobs.day import Day
from jobs.errors import ContractError
from jobs.files import pinned as sources
from jobs.files.pinned import Wanted
from jobs.settings import Source, parse
from tests.world import days
from tests.world.cases import collected

BELOW = dt.datetime(1969, 12, 31, 23, 59, 59, 999999)
NANOS = 1_767_225_600_000_001_999
READ = dt.datetime(2026, 1, 1, 0, 0, 0, 1)
LARGEST = 2**64 - 1
WIDE = Decimal("0.1000000000000000055511151231257827021182")


def pinned(spark, folder, zone="UTC"):
    """A folder of Parquet files, pinned."""
    source = Source(format="parquet", path=str(folder))
    return sources.pinned(spark, Wanted("impressions", source, Day(dt.date(2026, 1, 1), zone)))


def written(folder, *files):
    """Files of one column `x`, or of none where there is None."""
    folder.mkdir(exist_ok=True)
    for i, column in enumerate(files):
        size = 1 if column is None else len(column)
        columns = {"row": pa.array([i] * size, pa.int64()), **({} if column is None else {"x": column})}
        pq.write_table(pa.table(columns), folder / f"{i}.parquet")
    return folder


def read(frame):
    """The values of `x` in the order of the files."""
    return [row["x"] for row in sorted(frame.collect(), key=lambda row: row["row"])]


TYPES = {
    "uint8": (pa.array([255], pa.uint8()), "smallint", 255),
    "uint16": (pa.array([65535], pa.uint16()), "int", 65535),
    "uint32": (pa.array([2**32 - 1], pa.uint32()), "bigint", 2**32 - 1),
    "uint64": (pa.array([LARGEST], pa.uint64()), "decimal(20,0)", Decimal(LARGEST)),
    "int8": (pa.array([-1], pa.int8()), "tinyint", -1),
    "half": (pa.array(np.array([0.1], np.float16)), "float", float(np.float16(0.1))),
    "category": (pa.array(["DE"]).dictionary_encode(), "string", "DE"),
    "numbered category": (pa.array([7], pa.int32()).dictionary_encode(), "int", 7),
    "large text": (pa.array(["DE"], pa.large_string()), "string", "DE"),
    "text view": (pa.array(["DE"], pa.string_view()), "string", "DE"),
    "date in ms": (pa.array([dt.date(2026, 1, 1)], pa.date64()), "date", dt.date(2026, 1, 1)),
    "decimal": (pa.array([Decimal("0.1")], pa.decimal128(38, 9)), "decimal(38,9)", Decimal("0.1")),
    "wide decimal": (pa.array([WIDE], pa.decimal256(76, 40)), "double", 0.1),
    "vector": (pa.array([[0.25, 0.75]], pa.list_(pa.float64(), 2)), "array<double>", [0.25, 0.75]),
    "large list": (pa.array([[0.25]], pa.large_list(pa.float32())), "array<float>", [0.25]),
    "halves": (pa.array([[0.25]], pa.list_(pa.float16())), "array<float>", [0.25]),
    "bytes": (pa.array([[255]], pa.list_(pa.uint8())), "array<smallint>", [255]),
    "nothing": (pa.array([[None]]), "array<double>", [None]),
    "nanoseconds": (pa.array([NANOS], pa.timestamp("ns")), "timestamp_ntz", READ),
    "milliseconds": (pa.array([-1], pa.timestamp("ms")), "timestamp_ntz", BELOW.replace(microsecond=999000)),
    "void": (pa.nulls(1), "string", None),
}


def each_by_one_action(spark, folder, cases):
    """The type and the values of `x` in the order of the files, for cases of files."""
    frames = {
        name: pinned(spark, written(folder / str(i), *files)).frame for i, (name, files) in enumerate(cases.items())
    }
    rows = collected({name: frame.select("row", "x") for name, frame in frames.items()})
    types = {name: dict(frame.dtypes)["x"] for name, frame in frames.items()}
    return {
        name: (types[name], [value for _, value in sorted(each, key=lambda row: row[0])]) for name, each in rows.items()
    }


def test_each_type_is_read_as_the_plain_one_that_holds_it(spark, tmp_path):
    found = each_by_one_action(spark, tmp_path, {name: [column] for name, (column, _, _) in TYPES.items()})
    assert found == {name: (type_, [value]) for name, (_, type_, value) in TYPES.items()}


UNEQUAL = {
    "a column that comes later": ([None, pa.array(["a"])], "string", [None, "a"]),
    "one without a type": ([pa.nulls(1), pa.array([0.5])], "double", [None, 0.5]),
    "integers": ([pa.array([1], pa.int8()), pa.array([2**40])], "bigint", [1, 2**40]),
    "signs": ([pa.array([-1]), pa.array([LARGEST], pa.uint64())], "decimal(20,0)", [-1, LARGEST]),
    "a score in integers": ([pa.array([1]), pa.array([0.5])], "double", [1.0, 0.5]),
    "a score in decimals": ([pa.array([Decimal("0.1")]), pa.array([0.5])], "double", [0.1, 0.5]),
    "precisions": (
        [pa.array([Decimal("0.1")], pa.decimal128(3, 1)), pa.array([Decimal("10.25")], pa.decimal128(5, 2))],
        "decimal(5,2)",
        [Decimal("0.1"), Decimal("10.25")],
    ),
    "categories": ([pa.array(["a"]).dictionary_encode(), pa.array(["b"])], "string", ["a", "b"]),
    "lists": ([pa.array([[1]]), pa.array([[0.5]])], "array<double>", [[1.0], [0.5]]),
    "units": ([pa.array([NANOS], pa.timestamp("ns")), pa.array([1], pa.timestamp("us"))], "timestamp_ntz", None),
}


@pytest.mark.parametrize("step", [1, -1])
def test_files_of_unequal_types_get_the_one_that_holds_all(spark, tmp_path, step):
    found = each_by_one_action(spark, tmp_path, {name: columns[::step] for name, (columns, _, _) in UNEQUAL.items()})
    units = [READ, dt.datetime(1970, 1, 1, 0, 0, 0, 1)]
    assert found == {name: (type_, (values or units)[::step]) for name, (_, type_, values) in UNEQUAL.items()}


NOTHING = {
    "no rows": pa.array([], pa.float64()),
    "NULLs alone": pa.array([None], pa.float64()),
}


def test_a_file_without_a_value_has_no_say_in_the_type(spark, tmp_path):
    frames = {}
    for name, column in NOTHING.items():
        for step in (1, -1):
            folder = tmp_path / f"{name} {step}".replace(" ", "_")
            frames[name, step] = pinned(spark, written(folder, *[column, pa.array(["DE"])][::step])).frame.select("x")
    assert {dict(frame.dtypes)["x"] for frame in frames.values()} == {"string"}
    for (name, _), values in collected(frames).items():
        assert sorted(values, key=str) == ["DE", *NOTHING[name].to_pylist()]


def test_times_without_a_zone_beside_others_are_of_the_declared_one(spark, tmp_path):
    local = pa.array([dt.datetime(2026, 1, 1, 1)], pa.timestamp("ns"))
    instant = pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)], pa.timestamp("ms", "America/New_York"))
    found = pinned(spark, written(tmp_path, local, instant), "Europe/Berlin").frame
    assert dict(found.dtypes)["x"] == "timestamp"
    assert found.where("unix_micros(x) = 1767225600000000").count() == 2


def test_nanoseconds_before_1970_are_of_the_microsecond_below_on_apache_spark(spark, tmp_path, engine):
    found = pinned(spark, written(tmp_path, pa.array([-1], pa.timestamp("ns")))).frame
    assert read(found) == [BELOW if engine == "spark" else dt.datetime(1970, 1, 1)]


def test_what_hive_writes_is_an_instant_on_both_engines(spark, tmp_path):
    rows = pa.table({"row": [0], "x": pa.array([dt.datetime(9999, 12, 31, 2)], pa.timestamp("us"))})
    pq.write_table(rows, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    found = pinned(spark, tmp_path, "Asia/Tokyo").frame
    assert found.dtypes == [("row", "bigint"), ("x", "timestamp")]
    assert [row[0] for row in found.selectExpr("unix_micros(x)").collect()] == [253402221600000000]


def test_the_value_of_a_folder_counts_where_the_files_have_one_too(spark, tmp_path):
    (tmp_path / "x=07").mkdir()
    pq.write_table(pa.table({"row": [0], "x": [7.0]}), tmp_path / "x=07" / "a.parquet")
    assert read(pinned(spark, tmp_path).frame) == ["07"]


def test_rows_of_files_without_a_column_that_can_be_read_are_counted(spark, tmp_path):
    pq.write_table(pa.table({"x": pa.nulls(3), "raw": [b"a"] * 3}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "b.parquet")
    assert pinned(spark, tmp_path).frame.count() == 4


UNUSABLE = {
    "binary": (pa.array([b"a"] * 20), "p", r"models\.champion\.ctr\.score.*'p' of type binary.*write it as text"),
    "vector": (
        pa.array([{"type": 1, "size": None, "indices": None, "values": [0.5, 0.5]}] * 20),
        "p",
        r"'p' of type struct<.*vector_to_array",
    ),
    "time": (pa.array([1] * 20, pa.time64("us")), "country", r"dimensions\.country.*of type time64.*as text"),
    "floating": (pa.array([0.5] * 20), "impression_id", r"columns\.id.*of type double.*write it as text or integers"),
    "fixed": (pa.array([[0.5]] * 20, pa.list_(pa.float64(), 1)), "p", r"'p' of type array<double>"),
}


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_named_with_its_type_and_what_to_do(spark, tmp_path, name):
    column, of, told = UNUSABLE[name]
    document = days.small_day(tmp_path, 20)
    file = next((tmp_path / "impressions").iterdir())
    rows = pq.read_table(file)
    pq.write_table(rows.set_column(rows.schema.get_field_index(of), of, column), file)
    with pytest.raises(ContractError, match=told):
        nightly.evaluate(spark, parse(document), days.DAY)


@pytest.mark.only_engine("sail")
def test_a_column_of_types_that_no_other_holds_is_refused_where_it_is_used(spark, tmp_path):
    document = days.small_day(tmp_path, 20)
    for other in ("p", "remark"):
        schema = pa.schema([(name, days.TYPES.get(name, pa.float64())) for name in days.impression(0) if name != "p"])
        types = {"p": pa.float64(), "remark": pa.float64(), other: pa.string()}
        for name, type_ in types.items():
            schema = schema.append(pa.field(name, type_))
        values = {"p": 0.5, "remark": 0.5, other: "high"}
        days.written([days.impression(500, **values)], tmp_path / "impressions", schema=schema)
    told = (
        r"models\.champion\.ctr\.score: found column 'p' of type double in part-.*\.parquet and string in part-"
        r".*\.parquet, expected .*: write it in one type in all files of the source"
    )
    with pytest.raises(ContractError, match=told) as caught:
        nightly.evaluate(spark, parse(document), days.DAY)
    assert "remark" not in str(caught.value)
