"""SQL by hand on Apache Spark, with Comet or without, and on Sail: the session is the one that ours has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from benchmarks.beside.question import SHARDS, Question
from benchmarks.beside.sql import Dialect, query
from benchmarks.engines import opened

SPARK = Dialect(
    times="collect_list(click_ts)",
    in_window="exists(c.times, t -> t >= i.ts AND t < i.ts + INTERVAL 1 HOUR)",
    shard=f"pmod(xxhash64('', cast(user_id AS string)), {SHARDS})",
    log1p="log1p({x})",
    # A sum of BIGINT is a BIGINT, which 10⁴ units of 1 leave.
    whole="cast(cast(rint({x}) AS bigint) AS decimal(20, 0))",
)


@contextmanager
def asked(question: Question) -> Iterator[Callable[[], pa.Table]]:
    """What answers the question once, in a session that is open."""
    with opened(question.engine) as spark:
        for name in ("impressions", "clicks"):
            spark.read.parquet(str(question.folder / name)).createOrReplaceTempView(name)
        text = query(question, SPARK)
        yield lambda: spark.sql(text).toArrow()
