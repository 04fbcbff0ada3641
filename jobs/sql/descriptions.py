"""What the tables and views mean: DESCRIBE, SHOW TABLES and SHOW FUNCTIONS, answered alike whatever the engine.

Temporary views do not carry the comments of the Delta tables under them, and the files of views are read by no engine.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import pyarrow as pa

from jobs.engines.pins import conf_file
from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.ledger import tables
from jobs.settings import Evaluation
from jobs.sql.language.functions import functions
from jobs.sql.language.statements import Statement
from jobs.sql.views import known
from jobs.storage.schema import NOT_RECORDED

STATEMENTS: Final = ("DESCRIBE", "DESC", "SHOW")
LISTS: Final = (["TABLES"], ["VIEWS"], ["FUNCTIONS"])
FILLERS: Final = ("TABLE", "EXTENDED", "FORMATTED", "IN", "FROM")
RETIRED: Final = f"A dimension once; {NOT_RECORDED} since it is none"
# In the head of a view's file: two dashes, three spaces, a column, at least two spaces, its comment and the rest of it.
COLUMN: Final = re.compile(r"^--   (\w+)  +(\S.*)((?:\n--    +\S.*)*)", re.MULTILINE)


def check(settings: Evaluation, statement: Statement) -> None:
    """Check that a statement is one of those that are answered, and about a table or view that there can be.

    Raises:
        ConfigurationError: It is another one, or about something else (exit 2).
    """
    first, *rest = [word.upper() for word in statement.words]
    if first == "SHOW" and rest in LISTS:
        return
    named = _named(statement)
    if len(named) != 1 or (first == "SHOW" and rest[:1] != ["COLUMNS"]):
        expected = "DESCRIBE and a table or view, SHOW TABLES, SHOW VIEWS, SHOW COLUMNS IN a table, or SHOW FUNCTIONS"
        problem = Problem(statement.called, " ".join(statement.words), expected)
        raise ConfigurationError("only queries are answered", [problem])
    names = known(settings)
    if named[0] not in names:
        place = statement.place(named[0])
        problem = Problem(place, f"the table {named[0]!r}", one_of(names), nearest_match(named[0], names))
        raise ConfigurationError("the query needs a table that there is not", [problem])


def _named(statement: Statement) -> list[str]:
    """What a statement describes; SHOW COLUMNS is one of those."""
    words = statement.words
    rest = words[1 + (words[0].upper() == "SHOW") :]
    return [word.strip("`").lower() for word in rest if word.upper() not in FILLERS]


def about(statement: Statement) -> str | None:
    """The table or view that a statement describes; None where it lists them, or functions."""
    if [word.upper() for word in statement.words[1:]] in LISTS and statement.words[0].upper() == "SHOW":
        return None
    return _named(statement)[0]


def described(settings: Evaluation, name: str, columns: Sequence[tuple[str, str]]) -> pa.Table:
    """The columns of a table or view, of which names and types are given, with their comments.

    What is not declared was a dimension once, and nothing else.
    """
    comments = column_comments(settings, name)
    return pa.table(
        {
            "col_name": [column for column, _ in columns],
            "data_type": [type_ for _, type_ in columns],
            "comment": [comments.get(column, RETIRED) for column, _ in columns],
        }
    )


def column_comments(settings: Evaluation, name: str) -> Mapping[str, str]:
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


def listed(settings: Evaluation, statement: Statement, made: Collection[str]) -> pa.Table:
    """The tables and views that were made, with what they are; views alone, or functions, where those are asked for."""
    asked = statement.words[1].upper()
    if asked == "FUNCTIONS":
        return pa.table({"function": sorted(functions())})
    declared = tables.declared(settings)
    names = [name for name in made if not (asked == "VIEWS" and name in declared)]
    comments = [comment(settings, name) for name in names]
    return pa.table({"name": pa.array(names, pa.string()), "comment": pa.array(comments, pa.string())})


def comment(settings: Evaluation, name: str) -> str:
    """What a table or view is."""
    declared = tables.declared(settings)
    return declared[name].comment if name in declared else view_comment(name)


def view_comment(name: str) -> str:
    """The first sentences of a view's file, up to its columns or the query."""
    lines = conf_file(f"sql/{name}.sql").read_text(encoding="utf-8").splitlines()
    head: list[str] = []
    for line in lines:
        if not line.startswith("-- ") or line.startswith("--   "):
            break
        head.append(line.removeprefix("-- "))
    return " ".join(head)
