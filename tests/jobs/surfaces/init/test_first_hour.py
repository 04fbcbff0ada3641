"""A stranger with 100,000 rows of four columns: from the first command to a verdict, by what each screen says next."""

import re
import shlex
import time

import pytest

from tests.jobs.surfaces.init import logs
from tests.world import child

MOST_SECONDS = 120


@pytest.fixture(scope="module")
def hour(tmp_path_factory):
    """What each of the two first commands said, and how long both took."""
    folder = tmp_path_factory.mktemp("stranger")
    world = logs.world(100_000)
    rows = world[["at", "country", "p", "click"]].rename(columns={"at": "ts", "p": "pctr", "click": "clicked"})
    logs.csv(rows.assign(ts=logs.iso(rows["ts"])), folder / "mine.csv")
    began = time.monotonic()
    first = child.succeeded("lossledger", "init", "--from", "mine.csv", cwd=folder, PATH=child.PATH)
    second = child.succeeded(*shlex.split(following(first.out)[0]), cwd=folder, PATH=child.PATH)
    return folder, world, first, second, time.monotonic() - began


def following(out: str) -> list[str]:
    """The commands that a screen says to type next."""
    lines = out.splitlines()
    (begin,) = [rank for rank, line in enumerate(lines) if line.startswith("next: ")]
    found = [re.sub(r"\s+# .*", "", lines[begin].removeprefix("next: "))]
    for line in lines[begin + 1 :]:
        if not line.startswith("      "):
            break
        found.append(re.sub(r"\s+# .*", "", line.strip()))
    return found


def test_there_is_a_verdict_in_less_than_three_minutes(hour):
    *_, run, seconds = hour
    assert run.out.strip().splitlines()[-1].startswith("done: 2026-03-18 at age 0h: rows ")
    assert seconds < MOST_SECONDS


def test_the_embedded_engine_is_taken_and_said(hour):
    _, _, _, run, _ = hour
    assert re.search(
        r"^on Sail, the embedded engine, as the logs of a day are \d\.\d MiB on this machine; --engine spark runs",
        run.err,
        re.MULTILINE,
    )


def test_the_screen_has_areas_and_slices(hour):
    _, world, _, run, _ = hour
    assert "auc" in run.out
    inside = world[world["at"].dt.day == 18]
    for country, rows in inside.groupby("country"):
        assert re.search(rf"country={country} .* {len(rows):,} ", run.out)


def test_what_is_to_be_typed_next_works(hour):
    folder, _, _, run, _ = hour
    commands = following(run.out)
    assert [shlex.split(command)[1] for command in commands] == ["report", "worst", "sql"]
    for command in commands:
        assert child.succeeded(*shlex.split(command), cwd=folder, PATH=child.PATH).out
    assert (folder / "report.html").stat().st_size > 10_000


def test_the_first_screen_fits(hour):
    _, _, first, run, _ = hour
    assert len(first.out.splitlines()) <= 20
    assert len(run.out.splitlines()) <= 40
