"""Every option of a source that is accepted has an effect, on each engine that it is accepted for."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.day import Day
from jobs.errors import ConfigurationError, ContractError
from jobs.files import pinned
from jobs.files.pinned import Wanted
from jobs.settings import Source
from jobs.settings.options import ALIKE, SPARK_ONLY
from tests.world.cases import collected
from tests.world.night import DAY, document, evaluated

FILE = {"a.csv": b"a,b\n1,2\n"}
ONE = [("1", "2")]
# The option, a value that is not the default, the files, and their rows with it; None: they cannot be read with it.
CSV = [
    ("sep", ";", {"a.csv": b"a;b\n1;2\n"}, ONE),
    ("delimiter", "\t", {"a.csv": b"a\tb\n1\t2\n"}, ONE),
    ("quote", "'", {"a.csv": b"a,b\n'1,2','3'\n"}, [("1,2", "3")]),
    ("escape", "\\", {"a.csv": b'a,b\n"1\\",2",3\n'}, [('1",2', "3")]),
    ("comment", "#", {"a.csv": b"a,b\n#1\n1,2\n"}, ONE),
    ("header", False, FILE, [("1", "2"), ("a", "b")]),
    ("multiLine", True, {"a.csv": b'a,b\n"1\n2",3\n'}, [("1\n2", "3")]),
    ("nullValue", "NA", {"a.csv": b'a,b\nNA,2\n"NA",NaN\n'}, [(None, "2"), (None, "NaN")]),
    ("inferSchema", False, {"a.csv": b"a,b\n01,2\n"}, [("01", "2")]),
    ("pathGlobFilter", "a*", {**FILE, "b.csv": b"a,b\n3,4\n"}, ONE),
    ("recursiveFileLookup", True, {**FILE, "x/b.csv": b"a,b\n3,4\n"}, [*ONE, ("3", "4")]),
]
LATIN = {"a.csv": "a,b\né,2\n".encode("latin-1")}
CSV_ON_SPARK = [
    ("modifiedAfter", "2001-01-01T00:00:00", FILE, ONE),
    ("modifiedBefore", "2001-01-01T00:00:00", FILE, None),
    ("encoding", "ISO-8859-1", LATIN, [("é", "2")]),
    ("charset", "ISO-8859-1", LATIN, [("é", "2")]),
    ("lineSep", "|", {"a.csv": b"a,b|1,2|"}, ONE),
    ("mode", "PERMISSIVE", {"a.csv": b"a,b\n1\n"}, [("1", None)]),
    ("maxColumns", 1, FILE, None),
    ("maxCharsPerColumn", 3, {"a.csv": b"a,b\n12345,2\n"}, None),
    ("ignoreLeadingWhiteSpace", True, {"a.csv": b"a,b\n 1, 2\n"}, ONE),
    ("ignoreTrailingWhiteSpace", True, {"a.csv": b"a,b\n1 ,2 \n"}, ONE),
    ("charToEscapeQuoteEscaping", "!", {"a.csv": b'a,b\n"x!"",1\n'}, [('x"', "1")]),
    ("unescapedQuoteHandling", "SKIP_VALUE", {"a.csv": b'a,b\n"x"y,1\n'}, [(None, "1")]),
]


def put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def frame(spark, folder, kind="csv", **source):
    wanted = Wanted("impressions", Source(format=kind, path=str(folder), **source), Day(dt.date(2026, 1, 1)))
    return pinned.pinned(spark, wanted).frame


def found(spark, folder, kind="csv", **source):
    return sorted(map(tuple, frame(spark, folder, kind, **source).collect()), key=str)


def check(spark, folder, cases):
    frames, expected = {}, {}
    for option, value, files, rows in cases:
        put(folder / option, files)
        if rows is not None:
            frames[option] = frame(spark, folder / option, options={option: value})
            expected[option] = sorted(rows, key=str)
            continue
        # The engine's own error for some.
        with pytest.raises(Exception, match=r"(?i)no file under|UNABLE_TO_INFER|out of bounds|FAILED_READ_FILE"):
            found(spark, folder / option, options={option: value})
    assert {option: sorted(rows, key=str) for option, rows in collected(frames).items()} == expected


def test_every_accepted_option_is_here():
    assert {option for option, *_ in CSV} == set(ALIKE["csv"])
    assert {option for option, *_ in CSV_ON_SPARK} == set(SPARK_ONLY["csv"])
    assert set(ALIKE["parquet"]) == {"pathGlobFilter", "recursiveFileLookup", "mergeSchema"}
    assert set(SPARK_ONLY["parquet"]) == {"modifiedAfter", "modifiedBefore", *REBASED}
    assert ALIKE["delta"] == SPARK_ONLY["delta"] == ()


def test_the_options_of_both_engines_are_obeyed(spark, tmp_path):
    check(spark, tmp_path, CSV)


@pytest.mark.only_engine("spark")
def test_the_options_of_apache_spark_are_obeyed(spark, tmp_path):
    check(spark, tmp_path, CSV_ON_SPARK)


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize(("option", "value"), [(option, value) for option, value, *_ in CSV_ON_SPARK])
def test_options_of_apache_spark_are_refused_by_the_embedded_engine(spark, tmp_path, option, value):
    put(tmp_path, FILE)
    told = rf"impressions\.source\.options\.{option}: found an option of Apache Spark alone, expected .*--engine spark$"
    with pytest.raises(ConfigurationError, match=told):
        frame(spark, tmp_path, options={option: value})


UNHEARD = [("sep", "||"), ("sep", ""), ("quote", ""), ("escape", ""), ("comment", "//"), ("multiLine", False)]


@pytest.mark.only_engine("sail")
@pytest.mark.parametrize(("option", "value"), UNHEARD)
def test_values_that_the_embedded_engine_passes_over_are_refused(spark, tmp_path, option, value):
    put(tmp_path, FILE)
    with pytest.raises(ConfigurationError, match=rf"options\.{option}: found .*, expected .*; or --engine spark$"):
        frame(spark, tmp_path, options={option: value})


def test_the_columns_of_all_files_are_read(spark, tmp_path):
    for name in ("p", "q"):
        pq.write_table(pa.table({name: [1]}), tmp_path / f"{name}.parquet")
    assert sorted(frame(spark, tmp_path, "parquet", options={"mergeSchema": True}).columns) == ["p", "q"]


REBASED = {"datetimeRebaseMode": False, "int96RebaseMode": True}


@pytest.mark.only_engine("spark")
def test_old_times_are_moved_where_that_is_asked_for(spark, tmp_path):
    """Of the calendar before 1582; who wrote the file is not known from it."""
    old, frames = pa.table({"t": pa.array([dt.datetime(1500, 1, 1)], pa.timestamp("us", "UTC"))}), {}
    for option, int96 in REBASED.items():
        (tmp_path / option).mkdir()
        pq.write_table(old, tmp_path / option / "a.parquet", use_deprecated_int96_timestamps=int96)
        for mode in ("LEGACY", "CORRECTED"):
            read = frame(spark, tmp_path / option, "parquet", options={option: mode})
            frames[option, mode] = read.selectExpr("unix_micros(t)")
    read = collected(frames)
    assert [option for option in REBASED if read[option, "LEGACY"] == read[option, "CORRECTED"]] == []


def test_an_empty_field_is_null_quoted_or_not_and_so_are_the_words(spark, tmp_path):
    put(tmp_path, {"a.csv": b'a,b,c,d,e\n,"",\\N,NULL,null\n"\\N"," ","NULL","\\\\N",x\n'})
    said = {"words": ["\\N", "NULL"], "none": [], "of d": {"d": ["NULL"], "z": ["x"]}}
    read = collected({name: frame(spark, tmp_path, nulls=nulls) for name, nulls in said.items()})
    assert {name: sorted(rows, key=str) for name, rows in read.items()} == {
        "words": [(None, " ", None, "\\\\N", "x"), (None, None, None, None, "null")],
        "none": [("\\N", " ", "NULL", "\\\\N", "x"), (None, None, "\\N", "NULL", "null")],
        "of d": [("\\N", " ", "NULL", "\\\\N", "x"), (None, None, "\\N", None, "null")],
    }


@pytest.mark.only_engine("sail")  # what is NULL in a frame is so in every use of it
def test_words_for_null_are_null_in_every_use_of_a_column(spark, tmp_path):
    """A missing country, score and label; the label's row is rejected for that, not as a bad one."""
    lines = ["DE\t1\t0.5", "\\N\t0\t0.5", "null\t0\t0.5", "DE\tnull\t0.5", "DE\t0\t\\N"]
    put(tmp_path / "impressions", {"a.tsv": "\n".join(lines).encode()})
    source = {
        "format": "csv",
        "path": str(tmp_path / "impressions"),
        "options": {"sep": "\t"},
        "names": ["country", "click", "p"],
        "nulls": ["\\N", "null"],
    }
    config = document(
        tmp_path,
        impressions={"source": source, "duplicates": "none"},
        dimensions=["country"],
        slices=[["country"]],
        limits={"min_rows": 0, "rejected_share": 1.0},
    )
    outcome = evaluated(spark, config, DAY)
    assert {row["reason"]: row["rows"] for row in outcome.ledger.reasons} == {"null_label": 1, "null_score": 1}
    assert {row["slice"]: row["n"] for row in outcome.metrics.to_pylist()} == {"country=DE": 1, "country=(null)": 2}


def test_a_file_of_another_encoding_is_refused(spark, tmp_path):
    """Of two countries an engine would make one."""
    put(tmp_path, LATIN)
    with pytest.raises(ContractError, match=r"impressions: .*a\.csv: byte 4 \(0xe9\) is no UTF-8"):
        found(spark, tmp_path)
