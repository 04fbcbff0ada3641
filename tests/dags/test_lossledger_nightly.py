"""The DAG in a real Airflow: what it submits for which day, that it tries again, and that its numbers are a run's."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.jobs import days
from tests.jobs.days import RESULTS
from tests.jobs.submitting import ROOT, environment, evaluated_night, shipped_into

pytestmark = pytest.mark.airflow
# The DAG run of this date evaluates the day two days before it, days.DAY.
LOGICAL_DATE = "2026-11-18"
SUBMIT = """#!/bin/sh
printf '%s\\0' "$@" >>{calls}; printf '\\n' >>{calls}
[ $(wc -l <{calls}) -gt {failures} ] || exit 4
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """Calls Airflow's command, which has its own environment and a database of its own."""
    command = Path(os.environ.get("LOSSLEDGER_AIRFLOW", ROOT / ".airflow" / "bin" / "airflow"))
    assert command.exists(), f"there is no Airflow at {command}: `make airflow` installs it and runs these tests"
    settings = {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
    }

    def called(*arguments, path, **variables):
        given = {f"AIRFLOW_VAR_LOSSLEDGER_{name.upper()}": str(value) for name, value in variables.items()}
        places = {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(
            [command, *arguments],
            env={**environment(), **settings, **given, **places},
            capture_output=True,
            text=True,
            check=False,
        )

    migrated = called("db", "migrate", path=command.parent)
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    return called


def submitting(folder, failures):
    """A stand-in for spark-submit that notes its arguments, and exits 4 as often as told. Returns what it noted."""
    binary, calls = folder / "bin" / "spark-submit", folder / "calls"
    binary.parent.mkdir()
    binary.write_text(SUBMIT.format(calls=shlex.quote(str(calls)), failures=failures))
    binary.chmod(0o755)
    return binary.parent, lambda: [line.split("\0")[:-1] for line in calls.read_text().splitlines()]


def test_a_night_submits_the_day_of_its_age_and_tries_again(airflow, tmp_path):
    path, calls = submitting(tmp_path, failures=2)
    given = {"home": "/srv/home", "config": "/srv/night.yaml", "age_hours": 192, "path": path}
    done = airflow("dags", "test", "lossledger_nightly", "2026-03-09", **given)
    assert done.returncode == 0, done.stdout + done.stderr
    first, *again = calls()
    assert again == [first, first]
    assert first[-6:] == ["/srv/home/jobs/evaluate.py", "/srv/night.yaml", "--date", "2026-02-28", "--age", "192"]
    options = dict(zip(first[0:-6:2], first[1:-6:2], strict=True))
    assert options["--deploy-mode"] == "client"
    assert options["--py-files"] == "/srv/home/dist/lossledger.zip"
    assert options["--properties-file"] == "/srv/home/conf/spark-defaults.conf"


def test_without_its_variables_it_fails_and_names_one(airflow, tmp_path):
    path, _ = submitting(tmp_path, failures=0)
    done = airflow("tasks", "test", "lossledger_nightly", "evaluate", LOGICAL_DATE, path=path)
    # Airflow's own exit code is 0 here, whatever the task does.
    assert "Variable lossledger_home not found" in done.stdout + done.stderr
    assert not (tmp_path / "calls").exists()


def test_a_night_and_its_repetition_are_the_bits_of_a_run(airflow, tmp_path):
    config = evaluated_night(tmp_path)
    expected = days.all_results(tmp_path)
    assert all(expected[table] for table in RESULTS)
    document = yaml.safe_load(config.read_text()) | {"tables": {"path": str(tmp_path / "airflow" / "tables")}}
    (tmp_path / "shipped").mkdir()
    given = {
        "home": shipped_into(tmp_path / "shipped"),
        "config": days.saved(document, tmp_path / "airflow.yaml"),
        "age_hours": 24,
        "path": Path(sys.executable).parent,
    }
    for _ in range(2):
        done = airflow("dags", "test", "lossledger_nightly", LOGICAL_DATE, **given)
        assert done.returncode == 0, done.stdout + done.stderr
        assert days.all_results(tmp_path / "airflow") == expected
