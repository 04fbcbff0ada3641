"""What is measured: one value for each measurement, and the plans that they are of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

OURS = ("spark", "comet", "sail")
MODELS = ("champion", "candidate", "third", "fourth")


@dataclass(frozen=True)
class Logs:
    """Generated logs: `copies` of a thousand impressions come twice, ids are `text` or `integer`, both at random.

    Where they are `skewed` three tenths of all impressions are of one campaign, and one in two hundred has the same id.
    """

    rows: int
    cells: int = 12_000
    ids: str = "text"
    copies: int = 0
    skewed: bool = False

    @property
    def name(self) -> str:
        """The name of their folder."""
        return f"{self.rows}-{self.cells}-{self.ids}-{self.copies}{'-skewed' if self.skewed else ''}"


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes:
        who: An engine of ours, or a room of `benchmarks/beside/`, with `+` and an engine where it needs one.
        logs: What is evaluated.
        arithmetic: Of what is not ours: `float`, `exact`, or `third` for floats of a third of the sums.
        source: `parquet` or `delta`.
        duplicates: `remove` or `none`.
        models: How many of `MODELS`.
        fresh: Each round is a process from its start to its end; else rounds follow each other in one process.
    """

    who: str
    logs: Logs
    arithmetic: str = "exact"
    source: str = "parquet"
    duplicates: str = "remove"
    models: int = 2
    fresh: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is an evaluation of ours."""
        return self.who in OURS

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Case:
        """The case that `plain` is of."""
        return cls(**{**plain, "logs": Logs(**plain["logs"])})


# Those that say as much as our tables, but for one that says less; on Spark by hand last, as those take longest.
EQUAL = (
    *((who, each) for who in ("duck_db", "polars_") for each in ("float", "exact")),
    *(("spark_sql+sail", "float"), ("spark_sql+comet", "float")),
    *(("spark_sql+spark", each) for each in ("third", "float", "exact")),
)
LESS = (("mllib+spark", "float"), ("scikit", "float"))


def main(rows: int) -> list[Case]:
    """Everybody on the same logs without duplicates to remove, ours and the exact ones also with.

    But for SQL by hand on Spark: it takes minutes without already. The longest are the last: half an hour at 10 M rows
    on two cores, of which those take a third.
    """
    ours = [Case(who, Logs(rows), duplicates=duplicates) for duplicates in ("none", "remove") for who in OURS]
    without = [Case(who, Logs(rows), arithmetic, duplicates="none") for who, arithmetic in EQUAL]
    of_database = [case for case in without if case.arithmetic == "exact" and "+" not in case.who]
    return [*ours, *(replace(case, duplicates="remove") for case in of_database), *without]


def less(rows: int) -> list[Case]:
    """Those that say less."""
    return [Case(who, Logs(rows), arithmetic, duplicates="none") for who, arithmetic in LESS]


def shapes(rows: int) -> list[Case]:
    """Ours by ids, sources, copies and cells, as users have it: duplicates are removed."""
    logs = Logs(rows)
    every = [
        *((logs, "parquet"), (replace(logs, ids="integer"), "parquet"), (logs, "delta")),
        *((replace(logs, copies=1), "parquet"), (replace(logs, cells=200_000), "parquet")),
    ]
    return [Case(who, each, source=source) for each, source in every for who in OURS]


def models(rows: int) -> list[Case]:
    """Ours by the number of models."""
    return [Case(who, Logs(rows), duplicates="none", models=count) for count in (1, 2, 4) for who in OURS]


def memory(rows: int) -> list[Case]:
    """Ours with ids and duplicates to remove, at this many rows and at five times as many, these also skewed."""
    return [Case(who, logs) for logs in (Logs(rows), Logs(5 * rows), Logs(5 * rows, skewed=True)) for who in OURS]


def small(rows: int) -> list[Case]:
    """Everybody on a hundredth of the rows, each as a process from its start to its end."""
    logs = Logs(max(rows // 100, 1000), cells=1200)
    every = [Case(who, logs, fresh=True) for who in OURS]
    every += [Case(who, logs, arithmetic, fresh=True) for who, arithmetic in EQUAL if arithmetic != "third"]
    return every + [Case(who, logs, arithmetic, duplicates="none", fresh=True) for who, arithmetic in LESS]


PLANS = {plan.__name__: plan for plan in (main, less, shapes, models, memory, small)}


def planned(names: list[str], rows: int) -> list[Case]:
    """The cases of some plans, each once: what two plans share is measured once."""
    return list(dict.fromkeys(case for name in names for case in PLANS[name](rows)))
