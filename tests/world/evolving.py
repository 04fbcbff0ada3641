"""Four days of an evaluation whose configuration changes after the second, and what the logs themselves say of them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from jobs import nightly
from jobs.results.outcome import Outcome
from jobs.settings import parse
from tests.world.night import DAY, document, parquet

DAYS = [DAY + timedelta(days=i) for i in range(4)]
OLD, NEW = DAYS[:2], DAYS[2:]
SIZE = 1200
USERS = 160
COLUMNS = ("country", "device", "browser")
VALUES = {"country": ("DE", "FR"), "device": ("ios", "web", None), "browser": ("chrome", "safari", "lynx")}


def logs(day: date) -> dict[str, Any]:
    """A day of impressions: two models' scores, two labels, three columns to cut by."""
    draw = np.random.default_rng(day.toordinal())
    user = draw.integers(0, USERS, SIZE)
    truth = np.clip(0.2 + 0.3 * (user % 7) / 7 + draw.normal(scale=0.05, size=SIZE), 0.05, 0.95)
    of = {name: draw.integers(0, len(values), SIZE) for name, values in VALUES.items()}
    return {
        "user": user,
        "click": (draw.random(SIZE) < truth).astype(np.int64),
        "buy": (draw.random(SIZE) < 0.5 * truth).astype(np.int64),
        "spent": np.round(draw.exponential(size=SIZE), 3),
        "p": np.round(truth, 3),
        "q": np.round(np.clip(truth + draw.normal(scale=0.1, size=SIZE), 0.02, 0.98), 3),
        **{name: [VALUES[name][i] for i in codes] for name, codes in of.items()},
    }


def written(folder: Path) -> None:
    """Write the logs of all days."""
    for day in DAYS:
        parquet(folder / "logs" / day.isoformat(), pa.table(logs(day)))


def configured(folder: Path, day: date, tables: Path | None = None, **sections: Any) -> dict[str, Any]:
    """The evaluation of one of the days, as it is at first; sections replace whole sections."""
    source = {"format": "parquet", "path": str(folder / "logs" / day.isoformat())}
    first = {
        "evaluation": "evolving",
        "impressions": {"source": source, "columns": {"unit": "user"}, "duplicates": "none"},
        "labels": {"click": {"column": "click", "values": "binary"}, "buy": {"column": "buy", "values": "binary"}},
        "tasks": {"ctr": {"label": "click"}},
        "models": {"champion": {"ctr": {"score": "p"}}, "candidate": {"ctr": {"score": "q"}}},
        "dimensions": ["country", "device"],
        "slices": [[], ["country"], ["country", "device"]],
        "shards": {"count": 32},
        "bins": {"slices": [[]], "bits": 15},
        "comparisons": {"release": {"candidate": "candidate", "baseline": "champion"}},
        "changes": {"against": ["1d", "2d"]},
        "gates": {
            "steady": {"model": "champion", "task": "ctr", "metric": "log_loss", "against": "1d", "at_most": "90%"}
        },
        "tables": {"path": str(tables or folder / "tables")},
    }
    return document(folder, **{**first, **sections})


def evaluated(spark: SparkSession, folder: Path, days: Collection[date], **sections: Any) -> dict[date, Outcome]:
    """Run some of the days."""
    return {day: nightly.evaluate(spark, parse(configured(folder, day, **sections)), day) for day in days}


def continued(spark: SparkSession, first: Path, folder: Path, **sections: Any) -> dict[date, Outcome]:
    """The last two days by other sections, over a copy of the tables of the first two."""
    shutil.copytree(first / "tables", folder / "tables")
    return {
        day: nightly.evaluate(spark, parse(configured(first, day, folder / "tables", **sections)), day) for day in NEW
    }


def counted(
    days: Sequence[date], by: Collection[str], known: Mapping[date, Collection[str]]
) -> Counter[tuple[str, ...]]:
    """Rows and clicks of the logs themselves: by the values of columns on some days, `(not recorded)` where unknown."""
    found: Counter[tuple[str, ...]] = Counter()
    for day in days:
        of = logs(day)
        for i in range(SIZE):
            values = [_spelled(of[name][i]) if name in known[day] else "(not recorded)" for name in by]
            found[("rows", *values)] += 1
            found[("clicks", *values)] += int(of["click"][i])
    return found


def log_loss(days: Sequence[date], score: str = "p", **fixed: str) -> float:
    """The mean log loss of a score over rows of some days."""
    losses = []
    for day in days:
        of = logs(day)
        p, y = np.asarray(of[score]), of["click"]
        own = np.logical_and.reduce([np.array([_spelled(v) == fixed[n] for v in of[n]]) for n in fixed] or [y >= 0])
        losses.append(np.where(y == 1, -np.log(p), -np.log1p(-p))[own])
    return float(np.concatenate(losses).mean())


def _spelled(value: str | None) -> str:
    return "(null)" if value is None else value
