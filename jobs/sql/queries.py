"""What `lossledger sql` answers: one query, parsed, over tables and functions that are known.

All that is not on a list is refused: kinds of nodes of the syntax tree, functions, tables. So a new kind of statement,
a function that runs a program or one that opens a file is refused without being thought of here.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import SqlglotError
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokenizer_core import Token, TokenType

from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.sql.functions import functions

# Deeper than this neither engine can be asked on the stack of its threads: the embedded one would end the process.
DEEPEST: Final = 1000
# Python frames for the parser, which takes about twenty for a bracket. They take no room on the stack of the process.
FRAMES: Final = 8000
SYNTAX: Final = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "OVERLAY", "SUBSTRING", "SUBSTR", "CEIL", "FLOOR")


class _Plain(Spark):
    """Spark's dialect in which a function is what its name says, unless it has a syntax of its own."""

    class Parser(SparkParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {name: SparkParser.FUNCTION_PARSERS[name] for name in SYNTAX}
        ARRAY_CONSTRUCTORS: ClassVar[dict[str, Any]] = {}  # else array(1, 2)[0] is read as the array [0]


QUERIES: Final = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
ALLOWED: Final = frozenset(
    {
        *(exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.With, exp.CTE, exp.Values, exp.Tuple),
        *(exp.From, exp.Join, exp.Lateral, exp.Table, exp.TableAlias, exp.TableSample, exp.Pivot, exp.PivotAlias),
        *(exp.Where, exp.Group, exp.Cube, exp.Rollup, exp.GroupingSets, exp.Having, exp.Qualify, exp.Distinct),
        *(exp.Order, exp.Ordered, exp.Sort, exp.Limit, exp.Offset, exp.Window, exp.WindowSpec),
        *(exp.Distribute, exp.Cluster, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.Lambda),
        *(exp.Alias, exp.Aliases, exp.Column, exp.Identifier, exp.Star, exp.Dot, exp.Bracket, exp.Paren, exp.Var),
        *(exp.Literal, exp.RawString, exp.HexString, exp.Boolean, exp.Null, exp.Interval, exp.DataType),
        *(exp.DataTypeParam, exp.ColumnDef, exp.IntervalSpan, exp.BitwiseLeftShift, exp.BitwiseRightShift),
        *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe, exp.Concat),
        *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot, exp.And, exp.Or, exp.Not, exp.Is),
        *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In),
        *(exp.Like, exp.ILike, exp.RegexpLike, exp.Escape, exp.Exists, exp.Any, exp.All, exp.Collate),
        *(exp.Case, exp.If, exp.Cast, exp.TryCast, exp.Extract, exp.Trim, exp.StrPosition, exp.Overlay),
        *(exp.Substring, exp.Ceil, exp.Floor, exp.Transform, exp.CurrentDate, exp.CurrentTimestamp, exp.Anonymous),
    }
)
TABLE_FUNCTIONS: Final = ("range", "explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "stack")

Name = tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A query that may be answered: its text without comments, the tables it names, and whether any is a source."""

    text: str
    tables: frozenset[str]
    reads_sources: bool


def words(sql: str) -> tuple[str, list[Token]]:
    """A statement without its comments, and its tokens.

    The engines disagree on where a comment ends, so that one may hide from a parser what the other runs: none is left.
    Before a text stands a space, lest an engine takes the letters there for a prefix that changes where the text ends.

    Raises:
        ConfigurationError: It cannot be read, e.g. for a quote that is not closed (exit 2).
    """
    with _understood():
        tokens = _Plain().tokenize(sql)
    text, end = "", -1
    for token in tokens:
        if token.start <= end or token.token_type is TokenType.HINT:
            continue  # 1.0D is three tokens at one place; and a hint changes no answer
        gap = sql[end + 1 : token.start]
        if gap.strip() or (not gap and token.token_type is TokenType.STRING):
            gap = " "
        text, end = text + gap + sql[token.start : token.end + 1], token.end
    return text.strip().rstrip("; \n\t\r"), tokens


def read(text: str, known: Collection[str], sources: Collection[Name]) -> Query:
    """The query of a text without comments.

    Args:
        text: As `words` gives it.
        known: The tables and views that may be named.
        sources: The names of the configured sources, as (format, path) or the parts of a name in a catalog.

    Raises:
        ConfigurationError: It is no query, or names what is not known (exit 2).
    """
    with _understood():
        parsed = [each for each in _Plain().parse(text) if each is not None]
        depth = max(map(_depth, parsed), default=0)
    if len(parsed) != 1 or not isinstance(parsed[0], QUERIES):
        _refuse("no query, or more than one", "one query")
    if depth > DEEPEST:
        raise _too_deep()
    tables: set[str] = set()
    reads_sources = False
    for node in parsed[0].walk():
        _check_node(node)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier) and not _is_common(node):
            name = tuple(part.name for part in node.parts)
            _check_table(name, known, sources)
            reads_sources |= name in sources
            tables.add(name[-1].lower())
    return Query(text, frozenset(tables), reads_sources)


def _check_node(node: exp.Expr) -> None:
    if type(node) not in ALLOWED:
        _refuse(f"{node.key.upper()} in {_short(node)}", "what a query reads or computes")
    if isinstance(node, exp.Anonymous):
        called = node.name.lower()
        in_place = TABLE_FUNCTIONS if isinstance(node.parent, exp.Table) else functions() - {"range"}
        if called not in in_place:
            near = nearest_match(called, in_place)
            _refuse(f"the function {node.name!r}", "a function that only computes; SHOW FUNCTIONS lists them", near)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        _refuse(f"a function of a catalog in {_short(node)}", "a function by its own name")
    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier | exp.Anonymous):
        _refuse(f"{_short(node)} as a table", "a table by its name")


def _check_table(name: Name, known: Collection[str], sources: Collection[Name]) -> None:
    if name in sources or (len(name) == 1 and name[0].lower() in known):
        return
    shown = ".".join(name)
    problem = Problem("the query", f"the table {shown!r}", one_of(known), nearest_match(shown, known))
    raise ConfigurationError("the query needs a table that there is not", [problem])


def _is_common(table: exp.Table) -> bool:
    """Whether a name is that of a common table expression where it stands."""
    if len(table.parts) > 1:
        return False
    inner: exp.Expr = table
    outer = table.parent
    while outer is not None:
        seen: list[exp.Expr] = []
        if isinstance(outer, exp.With):
            place = next(i for i, each in enumerate(outer.expressions) if each is inner)
            seen = outer.expressions[: place + bool(outer.args.get("recursive"))]
        elif (own := outer.args.get("with_")) is not None and own is not inner:
            seen = own.expressions
        if any(each.alias.lower() == table.name.lower() for each in seen):
            return True
        inner, outer = outer, outer.parent
    return False


def _depth(root: exp.Expr) -> int:
    """How many nodes lie above one another at most; not recursive, as it is there to prevent that."""
    deepest, waiting = 0, [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in node.iter_expressions()]
    return deepest


@contextmanager
def _understood() -> Iterator[None]:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, FRAMES))
    try:
        yield
    except RecursionError as error:
        raise _too_deep() from error
    except SqlglotError as error:
        told = str(error).splitlines()[0].rstrip(" .")
        raise ConfigurationError(f"the query's syntax is not understood: {told}") from error
    finally:
        sys.setrecursionlimit(usual)


def _too_deep() -> ConfigurationError:
    expected = f"at most {DEEPEST:,}; put long lists of values into IN (…), and parts into WITH"
    return ConfigurationError("the query is too deep", [Problem("the query", "more levels than that", expected)])


def _refuse(found: str, expected: str, near: str | None = None) -> None:
    raise ConfigurationError("only queries are answered", [Problem("the query", found, expected, near)])


def _short(node: exp.Expr) -> str:
    text = " ".join(node.sql(dialect=_Plain).split())
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
