"""Two models' crosses on exactly the impressions that both can score: all of them, or those that are declared slices.

What only one model can score is kept by declared slice and not by cell. Where there is any, only declared slices have
exact sums over the shared rows, so only those are searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import RuntimeFailure
from jobs.judgement.by_shard import Tables
from jobs.judgement.slices.crosses import FREE, Crosses
from jobs.judgement.uncertainty.same_rows import unequal
from jobs.results.rows import of_pair
from udfs.exact.arrays import IntArray
from udfs.exact.integers import integers
from udfs.scan.partials import subtracted


@dataclass(frozen=True)
class Common:
    """What is known of the rows that both models can score.

    Attributes:
        only: How many rows only the first can score, and only the second; None where nothing says so.
        reason: Why they cannot be compared by crosses: `no_common_rows`; or `not_compared`, where some rows have no
            score, and the day was evaluated without a comparison of these models, which would tell them apart.
    """

    only: tuple[int, int] | None
    reason: str | None = None

    @property
    def everything(self) -> bool:
        """Whether both can score the same rows."""
        return self.only == (0, 0)


def common(tables: Tables, task: str, models: tuple[str, str], declared: Sequence[Sequence[str]]) -> Common:
    """What tables of a day say of the shared rows of two models.

    Args:
        tables: `statistics` and, where any comparison is declared, `comparisons` and `unpaired_statistics`.
        task: The task that both have.
        models: Both.
        declared: The declarations of slices, in each of which a row is once.
    """
    if not any(_unscored(tables["statistics"], task, model) for model in models):
        return Common((0, 0))
    if not _compared(tables.get("comparisons"), task, models):
        return Common(None, "not_compared")
    first, second = (
        _count(apart, "n") // len(declared) for apart in _apart(tables["unpaired_statistics"], task, models)
    )
    scored = _count(of_pair(tables["statistics"], task, models[0]), "n")
    return Common((first, second), "no_common_rows" if first == scored else None)


def shared_sums(tables: Tables, task: str, models: tuple[str, str], names: Sequence[str]) -> list[pa.Table]:
    """The sums of both models by declared slice, over the rows that both can score, exact.

    Args:
        tables: `shard_statistics` and `unpaired_statistics` of a day.
        task: The task.
        models: Both.
        names: The statistics.

    Raises:
        RuntimeFailure: What is left of both is not of the same rows (exit 3).
    """
    columns = ["slice", *names]
    own = [of_pair(tables["shard_statistics"], task, model).select(columns) for model in models]
    apart = _apart(tables["unpaired_statistics"], task, models)
    left = [
        subtracted(of, less.select(columns).cast(of.schema), ["slice"]).sort_by("slice")
        for of, less in zip(own, apart, strict=True)
    ]
    wrong = unequal(left[0], left[1], ["slice"])
    if wrong:
        raise RuntimeFailure(f"task {task}: {' and '.join(models)} are not left with the same rows at {wrong[0]}")
    return left


def among(found: Crosses, declared: Sequence[Sequence[str]], sides: Sequence[pa.Table]) -> Crosses:
    """Of all crosses those that are declared slices, with the sums of `shared_sums` instead of their own.

    Slices of dimensions that the crosses are not of are left out.

    A parent is any of them that holds the cross, however many dimensions it has less.
    """
    bit = {name: 1 << i for i, name in enumerate(found.values)}
    fixed = (found.codes != FREE) @ np.array([*bit.values()], dtype=np.int64)
    rows = np.flatnonzero(np.isin(fixed, [sum(bit[n] for n in each) for each in declared if {*each} <= {*bit}]))
    texts = pa.array([found.text(row) for row in rows.tolist()], type=pa.string())
    places = [pc.index_in(texts, value_set=side["slice"].combine_chunks()) for side in sides]
    kept = np.flatnonzero(np.logical_and.reduce([place.is_valid() for place in places]))
    whole = pa.concat_tables([side.take(place.take(kept)) for side, place in zip(sides, places, strict=True)])
    sums = {name: integers(whole[name], whole.num_rows) for name in whole.column_names if name != "slice"}
    codes = found.codes[rows[kept]]
    return replace(found, codes=codes, sums=sums, parents=_parents(codes))


def _parents(codes: IntArray) -> IntArray:
    """Every row that fixes some of the dimensions of a row, and no other: (rows, at most so many), else −1."""
    number = {tuple(each): i for i, each in enumerate(codes.tolist())}
    above = []
    for each in number:
        fixed = [i for i, code in enumerate(each) if code != FREE]
        kept = (some for depth in range(len(fixed)) for some in combinations(fixed, depth))
        coarser = (tuple(code if i in some else FREE for i, code in enumerate(each)) for some in kept)
        above.append([number[one] for one in coarser if one in number])
    most = max(map(len, above), default=0)
    return np.array([[*each, *[-1] * (most - len(each))] for each in above], dtype=np.int64).reshape(len(codes), most)


def _unscored(statistics: pa.Table, task: str, model: str) -> int:
    return _count(of_pair(statistics, task, model), "unscored")


def _count(rows: pa.Table, name: str) -> int:
    return int(pc.sum(rows[name]).as_py() or 0)


def _compared(comparisons: pa.Table | None, task: str, models: tuple[str, str]) -> bool:
    if comparisons is None:
        return False
    pairs = zip(*(comparisons[name].to_pylist() for name in ("task", "candidate", "baseline")), strict=True)
    return any(of == task and {*both} == {*models} for of, *both in pairs)


def _apart(unpaired: pa.Table, task: str, models: tuple[str, str]) -> list[pa.Table]:
    """The rows of each model that the other can not score."""
    both = (of_pair(unpaired, task, model) for model in models)
    return [rows.filter(pc.equal(rows["other"], other)) for rows, other in zip(both, reversed(models), strict=True)]
