"""From rows to sums per score bin and to the metrics of bins, by the exact sums of the job."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.udfs.rows.binary import Rows
from udfs.catalog import published, statistics_of
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import from_decimal, nearest
from udfs.exact.sums import Sums, accumulate
from udfs.examples.binary import binary_examples
from udfs.examples.bins import BIN_COLUMNS, Binning
from udfs.measure import Options

NAMES = sorted(BIN_COLUMNS - {"low"})
OPTIONS: dict[str, float] = {"threshold": 0.5, "calibration_bins": 10}
Units = tuple[int, ...]


def sums_of_bins(rows: Rows, binning: Binning) -> dict[float, Units]:
    """Units of each statistic of `NAMES` by low edge, of the bins that occur."""
    examples = binary_examples(rows.label, rows.weight, rows.score, rows.scale)
    sums = Sums(binning.edges.size)
    statistics = statistics_of("binary")
    accumulate(((name, statistics[name].of(examples)) for name in NAMES), [(sums, binning.located(rows.score))])
    columns = [from_decimal(sums.decimals(name)).tolist() for name in NAMES]
    return dict(zip(binning.edges[sums.seen()].tolist(), zip(*columns, strict=True), strict=True))


def columns_from(sums: Mapping[float, Units], binning: Binning) -> dict[str, FloatArray]:
    """What the metrics read: nearest doubles in the order of the low edges."""
    low = np.array(sorted(sums), dtype=np.float64)
    units = [[sums[edge][i] for edge in low.tolist()] for i in range(len(NAMES))]
    return {"low": binning.probability(low), **dict(zip(NAMES, map(nearest, units), strict=True))}


def columns_of(rows: Rows, binning: Binning | None = None) -> dict[str, FloatArray]:
    """The bins of rows; without a binning every score of theirs is an edge, so that no bin hides an order."""
    return columns_from(sums_of_bins(rows, binning or lossless(rows)), binning or lossless(rows))


def lossless(rows: Rows) -> Binning:
    """Bins of one score each, for scores that are probabilities."""
    return Binning(rows.scale, thresholds=tuple(np.unique(rows.score)))


def metrics_of_bins(rows: Rows, binning: Binning | None = None, options: Options = OPTIONS) -> dict[str, float]:
    """Each metric of bins by its published name, NaN where undefined."""
    columns = columns_of(rows, binning)
    return {name: metric.of(columns) for name, metric in published("binary", options, "bins").items()}
