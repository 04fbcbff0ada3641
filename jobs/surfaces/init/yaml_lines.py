"""A configuration as YAML that people read: short mappings on one line, a remark beside what needs one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

WIDTH: Final = 100


def lines(document: Mapping[str, Any], remarks: Mapping[str, str], place: str = "", indent: int = 0) -> Iterator[str]:
    """The lines of a mapping; `remarks` are by the dotted place of what they are about.

    >>> print(*lines({"day": {"timezone": "UTC"}, "dimensions": ["os"]}, {"day.timezone": "a guess"}), sep=chr(10))
    day:
      timezone: UTC # a guess
    dimensions: [os]
    """
    for key, value in document.items():
        here = f"{place}.{key}" if place else str(key)
        head = f"{' ' * indent}{_flow(key)}:"
        remark = f" # {remarks[here]}" if here in remarks else ""
        inside = any(known.startswith(f"{here}.") for known in remarks)
        if isinstance(value, Mapping) and value and (inside or len(_flow(value)) > WIDTH):
            yield head + remark
            yield from lines(value, remarks, here, indent + 2)
        else:
            yield f"{head} {_flow(value)}{remark}"


def _flow(value: object) -> str:
    text = yaml.safe_dump(_plain(value), default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _plain(value: object) -> object:
    """A value in which no text stands for another one."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.replace("${", "\\${") if isinstance(value, str) else value
