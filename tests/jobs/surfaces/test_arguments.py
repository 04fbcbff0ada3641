"""What is given to the command as text, and what is taken where nothing is given."""

import pytest

from jobs.settings import parse
from jobs.surfaces.arguments import light_engine
from tests.world.night import document

CATALOG = {"catalog": "a", "schema": "b"}
TABLE = {"source": {"table": "a.b.c"}}


@pytest.mark.parametrize(
    ("asked", "sections", "logs", "engine"),
    [
        (None, {}, True, "sail"),
        (None, {"tables": {"path": "s3a://b/t"}}, True, "sail"),
        (None, {"tables": CATALOG}, False, "spark"),
        (None, {"impressions": TABLE}, False, "sail"),
        (None, {"impressions": TABLE}, True, "spark"),
        ("sail", {"tables": CATALOG}, False, "sail"),
        ("sc://here:15002", {}, False, "sc://here:15002"),
    ],
)
def test_what_reads_tables_takes_the_engine_that_finds_them(tmp_path, asked, sections, logs, engine):
    assert light_engine(asked, parse(document(tmp_path, **sections)), logs=logs) == engine
