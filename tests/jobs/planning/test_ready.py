"""Whether a day can be evaluated already: asked without a JVM, and nothing is written."""

from datetime import date, timedelta

import pytest

from jobs.errors import ContractError, InputMissingError
from jobs.ledger.stamp import Stamp
from jobs.planning import ready
from jobs.settings import parse
from tests.world import child, days

SAIL = pytest.mark.only_engine("sail")


def asked(config, day, *arguments):
    """The exit code and the document of a machine without Java."""
    bare = {"JAVA_HOME": "/nowhere", "PATH": "/nowhere"}
    done = child.ended(*child.COMMAND, "ready", config, "--date", day, "--json", *arguments, **bare)
    return done.code, done.told


def test_a_day_that_is_there(tmp_path):
    config = days.saved(days.small_day(tmp_path), tmp_path / "small.yaml")
    assert asked(config, days.DAY) == (0, {"exit_code": 0, "ready": "2026-11-16 is there"})
    assert not (tmp_path / "tables").exists()


def test_what_is_wrong_is_left_to_the_run(tmp_path):
    document = days.small_day(tmp_path, dimensions=["nowhere"], slices=[[]])
    code, told = asked(days.saved(document, tmp_path / "small.yaml"), days.DAY)
    assert code == 0
    assert told["ready"].startswith("2026-11-16 is there, and a run of it may fail: the sources do not have")
    code, told = asked(tmp_path / "small.yaml", "{{ ds }}")
    assert (code, told["exit_code"]) == (2, 2)


def test_a_day_that_has_not_ended_needs_no_engine(tmp_path):
    settings = parse(days.configured(tmp_path))
    with pytest.raises(InputMissingError, match="it can be run from"):
        ready.asked(settings, date.today(), None)
    source = {"format": "parquet", "path": "s3://bucket/impressions"}
    far = parse(days.configured(tmp_path, impressions={"source": source, "columns": days.INPUT}))
    assert ready.asked(far, days.DAY, None) == "2026-11-16 has reached its age; only the run can look at impressions"


def checked(spark, document, day=days.DAY):
    settings = parse(document)
    moment = days.START + timedelta(days=1 + (day - days.DAY).days, hours=settings.age_hours)
    ready._check(spark, settings, Stamp(day, settings.age_hours, moment, "", False))


@SAIL
def test_what_is_not_there_yet_is_told_as_a_run_tells_it(spark, tmp_path):
    document = days.small_day(tmp_path)
    checked(spark, document)
    with pytest.raises(InputMissingError, match="2026-11-17 is empty"):
        checked(spark, document, days.DAY + timedelta(days=1))
    log = document["labels"]["conversion"]
    absent = {**log, "source": {"format": "parquet", "path": str(tmp_path / "nowhere")}}
    with pytest.raises(InputMissingError, match="there is nothing at"):
        checked(spark, {**document, "labels": {**document["labels"], "conversion": absent}})
    with pytest.raises(ContractError):
        checked(spark, {**document, "dimensions": ["nowhere"], "slices": [[]]})
    assert not (tmp_path / "tables").exists()
