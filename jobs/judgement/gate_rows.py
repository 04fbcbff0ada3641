"""Every gate of an evaluation in every slice that it asks for, as rows of `gate_results`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.gates import FAILED, NOT_JUDGED, UNDECIDED, Judged, judged
from jobs.judgement.maturity.quiet import Lags
from jobs.judgement.uncertainty.reaches import with_chance
from jobs.ledger.judgements import GATE_RESULTS, LABEL_ARRIVAL
from jobs.ledger.stamp import Stamp
from jobs.results.rows import selected, stamp_columns
from jobs.settings import Evaluation
from jobs.settings.judgement.gates import Gate
from jobs.settings.judgement.relations import metrics_of_model, nowcasts_of
from udfs.kinds import KINDS

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """The tables of a day that gates rest on, as rows by what identifies them.

    Attributes:
        metrics: By task, model, slice and metric.
        comparisons: By comparison, task, slice and metric.
        changes: By task, model, slice, metric and what the day is held against.
        quiet: Why models are not judged, or None.
        lags: The labels that are late or missing: models are not judged by them.
    """

    metrics: Mapping[tuple[str, ...], Row]
    comparisons: Mapping[tuple[str, ...], Row]
    changes: Mapping[tuple[str, ...], Row]
    quiet: str | None = None
    lags: Lags = field(default_factory=Lags)

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table], settings: Evaluation, quiet: str | None) -> Evidence:
        """The evidence in the tables of a day, of no other metrics than gates ask for; a table may be absent."""
        names = {name for gate in settings.gates.values() for name in _names(settings, gate) if name is not None}
        asked = pa.array(sorted(names), type=pa.string())
        rows = {name: _by(tables.get(name), keys, asked) for name, keys in KEYS.items()}
        return cls(**rows, quiet=quiet, lags=Lags.in_rows(tables.get(LABEL_ARRIVAL.name), settings))

    def against(self, gate: Gate, text: str) -> str | None:
        """Why a gate is not judged in a slice, or None: how many rows there are does not rest on labels."""
        if self.quiet is not None or gate.kind == "rows":
            return self.quiet
        lag = self.lags.touching(gate.task, text)
        return None if lag is None else lag.sentence


OWN = ("gate", "slice", "verdict", "fails", "sentence", "value", "low", "high", "least", "most")
KEYS = {
    "metrics": ("task", "model", "slice", "metric"),
    "comparisons": ("comparison", "task", "slice", "metric"),
    "changes": ("task", "model", "slice", "metric", "against"),
}


@dataclass(frozen=True)
class Result:
    """A gate in one slice, and whether the night fails by it."""

    gate: str
    slice: str
    judged: Judged
    fails: bool

    @property
    def row(self) -> dict[str, Any]:
        """The same as a row of `gate_results`, but for what every row of a run carries."""
        asked = self.judged.asked
        numbers = {} if asked is None else asked._asdict()
        own = {"gate": self.gate, "slice": self.slice, "fails": self.fails, **vars(self.judged), **numbers}
        return {name: _finite(own.get(name)) for name in OWN}


def results(settings: Evaluation, evidence: Evidence) -> list[Result]:
    """Judge every gate in every slice that it asks for."""
    texts = _texts(evidence)
    return [
        Result(name, text, told, _fails(gate, told))
        for name, gate in settings.gates.items()
        for text, told in _of_gate(settings, gate, evidence, texts)
    ]


def _of_gate(
    settings: Evaluation, gate: Gate, evidence: Evidence, texts: Mapping[tuple[str, ...], list[str]]
) -> Iterator[tuple[str, Judged]]:
    name, by_now = _names(settings, gate)
    sign = 1 if metrics_of_model(settings, gate.task)[name].better == "more" else -1
    for names in gate.slices:
        dimensions = tuple(name for name in settings.dimensions if name in names)
        # Of dimensions without a slice nothing is there, which is told once.
        for text in texts.get(dimensions) or [",".join(f"{name}=?" for name in dimensions)]:
            row = _row(gate, name, evidence, text)
            if by_now is not None:
                row = _foreseen(settings, gate, row, _row(gate, by_now, evidence, text))
            yield text, judged(gate, row, quiet=evidence.against(gate, text), sign=sign)


def _names(settings: Evaluation, gate: Gate) -> tuple[str, str | None]:
    """The metric that a gate asks for, and where that is a nowcast the one that it is of.

    How many rows there are, and whether labels are final, stands beside every metric: beside the loss, too.
    """
    name = gate.metric or KINDS[settings.tasks[gate.task].kind].loss
    nowcast = nowcasts_of(settings, gate.task).get(name)
    return name, None if nowcast is None else nowcast.name


def _foreseen(settings: Evaluation, gate: Gate, nowcast: Row | None, by_now: Row | None) -> Row | None:
    """The evidence of a gate that asks what a metric will be; once labels no longer change, that is what it is."""
    if nowcast is not None:
        # The interval of a change holds chance already.
        return nowcast if gate.against is not None else with_chance(nowcast, by_now)
    if by_now is None or settings.is_final(by_now["age_hours"], gate.task):
        return by_now
    return {"metric": gate.metric, "reason": "no_nowcast"}


def _row(gate: Gate, metric: str, evidence: Evidence, text: str) -> Row | None:
    """The evidence of a gate in a slice."""
    if gate.comparison is not None:
        return evidence.comparisons.get((gate.comparison, gate.task, text, metric))
    if gate.against is not None:
        return evidence.changes.get((gate.task, str(gate.model), text, metric, gate.against))
    return evidence.metrics.get((gate.task, str(gate.model), text, metric))


def _texts(evidence: Evidence) -> dict[tuple[str, ...], list[str]]:
    """The slices that there are, by their dimensions."""
    found: dict[tuple[str, ...], list[str]] = {}
    for text in sorted({key[2] for key in evidence.metrics}):
        dimensions = tuple(part.split("=")[0] for part in text.split(",") if part)
        found.setdefault(dimensions, []).append(text)
    return found


def _fails(gate: Gate, told: Judged) -> bool:
    policies = {FAILED: "fail", UNDECIDED: gate.undecided, NOT_JUDGED: gate.not_judged}
    return policies.get(told.verdict) == "fail"


def rows_of(results: Sequence[Result], stamp: Stamp) -> pa.Table:
    """The rows of `gate_results`."""
    rows = [result.row for result in results]
    columns = {name: [row[name] for row in rows] for name in OWN}
    return selected({**columns, **stamp_columns(stamp, len(results))}, GATE_RESULTS)


def _finite(value: Any) -> Any:
    """A bound that is none is NULL."""
    return None if isinstance(value, float) and math.isinf(value) else value


def _by(table: pa.Table | None, keys: tuple[str, ...], metrics: pa.Array) -> dict[tuple[str, ...], Row]:
    rows = [] if table is None else table.filter(pc.is_in(table["metric"], metrics)).to_pylist()
    return {tuple(row[key] for key in keys): row for row in rows}
