"""What Apache Spark has made of a query, looked at before it runs: the last word on what it would do."""

from __future__ import annotations

import re
from typing import Any, Final

from pyspark.sql import DataFrame

from jobs.engines.identity import engine_of, is_classic
from jobs.errors import ConfigurationError, Problem

CLASS: Final = re.compile(r'"class":"([\w.$]+)"')
READING: Final = (
    "org.apache.spark.sql.catalyst.",
    "org.apache.spark.sql.execution.datasources.",
    "org.apache.spark.sql.delta.",
    "io.delta.",
)
# They run a program, or a method of Java.
PROGRAMS: Final = ("ScriptTransformation", "CallMethodViaReflection", "TryReflect")
# The same in the text of a plan, the only form in which Spark Connect shows one. Of a literal with these words a query
# is refused, too.
CALLS: Final = re.compile(r"\b(ScriptTransformation\b|(?:reflect|try_reflect|java_method)(?=\())", re.IGNORECASE)


def check(frame: DataFrame) -> None:
    """Raise a ConfigurationError (exit 2) where the plan of a query does more than read and compute.

    The embedded engine has no functions of Java and runs no scripts, and shows its plans as text only.
    """
    if engine_of(frame.sparkSession) == "sail":
        frame.schema  # noqa: B018 - it is analysed when it is asked for its columns
        return
    beyond = _beyond(frame) if is_classic(frame.sparkSession) else _beyond_by_text(frame)
    if beyond:
        problem = Problem("the query", ", ".join(sorted(beyond)), "what reads and computes")
        raise ConfigurationError("only queries are answered", [problem])


def _beyond(frame: DataFrame) -> set[str]:
    java: Any = frame._jdf  # type: ignore[operator, unused-ignore]
    found = set(CLASS.findall(java.queryExecution().analyzed().toJSON()))
    beyond = {name.rsplit(".", 1)[-1] for name in found if not name.startswith(READING)}
    return beyond | {short for name in found if (short := name.rsplit(".", 1)[-1]) in PROGRAMS}


def _beyond_by_text(frame: DataFrame) -> set[str]:
    remote: Any = frame
    return set(CALLS.findall(remote._explain_string(mode="extended")))
