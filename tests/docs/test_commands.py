"""Every command of the README and the documents is run as it is written, or said here where else it is, or why not."""

import re
import shlex
import shutil
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jobs import cli
from jobs.demo import data
from tests.jobs.surfaces.init import logs
from tests.world.child import ROOT

PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
DAY = date(2026, 11, 20)
QUERY = "SELECT task, value FROM metrics_latest WHERE metric = 'log_loss' AND slice = '' ORDER BY task"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Pages all of whose commands are run word for word by tests of their own.
ELSEWHERE = {
    "own-data.md": "test_own_data.py, as a stranger types them",
    "deploy.md": "test_cluster.py and test_packaging.py, on a cluster and at a server of Spark Connect",
}
NOT_HERE = {
    "make demo": "test_demo.py runs what it runs",
    "make quick": "it is the tests",
    "make test": "it is the tests",
    "make setup": "whoever runs a test has called it",
    ". .venv/bin/activate": "the command is called as it is installed",
    "spark-submit --properties-file conf/spark-defaults.conf": "test_packaging.py submits the zip",
    "python3 -m venv /opt/lossledger": "test_packaging.py installs a wheel into an environment of its own",
    "airflow variables set": "test_lossledger_nightly.py sets them for an Airflow of its own",
    "airflow pools set": "a pool is Airflow's matter; the tests of the DAG run in its default one",
    "airflow backfill create": "test_lossledger_nightly.py backfills so, with its scheduler",
    'lossledger sql CONFIG "SELECT …" --engine spark': "one engine in one process; test_cookbook.py asks all three",
    "lossledger sql CONFIG -f conf/sql/cookbook.sql": "an evaluation with gates; test_cookbook.py asks every statement",
    "lossledger views CONFIG --create --remote": "it needs a server; test_catalogs.py creates them in a catalog",
}
# What stands for the reader's own.
GIVEN = {"CONFIG": "conf/nightly.yaml", "SELECT …": QUERY}


def commands(page: Path) -> list[str]:
    """The command lines of a page, without the remarks behind them."""
    lines = "".join(BLOCK.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+#\s.*$", "", line) for line in lines]


def reason(line: str) -> str | None:
    return next((why for begins, why in NOT_HERE.items() if line.startswith(begins)), None)


RUN_HERE = [line for page in PAGES if page.name not in ELSEWHERE for line in commands(page) if reason(line) is None]


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory) -> Path:
    """A folder with what the documents take for given: a few logs, and the configuration that explains itself."""
    made = tmp_path_factory.mktemp("reader")
    (made / "conf").mkdir()
    shutil.copytree(ROOT / "conf" / "sql", made / "conf" / "sql")
    shutil.copy(ROOT / "conf" / "nightly.yaml", made / "conf")
    (made / "models").mkdir()
    data.generated(made / "data", DAY, rows_per_day=20_000, days=2)
    world = logs.world()
    world["at"] += DAY - date(2026, 3, 17)
    logs.csv(world[["id", "at", "country", "p", "click"]], made / "impressions.csv")
    return made


def called(words: list[str], target: Path | None) -> tuple[int, str]:
    """Call the command in this process, as a shell would."""
    done = CliRunner().invoke(cli.app, words)
    if target is not None:
        target.write_text(done.stdout)
    return done.exit_code, done.output


@pytest.mark.only_engine("sail")
def test_the_commands_end_well_in_the_order_of_the_pages(folder, monkeypatch):
    for name in ("SPARK_HOME", "LOSSLEDGER_ENGINE", "LOSSLEDGER_INPUT", "LOSSLEDGER_TABLES", "LOSSLEDGER_ROOTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    for line in RUN_HERE:
        command, *words = [GIVEN.get(word, word) for word in shlex.split(line)]
        words, target = (words[: words.index(">")], Path(words[-1])) if ">" in words else (words, None)
        code, told = called(words, target)
        assert (command, code) == ("lossledger", 0), f"{line}\n{told}"
    assert {"lossledger.yaml", "answer.parquet", "views.sql", "report.html"} <= {each.name for each in folder.iterdir()}


def test_what_is_not_run_here_is_written_somewhere():
    every = [line for page in PAGES for line in commands(page)]
    assert [begins for begins in NOT_HERE if not any(line.startswith(begins) for line in every)] == []
    assert {page.name for page in PAGES} >= ELSEWHERE.keys()
    assert len(RUN_HERE) >= 18


INLINE = re.compile(r"`(lossledger [a-z][^`\n]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_within_sentences_are_ones_that_there_are(page):
    group = typer.main.get_command(cli.app)
    for line in INLINE.findall(page.read_text(encoding="utf-8")):
        name, *words = [word for word in shlex.split(line)[1:] if word not in ("…", "-c")]
        command = group.commands.get(name)
        assert command is not None, line
        options = {each for of in command.params for each in of.opts} | {"--help"}
        assert {word for word in words if word.startswith("-")} <= options, line
