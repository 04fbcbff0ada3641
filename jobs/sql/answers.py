"""The answer to a query as text: a table for people, or JSON for programs."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.errors import ConfigurationError, Problem
from jobs.safe_text import printable

WIDEST: Final = 100_000
# More than that nobody reads, and drawing a table of all rows takes minutes.
SHOWN: Final = 500


def lines(table: pa.Table, as_json: bool) -> Iterator[str]:
    """The answer line by line: a table for people, or a JSON list of one object per row.

    People see the first rows of a large answer, with their number and how to have the others. In JSON decimals, dates,
    times and numbers that are not finite are text; all digits are kept. For people a double has 10 digits.

    Raises:
        ConfigurationError: JSON is asked for, and two columns have one name (exit 2).
    """
    if as_json:
        check_names(table, "JSON")
        yield from _objects(table)
        return
    yield from _drawn(table.slice(0, SHOWN))
    rows = "1 row" if table.num_rows == 1 else f"{table.num_rows:,} rows"
    more = f"the first {SHOWN:,} of {rows}; all of them with --json, others with ORDER BY and LIMIT"
    yield f"({rows if table.num_rows <= SHOWN else more})"


def check_names(table: pa.Table, form: str) -> None:
    """Raise a ConfigurationError (exit 2) where columns have one name, in a format that knows them by their names."""
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems = [Problem(name, f"{names.count(name)} columns", "one; name the others with AS") for name in twice]
        raise ConfigurationError(f"the answer does not fit into {form}", problems)


def _objects(table: pa.Table) -> Iterator[str]:
    """The rows as JSON, none of which is held as text before it is asked for."""
    yield "["
    rows = (row for batch in table.to_batches(max_chunksize=1000) for row in batch.to_pylist())
    for i, row in enumerate(rows, 1):
        shown = {name: plain(value) for name, value in row.items()}
        comma = "," if i < table.num_rows else ""
        yield f" {_escaped(json.dumps(shown, ensure_ascii=False, default=str, allow_nan=False))}{comma}"
    yield "]"


def _escaped(text: str) -> str:
    """JSON without characters that steer a terminal, of which JSON itself escapes some."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _drawn(table: pa.Table) -> list[str]:
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for field in table.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        drawn.add_column(Text(printable(field.name)), justify="right" if number else "left", no_wrap=True)
    # Row by row over the columns, not by name: two columns of an answer may have the same one.
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        drawn.add_row(*(Text(_cell(value)) for value in row))
    console = Console(file=io.StringIO(), width=WIDEST, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(drawn)
    return [line.rstrip() for line in captured.get().splitlines() if line.strip()]


def _cell(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else printable(str(value))


def plain(value: object) -> object:
    """A value as JSON can hold it: numbers that are not finite are text."""
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def rendered(table: pa.Table, as_json: bool) -> str:
    """The answer as one text; see `lines`."""
    return "\n".join(lines(table, as_json))
