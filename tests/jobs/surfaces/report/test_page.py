"""The report is one file that asks for nothing; what the data says is text in it, and what is missing says why."""

import json
import re

import pytest
from typer.testing import CliRunner

from jobs import cli
from jobs.errors import ConfigurationError, ContractError
from jobs.examples.cells import encoded
from jobs.settings import parse
from jobs.surfaces.report import command
from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import report, write
from tests.world import child, days
from tests.world.night import DAY, document, evaluated, parquet
from tests.world.reported import BEFORE, HOSTILE, LAST

# What Apache Spark makes of the same tables is compared as a whole: test_on_spark.
pytestmark = pytest.mark.only_engine("sail")


def test_names_of_the_data_are_text(page):
    text = page.get_text()
    for name in HOSTILE[:4]:
        assert f"country={encoded(name)}" in text
    assert r"country=a\u202egnp.exe\x07" in text
    assert "\u202e" not in text and "\x07" not in text


def test_names_of_the_data_are_no_markup(page, made):
    assert page.find_all(["script", "img", "b", "iframe", "object", "embed", "form", "link", "base"]) == [page.link]
    handlers = [name for tag in page.find_all() for name in tag.attrs if name.startswith("on")]
    assert handlers == []
    assert "49" not in re.findall(r"country=(\d+)", made.html)


def test_it_asks_for_nothing(page, made):
    links = {tag[name] for tag in page.find_all() for name in ("src", "href", "xlink:href", "srcset") if tag.get(name)}
    assert {link for link in links if not link.startswith("#")} == {"data:,"}
    assert set(re.findall(r"url\(([^)]*)\)", page.style.string)) == {"#hatch"}
    assert "@import" not in page.style.string
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'")


def test_every_link_inside_leads_somewhere(page):
    there = {tag["id"] for tag in page.find_all(id=True)}
    assert {tag["href"][1:] for tag in page.find_all(href=re.compile("^#"))} <= there


def test_ids_are_unique(page):
    named = [tag["id"] for tag in page.find_all(id=True)]
    assert len(named) == len(set(named))


def test_it_is_small(made):
    assert 50_000 < len(made.html.encode()) < 2_000_000


def test_every_chart_has_a_text_a_table_and_its_query(page):
    charts = page.select("svg.chart")
    assert len(charts) > 10
    for chart in charts:
        assert chart["role"] == "img" and len(chart["aria-label"]) > 20
        figure = chart.find_parent("figure")
        assert figure.select("details.sql code") and figure.find("table")


def test_the_same_tables_make_the_same_bytes(spark, month, made):
    assert report(opened(spark, month, LAST, None)).html == made.html


def test_a_day_is_shown_at_its_oldest_age_unless_another_is_asked_for(spark, month):
    assert opened(spark, month, BEFORE, None).age_hours == 48
    assert opened(spark, month, BEFORE, 0).age_hours == 0


def test_a_day_or_an_age_that_is_not_there_is_told(spark, month):
    with pytest.raises(ContractError, match=r"found no row of 2026-12-24, expected one; make it with: .* 2026-12-24"):
        opened(spark, month, LAST.replace(month=12, day=24), None)
    with pytest.raises(ContractError, match=r"found no row of 2026-11-16 at age 24h, expected one of the ages 0h, 48h"):
        opened(spark, month, BEFORE, 24)


def test_no_table_at_all_is_told(spark, tmp_path):
    with pytest.raises(ContractError, match=r"no row of 2026-11-16"):
        opened(spark, parse(days.configured(tmp_path)), BEFORE, None)


def test_sections_without_data_say_why(spark, tmp_path):
    columns = {"click": [0, 1, 0, 1], "p": [0.1, 0.8, 0.3, 0.6]}
    parquet(tmp_path / "impressions", columns)
    config = document(tmp_path)
    evaluated(spark, config)
    found = report(opened(spark, parse(config), DAY, None))
    said = {section.name: section.empty for section in found.sections if section.empty is not None}
    assert said.keys() == {"gates", "calibration", "heat", "worst", "changes", "arrival"}
    assert all(text in found.html for text in said.values())
    assert "`gates` in the configuration" in said["gates"]
    assert "`bins.slices`" in said["calibration"]
    assert "`changes`" in said["changes"]
    assert found.verdict.sentence == "Wednesday, 18 March 2026 is evaluated, and every row is accounted for."


@pytest.mark.parametrize(
    ("place", "found"),
    [("", "the folder"), ("nowhere/report.html", "there is no folder")],
)
def test_a_place_that_cannot_be_written_to_is_refused_before_an_engine_starts(tmp_path, place, found, monkeypatch):
    monkeypatch.setattr(command, "session", lambda _: pytest.fail("an engine was started"))
    with pytest.raises(ConfigurationError, match=found):
        command.check_file(tmp_path / place)
    config = days.saved(days.configured(tmp_path), tmp_path / "small.yaml")
    told = CliRunner().invoke(cli.app, ["report", str(config), "--date", "2026-11-16", "-o", str(tmp_path / place)])
    assert told.exit_code == 2


def test_a_file_that_cannot_be_finished_leaves_the_one_before(tmp_path):
    target = tmp_path / "report.html"
    write("before", target)
    with pytest.raises(UnicodeEncodeError):
        write("\ud800", target)
    assert (target.read_text(), [each.name for each in tmp_path.iterdir()]) == ("before", ["report.html"])


def test_the_command_writes_the_file_and_says_where(spark, month, made, tmp_path):
    config = days.saved(month.document(), tmp_path / "month.yaml")
    target = tmp_path / "night.html"
    asked = child.ended(*child.COMMAND, "report", config, "--date", LAST, "-o", target, "--json")
    assert asked.code == 0, asked.err
    assert asked.told == {
        "exit_code": 0,
        "report": str(target),
        "bytes": target.stat().st_size,
        "event_date": str(LAST),
        "age_hours": 0,
        "verdict": made.verdict.sentence,
        "lines": made.verdict.lines,
        "empty": {},
    }
    assert target.read_text(encoding="utf-8") == made.html
    json.dumps(asked.told)
