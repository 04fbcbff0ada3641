"""What stands for other values in a configuration: `${oc.env:NAME,default}`, `${oc.decode:text}`, `${section.key}`.

Every value is resolved once, and what a reference repeats is counted before it is: ten references to ten references,
and so on, end at the first that is too much.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from jobs.errors import Problem, described
from jobs.safe_text import NO_SECRET, SECRET_VARIABLE
from jobs.settings.errors import dotted
from jobs.settings.yaml_text import plain

LARGEST = 50_000
CHARACTERS = 100  # of a text count as much as one value
MOST_WITHIN = 80
MISSING = "???"
TOKENS = re.compile(r"(\\?\$\{|\})")
STEPS = re.compile(r"[^.\[\]]+")
KNOWN = "${oc.env:NAME}, ${oc.env:NAME,default}, ${oc.decode:text} or ${section.key}"

Place = tuple[Any, ...]
_TOP: Place = ()


class _UnresolvedError(Exception):
    """What was found in place of something that can be resolved, and what was expected."""


class _ExcessError(Exception):
    """The problem that ends it all."""


def resolved(document: object) -> tuple[object, list[Problem]]:
    """Return a document with its interpolations resolved, and what could not be.

    >>> resolved({"a": "x", "b": ["${a}${a}", "${oc.env:NO_SUCH_NAME,null}"]})
    ({'a': 'x', 'b': ['xx', None]}, [])
    """
    resolution = _Resolution(document)
    try:
        return resolution.at(_TOP, document), resolution.problems
    except _ExcessError as excess:
        return None, [excess.args[0]]


class _Resolution:
    """The values that are resolved so far, and what their references have repeated."""

    def __init__(self, document: object) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.repeated = 0
        self.known: dict[Place, object] = {}
        self.open: list[Place] = []

    def at(self, place: Place, node: object) -> object:
        """Return the value of a node of the document."""
        if place not in self.known:
            self.open.append(place)
            if len(self.open) > MOST_WITHIN:
                raise _ExcessError(Problem(dotted(place), f"more than {MOST_WITHIN} references in a row", "fewer"))
            self.known[place] = self._value(place, node)
            self.open.pop()
        return self.known[place]

    def _value(self, place: Place, node: object) -> object:
        if isinstance(node, Mapping):
            return {key: self.at((*place, key), value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.at((*place, rank), value) for rank, value in enumerate(node)]
        try:
            if node == MISSING:
                raise _UnresolvedError(repr(MISSING), "a value in its place")
            return self._text(place, node) if isinstance(node, str) and "${" in node else node
        except _UnresolvedError as unresolved:
            self.problems.append(Problem(dotted(place), *unresolved.args))
            return None

    def _text(self, place: Place, text: str) -> object:
        """The parts of a text, the innermost interpolations first."""
        parts: list[list[object]] = [[]]
        for token in filter(None, TOKENS.split(text)):
            if token == "${":
                parts.append([])
            elif token == "}" and len(parts) > 1:
                body = str(_joined(parts.pop())).strip()
                parts[-1].append(self._counted(place, self._meant(place, body)))
            else:
                parts[-1].append(token.removeprefix("\\") if token == "\\${" else token)
        if len(parts) > 1:
            raise _UnresolvedError("${ without its }", KNOWN)
        return _joined(parts[0])

    def _counted(self, place: Place, value: object) -> object:
        self.repeated += _size(value)
        if self.repeated > LARGEST:
            found = f"interpolations that make more than {LARGEST:,} values of {CHARACTERS} characters"
            raise _ExcessError(Problem(dotted(place), found, "fewer, or shorter ones"))
        return value

    def _meant(self, place: Place, body: str) -> object:
        kind, resolver, argument = body.partition(":")
        if not resolver:
            return self._referred(place, body)
        if kind == "oc.env":
            return _environment(argument)
        if kind != "oc.decode":
            raise _UnresolvedError(described("${" + body + "}"), KNOWN)
        value, problems = plain(argument)
        if problems:
            raise _UnresolvedError(f"{described(argument)}, {problems[0].found}", "YAML")
        return value

    def _referred(self, place: Place, path: str) -> object:
        dots = len(path) - len(path.lstrip("."))
        node, where = self.document, _TOP
        for step in (*map(str, place[: len(place) - dots] if dots else ()), *STEPS.findall(path)):
            children = dict(enumerate(node)) if isinstance(node, list) else node
            named = {str(key): key for key in children} if isinstance(children, Mapping) else {}
            if step not in named:
                raise _UnresolvedError(described("${" + path + "}"), f"a key that is there; or {KNOWN}")
            where = (*where, named[step])
            node = children[named[step]]  # type: ignore[index]
        if where in self.open:
            raise _UnresolvedError(described("${" + path + "}"), "a value that does not contain this one")
        return self.at(where, node)


def _environment(argument: str) -> str | None:
    name, comma, default = (part.strip() for part in argument.partition(","))
    if SECRET_VARIABLE.search(name):
        # What is filled in here is recorded in `runs`, and told where it is wrong.
        raise _UnresolvedError(f"a variable that looks like a secret, {described(name)}", NO_SECRET)
    if not comma and name not in os.environ:
        raise _UnresolvedError(f"no environment variable {described(name)}", "it, or ${oc.env:NAME,default}")
    quoted = re.fullmatch(r"(['\"])(.*)\1", default)
    return os.environ.get(name, None if default == "null" else quoted[2] if quoted else default)


def _joined(parts: list[object]) -> object:
    """One part as it is, several as text."""
    if len(parts) == 1:
        return parts[0]
    for part in parts:
        if isinstance(part, Mapping | list):
            raise _UnresolvedError(f"{described(part)} within a text", "text or a number")
    return "".join(map(str, parts))


def _size(value: object) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1 + len(value) // CHARACTERS if isinstance(value, str) else 1
