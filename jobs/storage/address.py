"""Where the tables of an evaluation are: under a path, or in a catalog."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from jobs import paths
from jobs.engines.quoting import quoted
from jobs.errors import ConfigurationError, Problem
from jobs.settings import Evaluation

PLAIN: Final = re.compile(r"[A-Za-z0-9/!$&'()+,\-.:;=@_]*")


@dataclass(frozen=True)
class Address:
    """Where a table is: a path, or a name in a catalog."""

    path: str | None = None
    name: str | None = None

    @property
    def identifier(self) -> str:
        """The table in SQL, quoted."""
        if self.path is not None:
            return "delta." + quoted(self.path)
        return ".".join(quoted(part) for part in str(self.name).split("."))

    @property
    def local(self) -> str | None:
        """Its folder in the local file system, or None where it is elsewhere."""
        return None if self.path is None else paths.local_path(self.path)

    def __str__(self) -> str:
        """Return the path, or the name."""
        return str(self.path or self.name)


def address(settings: Evaluation, table: str, engine: str) -> Address:
    """Where a table of the evaluation is."""
    where = settings.tables
    if where.path is not None:
        local = paths.local_path(where.path)
        root = where.path.rstrip("/") if local is None else os.path.abspath(local)
        check_spelling("tables.path", root, engine)
        return Address(path=f"{root}/{settings.evaluation}/{table}")
    if engine != "spark":
        problem = Problem("tables", "a catalog", "a path: the embedded engine has no lasting catalog")
        raise ConfigurationError("the tables cannot be reached from this engine", [problem])
    return Address(name=f"{where.catalog}.{where.schema_name}.{settings.evaluation}_{table}")


def check_spelling(place: str, path: str, engine: str) -> None:
    """Raise ConfigurationError (exit 2) for a path at which the embedded engine does not find a Delta table again."""
    if engine == "sail" and not PLAIN.fullmatch(path):
        expected = "a path of ASCII letters, digits and /._-=+,:;@ only; choose another folder, or --engine spark"
        raise ConfigurationError("the embedded engine cannot read this path", [Problem(place, repr(path), expected)])
