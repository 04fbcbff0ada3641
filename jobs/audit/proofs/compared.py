"""That two models are compared on the same rows, and on as many as the tables of comparisons say."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from jobs.audit.evidence import Evidence
from jobs.audit.same import described, same
from jobs.audit.statement import Statement, equal
from jobs.judgement.paired import Asked, every
from jobs.results.rows import summed
from udfs.exact.decimals import from_decimal, nearest
from udfs.scan.partials import with_negatives

ROWS = ["n", "weight"]  # whatever does not depend on scores
KEYS = ["slice", "shard"]


def comparisons(of: Evidence) -> Iterator[Statement]:
    """Rows of one model less those that the other cannot score are those of the other less its own, and are `n`."""
    if "comparisons" not in of.tables:
        return
    for asked in every(of.settings):
        a = _shared(of, asked.task, asked.candidate, asked.baseline)
        b = _shared(of, asked.task, asked.baseline, asked.candidate)
        yield from same(
            f"{asked.comparison}, {asked.task}: rows of {asked.candidate} beside {asked.baseline}", a, b, KEYS
        )
        yield from _of_pairs(of, asked, a)
        yield from _told(of, asked, a)


def _of(of: Evidence, name: str, task: str, model: str, other: str | None = None) -> pa.Table:
    """The rows and weights of a model by slice and shard, in a table of sums."""
    if name not in of.tables:
        return of.tables["shard_statistics"].slice(0, 0).select([*KEYS, *ROWS])
    rows = of.tables[name]
    own = pc.and_(pc.equal(rows["task"], task), pc.equal(rows["model"], model))
    own = own if other is None else pc.and_(own, pc.equal(rows["other"], other))
    return rows.filter(own).select([*KEYS, *ROWS])


def _shared(of: Evidence, task: str, model: str, other: str) -> pa.Table:
    """What both can score of a model, where there is any."""
    own, apart = _of(of, "shard_statistics", task, model), _of(of, "unpaired_statistics", task, model, other)
    left = summed(with_negatives(own, apart.cast(own.schema), KEYS), KEYS, ROWS)
    return left.filter(pc.not_equal(left["n"], 0))


def _of_pairs(of: Evidence, asked: Asked, shared: pa.Table) -> Iterator[Statement]:
    if of.settings.comparisons[asked.comparison].pair_statistics:
        rows = _of(of, "pair_statistics", asked.task, asked.candidate, asked.baseline)
        named = f"pair_statistics of {asked.task}, {asked.candidate} and {asked.baseline}"
        yield from same(named, rows.select([*KEYS, "n"]), shared.select([*KEYS, "n"]), KEYS)


def _told(of: Evidence, asked: Asked, shared: pa.Table) -> Iterator[Statement]:
    """That `comparisons` tells so many rows, and so much weight, of every metric."""
    counts = _by_slice(shared)
    only = {
        "only_candidate": _by_slice(_of(of, "unpaired_statistics", asked.task, asked.candidate, asked.baseline)),
        "only_baseline": _by_slice(_of(of, "unpaired_statistics", asked.task, asked.baseline, asked.candidate)),
    }
    rows = of.tables["comparisons"]
    rows = rows.filter(pc.and_(pc.equal(rows["comparison"], asked.comparison), pc.equal(rows["task"], asked.task)))
    names = ["slice", "metric", "n", "weight", *only]
    for row in rows.select(names).to_pylist():
        named = {"comparison": asked.comparison, "task": asked.task, "slice": row["slice"], "metric": row["metric"]}
        place = f"comparisons at {described(list(named), list(named.values()))}"
        n, weight = counts.get(row["slice"], (0, 0.0))
        yield equal(f"{place}, n", row["n"], n)
        yield equal(f"{place}, weight", row["weight"], weight)
        yield from (
            equal(f"{place}, {name}", row[name], of_one.get(row["slice"], (0, 0.0))[0]) for name, of_one in only.items()
        )


def _by_slice(rows: pa.Table) -> dict[str, tuple[int, float]]:
    added = summed(rows.drop(["shard"]), ["slice"], ROWS)
    columns = added["slice"].to_pylist(), added["n"].to_pylist(), nearest(from_decimal(added["weight"])).tolist()
    return {text: (n, weight) for text, n, weight in zip(*columns, strict=True)}
