"""Files as they were when a source was pinned."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs import paths


@dataclass(frozen=True)
class File:
    """One file as it was when it was pinned. Size and time are known for local files only."""

    path: str
    size: int | None
    modified: int | None


def described(format_: str, path: str, files: Sequence[File]) -> dict[str, Any]:
    """What is noted of the files of a source in `runs`."""
    digest = fingerprint(files)
    sizes = [file.size for file in files if file.size is not None]
    # Of files elsewhere only the names are known, and not what they held.
    known = {"bytes": sum(sizes), "fingerprint": digest} if len(sizes) == len(files) else {"names": digest}
    return {"format": format_, "path": path, "files": len(files), **known}


def fingerprint(files: Sequence[File]) -> str:
    """SHA-256 of the paths, sizes and times of files."""
    return hashlib.sha256(repr([(f.path, f.size, f.modified) for f in files]).encode()).hexdigest()


def stat(path: str) -> File:
    """A file as it is now."""
    local = paths.local_path(path)
    if local is None or not os.path.exists(local):
        return File(path, None, None)
    status = os.stat(local)
    return File(path, status.st_size, status.st_mtime_ns)
