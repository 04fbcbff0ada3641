"""What the tables of a night say: decisions on small tables of sums, which can be made again without any log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.judgement import gate_rows
from jobs.judgement.changes.rows import changes_of
from jobs.judgement.estimates import Known
from jobs.judgement.gate_rows import Evidence
from jobs.judgement.intervals import with_intervals
from jobs.judgement.maturity.night import matured, with_finality, with_nowcasts
from jobs.judgement.nights import comparisons_of
from jobs.judgement.slices.declared import worst_declared
from jobs.planning.finality import Finality
from jobs.results.baselines import Rates
from jobs.settings import Evaluation


def judged(
    session: SparkSession,
    tables: Mapping[str, pa.Table],
    settings: Evaluation,
    references: Rates,
    finality: Finality,
) -> tuple[dict[str, pa.Table], list[dict[str, Any]]]:
    """Every table with intervals, comparisons, changes, what has arrived, and gates judged; and the worst slices."""
    known, labels = Known(tables, settings, references), matured(session, tables, settings, finality.stamp)
    new = {**tables, **labels.tables, "metrics": with_finality(with_intervals(tables["metrics"], known), labels)}
    new = with_nowcasts(new, labels, settings, finality.stamp)
    new |= changes_of(session, settings, finality.stamp, new)
    new |= comparisons_of(session, known, finality.stamp)
    if settings.gates:
        quiet = f"the day is provisional, as {'; '.join(finality.reasons)}" if finality.reasons else None
        results = gate_rows.results(settings, Evidence.of(new, settings, quiet))
        new["gate_results"] = gate_rows.rows_of(results, finality.stamp)
    return new, worst_declared(new, settings, finality.stamp)
