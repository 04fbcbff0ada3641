"""`lossledger doctor` as a person or a script calls it: every check with what was found, and the exit code."""

import yaml

from jobs.surfaces import doctor
from tests.world import child, days


def examined(config):
    """The exit code, and the checks by name."""
    done = child.ended(*child.COMMAND, "doctor", config, "--engine", "sail", "--json")
    return done.code, {check.pop("name"): check for check in done.told}


def test_a_machine_and_an_evaluation_that_are_ready(tmp_path):
    document = days.small_day(tmp_path)
    code, checks = examined(days.saved(document, tmp_path / "small.yaml"))
    assert code == 0
    assert all(check["ok"] for check in checks.values())
    assert checks["engine sail starts"]["found"] == "answers, session time zone UTC"
    sources = f"{tmp_path}/impressions, {tmp_path}/conversions"
    assert checks["sources are there"]["found"] == sources
    assert checks["tables can be written"]["found"] == str(tmp_path / "tables")
    assert "Java for Spark" not in checks


def test_what_is_missing_is_named(tmp_path):
    document = days.small_day(tmp_path)
    document["labels"]["conversion"]["source"]["path"] = str(tmp_path / "nowhere")
    (tmp_path / "tables").write_text("")
    code, checks = examined(days.saved(document, tmp_path / "small.yaml"))
    assert code == 3
    wrong = {name: check["found"] for name, check in checks.items() if not check["ok"]}
    assert set(wrong) == {"sources are there", "tables can be written"}
    assert wrong["sources are there"] == f"labels.conversion: there is nothing at {tmp_path}/nowhere"
    assert wrong["tables can be written"].startswith(f"{tmp_path}/tables: ")


def test_a_folder_that_the_engine_cannot_read_again_is_told(tmp_path):
    document = days.small_day(tmp_path)
    document["tables"] = {"path": str(tmp_path / "my tables")}
    code, checks = examined(days.saved(document, tmp_path / "small.yaml"))
    assert code == 3
    found = checks["tables can be written"]["found"]
    assert f"tables.path: found '{tmp_path}/my tables', expected a path of ASCII letters" in found
    assert not (tmp_path / "my tables").exists()


def test_a_configuration_that_is_not_valid_is_told_once(tmp_path):
    config = days.saved({"evaluation": "small", **yaml.safe_load("day: {zone: UTC}")}, tmp_path / "small.yaml")
    code, checks = examined(config)
    assert code == 3
    assert [name for name, check in checks.items() if not check["ok"]] == [f"configuration {config}"]
    assert "day.zone: found an unknown key" in checks[f"configuration {config}"]["found"]


def test_the_table_shows_names_in_brackets(capsys):
    doctor._show([doctor.Check("metrics it goes without", True, "normalized_entropy[reference]: no rate")])
    assert "normalized_entropy[reference]: no rate" in capsys.readouterr().out
