"""Polars, lazily, by its streaming engine; exact sums are of Int128."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from benchmarks.beside.question import KEYS, SHARDS, Question
from benchmarks.beside.sql import number_of, of_model

WINDOW = pl.duration(hours=1)


@contextmanager
def asked(question: Question) -> Iterator[Callable[[], pa.Table]]:
    """What answers the question once."""
    yield lambda: answer(question)


def answer(question: Question) -> pa.Table:
    """The sums by cell and shard, and out of them those of every group, as one table."""
    finest = _finest(question).collect(engine="streaming")
    coarser = (_added(finest, question, group) for group in question.groups)
    return pl.concat(coarser, how="diagonal").to_arrow()


def _finest(question: Question) -> pl.LazyFrame:
    impressions, clicks = (pl.scan_parquet(question.folder / name / "*.parquet") for name in ("impressions", "clicks"))
    frame = impressions.join(_clicked(impressions, clicks), on=["impression_id", "ts"], how="left")
    frame = frame.with_columns(y=pl.col("y").fill_null(0.0))
    if question.duplicates == "remove":
        order = [pl.col("ts"), pl.col("y").neg()]
        frame = frame.filter(pl.struct(*order).rank("ordinal").over("impression_id") == 1)
    shard = pl.col("user_id").hash() % SHARDS if question.shard is None else pl.sql_expr(question.shard)
    frame = frame.with_columns(shard.alias("shard"), *_scores(question))
    return frame.with_columns(_losses(question)).group_by(KEYS).agg(pl.len().alias("rows"), *_sums(question))


def _clicked(impressions: pl.LazyFrame, clicks: pl.LazyFrame) -> pl.LazyFrame:
    """The impressions that have a click in their window, each id and time once."""
    met = clicks.join(impressions.select("impression_id", "ts"), on="impression_id")
    inside = (pl.col("click_ts") >= pl.col("ts")) & (pl.col("click_ts") < pl.col("ts") + WINDOW)
    return met.filter(inside).select("impression_id", "ts", y=pl.lit(1.0)).unique()


def _scores(question: Question) -> Iterator[pl.Expr]:
    for score in (pl.col(f"p_{model}") for model in question.models):
        yield pl.when((score >= 0.0) & (score <= 1.0)).then(score)


def _losses(question: Question) -> Iterator[pl.Expr]:
    for model in question.models:
        score, y = pl.col(f"p_{model}"), pl.col("y")
        inside = (score > 0.0) & (score < 1.0)
        yield pl.when(inside & (y == 1.0)).then(-score.log()).otherwise(0.0).alias(f"a_{model}")
        yield pl.when(inside).then(-(-score).log1p()).otherwise(0.0).alias(f"b_{model}")


def _sums(question: Question) -> Iterator[pl.Expr]:
    for model in question.models:
        for name, condition in question.counts.items():
            yield pl.sql_expr(of_model(condition, model)).sum().cast(pl.Int64).alias(f"{name}_{model}")
        for name, term in question.terms.items():
            value = pl.sql_expr(of_model(term, model))
            yield (_whole(value) if question.exact else value).sum().alias(f"{name}_{model}")


def _whole(value: pl.Expr) -> pl.Expr:
    """In units; a sum of Int64 would be an Int64, which 10⁴ units of 1 leave without a word."""
    return (value * 1e15).round(mode="half_to_even").cast(pl.Int64).cast(pl.Int128)


def _added(finest: pl.DataFrame, question: Question, group: tuple[str, ...]) -> pl.DataFrame:
    sums = finest.group_by(group).agg(pl.col(name).sum() for name in question.sums)
    # Arrow has no integers of 128 bits.
    whole = cs.by_dtype(pl.Int128).cast(pl.Decimal(38, 0))
    return sums.with_columns(whole, grouped_by=pl.lit(number_of(group)))
