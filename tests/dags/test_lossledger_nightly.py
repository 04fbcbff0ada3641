"""The DAG in a real Airflow: which day it submits, when it waits, gives up or tries again, and its numbers."""

import os
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from tests.world import child, days
from tests.world.child import ROOT
from tests.world.days import RESULTS

pytestmark = pytest.mark.airflow
# The DAG run of this date evaluates the day two days before it, days.DAY.
LOGICAL_DATE = "2026-11-18"
# Notes how it was called, and exits with the next of the codes.
STANDS_IN = """#!/bin/sh
printf '%s\\0' "$@" >>{calls}; printf '\\n' >>{calls}
set -- {codes}
[ $(wc -l <{calls}) -gt $# ] && exit 0
shift $(($(wc -l <{calls}) - 1)); exit $1
"""
WAITS = {"timedelta(minutes=5)": "timedelta(seconds=1)", "timedelta(hours=1),": "timedelta(seconds=2),"}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """Calls Airflow's command, which has its own environment and a database of its own."""
    command = Path(os.environ.get("LOSSLEDGER_AIRFLOW", ROOT / ".airflow" / "bin" / "airflow"))
    assert command.exists(), f"there is no Airflow at {command}: `make airflow` installs it and runs these tests"
    settings = {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(impatient(tmp_path_factory.mktemp("dags"))),
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
    }

    def called(*arguments, path, python=sys.executable, **variables):
        given = {f"AIRFLOW_VAR_LOSSLEDGER_{name.upper()}": str(value) for name, value in variables.items()}
        places = {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}", "PYSPARK_PYTHON": str(python)}
        return child.ended(command, *arguments, **child.of_submit() | settings | given | places)

    migrated = called("db", "migrate", path=command.parent)
    assert migrated.code == 0, migrated.out + migrated.err
    return called


def impatient(folder):
    """The DAG as it is shipped, but for the time that it waits."""
    text = (ROOT / "dags" / "lossledger_nightly.py").read_text()
    for wait, shorter in WAITS.items():
        assert text.count(wait) == 1
        text = text.replace(wait, shorter)
    (folder / "lossledger_nightly.py").write_text(text)
    return folder


def standing_in(folder, name, codes):
    """A program that notes its arguments, and exits with one code after the other, then with 0; and what it noted."""
    program, calls = folder / "bin" / name, folder / f"calls of {name}"
    program.parent.mkdir(exist_ok=True)
    program.write_text(STANDS_IN.format(calls=shlex.quote(str(calls)), codes=" ".join(map(str, codes))))
    program.chmod(0o755)
    return lambda: [line.split("\0")[:-1] for line in calls.read_text().splitlines()] if calls.exists() else []


def nightly(airflow, folder, day, *, ready=(), submit=()):
    """A night whose programs exit with these codes: whether it went well, and how each was called."""
    asked, submitted = standing_in(folder, "python", ready), standing_in(folder, "spark-submit", submit)
    places = {"path": folder / "bin", "python": folder / "bin" / "python"}
    given = {"home": "/srv/home", "config": "/srv/night.yaml", "age_hours": 192, **places}
    done = airflow("dags", "test", "lossledger_nightly", day, **given)
    return done.code == 0, asked(), submitted(), done.out + done.err


def test_a_night_waits_for_its_day_tries_again_and_submits_it(airflow, tmp_path):
    # Not there, there, where the run finds it not whole after all, and then fails once.
    well, asked, submitted, told = nightly(airflow, tmp_path, "2026-03-09", ready=[4, 4], submit=[4, 3])
    assert well, told
    assert (len(asked), len(submitted)) == (5, 3), told
    arguments = ["/srv/night.yaml", "--date", "2026-02-28"]
    assert asked == [["-P", "-m", "jobs", "ready", *arguments, "--age", "192"]] * 5
    first, *again = submitted
    assert again == [first, first]
    assert first[-4:] == ["/srv/home/jobs/evaluate.py", *arguments]
    options = dict(zip(first[0:-4:2], first[1:-4:2], strict=True))
    assert options["--deploy-mode"] == "client"
    assert options["--py-files"] == "/srv/home/dist/lossledger.zip"
    assert options["--properties-file"] == "/srv/home/conf/spark-defaults.conf"


def test_what_is_configured_wrong_fails_at_once(airflow, tmp_path):
    well, asked, submitted, told = nightly(airflow, tmp_path, "2026-03-10", submit=[2])
    assert not well
    assert (len(asked), len(submitted)) == (1, 1), told


def test_without_its_variables_it_fails_and_names_one(airflow, tmp_path):
    submitted = standing_in(tmp_path, "spark-submit", [])
    done = airflow("tasks", "test", "lossledger_nightly", "evaluate", LOGICAL_DATE, path=tmp_path / "bin")
    # Airflow's own exit code is 0 here, whatever the task does.
    assert "Variable lossledger_home not found" in done.out + done.err
    assert submitted() == []


def test_a_night_is_the_bits_of_a_run(airflow, tmp_path):
    config = days.evaluated_night(tmp_path)
    expected = days.all_results(tmp_path)
    assert all(expected[table] for table in RESULTS)
    document = yaml.safe_load(config.read_text()) | {"tables": {"path": str(tmp_path / "airflow" / "tables")}}
    (tmp_path / "shipped").mkdir()
    given = {
        "home": child.shipped_into(tmp_path / "shipped"),
        "config": days.saved(document, tmp_path / "airflow.yaml"),
        "age_hours": 24,
        "path": Path(sys.executable).parent,
    }
    done = airflow("dags", "test", "lossledger_nightly", LOGICAL_DATE, **given)
    assert done.code == 0, done.out + done.err
    assert days.all_results(tmp_path / "airflow") == expected
