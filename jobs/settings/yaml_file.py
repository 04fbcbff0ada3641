"""A YAML file and its overrides, resolved to plain values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs import calling
from jobs.errors import ConfigurationError, Problem, nearest_match
from jobs.settings.interpolation import STEPS, resolved
from jobs.settings.yaml_text import DEEPEST, LONGEST, plain

LOGS = (".csv", ".tsv", ".parquet", ".gz", ".jsonl")


def read(path: str | Path, overrides: Sequence[str] = ()) -> object:
    """Return the file's plain values, environment variables and overrides filled in."""
    document, problems = plain(_text(Path(path)))
    for override in () if problems else overrides:
        document, wrong = _overridden(document, override)
        problems += wrong
    document, unresolved = (None, []) if problems else resolved(document)
    if problems or unresolved:
        raise ConfigurationError(f"{path} cannot be read", [*problems, *unresolved])
    # An empty file is a mapping without keys, of which the model tells what is missing.
    return {} if document is None else document


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.name.lower().endswith(LOGS):
            raise ConfigurationError(f"{path} cannot be read", [_no_configuration(path)])
        with path.open("rb") as file:
            text = file.read(4 * LONGEST + 1).decode("utf-8-sig")
        if _has_rows(text):
            raise ConfigurationError(f"{path} cannot be read", [_no_configuration(path)])
        return text
    except (OSError, ValueError) as error:
        problem = Problem(str(path), str(error), "a YAML file in UTF-8")
        raise ConfigurationError(f"{path} cannot be read", [problem]) from error


def _has_rows(text: str) -> bool:
    """Whether a text is JSON of several rows, or a list of them: one mapping of JSON is YAML as well."""
    first, second, *_ = (*(line for line in text.splitlines() if line.strip()), "", "")
    return first.lstrip().startswith("[") or (first.startswith("{") and second.startswith("{"))


def _no_configuration(path: Path) -> Problem:
    """What is wrong with a path that no configuration is at; a log is taken for one by those who begin."""
    if path.is_file():
        write = calling.lossledger(f"init --from {path}")
        return Problem(str(path), "a log", f"a YAML file that describes it; this writes one: {write}")
    if path.is_dir():
        inside = sorted(map(str, path.glob("*.y*ml")))
        return Problem(str(path), "a folder", "a YAML file", inside[0] if len(inside) == 1 else None)
    near = [str(each) for each in path.parent.glob("*.y*ml")]
    return Problem(str(path), "no such file", "a YAML file", nearest_match(str(path), near))


def _overridden(document: object, override: str) -> tuple[object, list[Problem]]:
    """Apply one override `place=value`, whose value is YAML; mappings are merged, all else is replaced."""
    place, assigned, text = override.partition("=")
    steps = STEPS.findall(place)
    # What is assigned may be a secret, and is not quoted.
    named = f"override {place[:100] + ('=…' if assigned else '')!r}"
    if not (steps and assigned):
        return document, [Problem(named, "no assignment", "place=value, such as limits.min_rows=0")]
    value, problems = plain(text)
    expected = "a place that can be set, and a YAML value"
    if problems or len(steps) > DEEPEST:
        return document, [Problem(named, problems[0].found if problems else f"{len(steps)} keys", expected)]
    try:
        return _with(document, steps, value), []
    except (LookupError, ValueError) as error:
        return document, [Problem(named, str(error), expected)]


def _with(node: object, steps: Sequence[str], value: object) -> object:
    """A node with a value at a place within it; what is a mapping in both is merged."""
    if not steps:
        return _merged(node, value)
    step, *rest = steps
    if isinstance(node, list):
        rank = int(step)
        return [*node[:rank], _with(node[rank], rest, value), *node[rank + 1 :]]
    children: dict[Any, Any] = dict(node) if isinstance(node, Mapping) else {}
    return {**children, step: _with(children.get(step), rest, value)}


def _merged(old: object, new: object) -> object:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
