"""For notebooks: logs are looked at, days evaluated and tables asked by functions that return DataFrames of pandas.

Each opens the engine and closes it again; within `with jobs.engines.session.session("sail"):` it stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from jobs import nightly
from jobs.engines.session import session
from jobs.judgement.nights import compared_again
from jobs.judgement.slices.ledger import Ledger
from jobs.judgement.worst import Asked, worst_of
from jobs.nights import embedded
from jobs.planning import ages
from jobs.settings import load
from jobs.sql.query import answered
from jobs.surfaces.init.command import written

Config = str | Path


def init(
    source: str, labels: Sequence[str] = (), *, output: Config = "lossledger.yaml", force: bool = False
) -> pd.DataFrame:
    """Look at logs, write the configuration that evaluates them, and return what each column was taken for.

    Returns:
        A row for each guess: `role`, `column`, `why`, `sure`, `others`. `attrs` has `date`, a day to begin with.

    Raises:
        ContractError: There is no log, no label or no score.
        ConfigurationError: The output is there already, without `force`.
    """
    found = written(source, labels, Path(output), force=force)
    guesses = pd.DataFrame([guess.facts for guess in found.proposal.guesses])
    guesses.attrs["date"] = found.day.isoformat()
    return guesses


def evaluate(
    config: Config, day: str | date, *, engine: str | None = None, overrides: Sequence[str] = ()
) -> pd.DataFrame:
    """Evaluate a day at the youngest age, write its tables, and return its rows of `metrics`.

    Returns:
        A row for each task, model, slice and metric, with `value`, `ci_low`, `ci_high`, `reason` and `n`.

    Raises:
        LossledgerError: As the command `run` ends with another exit code than 0 or 1.
    """
    settings, event_date = load(config, overrides), _date(day)
    ages.stamp(settings, event_date, None, began=datetime.now(UTC), provisional=False)
    chosen = engine or embedded.engine_for(settings, [event_date]).engine
    with session(chosen, app=f"lossledger {settings.evaluation} {event_date}") as spark:
        metrics = nightly.evaluate(spark, settings, event_date).metrics
    found: pd.DataFrame = metrics.to_pandas()
    return found


def query(config: Config, sql: str, *, engine: str = "sail", overrides: Sequence[str] = ()) -> pd.DataFrame:
    """Answer a question in SQL over the tables and views of an evaluation; decimals stay decimals."""
    settings = load(config, overrides)
    with session(engine) as spark:
        found: pd.DataFrame = answered(spark, settings, sql).to_pandas()
    return found


def compare(config: Config, day: str | date, *, engine: str = "sail") -> pd.DataFrame:
    """Compare the models of a day by its tables: a row for each comparison, task, slice and metric."""
    settings = load(config)
    with session(engine) as spark:
        found: pd.DataFrame = compared_again(spark, settings, _date(day), settings.age_hours).to_pandas()
    return found


def worst(config: Config, day: str | date, *, depth: int = 2, top: int = 20, engine: str = "sail") -> pd.DataFrame:
    """The crosses of the dimensions that are worst calibrated on a day, of every task and model, the worst first."""
    settings = load(config)
    with session(engine) as spark:
        searches = worst_of(
            Ledger(spark, settings, _date(day), settings.age_hours), Asked(depth, top, None, None, calibration=True)
        )
    rows = [{"task": each["task"], "model": each["model"], **row} for each in searches for row in each["worst"]]
    return pd.DataFrame(rows)


def _date(day: str | date) -> date:
    return day if isinstance(day, date) else date.fromisoformat(day)
