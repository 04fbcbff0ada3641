"""A text of SQL as its statements, and where in it a name stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot.tokenizer_core import Token, TokenType

from jobs.sql.language import queries

TEXTS: Final = (TokenType.STRING, TokenType.RAW_STRING, TokenType.HEX_STRING)


@dataclass(frozen=True)
class Statement:
    """One statement of a text.

    Attributes:
        source: The whole text.
        tokens: Those of the statement.
        called: What people call the text: "the query", or the name of its file.
    """

    source: str
    tokens: tuple[Token, ...]
    called: str = "the query"

    @property
    def text(self) -> str:
        """The statement without its comments."""
        return queries.plain(self.source, self.tokens)

    @property
    def words(self) -> list[str]:
        """Its words, where it is no query: all that stands after SHOW is one token."""
        return " ".join(token.text for token in self.tokens).rstrip("; ").split()

    @property
    def head(self) -> str:
        """The first line of the comment right above it; nothing where there is none."""
        above = self.source[: self.tokens[0].start].rsplit("\n\n", 1)[-1].strip() if self.tokens else ""
        first = above.partition("\n")[0]
        return first if first.startswith("--") else ""

    def place(self, name: str) -> str:
        r"""Where a name stands first, for people.

        >>> statements("SELECT 1,\n  clik FROM a")[0].place("clik")
        'the query, line 2, column 3'
        """
        for token in self.tokens:
            if token.token_type not in TEXTS and token.text.lower() == name.lower():
                line = self.source.count("\n", 0, token.start) + 1
                column = token.start - self.source.rfind("\n", 0, token.start)
                return f"{self.called}, line {line}, column {column}"
        return self.called


def statements(source: str, called: str = "the query") -> list[Statement]:
    r"""The statements of a text, with semicolons between them; of a text without any, one that is empty.

    Raises:
        ConfigurationError: It cannot be read, e.g. for a quote that is not closed (exit 2).

    >>> [statement.text for statement in statements("-- first\nSELECT 1; SELECT ';' -- second\n;")]
    ['SELECT 1', "SELECT ';'"]
    """
    found: list[list[Token]] = [[]]
    for token in queries.tokenized(source):
        if token.token_type is TokenType.SEMICOLON:
            found.append([])
        else:
            found[-1].append(token)
    return [Statement(source, tuple(each), called) for each in found if each] or [Statement(source, (), called)]
