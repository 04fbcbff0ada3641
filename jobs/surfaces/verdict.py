"""What a run says at its end: for people a table and a sentence, for programs the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from jobs.engines.failures import told
from jobs.engines.session import acceleration
from jobs.errors import LossledgerError
from jobs.examples.left_out import of_weight
from jobs.results.outcome import Outcome
from jobs.safe_text import printable
from jobs.settings.durations import age_text
from jobs.surfaces import compared, gates, labels
from jobs.surfaces.screen import slices
from udfs.kinds import KINDS

SHOWN = ("log_loss", "normalized_entropy", "predicted_over_actual", "auc", "base_rate")
# What tells of tasks that have no log loss: a line each.
LOSSES = [*dict.fromkeys(kind.loss for kind in KINDS.values() if kind.loss not in SHOWN), "joint_loss"]


def of_outcome(outcome: Outcome) -> dict[str, Any]:
    """A run that is done, as plain values."""
    stamp = outcome.stamp
    return {
        "exit_code": exit_code(outcome),
        "run_id": stamp.run_id,
        "event_date": stamp.event_date.isoformat(),
        "age_hours": stamp.age_hours,
        "as_of": stamp.as_of.isoformat(),
        "rows": {name: value for name, value in vars(outcome.ledger).items() if isinstance(value, int)},
        "rejected": outcome.ledger.reasons,
        "label_events": {name: found.counts for name, found in outcome.events.items()},
        "provisional": list(outcome.provisional),
        "left_out": [each.facts for each in outcome.left_out],
        "not_final": _not_final(outcome),
        "labels": labels.facts(outcome.arrival),
        "warnings": list(outcome.warnings),
        "gates": _gates(outcome),
        "metrics": _overall(outcome),
        "comparisons": compared.facts(outcome.comparisons),
        "worst": list(outcome.worst),
        "accelerator": acceleration(),
        "stages": outcome.stages,
    }


def of_error(error: Exception) -> dict[str, Any]:
    """A run that ended otherwise, as plain values."""
    code = error.exit_code if isinstance(error, LossledgerError) else 3
    return {"exit_code": code, "error": told(error, whole=True)}


def show(outcome: Outcome, *, as_json: bool, following: Iterable[str] = ()) -> None:
    """Print the verdict, with what may follow it; the last line is the one to read."""
    facts = of_outcome(outcome)
    if as_json:
        print(json.dumps(facts))
        return
    console = Console(highlight=False)
    _draw(console, outcome, facts)
    for line in (*_losses(facts["metrics"]), *labels.nowcasts(facts["metrics"])):
        console.print(line, soft_wrap=True)
    judged = (*compared.sentences(outcome.comparisons), *_worst(outcome.worst), *gates.lines(_gates(outcome)))
    for line in (*_remarks(outcome), *judged):
        console.print(printable(line), soft_wrap=True, markup=False)
    accelerated = acceleration()
    for line in (*([accelerated] if accelerated else ()), *following, _standing(outcome)):
        console.print(printable(line), soft_wrap=True, markup=False)
    rows = ", ".join(f"{value:,} {name}" for name, value in facts["rows"].items())
    done = f"done: {facts['event_date']} at age {age_text(facts['age_hours'])}: rows {rows}; run {facts['run_id']}"
    console.print(done, soft_wrap=True)


def _draw(console: Console, outcome: Outcome, facts: Mapping[str, Any]) -> None:
    """The tables: of all impressions every task and model, of the slices the largest."""
    title = f"all impressions of {facts['event_date']}, with 95 % intervals by shard of units"
    table = Table(*slices.whole("task", "model", *SHOWN, "n"), title=title)
    for row in facts["metrics"]:
        table.add_row(row["task"], row["model"], *(_text(row, name) for name in SHOWN), f"{row['n']:,}")
    console.print(table)
    if (sliced := slices.table(outcome.metrics, _known(outcome.metrics), _text)) is not None:
        console.print(sliced)


def _known(metrics: pa.Table) -> list[str]:
    """The metrics of the table that a night has: areas need score bins, which not every evaluation keeps."""
    there = set(metrics["metric"].unique().to_pylist())
    return [name for name in SHOWN if name in there]


def exit_code(outcome: Outcome) -> int:
    """0, or 1 where a gate fails: the numbers are written all the same."""
    return int(gates.fails(_gates(outcome)))


def _gates(outcome: Outcome) -> list[dict[str, Any]]:
    """Every gate in every slice."""
    return [] if outcome.gates is None else gates.plain(outcome.gates)


def _standing(outcome: Outcome) -> str:
    """Whether the numbers will stay as they are, and if not, why."""
    if outcome.provisional:
        return f"provisional, as {'; '.join(outcome.provisional)}"
    waiting = _not_final(outcome)
    why = "; ".join((f"labels can still change: {', '.join(waiting)}", *labels.late(outcome.arrival)))
    return f"complete, not final, as {why}" if waiting else "complete, final"


def _remarks(outcome: Outcome) -> list[str]:
    """What became of events, what was left out and what looks wrong, one line each; nothing is said twice."""
    left_out = (each.sentence for each in outcome.left_out)
    weight = of_weight(outcome.ledger.reasons)
    return [
        *([f"rejected: {outcome.ledger.rejected:,} rows, {weight}"] if weight else ()),
        *(f"labels.{name}: {found.sentence}" for name, found in outcome.events.items()),
        *labels.arriving(outcome.arrival),
        *(sentence for sentence in left_out if sentence not in outcome.warnings),
        *(f"warning: {warning}" for warning in outcome.warnings),
    ]


def _worst(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each of the worst slices of each task, or why there is none; what they are ranked by is in it."""
    for of in found:
        for row in of["slices"]:
            where = printable(f"{of['task']} {row['model']} {row['slice']}: {row['metric']}")
            spread = f"{(row['ci_high'] - row['ci_low']) / 2:.1g}"
            whole = "" if row["of"] is None else f" of {row['of']:.4g}"
            if row["against"] is None:
                yield f"worst: {where} {row['value']:.4g} ± {spread} ({row['harm']:.4g} positives off{whole})"
            else:
                harm = f"harm {row['harm']:.4g}{whole}"
                yield f"worst: {where} {row['value']:+.4g} ± {spread} against {row['against']} ({harm})"
        if of["reason"] is not None:
            yield f"worst: {of['task']}: slices not judged: {of['reason']}"
        elif not of["slices"]:
            against = f", also against {of['against']}" if of["against"] else ""
            yield f"worst: {of['task']}: none of {of['judged']} slices is worse than chance allows{against}"


def _losses(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The losses that have no column."""
    for row in rows:
        yield from (f"{row['task']} {row['model']}: {name} {_text(row, name)}" for name in LOSSES if name in row)
    if not rows:
        yield "none is of all impressions, as [] is none of `slices`: see the view slice_metrics"


def _overall(outcome: Outcome) -> list[dict[str, Any]]:
    """The metrics of the total, an entry per task and model: values or why there are none, and ends of intervals."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in outcome.metrics.filter(pc.equal(outcome.metrics["slice"], "")).to_pylist():
        key = (row["task"], row["model"])
        entry = found.setdefault(key, {**dict(zip(("task", "model"), key, strict=True)), "n": row["n"]})
        entry[row["metric"]] = row["value"] if row["reason"] is None else row["reason"]
        if row["ci_low"] is not None:
            entry.setdefault("intervals", {})[row["metric"]] = [row["ci_low"], row["ci_high"]]
    return list(found.values())


def _not_final(outcome: Outcome) -> list[str]:
    """The tasks whose labels can still change."""
    waiting = outcome.metrics.filter(pc.invert(outcome.metrics["is_final"]))
    return sorted(set(waiting["task"].to_pylist()))


def _text(row: dict[str, Any], name: str) -> str:
    """A value and half the width of its interval, or why there is no value."""
    value = row.get(name, "")
    if not isinstance(value, float):
        return str(value)
    low, high = row.get("intervals", {}).get(name, (value, value))
    return f"{value:.5g} ±{(high - low) / 2:.1g}" if high > low else f"{value:.6g}"
