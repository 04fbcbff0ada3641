"""Below the roots, and nowhere else: whatever links, `..`, patterns and spellings of addresses make of a path."""

from pathlib import Path

import pytest

from jobs.errors import ConfigurationError
from jobs.settings import load
from jobs.settings.bounds.roots import ROOTS, is_under
from tests.world.night import document, saved


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a root, another folder beside it, and links from the one to the other."""
    for name in ("root/deep/er", "root-of-others"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "root" / "out").symlink_to(tmp_path / "root-of-others")
    (tmp_path / "root" / "in").symlink_to(tmp_path / "root" / "deep" / "er")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "path", ["root", "root/", "root/x", "./root/deep/../x", "root/deep/*.csv", "root/{a,b}/x", "root/in/x"]
)
def test_what_is_below_a_local_root(path: str, here: Path) -> None:
    assert is_under(path, "root") and is_under(path, str(here / "root"))
    assert is_under(str(here / path), "root") and is_under(path, "/")


@pytest.mark.parametrize(
    "path",
    [
        *("root/..", "root/../root-of-others", "root-of-others", "", ".", "/", "*", "root/out", "root/out/x"),
        *("root/in/../../../x", "root/{a,../../b}", "root/deep/*/../../../x", "s3a://root/x", "root*/x"),
    ],
)
def test_what_is_not(path: str, here: Path) -> None:
    assert not is_under(path, str(here / "root"))


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        *(("s3a://logs/clicks", True), ("s3a://logs/clicks/*/x", True), ("s3a://logs/clicks/", True)),
        *(("s3a://logs/clicks-of-others", False), ("s3a://logs", False), ("s3a://other/clicks", False)),
        *(("s3://logs/clicks", False), ("s3a://logs/clicks/../x", False), ("s3a://logs/clicks/%2e%2e/x", False)),
        *(("s3a://ann@logs/clicks", False), ("/logs/clicks", False), ("s3a://logs//clicks/x", False)),
    ],
)
def test_what_is_below_an_address(path: str, inside: bool) -> None:
    assert is_under(path, "s3a://logs/clicks") is inside


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ("impressions.source.path=/etc", "impressions.source.path: found '/etc'"),
        ("impressions.source.path=file:///etc", "impressions.source.path: found '/etc'"),
        ("tables.path=root/../elsewhere", "tables.path: found 'root/../elsewhere'"),
        ("alerts={file: root-of-others/a.jsonl}", "alerts.file: found 'root-of-others/a.jsonl'"),
        ("impressions.complete={file: ../../etc/passwd}", "impressions.complete.file: found '../../etc/passwd'"),
        ("impressions.source={table: parquet./etc}", "impressions.source.table: found 'parquet./etc'"),
    ],
)
def test_a_configuration_may_point_below_the_roots(
    override: str, place: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(document(here / "root"), here / "a.yaml")
    monkeypatch.setenv(ROOTS, f"s3a://x {here}/root")
    assert load(file).tables.path == str(here / "root" / "tables")
    with pytest.raises(ConfigurationError) as caught:
        load(file, ["impressions.source=null"] * ("table:" in override) + [override])
    assert place in str(caught.value)


def test_without_roots_it_points_anywhere_and_with_none_nowhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(document(here / "root"), here / "a.yaml")
    monkeypatch.delenv(ROOTS, raising=False)
    assert load(file, ["tables.path=/elsewhere"]).tables.path == "/elsewhere"
    monkeypatch.setenv(ROOTS, "")
    with pytest.raises(ConfigurationError, match=r"expected none, as there is no root \(LOSSLEDGER_ROOTS\)"):
        load(file)
