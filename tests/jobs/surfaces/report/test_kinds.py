"""Tasks of every kind have their models, days, slices and changes in the report."""

from datetime import timedelta

import numpy as np
import pytest
from bs4 import BeautifulSoup

from jobs.settings import parse
from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import report
from tests.jobs.surfaces.report.reading import interval, numbers, rows
from tests.world.night import DAY, document, evaluated, parquet
from tests.world.reported import of_day, plain

SIZE = 400
LOSSES = {"value": "Mean squared error", "match": "Log loss", "slate": "Softmax cross entropy"}
NEXT = DAY + timedelta(days=1)
# On Apache Spark two nights of so many tables take a minute, for words that are the same.
pytestmark = pytest.mark.only_engine("sail")


def logged(seed):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([2.0, 1.0], SIZE)
    return {
        "id": np.arange(SIZE),
        "request": np.arange(SIZE) // 4,
        "user": [f"u{i % 97}" for i in range(SIZE)],
        "country": [("DE", "FR")[i // 4 % 2] for i in range(SIZE)],
        "click": rng.integers(0, 2, SIZE),
        "z": rng.normal(size=SIZE),
        "outcome": rng.choice(["home", "away"], SIZE),
        "p0": shares[:, 0],
        "p1": shares[:, 1],
        "price": rng.exponential(2.0, SIZE),
        "bid": rng.exponential(2.0, SIZE),
    }


@pytest.fixture(scope="module")
def config(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    found = None
    for day in (DAY, NEXT):
        source = {"format": "parquet", "path": str(parquet(folder / str(day), logged(day.day)))}
        columns = {"id": "id", "group": "request", "unit": "user"}
        scores = {
            "value": {"score": "bid"},
            "match": {"score": ["p0", "p1"]},
            "slate": {"score": "z", "scale": "logit"},
        }
        found = document(
            folder,
            impressions={"source": source, "columns": columns, "duplicates": "none"},
            labels={
                "click": {"column": "click", "values": "binary"},
                "outcome": {"column": "outcome", "values": "classes", "classes": ["home", "away"]},
                "price": {"column": "price", "values": "number"},
            },
            tasks={
                "value": {"kind": "regression", "label": "price"},
                "match": {"kind": "multiclass", "label": "outcome"},
                "slate": {"kind": "candidates", "label": "click"},
            },
            models={"m": scores, "other": scores},
            dimensions=["country"],
            slices=[[], ["country"]],
            shards={"count": 16},
            changes={"against": ["1d"]},
            comparisons={"release": {"candidate": "other", "baseline": "m"}},
        )
        evaluated(spark, found, day)
    return found


@pytest.fixture(scope="module")
def page(spark, config):
    return BeautifulSoup(report(opened(spark, parse(config), NEXT, None)).html, "html.parser")


@pytest.mark.parametrize("task", LOSSES)
def test_every_kind_has_its_loss_with_an_interval(page, config, task):
    metrics = plain(of_day(parse(config), "metrics", NEXT))
    name = LOSSES[task].lower().replace(" ", "_")
    of = {row["model"]: row for row in metrics if (row["task"], row["metric"], row["slice"]) == (task, name, "")}
    shown = rows(page, f"Models of {task}")
    assert [cells[0].get_text() for cells in shown] == ["m", "other"]
    for model, loss, *_ in shown:
        assert numbers(loss) == interval(of[model.get_text()])
        assert len(numbers(loss)) == 3
    head = page.find("caption", string=f"Models of {task}").find_parent("table").thead
    assert head.find_all("th")[1].get_text() == LOSSES[task]


def test_every_kind_has_its_days_slices_and_changes(page):
    text = {each["id"]: each.get_text() for each in page.find_all("section")}
    for task in LOSSES:
        for section in ("trends", "heat", "changes"):
            assert task in text[section], (task, section)
    assert "None of the tasks has scores that are probabilities of one event." in text["calibration"]
    assert "Every label is a column of the impressions" in text["arrival"]
