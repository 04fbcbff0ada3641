"""What a run says of its labels: how much has arrived, what is late or missing, and what metrics will be in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.maturity.quiet import lags_in
from jobs.safe_text import printable
from udfs.catalog import metrics_of
from udfs.kinds import KINDS

MOST = 5  # slices whose labels lag that are told
OWN = (
    *("label", "slice", "verdict", "reason", "positives", "expected_positives", "expected_low", "expected_high"),
    *("share", "share_low", "share_high", "share_days", "retracted", "lasting_days", "arrival_shape"),
)
# As each is published, and the metric that it is a nowcast of.
NOWCASTS = {m.published_as({}): name for kind in KINDS for name, m in metrics_of(kind, "nowcast").items()}


def facts(rows: pa.Table | None) -> list[dict[str, Any]]:
    """The labels of all impressions, and those that are late or missing in a slice, as plain values."""
    if rows is None:
        return []
    lagging = pc.is_in(rows["verdict"], value_set=pa.array(["labels_late", "labels_missing"]))
    return rows.filter(pc.or_(pc.equal(rows["slice"], ""), lagging)).select(OWN).to_pylist()  # type: ignore[no-any-return]


def late(rows: pa.Table | None) -> list[str]:
    """A sentence for every label and slice that is late or missing, what lacks most first; of many the first."""
    found = [lag.sentence for lag in lags_in(rows)]
    more = [f"labels are late or missing in {len(found) - MOST:,} more slices"] if len(found) > MOST else []
    return [*map(printable, found[:MOST]), *more]


def arriving(rows: pa.Table | None) -> Iterator[str]:
    """A line for every label: how much of it has arrived, all impressions together."""
    for row in facts(rows):
        if row["slice"] == "" and row["positives"] is not None:
            told = f"labels.{row['label']}: {row['positives']:,.6g} positives by now"
            if row["share"] not in (None, 1.0):
                low, high = (f"{100.0 * row[end]:.3g}" for end in ("share_low", "share_high"))
                days = f"as on {row['share_days']} earlier days"
                told += f", {100.0 * row['share']:.3g} % [{low}, {high}] of the final ones, {days}"
            if row["retracted"]:
                told += f"; {row['retracted']:,.6g} or more of those before were taken back"
            yield told if row["verdict"] else f"{told}; not judged: {row['reason']}"


def nowcasts(metrics: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for every task and model whose labels still arrive: what its metrics will be, beside what they are."""
    for row in metrics:
        told = [
            f"{name} {_number(row, published)} (by now {row[name]:.5g})"
            for published, name in NOWCASTS.items()
            if isinstance(row.get(published), float) and isinstance(row.get(name), float)
        ]
        if told:
            yield f"nowcast: {row['task']} {row['model']}: {', '.join(told)}"


def _number(row: dict[str, Any], name: str) -> str:
    low, high = row.get("intervals", {}).get(name, (None, None))
    return f"{row[name]:.5g}" if low is None else f"{row[name]:.5g} [{low:.5g}, {high:.5g}]"
