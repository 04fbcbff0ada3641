"""What was measured is kept, and not measured again; what fails is told."""

import json
import sys
from importlib import import_module
from pathlib import Path

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
        measure.ended(["-c", "1 / 0"])


def test_what_was_never_measured_makes_no_page(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit):
        ran(monkeypatch, tmp_path, "--page")
    assert "nothing was measured yet" in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()
