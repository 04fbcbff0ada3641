"""From sums to the rows of `metrics`: every metric of every declared slice, or NULL with a reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.examples import sent
from jobs.examples.slices import Texts
from jobs.inputs.scorings import Scoring
from jobs.ledger.judgements import INTERVAL, METRICS
from jobs.ledger.stamp import Stamp
from jobs.ledger.tables import statistics_of_kind
from jobs.results.baselines import Rates, against
from jobs.results.rows import columns_in, selected, stamp_columns, summed
from jobs.results.slice_sums import KEYS, Key, SliceSums, doubles, rows_of
from jobs.settings import Evaluation
from udfs.catalog import published, statistics_of
from udfs.exact.arrays import FloatArray
from udfs.kinds import KINDS
from udfs.measures.peers import peer_metrics
from udfs.pricing import evaluated, evaluated_of_parts, priced
from udfs.scan.batch import BIN_STATISTICS

Parts = Mapping[Key, Mapping[str, FloatArray]]


def metrics(
    tables: Mapping[str, pa.Table],
    settings: Evaluation,
    slices: Texts,
    scorings: Sequence[Scoring],
    references: Rates,
) -> pa.Table:
    """The rows of `metrics` but for their stamp, also where a task has no rows in a slice.

    Args:
        tables: The tables of sums.
        settings: What is configured.
        slices: Those of the day, also where all rows are rejected.
        scorings: Every task × model.
        references: The reference rates.
    """
    parts: list[pa.Table] = []
    for kind in settings.kinds:
        sums = _sums(tables["shard_statistics"], settings, slices, kind)
        parts += _plain(sums, settings)
        if KINDS[kind].baselines:
            parts += against(sums, tables["statistics"], references, settings)
        if KINDS[kind].bins and "score_bins" in tables:
            texts = {text for names, own in slices.items() if settings.keeps_bins(names) for text in own}
            binned = sums.where([i for i, (_, _, text) in enumerate(sums.keys) if text in texts])
            parts += _of_bins(binned, tables["score_bins"], settings, scorings)
        if KINDS[kind].of_classes:
            parts += _of_classes(sums, tables["class_statistics"], settings)
    rows = pa.concat_tables(parts)
    return pa.concat_tables([rows, *_joint(rows, settings)])


def _sums(shard_statistics: pa.Table, settings: Evaluation, slices: Texts, kind: str) -> SliceSums:
    statistics = statistics_of_kind(settings, kind)
    tasks = pa.array([name for name, task in settings.tasks.items() if task.kind == kind])
    rows = shard_statistics.filter(pc.is_in(shard_statistics["task"], value_set=tasks))
    rows = rows.select([*KEYS, *statistics])
    # No key comes and goes with the rows of a day.
    texts = [text for own in slices.values() for text in own]
    keys = [(task, model, text) for task, model in settings.pairs if task in tasks.to_pylist() for text in texts]
    named = {name: list(values) for name, values in zip(KEYS, zip(*keys, strict=True), strict=True)}
    zeros = {name: pa.array([0] * len(keys)).cast(rows.schema.field(name).type) for name in statistics}
    whole = pa.concat_tables([rows, pa.table({**named, **zeros})], promote_options="permissive")
    added = summed(whole, list(KEYS), list(statistics)).sort_by([(name, "ascending") for name in KEYS])
    of = priced(kind, {name: doubles(added[name]) for name in statistics}, statistics, settings.loss.clip)
    return SliceSums(kind, list(zip(*(added[name].to_pylist() for name in KEYS), strict=True)), of)


def _plain(sums: SliceSums, settings: Evaluation) -> Iterator[pa.Table]:
    named = published(sums.kind, settings.loss.options)
    if KINDS[sums.kind].peers:
        named |= peer_metrics(settings.compatibility)
    for name, metric in named.items():
        values, reasons = evaluated(metric, sums.of)
        yield rows_of(sums, settings, values, reasons, (name, metric.unit))


def _of_bins(
    sums: SliceSums, score_bins: pa.Table, settings: Evaluation, scorings: Sequence[Scoring]
) -> Iterator[pa.Table]:
    binnings = {(s.task, s.model): sent.binning(s, settings) for s in scorings}
    parts: dict[Key, Mapping[str, FloatArray]] = {}
    for key, (low, of) in _by_key(score_bins, "bin", BIN_STATISTICS).items():
        binning = binnings[key[0], key[1]]
        assert binning is not None
        filled = np.flatnonzero(of["n"] > 0)
        parts[key] = {"low": binning.probability(low)[filled], **{name: values[filled] for name, values in of.items()}}
    for name, metric in published(sums.kind, settings.bins.options, "bins").items():
        yield _of_parts(sums, parts, settings, (name, metric))


def _of_classes(sums: SliceSums, class_statistics: pa.Table, settings: Evaluation) -> Iterator[pa.Table]:
    by_key = _by_key(class_statistics, "class", tuple(statistics_of(sums.kind, "classes")))
    parts = {key: of for key, (_, of) in by_key.items()}
    for name, metric in published(sums.kind, settings.loss.options, "classes").items():
        yield _of_parts(sums, parts, settings, (name, metric))


def _of_parts(sums: SliceSums, parts: Parts, settings: Evaluation, named: tuple[str, Any]) -> pa.Table:
    """A metric of score bins or of classes, slice by slice."""
    name, metric = named
    values = np.full(len(sums.keys), np.nan)
    reasons: list[str | None] = []
    for i, key in enumerate(sums.keys):
        if key not in parts:
            reasons.append("no_weight")
            continue
        values[i], reason = evaluated_of_parts(metric, parts[key], {n: float(v[i]) for n, v in sums.of.items()})
        reasons.append(reason)
    return rows_of(sums, settings, values, reasons, (name, metric.unit))


def _by_key(table: pa.Table, part: str, names: Sequence[str]) -> dict[Key, tuple[FloatArray, dict[str, FloatArray]]]:
    """The parts of every key in order, and their sums over shards."""
    added = summed(table, [*KEYS, part], list(names)).sort_by([(name, "ascending") for name in (*KEYS, part)])
    keys = list(zip(*(added[name].to_pylist() for name in KEYS), strict=True))
    numbers = {name: doubles(added[name]) for name in names}
    starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    values = np.array(added[part].to_pylist())
    return {
        keys[start]: (values[start:end], {name: of[start:end] for name, of in numbers.items()})
        for start, end in pairwise([*starts, len(keys)])
    }


def _joint(rows: pa.Table, settings: Evaluation) -> Iterator[pa.Table]:
    """Declared weighted sums of the losses of several tasks, for every model that has them all."""
    for name, weights in settings.joint.items():
        losses: dict[tuple[str, str], dict[str, dict[str, object]]] = {}
        for task in sorted(weights):
            loss = KINDS[settings.tasks[task].kind].loss
            of_task = rows.filter(pc.and_(pc.equal(rows["task"], task), pc.equal(rows["metric"], loss)))
            for row in of_task.to_pylist():
                losses.setdefault((row["model"], row["slice"]), {})[task] = row
        whole = [of for of in losses.values() if len(of) == len(weights)]
        if whole:
            yield pa.Table.from_pylist([_joint_row(name, weights, of) for of in whole], schema=rows.schema)


def _joint_row(name: str, weights: Mapping[str, float], of: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    first = of[min(weights)]
    reason = next((row["reason"] for row in of.values() if row["reason"] is not None), None)
    value = None if reason else math.fsum(weight * of[task]["value"] for task, weight in weights.items())
    return {**first, "task": name, "metric": "joint_loss", "value": value, "reason": reason, "unit": "weighted loss"}


def stamped(rows: pa.Table, settings: Evaluation, stamp: Stamp) -> pa.Table:
    """The rows of `metrics` with what every row of a run carries, still without intervals.

    What is provisional is not final.
    """
    finals = {task: not stamp.provisional and settings.is_final(stamp.age_hours, task) for task in settings.tasks}
    finals |= {name: all(finals[task] for task in weights) for name, weights in settings.joint.items()}
    is_final = [finals[task] for task in rows["task"].to_pylist()]
    clip = pa.repeat(pa.scalar(settings.loss.clip), rows.num_rows)
    unknown = {name: pa.nulls(rows.num_rows) for name in INTERVAL}
    columns = {**columns_in(rows), **unknown, "clip": clip, "is_final": is_final, **stamp_columns(stamp, rows.num_rows)}
    return selected(columns, METRICS)
