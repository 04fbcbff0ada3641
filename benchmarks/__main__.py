"""Measures what an evaluation costs beside what a person would use instead, and writes `docs/benchmarks.md` of it.

    python -m benchmarks                                # every plan, and the page
    python -m benchmarks main less --rows 10000000      # some plans, and the page
    python -m benchmarks --who sail duck_db             # only what is of them
    python -m benchmarks --page                         # the page alone

What was measured is kept in a file of JSON lines, and not measured again: a run that was stopped goes on. Take another
file, or remove it, to start anew. Times of different machines do not go into one file. What has no answer in time is
ended, and the page says so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import machine, page
from benchmarks.cases import PLANS, planned
from benchmarks.measure import ROOT, Effort, FailedError, kept, measure

PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Parse the arguments, measure what is missing, write the page; the number of cases that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plans", nargs="*", help=f"of {', '.join(PLANS)}; all of them without any")
    parser.add_argument("--who", nargs="+", help="only these, as spark, comet, sail, spark_sql+spark, duck_db")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=150.0, help="of a case, after which no further round begins")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a process is ended")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lossledger-bench")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results.jsonl")
    parser.add_argument("--write", type=Path, default=PAGE, help="where the page goes")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    asked = parser.parse_args()
    if unknown := set(asked.plans) - PLANS.keys():
        parser.error(f"no plan {', '.join(sorted(unknown))}; there are {', '.join(PLANS)}")
    failed = 0 if asked.page else measured(asked)
    found = kept(asked.results)
    if not found:
        parser.error(f"nothing was measured yet: {asked.results} is not there")
    asked.write.write_text(page.written(found, asked.rows), encoding="utf-8")
    print(f"{asked.write} of {len(found)} measurements", file=sys.stderr)
    return failed


def measured(asked: argparse.Namespace) -> int:
    """Measure what is missing, telling each; one that fails does not stop the others, but is told and counted."""
    found = kept(asked.results)
    if any(one["machine"] != machine.described() for one in found.values()):
        raise SystemExit(f"{asked.results} is of another machine or other releases: name another file by --results")
    cases = planned(asked.plans or list(PLANS), asked.rows)
    missing = [case for case in cases if case not in found and case.who in (asked.who or (case.who,))]
    effort, failed = Effort(asked.rounds, asked.seconds, asked.limit), 0
    for number, case in enumerate(missing, 1):
        print(f"{number} of {len(missing)}: {case}", file=sys.stderr)
        try:
            one = measure(case, asked.folder, effort, asked.results)
        except FailedError as error:
            failed += 1
            print(error, file=sys.stderr)
            continue
        times = [each["whole"] for each in one["rounds"]]
        print(f"  {median(times):.2f} s" if times else f"  no answer in {asked.limit:.0f} s", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
