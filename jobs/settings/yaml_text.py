"""YAML text to plain values: safely, each key once, and only so large that reading it ends.

Depth and size are asked of the events, before anything is built: what is built recurs, and an alias of aliases copies.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import yaml

from jobs.errors import Problem, shortened

LONGEST = 1_000_000
MOST_VALUES = 20_000
DEEPEST = 50

FLOAT = re.compile(r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9_]+)[eE][-+]?[0-9]+$")
CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
# What a loader lets through of its own checks and of Python's conversions.
UNREADABLE = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, to which dates are text, 1e-15 is a number, and a second key of a name is an error."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen and name is not None:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key {shortened(key.value)}", key.start_mark
                )
            seen.add(name)
        return dict(super().construct_mapping(node, deep))


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))


def plain(text: str) -> tuple[object, list[Problem]]:
    """Return the values of a YAML text, and no problem; or nothing, and what is wrong with the text.

    >>> plain("{a: 1e-15, b: 2026-11-20}")
    ({'a': 1e-15, 'b': '2026-11-20'}, [])
    """
    try:
        problems = list(_excess(text))
        return (None, problems) if problems else (yaml.load(text, Loader=_Loader), [])
    except UNREADABLE as error:
        return None, [_unreadable(error)]


def _unreadable(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    found = str(getattr(error, "problem", None) or (str(error).splitlines() or [type(error).__name__])[0])
    return Problem(_at(mark), re.sub("^(but )?found ", "", found), "YAML, each key once")


def _at(mark: Any) -> str:
    return "the file" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"


def _excess(text: str) -> Iterator[Problem]:
    """Yield the first bound that is exceeded, where it is."""
    if len(text) > LONGEST:
        yield Problem("the file", f"{len(text):,} characters", f"at most {LONGEST:,}")
        return
    counted = _Counted()
    for event in yaml.parse(text, Loader=_Loader):
        counted.add(event)
        if counted.problem is not None:
            yield Problem(_at(event.start_mark), *counted.problem)
            return


class _Counted:
    """The values of a text so far, those that an alias repeats counted again."""

    def __init__(self) -> None:
        self.values = 0
        self.open: list[tuple[str | None, int]] = []  # anchor, and the values before it
        self.anchored: dict[str, int] = {}
        self.problem: tuple[str, str] | None = None

    def add(self, event: yaml.Event) -> None:
        """Count one event."""
        if isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor))
        elif isinstance(event, yaml.NodeEvent):
            self.open.append((event.anchor, self.values))
            self.values += 1
        if isinstance(event, (yaml.ScalarEvent, *CLOSES)):
            anchor, before = self.open.pop()
            self.anchored |= {anchor: self.values - before} if anchor else {}
        if len(self.open) > DEEPEST:
            self.problem = f"values within {DEEPEST} others", f"at most {DEEPEST - 1}"
        if self.values > MOST_VALUES:
            self.problem = f"more than {MOST_VALUES:,} values, aliases counted as often as they are used", "fewer"

    def _alias(self, anchor: str) -> None:
        if anchor in {name for name, _ in self.open}:
            self.problem = f"*{anchor} within itself", "an alias of what has ended"
        self.values += self.anchored.get(anchor, 1)
