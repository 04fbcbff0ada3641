"""That some cells are what the rows of the logs give: read, joined and summed once more, by other means."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from jobs.audit.evidence import Evidence
from jobs.audit.inputs import GoneError, found_again
from jobs.audit.recount.impressions import Cell
from jobs.audit.recount.reading import UnreadableError
from jobs.audit.same import described
from jobs.audit.statement import Statement, equal, sure, unknown

if TYPE_CHECKING:
    from jobs.audit.recount.cells import Sum

MOST_ROWS: Final = 20_000  # of a cell: with 50 digits a row takes a tenth of a millisecond for each task and model
ALL_ROWS: Final = 200_000  # of all cells together


def sample(of: Evidence) -> Iterator[Statement]:
    """Some cells are what the rows of the logs give, joined by Arrow and Python and summed with 50 digits by mpmath."""
    if of.run is None:
        yield unknown("statistics", "no run was done whose logs could be read")
        return
    try:
        yield from _recounted(of)
    except (GoneError, UnreadableError) as error:
        yield unknown("logs", str(error))


def _recounted(of: Evidence) -> Iterator[Statement]:
    from jobs.audit.recount.cells import Recount  # noqa: PLC0415 - loads mpmath, which nothing else takes

    assert of.run is not None
    recount = Recount.of(of.settings, of.run, found_again(of.session, of.settings, of.run))
    in_day = of.run["rows_read"] - of.run["rows_outside"]
    yield equal("runs: rows of the day", in_day, recount.examples.shown.counted())
    cells = _chosen(of)
    if not cells and of.tables["statistics"].num_rows:
        yield unknown("statistics", f"every cell has more than {MOST_ROWS:,} rows")
        return
    found, ambiguous = recount.sums(cells)
    stored = _stored(of, cells)
    names = ["task", "model", *of.settings.dimensions]
    for key in sorted(key for key in found.keys() | stored.keys() if key[2] in cells):
        place = f"statistics at {described(names, (*key[:2], *key[2]))}"
        if key[2] in ambiguous:
            yield unknown(place, "copies of an impression there are told apart by a hash of their columns alone")
        else:
            yield from _of_key(place, stored.get(key), found.get(key, {}))


def _of_key(place: str, row: Mapping[str, Any] | None, sums: Mapping[str, Sum]) -> Iterator[Statement]:
    """The sums of a task and model in one cell."""
    if row is None or not sums:
        yield sure(place, "no row" if row is None else "a row", "one" if sums else "none", holds=False)
        return
    for column, expected in sorted(sums.items()):
        yield _held(f"{place}, {column}", row[column], expected)


def _held(place: str, found: Any, expected: Sum) -> Statement:
    """That a stored sum is as near to the true one as its roundings let it be."""
    if found is None:
        return unknown(place, "a sum that was too large to be recorded")
    return sure(place, found, expected, holds=expected.is_near(found))


def _stored(of: Evidence, cells: set[Cell]) -> dict[tuple[str, str, Cell], dict[str, Any]]:
    """The rows of some cells, as the tables have them."""
    rows, dimensions = of.tables["statistics"], of.settings.dimensions
    keys = rows.select(["task", "model", *dimensions]).to_pylist()
    every = [(key["task"], key["model"], tuple(key[name] for name in dimensions)) for key in keys]
    chosen = [i for i, (_, _, cell) in enumerate(every) if cell in cells]
    some = rows.take(pa.array(chosen, pa.int64())).to_pylist()
    return {every[i]: row for i, row in zip(chosen, some, strict=True)}


def _chosen(of: Evidence) -> set[Cell]:
    """Some cells, by a hash of the run and of their names: none above the rows that are computed."""
    rows: dict[Cell, int] = defaultdict(int)
    for row in _counts(of.tables["statistics"], of.settings.dimensions).to_pylist():
        cell = tuple(row[name] for name in of.settings.dimensions)
        rows[cell] = max(rows[cell], row["n"] + row["unscored"])
    chosen: set[Cell] = set()
    left = ALL_ROWS
    for cell in sorted(rows, key=lambda cell: _hash(of, cell)):
        if len(chosen) < of.sample and rows[cell] <= min(MOST_ROWS, left):
            chosen.add(cell)
            left -= rows[cell]
    return chosen


def _counts(statistics: pa.Table, dimensions: Sequence[str]) -> pa.Table:
    return statistics.select([*dimensions, "n", "unscored"])


def _hash(of: Evidence, cell: Cell) -> str:
    assert of.run is not None
    return hashlib.sha256(repr((of.run["run_id"], cell)).encode()).hexdigest()
