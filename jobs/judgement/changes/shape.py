"""An earlier day in the shape of today: its sums of the slices that are declared now, as far as it recorded them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.by_shard import Tables
from jobs.judgement.slices.recorded import recorded
from jobs.judgement.uncertainty.shards import Reasons, first_reason
from jobs.results.rows import of_pair, summed, with_slice
from jobs.settings import Evaluation

NO_DAY, LACKING = "no_day", "not_recorded"
OF_CELLS = "cells_not_by_shard"  # why a slice that was not declared on the earlier day has no interval
KEYS = ("task", "model", "slice")
Declaration = tuple[str, ...]


@dataclass(frozen=True)
class Shaped:
    """An earlier day.

    Attributes:
        tables: Its rows, of `shard_statistics` those of the slices that are declared now.
        dimensions: Those that it recorded, of the ones that there are now.
        of_cells: The declarations of slices that it had not; their sums are those of its cells, all in one shard.
    """

    tables: Tables
    dimensions: frozenset[str]
    of_cells: frozenset[Declaration]

    def lacking(self, task: str, model: str, texts: Sequence[str]) -> Reasons:
        """Why slices of a task and model cannot be held against this day, (slices,), or None."""
        sums = self.tables["shard_statistics"]
        if not sums.num_rows:
            return [NO_DAY] * len(texts)
        known = self.dimensions if of_pair(sums, task, model).num_rows else None
        return [None if known is not None and known.issuperset(of(text)) else LACKING for text in texts]

    def without_intervals(self, texts: Sequence[str], reasons: Reasons) -> Reasons:
        """The reasons against the intervals of slices, that of the slices which come of cells before others."""
        return first_reason([OF_CELLS if of(text) in self.of_cells else None for text in texts], reasons)


def of(text: str) -> Declaration:
    """The dimensions that a slice fixes.

    >>> of("country=DE,device=ios"), of("")
    (('country', 'device'), ())
    """
    return tuple(part.split("=", 1)[0] for part in text.split(",") if part)


def shaped(before: Tables, settings: Evaluation) -> Shaped:
    """An earlier day with the slices that are declared now: no others, and those that it lacks from its cells.

    Cells add up to every slice of the dimensions that they have, exactly; by shard only what was declared was summed.
    """
    sums, cells = before["shard_statistics"], before["statistics"]
    texts = sums["slice"].unique().to_pylist()
    there, wanted = {of(text) for text in texts}, [tuple(names) for names in settings.slices]
    known = frozenset(recorded([cells], settings.dimensions))
    added = [names for names in wanted if names not in there and known.issuperset(names)] if cells.num_rows else []
    declared = pa.array([text for text in texts if of(text) in wanted], type=pa.string())
    parts = [
        sums.filter(pc.is_in(sums["slice"], value_set=declared)),
        *(_of_cells(cells, n, sums.schema) for n in added),
    ]
    return Shaped({**before, "shard_statistics": pa.concat_tables(parts)}, known, frozenset(added))


def _of_cells(cells: pa.Table, names: Declaration, schema: pa.Schema) -> pa.Table:
    """The sums of the slices of a declaration over their cells, as rows of one shard."""
    columns = [field.name for field in schema if field.name not in (*KEYS, "event_date", "shard")]
    found = summed(with_slice(cells, names), [*KEYS], columns)
    of_all = {"shard": pa.scalar(0), "event_date": cells["event_date"][0]}
    for name, value in of_all.items():
        found = found.append_column(name, pa.repeat(value, found.num_rows))
    return found.select(schema.names).cast(schema)
