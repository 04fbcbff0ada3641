"""The functions that a query may call: those that only compute, as Apache Spark groups them."""

from functools import cache

from jobs.engines.pins import conf_file


@cache
def functions() -> frozenset[str]:
    """Their names, in lower case; `conf/functions.txt` has them all."""
    return frozenset(conf_file("functions.txt").read_text(encoding="utf-8").split())
