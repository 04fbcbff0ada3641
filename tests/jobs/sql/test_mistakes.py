"""Of a query that an engine refuses, the column that there is not is told, and the one that was perhaps meant."""

from types import SimpleNamespace

import pytest

from jobs.errors import ConfigurationError
from jobs.settings import parse
from jobs.sql import asking
from jobs.sql.engines import duck
from jobs.sql.language.mistakes import unknown_column
from jobs.sql.language.statements import statements
from jobs.sql.query import answered
from tests.world import days

COLUMNS = {"ledger": ["event_date", "task", "weight", "nll"]}
WRONG = [
    ("SELECT weigth FROM ledger", "line 1, column 8", "weigth", "weight"),
    ("SELECT task,\n  SUM(nl) AS loss\nFROM ledger GROUP BY task", "line 2, column 7", "nl", "nll"),
    ("-- SELECT tsk\nSELECT l.tsk FROM ledger AS l", "line 2, column 10", "tsk", "task"),
    ("WITH a AS (SELECT nll AS los FROM ledger) SELECT lss FROM a", "line 1, column 50", "lss", "los"),
    ("SELECT 'qqq' AS a, qqq FROM ledger", "line 1, column 20", "qqq", None),
]
RIGHT = [
    "SELECT l.task, x FROM ledger AS l, (VALUES (1)) AS v(x)",
    "SELECT TRANSFORM(ARRAY(1), y -> y + 1) AS z, * FROM ledger ORDER BY z",
    "SELECT loss FROM (SELECT nll AS loss FROM ledger) AS sub WHERE sub.loss > 0",
    "SELECT word FROM ledger LATERAL VIEW EXPLODE(SPLIT(task, ',')) w AS word",
]


@pytest.mark.parametrize(("text", "place", "found", "near"), WRONG)
def test_the_first_column_that_is_not_there_is_told(text, place, found, near):
    (problem,) = unknown_column(statements(text)[0], COLUMNS).problems
    assert (problem.place, problem.found, problem.nearest) == (f"the query, {place}", f"the column {found!r}", near)
    assert "DESCRIBE ledger lists them" in problem.expected


@pytest.mark.parametrize("text", RIGHT)
def test_names_of_the_query_itself_are_known(text):
    assert unknown_column(statements(text)[0], COLUMNS) is None


@pytest.mark.parametrize(("text", "place", "found", "near"), WRONG)
def test_every_engine_tells_it_alike(spark, ledger, text, place, found, near):  # noqa: PLR0917
    with duck.connected() as connection:
        for session in (spark, connection):
            with pytest.raises(ConfigurationError, match="a column that there is not") as caught:
                answered(session, ledger, text)
            (problem,) = caught.value.problems
            assert (problem.place, problem.found) == (f"the query, {place}", f"the column {found!r}")


def test_of_a_source_that_is_joined_the_engine_has_the_word(monkeypatch, tmp_path):
    settings = parse(days.configured(tmp_path))
    path = settings.impressions.source.path
    text = f"SELECT s.p, m.valeu FROM metrics AS m JOIN parquet.`{path}` AS s ON s.country = m.slice"

    def refuse(*_):
        raise ConfigurationError("the query failed: m.valeu cannot be resolved")

    engine = SimpleNamespace(made=lambda *_: ("metrics",), fields=lambda *_: [("value", "double")], answer=refuse)
    monkeypatch.setattr(asking, "_engine", lambda _: engine)
    with pytest.raises(ConfigurationError, match=r"the query failed: m\.valeu"):
        asking.answer(None, settings, asking.one(settings, text))
