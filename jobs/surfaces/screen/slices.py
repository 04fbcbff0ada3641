"""The largest declared slices of a night as a table: of one task and model, the others are a query away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from rich.markup import escape
from rich.table import Column, Table

from jobs.safe_text import printable

SHOWN: Final = 8


def table(metrics: pa.Table, names: Sequence[str], text: Callable[[dict[str, Any], str], str]) -> Table | None:
    """A row for each of the largest slices with some metrics, of the first task and model; None where there is none."""
    found = largest(metrics, names)
    if not found:
        return None
    first = found[0]
    pair = f"{first['task']}, {first['model']}"
    count = first["slices"]
    title = f"slices of {pair}" if count <= SHOWN else f"the {SHOWN} largest of {count:,} slices of {pair}"
    drawn = Table(*whole("slice", *names, "n"), title=escape(printable(title)))
    for row in found:
        drawn.add_row(escape(printable(row["slice"])), *(text(row, name) for name in names), f"{row['n']:,}")
    return drawn


def whole(*names: str) -> list[Column]:
    """Columns that go on in the next line where a terminal is narrow: of a slice cut off its value would be gone."""
    return [Column(name, overflow="fold") for name in names]


def largest(metrics: pa.Table, names: Sequence[str]) -> list[dict[str, Any]]:
    """The largest slices of the first task and model, the largest first, with values or reasons and intervals.

    Each has `slices`: how many there are in all.
    """
    sliced = metrics.filter(pc.and_(pc.not_equal(metrics["slice"], ""), pc.is_in(metrics["metric"], pa.array(names))))
    if not sliced.num_rows:
        return []
    task, model = sliced["task"][0].as_py(), sliced["model"][0].as_py()
    own = sliced.filter(pc.and_(pc.equal(sliced["task"], task), pc.equal(sliced["model"], model)))
    entries: dict[str, dict[str, Any]] = {}
    for row in own.to_pylist():
        entry = entries.setdefault(row["slice"], {"task": task, "model": model, "slice": row["slice"], "n": row["n"]})
        _add(entry, row)
    ranked = sorted(entries.values(), key=lambda each: (-each["n"], each["slice"]))
    return [{**each, "slices": len(ranked)} for each in ranked[:SHOWN]]


def _add(entry: dict[str, Any], row: Mapping[str, Any]) -> None:
    entry[row["metric"]] = row["value"] if row["reason"] is None else row["reason"]
    if row["ci_low"] is not None:
        entry.setdefault("intervals", {})[row["metric"]] = [row["ci_low"], row["ci_high"]]
