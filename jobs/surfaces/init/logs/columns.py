"""Columns of a sample: what their values are, whatever type they came in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from jobs.inputs.times import DATED, WITHOUT_ZONE
from jobs.inputs.values import NUMBER
from jobs.surfaces.first_rows.plausible import PER_SECOND, YEARS

MOSTLY: Final = 0.99
NEARLY_ALL: Final = 0.999
WHOLE: Final = r"[+-]?\d{1,18}"
DATE: Final = r"\d{4}-\d{1,2}-\d{1,2}"
UTC: Final = r"\s*(?:UTC|GMT)\s*$"
TRUTHS: Final = frozenset({"true", "false"})
NULL_WORDS: Final = ("NULL", "null", "\\N", "NA", "N/A", "nan", "NaN", "None", "none", "-", "?")
UNMISTAKABLE: Final = frozenset({"\\N", "NULL", "null"})
# What engines do not read as a time, and people take for one.
OTHER_TIMES: Final = re.compile(r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4}.*|\d{4}/\d{1,2}/\d{1,2}.*|(19|20)\d{6}(\d{2,9})?")
AS_TIMES: Final = "write them as 2026-11-20 10:00:00, or as epoch seconds"
COMMA: Final = re.compile(r"\d+,\d+")


@dataclass(frozen=True)
class Column:
    """A column of a sample.

    Attributes:
        name: As the log has it.
        kind: `integer`, `number`, `truth`, `time`, `date`, `text`, or `other`: lists and what else no role is for.
        values: Those that are there, as text, numbers, or times, by the numbers of their rows.
        rows: How many rows there are, with those that have no value.
        zoned: Whether its times say their zone.
        typed: Whether the log itself says of what type it is: then text is neither a number nor a time to engines.
        mixed: Why it has no values though files have some: they have them in several types.
    """

    name: str
    kind: str
    values: pd.Series[Any]
    rows: int
    zoned: bool = True
    typed: bool = True
    mixed: str | None = None

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(self.values.nunique())

    @property
    def absent(self) -> float:
        """The share of rows without a value."""
        return 1.0 - len(self.values) / self.rows if self.rows else 1.0

    @property
    def unique(self) -> float:
        """Different values for each row that has one."""
        return self.distinct / len(self.values) if len(self.values) else 0.0

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The values as numbers, NaN where one is none."""
        return _numbers(self.values)

    @property
    def series(self) -> pd.Series[Any]:
        """The numbers by the numbers of their rows."""
        return pd.Series(self.numbers, index=self.values.index)

    @cached_property
    def binary(self) -> str | None:
        """`binary` for 0 and 1 or true and false, `signed` for −1 and 1, else None."""
        if self.kind not in ("integer", "number", "truth") or not len(self.values):
            return None
        # A real log has rows that are wrong; of a column of counts more are.
        if np.isin(self.numbers, (0.0, 1.0)).mean() >= NEARLY_ALL:
            return "binary"
        both = {-1.0, 1.0} <= set(np.unique(self.numbers))
        return "signed" if both and np.isin(self.numbers, (-1.0, 1.0)).mean() >= NEARLY_ALL else None

    @property
    def probable(self) -> bool:
        """Whether nearly all values are numbers from 0 to 1 and some lie between."""
        if self.kind != "number" or not len(self.values):
            return False
        inside = (self.numbers >= 0.0) & (self.numbers <= 1.0)
        return bool(inside.mean() >= MOSTLY) and self.binary is None

    @property
    def examples(self) -> str:
        """Values to be shown: the least and the greatest of numbers, else the first."""
        if not len(self.values):
            return "no value"
        if self.kind in ("integer", "number"):
            least, greatest = np.nanmin(self.numbers), np.nanmax(self.numbers)
            return f"from {least:.6g} to {greatest:.6g}"
        return f"such as {str(self.values.iloc[0])[:40]!r}"

    @property
    def unit(self) -> str | None:
        """The unit in which integers are times of our days, or None."""
        if self.kind != "integer" or not len(self.values):
            return None
        return next((unit for unit, per in PER_SECOND.items() if self._of_our_days(per)), None)

    @cached_property
    def moments(self) -> pd.Series[Any]:
        """The values as times in UTC, NaT where one is none; only of a column that holds times."""
        if self.unit is not None:
            return pd.to_datetime(self.values.astype("int64"), unit=self.unit, utc=True, errors="coerce")  # type: ignore[call-overload,no-any-return]
        if self.kind == "date" or not self.typed:
            texts = self.values.astype(str).str.replace(UTC, "Z", regex=True)
            return pd.to_datetime(texts, utc=True, format="ISO8601", errors="coerce")
        return pd.to_datetime(self.values, utc=True, errors="coerce")

    @property
    def tells_time(self) -> bool:
        """Whether some of its values are times that can be read."""
        timed = self.kind in ("time", "date") or self.unit is not None
        return timed and bool(self.moments.notna().any())

    def _of_our_days(self, per_second: int) -> bool:
        first, last = (pd.Timestamp(year, 1, 1).timestamp() * per_second for year in (YEARS.start, YEARS.stop))
        inside = (self.numbers >= first) & (self.numbers < last)
        return bool(inside.mean() >= MOSTLY)


def columns_of(table: pa.Table, *, is_text: bool) -> dict[str, Column]:
    """The columns of a sample by their names; of text what it spells."""
    return {
        name: _of_text(name, table[name]) if is_text else _typed(name, table[name])
        for name in table.column_names
        if name
    }


def _typed(name: str, column: pa.ChunkedArray) -> Column:
    type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return Column(name, "text", _present(column).astype(str), len(column))
    kind = _kind(type_)
    values = pd.Series([], dtype="float64") if kind == "other" else _present(column)
    zoned = not pa.types.is_timestamp(type_) or type_.tz is not None
    return Column(name, kind, values, len(column), zoned)


def _present(column: pa.ChunkedArray) -> pd.Series[Any]:
    """The values that are there by the numbers of their rows: with NULLs among them integers would become doubles."""
    values = column.drop_null().to_pandas()
    values.index = pd.Index(np.flatnonzero(column.is_valid().to_numpy()))
    return values  # type: ignore[no-any-return]


def _kind(type_: pa.DataType) -> str:
    kinds = {
        "truth": pa.types.is_boolean,
        "integer": pa.types.is_integer,
        "number": lambda t: pa.types.is_floating(t) or pa.types.is_decimal(t),
        "time": pa.types.is_timestamp,
        "date": pa.types.is_date,
    }
    if pa.types.is_decimal(type_) and type_.scale == 0:
        return "integer"
    return next((kind for kind, fits in kinds.items() if fits(type_)), "other")


def _of_text(name: str, column: pa.ChunkedArray) -> Column:
    texts = _present(column).astype(str)
    texts = texts[~texts.isin(null_words({name: texts}).get(name, []))]
    kind = _spelled(texts)
    zoned = kind != "date" and (kind != "time" or bool(texts.str.fullmatch(WITHOUT_ZONE).mean() < 0.5))
    return Column(name, kind, _meant(texts, kind), len(column), zoned, typed=False)


def _meant(texts: pd.Series[str], kind: str) -> pd.Series[Any]:
    """Texts as what they spell; times and dates stay text, as engines read them."""
    if kind == "integer":
        return texts.astype("int64")
    if kind == "truth":
        return texts.str.strip().str.lower() == "true"
    return pd.Series(_numbers(texts), index=texts.index) if kind == "number" else texts


def _spelled(values: pd.Series[Any]) -> str:
    """What texts spell, nearly all of them."""
    if not len(values):
        return "text"
    stripped = values.str.strip()
    if stripped.str.lower().isin(TRUTHS).all():
        return "truth"
    patterns = {"integer": WHOLE, "number": NUMBER, "date": DATE, "time": f"{DATED}.*"}
    for kind, pattern in patterns.items():
        least = 1.0 if kind == "integer" else MOSTLY
        if stripped.str.fullmatch(pattern).mean() >= least:
            return kind
    return "text"


def null_words(texts: Mapping[str, pd.Series[Any]]) -> dict[str, list[str]]:
    r"""The words of each column that stand for no value, by the columns that have any.

    In a column of which all else are numbers or times those are all such words. `\N` is one in any, and so is `NULL`
    where it is one somewhere; NA may be a country, and - one of the values.
    """
    odd = {name: [*values[values.isin(NULL_WORDS)].unique()] for name, values in texts.items()}
    sure = {
        name for name, values in texts.items() if odd[name] and _spelled(values[~values.isin(NULL_WORDS)]) != "text"
    }
    everywhere = {"\\N", *(word for name in sure for word in odd[name] if word in UNMISTAKABLE)}
    found = {name: [word for word in odd[name] if name in sure or word in everywhere] for name in texts}
    return {name: words for name, words in found.items() if words}


HINDRANCES: Final = (
    (COMMA.pattern, False, "numbers with a comma; write them with a point, as 0.07"),
    (OTHER_TIMES.pattern, False, f"times that engines do not read; {AS_TIMES}"),
    (f"{DATED}.*", True, "times in a column of text; write them as timestamps"),
    (NUMBER, True, "numbers in a column of text; write them as numbers"),
)


def hindered(column: Column) -> str | None:
    """What keeps a column from being read as what it looks like, and the mend; None where nothing does."""
    if column.mixed or not len(column.values) or column.kind not in ("text", "integer") or column.unit is not None:
        return column.mixed
    texts = column.values.astype(str).str.strip()
    for pattern, of_typed, told in HINDRANCES:
        fits = column.typed or not of_typed
        if fits and (column.kind == "text" or of_typed is False) and texts.str.fullmatch(pattern).mean() >= MOSTLY:
            return told
    return None


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    if values.dtype == object:
        values = values.map(lambda value: float(value) if not isinstance(value, str) else value)
    found: NDArray[np.float64] = pd.to_numeric(values, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    return found
