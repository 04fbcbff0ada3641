"""The metrics of score bins and of classes, slice by slice: of all shards of units and without each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import RuntimeFailure
from jobs.examples.sent import binning
from jobs.inputs.scorings import scorings
from jobs.judgement.by_shard import ByShard, Estimated, Pair, Tables
from jobs.judgement.uncertainty import delong
from jobs.judgement.uncertainty.jackknife import Estimates, Interval, estimated_of_parts, joined, stacked, without
from jobs.judgement.uncertainty.shards import parts_left_out
from jobs.ledger.tables import UNPAIRED
from jobs.results.rows import of_pair
from jobs.settings import Evaluation
from udfs.catalog import published, statistics_of
from udfs.exact.arrays import FloatArray
from udfs.examples.bins import Binning
from udfs.kinds import KINDS
from udfs.measure import Metric
from udfs.pricing import evaluated_of_parts
from udfs.scan.batch import BIN_STATISTICS
from udfs.scan.partials import subtracted

ALL_SHARDS = -1  # the shard of bins that were not kept apart
AREA = "auc"
Columns = Mapping[str, FloatArray]


@dataclass(frozen=True)
class Parts:
    """What the parts of a task and model are, bins or classes, and what is made of them.

    Attributes:
        table: Where they are.
        column: Which of them a row is of.
        names: The sums that metrics read.
        metrics: By name.
        bins: Of bins, where they are.
        hard: Whether a label is 0 or 1.
    """

    table: str
    column: str
    names: Sequence[str]
    metrics: Mapping[str, Metric]
    bins: Binning | None
    hard: bool

    def columns(self, rows: pa.Table, shards: int) -> dict[str, FloatArray]:
        """The columns of the parts of one slice, (parts, 1 + shards), and the low edges of its bins, (parts,)."""
        part, left = parts_left_out(rows, self.column, shards, self.names)
        if self.bins is None:
            return left
        filled = np.flatnonzero(left["n"][:, 0] > 0)
        return {"low": self.bins.probability(part)[filled], **{name: values[filled] for name, values in left.items()}}


def parts(pair: Pair, tables: Tables, settings: Evaluation) -> Parts | None:
    """The parts of a task and model; None where there are none in these tables."""
    kind = KINDS[settings.tasks[pair[0]].kind]
    hard = settings.labels[settings.tasks[pair[0]].label].values != "soft"
    if kind.of_classes:
        metrics = published(kind.name, settings.loss.options, "classes")
        return Parts("class_statistics", "class", tuple(statistics_of(kind.name, "classes")), metrics, None, hard)
    if not kind.bins or "score_bins" not in tables:
        return None
    (scoring,) = (each for each in scorings(settings) if (each.task, each.model) == pair)
    metrics = published(kind.name, settings.bins.options, "bins")
    read = {"n", *(name for metric in metrics.values() for name in metric.inputs)}
    names = tuple(name for name in BIN_STATISTICS if name in read)
    return Parts("score_bins", "bin", names, metrics, binning(scoring, settings), hard)


def shared_parts(
    tables: Tables, names: tuple[str, str, str], texts: Sequence[str], sums: ByShard, settings: Evaluation
) -> dict[str, Estimated]:
    """The metrics of the parts of a model over the rows that another one can score too, by name.

    They are of those of the slices of which the unpaired parts are known.

    Args:
        tables: Of a day.
        names: The task, the model and the other one.
        texts: Slices with rows that the other one can not score, and rows that it can.
        sums: Of the model over the shared rows.
        settings: What is configured.

    Raises:
        RuntimeFailure: The bins that are left are not of the shared rows (exit 3).
    """
    task, model, other = names
    of = parts((task, model), tables, settings)
    if of is None or UNPAIRED[of.table][0] not in tables:
        return {}
    apart = of_pair(tables[UNPAIRED[of.table][0]], task, model)
    apart = apart.filter(pc.and_(pc.equal(apart["other"], other), _in(apart, texts)))
    if apart.num_rows == 0:
        return {}
    own = of_pair(tables[of.table], task, model)
    own, keys = own.filter(_in(own, apart["slice"].unique().to_pylist())), ["slice", "shard", of.column]
    whole, part = (each.select([*keys, *of.names]) for each in (own, apart))
    rows = subtracted(whole, part.cast(whole.schema), keys)
    _check(rows, names, sums)
    return {each.name: each for each in of_parts(sums, rows, of, settings.shards.count)}


def _check(rows: pa.Table, names: tuple[str, str, str], sums: ByShard) -> None:
    """Refuse score bins that are not of the rows that the sums are of."""
    if "n" not in rows.column_names:
        return
    task, model, other = names
    counted = rows.group_by("slice").aggregate([("n", "sum")])
    for text, n in zip(counted["slice"].to_pylist(), counted["n_sum"].to_pylist(), strict=True):
        if n != sums.row(text)["n"][0]:
            raise RuntimeFailure(
                f"tasks.{task}: the score bins of {model} are not left with the rows that {other} can score too at "
                f"slice {text!r}; nothing was written"
            )


def _in(rows: pa.Table, texts: Sequence[str]) -> pa.ChunkedArray:
    return pc.is_in(rows["slice"], value_set=pa.array(texts, type=pa.string()))


def of_parts(sums: ByShard, rows: pa.Table, of: Parts, shards: int) -> Iterator[Estimated]:
    """The metrics of the parts of every slice that has any.

    Where score bins were not kept by shard they have no interval by leaving one out; AUC has one over rows.

    Args:
        sums: Of a task and model, of these slices at least.
        rows: Its rows of the table of parts.
        of: What they are.
        shards: How many there are.
    """
    apart = ALL_SHARDS not in rows["shard"].unique().to_pylist()
    if not apart:
        rows = rows.set_column(rows.column_names.index("shard"), "shard", pa.array(np.zeros(rows.num_rows, np.int64)))
    texts = sorted(rows["slice"].unique().to_pylist())
    found: dict[str, list[Estimates]] = {name: [] for name in of.metrics}
    areas: list[Interval] = []
    for text in texts:
        columns = of.columns(rows.filter(pc.equal(rows["slice"], text)), shards if apart else 1)
        for name, metric in of.metrics.items():
            found[name].append(_estimated(metric, columns, sums, text, apart=apart))
        if not apart:
            areas.append(_over_rows(columns, sums, text, hard=of.hard))
    rank = [sums.texts.index(text) for text in texts]
    for name, metric in of.metrics.items():
        own = "not_smooth" if metric.spread == "none" else None if apart else "bins_not_by_shard"
        refused = [own or sums.refused[i] for i in rank]
        over_rows = joined(areas) if name == AREA and areas else None
        yield Estimated(name, texts, stacked(found[name], sums.exact.present.shape[1]), refused, over_rows)


def _estimated(metric: Metric, columns: Columns, sums: ByShard, text: str, *, apart: bool) -> Estimates:
    present, whole = sums.exact.present[sums.texts.index(text)], sums.row(text)
    if apart and metric.spread != "none":
        return estimated_of_parts(metric, columns, whole, present)
    value, reason = evaluated_of_parts(metric, _of_all(columns), {name: float(each[0]) for name, each in whole.items()})
    values = np.full((1, present.size + 1), np.nan)
    values[0, 0] = value
    return Estimates(values, present[None, :], [reason])


def _of_all(columns: Columns) -> dict[str, FloatArray]:
    """The columns of all shards."""
    return {name: each if each.ndim == 1 else np.ascontiguousarray(each[:, 0]) for name, each in columns.items()}


def _over_rows(columns: Columns, sums: ByShard, text: str, *, hard: bool) -> Interval:
    return delong.delong(_of_all(columns), alike=_alike(sums, text)) if hard else without(["soft_labels"])


def _alike(sums: ByShard, text: str) -> bool:
    """Whether all rows of a slice weigh 1."""
    row, exact = sums.texts.index(text), sums.exact
    n, weight, squared = (exact.units(name)[row].sum() for name in ("n", "weight", "squared_weight"))
    return not exact.unknown("squared_weight")[row] and delong.weigh_one(int(n), weight, squared)
