"""What the files of views name is what the code names."""

import re

from jobs.ledger import tables
from jobs.ledger.judgements import DERIVED
from jobs.sql import views
from tests.world.child import ROOT

NAMES = re.compile(r"'(\w+)'")


def text_of(name):
    return (ROOT / "conf" / "sql" / f"{name}.sql").read_text()


def test_what_a_refresh_makes_is_told_apart_by_the_list_of_the_code():
    (listed,) = re.findall(r"held_by IN \(([^)]*)\) AS is_made", text_of("runs_latest"))
    assert NAMES.findall(listed) == [*DERIVED]
    (sums,) = re.findall(r"held_by IN \(([^)]*)\) THEN held_by END\) AS required_sums", text_of("runs_latest"))
    assert not {*NAMES.findall(sums)} & {*DERIVED}


def test_every_table_of_results_is_asked_whose_run_its_rows_are_of():
    asked = {part.rsplit(maxsplit=1)[-1] for part in text_of("held").rstrip().split(views.UNION)}
    assert asked == {*tables.OPTIONAL, "statistics", "shard_statistics", "metrics"}


def test_a_view_is_said_to_read_what_it_reads():
    for name, reads in views.VIEWS.items():
        found = set(re.findall(r"\b(?:FROM|JOIN) (\w+)", re.sub(r"--.*", "", text_of(name))))
        named = {*reads, *views.UNIONS.get(name, ())}
        assert (
            found & {*views.VIEWS, *tables.OPTIONAL, "statistics", "shard_statistics", "metrics", "runs", "clip"}
            == named
        )
