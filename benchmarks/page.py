"""The page `docs/benchmarks.md` out of what was measured: ratios first, then medians with memory beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks import billion
from benchmarks.cases import LESS, OURS, Case, Logs, less, main, memory, models, shapes, small
from benchmarks.found import NOTHING, Found, number, ratio, table

NAMES = {
    "spark": "**ours, Spark**",
    "comet": "**ours, Spark + Comet**",
    "sail": "**ours, Sail**",
    "spark_sql+spark": "SQL by hand, Spark",
    "spark_sql+comet": "SQL by hand, Spark + Comet",
    "spark_sql+sail": "SQL by hand, Sail",
    "duck_db": "DuckDB",
    "polars_": "Polars",
    "mllib+spark": "MLlib (log loss, AUC)",
    "scikit": "scikit-learn (log loss, AUC)",
}
HEADS = ("Spark", "Spark + Comet", "Sail")
STAGES = ("read", "cells", "label", "summarise", "reject", "finish", "judge", "write")
HEAD = """# Benchmarks

<!-- Made by `make bench`: change benchmarks/, not this page. -->

What an evaluation costs beside the join that nobody can do without, and beside what a person would use instead **at
equal output**: every sum of `statistics` and `shard_statistics` of two models, of the same cells, slices and shards,
from the same files, labels by the same window. A test holds that the exact ones give our sums to the last bit (DuckDB
and Polars but for sums of logarithms, as theirs are an ulp off), and those of floats to nine digits. Of ratios lower
is better for us, but of what others take ÷ our compute.

*compute* is cells + label + summarise + finish: what the others do, too. *whole* is the night: it also checks its
sources, tells what became of every click, makes metrics with intervals, and writes and reads back Delta tables. *bare
join* is impressions ⟕ clicks by id and one float sum on plain Spark. Score bins are off, as nobody else has any.
{rounds}
Where the time goes, what is the least without any Python, and what did not help, is in
[decision 12](decisions/0012-what-a-pass-costs-on-spark.md).
"""


def written(cases: Mapping[Case, Mapping[str, Any]], rows: int) -> str:
    """The page as Markdown; what was not measured is a dash."""
    found = Found(cases)
    most = max((found.rounds(case) for case in main(rows)), default=0)
    rounds = f"Medians of {most} rounds after a warm-up, of fewer where a round is long; – was not measured."
    told = rounds if most else "Not measured."
    parts = [HEAD.format(rounds=told).strip()]
    for title, body in (
        ("Ratios", ratios(found, rows)),
        (f"Everybody on {rows:,} impressions", everybody(found, rows)),
        ("Stages of a night", stages(found, rows)),
        ("Ids, sources, copies, cells", by_shape(found, rows)),
        ("Models", by_models(found, rows)),
        ("From start to end, small", from_start(found, rows)),
        ("Memory", by_rows(found, rows)),
        ("A billion rows a night on 20 machines", billion.paper(found, rows)),
        ("How it was measured", method(found)),
    ):
        parts += [f"## {title}", body]
    return "\n\n".join(parts) + "\n"


def bare_join(found: Found, rows: int) -> float | None:
    """Seconds of plain Spark's bare join, in the run of ours on plain Spark without duplicates."""
    return found.seconds(Case("spark", Logs(rows), duplicates="none"), "bare join")


def ratios(found: Found, rows: int) -> str:
    """What the whole page comes to."""
    return table(("", *HEADS), [[name, *values] for name, values in _ratios(found, rows)])


def _ratios(found: Found, rows: int) -> Iterator[tuple[str, list[str]]]:
    bare, logs = bare_join(found, rows), Logs(rows)
    for duplicates in ("none", "remove"):
        cases = [Case(who, logs, duplicates=duplicates) for who in OURS]
        for part in ("compute", "whole"):
            name = f"{part} ÷ bare join of plain Spark, `duplicates: {duplicates}`"
            yield name, [ratio(found.seconds(case, part), bare) for case in cases]
    for fewer, more in ((1, 2), (2, 4)):
        yield (
            f"one more model ÷ the first, from {fewer} to {more}",
            [_more(found, rows, who, fewer, more) for who in OURS],
        )
    for other in (case for case in (*main(rows), *less(rows)) if not case.ours):
        ours = [found.seconds(Case(who, logs, duplicates=other.duplicates), "compute") for who in OURS]
        theirs = found.seconds(other, "scaled" if other.who == "mllib+spark" else "whole")
        yield f"{named(other)}, `{other.duplicates}` ÷ compute", [ratio(theirs, each) for each in ours]
    yield from _growth(found, logs, Logs(5 * rows), "5 × the rows")
    yield from _growth(found, logs, Logs(5 * rows, skewed=True), "5 × the rows, skewed")


def _growth(found: Found, logs: Logs, more: Logs, name: str) -> Iterator[tuple[str, list[str]]]:
    """What five times the rows take of what the rows take."""
    both = [(Case(who, logs), Case(who, more)) for who in OURS]
    yield f"time of {name} ÷ 5", [ratio(found.seconds(b), _times(found.seconds(a), 5)) for a, b in both]
    for of in ("largest", "together"):
        yield f"memory of {name}, {of} ÷ of the rows", [ratio(found.mib(b, of), found.mib(a, of)) for a, b in both]


def _more(found: Found, rows: int, who: str, fewer: int, more: int) -> str:
    """What a further model takes of the time that the first one takes, computing."""
    one, few, many = (
        found.seconds(Case(who, Logs(rows), duplicates="none", models=count), "compute") for count in (1, fewer, more)
    )
    return NOTHING if few is None or many is None else ratio((many - few) / (more - fewer), one)


def _times(value: float | None, factor: int) -> float | None:
    return None if value is None else value * factor


def named(case: Case) -> str:
    """Who, and in what arithmetic."""
    if case.ours or (case.who, case.arithmetic) in LESS:
        return NAMES[case.who]
    kinds = {"third": "a third of the sums, float", "float": "float", "exact": "exact"}
    return f"{NAMES[case.who]}, {kinds[case.arithmetic]}"


def everybody(found: Found, rows: int) -> str:
    """Every side on the same logs; ours by what computes, and by the whole night."""
    bare = bare_join(found, rows)
    lines = []
    for case in [*main(rows), *less(rows)]:
        part = "compute" if case.ours else "whole"
        lines.append([f"{named(case)}, `{case.duplicates}`", *_cost(found, case, part, bare), rounds(found, case)])
        if case.ours:
            lines.append(
                [
                    f"{named(case)}, `{case.duplicates}`, whole night",
                    *_cost(found, case, "whole", bare),
                    rounds(found, case),
                ]
            )
        if case.who == "mllib+spark":
            lines.append(
                [f"{named(case)}, all slices (scaled)", *_cost(found, case, "scaled", bare), rounds(found, case)]
            )
    text = (
        "12,000 cells, random text ids, Parquet; `none` and `remove` are `duplicates`. Memory is in MiB, of the\n"
        "largest process and of all together. MLlib and scikit-learn say less: log loss and AUC alone, no sums, no\n"
        "shards; one round, cold. MLlib has no slices: measured are all rows and one slice of each declaration, and\n"
        "*scaled* is the sum over all of them."
    )
    return f"{text}\n\n{table(('', '÷ bare join', 's', 'largest', 'together', 'rounds'), lines)}"


def rounds(found: Found, case: Case) -> str:
    """How many rounds a median is of."""
    return str(found.rounds(case) or NOTHING)


def _cost(found: Found, case: Case, part: str, bare: float | None) -> Sequence[str]:
    value = found.seconds(case, part)
    return [
        ratio(value, bare),
        found.told(case, part),
        *(number(found.mib(case, of), 0) for of in ("largest", "together")),
    ]


def stages(found: Found, rows: int) -> str:
    """Seconds of every stage."""
    cases = [case for case in main(rows) if case.ours]
    heads = [f"{head}, `{duplicates}`" for duplicates in ("none", "remove") for head in HEADS]
    parts = ("bare join", *STAGES, "compute", "whole")
    return table(("s", *heads), [[part, *(number(found.seconds(case, part)) for case in cases)] for part in parts])


def by_shape(found: Found, rows: int) -> str:
    """Ours by the shape of the logs."""
    lines = []
    for i, case in enumerate(cases := shapes(rows)):
        if i % len(OURS):
            continue
        of_each = [found.seconds(each, part) for each in cases[i : i + len(OURS)] for part in ("compute", "whole")]
        logs = case.logs
        what = f"{logs.ids} ids, {case.source}, {logs.copies / 10:.1f} % copies, {logs.cells:,} cells"
        lines.append([what, *(number(value) for value in of_each)])
    heads = [f"{head}, {part}" for head in HEADS for part in ("compute", "whole")]
    return f"`duplicates: remove`, as it is by default; seconds.\n\n{table(('', *heads), lines)}"


def by_models(found: Found, rows: int) -> str:
    """Ours by the number of models."""
    counts = sorted({case.models for case in models(rows)})
    lines = []
    for part in ("compute", "whole"):
        for count in counts:
            cases = [Case(who, Logs(rows), duplicates="none", models=count) for who in OURS]
            lines.append([f"{count}, {part}", *(number(found.seconds(case, part)) for case in cases)])
    return table(("models, s", *HEADS), lines)


def from_start(found: Found, rows: int) -> str:
    """Everybody on few rows, where starting decides."""
    cases = small(rows)
    lines = [[named(case), *_cost(found, case, "whole", None)[1:]] for case in cases]
    logs = cases[0].logs
    text = f"{logs.rows:,} impressions, {logs.cells:,} cells. Ours is the whole `lossledger run`, others end with sums."
    return f"{text}\n\n{table(('', 's', 'largest', 'together'), lines)}"


def by_rows(found: Found, rows: int) -> str:
    """Ours by the number of rows, with ids and duplicates to remove."""
    lines = [
        [
            f"{NAMES[case.who]}, {case.logs.rows:,}{', skewed' * case.logs.skewed}",
            *_cost(found, case, "whole", None)[1:],
        ]
        for who in OURS
        for case in memory(rows)
        if case.who == who
    ]
    text = (
        "Text ids, `duplicates: remove`, a driver of 4 GB; MiB. Of *skewed* rows three tenths are of one campaign,\n"
        "and one in two hundred has the same id."
    )
    return f"{text}\n\n{table(('', 's', 'largest', 'together'), lines)}"


def method(found: Found) -> str:
    """The machine, what somebody has noted of measurements beside them, and the commands."""
    machines = list({str(one["machine"]): one["machine"] for one in found.cases.values()}.values())
    told = [", ".join(f"{name} {value}" for name, value in each.items()) for each in machines]
    told += dict.fromkeys(one["note"] for one in found.cases.values() if "note" in one)
    listed = "\n".join(f"- {each}" for each in told)
    return f"""{listed}

`make bench` installs what else it needs, checks equal output, and runs `python -m benchmarks`. Results are kept in
`benchmarks/results.jsonl`, so that a run that was stopped goes on. Every case is a process of its own, one after the
other. Logs are generated: impressions of one day, 24 countries, 5 devices, campaigns, 3 to 5 % clicks, of which 2 %
come twice and 1 % after the window. Rows are added once, by cell and shard
(DuckDB: by three grains, which is quicker there), and these sums to every slice.
Spark's exact sums are DECIMAL, DuckDB's and Polars' 128-bit integers of 10⁻¹⁵. Memory of the largest process is its
resident set, looked at ten times a second; of all together the proportional set, twice a second: what processes share
counts once."""
