"""Writes docs/architecture.md: the house from the folders and the docstrings of its rooms, from top to bottom."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# A room imports from its own floor or from those below it, never from one above: from top to bottom.
FLOORS = {
    "the entries": ("jobs/__main__.py", "jobs/evaluate.py", "jobs/cli.py", "jobs/notebook.py"),
    "demo": ("jobs/demo",),
    "audit": ("jobs/audit",),
    "the night": ("jobs/nights", "jobs/nightly.py"),
    "surfaces": ("jobs/surfaces",),
    "sql": ("jobs/sql",),
    "judgement": ("jobs/judgement",),
    "planning": ("jobs/planning",),
    "results": ("jobs/results",),
    "examples": ("jobs/examples",),
    "inputs": ("jobs/inputs",),
    "files": ("jobs/files",),
    "ledger": ("jobs/ledger",),
    "storage": ("jobs/storage",),
    "settings": ("jobs/settings",),
    "engines": ("jobs/engines",),
    "the ground": (
        "jobs/errors.py",
        "jobs/safe_text.py",
        "jobs/progress.py",
        "jobs/day.py",
        "jobs/paths.py",
        "jobs/process.py",
        "jobs/calling.py",
    ),
    "workers: at the user's own session": ("udfs/pandas_udfs.py",),
    "workers: the scan": ("udfs/scan",),
    "workers: what there is to measure": ("udfs/pricing.py", "udfs/catalog.py", "udfs/kinds.py"),
    "workers: measures": ("udfs/measures",),
    "workers: examples": ("udfs/examples",),
    "workers: the abstraction": ("udfs/kind.py", "udfs/measure.py"),
    "workers: exact": ("udfs/exact",),
    "workers: files": ("udfs/files",),
}

HEAD = """
# The house

<!-- Made by `make docs` from the docstrings in jobs/ and udfs/: change those, or .ci/architecture.py. -->

Folders are the flow of the data. A room imports what stands below it, and no arrow runs up or in a circle: a test holds
both, and that this page lists every room.

```
impressions ─┐                                                      ┌▶ statistics        by cell
clicks       ├─ inputs ─▶ examples: cells ─ label ─ summarise ─┬────┼▶ shard_statistics  by slice × shard    ─▶ metrics
conversions ─┘                 │                               │    ├▶ score_bins        by slice × bin          │
                               ▼                               │    └▶ class_statistics  by slice × class        ▼
                            rejects                   workers: udfs    results                               judgement
```

`jobs/` is the driver: Spark plumbing, and decisions on small tables. `udfs/` is what runs in the workers, on NumPy and
Arrow alone; it never imports `jobs`. A night is `jobs/nightly.py`, read from top to bottom:

| step | what it does | rooms |
|---|---|---|
| read | pins what is read, asks whether it is there and whole, makes the tables | `jobs/inputs/`, `jobs/files/`, `jobs/planning/` |
| cells | the combinations of dimensions that occur, what has arrived of each log | `jobs/examples/cells.py`, `jobs/examples/arrival.py` |
| label | one row per impression, with its labels | `jobs/examples/label.py` |
| summarise | one pass over the examples: batches in, exact sums out, added up by key | `jobs/examples/summarise.py`; in the workers `udfs/scan/`, from there `udfs/examples/`, `udfs/measures/`, `udfs/exact/` |
| reject | counts what is left out by its reason, and refuses the day where that is too much | `jobs/examples/rejects.py`, `jobs/examples/unmatched.py` |
| finish | combined sums become the rows of tables, and metrics | `jobs/results/`; `udfs/pricing.py` |
| judge | intervals, changes, gates: from those small tables, without the logs | `jobs/judgement/night.py` |
| write | replaces the day in every table, and reads back that it is there | `jobs/ledger/writer.py`, by `jobs/storage/` |

Where is …

| what | room |
|---|---|
| a click judged too late? | after its window: `jobs/examples/labels/by_id.py`; after the age: `jobs/inputs/label_logs.py` |
| a conversion led to its click's impression? | `jobs/examples/labels/attributed.py`, see [labels](labels.md) |
| a count or a sum made of several events? | `jobs/examples/labels/amounts.py` |
| what became of an event counted? | `jobs/examples/events.py`: in the pass by `jobs/examples/labels/met.py`, or else by `jobs/examples/labels/fates.py`; judged in `jobs/examples/unmatched.py` |
| −ln p of a score of exactly 0 priced? | `udfs/pricing.py`, by `loss.clip`, after all sums are added; which rows: `Kind.hard` in `udfs/kinds.py` |
| a row rejected? | for reasons of `jobs/inputs/values.py` and `jobs/inputs/times.py`, by `jobs/examples/rejects.py` |
| a row left out of one task × model? | `Scoring.reason` in `jobs/inputs/scorings.py`; to workers it is NULL |
| it decided which of two runs has a day? | `jobs/ledger/turns/` |
| it decided that a day is whole? | `jobs/planning/` |
| it decided what is evaluated with a day? | `jobs/planning/due.py`; of a range of days `jobs/planning/plan.py` |
| a day made again from its sums? | `jobs/nights/again.py`; whether its sums will do: `jobs/planning/changed.py` |
| the merge of partial sums? | `udfs/scan/partials.py`: `combined`, the only one; `subtracted` takes a part away again |
| an interval of a metric made? | `jobs/judgement/intervals.py`, by what `jobs/judgement/uncertainty/` knows |
| it decided that labels are late or missing? | `jobs/judgement/maturity/lagging.py`; what that quiets: `jobs/judgement/maturity/quiet.py` |
| it told that a lag may be a rate that fell? | `jobs/judgement/maturity/lasting.py` |
| it told what a young day will be? | `jobs/judgement/maturity/nowcasts.py`, by the formulas of `udfs/measures/nowcast.py` |
| a gate decided? | `jobs/judgement/gates.py`, see [add-a-gate](add-a-gate.md); declared in `jobs/settings/judgement/gates.py`, written by `jobs/judgement/gate_rows.py` |
| a day held against another one? | `jobs/judgement/changes/` |
| a question in SQL checked, answered? | `jobs/sql/asking.py`; by each engine `jobs/sql/engines/`, whose spelling is `jobs/sql/language/dialects.py` |
| a new kind of task written? | `udfs/kinds.py`, see [add-a-kind](add-a-kind.md) |
| a new metric written? | `udfs/measures/`, see [add-a-metric](add-a-metric.md) |
| it proven that a table is right? | `jobs/audit/proofs/`, one function each; from the logs, without the night, by `jobs/audit/recount/` |
| an engine's quirk met? | `jobs/engines/` and `jobs/storage/`; of files that are read, `jobs/files/` |
"""  # noqa: E501 - a row of a table is one line


def rooms(place: str) -> Iterator[Path]:
    """The files of a place, a folder or a file, but for those that only say what a folder is."""
    path = ROOT / place
    yield from (path,) if path.is_file() else sorted(file for file in path.rglob("*.py") if file.name != "__init__.py")


def told(file: Path) -> str:
    """The first paragraph of a module's docstring, as one line."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield HEAD.strip()
    for floor, places in FLOORS.items():
        yield f"\n## {floor[0].upper()}{floor[1:]}\n"
        for place in places:
            if (ROOT / place).is_dir():
                yield f"{told(ROOT / place / '__init__.py')}\n"
        yield "| room | |\n|---|---|"
        for file in (file for place in places for file in _with_code(place)):
            yield f"| `{file.relative_to(ROOT)}` | {told(file)} |"


def _with_code(place: str) -> Iterator[Path]:
    """The rooms of a place, and a folder's own file where it holds more than its docstring."""
    own = ROOT / place / "__init__.py"
    if own.is_file() and len(ast.parse(own.read_text(encoding="utf-8")).body) > 1:
        yield own
    yield from rooms(place)


def main() -> None:
    """Write the page to the path that is given."""
    Path(sys.argv[1]).write_text("\n".join(lines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
