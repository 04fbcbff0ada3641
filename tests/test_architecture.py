"""The house stands: rooms import what is below them, never up and never in a circle, and the page of it is true."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
FILES = sorted(file for package in ("jobs", "udfs") for file in (ROOT / package).rglob("*.py"))
sys.path.append(str(ROOT / ".ci"))
from architecture import FLOORS, HEAD  # noqa: E402 - the generator of the page is no package

MODULES = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in FILES}


def imported(module: str, source: str) -> set[str]:
    """The modules of ours that a source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # A name of a package is a module, or of its own file.
            found |= {name if name in MODULES else node.module for name in names}
    return found & MODULES.keys() - {module}


def floor(module: str) -> int | None:
    """The number of a module's floor from the top; None for a folder's own file without code."""
    path = MODULES[module].relative_to(ROOT)
    for number, places in enumerate(FLOORS.values()):
        if any(Path(place) in (path, *path.parents) for place in places):
            return number
    return None


IMPORTS = {module: imported(module, file.read_text(encoding="utf-8")) for module, file in MODULES.items()}


def upward(imports: dict[str, set[str]]) -> list[str]:
    return [
        f"{module} imports {other}, which stands above it"
        for module, others in imports.items()
        for other in sorted(others)
        if floor(other) is not None and floor(other) < floor(module)
    ]


def test_every_room_is_on_a_floor():
    assert [module for module in MODULES if floor(module) is None] == ["jobs", "udfs"]


def test_no_arrow_runs_up():
    assert upward(IMPORTS) == []


def test_no_arrow_runs_in_a_circle():
    list(TopologicalSorter(IMPORTS).static_order())


@pytest.mark.parametrize(("module", "other"), [("jobs.storage.lake", "jobs.ledger.runs"), ("jobs.errors", "jobs.cli")])
def test_an_arrow_that_runs_up_is_found(module, other):
    assert upward({module: {other}}) == [f"{module} imports {other}, which stands above it"]


def test_workers_never_import_the_driver():
    assert [
        m for m, others in IMPORTS.items() if m.startswith("udfs") and any(o.startswith("jobs") for o in others)
    ] == []


def test_folders_are_small():
    folders = {file.parent for file in FILES}
    assert [str(each) for each in folders if len([file for file in FILES if file.parent == each]) > 13] == []


def test_files_and_functions_are_short():
    for file in FILES:
        source = file.read_text(encoding="utf-8")
        assert source.count("\n") <= 250, file
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                assert node.end_lineno - first.lineno < 40, f"{file}: {node.name}"


def test_the_page_is_as_the_generator_writes_it(tmp_path):
    target = tmp_path / "architecture.md"
    subprocess.run([sys.executable, ".ci/architecture.py", str(target)], cwd=ROOT, check=True)
    assert target.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8"), "out of date: make docs"


def test_the_page_sends_to_rooms_that_are_there():
    sent_to = re.findall(r"`((?:jobs|udfs)/[^`]*)`", HEAD)
    assert [place for place in sent_to if not (ROOT / place).exists()] == []
    assert len(sent_to) > 20


def test_the_page_has_the_steps_of_a_night():
    told = re.findall(r'progress.stage\("(\w+)"\)', (ROOT / "jobs" / "nightly.py").read_text(encoding="utf-8"))
    assert re.findall(r"^\| (\w+) \|", HEAD.split("Where is")[0], re.MULTILINE) == ["step", *told]
