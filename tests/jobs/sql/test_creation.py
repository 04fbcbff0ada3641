"""What is there under a name of ours is looked at before anything is replaced; no engine is needed to see it."""

from types import SimpleNamespace

import pytest

from jobs.errors import ConfigurationError
from jobs.settings import parse
from jobs.sql.catalogs import creation, dbt, scripts
from jobs.storage import lake
from tests.world import days


class Catalog:
    """A session with a catalog of Apache Spark, as far as it is asked: by name the place of a table, or a view."""

    def __init__(self, there):
        self.there, self.made, self.catalog = there, [], self
        self.conf = SimpleNamespace(get=lambda *_: "hive")

    def tableExists(self, name):
        return name in self.there

    def getTable(self, name):
        return SimpleNamespace(tableType="VIEW" if self.there[name] == "VIEW" else "EXTERNAL")

    def sql(self, text):
        if text.startswith("DESCRIBE DETAIL "):
            return SimpleNamespace(collect=lambda: [{"location": self.there[text.removeprefix("DESCRIBE DETAIL ")]}])
        return self.made.append(text)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(creation, "engine_of", lambda _: "spark")
    monkeypatch.setattr(creation, "retired", lambda *_: ("browser",))
    monkeypatch.setattr(creation.lake, "exists", lambda *_: True)
    made = parse(days.configured(tmp_path))
    where = {name: lake.address(made, name, "spark") for name in ("statistics", "metrics", "runs")}
    monkeypatch.setattr(creation, "places", lambda *_: where)
    return made


def full(*names):
    return [f"`ads`.`{name}`" for name in names]


def made(settings, there):
    session = Catalog(there)
    return creation.created(session, settings, scripts.Schema(("ads",))), session.made


def test_views_of_the_same_tables_are_replaced(settings):
    there = {name: str(lake.address(settings, each, "spark").path) for each in ("runs", "metrics")
             for name in full(each)}  # fmt: skip
    names, statements = made(settings, {**there, **dict.fromkeys(full("metrics_latest", "ledger"), "VIEW")})
    assert "ads.metrics_latest" in names
    assert sum(text.startswith("CREATE OR REPLACE VIEW `ads`.`metrics_latest`") for text in statements) == 1


@pytest.mark.parametrize(
    "there",
    [
        dict.fromkeys(full("runs"), "/elsewhere/runs") | dict.fromkeys(full("metrics_latest"), "VIEW"),
        dict.fromkeys(full("metrics_latest"), "VIEW"),
        dict.fromkeys(full("cell_metrics"), "/elsewhere/cell_metrics"),
    ],
    ids=["of another evaluation", "a view of somebody", "a table under the name of a view"],
)
def test_nothing_is_replaced_where_a_name_is_taken(settings, there):
    session = Catalog(there)
    with pytest.raises(ConfigurationError):
        creation.created(session, settings, scripts.Schema(("ads",)))
    assert session.made == []


def test_dimensions_that_were_retired_are_columns_of_the_views(settings):
    _, statements = made(settings, {})
    (ledger,) = (text for text in statements if text.startswith("CREATE OR REPLACE VIEW `ads`.`ledger`"))
    assert "`browser` COMMENT" in ledger and "COALESCE(raw.`browser`," in ledger
    assert "name: browser" in dbt.source(settings, scripts.Schema(("ads",)), ("browser",))
