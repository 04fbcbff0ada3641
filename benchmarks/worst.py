"""How long does the search of every cross take, beside DuckDB adding the same sums by GROUPING SETS?

Two days of cells in six dimensions, ten statistics of a binary task. Each side runs in a process of its own, in turn.
Printed: medians of seconds by the clock and of CPU, and the peak memory of the process over that of its tables. Ours,
on one core, adds exactly what has enough rows, and searches; DuckDB, on two, only adds.

    python benchmarks/worst.py --cells 200000 --depth 3
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from decimal import Decimal
from itertools import combinations

import duckdb
import numpy as np
import pyarrow as pa

from jobs.judgement.slices.search import loss_rate, worst_of_losses
from jobs.judgement.slices.worst import Search
from jobs.settings import parse
from udfs.exact.decimals import DECIMAL

SIZES = {"country": 24, "device": 5, "hour": 24, "placement": 8, "campaign": 100, "version": 6}
SETTINGS = parse(
    {
        "evaluation": "bench",
        "impressions": {"source": {"format": "parquet", "path": "x"}},
        "labels": {"click": {"column": "click", "values": "binary"}},
        "tasks": {"ctr": {"label": "click"}},
        "models": {"m": {"ctr": {"score": "p"}}},
        "dimensions": list(SIZES),
        "tables": {"path": "x"},
    }
)
RATE, NAMES = loss_rate("binary", SETTINGS)


def day(cells: int, seed: int, over: float = 1.0) -> pa.Table:
    """The cells of a day; the loss of one cross is so many times as large."""
    rng = np.random.default_rng(7)
    key = rng.choice(int(np.prod([*SIZES.values()])), cells, replace=False)
    codes = dict(zip(SIZES, np.unravel_index(key, [*SIZES.values()]), strict=True))
    rng = np.random.default_rng(seed)
    n = rng.geometric(0.02, cells)
    wrong = np.where((codes["country"] == 3) & (codes["device"] == 1), over, 1.0)
    loss = n * 0.1 * wrong * rng.uniform(0.9, 1.1, cells)
    sums = {"weight": n, "squared_weight": n, "squared_nll": loss / 3.0}
    sums |= dict.fromkeys(("positive_nll", "negative_nll"), loss / 2.0)
    empty = pa.array([Decimal(0)] * cells, DECIMAL)
    columns = {name: pa.array([f"{name}_{v:03}" for v in values]) for name, values in codes.items()}
    for name in NAMES:
        known = sums.get(name)
        columns[name] = pa.array(n) if name == "n" else empty if known is None else pa.array(known).cast(DECIMAL)
    return pa.table(columns)


def ours(days: list[pa.Table], depth: int) -> int:
    """Every cross of both days, and the worst."""
    found = worst_of_losses(days, (RATE, NAMES), SETTINGS, Search(depth=depth))
    assert found.worst[0].slice == "country=country_003,device=device_001"
    return found.judged


def by_duckdb(days: list[pa.Table], depth: int) -> int:
    """The sums alone of every cross."""
    before, now = days  # noqa: RUF059 - DuckDB finds them by their names
    sets = [", ".join(each) for deep in range(depth + 1) for each in combinations(SIZES, deep)]
    sums = ", ".join(f"sum({name})" for name in NAMES)
    query = (
        f"SELECT day, {', '.join(SIZES)}, {sums} FROM (SELECT 0 AS day, * FROM before UNION ALL SELECT 1, * FROM now) "
        f"GROUP BY GROUPING SETS ({', '.join(f'(day, {each})' if each else '(day)' for each in sets)})"
    )
    with duckdb.connect(config={"threads": 2}) as connection:
        return len(connection.execute(query).to_arrow_table())


def measured(side: str, cells: int, depth: int) -> dict[str, float]:
    """Seconds, CPU seconds and MiB of one side."""
    days = [day(cells, 1), day(cells, 2, over=1.3)]
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    crosses = (ours if side == "ours" else by_duckdb)(days, depth)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "mib": (after.ru_maxrss - before.ru_maxrss) / 1024, "crosses": crosses}


def main() -> None:
    """Parse the arguments; run as the parent of both sides, or as one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", choices=("ours", "duckdb"))
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(measured(asked.side, asked.cells, asked.depth)))
        return
    found: dict[str, list[dict[str, float]]] = {"ours": [], "duckdb": []}
    for _ in range(asked.rounds):
        for side, rounds in found.items():
            command = [sys.executable, __file__, "--cells", asked.cells, "--depth", asked.depth, "--side", side]
            rounds.append(json.loads(subprocess.check_output([*map(str, command)])))
    for side, rounds in found.items():
        told = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        print(side, ", ".join(f"{name} {value:,.2f}" for name, value in told.items()))


if __name__ == "__main__":
    main()
