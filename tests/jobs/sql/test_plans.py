"""The plan of a query over Spark Connect, which shows it as text alone."""

from types import SimpleNamespace

import pyspark
import pytest

from jobs.errors import ConfigurationError
from jobs.sql.engines import plans
from tests.jobs.engines.test_connect import Connected


def planned(text):
    return SimpleNamespace(sparkSession=Connected(f"{pyspark.__version__} x"), _explain_string=lambda mode: text)


@pytest.mark.parametrize("text", ["Project [reflect(java.lang.Runtime, x) AS y]", "+- ScriptTransformation cat, [x]"])
def test_a_plan_that_runs_a_program_is_refused(text):
    with pytest.raises(
        ConfigurationError, match=r"found (reflect|ScriptTransformation), expected what reads and computes"
    ):
        plans.check(planned(text))


def test_a_plan_that_reads_is_none_of_those():
    plans.check(planned("Project [reflected#1, sum(reflect#2)]\n+- Relation [a#773] parquet"))
