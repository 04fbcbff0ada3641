"""What comparisons say: for people a sentence for each task of each, for programs the same as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from udfs.kinds import KINDS

AREA = "auc"
TOLD = (*dict.fromkeys(kind.loss for kind in KINDS.values()), "normalized_entropy", AREA)

OF_THE_RUN = ("event_date", "age_hours", "as_of", "run_id", "provisional")


def facts(comparisons: pa.Table | None) -> list[dict[str, Any]]:
    """The totals of what is told, as plain values."""
    return [
        {**row, "running_since": _iso(row["running_since"]), "verdict": _verdict(row)} for row in _told(comparisons)
    ]


def sentences(comparisons: pa.Table | None) -> Iterator[str]:
    """A line for each task of each comparison, of all impressions; one where the slices do not have them."""
    if comparisons is not None and comparisons.num_rows and not pc.any(pc.equal(comparisons["slice"], "")).as_py():
        yield "comparisons are of slices alone, as [] is none of `slices`: see the view slice_comparisons"
    told: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _told(comparisons):
        told.setdefault((row["comparison"], row["task"]), []).append(row)
    for (name, task), rows in told.items():
        head = f"{name}, {task}: {rows[0]['candidate']} {_verdict(rows[0])} {rows[0]['baseline']}"
        yield f"{head} on {rows[0]['n']:,} shared rows: {'; '.join(map(_number, rows))}{_running(rows[0])}"


def _told(comparisons: pa.Table | None) -> list[dict[str, Any]]:
    if comparisons is None:
        return []
    of_totals = pc.and_(pc.equal(comparisons["slice"], ""), pc.is_in(comparisons["metric"], pa.array(TOLD)))
    names = [name for name in comparisons.column_names if name not in OF_THE_RUN]
    rows: list[dict[str, Any]] = comparisons.filter(of_totals).select(names).to_pylist()
    return sorted(rows, key=lambda row: (row["comparison"], row["task"], TOLD.index(row["metric"])))


def _verdict(row: dict[str, Any]) -> str:
    """Less is better, but of the area more. Without an interval there is no verdict."""
    if row["ci_reason"] is not None:
        return "cannot be compared with"
    if row["ci_low"] <= 0.0 <= row["ci_high"]:
        return "is not told from"
    return "is better than" if (row["ci_high"] < 0.0) != (row["metric"] == AREA) else "is worse than"


def _number(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return f"{row['metric']} {row['reason']}"
    share = "" if row["relative_difference"] is None else f", {row['relative_difference']:+.2%}"
    ends = row["ci_reason"] if row["ci_low"] is None else f"{row['ci_low']:+.6f} to {row['ci_high']:+.6f}"
    return f"{row['metric']} {row['difference']:+.6f} ({ends}{share})"


def _running(row: dict[str, Any]) -> str:
    """The interval that may be read every night, of the loss."""
    if row["running_low"] is None:
        return ""
    return f"; since {row['running_since']} {row['running_low']:+.6f} to {row['running_high']:+.6f} at any time"


def _iso(day: Any) -> str | None:
    return None if day is None else str(day.isoformat())
