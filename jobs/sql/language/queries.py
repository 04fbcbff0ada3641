"""What `lossledger sql` answers: one query, parsed, over tables and functions that are known.

All that is not on a list is refused: kinds of nodes of the syntax tree, functions, tables. So a new kind of statement,
a function that runs a program or one that opens a file is refused without being thought of here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import SqlglotError
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokenizer_core import Token, TokenType

from jobs.errors import ConfigurationError, Problem, nearest_match, one_of
from jobs.sql.language.functions import functions

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


def tokenized(sql: str) -> list[Token]:
    """The tokens of a text of SQL, of which comments are none.

    Raises:
        ConfigurationError: It cannot be read, e.g. for a quote that is not closed (exit 2).
    """
    with understood():
        return _Plain().tokenize(sql)


def plain(sql: str, tokens: Sequence[Token]) -> str:
    """A statement without its comments.

    The engines disagree on where a comment ends, so that one may hide from a parser what the other runs: none is left.
    Before a text stands a space, lest an engine takes the letters there for a prefix that changes where the text ends.
    """
    text, end = "", tokens[0].start - 1 if tokens else -1
    for token in tokens:
        if token.start <= end or token.token_type is TokenType.HINT:
            continue  # 1.0D is three tokens at one place; and a hint changes no answer
        gap = sql[end + 1 : token.start]
        if gap.strip() or (not gap and token.token_type is TokenType.STRING):
            gap = " "
        text, end = text + gap + sql[token.start : token.end + 1], token.end
    return text.strip().rstrip("; \n\t\r")


def words(sql: str) -> tuple[str, list[Token]]:
    """A text that is one statement, without its comments, and its tokens."""
    tokens = tokenized(sql)
    return plain(sql, tokens), tokens


def parsed(text: str) -> exp.Expr | None:
    """The tree of a text without comments, or None where it is not one statement."""
    with understood():
        found = [each for each in _Plain().parse(text) if each is not None]
        if max(map(_depth, found), default=0) > DEEPEST:
            raise _too_deep()
    return found[0] if len(found) == 1 else None


def anywhere(_: str) -> str:
    """Where a name stands in a query, of which nothing more is known."""
    return "the query"


def read(text: str, known: Collection[str], sources: Collection[Name], place: Callable[[str], str] = anywhere) -> Query:
    """The query of a text without comments.

    Args:
        text: As `plain` gives it.
        known: The tables and views that may be named.
        sources: The names of the configured sources, as (format, path) or the parts of a name in a catalog.
        place: Says of a name where it stands.

    Raises:
        ConfigurationError: It is no query, or names what is not known (exit 2).
    """
    tree = parsed(text)
    if not isinstance(tree, QUERIES):
        raise refused("the query", "no query, or more than one", "one query")
    tables: set[str] = set()
    reads_sources = False
    for node in tree.walk():
        _check_node(node, place)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier) and not _is_common(node):
            name = tuple(part.name for part in node.parts)
            _check_table(name, known, sources, place)
            reads_sources |= name in sources
            tables.add(name[-1].lower())
    return Query(text, frozenset(tables), reads_sources)


def _check_node(node: exp.Expr, place: Callable[[str], str]) -> None:
    if type(node) not in ALLOWED:
        raise refused("the query", f"{node.key.upper()} in {_short(node)}", "what a query reads or computes")
    if isinstance(node, exp.Anonymous):
        called = node.name.lower()
        in_place = TABLE_FUNCTIONS if isinstance(node.parent, exp.Table) else functions() - {"range"}
        if called not in in_place:
            expected = "a function that only computes; SHOW FUNCTIONS lists them"
            raise refused(
                place(called), f"the function {node.name!r}", expected, nearest_match(called, sorted(in_place))
            )
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        raise refused("the query", f"a function of a catalog in {_short(node)}", "a function by its own name")
    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier | exp.Anonymous):
        raise refused("the query", f"{_short(node)} as a table", "a table by its name")


def _check_table(name: Name, known: Collection[str], sources: Collection[Name], place: Callable[[str], str]) -> None:
    if name in sources or (len(name) == 1 and name[0].lower() in known):
        return
    shown = ".".join(name)
    problem = Problem(place(name[-1]), f"the table {shown!r}", one_of(known), nearest_match(shown, known))
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
def understood() -> Iterator[None]:
    """Raise a ConfigurationError (exit 2) where the parser does not understand a text, or it is too deep for it."""
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


def refused(place: str, found: str, expected: str, near: str | None = None) -> ConfigurationError:
    """The error that something is no query, or does more than one may."""
    return ConfigurationError("only queries are answered", [Problem(place, found, expected, near)])


def _short(node: exp.Expr) -> str:
    text = " ".join(node.sql(dialect=_Plain).split())
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
