"""Engines by one word: `comet` is Apache Spark accelerated by it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from pyspark.sql import SparkSession

from jobs.engines.session import session


def options(engine: str) -> dict[str, str]:
    """What the engine and its accelerator are called.

    >>> options("comet")
    {'engine': 'spark', 'accelerator': 'comet'}
    """
    accelerated = engine == "comet"
    return {"engine": "spark" if accelerated else engine, "accelerator": "comet" if accelerated else "none"}


def opened(engine: str) -> AbstractContextManager[SparkSession]:
    """A session for the length of a `with` block."""
    chosen = options(engine)
    return session(chosen["engine"], accelerator=chosen["accelerator"])
