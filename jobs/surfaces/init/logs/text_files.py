"""How a file of text is written: what separates its fields, and whether its first row names them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv

from jobs.errors import ContractError, Problem
from jobs.inputs.values import NUMBER

SEPARATORS: Final = (",", "\t", ";", "|")
LINES: Final = 200
LOOK: Final = 2**20
DATA: Final = re.compile(rf"{NUMBER}|\d{{4}}-\d{{1,2}}-\d{{1,2}}.*")


def dialect(file: str) -> dict[str, Any]:
    """The names of the columns, the options by which an engine reads the file, and whether the names are invented.

    Raises:
        ContractError: It is no text of UTF-8 with rows of fields (exit 2).
    """
    lines = _lines(file)
    counts = {each: _fields(lines, each) for each in SEPARATORS}
    separator = max(SEPARATORS, key=lambda each: counts[each])
    rows = list(csv.reader(lines, delimiter=separator))
    options: dict[str, Any] = {} if separator == "," else {"sep": separator}
    if any(line.count('"') % 2 for line in lines):
        options["multiLine"] = True
    has_header = _is_header(rows[0])
    columns = rows[0] if has_header else [f"column_{rank}" for rank in range(1, len(rows[0]) + 1)]
    return {"columns": columns, "options": options, "names": not has_header}


def first_rows(file: str, dialect: Mapping[str, Any], most: int) -> pa.Table:
    """Rows of a file, all fields as text; an empty field is no value."""
    options = dialect["options"]
    read = pa.csv.ReadOptions(column_names=list(dialect["columns"]), skip_rows=0 if dialect["names"] else 1)
    parse = pa.csv.ParseOptions(delimiter=options.get("sep", ","), newlines_in_values="multiLine" in options)
    types = dict.fromkeys(dialect["columns"], pa.string())
    convert = pa.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    try:
        with pa.csv.open_csv(file, read, parse, convert) as opened:
            batches: list[pa.RecordBatch] = []
            for batch in opened:
                batches.append(batch)
                if sum(found.num_rows for found in batches) >= most:
                    break
            return pa.Table.from_batches(batches, opened.schema).slice(0, most)
    except pa.ArrowInvalid as error:
        told = str(error).splitlines()[0]
        problem = Problem(file, told, "rows of as many fields as the first; quote fields that hold separators")
        raise ContractError("a file cannot be read", [problem]) from error


def _lines(file: str) -> list[str]:
    """The first lines, without a mark of the order of bytes."""
    try:
        with pa.input_stream(file, compression="detect") as stream:
            seen = stream.read(LOOK)
        # No character of UTF-8 goes over the end of a line.
        text = (seen if len(seen) < LOOK else seen.rpartition(b"\n")[0]).decode("utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        expected = (
            "Parquet, or CSV in UTF-8, as `iconv -f LATIN1 -t UTF-8` makes it of Latin-1, and a spreadsheet exports it"
        )
        raise ContractError("a file cannot be read", [Problem(file, str(error), expected)]) from error
    lines = [line for line in text.splitlines() if line.strip()][:LINES]
    if lines and lines[0].lstrip()[:1] in ("{", "["):
        expected = f"CSV or Parquet: pandas.read_json({file!r}, lines=True).to_parquet('log.parquet') makes that"
        raise ContractError("a file cannot be read", [Problem(file, "JSON", expected)])
    if len(lines) < 2:
        found = f"{len(lines)} line{'s' * (len(lines) != 1)}"
        problem = Problem(file, found, "a row of names and rows of values, or rows of values")
        raise ContractError("a file cannot be read", [problem])
    return lines


def _fields(lines: Sequence[str], separator: str) -> int:
    """The fields of nearly all rows, or 1 where rows differ."""
    counts = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
    fields, rows = counts.most_common(1)[0]
    return fields if rows >= 0.9 * sum(counts.values()) else 1


def _is_header(first: Sequence[str]) -> bool:
    """Whether a first row is one of names: they differ, and none is a number or a date."""
    named = [field for field in first if field]
    return len(set(named)) == len(named) > 0 and not any(DATA.fullmatch(field.strip()) for field in named)
