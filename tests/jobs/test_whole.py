"""Files that are not whole: told before any engine work, with the source and the file."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import whole
from jobs.errors import ContractError, InputMissingError

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
