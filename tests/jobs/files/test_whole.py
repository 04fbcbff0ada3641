"""Files that are not whole: told before any engine work, with the source and the file."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from jobs.errors import ContractError, InputMissingError
from jobs.files import whole

GOOD = pa.table({"x": list(range(100))})


def good(folder: Path) -> bytes:
    pq.write_table(GOOD, folder / "good.parquet")
    return (folder / "good.parquet").read_bytes()


UNFINISHED = {
    "empty": lambda good: b"",
    "a first word": lambda good: good[:4],
    "cut by one byte": lambda good: good[:-1],
    "cut by half": lambda good: good[: len(good) // 2],
}
DAMAGED = {
    "no Parquet file": lambda good: b"no Parquet at all",
    "begins with": lambda good: b"XXXX" + good[4:],
    "its footer says that it has": lambda good: good[:-8] + b"\xff\xff\xff\xff" + good[-4:],
    "544,828,530 bytes, of 16 in all": lambda good: b"PAR1 nearly PAR1",
}


def checked(file: Path, kind: str = "parquet", **options: str) -> None:
    whole.check("labels.click", kind, [str(file)], options)


@pytest.mark.parametrize("how", UNFINISHED)
def test_a_file_that_is_not_finished_is_waited_for(tmp_path, how):
    file = tmp_path / "part-1.parquet"
    file.write_bytes(UNFINISHED[how](good(tmp_path)))
    with pytest.raises(InputMissingError, match=r"labels\.click: .*/part-1\.parquet .*\(exit code 4: not there yet\)"):
        checked(file)


@pytest.mark.parametrize("told", DAMAGED)
def test_a_damaged_file_is_named(tmp_path, told):
    file = tmp_path / "part-1.parquet"
    file.write_bytes(DAMAGED[told](good(tmp_path)))
    with pytest.raises(ContractError, match=rf"labels\.click: .*/part-1\.parquet .*{told}.* Write it anew, or remove"):
        checked(file)


def test_whole_files_pass_and_files_elsewhere_are_not_looked_at(tmp_path):
    good(tmp_path)
    checked(tmp_path / "good.parquet")
    whole.check("impressions", "parquet", ["s3a://bucket/a.parquet", str(tmp_path / "gone")], {})


TEXTS = {"ASCII": "a,b\n1,2\n", "UTF-8": "a,b\nKöln,日本\n" * 3, "no line end": "Köln", "nothing": ""}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("chunk", [1, 3, whole.CHUNK])
def test_utf8_is_text_wherever_a_chunk_ends(tmp_path, monkeypatch, text, chunk):
    monkeypatch.setattr(whole, "CHUNK", chunk)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.csv", "a.csv.gz"):
        checked(tmp_path / name, "csv")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("chunk", [2, whole.CHUNK])
def test_text_in_another_encoding_is_told_with_its_place(tmp_path, monkeypatch, name, chunk):
    monkeypatch.setattr(whole, "CHUNK", chunk)
    raw = "a,b\nKöln,2\n".encode("latin-1")
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    with pytest.raises(ContractError, match=r"labels\.click: .*/a\.csv.*: byte 5 \(0xf6\) is no UTF-8\. Write it in"):
        checked(tmp_path / name, "csv")
    checked(tmp_path / name, "csv", Encoding="ISO-8859-1")


def test_a_packed_file_that_is_cut_off_is_told(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n" * 1000)[:-20])
    with pytest.raises(ContractError, match=r"a\.csv\.gz cannot be unpacked: .*It is cut off or damaged"):
        checked(tmp_path / "a.csv.gz", "csv")


def delta(folder: Path) -> Path:
    rows = pa.table({"dt": ["2026-01-01", "a b/ü%"], "x": [1, 2]})
    write_deltalake(str(folder / "table"), rows, partition_by=["dt"])
    return folder / "table"


def test_the_files_of_a_delta_table_are_found_whatever_its_partitions_are_called(tmp_path):
    table = delta(tmp_path)
    found = whole.delta_files(f"file://{table}", 0)
    assert sorted(file.partition["dt"] for file in found) == ["2026-01-01", "a b/ü%"]
    assert [Path(file.path).stat().st_size for file in found] == [file.size for file in found]
    assert whole.delta_files("s3a://bucket/table", 0) == whole.delta_files(str(tmp_path / "no table"), 0) == []
    whole.check_delta("impressions", str(table), 0, {})


@pytest.mark.parametrize(("content", "told"), [(None, "is gone"), (b"PAR1", "has 4 bytes, not [0-9]+")])
def test_a_file_that_a_delta_table_lacks_is_told(tmp_path, content, told):
    table = delta(tmp_path)
    (file,) = (table / "dt=2026-01-01").iterdir()
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    expected = rf"labels\.click: .*{file.name}, of version 0 of the Delta table .*, {told}\. Restore it, or write those"
    with pytest.raises(ContractError, match=expected):
        whole.check_delta("labels.click", str(table), 0, {})
    with pytest.raises(ContractError, match=told):
        whole.check_delta("labels.click", str(table), 0, {"dt": ["2026-01-01"], "x": ["1"]})
    whole.check_delta("labels.click", str(table), 0, {"dt": ["2026-01-02"]})
