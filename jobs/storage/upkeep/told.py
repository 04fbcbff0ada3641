"""What upkeep of a table did, or would do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Files:
    """How many files, and their bytes."""

    count: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Upkeep:
    """What was done to a table.

    Attributes:
        compacted: Files of closed days that were put together.
        into: The files that they became; of a dry run how many at least, of unknown bytes.
        deleted: Files that no version of the table within the retention needs.
        forgotten: Rows of days that are no longer kept.
        log_files: Files of the log that went, beyond those that came; None where its writer sees to that alone.
    """

    compacted: Files = Files()
    into: Files = Files()
    deleted: Files = Files()
    forgotten: int = 0
    log_files: int | None = None
