"""Sums in natural units: from the units of the pass for the metrics, and what of it fits the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from jobs.inputs.scorings import Scoring
from jobs.results.slice_sums import KEYS
from udfs.exact.decimals import DECIMAL, SCALE
from udfs.exact.units import DAY_LIMIT
from udfs.measure import Statistic

WIDE = pa.decimal256(76, SCALE)
FACTOR = pa.decimal256(38, 0)
Tables = Mapping[str, pa.Table]


def natural(tables: Tables, scorings: Sequence[Scoring], statistics: Mapping[str, Statistic]) -> dict[str, pa.Table]:
    """Tables of sums in natural units, exactly: in wider decimals where a task has units of its own.

    Args:
        tables: Rows of each table, their sums in the units of each task.
        scorings: Every task × model with its units.
        statistics: Every statistic by its column.
    """
    units = {s.task: (int(s.weight_unit), int(s.value_unit)) for s in scorings}
    if all(unit == (1, 1) for unit in units.values()):
        return dict(tables)
    factors = {
        column: {task: _factor(statistic, *own) for task, own in units.items()}
        for column, statistic in statistics.items()
    }
    return {name: _multiplied(table, factors) for name, table in tables.items()}


def _multiplied(table: pa.Table, factors: Mapping[str, Mapping[str, int]]) -> pa.Table:
    for column in _sums_of(table):
        values = _times(table[column], table["task"], factors[column])
        table = table.set_column(table.column_names.index(column), column, values)
    return table


def _factor(statistic: Statistic, weight_unit: int, value_unit: int) -> int:
    return int(weight_unit**statistic.weight_degree * value_unit**statistic.value_degree)


def _times(values: pa.ChunkedArray, tasks: pa.ChunkedArray, factors: Mapping[str, int]) -> pa.ChunkedArray:
    number = pc.index_in(tasks, value_set=pa.array(list(factors)))
    of_row = pa.array([Decimal(factor) for factor in factors.values()], type=FACTOR).take(number.combine_chunks())
    return pc.multiply(values.cast(pa.decimal256(DECIMAL.precision, SCALE)), of_row).cast(WIDE)


def narrowed(tables: Tables) -> dict[str, pa.Table]:
    """Tables whose sums are DECIMAL(37,15) again.

    A column of a task × model of which a day may have more than a thousandth of what fits is NULL, not recorded: an
    engine that adds up many days wraps without a word.
    """
    wide = {name: table for name, table in tables.items() if any(table[c].type == WIDE for c in _sums_of(table))}
    over: dict[str, set[tuple[str, str]]] = {}
    for table in wide.values():
        for column in _sums_of(table):
            over.setdefault(column, set()).update(_too_large(table, column))
    return {name: _narrow(table, over) if name in wide else table for name, table in tables.items()}


def _sums_of(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_decimal(field.type)]


def _too_large(table: pa.Table, column: str) -> set[tuple[str, str]]:
    """The tasks × models of which a column is too large, over all rows or those of any slice."""
    keys = [key for key in KEYS if key in table.column_names]
    sizes = table.select(keys).append_column("size", pc.abs(table[column]))
    added = sizes.group_by(keys).aggregate([("size", "sum")])
    large = added.filter(pc.greater(added["size_sum"], pa.scalar(Decimal(DAY_LIMIT))))
    return set(zip(large["task"].to_pylist(), large["model"].to_pylist(), strict=True))


def _narrow(table: pa.Table, over: Mapping[str, set[tuple[str, str]]]) -> pa.Table:
    pairs = list(zip(table["task"].to_pylist(), table["model"].to_pylist(), strict=True))
    for column in _sums_of(table):
        lost = pa.array([pair in over[column] for pair in pairs], type=pa.bool_())
        values = pc.if_else(lost, pa.scalar(None, WIDE), table[column]).cast(DECIMAL)
        table = table.set_column(table.column_names.index(column), pa.field(column, DECIMAL), values)
    return table
