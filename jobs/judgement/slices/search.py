"""What is searched for the worst crosses: two days, two models, or one day's calibration; by rates with their variance.

Variances are those of independent rows, times how much larger (or, of two models on the same rows, smaller) the
variance by shards of units is for all rows together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from jobs.judgement.slices.audit import STATISTICS, Audit, audited, field_errors
from jobs.judgement.slices.crosses import Cells, Crosses, cells, crosses
from jobs.judgement.slices.rates import Rate, Side, Sums, calibration_side, difference_of, loss_side
from jobs.judgement.slices.worst import Found, Search, worst
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from udfs.exact.numerics import ratio
from udfs.kinds import KINDS
from udfs.pricing import priced

SQUARES = "squared_nll"
CALIBRATION = tuple(dict.fromkeys((*STATISTICS, "squared_weight")))


def judges_losses(kind: str, settings: Evaluation) -> bool:
    """Whether the losses of a kind of task have a variance that is recorded."""
    return SQUARES in statistics_of_kind(settings, kind)


def loss_rate(kind: str, settings: Evaluation) -> tuple[Rate, list[str]]:
    """The mean loss of crosses, priced, and the statistics that it reads.

    Of rows of unequal weight Σ w²ℓ² is taken as Σ wℓ² · Σ w² / Σ w: what rows weigh does not depend on their loss.
    """
    of_kind, every = KINDS[kind], statistics_of_kind(settings, kind)
    names = {*of_kind.loss_sums, SQUARES, *(name for hard in of_kind.hard for name in hard.weights)}
    named = {name: statistic for name, statistic in every.items() if name in names}

    def rate(sums: Sums) -> Side:
        of = priced(kind, sums, named, settings.loss.clip)
        loss = np.sum([of[name] for name in of_kind.loss_sums], axis=0)
        heavy = ratio(sums["squared_weight"], sums["weight"])
        return loss_side(loss, sums["weight"], (heavy * of[SQUARES], heavy * loss, sums["squared_weight"]))

    return rate, ["n", "weight", "squared_weight", *named]


def worst_of_losses(
    tables: Sequence[pa.Table], kind: str, settings: Evaluation, search: Search, stderr: float = np.nan
) -> Found:
    """The crosses whose loss became worse from the first side to the second, two days or two models.

    Args:
        tables: Rows of `statistics` of one task and model, for each side.
        kind: The kind of the task.
        settings: What is configured.
        search: What is looked for.
        stderr: Standard error of the difference over all rows by shards of units; NaN where there is none.
    """
    rate, names = loss_rate(kind, settings)
    given = cells(tables, settings.dimensions, names)
    found = crosses(given, search.depth, least_rows=search.least_rows)
    return _searched(given, found, rate, search, stderr)


def worst_of_calibration(
    table: pa.Table, settings: Evaluation, search: Search, stderr: float = np.nan
) -> tuple[Found, Mapping[str, Mapping[str, float | None]], Mapping[str, float]]:
    """The crosses whose scores are too high or too low, what the audit says of each, and Field-RCE by dimension.

    Args:
        table: Rows of `statistics` of one task and model of a day.
        settings: What is configured.
        search: What is looked for.
        stderr: Standard error of the mean error over all rows by shards of units; NaN where there is none.
    """
    given = cells([table], settings.dimensions, list(CALIBRATION))
    found = crosses(given, search.depth, least_rows=search.least_rows)
    listed = _searched(given, found, calibration_side, replace(search, both_ways=True), stderr)
    factor = inflation(found, calibration_side, stderr)
    verdicts = audited(found, least_rows=search.least_rows, inflation=factor)
    places = {found.text(row): row for row in range(len(found.codes))} if listed.worst else {}
    shown = {each.slice: _shown(verdicts, places[each.slice]) for each in listed.worst}
    return listed, {"": _shown(verdicts, 0), **shown}, field_errors(found)


def _shown(audit: Audit, row: int) -> dict[str, float | None]:
    numbers = {name: float(getattr(audit, name)[row]) for name in ("error", "z", "spiegelhalter", "detectable")}
    return {name: value if np.isfinite(value) else None for name, value in numbers.items()}


def _searched(given: Cells, found: Crosses, rate: Rate, search: Search, stderr: float) -> Found:
    if not len(found.codes):
        return Found([], 0, "no_rows")
    return worst(given, found, rate, replace(search, inflation=inflation(found, rate, stderr)))


def inflation(found: Crosses, rate: Rate, stderr: float) -> float:
    """How many times as large as by rows the variance is by shards of units, of all rows together; 1 if unknown."""
    if not (np.isfinite(stderr) and len(found.codes)):
        return 1.0
    sums = {name: found.nearest(name)[:, :1] for name in found.sums}
    sides = [rate({name: values[side] for name, values in sums.items()}) for side in range(found.sides)]
    by_row = float(difference_of(sides).variance[0])
    return float(stderr * stderr / by_row) if by_row > 0.0 and stderr > 0.0 else 1.0
