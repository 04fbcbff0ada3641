"""The engine that answers, and that reads tables, where nobody names one."""

import pytest

from jobs.settings import parse
from jobs.sql.sessions import chosen, reading
from tests.world.night import document

CATALOG = {"catalog": "a", "schema": "b"}
TABLE = {"source": {"table": "a.b.c"}}


@pytest.mark.parametrize(
    ("sections", "sources", "read", "asked"),
    [
        ({}, False, "sail", "duckdb"),
        ({}, True, "sail", "sail"),
        ({"tables": {"path": "s3a://b/t"}}, True, "sail", "sail"),
        ({"tables": {"path": "s3a://b/t"}}, False, "sail", "sail"),
        ({"tables": CATALOG}, False, "spark", "spark"),
        ({"impressions": TABLE}, False, "sail", "duckdb"),
        ({"impressions": TABLE}, True, "spark", "spark"),
    ],
)
def test_what_reads_takes_the_engine_that_finds_it(tmp_path, sections, sources, read, asked):
    settings = parse(document(tmp_path, **sections))
    assert reading(settings, sources=sources) == read
    assert chosen(None, settings, reads_sources=sources) == asked
    for named in ("sail", "sc://here:15002"):
        assert chosen(named, settings, reads_sources=sources) == named
