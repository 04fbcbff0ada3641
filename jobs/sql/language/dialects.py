"""How the engines spell what Apache Spark's SQL says: all that differs between them stands here.

Queries and views are written in Spark's SQL, which Sail takes as it is. For DuckDB they are translated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ErrorLevel
from sqlglot.generators.duckdb import DuckDBGenerator
from sqlglot.tokenizer_core import TokenType

from jobs.engines.quoting import quoted
from jobs.sql.language.casts import cut_off
from jobs.sql.language.queries import tokenized, understood

# The types of DuckDB that Spark calls otherwise. SUM of a BIGINT is a HUGEINT, and a BIGINT on the other engines.
TYPES: Final = {
    "VARCHAR": "string",
    "INTEGER": "int",
    "HUGEINT": "bigint",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "TIMESTAMP": "timestamp_ntz",
    "BLOB": "binary",
    "FLOAT": "float",
}


def _moved_by_days(self: DuckDBGenerator, node: exp.TsOrDsAdd) -> str:
    """DATE_ADD and DATE_SUB: a date, where an interval would make a time of it."""
    day, days = (self.sql(exp.cast(each, to)) for each, to in ((node.this, "date"), (node.expression, "int")))
    return f"({day} + {days})"


class _Duck(DuckDB):
    class Generator(DuckDBGenerator):
        TRANSFORMS: ClassVar[dict[type[exp.Expr], Callable[..., str]]] = {
            **DuckDBGenerator.TRANSFORMS,
            exp.TsOrDsAdd: _moved_by_days,
        }


def for_duckdb(text: str, fractions: Collection[str] = ()) -> str:
    """A query in Spark's SQL as DuckDB spells it.

    Args:
        text: The query.
        fractions: The columns of its tables that hold no whole numbers, in lower case. A cast cuts them off, where
            DuckDB would round.

    Raises:
        ConfigurationError: The query is not understood, or too deep (exit 2).

    >>> for_duckdb("SELECT `a b`, DATE_SUB(event_date, 1) AS d FROM runs ORDER BY d")
    'SELECT "a b", (CAST(event_date AS DATE) + CAST(1 * -1 AS INT)) AS d FROM runs ORDER BY d NULLS FIRST'
    """
    with understood():
        (parsed,) = (each for each in Spark().parse(text) if each is not None)
        cut_off(parsed, fractions)
        return _Duck().generate(parsed, comments=False, unsupported_level=ErrorLevel.RAISE)


def spark_type(of_duckdb: str) -> str:
    """The type of a column of DuckDB as Spark writes it.

    >>> spark_type("DECIMAL(37,15)"), spark_type("VARCHAR"), spark_type("BIGINT")
    ('decimal(37,15)', 'string', 'bigint')
    """
    return TYPES.get(of_duckdb, of_duckdb.lower())


def duckdb_name(name: str) -> str:
    """A name in DuckDB's SQL, quoted.

    >>> duckdb_name('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Dialect:
    """How an engine spells what makes tables and views known to it.

    Attributes:
        quoted: A name, quoted.
        literal: A text, quoted.
        query: A query in Spark's SQL, as the engine spells it.
        table: What makes a Delta table known by a name, from the quoted name and the path.
        view: What makes a view, from its quoted name, its query, its comment, and its columns with theirs.
    """

    quoted: Callable[[str], str]
    literal: Callable[[str], str]
    query: Callable[[str], str]
    table: Callable[[str, str], str]
    view: Callable[[str, str, str, Sequence[tuple[str, str]]], Iterator[str]]

    def name(self, parts: Iterable[str]) -> str:
        """A name of several parts."""
        return ".".join(map(self.quoted, parts))


def _spark_literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _duckdb_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _spark_table(name: str, path: str) -> str:
    return f"CREATE TABLE IF NOT EXISTS {name} USING delta LOCATION {_spark_literal(path)}"


def _duckdb_table(name: str, path: str) -> str:
    return f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM delta_scan({_duckdb_literal(path)})"


def _spark_view(name: str, query: str, comment: str, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    listed = ",\n".join(f"  {quoted(column)} COMMENT {_spark_literal(told)}" for column, told in columns)
    yield f"CREATE OR REPLACE VIEW {name} (\n{listed}\n) COMMENT {_spark_literal(comment)} AS\n{query}"


def _sail_view(name: str, query: str, _: str, __: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"CREATE OR REPLACE VIEW {name} AS\n{query}"


def _duckdb_view(name: str, query: str, comment: str, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"CREATE OR REPLACE VIEW {name} AS\n{query}"
    yield f"COMMENT ON VIEW {name} IS {_duckdb_literal(comment)}"
    for column, told in columns:
        yield f"COMMENT ON COLUMN {name}.{duckdb_name(column)} IS {_duckdb_literal(told)}"


DIALECTS: Final[Mapping[str, Dialect]] = {
    "spark": Dialect(quoted, _spark_literal, str, _spark_table, _spark_view),
    "sail": Dialect(quoted, _spark_literal, str, _spark_table, _sail_view),
    "duckdb": Dialect(duckdb_name, _duckdb_literal, for_duckdb, _duckdb_table, _duckdb_view),
}


def qualified(text: str, names: Mapping[str, str]) -> str:
    """A query of ours with its tables and views by their full names; it calls them by the short ones as before.

    >>> qualified("SELECT price.of_wrong FROM ledger AS l CROSS JOIN price", {"price": "a.price", "ledger": "a.ledger"})
    'SELECT price.of_wrong FROM a.ledger AS l CROSS JOIN a.price AS price'
    """
    changed, end, tokens = "", 0, tokenized(text)
    for before, token, after in zip(tokens, tokens[1:], [*tokens[2:], None], strict=False):
        if before.token_type in (TokenType.FROM, TokenType.JOIN) and token.text in names:
            called = "" if after is not None and after.token_type is TokenType.ALIAS else f" AS {token.text}"
            changed, end = changed + text[end : token.start] + names[token.text] + called, token.end + 1
    return changed + text[end:]
