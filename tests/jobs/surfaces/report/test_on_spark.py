"""The report that Apache Spark makes of tables is that of Sail, but for the order in which SQL adds floats."""

import re

import pytest

from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import report
from tests.world import on_sail
from tests.world.reported import LAST, month

pytestmark = pytest.mark.only_engine("spark")


def reported(spark, folder):
    settings = month(spark, folder)
    return settings, report(opened(spark, settings, LAST, None)).html


NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|\b\d+\b")


def test_the_report_is_the_same_on_apache_spark(spark, tmp_path):
    settings, theirs = on_sail.made(reported, spark, tmp_path)
    ours = report(opened(spark, settings, LAST, None)).html
    assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs)
    found, expected = ([float(each) for each in NUMBER.findall(html)] for html in (ours, theirs))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
