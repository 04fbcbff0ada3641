"""A small demo with gates and two label ages: what the questions of the cookbook are asked of."""

import json
import os
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs import nightly
from jobs.demo.data import generated
from jobs.demo.truths import Truths
from jobs.engines.identity import engine_of
from jobs.engines.pins import conf_file
from jobs.settings import Evaluation, load, parse
from jobs.storage import lake
from tests.world import duck_db
from tests.world.two_nights import changed

LAST = date(2026, 3, 1)
ROWS = 16_000
YOUNG, OLD = 2, 30
WRONG = "country=BR,device=android"
NOWCAST = {"log_loss": 0.25, "normalized_entropy": 0.75, "predicted_over_actual": 1.25}
GATE = {"task": "ctr", "model": "champion", "metric": "predicted_over_actual", "within": [0.8, 1.25]}
SECTIONS = {
    "ages": [f"{YOUNG}h", f"{OLD}h"],
    "gates": {"honest": {**GATE, "slices": [[], ["country", "device"]]}},
}
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Asked:
    """The evaluation, and what was planted in its logs. The second day at the older age never ran."""

    settings: Evaluation
    truths: Truths

    @property
    def days(self) -> list[date]:
        """The three days."""
        return self.truths.dates

    @cache  # noqa: B019 - there is one
    def rows(self, table: str) -> list[Row]:
        """The rows of a table as delta-rs has them."""
        found: list[Row] = DeltaTable(duck_db.path(self.settings, table)).to_pyarrow_table().to_pylist()
        return found

    def metrics(self, metric: str, day: date, age: int) -> dict[tuple[str, str, str], Row]:
        """A metric of a day at an age by task, model and slice."""
        return {
            (row["task"], row["model"], row["slice"]): row
            for row in self.rows("metrics")
            if (row["metric"], row["event_date"], row["age_hours"]) == (metric, day, age)
        }

    def runs(self) -> dict[tuple[date, int], Row]:
        """What each run that was done noted at its end."""
        return {(r["event_date"], r["age_hours"]): r for r in self.rows("runs") if r["state"] == "done"}


def asked(spark: SparkSession, folder: Path) -> Asked:
    """Generate the logs, and run the nights."""
    truths = generated(folder / "data", LAST, rows_per_day=ROWS)
    os.environ["LOSSLEDGER_DEMO"] = str(folder)
    try:
        demo = load(Path(str(conf_file("demo.yaml"))))
    finally:
        del os.environ["LOSSLEDGER_DEMO"]
    settings = parse({**demo.document(), **SECTIONS})
    first, second, last = truths.dates
    for day, age in ((first, YOUNG), (first, OLD), (second, YOUNG), (last, YOUNG)):
        nightly.evaluate(spark, settings, day, age_hours=age)
    _with_nowcasts(spark, settings, last)
    _with_first_bad_day(spark, settings, last)
    return Asked(settings, truths)


def _with_nowcasts(spark: SparkSession, settings: Evaluation, day: date) -> None:
    """Give the conversions of the last day nowcasts, as if there had been five days before."""
    for metric, value in NOWCAST.items():
        of = (pc.field("metric") == f"{metric}[nowcast]") & (pc.field("task") == "cvr")
        _replaced(spark, settings, "metrics", day, of, {"value": value, "reason": None})


def _with_first_bad_day(spark: SparkSession, settings: Evaluation, day: date) -> None:
    """Note since when the wrong slice is bad, and that it is no chance, as if there had been a week before."""
    own = (pc.field("slice") == WRONG) & (pc.field("task") == "ctr") & (pc.field("model") == "champion")
    of = own & (pc.field("metric") == "log_loss")
    _replaced(spark, settings, "changes", day, of, {"first_bad_day": day, "p_adjusted": 0.001, "harm": 25.0})


def _replaced(  # noqa: PLR0917 - which rows of which table
    spark: SparkSession, settings: Evaluation, table: str, day: date, of: pc.Expression, columns: Row
) -> None:
    where = lake.address(settings, table, engine_of(spark))
    rows = DeltaTable(duck_db.path(settings, table)).to_pyarrow_table()
    rows = rows.filter((pc.field("event_date") == day) & (pc.field("age_hours") == YOUNG))
    wanted = rows.filter(of)
    assert wanted.num_rows
    lake.replace(spark, where, pa.concat_tables([rows.filter(~of), changed(wanted, columns)]), {})


def stages(row: Row) -> dict[str, float]:
    """The seconds of the stages of a run."""
    found: dict[str, float] = json.loads(row["stages"])
    return found
