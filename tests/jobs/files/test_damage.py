"""Files that only reading shows to be damaged: exit 2 with the source and the file, never a stack trace."""

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import SparkRuntimeException

from jobs import nightly
from jobs.errors import ContractError, InputChangedError, RuntimeFailure
from jobs.files import damage
from jobs.files.pinned import Pinned
from jobs.files.unchanged import File
from jobs.settings import parse
from tests.world import days
from tests.world.night import parquet

SIZE = 20_000
BROKEN = SparkRuntimeException("Parquet argument error: Parquet error: it is broken")


def flipped(file, column, compression="none"):
    """A Parquet file with 16 bytes of a page turned over: of a packed one in its values, else in its header."""
    table = pq.read_table(file)
    pq.write_table(table, file, compression=compression, use_dictionary=False)
    chunk = pq.read_metadata(file).row_group(0).column(table.schema.names.index(column))
    content = bytearray(file.read_bytes())
    start = chunk.data_page_offset + (0 if compression == "none" else 200)
    for place in range(start, start + 16):
        content[place] ^= 0xFF
    file.write_bytes(bytes(content))


def not_utf8(file):
    texts = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.array([0, 2, 4], pa.int32()).buffers()[1], pa.py_buffer(b"a\xffok")]
    )
    pq.write_table(pa.table({"x": [1, 2], "d": texts}), file)


def settings(folder, **source):
    document = days.configured(folder)
    document["impressions"]["source"].update(source)
    return parse(document)


def pinned(*files, is_text=False, name="impressions"):
    found = tuple(File(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    return Pinned(name, None, is_text, {"format": "csv" if is_text else "parquet"}, found)


@pytest.mark.parametrize("compression", ["none", "gzip", "lz4"])
def test_a_damaged_page_is_found(tmp_path, compression):
    parquet(tmp_path, {"x": np.random.default_rng(0).random(SIZE)}, files=2)
    files = sorted(tmp_path.iterdir())
    flipped(files[1], "x", compression)
    told = damage.explained(BROKEN, [pinned(*files)], settings(tmp_path))
    assert isinstance(told, ContractError)
    assert str(told).startswith(f"impressions: {files[1]}: ")
    assert str(told).endswith("Write it anew, or remove it.")


def test_text_that_is_not_utf8_is_found_in_parquet(tmp_path):
    not_utf8(tmp_path / "a.parquet")
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    told = damage.explained(error, [pinned(tmp_path / "a.parquet", name="labels.conversion")], settings(tmp_path))
    assert "labels.conversion: " in str(told)
    assert "Invalid UTF8 sequence" in str(told)


CSV = {
    "a,b\n1,2\n3\n": "line 3 has 1 fields, expected 2",
    'a,b\n"1\n",2\n3,4,5\n': "line 4 has 3 fields, expected 2",
    "a;b\n1;2;3\n": "line 2 has 3 fields, expected 2",
}


@pytest.mark.parametrize("text", CSV)
def test_the_line_of_a_row_with_other_fields_is_found(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    config = settings(tmp_path, format="csv", options={"sep": ";" if ";" in text else ",", "comment": "#"})
    error = SparkRuntimeException("Csv error: incorrect number of fields for line 2")
    told = damage.explained(error, [pinned(tmp_path / "a.csv", is_text=True)], config)
    assert str(told).startswith(f"impressions: {tmp_path}/a.csv: {CSV[text]}. A row has more or fewer fields")


def test_a_file_that_changed_meanwhile_is_that(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    source = pinned(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").unlink()
    assert isinstance(damage.explained(BROKEN, [source], settings(tmp_path)), InputChangedError)


def test_where_no_file_is_here_the_engine_is_believed(tmp_path):
    told = damage.explained(BROKEN, [], settings(tmp_path))
    assert str(told).startswith("a source cannot be read: Parquet argument error: Parquet error: it is broken. Write")


def test_a_file_that_only_the_engine_finds_damaged_is_the_one_that_it_names(tmp_path):
    parquet(tmp_path / "a b", {"x": [1]})
    file = tmp_path / "a b" / "part-000.parquet"
    error = SparkRuntimeException(f"[FAILED_READ_FILE.NO_HINT] Encountered error while reading file {file.as_uri()}. ")
    told = damage.explained(error, [pinned(file)], settings(tmp_path))
    assert str(told).startswith(f"impressions: {file}: [FAILED_READ_FILE.NO_HINT]")


@pytest.mark.parametrize("error", [SparkRuntimeException("FAILED_READ_FILE: timeout"), RuntimeFailure("parquet")])
def test_what_no_file_shows_stays_as_it_is(tmp_path, error):
    assert damage.explained(error, [], settings(tmp_path)) is error


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_night_over_a_damaged_file_is_refused_with_its_name(spark, tmp_path, kind):
    document = days.small_day(tmp_path)
    rows = [days.impression(i, ts=days.START + dt.timedelta(seconds=i)) for i in range(SIZE // 10)]
    if kind == "delta":
        days.written(rows, tmp_path / "delta", "delta")
        document["impressions"]["source"] = {"format": "delta", "path": str(tmp_path / "delta")}
        (file,) = (tmp_path / "delta").glob("*.parquet")
        in_log = next((tmp_path / "delta" / "_delta_log").glob("*.json"))
    else:
        file = days.written(rows, tmp_path / "impressions")
    flipped(file, "p")
    if kind == "delta":
        # The log knows how long the file is.
        entries = [json.loads(line) for line in in_log.read_text().splitlines()]
        for entry in entries:
            if "add" in entry:
                entry["add"]["size"] = file.stat().st_size
        in_log.write_text("\n".join(map(json.dumps, entries)))
    with pytest.raises(ContractError, match=rf"^impressions: .*{file.name}: .*[Pp]age.*\. Write it anew, or remove it"):
        nightly.evaluate(spark, parse(document), days.DAY)
    assert [row["state"] for row in days.rows_of(tmp_path, "runs")].count("refused") == 1


def test_a_night_over_text_that_is_not_utf8_is_refused(spark, tmp_path):
    document = days.small_day(tmp_path)
    file = next((tmp_path / "impressions").iterdir())
    table = pq.read_table(file)
    raw = b"".join(b"D\xff" for _ in range(table.num_rows))
    ends = pa.array(range(0, len(raw) + 1, 2), pa.int32()).buffers()[1]
    bad = pa.Array.from_buffers(pa.string(), table.num_rows, [None, ends, pa.py_buffer(raw)])
    pq.write_table(table.set_column(table.schema.names.index("country"), "country", bad), file)
    with pytest.raises(ContractError, match=rf"^impressions: .*{file.name}: .*Invalid UTF8"):
        nightly.evaluate(spark, parse(document), days.DAY)
