"""Of one slice, by score bands: where the weight and the loss are; and what recalibration would bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from jobs.judgement.bins.bands import Bands, bands, cuts_by_weight, shares
from jobs.judgement.bins.recalibration import Bins, Shifted, shifted
from jobs.judgement.bins.temperature import Tempered, tempered
from jobs.results.rows import summed
from udfs.exact.arrays import FloatArray
from udfs.exact.decimals import DECIMAL, from_decimal, nearest
from udfs.exact.numerics import binary_entropy, ratio, total
from udfs.examples.bins import Binning
from udfs.kind import clipped

COUNT = 10
SUMS = ("positive_weight", "negative_weight", "score_sum", "positive_nll", "negative_nll")
# Scores of exactly 0 are in the first bin, those of exactly 1 in the last; whether they cost much.
HARD = {
    "hard_wrong_positive_weight": (0, 0),
    "hard_right_negative_weight": (0, 1),
    "hard_wrong_negative_weight": (-1, 0),
    "hard_right_positive_weight": (-1, 1),
}


@dataclass(frozen=True)
class ByBand:
    """The bands of a slice as rows, and the loss after the best shift and after temperature and shift."""

    rows: list[dict[str, Any]]
    shift: Shifted
    temperature: Tempered


def by_band(table: pa.Table, hard: Mapping[str, float], binning: Binning, clip: float, count: int = COUNT) -> ByBand:
    """The bands of equal weight of one slice.

    Args:
        table: Its rows of `score_bins`, of one task and model.
        hard: The weights of its scores of exactly 0 and 1, by the statistics `HARD`.
        binning: The bins of the task and model.
        clip: How far from 0 and 1 those are taken.
        count: How many bands.
    """
    rows = summed(table, ["bin"], ["n", *SUMS]).sort_by("bin")
    edges = binning.probability(binning.edges)
    place = np.searchsorted(binning.edges, rows["bin"].to_numpy())
    low, high = edges[place], np.append(edges[1:], 1.0)[place]
    units = {name: from_decimal(rows[name].cast(DECIMAL)) for name in SUMS}
    of = {name: nearest(values) for name, values in units.items()}
    loss = of["positive_nll"] + of["negative_nll"] + _hard(hard, clip, rows.num_rows)
    columns = Bins(low, high, of["positive_weight"], of["negative_weight"], of["score_sum"])
    weight = of["positive_weight"] + of["negative_weight"]
    log_loss = total(loss) / total(weight) if rows.num_rows and total(weight) > 0.0 else np.nan
    cut = bands(low, {"n": rows["n"].to_numpy().astype(object), **units}, cuts_by_weight(weight, count))
    of_bands = _rows(cut, hard, clip)
    safe = clip if clip > 0.0 else 1e-15
    return ByBand(of_bands, shifted(columns, log_loss, safe), tempered(columns, safe))


def plain(found: ByBand) -> dict[str, Any]:
    """As values for programs: None where there is no number."""
    parts = {"shift": found.shift._asdict(), "temperature": found.temperature._asdict()}
    finite = {name: {key: _finite(value) for key, value in part.items()} for name, part in parts.items()}
    return {"bands": asdict(found)["rows"], **finite}


def _rows(cut: Bands, hard: Mapping[str, float], clip: float) -> list[dict[str, Any]]:
    of = {name: nearest(values) for name, values in cut.sums.items() if name != "n"}
    positive, negative = of["positive_weight"], of["negative_weight"]
    weight, loss = positive + negative, of["positive_nll"] + of["negative_nll"] + _hard(hard, clip, len(cut.low))
    columns = {
        "weight_share": shares(weight),
        "loss_share": shares(loss),
        "log_loss": ratio(loss, weight),
        "normalized_entropy": ratio(ratio(loss, weight), binary_entropy(positive, negative)),
        "predicted_over_actual": ratio(of["score_sum"], positive),
    }
    numbers = zip(*(values.tolist() for values in columns.values()), strict=True)
    named = (dict(zip(columns, map(_finite, row), strict=True)) for row in numbers)
    return [{"band": text, "n": int(n), **row} for text, n, row in zip(cut.texts, cut.sums["n"], named, strict=True)]


def _hard(hard: Mapping[str, float], clip: float, size: int) -> FloatArray:
    """What scores of exactly 0 and 1 cost, at both ends. (size,)."""
    added, prices = np.zeros(size), clipped(clip)
    for name, (end, price) in HARD.items():
        if size and hard[name] > 0.0:
            added[end] += hard[name] * prices[price]
    return added


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
