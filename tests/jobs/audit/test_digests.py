"""The rows of a table as one number, and rejected rows, of which nothing tells two apart."""

from datetime import date

import pyarrow as pa
import pytest

from jobs.audit.digests import digest, of_rejects
from jobs.audit.statement import verdict
from jobs.settings import parse
from tests.world import days


def test_a_digest_does_not_depend_on_the_order_of_rows():
    rows = pa.table({"run_id": ["a", "b"], "x": [1, 2]})
    other = pa.table({"run_id": ["c", "c"], "x": [2, 1]})
    assert digest(rows) == digest(other) != digest(rows.slice(1))


def rejected(*texts):
    return pa.table({"event_date": pa.array([date(2001, 1, 1)] * len(texts)), "row": pa.array(texts, pa.string())})


SPARK, SAIL = '{"p":1.0E-5,"n":2.0,"w":null}', '{"p":0.00001,"n":2.0,"w":null}'


@pytest.mark.parametrize(
    ("before", "now", "kept", "state"),
    [
        ([SPARK, SPARK], [SAIL, SAIL], None, "proven"),
        ([SPARK], [SAIL, SAIL], None, "wrong"),
        ([SPARK], [SAIL.replace("2.0", "3.0")], None, "wrong"),
        ([], [SAIL], None, "wrong"),
        ([], [SAIL], "36500d", "wrong"),
        ([], [SAIL], "1d", "not_proven"),
        ([SAIL], [], "1d", "wrong"),
    ],
)
def test_rejected_rows_are_the_same_whichever_engine_spelled_them(tmp_path, before, now, kept, state):
    settings = parse(days.configured(tmp_path, limits={} if kept is None else {"rejects_kept": kept}))
    assert verdict("rejects", of_rejects(settings, (rejected(*before), rejected(*now)))).state == state
