"""Whether a Delta table is sound: its place, and every commit of its log since the last checkpoint.

Engines take a commit of 0 bytes, as a power cut leaves it, for an empty one, and delta-rs a table without its first
commit for a whole one: the rows of the others are then all there are. What is not sound is exit 2 and not 3, as no
retry mends it. Of logs in other file systems, which replace objects atomically, the engines say what they find.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from jobs.errors import ConfigurationError, ContractError, Problem
from jobs.storage.address import Address

COMMIT: Final = re.compile(r"(\d{20})\.json")
CHECKPOINT: Final = re.compile(r"(\d{20})\.checkpoint\b.*\.(?:parquet|json)")
MAGIC: Final = b"PAR1"
READER, WRITER = 3, 7  # the newest protocol that there is
Action = dict[str, Any]


def check(where: Address, *, ours: bool = True) -> None:
    """Check a table, where it is in the local file system and there is one; others than `ours` are not for us to mend.

    Raises:
        ConfigurationError: A file is where a folder has to be (exit 2).
        ContractError: The log is damaged; the message names the version and what mends it (exit 2).
    """
    if where.local is None:
        return
    folder = Path(where.local)
    check_folder(folder / "_delta_log")
    log = _Log.listed(folder, ours)
    if log is not None:
        log.check()


def check_folder(folder: Path) -> None:
    """Raise ConfigurationError (exit 2) where a folder cannot be, as it or one above it is a file."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        problem = Problem(str(there), "a file", "a folder, or nothing yet; move the file, or change tables.path")
        raise ConfigurationError("the tables cannot be there", [problem])


def check_writable(root: Path) -> None:
    """Raise ConfigurationError (exit 2) where the folder of all tables cannot be written, or not be made."""
    check_folder(root)
    there = next(path for path in (root, *root.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        problem = Problem(
            "tables.path", f"{str(there)!r}, which cannot be written", "a folder that this user may write"
        )
        raise ConfigurationError("the tables cannot be written", [problem])


def clear_log(where: Address) -> bool:
    """Remove a log without a commit, as a kill in the first one leaves it: Apache Spark makes no table around it."""
    log = None if where.local is None else Path(where.local) / "_delta_log"
    # A file that is still being written has a name that begins with a dot.
    if log is None or not log.is_dir() or not all(file.name.startswith(".") for file in log.iterdir()):
        return False
    shutil.rmtree(log)
    return True


def has_other_files(where: Address) -> bool:
    """Whether a local folder holds files that are no log of a table."""
    folder = None if where.local is None else Path(where.local)
    return (
        folder is not None
        and folder.is_dir()
        and any(not file.name.startswith((".", "_")) for file in folder.iterdir())
    )


@dataclass(frozen=True)
class _Log:
    """The log of a table: its commits and checkpoints by version."""

    folder: Path
    commits: dict[int, Path]
    checkpoints: dict[int, Path]
    ours: bool

    @classmethod
    def listed(cls, folder: Path, ours: bool) -> _Log | None:
        """The log in a folder, or None where there is no commit yet."""
        log = folder / "_delta_log"
        files = list(log.iterdir()) if log.is_dir() else []
        commits = {int(found[1]): file for file in files if (found := COMMIT.fullmatch(file.name))}
        checkpoints = {int(found[1]): file for file in files if (found := CHECKPOINT.fullmatch(file.name))}
        return cls(folder, commits, checkpoints, ours) if commits or checkpoints else None

    def check(self) -> None:
        """Check that from the last checkpoint on every commit is there, whole, and its files with it."""
        begin = max(self.checkpoints, default=-1)
        if begin in self.checkpoints and not _is_whole(self.checkpoints[begin]):
            mend = f"remove {self.checkpoints[begin]} and the file _last_checkpoint beside it: the commits repeat it"
            raise self._damaged(begin, "a checkpoint that is no whole Parquet file", f"one; {mend}")
        files: dict[str, tuple[int, int]] = {}
        for version in range(begin + 1, max(self.commits, default=begin) + 1):
            for action in self._actions(version):
                self._check_protocol(version, action)
                if "add" in action:
                    files[action["add"]["path"]] = (version, action["add"]["size"])
                files.pop(action.get("remove", {}).get("path"), None)
        for path, (version, size) in files.items():
            self._check_file(path, version, size)

    def _actions(self, version: int) -> Iterator[Action]:
        file = self.commits.get(version)
        if file is None:
            raise self._damaged(version, f"no commit {version:020}.json", self._expected(version, missing=True))
        lines = [line for line in file.read_bytes().splitlines() if line.strip()]
        if not lines:
            raise self._damaged(version, f"a commit of {file.stat().st_size} bytes", self._expected(version))
        for number, line in enumerate(lines, 1):
            try:
                action = json.loads(line)
            except ValueError:
                action = None
            if not isinstance(action, dict):
                raise self._damaged(version, f"no JSON in line {number} of its commit", self._expected(version))
            yield action

    def _check_protocol(self, version: int, action: Action) -> None:
        protocol = action.get("protocol", {})
        reader, writer = protocol.get("minReaderVersion", 1), protocol.get("minWriterVersion", 1)
        if reader > READER or writer > WRITER:
            found = f"a protocol of reader version {reader} and writer version {writer}"
            expected = f"at most {READER} and {WRITER}; use the release that wrote it, or write the table anew"
            raise self._damaged(version, found, expected)

    def _check_file(self, path: str, version: int, size: int) -> None:
        """Check a file of rows: a power cut may leave a whole commit about one that never reached the disk."""
        if urlsplit(path).scheme or path.startswith("/"):
            return
        file = self.folder / unquote(path)
        found = file.stat().st_size if file.exists() else None
        if found != size:
            told = "is not there" if found is None else f"has {found} bytes"
            raise self._damaged(version, f"a file that {told}: {file}", f"{size} bytes; {self._mend(version)}")

    def _expected(self, version: int, *, missing: bool = False) -> str:
        return f"a line of JSON for each action; {self._mend(version, missing=missing)}"

    def _mend(self, version: int, *, missing: bool = False) -> str:
        """What mends a version: the last one of ours may go, as its run is run again."""
        if not self.ours:
            return "restore it from a backup, or let its writer write anew what it held"
        log, name, last = self.folder / "_delta_log", f"{version:020}", max(self.commits, default=version)
        if version == last:
            return f"it is the last one: remove {name}.* and .{name}.* in {log}, and run the day again"
        first = version if not missing else version + 1
        return (
            f"restore it from a backup; or remove all files of the versions {first} to {last} in {log}, "
            "and run the days of these versions again"
        )

    def _damaged(self, version: int, found: str, expected: str) -> ContractError:
        place = f"{self.folder.name} ({self.folder}), version {version}"
        return ContractError("the log of a table is damaged; nothing was changed", [Problem(place, found, expected)])


def _is_whole(checkpoint: Path) -> bool:
    if checkpoint.suffix == ".json":
        return True
    with checkpoint.open("rb") as opened:
        head = opened.read(4)
        opened.seek(max(checkpoint.stat().st_size - 4, 0))
        return head == MAGIC == opened.read(4)
