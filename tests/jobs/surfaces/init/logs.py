"""Logs as strangers have them: one world of impressions, written under many names, units and formats."""

from pathlib import Path

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-03-17", tz="UTC")
DAYS = 2


def world(rows: int = 3_000, seed: int = 7) -> pd.DataFrame:
    """Two days of impressions: ids, times, who and where, two probabilities with log odds, a click and a conversion."""
    random = np.random.default_rng(seed)
    odds = random.normal(-2.2, 0.8, rows)
    p = 1.0 / (1.0 + np.exp(-odds))
    click = random.random(rows) < p
    p_conv = random.beta(2.0, 8.0, rows)
    at = START + pd.to_timedelta(np.sort(random.uniform(0, DAYS * 86_400, rows)), unit="s").round("ms")
    return pd.DataFrame(
        {
            "id": [f"{seed:x}{i:010x}" for i in random.permutation(rows)],
            "at": at,
            "user": [f"u{i}" for i in random.integers(0, rows // 5, rows)],
            "country": random.choice(["DE", "FR", "US"], rows, p=[0.5, 0.3, 0.2]),
            "device": random.choice(["phone", "desktop"], rows),
            "p": p.round(6),
            "z": (odds + random.normal(0.0, 0.2, rows)).round(4),
            "click": click.astype(int),
            "p_conv": p_conv.round(6),
            "conversion": (click & (random.random(rows) < p_conv)).astype(int),
        }
    )


def clicks(of: pd.DataFrame, *, longest: float = 1_800.0, seed: int = 3) -> pd.DataFrame:
    """A log of the clicks of a world: the id, and a time up to so many seconds after the impression."""
    clicked = of[of["click"] == 1]
    after = np.random.default_rng(seed).uniform(1.0, longest, len(clicked))
    at = clicked["at"] + pd.to_timedelta(after, unit="s").round("ms")
    return pd.DataFrame({"id": clicked["id"], "at": at}).sort_values("at", ignore_index=True)


def iso(times: pd.Series, *, zone: bool = True) -> pd.Series:
    """Times as text of ISO 8601."""
    return times.dt.strftime("%Y-%m-%dT%H:%M:%S" + ("Z" if zone else ""))


def epoch(times: pd.Series, unit: str) -> pd.Series:
    """Times as integers since 1970."""
    return times.astype("int64") // {"s": 10**9, "ms": 10**6, "us": 10**3}[unit]


def csv(rows: pd.DataFrame, file: Path, **options: object) -> Path:
    """Write a CSV."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(file, index=False, **options)
    return file


def parquet(rows: pd.DataFrame, file: Path) -> Path:
    """Write a Parquet file whose times are in µs, as most are."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(file, index=False, coerce_timestamps="us")
    return file
