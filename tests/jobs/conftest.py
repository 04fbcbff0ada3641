"""What several tests here share: a ledger of two nights, and tables that were just made."""

import shutil

import pytest

from jobs.settings import parse
from jobs.storage import writers
from tests.world import days
from tests.world.judged import judged_ledger
from tests.world.two_nights import two_nights

INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


@pytest.fixture(scope="session")
def ledger(spark, tmp_path_factory):
    """The evaluation of two nights, whose tables no test may change."""
    return parse(two_nights(spark, tmp_path_factory.mktemp("ledger")))


@pytest.fixture(scope="session")
def judged(spark, ledger, tmp_path_factory):
    """The same with tables of judgements; no test may change them."""
    return judged_ledger(spark, ledger, tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="session")
def empty_tables(spark, tmp_path_factory):
    """The tables of the small evaluation, just made."""
    return days.made_tables(spark, tmp_path_factory.mktemp("empty"))


@pytest.fixture
def folder(empty_tables, tmp_path):
    """A folder of its own for a test, with the empty tables in it."""
    shutil.copytree(empty_tables, tmp_path / "tables")
    return tmp_path


@pytest.fixture(
    params=[
        pytest.param("delta-rs", marks=pytest.mark.only_engine("sail")),
        pytest.param("delta-spark", marks=pytest.mark.only_engine("spark")),
    ]
)
def writer(request, spark, monkeypatch):
    """What writes anywhere but on this disk, that of the engine; here it is delta-rs, which all other tests see."""
    by_spark = request.param == "delta-spark"
    if by_spark:
        monkeypatch.setattr(writers, "is_here", lambda _: False)
    # A commit of few rows is a dozen of stages, each longer to compile than to interpret.
    changes = INTERPRETED if by_spark else {}
    for name, value in changes.items():
        spark.conf.set(name, value)
    yield request.param
    for name in changes:
        spark.conf.unset(name)
