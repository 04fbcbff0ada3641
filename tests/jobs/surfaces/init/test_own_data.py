"""`docs/own-data.md` is executed word for word, as a stranger types it who has nothing but the command."""

import re
from pathlib import Path

import pytest

from tests.jobs.surfaces.init import logs
from tests.world import child

PAGE = (child.ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def plain(text: str) -> str:
    """A text without the lines of tables, its white space one space each."""
    return " ".join(re.sub(r"[─-╿|]", " ", text).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The folder of the stranger, with the logs in two files that the page takes for given."""
    made = tmp_path_factory.mktemp("own")
    world = logs.world()
    logs.parquet(world[["id", "at", "country", "p"]].rename(columns={"p": "p_click"}), made / "impressions.parquet")
    logs.parquet(logs.clicks(world), made / "clicks.parquet")
    return made


@pytest.fixture(scope="module")
def told(folder: Path) -> list[tuple[str, str, str]]:
    """Every block with its kind, and what the commands before it have printed."""
    found, printed = [], ""
    for kind, text in BLOCKS:
        if kind == "sh":
            done = child.succeeded("sh", "-e", "-c", text, cwd=folder, PATH=child.PATH)
            printed = done.out + done.err
        found.append((kind, text, printed))
    return found


def test_every_command_ends_well_and_prints_what_the_page_says(told):
    shown = [(text, printed) for kind, text, printed in told if kind == "text"]
    assert len(shown) >= 3
    for text, printed in shown:
        lacking = [line for line in text.splitlines() if plain(line) not in plain(printed)]
        assert lacking == [], printed


def test_the_configuration_is_the_one_that_is_shown(told, folder):
    ((_, text, _),) = [block for block in told if block[0] == "yaml"]
    assert (folder / "lossledger.yaml").read_text(encoding="utf-8") == text


def test_the_slice_that_is_wrong_is_named(told):
    (worst,) = [printed for kind, text, printed in told if kind == "sh" and "lossledger worst" in text]
    assert "country=FR" in worst


def test_guesses_of_logs_that_are_joined(told, folder):
    written = (folder / "joined.yaml").read_text(encoding="utf-8")
    assert "window: 1h # GUESS: " in written
