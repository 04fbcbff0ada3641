"""Every row of `docs/evolving.md` is held by tests that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evolving.md"


def every_test() -> set[str]:
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "tests").rglob("test_*.py"))
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_change_is_held_by_tests_that_are_there() -> None:
    rows = re.findall(r"^\| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)[1:]
    assert len(rows) >= 12
    known = every_test()
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.split(" | ")[-1])
        assert named, row
        assert known.issuperset(named), row


def test_the_readme_leads_to_it() -> None:
    assert "](docs/evolving.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
