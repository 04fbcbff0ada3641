"""Advice names only commands that exist where it is read."""

import shlex
import sys
from pathlib import Path

import pyspark

from jobs import calling
from jobs.engines.java import PACKAGE
from tests.world import child


def installed(folder, monkeypatch, *, command):
    """A Python that another environment has, and beside it the command or none."""
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    if command:
        python.with_name("lossledger").write_text("#!/bin/sh\necho here\n")
        python.with_name("lossledger").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(folder)
    return python


def test_the_command_is_called_by_its_place_where_it_is_not_on_path(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, command=True)
    assert calling.lossledger("doctor") == "bin/lossledger doctor"
    assert child.ended(*shlex.split(calling.lossledger()), cwd=Path.cwd()).out == "here\n"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    assert calling.lossledger("run CONFIG") == "lossledger run CONFIG"


def test_without_the_command_it_is_a_module(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch, command=False)
    assert calling.lossledger("sql") == "bin/python -m jobs sql"
    assert calling.pip("a==1") == "bin/python -m pip install a==1"


def test_a_path_with_a_space_can_be_copied(tmp_path, monkeypatch):
    (tmp_path / "my env").mkdir()
    installed(tmp_path / "my env", monkeypatch, command=True)
    monkeypatch.chdir("/")
    assert child.ended(*shlex.split(calling.lossledger()), cwd=Path.cwd()).out == "here\n"


def test_the_java_of_the_advice_is_that_of_the_extra():
    assert f'java = ["{PACKAGE}"]' in (child.ROOT / "pyproject.toml").read_text()


def test_the_version_is_told():
    told = child.succeeded(*child.COMMAND, "--version").out
    assert told.startswith("lossledger ") and f"pyspark {pyspark.__version__}," in told
