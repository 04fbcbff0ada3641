"""What Apache Spark has made of a query, looked at before it runs: the last word on what it would do."""

from __future__ import annotations

import re
from typing import Any, Final

from pyspark.sql import DataFrame

from jobs.engines.identity import check_reached, engine_of
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


def check(frame: DataFrame) -> None:
    """Raise a ConfigurationError (exit 2) where the plan of a query does more than read and compute.

    The embedded engine has no functions of Java and runs no scripts, and shows its plans as text only.
    """
    if engine_of(frame.sparkSession) == "sail":
        frame.schema  # noqa: B018 - it is analysed when it is asked for its columns
        return
    check_reached(frame.sparkSession)
    java: Any = frame._jdf  # type: ignore[operator, unused-ignore]
    found = set(CLASS.findall(java.queryExecution().analyzed().toJSON()))
    beyond = {name.rsplit(".", 1)[-1] for name in found if not name.startswith(READING)}
    beyond |= {short for name in found if (short := name.rsplit(".", 1)[-1]) in PROGRAMS}
    if beyond:
        problem = Problem("the query", ", ".join(sorted(beyond)), "what reads and computes")
        raise ConfigurationError("only queries are answered", [problem])
