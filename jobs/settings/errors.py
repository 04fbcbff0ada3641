"""What the model says of a wrong shape, in our words: place, found, expected, nearest match."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from jobs.errors import Problem, described, nearest_match, one_of, shortened

Location = tuple[object, ...]


class WrongValueError(ValueError):
    """A value that is not what was expected, with the nearest match if any; `found` in place of the value itself."""

    def __init__(self, expected: str, *, found: str | None = None, nearest: str | None = None) -> None:
        """Keep what is told."""
        super().__init__(expected)
        self.found, self.nearest = found, nearest


EXPECTED = {
    "missing": "a value, as this key is required",
    "string_type": "text",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "too_short": "at least one entry",
    "string_too_short": "text that is not empty",
}


def dotted(location: Iterable[object]) -> str:
    """Return a place as text.

    >>> dotted(["slices", 2, 0]), dotted(["models", "v1.2", "ctr"]), dotted([])
    ('slices[2][0]', 'models["v1.2"].ctr', 'the top level')
    """
    text = "".join(_step(part) for part in location)
    return text.removeprefix(".") or "the top level"


def _step(part: object) -> str:
    if isinstance(part, str) and re.fullmatch(r"[\w-]+", part):
        return f".{shortened(part)}"
    return f"[{shortened(json.dumps(part)) if isinstance(part, str) else described(part)}]"


def by_place(problems: Iterable[Problem]) -> list[Problem]:
    """Return the first problem of each place, in the natural order of the places."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.place, problem)
    return sorted(first.values(), key=_in_natural_order)


def _in_natural_order(problem: Problem) -> str:
    return re.sub("[0-9]+", lambda digits: digits[0].zfill(9), problem.place)


def shape_problems(error: ValidationError, schema: dict[str, Any]) -> list[Problem]:
    """Return one problem per error of the model whose JSON schema is given."""
    lines = error.errors(include_url=False)
    # Pydantic counts only the valid entries, so "too short" also follows each section of wrong entries.
    return [_problem(line, schema) for line in lines if not (line["type"] == "too_short" and line["input"])]


def _problem(line: ErrorDetails, schema: dict[str, Any]) -> Problem:
    if line["type"] in ("extra_forbidden", "invalid_key"):
        return _unknown_key(line["loc"], schema)
    place, node = _followed(line["loc"], schema)
    value = None if line["type"] == "missing" else line["input"]
    ours = line.get("ctx", {}).get("error")
    if isinstance(ours, WrongValueError):
        return Problem(dotted(place), ours.found or described(value), str(ours), ours.nearest)
    nearest = nearest_match(value, node.get("enum", ())) if isinstance(value, str) else None
    return Problem(dotted(place), described(value), _expected(line), nearest)


def _expected(line: ErrorDetails) -> str:
    said = line["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return EXPECTED.get(line["type"], re.sub("^(greater|less)", r"a number \1", said))


def _unknown_key(location: Location, schema: dict[str, Any]) -> Problem:
    place, node = _followed(location[:-1], schema)
    key, known = location[-1], list(node.get("properties", ()))
    nearest = nearest_match(key, known) if isinstance(key, str) else None
    return Problem(dotted([*place, key]), "an unknown key", one_of(known), nearest)


def _followed(location: Location, schema: dict[str, Any]) -> tuple[list[object], dict[str, Any]]:
    """Follow a location through the schema; the tags of unions are no part of the place."""
    place: list[object] = []
    node = schema
    for part in location:
        if part == "[key]":
            continue
        if "oneOf" in node:
            node = schema["$defs"][part]
            continue
        place.append(part)
        node = _resolved(_below(node, part), schema)
    return place, node


def _below(node: dict[str, Any], part: object) -> dict[str, Any]:
    if isinstance(part, int):
        below = node.get("items")
    else:
        below = node.get("properties", {}).get(part, node.get("additionalProperties"))
    # A schema may also be just `true`: anything.
    return below if isinstance(below, dict) else {}


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    # Of what may be null, the part that is not null comes first.
    node = node["anyOf"][0] if "anyOf" in node else node
    return dict(schema["$defs"][node["$ref"].rpartition("/")[2]]) if "$ref" in node else node
