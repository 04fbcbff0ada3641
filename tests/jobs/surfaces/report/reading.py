"""What a program reads in a report: numbers of cells, tables by their captions, the queries beside them."""

from typing import Any

from bs4 import BeautifulSoup, Tag


def numbers(tag: Tag) -> list[float]:
    """The exact values of all numbers in a part of the page, marks of charts among them."""
    cells = [each["value"] for each in tag.find_all("data")]
    marks = [each["data-value"] for each in tag.select("[data-value]")]
    return [float(text) for text in (*cells, *marks) if text]


def rows(page: BeautifulSoup | Tag, caption: str) -> list[list[Tag]]:
    """The cells of the body of the table with a caption."""
    (table,) = [each.find_parent("table") for each in page.find_all("caption") if each.get_text() == caption]
    return [row.find_all(["th", "td"]) for row in table.tbody.find_all("tr")]


def interval(row: dict[str, Any], value: str = "value", low: str = "ci_low", high: str = "ci_high") -> list[float]:
    """What a cell shows of a row: its value, and both ends where they are any and apart."""
    return [row[value], *([] if row[low] is None or row[low] == row[high] else [row[low], row[high]])]


def floats(answer: list[dict[str, Any]]) -> set[float]:
    """All numbers of an answer."""
    every = (value for row in answer for value in row.values())
    return {float(value) for value in every if isinstance(value, int | float) and not isinstance(value, bool)}
