"""The rows of a table as one number, whichever run and engine has written them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
from pyarrow import csv

from jobs.audit.statement import Statement, equal, unknown
from jobs.settings import Evaluation

OF_THE_RUN: Final = ("event_date", "age_hours", "run_id")
MICROS: Final = re.compile(r'(:\d\d\.\d{6})Z"')
JSON_TEXT: Final = "row"  # the column of `rejects`, whose numbers each engine spells in its own way


def digest(rows: pa.Table, keys: Sequence[str] = ()) -> str:
    """SHA-256 of the rows of a table in the order of their keys, without what every run has anew."""
    plain = rows.drop([name for name in OF_THE_RUN if name in rows.column_names])
    if JSON_TEXT in plain.column_names:
        texts = pa.array(
            [None if text is None else spelled(text) for text in plain[JSON_TEXT].to_pylist()], pa.string()
        )
        plain = plain.set_column(plain.column_names.index(JSON_TEXT), JSON_TEXT, texts)
    written = pa.BufferOutputStream()
    csv.write_csv(plain.sort_by([(key, "ascending") for key in keys or plain.column_names]), written)
    return hashlib.sha256(written.getvalue()).hexdigest()


def spelled(text: str) -> str:
    """JSON text in one spelling.

    Example:
        >>> spelled('{"p":1.0E-5,"n":2.0}') == spelled('{"n": 2, "p": 0.00001}')
        True
    """
    # Sail says of times without a zone that they are of UTC.
    return MICROS.sub(r'\1"', json.dumps(json.loads(text, parse_float=_number), sort_keys=True))


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def of_rejects(settings: Evaluation, sides: tuple[pa.Table, pa.Table]) -> Iterator[Statement]:
    """That the rejected rows made now are those that are there, unless these were forgotten.

    Copies of a row are each there: without a key they are held against each other as a whole.
    """
    before, now = sides
    if now.num_rows and not before.num_rows and forgotten(settings, now["event_date"][0].as_py()):
        yield unknown("rejects", "its rows are older than limits.rejects_kept, and deleted")
        return
    yield equal("rejects, SHA-256 of all rows", digest(now), digest(before))


def forgotten(settings: Evaluation, day: date) -> bool:
    """Whether rejected rows of a day may have been forgotten by now."""
    kept = settings.limits.rejects_kept
    return kept is not None and date.today() - day > kept - timedelta(days=1)
