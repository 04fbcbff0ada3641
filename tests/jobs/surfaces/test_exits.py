"""How a command ends: with the exit code of its error, which is told to people on stderr and to programs as JSON."""

import json

import pytest

from jobs.errors import InputMissingError
from jobs.surfaces.exits import guarded

ENDS = [(InputMissingError("wait"), 4, False), (ValueError("a bug"), 3, True)]


def ended(monkeypatch, error, *, as_json):
    """The exit code of a command that ends with an error."""
    monkeypatch.setenv("COLUMNS", "140")

    def command():
        raise error

    return guarded(command, as_json=as_json)


@pytest.mark.parametrize(("error", "code", "traced"), ENDS, ids=["ours", "any other"])
def test_an_error_becomes_its_exit_code_and_only_a_bug_is_traced(monkeypatch, capsys, error, code, traced):
    assert ended(monkeypatch, error, as_json=True) == code
    told = capsys.readouterr()
    assert json.loads(told.out)["exit_code"] == code
    assert (str(error) in json.loads(told.out)["error"], "Traceback" in told.err) == (True, traced)
    assert ended(monkeypatch, error, as_json=False) == code
    told = capsys.readouterr()
    assert (told.out, f"failed: {'' if code == 4 else 'ValueError: '}{error}" in told.err) == ("", True)


def test_a_command_that_is_done_has_its_own_code(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "140")
    assert guarded(lambda: 0, as_json=True) == 0
    assert capsys.readouterr().out == ""
