"""The FAQ quotes what people are told: every part of every heading is in a text of our sources."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAQ = ROOT / "docs" / "faq.md"
HEADINGS = re.findall(r"^### `(.+)`$", FAQ.read_text(encoding="utf-8"), re.MULTILINE)


@cache
def texts() -> list[str]:
    """Every text in the sources, that between the values of an f-string a text of its own."""
    files = [file for package in ("jobs", "udfs") for file in (ROOT / package).rglob("*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    docstrings = {
        ast.get_docstring(node, clean=False) for tree in trees for node in ast.walk(tree) if is_documented(node)
    }
    found = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return [text for text in found if isinstance(text, str) and text not in docstrings]


def is_documented(node: ast.AST) -> bool:
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)


def parts(heading: str) -> list[str]:
    """What is quoted of a message, without what stands for the reader's own."""
    whole = heading.replace("{column: …,", "{column: \0,")
    return [part.strip("?; ").replace("\0", "…") for part in whole.split("…") if len(part.strip("?; ")) > 1]


def said(heading: str) -> bool:
    return all(any(part in text for text in texts()) for part in parts(heading))


@pytest.mark.parametrize("heading", HEADINGS)
def test_what_is_quoted_is_said(heading):
    assert parts(heading)
    assert [part for part in parts(heading) if not any(part in text for text in texts())] == []


def test_what_nobody_says_is_found():
    assert not said("there is no scroe to evaluate")
    assert len(HEADINGS) > 20
