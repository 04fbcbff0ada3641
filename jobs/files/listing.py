"""The files of a folder on this machine, by one rule for both engines: each has its own for hidden ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from jobs import paths

# What only an engine can tell: patterns with braces, and times of files.
OF_ENGINES = ("modifiedafter", "modifiedbefore")


def files(path: str, options: Mapping[str, object]) -> list[str] | None:
    """The files at a local path, sorted; None where the engine has to list them."""
    local = paths.local_path(path)
    given = {name.lower(): value for name, value in options.items()}
    pattern = str(given.get("pathglobfilter", "*"))
    if local is None or paths.is_pattern(local) or "{" in pattern or not given.keys().isdisjoint(OF_ENGINES):
        return None
    root = os.path.abspath(local)
    if not os.path.isdir(root):
        return [root]
    recursive = is_recursive(options)
    return sorted(file for file in _walked(root, recursive) if fnmatchcase(os.path.basename(file), pattern))


def passed_over(path: str, options: Mapping[str, object]) -> list[str]:
    """The plain folders at a local path whose files are not read, as they name no partition."""
    local = paths.local_path(path)
    if local is None or paths.is_pattern(local) or is_recursive(options) or not os.path.isdir(local):
        return []
    plain = (entry.path for entry in os.scandir(local) if entry.is_dir() and "=" not in entry.name)
    return sorted(folder for folder in plain if not is_hidden(os.path.basename(folder)) and _has_files(folder))


def _has_files(folder: str) -> bool:
    return next(_walked(folder, recursive=True), None) is not None


def is_recursive(options: Mapping[str, object]) -> bool:
    """Whether plain folders inside a source are read too."""
    given = {name.lower(): str(value).lower() for name, value in options.items()}
    return given.get("recursivefilelookup") == "true"


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none of a source's: markers, checksums, and what is being written."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")


def _walked(root: str, recursive: bool) -> Iterator[str]:
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = [name for name in inner if not is_hidden(name) and (recursive or "=" in name)]
        yield from (os.path.join(folder, name) for name in names if not is_hidden(name))
