"""A ledger of two nights, written once by the engine of this run."""

import pytest

from jobs.settings import parse
from tests.jobs.ledger import two_nights


@pytest.fixture(scope="session")
def ledger(spark, tmp_path_factory):
    """The evaluation of two nights, whose tables no test may change."""
    return parse(two_nights(spark, tmp_path_factory.mktemp("ledger")))
