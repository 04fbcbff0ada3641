"""The intervals of `metrics`: of every metric that is a function of sums, by leaving out a shard of units.

They are made of tables alone, so those of an old day can be made again without its logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.by_shard import Estimated, Pair, by_shard, read_by
from jobs.judgement.estimates import Known, of_sums, without_a_rate
from jobs.judgement.uncertainty import delong
from jobs.judgement.uncertainty.jackknife import METHOD, ON_LOG_SCALE, added, interval
from jobs.judgement.uncertainty.shards import first_reason
from jobs.ledger.judgements import INTERVAL
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from udfs.kinds import KINDS

KEYS = ("task", "model", "metric", "slice")


def with_intervals(metrics: pa.Table, known: Known) -> pa.Table:
    """The rows of `metrics` with their intervals, or why they have none.

    Args:
        metrics: Rows of one day, in any order.
        known: The day.
    """
    number = {key: row for row, key in enumerate(_keys(metrics))}
    found = pa.concat_tables(_every(_slices(number, known.settings), known))
    row = {key: row for row, key in enumerate(_keys(found))}
    found = found.take(pa.array([row.get(key) for key in number], type=pa.int64()))
    # A number that is none has no interval, and for no other reason.
    reason = pc.coalesce(metrics["reason"], found["ci_reason"])
    for name in INTERVAL:
        column = reason if name == "ci_reason" else pc.if_else(pc.is_null(reason), found[name], None)
        metrics = metrics.set_column(metrics.column_names.index(name), metrics.schema.field(name), column)
    return metrics


def _keys(table: pa.Table) -> Iterator[tuple[str, ...]]:
    return zip(*(table[name].to_pylist() for name in KEYS), strict=True)


def _slices(keys: Iterable[tuple[str, ...]], settings: Evaluation) -> dict[Pair, list[str]]:
    """The slices of every task and model: those that have its loss."""
    slices: dict[Pair, list[str]] = {}
    for task, model, metric, text in keys:
        if task in settings.tasks and metric == KINDS[settings.tasks[task].kind].loss:
            slices.setdefault((task, model), []).append(text)
    return slices


def _every(slices: Mapping[Pair, Sequence[str]], known: Known) -> Iterator[pa.Table]:
    """Every metric of every task and model, then the joint losses."""
    losses: dict[Pair, Estimated] = {}
    for pair, texts in slices.items():
        kind = KINDS[known.settings.tasks[pair[0]].kind]
        for of in _of_pair(pair, kind.name, texts, known):
            if of.name == kind.loss:
                losses[pair] = of
            yield _rows(pair, of)
    yield from _joint(losses, known.settings)


def _of_pair(pair: Pair, kind: str, texts: Sequence[str], known: Known) -> Iterator[Estimated]:
    """Every metric of a task and model."""
    asked = kind, read_by((), kind, known.settings)
    sums = by_shard(of_pair(known.tables["shard_statistics"], *pair), asked, texts, known.settings)
    reference = known.references.get(pair)
    yield from of_sums(sums, kind, known.settings, reference)
    yield from without_a_rate(sums, kind, reference)
    yield from known.of_parts[pair]


def _joint(losses: Mapping[Pair, Estimated], settings: Evaluation) -> Iterator[pa.Table]:
    for name, weights in settings.joint.items():
        for model in settings.models:
            parts = {(task, model): weight for task, weight in weights.items()}
            if losses.keys() >= parts.keys():
                own = [losses[pair] for pair in parts]
                whole = added([of.estimates for of in own], list(parts.values()))
                reasons = first_reason(*(of.refused for of in own))
                yield _rows((name, model), Estimated("joint_loss", own[0].texts, whole, reasons))


def _rows(pair: Pair, of: Estimated) -> pa.Table:
    """The intervals of a metric as rows."""
    found, method = of.over_rows, delong.METHOD
    if found is None:
        found, method = interval(of.estimates, of.refused, on_log_scale=of.name in ON_LOG_SCALE), METHOD
    size, reasons = len(of.texts), pa.array(found.reasons, type=pa.string())
    keys = dict(zip(KEYS, ([pair[0]] * size, [pair[1]] * size, [of.name] * size, of.texts), strict=True))
    named = {key: pa.array(values, type=pa.string()) for key, values in keys.items()}
    methods = {"ci_method": pa.array([method] * size, type=pa.string()), "ci_reason": reasons}
    return pa.table({**named, **found.columns(), **methods})
