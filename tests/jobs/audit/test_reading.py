"""Rows of files as the recount reads them, which has to see the same values as an engine."""

import pyarrow as pa

from jobs.audit.recount import reading
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
