"""The question as one query, in what the dialects of Apache Spark and DuckDB share.

Rows are added by few grains, and these sums then to every slice, as that is cheaper than to add each row to each slice,
and gives the same where sums are exact. Spark does best with one grain, cell and shard: it copies rows for any further
one. DuckDB does not: for it several small ones are cheaper than a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.beside.question import KEYS, UNITS, Question


@dataclass(frozen=True)
class Dialect:
    """What two engines say differently.

    Attributes:
        times: The aggregate that makes a list of `click_ts`.
        in_window: Whether any of `times` is in the window of `ts`.
        shard: The shard of a `user_id`.
        log1p: ln(1 + x), of a `{x}`.
        whole: A term in units, `{x}`, as an integer whose sums do not overflow.
        grains: By what rows are added; the sums of all other groups are made of these.
    """

    times: str
    in_window: str
    shard: str
    log1p: str
    whole: str
    grains: tuple[tuple[str, ...], ...] = (KEYS,)


def query(question: Question, dialect: Dialect) -> str:
    """One row per group, with the number `grouped_by` of what it is grouped by: a bit of each of KEYS that is not."""
    return f"WITH finest AS ({finest(question, dialect)}) {of_finest(question, dialect)}"


def finest(question: Question, dialect: Dialect) -> str:
    """The sums by the grains of the dialect."""
    return f"""
        WITH clicked AS (SELECT impression_id, {dialect.times} AS times FROM clicks GROUP BY impression_id),
        joined AS (
            SELECT i.*, CASE WHEN c.times IS NOT NULL AND {dialect.in_window} THEN 1e0 ELSE 0e0 END AS y
            FROM impressions i LEFT JOIN clicked c ON i.impression_id = c.impression_id
        ),
        labelled AS ({_once(question)}),
        scored AS (
            SELECT country, device, campaign, {question.shard or dialect.shard} AS shard, y,
                {", ".join(_scores(question))} FROM labelled
        ),
        priced AS (SELECT *, {", ".join(_losses(question, dialect))} FROM scored)
        SELECT {_keys(dialect.grains)}, count(*) AS rows, {", ".join(_sums(question, dialect))}
        FROM priced GROUP BY {sets(dialect.grains)}
    """


def of_finest(question: Question, dialect: Dialect) -> str:
    """What is asked for, out of `finest`."""
    return " UNION ALL ".join(_groups(question, dialect))


def number_of(group: tuple[str, ...]) -> int:
    """The number `grouped_by` of a group.

    >>> number_of(("country", "device", "campaign"))
    8
    """
    return sum(2**i for i, key in enumerate(KEYS) if key not in group)


def sets(groups: Sequence[tuple[str, ...]]) -> str:
    """Groupings in SQL.

    >>> sets([("country", "shard"), ("shard",)])
    'GROUPING SETS ((country, shard), (shard))'
    """
    return f"GROUPING SETS ({', '.join('(' + ', '.join(group) + ')' for group in groups)})"


def _groups(question: Question, dialect: Dialect) -> Iterator[str]:
    """The groups that are asked for, each out of the first grain that has its keys."""
    for grain in dialect.grains:
        of_grain = [g for g in question.groups if next(each for each in dialect.grains if {*g} <= {*each}) == grain]
        sums = ", ".join(f"sum({name}) AS {name}" for name in question.sums)
        whole = f"FROM finest WHERE grouped_by = {number_of(grain)}"
        yield f"SELECT {_keys(of_grain)}, {sums} {whole} GROUP BY {sets(of_grain)}"


def _keys(groups: Sequence[tuple[str, ...]]) -> str:
    """All of KEYS, and the number of a row's group; a key that no group has may not be named."""
    used = [key for key in KEYS if any(key in group for group in groups)]
    bits = [f"{2**i} * {f'grouping({key})' if key in used else 1}" for i, key in enumerate(KEYS)]
    named = [key if key in used else f"NULL AS {key}" for key in KEYS]
    return f"{' + '.join(bits)} AS grouped_by, {', '.join(named)}"


def _once(question: Question) -> str:
    """Of several copies of an id the earliest, with the highest label."""
    if question.duplicates == "none":
        return "SELECT * FROM joined"
    copy = "row_number() OVER (PARTITION BY impression_id ORDER BY ts, y DESC)"
    return f"SELECT * FROM (SELECT *, {copy} AS copy FROM joined) ranked WHERE copy = 1"


def _scores(question: Question) -> Iterator[str]:
    """Scores, NULL where they cannot be used."""
    for model in question.models:
        yield f"CASE WHEN p_{model} >= 0e0 AND p_{model} <= 1e0 THEN p_{model} END AS p_{model}"


def _losses(question: Question, dialect: Dialect) -> Iterator[str]:
    for model in question.models:
        score = f"p_{model}"
        inside = f"{score} > 0e0 AND {score} < 1e0"
        yield f"CASE WHEN y = 1e0 AND {inside} THEN -ln({score}) ELSE 0e0 END AS a_{model}"
        complement = dialect.log1p.format(x=f"-{score}")
        yield f"CASE WHEN {inside} THEN -{complement} ELSE 0e0 END AS b_{model}"


def _sums(question: Question, dialect: Dialect) -> Iterator[str]:
    for model in question.models:
        for name, condition in question.counts.items():
            yield f"count(CASE WHEN {of_model(condition, model)} THEN 1 END) AS {name}_{model}"
        for name, term in question.terms.items():
            own = of_model(term, model)
            value = dialect.whole.format(x=f"({own}) * {UNITS}") if question.exact else own
            yield f"sum({value}) AS {name}_{model}"


def of_model(expression: str, model: str) -> str:
    """An expression of p, a and b as one of the columns of a model.

    >>> of_model("y * (p * a)", "champion")
    'y * (p_champion * a_champion)'
    """
    words = {name: f"{name}_{model}" for name in ("p", "a", "b")}
    return "".join(words.get(word, word) for word in _words(expression))


def _words(expression: str) -> list[str]:
    return re.split(r"(\b[a-z]\b)", expression)
