"""The command line itself: what is wrong in it is told to people and to programs."""

import json
import subprocess
import sys

import pytest

from tests.jobs.submitting import ROOT, environment

ENTRIES = {"command": ["-m", "jobs", "run"], "entry of spark-submit": ["jobs/evaluate.py"]}


def called(*arguments):
    command = [sys.executable, *arguments]
    env = environment() | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["x.yaml"], "Missing option '--date'"), (["x.yaml", "--date", "2026-01-01", "--aeg", "3"], "--aeg")],
)
def test_a_wrong_command_line_is_exit_2_and_json_where_it_is_asked_for(entry, arguments, said):
    told = called(*ENTRIES[entry], *arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert said.split("'")[0] in told.stderr
    told = called(*ENTRIES[entry], *arguments, "--json")
    assert told.returncode == 2
    assert said in json.loads(told.stdout)["error"]


def test_a_command_that_is_done_exits_with_its_own_code():
    told = called("-m", "jobs", "run", "nowhere.yaml", "--date", "2026-01-01", "--json")
    assert (told.returncode, json.loads(told.stdout)["exit_code"]) == (2, 2)
    assert called("-m", "jobs", "run", "--help", "--json").returncode == 0
