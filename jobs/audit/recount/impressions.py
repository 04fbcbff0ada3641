"""The impressions of a few cells, found among all rows of the day: with their copies, by the values of dimensions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.inputs import Found
from jobs.audit.recount import values
from jobs.audit.recount.reading import UnreadableError, batches
from jobs.day import Day, micros
from jobs.settings import Evaluation, TimeColumn
from udfs.kinds import KINDS

NULL: Final = "(null)"
OTHER: Final = "(other)"
TIME: Final = "\0time"  # beside the user's columns
Cell = tuple[str, ...]
Raw = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """The impressions of a day.

    Attributes:
        settings: What the run was configured with.
        found: The source.
        day: The day.
        columns: The columns that are read of a row, each once.
    """

    settings: Evaluation
    found: Found
    day: Day
    columns: Sequence[str]

    @property
    def _clock(self) -> TimeColumn | None:
        return self.settings.impressions.columns.time

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows of the day; those without a time belong to it."""
        clock, partition = self._clock, self.settings.day.partition
        names = [*dict.fromkeys([*columns, *([clock.column] if clock else []), *([partition] if partition else [])])]
        for batch in batches(self.found, names):
            rows = pa.Table.from_batches([batch])
            if clock is None:
                yield rows.append_column(TIME, pa.nulls(rows.num_rows, pa.int64()))
                continue
            times = values.moments(rows[clock.column].combine_chunks(), clock, self.day.timezone)
            rows = rows.append_column(TIME, times)
            inside = pc.and_(pc.greater_equal(times, micros(self.day.start)), pc.less(times, micros(self.day.end)))
            yield rows.filter(self._belongs(rows, inside))

    def _belongs(self, rows: pa.Table, inside: pa.Array) -> pa.Array:
        """Rows of the day; without a time those of its partition."""
        partition = self.settings.day.partition
        if partition is None:
            return inside.fill_null(True)
        own = pc.is_in(rows[partition].cast(pa.string()), value_set=pa.array(self.day.spellings))
        return pc.coalesce(inside, own.combine_chunks() if isinstance(own, pa.ChunkedArray) else own)

    def counted(self) -> int:
        """How many rows are of the day."""
        return sum(rows.num_rows for rows in self.batches(()))

    def kept(self) -> dict[str, set[str]]:
        """Of dimensions whose values are capped those that are kept, by rows and then by name."""
        limits = self.settings.limits.values
        capped = {name: limits[name] for name in self.settings.dimensions if name in limits}
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for rows in self.batches(list(capped)) if capped else ():
            for name in capped:
                for each in pc.value_counts(rows[name]).to_pylist():
                    if each["values"] is not None:
                        counts[name][str(values.text(each["values"]))] += each["counts"]
        return {
            name: set(sorted(counts[name], key=lambda value: (-counts[name][value], value))[:limit])
            for name, limit in capped.items()
        }

    def of_cells(self, cells: Collection[Cell], kept: Mapping[str, set[str]]) -> list[Raw]:
        """The rows of some cells."""
        found: list[Raw] = []
        dimensions = self.settings.dimensions
        wanted = [{cell[i] for cell in cells} for i in range(len(dimensions))]
        for batch in self.batches(self.columns):
            rows = batch
            for name, some in zip(dimensions, wanted, strict=True):
                rows = rows.filter(_among(rows[name], some, kept.get(name)))
            for row in rows.to_pylist():
                cell = tuple(spelled(row[name], kept.get(name)) for name in dimensions)
                found += [row] if cell in cells else []
        return found

    def where(self, name: str, texts: Collection[str]) -> list[Raw]:
        """Every row of the day with one of these values in a column of ids."""
        wanted = pa.array(sorted(texts), pa.string())
        found: list[Raw] = []
        for rows in self.batches(self.columns):
            found += rows.filter(pc.is_in(rows[name].cast(pa.string()), value_set=wanted)).to_pylist()
        return found

    def usable(self, row: Raw) -> dict[str, Any] | None:
        """The labels in a row by name; None where a key, the time or a label rejects it."""
        columns = self.settings.impressions.columns
        grouped = any(KINDS[kind].of_groups for kind in self.settings.kinds)
        keys = [columns.id, columns.group if grouped else None]
        if any(row[name] is None for name in keys if name) or (self._clock is not None and row[TIME] is None):
            return None
        ranked = {task.label for task in self.settings.tasks.values() if KINDS[task.kind].of_groups}
        found = {name: values.label(row[own.column], own) for name, own in self.settings.label_columns.items()}
        for name, value in found.items():
            if value is None or (name in ranked and isinstance(value, float) and value < 0.0):
                return None
        return found


def spelled(raw: Any, kept: set[str] | None) -> str:
    """A value of a dimension as the tables have it.

    Example:
        >>> spelled("a=b", None), spelled(None, set()), spelled("rare", {"DE"})
        ('a%3Db', '(null)', '(other)')
    """
    value = values.text(raw)
    if value is None:
        return NULL
    if kept is not None and value not in kept:
        return OTHER
    quoted = value.replace("%", "%25").replace(",", "%2C").replace("=", "%3D")
    return "%28" + quoted[1:] if quoted.startswith("(") else quoted


def _among(column: pa.ChunkedArray, wanted: Collection[str], kept: set[str] | None) -> pa.Array:
    """Which values are spelled as one of those that are wanted."""
    codes = column.combine_chunks()
    if pa.types.is_floating(codes.type) or pa.types.is_decimal(codes.type) or pa.types.is_timestamp(codes.type):
        raise UnreadableError(f"a dimension of type {codes.type}, which engines spell in their own way")
    codes = codes.dictionary_encode(null_encoding="encode")
    known = pa.array([spelled(raw, kept) in wanted for raw in codes.dictionary.to_pylist()], pa.bool_())
    return known.take(codes.indices)
