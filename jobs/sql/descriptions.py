"""What the tables and views mean: DESCRIBE, SHOW TABLES and SHOW FUNCTIONS, answered alike whatever the engine.

Temporary views do not carry the comments of the Delta tables under them, and the files of views are read by no engine.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.engines.pins import conf_file
from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql import views
from jobs.sql.functions import functions
from jobs.storage.schema import NOT_RECORDED

STATEMENTS: Final = ("DESCRIBE", "DESC", "SHOW")
FILLERS: Final = ("TABLE", "EXTENDED", "FORMATTED", "IN", "FROM")
RETIRED: Final = f"A dimension once; {NOT_RECORDED} since it is none"
# In the head of a view's file: two dashes, three spaces, a column, at least two spaces, its comment and the rest of it.
COLUMN: Final = re.compile(r"^--   (\w+)  +(\S.*)((?:\n--    +\S.*)*)", re.MULTILINE)


def answered(session: SparkSession, settings: Evaluation, words: Sequence[str], known: Collection[str]) -> pa.Table:
    """The answer to DESCRIBE or SHOW.

    Raises:
        ConfigurationError: It is another one than those, or about no table (exit 2).
    """
    first, *rest = [word.upper() for word in words]
    if first == "SHOW" and rest in (["TABLES"], ["VIEWS"], ["FUNCTIONS"]):
        return _functions() if rest == ["FUNCTIONS"] else _listed(settings, known, views_only=rest == ["VIEWS"])
    named = [word for word in words[1 + (first == "SHOW") :] if word.upper() not in FILLERS]
    if len(named) != 1 or (first == "SHOW" and rest[:1] != ["COLUMNS"]):
        expected = "DESCRIBE and a table or view, SHOW TABLES, SHOW VIEWS, SHOW COLUMNS IN a table, or SHOW FUNCTIONS"
        raise ConfigurationError("only queries are answered", [Problem("the query", " ".join(words), expected)])
    name = named[0].strip("`").lower()
    if name not in known:
        names = views.known(settings)
        problem = Problem("the query", f"the table {name!r}", one_of(names), nearest_match(name, names))
        raise ConfigurationError("the query needs a table that there is not", [problem])
    return _described(session, settings, name)


def _described(session: SparkSession, settings: Evaluation, name: str) -> pa.Table:
    fields = session.table(name).schema.fields
    comments = _comments(settings, name)
    if any(field.name not in comments for field in fields):
        comments = {**dict.fromkeys(views.retired(session, settings), RETIRED), **comments}
    return pa.table(
        {
            "col_name": [field.name for field in fields],
            "data_type": [field.dataType.simpleString() for field in fields],
            "comment": pa.array([comments.get(field.name) for field in fields], pa.string()),
        }
    )


def _comments(settings: Evaluation, name: str) -> Mapping[str, str]:
    """The comments of a table's columns; a view says those of its own, the others it has from the tables."""
    declared = tables.declared(settings)
    if name in declared:
        return {column.name: column.comment for column in declared[name].columns}
    inherited = {column.name: column.comment for table in reversed(declared.values()) for column in table.columns}
    return {**inherited, **view_comments(name)}


def view_comments(name: str) -> dict[str, str]:
    """What the head of a view's file says of its columns."""
    head = conf_file(f"sql/{name}.sql").read_text(encoding="utf-8")
    return {
        column: " ".join(" ".join([first, *(line.removeprefix("--") for line in more.splitlines())]).split())
        for column, first, more in COLUMN.findall(head)
    }


def _listed(settings: Evaluation, known: Collection[str], *, views_only: bool) -> pa.Table:
    declared = tables.declared(settings)
    names = [name for name in known if not (views_only and name in declared)]
    comments = [declared[name].comment if name in declared else view_comment(name) for name in names]
    return pa.table({"name": pa.array(names, pa.string()), "comment": pa.array(comments, pa.string())})


def view_comment(name: str) -> str:
    """The first sentences of a view's file, up to its columns or the query."""
    lines = conf_file(f"sql/{name}.sql").read_text(encoding="utf-8").splitlines()
    head: list[str] = []
    for line in lines:
        if not line.startswith("-- ") or line.startswith("--   "):
            break
        head.append(line.removeprefix("-- "))
    return " ".join(head)


def _functions() -> pa.Table:
    return pa.table({"function": sorted(functions())})
