"""Rows that are not evaluated: exact counts by reason, and some of the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.errors import RefusedError, RuntimeFailure
from jobs.examples.arrival import Arrived
from jobs.examples.groups import columns_of
from jobs.examples.left_out import LeftOut, by_pair, of_pairs, of_weight, shares, with_weights
from jobs.inputs.scorings import Scoring
from jobs.ledger.runs import Ledger

RANKING_BUCKETS = 64
LONGEST = 300  # characters of a row that a message quotes
SHADOW = ". A model that scores a part of the rows by intent may be `required: false` beside its score"
# Apache Spark would cut times to milliseconds; Sail, which takes no format, writes them so.
TIMES = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"}
COLUMNS = ("source", "task", "model", "reason", "key", "row")


@dataclass(frozen=True)
class Rows:
    """The frames in which rejected rows are found."""

    impressions: DataFrame
    logs: Mapping[str, DataFrame]
    examples: DataFrame
    groups: DataFrame | None
    scorings: Sequence[Scoring]
    arrived: Mapping[str, Arrived]

    @property
    def events(self) -> dict[str, tuple[int, int]]:
        """Of each label log the events, and those of them that cannot be joined."""
        return {name: (self.arrived[name].rows, self.arrived[name].unusable) for name in self.logs}


def parts(rows: Rows, ledger: Ledger, statistics: pa.Table) -> list[DataFrame]:
    """The frames of rejected rows, of those kinds only of which there are any."""
    found = [of_impressions(rows.impressions)] if ledger.rejected else []
    missing = by_pair(statistics, "unscored")
    without = [s for s in rows.scorings if missing[s.task, s.model]]
    of_rows = [s for s in without if not s.kind.of_groups]
    found += [of_scorings(rows.examples, of_rows)] if of_rows else []
    numbered = [(i, s) for i, s in enumerate(rows.scorings) if s in without and s not in of_rows]
    found += [of_groups(rows.groups, i, s) for i, s in numbered if rows.groups is not None]
    return found + [of_log(name, log) for name, log in rows.logs.items() if rows.events[name][1]]


def counted(
    rows: Rows, ledger: Ledger, statistics: pa.Table, limit: int
) -> tuple[list[dict[str, Any]], pa.Table | None]:
    """Exact counts by reason, and the rows to keep, at most `limit` of each reason; None where none is rejected."""
    found = parts(rows, ledger, statistics)
    if not found:
        return [], None
    reasons, kept = collected(found, limit)
    return with_weights(reasons, _rejected(rows.impressions), rows.scorings, statistics), kept


def check(ledger: Ledger, rows: Rows, statistics: pa.Table, share: float, kept: pa.Table | None) -> None:
    """Check that the counts tie out with what was summed, and that not too much is rejected.

    Raises:
        RuntimeFailure: A count by reason differs from the rows that are missing (exit 3).
        RefusedError: More than `share` of the rows or the weight of the day, of a label log, or of the rows or the
            weight of a task × model that is required (exit 2).
    """
    whole = {"impressions": (ledger.rejected, ledger.read - ledger.outside)}
    whole |= {name: (bad, events) for name, (events, bad) in rows.events.items()}
    unscored = by_pair(statistics, "unscored")
    expected: dict[tuple[str, str | None, str | None], int] = {
        (name, None, None): bad for name, (bad, _) in whole.items()
    }
    expected |= {("impressions", s.task, s.model): unscored[s.task, s.model] for s in rows.scorings}
    for (source, task, model), rejected in expected.items():
        counts = rows_with(ledger.reasons, source=source, task=task, model=model)
        if counts != rejected:
            raise RuntimeFailure(
                f"{_named(source, task, model)}: {rejected:,} rows are missing, reasons count {counts:,}"
            )
    pairs = [each for each in of_pairs(rows.scorings, statistics, ledger.reasons) if each.required]
    too_many = [name for name, (rejected, of) in whole.items() if rejected > share * of]
    if "impressions" not in too_many and any(of > share for of in shares(ledger.reasons).values()):
        too_many.append(f"impressions ({of_weight(ledger.reasons)})")
    models = [_blamed(each, share) for each in pairs if each.exceeds(share)]
    if too_many or models:
        mend = SHADOW if models else ""
        error = RefusedError(_too_many([*too_many, *models], share, ledger.reasons, mend))
        error.examples = "".join(_examples(kept, ledger.reasons))
        raise error


def _examples(kept: pa.Table | None, reasons: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A row of each reason as it was read: what is wrong with a value its reason cannot say."""
    if kept is None:
        return
    for reason in reasons:
        same = [pc.equal(kept[name], reason[name]) for name in COLUMNS[:4] if reason[name] is not None]
        if row := kept.filter(reduce(pc.and_, same)).slice(0, 1)["row"].to_pylist():
            text = row[0] if len(row[0]) <= LONGEST else f"{row[0][:LONGEST]} …"
            yield f"\n  {_named(reason['source'], reason['task'], reason['model'])}: {reason['reason']}, as {text}"


def _blamed(pair: LeftOut, share: float) -> str:
    """A task × model that goes without too much; by weight, where it is not too many rows."""
    named = _named("impressions", pair.task, pair.model)
    return named if pair.row_share > share else f"{named} ({pair.shares})"


def _too_many(blamed: Sequence[str], share: float, reasons: Sequence[Mapping[str, Any]], mend: str) -> str:
    table = "\n".join(
        f"  {row['rows']:>12,}  {_named(row['source'], row['task'], row['model'])}: {row['reason']}" for row in reasons
    )
    return (
        f"more than {share:.2%} (limits.rejected_share) is rejected of {', '.join(blamed)}; "
        f"the rows are in the table rejects, statistics and metrics are as before{mend}\n{table}"
    )


def of_impressions(impressions: DataFrame) -> DataFrame:
    """Rows of the day that a key, a time or a label rejects."""
    return _selected(_rejected(impressions), "impressions", F.col("fingerprint"))


def _rejected(impressions: DataFrame) -> DataFrame:
    return impressions.where(F.col("in_day") & F.col("reason").isNotNull())


def of_log(name: str, log: DataFrame) -> DataFrame:
    """Events of a label log that cannot be joined."""
    rows = log.where(F.col("outside").isNull() & F.col("reason").isNotNull())
    return _selected(rows, name, F.xxhash64("id", "time"))


def of_scorings(examples: DataFrame, scorings: Sequence[Scoring]) -> DataFrame:
    """Examples that a task × model goes without, once for each: one pass for all of them, as the labels are dear."""
    reasons = [scoring.reason for scoring in scorings]
    named = [
        F.struct(F.lit(s.task).alias("task"), F.lit(s.model).alias("model"), reason.alias("reason"))
        for s, reason in zip(scorings, reasons, strict=True)
    ]
    rows = examples.where(F.coalesce(*reasons).isNotNull())
    each = rows.select("id", "row", "fingerprint", F.explode(F.array(*named)).alias("pair")).where(
        F.col("pair.reason").isNotNull()
    )
    return each.select(
        F.lit("impressions").alias("source"),
        *(F.col(f"pair.{name}").alias(name) for name in ("task", "model", "reason")),
        F.col("id").cast("string").alias("key"),
        F.to_json("row", TIMES).alias("row"),
        "fingerprint",
    )


def of_groups(groups: DataFrame, number: int, scoring: Scoring) -> DataFrame:
    """Groups that a task × model goes without; the key is the group's."""
    reason = F.col(columns_of(number).reason)
    return groups.where(reason.isNotNull()).select(
        F.lit("impressions").alias("source"),
        F.lit(scoring.task).alias("task"),
        F.lit(scoring.model).alias("model"),
        reason.alias("reason"),
        F.col("group").alias("key"),
        F.to_json(F.struct("group")).alias("row"),
        F.xxhash64("group").alias("fingerprint"),
    )


def collected(parts: Sequence[DataFrame], limit: int) -> tuple[list[dict[str, Any]], pa.Table]:
    """Exact counts by source, task, model and reason, and at most `limit` rows of each, the same on every engine.

    Ordered by key, then by a hash of the values: of numbers in JSON engines have different spellings. In one pass, as
    the frames join the labels once more. Rows of a reason are ranked in buckets first: a model without any score
    rejects all rows of the day for one reason, and one task would have to sort them.
    """
    keys = list(COLUMNS[:4])
    order = (F.col("key").asc(), F.col("fingerprint").asc())
    bucket = Window.partitionBy(*keys, F.pmod("fingerprint", F.lit(RANKING_BUCKETS)))
    few = (
        _union(parts)
        .withColumn("rank", F.row_number().over(bucket.orderBy(*order)))
        .withColumn("rows", F.when(F.col("rank") == 1, F.count(F.lit(1)).over(bucket)))
        .where(F.col("rank") <= max(limit, 1))
    )
    reason = Window.partitionBy(*keys)
    ranked = few.withColumn("rank", F.row_number().over(reason.orderBy(*order))).withColumn(
        "rows", F.sum("rows").over(reason)
    )
    table = ranked.where(F.col("rank") <= max(limit, 1)).toArrow()
    counts = table.filter(pc.equal(table["rank"], 1)).select([*keys, "rows"]).to_pylist()
    kept = table.filter(pc.less_equal(table["rank"], limit)).select(list(COLUMNS))
    return sorted(counts, key=lambda row: [str(row[key]) for key in keys]), kept


def rows_with(counts: Sequence[Mapping[str, Any]], **keys: str | None) -> int:
    """Rows of the counts that have these keys."""
    return sum(row["rows"] for row in counts if all(row[key] == value for key, value in keys.items()))


def _selected(rows: DataFrame, source: str, fingerprint: Column) -> DataFrame:
    return rows.select(
        F.lit(source).alias("source"),
        F.lit(None).cast("string").alias("task"),
        F.lit(None).cast("string").alias("model"),
        "reason",
        F.col("id").cast("string").alias("key"),
        F.to_json("row", TIMES).alias("row"),
        fingerprint.alias("fingerprint"),
    )


def _union(parts: Sequence[DataFrame]) -> DataFrame:
    return reduce(lambda left, right: left.unionByName(right), parts)


def _named(source: str, task: str | None, model: str | None) -> str:
    return source if task is None else f"{task} / {model}"
