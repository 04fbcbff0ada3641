"""What a section of a report is, whatever it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Section:
    """A section.

    Attributes:
        name: What its template and its anchor are called.
        title: Its heading.
        lead: How to read it, in a sentence or two.
        empty: Why there is nothing to show, in a sentence; None where there is.
        content: What its template shows.
        sql: The query whose answer is shown.
    """

    name: str
    title: str
    lead: str
    empty: str | None = None
    content: Any = None
    sql: str | None = None
