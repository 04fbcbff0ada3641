"""Whatever somebody writes into a configuration: it is one, or it is refused; it runs nothing and opens nothing.

A short form by default; `make fuzz`, or LOSSLEDGER_FUZZ=10000, is the long one.
"""

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from jobs import cli
from jobs.errors import ConfigurationError
from jobs.nights import embedded
from jobs.settings import Evaluation, load, parse
from jobs.settings.bounds import roots
from jobs.surfaces.exits import guarded
from tests.jobs.settings.test_hostile import WHOLE
from tests.world import hostile

COUNT = int(os.environ.get("LOSSLEDGER_FUZZ", "400"))
SEED = 20261130
MOMENT = 2.0  # seconds of this process for a file
GROWTH = 300 * 1024  # KiB that the process may grow by, whatever is read
# What a configuration that is merely read never does.
FORBIDDEN = (
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "socket.",
)
LOADING = frozenset({"import", "exec", "compile", "marshal.loads"})
SECRETS = {"AWS_SECRET_ACCESS_KEY": "hunter2-of-aws", "LOSSLEDGER_WEBHOOK": "https://hooks.example/hunter2"}


class Watch:
    """What this process does while it is watched; an audit hook cannot be taken away again."""

    def __init__(self) -> None:
        self.seen: list[str] | None = None
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.seen is None:
            return
        if event == "open" or event.startswith(FORBIDDEN) or event in LOADING:
            self.seen.append(f"{event} {arguments[0] if arguments else ''}")

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """The events of a block."""
        self.seen = seen = []
        try:
            yield seen
        finally:
            self.seen = None


WATCH = Watch()


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, secrets in the environment, and one root; all that is imported late is imported."""
    monkeypatch.chdir(tmp_path)
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv(roots.ROOTS, f"{tmp_path} s3a://logs")
    (tmp_path / "first.yaml").write_text("evaluation: [}")
    with pytest.raises(ConfigurationError):
        load(tmp_path / "first.yaml")
    for zone in ("UTC", "nowhere"):  # which loads the list of time zones
        with suppress(ConfigurationError):
            parse({**WHOLE, "day": {"timezone": zone}})
    return tmp_path


def read(file: Path) -> Evaluation | ConfigurationError:
    """What comes of a file; any other error is a failure of the test."""
    try:
        return load(file)
    except ConfigurationError as error:
        return error


def inside(settings: Evaluation, root: Path) -> bool:
    """Whether all paths of a configuration are below one of the two roots."""
    paths = [each.path for each in settings.sources.values()] + [settings.tables.path, settings.alerts.file]
    return all(
        path is None or path.startswith("s3a://logs/") or Path(os.path.realpath(path)).is_relative_to(root.resolve())
        for path in paths
    )


def test_a_hostile_file_is_a_configuration_or_refused_and_does_nothing(surroundings: Path) -> None:
    file = surroundings / "a.yaml"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    valid = refused = 0
    for number, content in enumerate(hostile.texts(WHOLE, SEED, COUNT)):
        file.write_bytes(content)
        began = time.process_time()
        with WATCH.watched() as seen:
            found = read(file)
        assert time.process_time() - began < MOMENT, number
        elsewhere = [event for event in seen if event != f"open {file}" and "/zoneinfo" not in event]
        assert elsewhere == [], number
        if isinstance(found, ConfigurationError):
            refused += 1
            assert found.exit_code == 2 and found.problems, number
            told = str(found)
            assert "hunter2" not in told, (number, told)
            assert all(line.isprintable() for line in told.split("\n")) and len(told) < 100_000, number
        else:
            valid += 1
            assert inside(found, surroundings), number
            assert "hunter2" not in str(found.document()), number
    assert sorted(path.name for path in surroundings.iterdir()) == ["a.yaml", "first.yaml"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown < GROWTH
    assert valid > COUNT / 100 and refused > COUNT / 2, (valid, refused)


def test_no_engine_is_started_for_a_file_that_is_refused(
    surroundings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("an engine")

    monkeypatch.setattr("jobs.nights.session", never)
    monkeypatch.setattr(embedded, "on", never)
    file = surroundings / "a.yaml"
    met = 0
    for content in hostile.texts(WHOLE, SEED + 1, 60):
        file.write_bytes(content)
        if isinstance(read(file), ConfigurationError):
            code = guarded(lambda: cli.evaluated(file, "2026-11-20"), as_json=False)
            met += 1
            told = capsys.readouterr()
            assert (code, told.out) == (2, "") and told.err.startswith("failed: ")
            assert "Traceback" not in told.err
    assert met > 30
