"""The machine that measures, and the releases of what it measures."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import psutil

from jobs.engines.pins import pair_of

PACKAGES = ("pyspark", "delta-spark", "pysail", "duckdb", "polars", "scikit-learn", "numpy", "pyarrow")


@cache
def described() -> dict[str, str]:
    """What may explain a time: cores, processor, memory, system, releases."""
    gib = psutil.virtual_memory().total / 2**30
    releases = {name: version(name) for name in PACKAGES}
    system = f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}"
    return {
        "cores": f"{os.cpu_count()}",
        "processor": processor(),
        "memory": f"{gib:.0f} GiB",
        "system": system,
        "Python": platform.python_version(),
        "comet": pair_of(version("pyspark")).comet or "none",
        **releases,
    }


def processor() -> str:
    """The name of the processor, where Linux tells it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
