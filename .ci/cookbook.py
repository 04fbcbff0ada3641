"""Writes docs/cookbook.md from conf/sql/cookbook.sql: each question with its statement, by who asks it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "conf" / "sql" / "cookbook.sql"
HEAD = """
# Cookbook

<!-- Made by `make docs` from conf/sql/cookbook.sql: change that. -->

The daily questions, each with its answer in SQL. Every statement runs unchanged on DuckDB, Sail and Apache Spark, and the
tests hold that the answers are equal.

```sh
lossledger sql CONFIG "SELECT …"                              # on DuckDB where the tables are on this disk: no Java, no Sail
lossledger sql CONFIG "SELECT …" --engine spark               # or sail, or --remote sc://HOST:PORT
lossledger sql CONFIG -f conf/sql/cookbook.sql                # all of them, of an evaluation with gates and comparisons
lossledger sql CONFIG "SELECT …" -o answer.parquet            # or .csv, .json; --format csv prints it
lossledger sql CONFIG --describe ledger                       # what every column means
lossledger views CONFIG --create --remote sc://HOST:PORT      # tables and views in a catalog, for any tool that asks it
lossledger views CONFIG --print --dialect duckdb > views.sql  # or as statements for spark, sail or duckdb
lossledger views CONFIG --dbt > models/lossledger.yml         # or as a source of dbt
```

Queries are in Apache Spark's SQL. Sail takes it as it is, for DuckDB it is translated. What differs there: a division by 0 is
NULL and no error, `DECIMAL / DECIMAL` is a DOUBLE, and some of Spark's rarer functions are lacking.

- For most questions the view `ledger` is enough: whole losses, one label age, DOUBLE. `slice_summary` has the declared slices
  with intervals, their dimensions as columns.
- Dimensions are those of `conf/nightly.yaml`; put your own in place of `country` and `device`, any of them, or none.
- Add statistics, never average metrics: a mean of ratios is the ratio of nothing.
- CAST a sum to DOUBLE before it is divided: Apache Spark keeps 6 digits of `DECIMAL / DECIMAL`.
- A sum over days that did not all record a statistic is NULL, not a part: `COUNT(x) = COUNT(*)` says so.
- ROUND what you have divided: engines add doubles in any order, and differ in the last of 16 digits.
"""  # noqa: E501 - a line of the page is one line


@dataclass(frozen=True)
class Question:
    """One of the questions.

    Attributes:
        number: Its number.
        title: The question.
        note: What there is to know of it.
        sql: The statement.
        section: Who asks it, where it is the first one of these.
    """

    number: int
    title: str
    note: str
    sql: str
    section: tuple[str, str] | None


def questions(text: str) -> Iterator[Question]:
    """The questions of the file, in order."""
    section = None
    for block in re.split(r"\n\n+", text.strip()):
        head, body = _comment(block)
        if found := re.match(r"# (.+?)\n(.*)", head, re.DOTALL):
            section = (found[1], " ".join(found[2].split()))
        elif found := re.match(r"(\d+)\. ", head):
            told = " ".join(head[found.end() :].split())
            title, _, note = told.partition("? ")
            yield Question(int(found[1]), title.rstrip("?") + "?", note, body.removesuffix(";"), section)
            section = None


def _comment(block: str) -> tuple[str, str]:
    """The comment that a block begins with, and what comes after it."""
    lines = block.splitlines()
    count = next((i for i, line in enumerate(lines) if not line.startswith("-- ")), len(lines))
    return "\n".join(line.removeprefix("-- ") for line in lines[:count]), "\n".join(lines[count:])


def lines(text: str) -> Iterator[str]:
    """The page, line by line."""
    yield HEAD.strip()
    for question in questions(text):
        if question.section is not None:
            yield f"\n## {question.section[0]}\n\n{question.section[1]}"
        note = f"{question.note}\n\n" if question.note else ""
        yield f"\n### {question.number}. {question.title}\n\n{note}```sql\n{question.sql}\n```"


def main() -> None:
    """Write the page to the path that is given."""
    Path(sys.argv[1]).write_text("\n".join(lines(SOURCE.read_text(encoding="utf-8"))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
