"""What is searched for the worst crosses: two days, two models, or calibration; by rates with their variance.

Variances are those of independent rows, times how much larger (or, of two models on the same rows, smaller) the
variance by shards of units is for all rows together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from jobs.judgement.slices.calibration import Calibration, Said, field_errors, said_of
from jobs.judgement.slices.common import among
from jobs.judgement.slices.crosses import Cells, Crosses, cells, crosses
from jobs.judgement.slices.rates import Rate, Side, Sums, difference_of, loss_side
from jobs.judgement.slices.recorded import recorded
from jobs.judgement.slices.worst import Found, Search, worst
from jobs.ledger.tables import statistics_of_kind
from jobs.settings import Evaluation
from udfs.exact.numerics import ratio
from udfs.kinds import KINDS
from udfs.pricing import priced

NAMED = ("n", "weight", "squared_weight")
Shared = Callable[[Sequence[str]], Sequence[pa.Table]]  # the sums of `common.shared_sums` with these statistics


def loss_rate(kind: str, settings: Evaluation) -> tuple[Rate, list[str]]:
    """The mean loss of crosses, priced, and the statistics that it reads.

    Of rows of unequal weight Σ w²ℓ² is taken as Σ wℓ² · Σ w² / Σ w: what rows weigh does not depend on their loss, nor
    on whether they have one.
    """
    of, every = KINDS[kind].searched, statistics_of_kind(settings, kind)
    assert of is not None
    names = {*of.total, of.squares, of.weight, *(name for hard in KINDS[kind].hard for name in hard.weights)}
    named = {name: statistic for name, statistic in every.items() if name in names}

    def rate(sums: Sums) -> Side:
        own = priced(kind, sums, named, settings.loss.clip)
        loss, weight = np.sum([own[name] for name in of.total], axis=0), sums[of.weight]
        heavy = ratio(sums["squared_weight"], sums["weight"])
        return loss_side(loss, weight, (heavy * own[of.squares], heavy * loss, heavy * weight))

    return rate, list(dict.fromkeys((*NAMED, *named)))


def worst_of_losses(
    tables: Sequence[pa.Table],
    by: tuple[Rate, Sequence[str]],
    settings: Evaluation,
    search: Search,
    shared: Shared | None = None,
) -> Found:
    """The crosses whose loss became worse from the first side to the second, two days or two models.

    Args:
        tables: Rows of `statistics` of one task and model, for each side; crosses are of the dimensions that both have.
        by: The loss of the task's kind, `loss_rate`.
        settings: What is configured.
        search: What is looked for.
        shared: The sums of both models over the rows that both can score, by declared slice: only those are searched.
    """
    rate, names = by
    given = cells(tables, recorded(tables, settings.dimensions), names)
    found = crosses(given, search.depth, least_rows=search.least_rows)
    if shared is not None:
        found = among(found, settings.slices, shared(names))
    return _searched(given, found, rate, search)


def worst_of_calibration(
    tables: Sequence[pa.Table], of: Calibration, settings: Evaluation, search: Search, stderr: float = np.nan
) -> tuple[Found, Mapping[str, Said], Said]:
    """The crosses whose scores are too high or too low, what the audit says of each, and Field-RCE by dimension.

    Of two days they are those whose mean error is farther from 0 than it was; the audit and Field-RCE are of the last.

    Args:
        tables: Rows of `statistics` of one task and model, of a day or of two.
        of: What calibration is of the task's kind.
        settings: What is configured.
        search: What is looked for.
        stderr: Standard error of the mean error of the last day over all rows by shards of units; NaN for none.
    """
    given = cells(tables, recorded(tables, settings.dimensions), of.names)
    found = crosses(given, search.depth, least_rows=search.least_rows)
    listed = _searched(given, found, of.rate, replace(search, both_ways=True))
    if not len(found.codes):
        return listed, {}, {}
    factor = inflation(found, of.rate, stderr, first=found.sides - 1)
    asked = {"": 0, **{each.slice: found.row(each.values) for each in listed.worst}}
    return listed, said_of(found, asked, of, search.least_rows, factor), field_errors(found, of)


def _searched(given: Cells, found: Crosses, rate: Rate, search: Search) -> Found:
    if not len(found.codes):
        return Found([], 0, "no_rows")
    return worst(given, found, rate, replace(search, inflation=inflation(found, rate, search.stderr)))


def inflation(found: Crosses, rate: Rate, stderr: float, *, first: int = 0) -> float:
    """How many times as large as by rows the variance is by shards of units, of all rows together; 1 if unknown.

    Of the sides from the `first` on.
    """
    if not (np.isfinite(stderr) and len(found.codes)):
        return 1.0
    sums = {name: found.nearest(name)[:, :1] for name in found.sums}
    sides = [rate({name: values[side] for name, values in sums.items()}) for side in range(first, found.sides)]
    by_row = float(difference_of(sides).variance[0])
    return float(stderr * stderr / by_row) if by_row > 0.0 and stderr > 0.0 else 1.0
