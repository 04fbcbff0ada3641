"""The commands: what they say to people and to programs, and their exit codes."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from jobs import cli
from jobs.audit.audited import Audited, lines, worst
from jobs.audit.registry import PROOFS
from jobs.audit.statement import equal, unknown, verdict
from jobs.storage.change import DayAtAge
from tests.world import child, days

PART = DayAtAge(date(2026, 11, 20), 24)


def audited(*statements, **more):
    return Audited(PART, "r", tuple(verdict(f"p{i}", own) for i, own in enumerate(statements)), **more)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (audited([equal("a", 1, 1)]), 0),
        (audited([]), 0),
        (audited([equal("a", 1, 1)], [unknown("b", "gone")]), 4),
        (audited([unknown("b", "gone")], [equal("a", 1, 2)]), 1),
        (audited(absent="it is not in the tables"), 4),
        (audited(absent="its age is not reached yet", due=False), 0),
    ],
)
def test_exit_codes(found, code):
    assert (found.exit_code, worst([found])) == (code, code)


def test_what_is_wrong_comes_before_what_is_not_proven():
    assert worst([audited([unknown("b", "x")]), audited([equal("a", 1, 2)]), audited([])]) == 1


def test_people_are_told_what_is_wrong_and_what_is_open():
    assert list(lines([audited([equal("a", 1, 1)]), audited([equal("a", 1, 2)], [unknown("b", "gone")])])) == [
        "2026-11-20 at age 24h: 1 proven (1 values compared)",
        "2026-11-20 at age 24h: 1 wrong, 1 not proven (1 values compared)",
        "  p0 WRONG: a: found 1, expected 2",
        "  p1 not proven: b: gone",
        "audit: 1 proven, 1 wrong, 1 not proven (2 values compared)",
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the days: found none, expected either --date, or --from and --to"),
        (["--date", "2026-11-20", "--to", "2026-11-21"], "the days: found --date and --to"),
        (["--date", "2026-11-20", "--without", "sampel"], "found 'sampel', expected one of one_run, "),
        (["--date", "20.11.2026"], "--date: found '20.11.2026'"),
        (["--date", "2026-11-16", "--ages", "7h"], "--ages: found 7h"),
    ],
)
def test_a_wrong_question_is_exit_2_before_an_engine_is_started(tmp_path, arguments, told):
    config = days.saved(days.configured(tmp_path), tmp_path / "a.yaml")
    found = CliRunner().invoke(cli.app, ["audit", str(config), *arguments, "--json"])
    assert found.exit_code == 2
    assert told in json.loads(found.stdout)["error"]


def test_help_says_every_proof_and_has_examples():
    told = " ".join(CliRunner().invoke(cli.app, ["audit", "--help"], env={"COLUMNS": "300"}).stdout.split())
    assert [name for name in PROOFS if f"{name}: " not in told] == []
    assert "lossledger audit lossledger.yaml --date 2026-11-20" in told
    assert "lossledger reproduce lossledger.yaml" in CliRunner().invoke(cli.app, ["reproduce", "--help"]).stdout


def test_the_commands_end_to_end(tmp_path):
    config = days.evaluated_night(tmp_path)
    proven = child.ended(*child.COMMAND, "audit", config, "--date", "2026-11-16", "--engine", "sail", "--json")
    assert (proven.code, proven.told["exit_code"]) == (0, 0), proven
    (night,) = proven.told["nights"]
    assert {of["proof"]: of["state"] for of in night["proofs"]}["sample"] == "proven"
    made = child.ended(*child.COMMAND, "reproduce", config, night["run_id"], "--engine", "sail", "--json")
    assert (made.code, {of["state"] for of in made.told["tables"]}) == (0, {"proven"}), made
    people = child.ended(*child.COMMAND, "audit", config, "--date", "2026-11-16", "--engine", "sail")
    assert people.out.splitlines()[-1].startswith("audit: ")
