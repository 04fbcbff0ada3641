"""An evaluation of ours: seconds of each stage of a night into tables that exist, and of the bare join beside it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import yaml
from pyspark.sql import SparkSession

from benchmarks.cases import Case
from benchmarks.data import DAY, configuration
from benchmarks.engines import opened, options
from jobs import nightly
from jobs.settings import parse

COMPUTE = ("cells", "label", "summarise", "finish")


def rounds(case: Case, folder: Path) -> Generator[dict[str, float], None, None]:
    """Endless rounds in one session; the first is a warm-up.

    The bare join is beside those without duplicates: Sail holds all impressions for it, which no night does.
    """
    with opened(case.who) as spark, tempfile.TemporaryDirectory() as tables:
        while True:
            beside = {"bare join": bare_join(spark, folder)} if case.duplicates == "none" else {}
            yield {**beside, **night(spark, case, folder, Path(tables))}


def night(spark: SparkSession, case: Case, folder: Path, tables: Path) -> dict[str, float]:
    """Seconds of each stage of a night, of those that compute, and of the whole."""
    settings = parse(configuration(case, folder, tables))
    began = time.perf_counter()
    stages = nightly.evaluate(spark, settings, DAY.date()).stages
    whole = time.perf_counter() - began
    return {**stages, "compute": sum(stages[name] for name in COMPUTE), "whole": whole}


def bare_join(spark: SparkSession, folder: Path) -> float:
    """Seconds of impressions ⟕ clicks by id, and one float sum: what no evaluation can do without."""
    began = time.perf_counter()
    impressions = spark.read.parquet(str(folder / "impressions"))
    clicks = spark.read.parquet(str(folder / "clicks")).groupBy("impression_id").agg({"click_ts": "min"})
    joined = impressions.join(clicks, on="impression_id", how="left")
    joined.selectExpr("sum(p_champion * if(`min(click_ts)` IS NULL, 0.0D, 1.0D))").collect()
    return time.perf_counter() - began


@contextmanager
def command(case: Case, folder: Path) -> Iterator[list[str]]:
    """The command line of a night, into tables that its first round makes."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "bench.yaml"
        file.write_text(yaml.safe_dump(configuration(case, folder, Path(place) / "tables")), encoding="utf-8")
        how = [text for name, value in options(case.who).items() for text in (f"--{name}", value)]
        yield ["-m", "jobs", "run", str(file), "--date", date.isoformat(DAY.date()), "--json", *how]
