"""Measures cases in processes of their own, and keeps each as a JSON line, so that nothing is measured twice."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.cases import Case
from benchmarks.data import generate
from benchmarks.memory import Peaks, watched

ROOT = Path(__file__).parents[1]
SLOW = ("mllib+spark", "scikit")  # one round, without a warm-up
SLOWER = ("spark_sql+spark", "exact")  # two rounds, or it would take as long as all others


class FailedError(Exception):
    """A process that was measured has failed."""


def kept(file: Path) -> dict[Case, dict[str, Any]]:
    """What was measured before, by case."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {Case.of(found["case"]): found for found in map(json.loads, lines)}


def measure(case: Case, folder: Path, rounds: int, file: Path) -> dict[str, Any]:
    """Measure a case, and add it to the file."""
    logs = folder / case.logs.name
    generate(logs, case.logs)
    rounds = 1 if case.who in SLOW else min(rounds, 2) if (case.who, case.arithmetic) == SLOWER else rounds
    times, peaks = (fresh if case.fresh else in_one)(case, logs, rounds)
    sizes = {name: sum(each.stat().st_size for each in (logs / name).iterdir()) for name in ("impressions", "clicks")}
    found = {"case": case.plain(), "rounds": times, **asdict(peaks), "bytes": sizes, "machine": machine.described()}
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        print(json.dumps(found), file=lines)
    return found


def in_one(case: Case, logs: Path, rounds: int) -> tuple[list[dict[str, float]], Peaks]:
    """Rounds after a warm-up in one process."""
    warm = case.who not in SLOW
    output, peaks = ended(child(case, logs, rounds if warm else 0))
    found = [json.loads(line) for line in output.splitlines()]
    return found[warm:], peaks


def fresh(case: Case, logs: Path, rounds: int) -> tuple[list[dict[str, float]], Peaks]:
    """Processes one after another, each from its start to its end; the first one, which makes tables, is left out."""
    from benchmarks import ours  # noqa: PLC0415 - loads PySpark

    found, every = [], Peaks()
    with ours.command(case, logs) if case.ours else nullcontext(child(case, logs, 0)) as command:
        for _ in range(rounds + 1):
            began = time.perf_counter()
            _, peaks = ended(command)
            found.append({"whole": time.perf_counter() - began})
            every = Peaks(max(every.largest, peaks.largest), max(every.together, peaks.together))
    return found[1:], every


def child(case: Case, logs: Path, rounds: int) -> list[str]:
    """The command that measures a case."""
    return ["-m", "benchmarks.child", json.dumps(case.plain()), str(logs), str(rounds)]


def ended(arguments: list[str]) -> tuple[str, Peaks]:
    """What a Python process prints until it ends, and the memory that it took.

    Raises:
        FailedError: It has failed; its last words are told.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([sys.executable, *arguments], stdout=output, stderr=errors, text=True, cwd=ROOT)
        try:
            peaks = watched(process)
        finally:
            process.terminate()
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise FailedError(f"{' '.join(arguments)} ended with {process.returncode}:\n{errors.read()[-4000:]}")
        return output.read(), peaks
