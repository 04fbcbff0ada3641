"""Measures cases in processes of their own, and keeps each as a JSON line, so that nothing is measured twice."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.cases import Case
from benchmarks.data import generate
from benchmarks.memory import Peaks, watched

ROOT = Path(__file__).parents[1]
SLOW = ("mllib+spark", "scikit")  # one round, without a warm-up


class FailedError(Exception):
    """A process that was measured has failed."""


@dataclass(frozen=True)
class Effort:
    """How long is measured.

    Attributes:
        rounds: After the warm-up, for each case.
        seconds: Once a case took so many, no further round begins; one there is at least.
        limit: A process that takes longer is ended: it has no answer.
    """

    rounds: int
    seconds: float
    limit: float


def kept(file: Path) -> dict[Case, dict[str, Any]]:
    """What was measured before, by case."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {Case.of(found["case"]): found for found in map(json.loads, lines)}


def measure(case: Case, folder: Path, effort: Effort, file: Path) -> dict[str, Any]:
    """Measure a case, and add it to the file; one without an answer in time has no rounds."""
    logs = folder / case.logs.name
    generate(logs, case.logs)
    late: dict[str, float] = {}
    try:
        times, peaks = (fresh if case.fresh else in_one)(case, logs, effort)
    except TimeoutError:
        times, peaks, late = [], Peaks(), {"late": effort.limit}
    sizes = {name: sum(each.stat().st_size for each in (logs / name).iterdir()) for name in ("impressions", "clicks")}
    found = {
        "case": case.plain(),
        "rounds": times,
        **late,
        **asdict(peaks),
        "bytes": sizes,
        "machine": machine.described(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        print(json.dumps(found), file=lines)
    return found


def in_one(case: Case, logs: Path, effort: Effort) -> tuple[list[dict[str, float]], Peaks]:
    """Rounds after a warm-up in one process."""
    warm = case.who not in SLOW
    output, peaks = ended(child(case, logs, effort.rounds if warm else 0, effort.seconds), effort.limit)
    found = [json.loads(line) for line in output.splitlines()]
    return found[warm:], peaks


def fresh(case: Case, logs: Path, effort: Effort) -> tuple[list[dict[str, float]], Peaks]:
    """Processes one after another, each from its start to its end; the first one, which makes tables, is left out."""
    from benchmarks import ours  # noqa: PLC0415 - loads PySpark

    found, every, began = [], Peaks(), time.perf_counter()
    with ours.command(case, logs) if case.ours else nullcontext(child(case, logs, 0)) as command:
        while len(found) <= effort.rounds:
            if len(found) > 1 and time.perf_counter() - began > effort.seconds:
                break
            started = time.perf_counter()
            _, peaks = ended(command, effort.limit)
            found.append({"whole": time.perf_counter() - started})
            every = Peaks(max(every.largest, peaks.largest), max(every.together, peaks.together))
    return found[1:], every


def child(case: Case, logs: Path, rounds: int, seconds: float = 0.0) -> list[str]:
    """The command that measures a case."""
    return ["-m", "benchmarks.child", json.dumps(case.plain()), str(logs), str(rounds), str(seconds)]


def ended(arguments: list[str], limit: float) -> tuple[str, Peaks]:
    """What a Python process prints until it ends, and the memory that it took.

    Raises:
        FailedError: It has failed; its last words are told.
        TimeoutError: It took longer than the limit in seconds.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([sys.executable, *arguments], stdout=output, stderr=errors, text=True, cwd=ROOT)
        try:
            peaks = watched(process, limit)
        finally:
            process.terminate()
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise FailedError(f"{' '.join(arguments)} ended with {process.returncode}:\n{errors.read()[-4000:]}")
        return output.read(), peaks
