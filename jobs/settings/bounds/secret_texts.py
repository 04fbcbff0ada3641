"""Texts of a configuration that hold a secret, wherever they stand: a configuration is recorded in `runs`."""

from collections.abc import Iterator, Mapping

from jobs.errors import Problem
from jobs.safe_text import NO_SECRET, holds_secret
from jobs.settings.errors import Location, dotted


def secret_problems(node: object, place: Location = ()) -> Iterator[Problem]:
    """Yield a problem per text, or name of a key, that is an address with a password or a token in it.

    >>> print(*secret_problems({"tables": {"path": "s3a://ann:pw@tables"}}))  # doctest: +ELLIPSIS
    tables.path: found an address with a password or a token, expected no secret here: ...
    """
    if isinstance(node, Mapping):
        for key, child in node.items():
            yield from secret_problems(key, (*place, "a key"))
            yield from secret_problems(child, (*place, key))
    elif isinstance(node, list):
        for rank, child in enumerate(node):
            yield from secret_problems(child, (*place, rank))
    elif isinstance(node, str) and holds_secret(node):
        yield Problem(dotted(place), "an address with a password or a token", NO_SECRET)
