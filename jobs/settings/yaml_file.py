"""A YAML file and its overrides, read safely and resolved to plain values."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from jobs.errors import ConfigurationError, Problem, nearest_match
from jobs.settings.errors import dotted

# What OmegaConf lets through of its own checks, of Python's conversions and of the file system.
UNREADABLE = (yaml.YAMLError, OmegaConfBaseException, OSError, TypeError, ValueError, LookupError, RecursionError)


def read(path: str | Path, overrides: Sequence[str] = ()) -> object:
    """Return the file's plain values, environment variables and overrides filled in."""
    config = _loaded(Path(path))
    problems = [problem for override in overrides for problem in _overridden(config, override)]
    plain = _resolved(config, problems)
    if problems:
        raise ConfigurationError(f"{path} cannot be read", problems)
    return plain


def _loaded(path: Path) -> DictConfig | ListConfig:
    if not path.is_file():
        beside = [str(each) for each in path.parent.glob("*.y*ml")]
        problem = Problem(str(path), "no such file", "a YAML file", nearest_match(str(path), beside))
        raise ConfigurationError(f"{path} cannot be read", [problem])
    try:
        return OmegaConf.load(path)
    except UNREADABLE as error:
        raise ConfigurationError(f"{path} cannot be read", [_unreadable(error)]) from error


def _unreadable(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = "the file" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"
    found = str(getattr(error, "problem", None) or _first_line(error))
    return Problem(place, found.removeprefix("found "), "YAML, each key once")


def _overridden(config: DictConfig | ListConfig, override: str) -> Iterator[Problem]:
    """Apply one override `place=value`, whose value is YAML; mappings are merged, all else is replaced."""
    place, assigned, text = override.partition("=")
    if not (place and assigned):
        yield Problem(f"override {override!r}", "no assignment", "place=value, such as limits.min_rows=0")
        return
    try:
        OmegaConf.update(config, place, _yaml_value(text), force_add=True)
    except UNREADABLE as error:
        yield Problem(f"override {override!r}", _first_line(error), "a place that can be set, and a YAML value")


def _yaml_value(text: str) -> object:
    plain = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]), resolve=False)
    return plain["value"] if isinstance(plain, dict) else None


def _resolved(config: DictConfig | ListConfig, problems: list[Problem]) -> object:
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except UNREADABLE as error:
        plain = None
        problems += list(_unresolved(config, ())) or [_unreadable(error)]
    return plain


def _unresolved(node: Any, place: tuple[object, ...]) -> Iterator[Problem]:
    keys: Iterable[Any] = node if isinstance(node, DictConfig) else range(len(node))
    for key in keys:
        here = (*place, key)
        try:
            child = node[key]
        except UNREADABLE as error:
            yield Problem(dotted(here), _first_line(error), "a value that can be resolved")
            continue
        # An interpolation is looked at where it is declared, and may point at what contains it.
        if isinstance(child, DictConfig | ListConfig) and not OmegaConf.is_interpolation(node, key):
            yield from _unresolved(child, here)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
