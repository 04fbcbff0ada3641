"""One measurement in a process of its own: rounds as JSON lines, the first of them a warm-up.

    python -m benchmarks.child CASE FOLDER ROUNDS SECONDS

CASE is a case as JSON. With 0 rounds the answer is made once, for who times the process from outside. After so many
seconds no further round begins, but for the first after the warm-up.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator
from contextlib import closing
from importlib import import_module
from itertools import islice
from pathlib import Path

from benchmarks.beside.question import Question
from benchmarks.cases import Case


def beside(case: Case, folder: Path) -> Generator[dict[str, float], None, None]:
    """Endless rounds of what is not ours; what an answer says of parts of its time is told too."""
    room = import_module(f"benchmarks.beside.{case.who.partition('+')[0]}")
    with room.asked(Question.of(case, folder)) as answer:
        while True:
            began = time.perf_counter()
            found = answer()
            seconds = time.perf_counter() - began
            yield {"whole": seconds, **(found if isinstance(found, dict) else {})}


def main() -> None:
    """Make the rounds, and print each."""
    text, folder, count, seconds = sys.argv[1:]
    case = Case.of(json.loads(text))
    # What is not ours must not pay for what ours loads.
    made = import_module("benchmarks.ours").rounds if case.ours else beside
    rounds: Generator[dict[str, float], None, None] = made(case, Path(folder))
    began = time.perf_counter()
    with closing(rounds):
        for number, each in enumerate(islice(rounds, int(count) + 1)):
            print(json.dumps(each), flush=True)
            if number and time.perf_counter() - began > float(seconds):
                break


if __name__ == "__main__":
    main()
