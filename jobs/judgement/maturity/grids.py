"""The sums of earlier days by slice, day and shard: one pass over the rows of all tasks, then some slices at a time.

A block is small enough to stay in the cache of a processor while everything that is asked of it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.judgement.maturity.usual import Days, Usual, usual
from jobs.judgement.uncertainty.shards import Sharded, sharded
from udfs.exact.arrays import BoolArray, FloatArray, IntArray

BLOCK = 32  # slices
KEY = ("task", "model", "age_hours")
CODED = (*KEY, "slice", "event_date")
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Coded:
    """Rows whose keys are numbers: by them each row is found once, however many tasks, slices and days there are.

    Attributes:
        rows: The rows.
    """

    rows: pa.Table

    @cached_property
    def _keys(self) -> dict[str, tuple[IntArray, list[Any]]]:
        found = {}
        for name in CODED:
            column = self.rows[name].combine_chunks().dictionary_encode()
            found[name] = column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist()
        return found

    @cached_property
    def _groups(self) -> tuple[IntArray, list[Key]]:
        """Which task, model and age each row is of, and all there are."""
        parts = [self._keys[name] for name in KEY]
        sizes = [len(known) for _, known in parts]
        group = np.ravel_multi_index([codes for codes, _ in parts], sizes) if self.rows.num_rows else np.zeros(0, int)
        return group, list(product(*(known for _, known in parts)))

    @cached_property
    def days(self) -> dict[Key, list[date]]:
        """The days of each task, model and age, ascending."""
        group, every = self._groups
        codes, known = self._keys["event_date"]
        shape = len(every), len(known)
        there = np.bincount(group * len(known) + codes, minlength=len(every) * len(known)).reshape(shape) > 0
        return {key: sorted(known[i] for i in np.flatnonzero(own)) for key, own in zip(every, there, strict=True)}

    def where(self, key: Key) -> IntArray:
        """The rows of a task, model and age, in their order."""
        group, every = self._groups
        return np.flatnonzero(group == every.index(key)) if key in every else np.zeros(0, dtype=np.int64)

    def among(self, name: str, values: Sequence[Any], where: IntArray) -> IntArray:
        """Which of some values a key has in some rows, −1 for none of them. (rows,)."""
        codes, known = self._keys[name]
        number = {value: i for i, value in enumerate(values)}
        return np.array([number.get(value, -1) for value in known], dtype=np.int64)[codes[where]]

    def taken(self, where: IntArray, names: Sequence[str]) -> pa.Table:
        """Some columns of some rows; what stands together is not copied."""
        own = self.rows.select(names)
        if where.size and where[-1] - where[0] + 1 == where.size:
            return own.slice(where[0], where.size)
        wanted = np.zeros(own.num_rows, dtype=np.bool_)
        wanted[where] = True
        return own.filter(pa.array(wanted))


@dataclass(frozen=True)
class Grid:
    """The sums of a task at an age, of its slices on some days: each row of `sums` is a slice on a day.

    Attributes:
        sums: The sums by shard, (slices · days, shards), slice after slice.
        slices: How many there are.
        days: How many there are.
    """

    sums: Sharded
    slices: int
    days: int

    @classmethod
    def of(cls, coded: Coded, where: IntArray, texts: Sequence[str], days: Sequence[date], asked: Asked) -> Grid:
        """The grid of some rows; those of other slices and days are left out."""
        text, day = coded.among("slice", texts, where), coded.among("event_date", days, where)
        own = (text >= 0) & (day >= 0)
        if not own.all():
            where, text, day = where[own], text[own], day[own]
        rows = coded.taken(where, ["shard", *asked.names])
        sums = sharded(rows, text * len(days) + day, len(texts) * len(days), asked.shards, asked.names).sums
        return cls(Sharded({name: of.coarsest() for name, of in sums.items()}), len(texts), len(days))

    @cached_property
    def present(self) -> BoolArray:
        """Which shards have rows, (slices · days, shards)."""
        return self.sums.present

    def whole(self, name: str) -> FloatArray:
        """A sum over all shards, (slices, days); NaN where it was not recorded."""
        return self.sums.whole(name).reshape(self.slices, self.days)

    def recorded(self, name: str) -> BoolArray:
        """Where a sum was recorded, (slices, days)."""
        return ~self.sums.unknown(name).reshape(self.slices, self.days)

    def blocks(self) -> Iterator[slice]:
        """The slices, some at a time."""
        return (slice(start, min(start + BLOCK, self.slices)) for start in range(0, self.slices, BLOCK))

    def rows(self, slices: slice) -> slice:
        """The rows of the sums that are of some slices."""
        return slice(slices.start * self.days, slices.stop * self.days)


@dataclass(frozen=True)
class Asked:
    """Which sums, of how many shards."""

    names: Sequence[str]
    shards: int


@dataclass(frozen=True)
class Part:
    """What is asked: a sum as a part of another one, on the days that count.

    Attributes:
        above: The sum whose part it is asked.
        below: Of what it is a part.
        known: Whether a day counts for a slice, (slices, days).
        of_last: Whether what is below is that of the days where labels are final.
    """

    above: str
    below: str
    known: BoolArray
    of_last: bool = False


def usuals(own: Grid, last: Grid | None, asked: Mapping[str, Part]) -> dict[str, Usual]:
    """What is usual of every part, each (slices,)."""
    found: dict[str, list[Usual]] = {name: [] for name in asked}
    for slices in own.blocks():
        rows = own.rows(slices)
        above = own.sums.part(_names(asked, own=True), rows).leaving_out()
        below = {} if last is None else last.sums.part(_names(asked, own=False), rows).leaving_out()
        for name, part in asked.items():
            other = (below if part.of_last else above)[part.below]
            found[name].append(usual(Days(above[part.above], other, own.present[rows], part.known[slices])))
    nothing = np.empty(0)
    return {name: Usual.joined(parts) if parts else Usual(*[nothing] * 7) for name, parts in found.items()}


def _names(asked: Mapping[str, Part], *, own: bool) -> list[str]:
    names = [part.above for part in asked.values()] if own else []
    return [*dict.fromkeys([*names, *(part.below for part in asked.values() if part.of_last is not own)])]


def day_rows(rows: pa.Table, texts: Sequence[str], days: Sequence[date]) -> BoolArray:
    """Which slices and days have one of some rows, (slices, days)."""
    found = np.zeros((len(texts), len(days)), dtype=np.bool_)
    text = pc.index_in(rows["slice"], value_set=pa.array(texts, type=pa.string())).fill_null(-1).to_numpy()
    day = pc.index_in(rows["event_date"], value_set=pa.array(days, type=pa.date32())).fill_null(-1).to_numpy()
    own = (text >= 0) & (day >= 0)
    found[text[own], day[own]] = True
    return found
