"""A local Delta table as it was at a version, as a table of its own: its log up to there, and links to its files."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from jobs import paths
from jobs.audit.inputs import Found, GoneError
from jobs.settings import Evaluation, parse
from jobs.storage import lake

LOG: Final = "_delta_log"
ENTRY: Final = re.compile(r"(\d{20})\.(json|checkpoint.*)")


def pinned(session: SparkSession, settings: Evaluation, found: Mapping[str, Found], folder: Path) -> Evaluation:
    """The configuration with every Delta source that has newer versions as it was when it was read.

    Args:
        session: Of the engine.
        settings: What the run was configured with.
        found: Its sources.
        folder: Where the tables go.

    Raises:
        GoneError: A version cannot be had here any more (exit 4).
    """
    document: dict[str, Any] = settings.document()
    for name, source in found.items():
        if source.version is None or source.wanted.source.path is None:
            continue
        path = source.wanted.source.path
        if lake.version(session, path) != source.version:
            where = folder / name
            _copied(name, path, source.version, where)
            _section(document, name)["source"]["path"] = str(where)
    return parse(document)


def _section(document: dict[str, Any], name: str) -> dict[str, Any]:
    log = name.removeprefix("labels.")
    section: dict[str, Any] = document["impressions"] if name == "impressions" else document["labels"][log]
    return section


def _copied(name: str, path: str, version: int, into: Path) -> None:
    local = paths.local_path(path)
    if local is None:
        raise GoneError(f"{name}: version {version} of {path} is not the newest, and is not on this machine")
    log = Path(local) / LOG
    (into / LOG).mkdir(parents=True)
    for file in sorted(log.iterdir()):
        entry = ENTRY.fullmatch(file.name)
        if entry is not None and int(entry[1]) <= version:
            shutil.copy2(file, into / LOG / file.name)
    for file in (file for file in Path(local).rglob("*") if file.is_file() and LOG not in file.parts):
        target = into / file.relative_to(local)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(file.resolve(), target)
