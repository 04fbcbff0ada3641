"""Paths as users and engines spell them: local or not, patterns, and folders `key=value`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from jobs.errors import nearest_match

PATTERN = frozenset("*?[{")
Partition = tuple[tuple[str, str], ...]
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def is_pattern(path: str) -> bool:
    """Whether engines take a path for a pattern."""
    return not PATTERN.isdisjoint(path)


def local_path(path: str) -> str | None:
    """The path in the local file system, or None for another scheme."""
    parts = urlsplit(path)
    if parts.scheme in ("", "file"):
        return parts.path if parts.scheme else path
    return None


def beside(path: str) -> str | None:
    """What there is under a name most like that of a local path where nothing is, or None.

    >>> beside("jobs/../jbos"), beside("/nowhere/at/all")
    ('jobs/../jobs', None)
    """
    folder, name = os.path.split(path.rstrip("/"))
    try:
        there = os.listdir(folder or ".")
    except OSError:
        return None
    near = nearest_match(name, there)
    return None if near is None else os.path.join(folder, near)


def root_of(path: str) -> str:
    """The folder of a source, absolute, down to where a pattern begins."""
    plain = path.rstrip("/")
    while is_pattern(plain):
        plain = os.path.dirname(plain)
    local = local_path(plain)
    return plain if local is None else os.path.abspath(local)


def respelled(file: str) -> str:
    """A file as the engines list it, in the spelling in which both find it again."""
    # As a URL it is decoded once more by Sail, which then finds nothing where a partition value has a `%`.
    parts = urlsplit(file)
    return unquote(parts.path if parts.scheme == "file" else file)


def folders(root: str, file: str) -> list[str]:
    """The folders between the root of a source and one of its files."""
    base, place = (local_path(path) or urlsplit(path).path for path in (root, file))
    inside = place.removeprefix(base.rstrip("/") + "/")
    return [] if inside == place else inside.split("/")[:-1]


def partition_values(names: Iterable[str]) -> Partition:
    """The keys and values of folders `key=value`."""
    pairs = (name.partition("=") for name in names if "=" in name)
    return tuple((key, unquote(value)) for key, _, value in pairs)
