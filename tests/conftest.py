"""What all tests share: the engine they run on, its session, and the data."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest
from pyspark.sql import SparkSession

from jobs.demo.engines import QUICK
from jobs.engines import session as engines

ROOT = Path(__file__).parent.parent

# Small and quick to start: the numbers must not depend on any of these.
TEST_SETTINGS = {
    "spark.master": "local[2]",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.memory": "2g",
}
# For the processes that tests start, too: most are shorter than the second compiler's warm-up.
os.environ["JDK_JAVA_OPTIONS"] = QUICK["JDK_JAVA_OPTIONS"]

# A build must not fail by chance: new examples are for the developer's machine.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=("spark", "sail", "none"),
        default="none",
        help="run the tests that need a session, on this engine; none: all the others",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    engine = config.getoption("--engine")
    kept = [item for item in items if _runs_on(item, engine)]
    # Deselected, not skipped: a skip would say that something could not be tested.
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _runs_on(item: pytest.Item, engine: str) -> bool:
    if item.get_closest_marker("bench") and find_spec("polars") is None:
        return False
    if "spark" not in getattr(item, "fixturenames", ()):
        return engine == "none"
    return engine != "none" and all(engine in only.args for only in item.iter_markers("only_engine"))


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The engine of this run: spark or sail."""
    return str(request.config.getoption("--engine"))


@pytest.fixture(scope="session")
def spark(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one session of this run."""
    warehouse = str(tmp_path_factory.mktemp("warehouse"))
    settings = {**TEST_SETTINGS, "spark.sql.warehouse.dir": warehouse} if engine == "spark" else {}
    with engines.session(engine, app="lossledger-tests", settings=settings) as session:
        yield session


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the real data sets: LOSSLEDGER_DATA, or ../shared/data."""
    folder = Path(os.environ.get("LOSSLEDGER_DATA") or ROOT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no data in {folder}; set LOSSLEDGER_DATA to the folder that has it")
    return folder
