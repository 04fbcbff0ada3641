"""Forecasts of games that 538 published, beside what someone says who knows nothing but the home teams' rate."""

import csv
import zlib

import numpy as np

SHARDS = 32
CONFIG = {
    "evaluation": "games",
    "impressions": {"source": {"format": "csv", "path": "games"}, "duplicates": "none"},
    "labels": {"won": {"column": "won", "values": "binary"}},
    "tasks": {"home": {"label": "won"}},
    "models": {"forecast": {"home": {"score": "forecast"}}, "rate": {"home": {"score": "rate"}}},
    "comparisons": {"knowing": {"candidate": "forecast", "baseline": "rate"}},
    "dimensions": ["season"],
    "slices": [[], ["season"]],
    "bins": {"shards": True},
    "tables": {"path": "tables"},
}


def games(data_dir):
    """The games of the NBA: a unit is a team at home in a season."""
    with (data_dir / "forecasts" / "nba_games.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    won = np.array([float(row["prob1_outcome"]) for row in rows])
    unit = [f"{row['team1']} {row['season']}" for row in rows]
    return {
        "won": won,
        "forecast": np.array([float(row["prob1"]) for row in rows]),
        "rate": np.full(won.size, round(float(won.mean()), 3)),
        "season": np.array([row["season"] for row in rows]),
        "shard": np.array([zlib.crc32(name.encode()) % SHARDS for name in unit], dtype=np.int32),
        "unit": np.unique(unit, return_inverse=True)[1],
    }


def resampled(rows, draws=400):
    """How often each row is there when units are drawn with replacement, (draws, rows)."""
    units = int(rows["unit"].max()) + 1
    drawn = np.random.default_rng(3).multinomial(units, np.full(units, 1.0 / units), size=draws)
    return drawn[:, rows["unit"]]
