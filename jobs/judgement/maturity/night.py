"""The labels of a night: what has arrived, what is late, and what metrics will be once all of it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.judgement.maturity.curves import Curve, curves
from jobs.judgement.maturity.label_arrival import label_arrival
from jobs.judgement.maturity.nowcasts import nowcasts
from jobs.judgement.maturity.quiet import Lags, not_final
from jobs.judgement.maturity.vintages import Vintages, vintages
from jobs.ledger.judgements import LABEL_ARRIVAL, METRICS
from jobs.ledger.stamp import Stamp
from jobs.settings import Evaluation


@dataclass(frozen=True)
class Maturity:
    """What is known of the labels of a day.

    Attributes:
        curves: By task how its labels arrive.
        lags: Labels that are late or missing.
        tables: `label_arrival` by its name, where a label comes as a log of its own.
    """

    curves: Mapping[str, Curve] = field(default_factory=dict)
    lags: Lags = field(default_factory=Lags)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


def matured(session: SparkSession, tables: Mapping[str, pa.Table], settings: Evaluation, stamp: Stamp) -> Maturity:
    """Look at the labels of a day, with our own tables of earlier ones."""
    if not settings.label_logs:
        return Maturity()
    return of_vintages(tables, vintages(session, settings, stamp), settings, stamp)


def of_vintages(tables: Mapping[str, pa.Table], known: Vintages, settings: Evaluation, stamp: Stamp) -> Maturity:
    """The same, of what the tables are known to have."""
    found = curves(tables, known, settings, stamp)
    rows = label_arrival(found, known, settings, stamp)
    return Maturity(found, Lags.in_rows(rows, settings), {LABEL_ARRIVAL.name: rows} if rows.num_rows else {})


def with_finality(metrics: pa.Table, of: Maturity) -> pa.Table:
    """The rows of `metrics`, none of them final that rests on labels which are late or missing."""
    return not_final(metrics, of.lags)


def with_nowcasts(
    tables: Mapping[str, pa.Table], of: Maturity, settings: Evaluation, stamp: Stamp
) -> dict[str, pa.Table]:
    """The tables with the nowcasts of what is not final among the rows of `metrics`."""
    rows = nowcasts(tables, of.curves, of.lags, settings, stamp)
    return dict(tables) if rows is None else {**tables, METRICS.name: pa.concat_tables([tables[METRICS.name], rows])}
