"""One narrow scan of the dimensions: which cells occur in the day, what each declared slice is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.errors import ContractError, RuntimeFailure
from jobs.examples.slices import Cell, Slices, Texts, declared
from jobs.inputs.impressions import dimension_columns
from jobs.settings import Evaluation
from udfs.exact.arrays import IntArray

NULL, OTHER = "(null)", "(other)"
MAX_COMBINATIONS = 2_000_000  # what the driver is ready to hold before values are folded

Of = tuple[str, int]  # what is asked of which task × model
Largest = Mapping[Of, float]


@dataclass(frozen=True)
class Asked:
    """What the scan finds besides: the largest of a column over all rows, or where it is `added` its sum."""

    column: Column
    added: bool = False

    def merged(self, column: Column | str) -> Column:
        """The column, or parts of what is asked, as one number."""
        return F.sum(column) if self.added else F.max(column)


@dataclass(frozen=True)
class Cells:
    """The cells of a day.

    Attributes:
        read: Rows of the source.
        outside: Rows of other days.
        dimensions: Their names.
        cells: Dimension values of each cell, as they stand in the tables.
        codes: The 64-bit codes of all combinations, ascending.
        cell_of_code: For each code the number of its cell; folded combinations share one.
        salt: What `code` was computed with.
        slices: One for every declared slice.
        largest: The largest or the sum of what was asked for besides; none of what has no value at all.
    """

    read: int
    outside: int
    dimensions: tuple[str, ...]
    cells: list[Cell]
    codes: IntArray
    cell_of_code: IntArray
    salt: int
    slices: list[Slices]
    largest: Largest = field(default_factory=dict)

    @property
    def in_day(self) -> int:
        """Rows of the day."""
        return self.read - self.outside

    @property
    def texts(self) -> Texts:
        """The declared slices by their dimensions."""
        return {slices.dimensions: slices.texts for slices in self.slices}


def code(settings: Evaluation, salt: int) -> Column:
    """The 64-bit code of a row's combination. A NULL says so itself, as xxhash64 skips it."""
    names = dimension_columns(settings)
    columns = [part for name in names for part in (F.col(name).isNull(), F.col(name))]
    return F.xxhash64(F.lit(salt), *columns)


def scanned(impressions: DataFrame, settings: Evaluation, asked: Mapping[Of, Asked] | None = None) -> Cells:
    """Count the combinations of dimension values that occur in the day, and find what is asked besides.

    Raises:
        ContractError: More than `limits.cells` cells, or than `MAX_COMBINATIONS` before values are folded; it names
            the dimension to blame (exit 2).
    """
    names = dimension_columns(settings)
    for salt in range(8):
        counted = _counted(impressions, names, code(settings, salt), asked or {})
        if counted.num_rows > MAX_COMBINATIONS:
            found = f"more than {MAX_COMBINATIONS:,} combinations of values, which is all that a run folds into cells"
            raise _too_many(found, _distinct(impressions, settings), "Coarsen {0!r} in a view")
        inside = counted.filter(counted["in_day"])
        codes = inside["code"].to_numpy()
        if np.unique(codes).size == codes.size:
            break
    else:
        raise RuntimeFailure("dimensions: no salt gives every combination a code of its own")
    rows: list[int] = inside["inside"].to_pylist()
    read = sum(counted["all"].to_pylist())
    raw = list(zip(*(inside[name].to_pylist() for name in names), strict=True)) or [()] * len(rows)
    folded = _folded(raw, rows, settings)
    cells = sorted(set(folded))
    if len(cells) > settings.limits.cells:
        values = {d: len({c[i] for c in cells}) for i, d in enumerate(settings.dimensions)}
        found = f"more than {settings.limits.cells:,} cells (limits.cells)"
        raise _too_many(found, values, "Cap the worst with limits.values: {{{0}: 1000}}")
    number = {cell: i for i, cell in enumerate(cells)}
    order = np.argsort(codes)
    return Cells(
        read=read,
        outside=read - sum(rows),
        dimensions=tuple(settings.dimensions),
        cells=cells,
        codes=codes[order],
        cell_of_code=np.array([number[cell] for cell in folded], dtype=np.int64)[order],
        salt=salt,
        slices=declared(cells, settings),
        largest=_largest(counted, asked or {}),
    )


def _largest(counted: pa.Table, asked: Mapping[Of, Asked]) -> dict[Of, float]:
    parts = {of: counted[_column(of)] for of in asked}
    found = {of: (pc.sum if each.added else pc.max)(parts[of]).as_py() for of, each in asked.items()}
    return {of: value for of, value in found.items() if value is not None}


def _column(of: Of) -> str:
    name, number = of
    return f"{name}_{number}"


def encoded(value: str | None) -> str:
    """A dimension value as it stands in the tables; what is in brackets is always ours.

    Example:
        >>> encoded("a=b, (c)"), encoded("(other)"), encoded(None)
        ('a%3Db%2C (c)', '%28other)', '(null)')
    """
    if value is None:
        return NULL
    text = value.replace("%", "%25").replace(",", "%2C").replace("=", "%3D")
    return "%28" + text[1:] if text.startswith("(") else text


def _counted(impressions: DataFrame, names: Sequence[str], code: Column, asked: Mapping[Of, Asked]) -> pa.Table:
    # Rows of other days are counted beside those of the day: as a key of its own the day would cost as much again.
    extremes = [each.merged(each.column).alias(_column(of)) for of, each in asked.items()]
    counts_of = (F.count(F.lit(1)).alias("all"), F.count_if("in_day").alias("inside"))
    both = impressions.groupBy(*names).agg(*counts_of, *extremes)
    # Their values are of no interest, and may be very many.
    in_day = F.col("inside") > 0
    keys = [F.when(in_day, F.col(name)).alias(name) for name in names]
    sums = [F.sum(name).alias(name) for name in ("all", "inside")]
    sums += [each.merged(_column(of)).alias(_column(of)) for of, each in asked.items()]
    counts = both.groupBy(in_day.alias("in_day"), *keys).agg(*sums)
    return counts.withColumn("code", code).limit(MAX_COMBINATIONS + 1).toArrow()


def _folded(raw: Sequence[tuple[str | None, ...]], rows: Sequence[int], settings: Evaluation) -> list[Cell]:
    """Each combination with its values encoded, rarer values of a capped dimension as `(other)`."""
    columns = []
    for i, dimension in enumerate(settings.dimensions):
        limit = settings.limits.values.get(dimension)
        values = [combination[i] for combination in raw]
        kept = None if limit is None else _most_frequent(values, rows, limit)
        names = {v: encoded(v) if kept is None or v is None or v in kept else OTHER for v in set(values)}
        columns.append([names[value] for value in values])
    return list(zip(*columns, strict=True)) or [()] * len(raw)


def _most_frequent(values: Sequence[str | None], rows: Sequence[int], limit: int) -> set[str]:
    """The `limit` values with most rows, ties by value; NULL is never folded and takes no place."""
    counts: Counter[str] = Counter()
    for value, count in zip(values, rows, strict=True):
        if value is not None:
            counts[value] += count
    return set(sorted(counts, key=lambda value: (-counts[value], value))[:limit])


def _distinct(impressions: DataFrame, settings: Evaluation) -> dict[str, int]:
    columns = zip(dimension_columns(settings), settings.dimensions, strict=True)
    counts = [F.countDistinct(column).alias(dimension) for column, dimension in columns]
    row = impressions.where("in_day").agg(*counts).collect()[0]
    return dict(row.asDict())


def _too_many(found: str, values: dict[str, int], mend: str) -> ContractError:
    worst = max(values, key=lambda dimension: values[dimension])
    listed = ", ".join(f"{d} has {n:,}" for d, n in values.items())
    return ContractError(
        f"dimensions: {found}; of values, {listed}. {mend.format(worst)}, or take {worst!r} out of dimensions"
    )
