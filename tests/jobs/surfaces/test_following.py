"""What a screen says to type next is about the night that it shows."""

import shlex
from datetime import date
from pathlib import Path

from jobs.settings import parse
from jobs.surfaces.screen.following import next_steps
from tests.world import days

DAY = date(2026, 11, 16)


def commands(tmp_path, *of):
    lines = next_steps(Path("my logs.yaml"), parse(days.configured(tmp_path)), DAY, *of)
    return [shlex.split(line[6:], comments=True)[1:] for line in lines]


def test_the_settings_and_the_age_of_the_run_go_on(tmp_path):
    said = ["limits.min_rows=0", "tables.path=/a b"]
    *of_night, query = commands(tmp_path, 24, said)
    evaluation = ["my logs.yaml", "--set", said[0], "--set", said[1]]
    assert {words[0] for words in of_night} == {"report", "worst"}
    for _, *words in of_night:
        assert words[:9] == [*evaluation, "--date", str(DAY), "--age", "24h"][:9]
    assert query[:-1] == ["sql", *evaluation]


def test_nothing_is_said_that_was_not_asked_for(tmp_path):
    assert commands(tmp_path)[0] == ["report", "my logs.yaml", "--date", str(DAY), "-o", "report.html"]
