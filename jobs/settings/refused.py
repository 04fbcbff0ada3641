"""What is well-formed in a configuration and refused all the same: secrets, and what is not computed yet."""

import re
from collections.abc import Callable, Iterator, Mapping

from jobs.errors import Problem, described
from jobs.settings.checks import SOURCES, found
from jobs.settings.errors import dotted

SECRET = re.compile(r"secret|passw|token|credential|key", re.IGNORECASE)
NO_SECRET = "no secret here: give it to the engine, e.g. in conf/spark-defaults.conf, and refer to it from there"

# Place, what is refused there, what to write. An issue that computes one of these deletes its line.
NOT_SUPPORTED: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("tasks.*.label", lambda label: isinstance(label, Mapping), "the name of a label"),
    ("labels.*.columns.ingested", lambda column: column is not None, "null"),
    ("gates", lambda gates: isinstance(gates, list | tuple) and len(gates) > 0, "an empty list"),
    ("ages", lambda ages: isinstance(ages, list | tuple) and len(ages) > 1, "one age"),
)


def refusals(config: object) -> list[Problem]:
    """Return a problem per secret, and per feature that is not supported yet."""
    return [*_secrets(config), *_not_supported(config)]


def _secrets(config: object) -> Iterator[Problem]:
    for source in SOURCES:
        for place, _ in found(config, f"{source}.options.*"):
            if SECRET.search(str(place[-1])):
                yield Problem(dotted(place), "an option that looks like a secret", NO_SECRET)


def _not_supported(config: object) -> Iterator[Problem]:
    for pattern, refused, expected in NOT_SUPPORTED:
        for place, value in found(config, pattern):
            if refused(value):
                yield Problem(dotted(place), f"{described(value)}, which is not supported yet", expected)
