"""Columns that several of our tables have."""

from __future__ import annotations

from jobs.storage.schema import Column

PAIR = (
    Column("task", "string", "Task: what is predicted", False),
    Column("model", "string", "Model whose scores were evaluated", False),
)
AS_OF = Column("as_of", "timestamp", "Moment up to which labels were known, UTC, never after the run began", False)
PROVISIONAL = Column(
    "provisional",
    "boolean",
    "Whether the run began before the age was reached or a source was whole, as it was told to; NULL: it was not",
)
RUN = (AS_OF, Column("run_id", "string", "Run that wrote the row, see runs", False), PROVISIONAL)
SHARD = Column("shard", "int", "Hash class of the unit (user), 0 to shards.count - 1", False)
SLICE = Column("slice", "string", "Dimension values that are fixed, e.g. country=DE,device=ios; '' is the total", False)
