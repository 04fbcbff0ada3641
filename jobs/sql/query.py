"""SQL over an evaluation: its tables and the views of `conf/sql/` by their short names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.settings import Evaluation

if TYPE_CHECKING:
    from jobs.sql.sessions import Session


def answered(session: Session, settings: Evaluation, sql: str) -> pa.Table:
    """The answer to a query over the tables and views. What is no query, or could do more than read them, is refused.

    Args:
        session: Of DuckDB, Apache Spark or Sail, as `jobs.sql.sessions.opened` gives it.
        settings: The evaluation.
        sql: One statement in Spark's SQL: a query, DESCRIBE of a table or view, SHOW TABLES, VIEWS or FUNCTIONS.

    Raises:
        ContractError: A table that it names does not exist yet (exit 2).
        ConfigurationError: It is no query, no valid one, or names what is not there (exit 2).
        RuntimeFailure: The engine could not answer it (exit 3).
    """
    from jobs.sql import asking  # noqa: PLC0415 - a cluster's driver evaluates a day without the parser and DuckDB

    return asking.answer(session, settings, asking.one(settings, sql))
