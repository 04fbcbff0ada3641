"""How dear is an evaluation beside the join that anyone would have to make?

Each engine runs in a process of its own, one after the other; `comet` is Apache Spark accelerated by it. A round is
the engine's bare left join of impressions and clicks with one float sum, the query that one would write by hand, then a
whole run into tables that exist. Printed: seconds of each stage and the ratios of the compute part and of the whole run
to both queries of the same round, medians over the rounds after a warm-up, and the peak memory of the largest process.

    python benchmarks/evaluate.py --rows 10000000 --cells 12000 200000 --ids integer text
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from data import configuration, generate
from rich.console import Console
from rich.table import Table

from jobs import nightly
from jobs.engines.session import session
from jobs.settings import parse

TERMS = (
    "{p}",
    "power(label - {p}, 2)",
    "label * -ln({p})",
    "(1 - label) * -ln(1 - {p})",
    "label * power(1 - {p}, 2) * -ln({p})",
    "(1 - label) * power({p}, 2) * -ln(1 - {p})",
)
COMPUTE = ("cells", "label", "summarise", "finish")


def main() -> None:
    """Parse the arguments; run as the parent of all engines, or as one engine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--cells", type=int, nargs="+", default=[12_000, 200_000])
    parser.add_argument("--ids", choices=("integer", "text"), nargs="+", default=["integer", "text"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lossledger-bench")
    parser.add_argument("--engines", nargs="+", default=["spark", "comet", "sail"])
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        engine, folder = arguments.child
        print(json.dumps(measured(engine, Path(folder), arguments.rounds)))
        return
    for cells, ids in itertools.product(arguments.cells, arguments.ids):
        folder = arguments.folder / f"{arguments.rows}-{cells}-{ids}"
        generate(folder, arguments.rows, cells, ids)
        found = {engine: in_own_process(engine, folder) for engine in arguments.engines}
        title = f"{arguments.rows:,} impressions, {cells:,} cells, {ids} ids, median of {arguments.rounds}"
        report(found, title)


def in_own_process(engine: str, folder: Path) -> dict[str, Any]:
    """The measurements of one engine, made by a child that runs this script again."""
    command = [sys.executable, *sys.argv, "--child", engine, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(engine: str, folder: Path, rounds: int) -> dict[str, Any]:
    """Rounds of bare join and whole run on one engine, the first of them as a warm-up left out."""
    found: list[dict[str, float]] = []
    name, accelerator = ("spark", "comet") if engine == "comet" else (engine, "none")
    with session(name, accelerator=accelerator) as spark, tempfile.TemporaryDirectory(dir=folder) as tables:
        for number in range(rounds + 1):
            beside = {name: seconds(query, spark, folder) for name, query in QUERIES.items()}
            found.append({**beside, **whole_run(spark, folder, Path(tables), "none")})
            print(engine, number, found[-1], file=sys.stderr)
        deduplication = whole_run(spark, folder, Path(tables), "remove")["label"]
        # While the JVM and its workers are there: of a child that runs, getrusage says nothing.
        peak = max(peaks(os.getpid()))
    return {"rounds": found[1:], "deduplication": deduplication, "peak_mib": peak}


def peaks(pid: int) -> Iterator[float]:
    """The most memory, in MiB, that a process and each of its descendants held, as Linux tells it."""
    # What ends meanwhile is left out.
    with suppress(FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        yield from (int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                for child in (thread / "children").read_text().split():
                    yield from peaks(int(child))


def bare_join(spark: Any, folder: Path) -> float:
    """Impressions ⟕ clicks by id, and one float sum: what home-made SQL would start from."""
    impressions = spark.read.parquet(str(folder / "impressions"))
    clicks = spark.read.parquet(str(folder / "clicks")).groupBy("impression_id").agg({"click_ts": "min"})
    joined = impressions.join(clicks, on="impression_id", how="left")
    row = joined.selectExpr("sum(p_champion * if(`min(click_ts)` IS NULL, 0.0D, 1.0D))").collect()[0]
    return float(row[0])


def by_hand(spark: Any, folder: Path) -> int:
    """Home-made SQL for a few of the sums, as doubles, that add up to all slices and shards."""
    for name in ("impressions", "clicks"):
        spark.read.parquet(str(folder / name)).createOrReplaceTempView(name)
    sums = [f"sum({term.format(p=f'p_{model}')})" for model in ("champion", "candidate") for term in TERMS]
    query = f"""
        WITH first_clicks AS (SELECT impression_id, min(click_ts) AS click_ts FROM clicks GROUP BY impression_id),
        labelled AS (
            SELECT *, pmod(xxhash64(cast(user_id AS string)), 32) AS shard,
                if(click_ts >= ts AND click_ts < ts + INTERVAL 1 HOUR, 1.0D, 0.0D) AS label
            FROM impressions LEFT JOIN first_clicks USING (impression_id)
        )
        SELECT country, device, campaign, shard, count(*), sum(label), {", ".join(sums)}
        FROM labelled GROUP BY country, device, campaign, shard
    """
    return int(spark.sql(query).toArrow().num_rows)


QUERIES: dict[str, Callable[[Any, Path], object]] = {"bare join": bare_join, "by hand": by_hand}


def seconds(query: Callable[[Any, Path], object], spark: Any, folder: Path) -> float:
    """How long a query takes."""
    began = time.perf_counter()
    query(spark, folder)
    return time.perf_counter() - began


def whole_run(spark: Any, folder: Path, tables: Path, duplicates: str) -> dict[str, float]:
    """Seconds of each stage of a run, and of the whole."""
    settings = parse(configuration(folder, tables / duplicates, duplicates))
    began = time.perf_counter()
    outcome = nightly.evaluate(spark, settings, date(2026, 11, 20))
    return {**outcome.stages, "whole": time.perf_counter() - began}


def report(found: dict[str, dict[str, Any]], title: str) -> None:
    """Print medians and ratios."""
    table = Table("", *found, title=title)
    for stage in found[next(iter(found))]["rounds"][0]:
        table.add_row(f"{stage}, s", *(f"{median(r[stage] for r in one['rounds']):.2f}" for one in found.values()))
    table.add_row("deduplication beside it, s", *(f"{one['deduplication']:.2f}" for one in found.values()))
    for query in QUERIES:
        for name, part in (("compute", COMPUTE), ("whole", ("whole",))):
            ratios = (
                median(sum(r[stage] for stage in part) / r[query] for r in one["rounds"]) for one in found.values()
            )
            table.add_row(f"{name} / {query}", *(f"{ratio:.2f}" for ratio in ratios))
    if "spark" in found:
        bare = median(r["bare join"] for r in found["spark"]["rounds"])
        computes = (median(sum(r[name] for name in COMPUTE) for r in one["rounds"]) for one in found.values())
        table.add_row("compute / bare join of plain Spark", *(f"{compute / bare:.2f}" for compute in computes))
    table.add_row("peak memory of the largest process, MiB", *(f"{one['peak_mib']:.0f}" for one in found.values()))
    Console().print(table)


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


if __name__ == "__main__":
    main()
