"""A month of nights, and the report of its last one."""

import pytest
from bs4 import BeautifulSoup

from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import report
from tests.world import reported as world


@pytest.fixture(scope="session")
def month(spark, tmp_path_factory):
    """The evaluation of the month, whose tables no test may change."""
    return world.month(spark, tmp_path_factory.mktemp("month"))


@pytest.fixture(scope="session")
def made(spark, month):
    """The report of the last day."""
    return report(opened(spark, month, world.LAST, None))


@pytest.fixture(scope="session")
def page(made):
    """The same, parsed."""
    return BeautifulSoup(made.html, "html.parser")
