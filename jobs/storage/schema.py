"""What a table of ours is to a writer: its columns with types and comments, its constraints, how it is partitioned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

TYPES: dict[str, pa.DataType] = {
    "date": pa.date32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "decimal(37,15)": pa.decimal128(37, 15),
}

# What a dimension is on a day on which it was none: no value of a log is spelled so, as a leading bracket is encoded.
NOT_RECORDED = "(not recorded)"


@dataclass(frozen=True)
class Column:
    """A column of a table: its SQL type, and a comment that gives its meaning and unit."""

    name: str
    type: str
    comment: str
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """A table, partitioned by event_date and age_hours.

    Attributes:
        name: Its short name.
        comment: What a row is.
        columns: All of them.
        checks: Constraints by name.
        dimensions: Those of its required columns that come and go with a configuration; None where none may. In rows
            of days without one it is `NOT_RECORDED`, or NULL where they were written before it was there.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    checks: Mapping[str, str]
    dimensions: tuple[str, ...] | None = None

    @property
    def properties(self) -> dict[str, str]:
        """What every writer is told by the table.

        Statistics of files, by which readers pass over them, are kept of texts only: delta-rs writes those of decimals
        as doubles, and a reader that trusts them does not find a sum of more than 15 digits.
        """
        if "decimal(37,15)" not in {column.type for column in self.columns}:
            return {}
        known = [column.name for column in self.columns if column.name in INDEXED]
        return {"delta.dataSkippingStatsColumns": ",".join(known)}

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the rows that are written."""
        return pa.schema([pa.field(c.name, TYPES[c.type], c.nullable) for c in self.columns])


PARTITION = (
    Column("event_date", "date", "Day of the impressions in the configured time zone", False),
    Column("age_hours", "int", "Hours from the end of the day to the moment up to which labels were known", False),
)
KEYS = [column.name for column in PARTITION]
INDEXED = ("task", "model", "slice", "metric", "run_id")
# The property of a table all of whose timestamps are int64; older ones may be INT96, which Apache Spark writes if let.
MICROS = ("lossledger.timestamps", "micros")


def filled(rows: pa.Table, required: Iterable[str]) -> pa.Table:
    """Rows with `(not recorded)` in the required columns that they lack: dimensions that a configuration goes without.

    >>> filled(pa.table({"n": [1]}), ["country"]).to_pylist()
    [{'n': 1, 'country': '(not recorded)'}]
    """
    for name in required:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.repeat(pa.scalar(NOT_RECORDED), rows.num_rows))
    return rows
