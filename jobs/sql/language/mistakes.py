"""What is wrong in a query that an engine has refused: the column that no table has, and which was perhaps meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlglot import exp

from jobs.errors import ConfigurationError, Problem, nearest_match
from jobs.sql.language.queries import parsed
from jobs.sql.language.statements import Statement


def unknown_column(statement: Statement, columns: Mapping[str, Collection[str]]) -> ConfigurationError | None:
    """The error of a query that names a column which none of its tables has; None where it names no such one.

    Asked once the engine has refused the query: what is a column, and not a name of the query's own, is told by names
    alone. So of a column that is in another table than it is asked of, the engine has the word.

    Args:
        statement: The query.
        columns: Those of the tables and views that it reads, by their names.
    """
    tree = parsed(statement.text)
    if tree is None or not columns:
        return None
    there = {name.lower(): name for names in columns.values() for name in names}
    known = there.keys() | _own(tree)
    unknown = [each.name for each in tree.find_all(exp.Column) if each.name.lower() not in known and each.name != "*"]
    if not unknown:
        return None
    first = min(unknown, key=lambda name: _position(statement, name))
    listed = " or ".join(f"DESCRIBE {name}" for name in sorted(columns))
    problem = Problem(
        statement.place(first),
        f"the column {first!r}",
        f"one that is there: {listed} lists them",
        nearest_match(first, [*there.values(), *sorted(_own(tree))]),
    )
    return ConfigurationError("the query needs a column that there is not", [problem])


def _own(tree: exp.Expr) -> set[str]:
    """The names that a query gives by itself: to columns, tables, and the variables of its functions."""
    named = {each.alias.lower() for each in tree.find_all(exp.Alias, exp.Table, exp.Subquery, exp.CTE, exp.Lateral)}
    lists = (each.columns for each in tree.find_all(exp.TableAlias))
    variables = (each.expressions for each in tree.find_all(exp.Lambda, exp.Aliases))
    return named.union(*({each.name.lower() for each in names} for names in (*lists, *variables))) - {""}


def _position(statement: Statement, name: str) -> int:
    return next((token.start for token in statement.tokens if token.text.lower() == name.lower()), 0)
