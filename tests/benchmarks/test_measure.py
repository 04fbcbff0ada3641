"""What was measured is kept, and not measured again; what fails is told."""

import json
import sys
from importlib import import_module
from pathlib import Path

import psutil
import pytest

from benchmarks.cases import Case, Logs

pytestmark = pytest.mark.bench

ARGUMENTS = ("small", "--who", "polars_", "--rows", "100000", "--rounds", "2")


def ran(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> int:
    places = {"folder": folder / "logs", "results": folder / "results.jsonl", "write": folder / "page.md"}
    given = [text for name, place in places.items() for text in (f"--{name}", str(place))]
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments, *given])
    return import_module("benchmarks.__main__").main()


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_a_run_that_was_stopped_goes_on_where_it_was(monkeypatch, tmp_path):
    assert ran(monkeypatch, tmp_path, *ARGUMENTS) == 0
    whole, page = lines(tmp_path), (tmp_path / "page.md").read_text()
    assert [Case.of(each["case"]).arithmetic for each in whole] == ["float", "exact"]
    assert all(len(each["rounds"]) == 2 and each["rounds"][0]["whole"] > 0.0 for each in whole)
    assert all(each["largest"] > 20.0 and each["together"] > 10.0 for each in whole)
    (tmp_path / "results.jsonl").write_text(json.dumps(whole[0]) + "\n")
    assert ran(monkeypatch, tmp_path, *ARGUMENTS) == 0
    assert lines(tmp_path)[0] == whole[0]
    assert [Case.of(each["case"]) for each in lines(tmp_path)] == [Case.of(each["case"]) for each in whole]
    before = lines(tmp_path)
    assert ran(monkeypatch, tmp_path, *ARGUMENTS) == 0
    assert lines(tmp_path) == before
    assert "Polars, exact" in page


def test_times_of_another_machine_are_not_added_to(monkeypatch, tmp_path):
    case = Case("polars_", Logs(1000, cells=1200), fresh=True)
    found = {"case": case.plain(), "rounds": [{"whole": 1.0}], "machine": {"cores": "128"}}
    (tmp_path / "results.jsonl").write_text(json.dumps({**found, "largest": 1.0, "together": 1.0, "bytes": {}}) + "\n")
    with pytest.raises(SystemExit, match="is of another machine or other releases: name another file by --results"):
        ran(monkeypatch, tmp_path, *ARGUMENTS)


def test_a_process_that_fails_is_told_with_its_last_words():
    measure = import_module("benchmarks.measure")
    with pytest.raises(measure.FailedError, match=r"ended with 1(.|\n)*ZeroDivisionError"):
        measure.ended(["-c", "1 / 0"], limit=60.0)


HANGS = """
import pathlib, subprocess, sys
child = subprocess.Popen(["sleep", "600"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
child.wait()
"""


def is_over(pid: int) -> bool:
    """Whether a process has ended, also where nobody has asked for it since."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_who_has_no_answer_in_time_is_ended_with_all_that_it_began_and_the_others_are_measured(monkeypatch, tmp_path):
    measure, began = import_module("benchmarks.measure"), tmp_path / "began"
    told = {"float": ["-c", HANGS, str(began)], "exact": ["-c", "pass"]}
    monkeypatch.setattr(measure, "child", lambda case, *_: told[case.arithmetic])
    assert ran(monkeypatch, tmp_path, *ARGUMENTS, "--limit", "3") == 0
    late, whole = lines(tmp_path)
    assert (late["late"], late["rounds"], len(whole["rounds"])) == (3.0, [], 2)
    assert is_over(int(began.read_text()))
    assert "| Polars, float | no answer in 3 |" in (tmp_path / "page.md").read_text()


def test_no_further_round_begins_once_a_case_took_long(tmp_path):
    measure = import_module("benchmarks.measure")
    effort = measure.Effort(rounds=50, seconds=0.0, limit=60.0)
    found = measure.measure(Case("polars_", Logs(1000, cells=1200)), tmp_path, effort, tmp_path / "results.jsonl")
    assert len(found["rounds"]) == 1


def test_what_was_never_measured_makes_no_page(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit):
        ran(monkeypatch, tmp_path, "--page")
    assert "nothing was measured yet" in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()
