"""Casts to whole numbers: Spark cuts fractions off, DuckDB rounds them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlglot import exp

FRACTIONS: Final = (exp.Div, exp.Avg, exp.Ln, exp.Log, exp.Exp, exp.Sqrt, exp.Pow, exp.Stddev, exp.Variance, exp.Rand)
# Of a fraction they make another one.
KEEPING: Final = (
    *(exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Window),
    *(exp.Sum, exp.Max, exp.Min, exp.Abs, exp.Round, exp.Greatest, exp.Least, exp.Lag, exp.Lead, exp.Filter),
    *(exp.First, exp.FirstValue, exp.LastValue, exp.AnyValue, exp.Median, exp.Quantile, exp.ApproxQuantile),
)


def cut_off(tree: exp.Expr, columns: Collection[str]) -> None:
    """Let casts to whole numbers cut fractions off, in place.

    Args:
        tree: The query.
        columns: The columns that hold fractions, in lower case; what the query calls by a name of its own is followed.

    >>> import sqlglot
    >>> tree = sqlglot.parse_one("SELECT CAST(a AS INT), CAST(n AS INT), CAST(n / 2 AS INT) FROM t")
    >>> cut_off(tree, ["a"])
    >>> tree.sql()
    'SELECT CAST(TRUNC(a) AS INT), CAST(n AS INT), CAST(TRUNC(n / 2) AS INT) FROM t'
    """
    names, before = {*columns}, -1
    while before != len(names):
        before = len(names)
        names |= {each.alias.lower() for each in tree.find_all(exp.Alias) if _is_fraction(each.this, names)}
    for cast in tree.find_all(exp.Cast):
        if cast.to.is_type(*exp.DataType.INTEGER_TYPES) and _is_fraction(cast.this, names):
            cast.set("this", exp.Anonymous(this="TRUNC", expressions=[cast.this]))


def _is_fraction(node: exp.Expr, names: Collection[str]) -> bool:
    if isinstance(node, exp.Column):
        return node.name.lower() in names
    if isinstance(node, exp.Literal):
        return not node.is_string and not node.name.isdecimal()
    if isinstance(node, exp.Cast):
        return bool(node.to.is_type(*exp.DataType.REAL_TYPES))
    if isinstance(node, KEEPING):
        return any(_is_fraction(child, names) for child in node.iter_expressions())
    return isinstance(node, FRACTIONS)
