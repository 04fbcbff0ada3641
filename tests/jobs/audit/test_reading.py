"""Rows of files as the recount reads them, which has to see the same values as an engine."""

import gzip
import lzma
from types import SimpleNamespace

import pyarrow as pa
import pytest

from jobs.audit.inputs import Found
from jobs.audit.recount import reading
from jobs.audit.recount.reading import UnreadableError, batches
from jobs.settings import Source


def test_words_for_null_are_those_of_their_columns(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('p,country\nNA,NA\n0.5,"-"\n,\n')

    def read(nulls):
        source = Source(format="csv", path=str(tmp_path), nulls=nulls)
        return pa.Table.from_batches(reading._of_csv(str(file), source)).to_pydict()

    assert read({"p": ["NA"], "z": ["-"]}) == {"p": [None, "0.5", None], "country": ["NA", "-", None]}
    assert read(["NA"]) == {"p": [None, "0.5", None], "country": [None, "-", None]}
    assert read([]) == {"p": ["NA", "0.5", None], "country": ["NA", "-", None]}


def read(file, **source):
    wanted = SimpleNamespace(name="impressions", source=Source(path=str(file), format="csv", **source))
    found = Found(wanted, None, ((str(file), {"day": "1"}),))
    return [row for batch in batches(found, ["b", "day"]) for row in batch.to_pylist()]


@pytest.mark.parametrize("end", ["", ".gz", ".bz2", ".zst"])
def test_text_is_read_as_it_is_packed(tmp_path, end):
    file = tmp_path / f"log.csv{end}"
    with pa.output_stream(file) as into:
        into.write(b'a,b\n1,"x\ny"\n2,\n')
    assert read(file) == [{"b": "x\ny", "day": "1"}, {"b": None, "day": "1"}]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("log.csv.xz", lzma.compress(b"a,b\n1,2\n"), "log.csv.xz: packed in a way that engines alone unpack"),
        ("log.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99)[:-9], "log.csv.gz cannot be read here"),
        ("log.csv.gz", b"a,b\n1,2\n", "log.csv.gz cannot be read here"),
        ("log.csv", b"a,b\n1,2,3\n", "log.csv cannot be read here"),
    ],
)
def test_text_that_cannot_be_read_is_told_by_its_file(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableError, match=told):
        read(tmp_path / name)
