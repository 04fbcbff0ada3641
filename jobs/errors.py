"""The one exception family of lossledger; each class knows its exit code."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from jobs.safe_text import printable, printable_lines, redacted

LONGEST_VALUE = 80
LONGEST_READ = 10_000  # of what is only to be shortened
LARGEST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what was found, what was expected, what was perhaps meant."""

    place: str
    found: str
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        """Return the problem as one line.

        >>> print(Problem("tasks.ctr.label", "'clik'", "one of click, conversion", "click"))
        tasks.ctr.label: found 'clik', expected one of click, conversion; did you mean 'click'?
        """
        meant = "" if self.nearest is None else f"; did you mean {self.nearest!r}?"
        return printable(redacted(f"{self.place}: found {self.found}, expected {self.expected}{meant}"))


class LossledgerError(Exception):
    """Anything lossledger refuses or fails at: a summary, and one line per problem.

    >>> print(ConfigurationError("a.yaml is not valid", [Problem("day", "3", "a mapping")]))
    a.yaml is not valid
      - day: found 3, expected a mapping
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, summary: str, problems: Sequence[Problem] = ()) -> None:
        """Keep the summary and the problems, also through pickling.

        `examples` may quote ids: people are told them, and no table.
        """
        super().__init__(summary, tuple(problems))
        self.summary = summary
        self.problems = tuple(problems)
        self.examples = ""

    def __str__(self) -> str:
        """Return the summary, then each problem on a line of its own; without secrets of addresses."""
        return "\n".join([printable_lines(redacted(self.summary)), *(f"  - {problem}" for problem in self.problems)])


class ConfigurationError(LossledgerError):
    """The configuration file, or an override of it, is wrong."""

    exit_code = 2


class ContractError(LossledgerError):
    """The sources or the existing tables do not have what the configuration says."""

    exit_code = 2


class RefusedError(LossledgerError):
    """The day was read and is refused: empty, or too many rejected rows."""

    exit_code = 2


class RuntimeFailure(LossledgerError):
    """The run failed after it began; every table holds a whole day, and `runs_latest` says where of two runs."""


class InputChangedError(LossledgerError):
    """The input grew or changed between two readings of it."""


class EngineError(LossledgerError):
    """The engine cannot be had or cannot start."""


class InputMissingError(LossledgerError):
    """Labels or inputs are not there yet."""

    exit_code = 4


def nearest_match(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, whatever its case, or None.

    >>> nearest_match("Clik", ["click", "conversion"])
    'click'
    >>> nearest_match("crt", ["cvr", "ctr"])
    'ctr'
    """
    by_lower_case = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), by_lower_case)
    # Of near ones rather that of the same letters: two of them are easily typed in turn.
    same = [each for each in close if sorted(each) == sorted(name.lower())]
    return by_lower_case[(same or close)[0]] if close else None


def one_of(names: Iterable[str]) -> str:
    """Return the names as the text of an expectation.

    >>> one_of(["click", "conversion"])
    'one of click, conversion'
    """
    listed = ", ".join(map(_key, names))
    return f"one of {listed}" if listed else "none, as none is declared"


def described(value: object) -> str:
    """Return a value as short text; of mappings only the keys, because values may be secret.

    >>> described({"path": "s3://bucket", "token": "abc"})
    'a mapping of path, token'
    >>> described([1, 2])
    'a list of 2'
    """
    if isinstance(value, Mapping):
        return f"a mapping of {shortened(', '.join(map(_key, value)))}" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return f"an integer of {value.bit_length()} bits"
    return "nothing" if value is None else shortened(repr(value))


def _key(key: object) -> str:
    return shortened(key) if isinstance(key, str) and key.isprintable() else described(key)


def shortened(text: str) -> str:
    """Return a text, or its beginning; without the password of an address, as half of one looks like a name."""
    text = redacted(text[:LONGEST_READ])
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
