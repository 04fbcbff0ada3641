"""The command line itself: what is wrong in it is told to people and to programs."""

import shlex
import sys

import pytest
import typer
from typer.testing import CliRunner

from jobs import cli
from tests.world import child, night

ENTRIES = {
    "command": [*child.COMMAND, "run"],
    "entry of spark-submit": [sys.executable, "jobs/evaluate.py"],
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["x.yaml"], "Missing option '--date'"), (["x.yaml", "--date", "2026-01-01", "--aeg", "3"], "--aeg")],
)
def test_a_wrong_command_line_is_exit_2_and_json_where_it_is_asked_for(entry, arguments, said):
    plain = child.ended(*ENTRIES[entry], *arguments, PYTHONPATH=str(child.ROOT))
    assert (plain.code, plain.out) == (2, "")
    assert said.split("'")[0] in plain.err
    asked = child.ended(*ENTRIES[entry], *arguments, "--json", PYTHONPATH=str(child.ROOT))
    assert (asked.code, said in asked.told["error"]) == (2, True)


def test_a_command_that_is_done_exits_with_its_own_code():
    done = child.ended(*child.COMMAND, "run", "nowhere.yaml", "--date", "2026-01-01", "--json")
    assert (done.code, done.told["exit_code"]) == (2, 2)
    assert child.ended(*child.COMMAND, "run", "--help", "--json").code == 0


def test_who_reads_the_first_rows_only_is_no_failure():
    program = "from jobs.surfaces import exits; exits.printed(str(i) for i in range(10**6))"
    with child.started(sys.executable, "-c", program) as run:
        assert run.stdout.readline() == "0\n"
        run.stdout.close()
        assert (run.stderr.read(), run.wait()) == ("", 0)


COMMANDS = typer.main.get_command(cli.app).commands


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_ends_with_an_example_that_it_takes(name):
    command = COMMANDS[name]
    assert command.epilog and command.epilog.startswith(f"Example: lossledger {name}")
    # What is not a command line of the command ends it.
    command.make_context(name, shlex.split(command.epilog)[3:])
    assert "Example: lossledger" in CliRunner().invoke(cli.app, [name, "--help"], env={"COLUMNS": "200"}).stdout


def test_shells_are_told_what_commands_there_are():
    asked = {"_LOSSLEDGER_COMPLETE": "complete_bash", "COMP_WORDS": "lossledger in", "COMP_CWORD": "1"}
    told = CliRunner().invoke(cli.app, [], prog_name="lossledger", env=asked)
    assert told.stdout.split() == ["init"]


def test_the_versions_are_told():
    told = CliRunner().invoke(cli.app, ["--version"])
    assert told.exit_code == 0
    assert "lossledger " in told.stdout and "pysail " in told.stdout


WRONG = {
    "a log in place of a configuration": ("log.csv", "log.csv: found a log, expected a YAML file that describes it;"),
    "a folder": (".", ".: found a folder, expected a YAML file; did you mean 'ok.yaml'?"),
    "a misspelt name": ("oky.yaml", "oky.yaml: found no such file, expected a YAML file; did you mean 'ok.yaml'?"),
    "a misspelt path in it": ("ok.yaml", "impressions: there is nothing at lgo.csv (did you mean 'log.csv'?)"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told_with_what_was_meant(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("click,p\n1,0.5\n")
    source = {"format": "csv", "path": "lgo.csv"}
    night.saved(night.document(tmp_path, impressions={"source": source}), tmp_path / "ok.yaml")
    config, said = WRONG[kind]
    done = child.ended("lossledger", "doctor", config, "--engine", "sail", "--json", cwd=tmp_path, PATH=child.PATH)
    found = [check["found"] for check in done.told if not check["ok"]]
    assert done.code == 3
    assert said in "\n".join(found)


def test_a_command_that_is_misspelt_is_told():
    told = CliRunner().invoke(cli.app, ["rnu"])
    assert (told.exit_code, "Did you mean 'run'?" in told.output) == (2, True)
