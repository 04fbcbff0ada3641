"""Where a configuration may point: under the roots that are set where it is read, or anywhere where none are.

They are no part of the configuration, as whoever writes that is not always whoever runs it.
"""

import os
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from jobs import paths
from jobs.errors import Problem, described
from jobs.settings.errors import Location, dotted
from jobs.settings.evaluation import Evaluation
from jobs.settings.relations import sources

ROOTS: Final = "LOSSLEDGER_ROOTS"


def root_problems(settings: Evaluation) -> Iterator[Problem]:
    """Yield a problem per path of a configuration that is under none of the roots.

    The environment variable `LOSSLEDGER_ROOTS` holds folders or addresses, separated by spaces; where it is set and
    empty there is none. Links of the file system are followed, but for those within a folder that is read.
    """
    given = os.environ.get(ROOTS)
    if given is None:
        return
    roots = given.split()
    for place, path in _paths(settings):
        if not any(is_under(path, root) for root in roots):
            expected = f"a path under one of {', '.join(roots)}" if roots else "none, as there is no root"
            yield Problem(dotted(place), described(path), f"{expected} ({ROOTS})")


def is_under(path: str, root: str) -> bool:
    """Whether a path, as it is written or a pattern, can lead nowhere but below a root.

    >>> is_under("s3a://logs/clicks/*", "s3a://logs"), is_under("s3a://logs-of-others/clicks", "s3a://logs")
    (True, False)
    >>> is_under("/data/{a,../../etc}", "/data"), is_under("/data/../etc", "/data")
    (False, False)
    """
    plain = _before_pattern(path)
    if ".." in path[len(plain) :] or (paths.local_path(plain) is None and ".." in unquote(path).split("/")):
        return False
    server, top = next(_resolved(root))
    return all(
        where == server and (inside == top or inside.startswith(top.rstrip("/") + "/"))
        for where, inside in _resolved(plain)
    )


def _before_pattern(path: str) -> str:
    while paths.is_pattern(path):
        path = os.path.dirname(path)
    return path


def _resolved(plain: str) -> Iterator[tuple[str, str]]:
    """The file system and the path in it; of a local one as the system reads `..` behind a link, and as text."""
    local = paths.local_path(plain)
    if local is not None:
        yield from (("", os.path.realpath(each)) for each in (local, os.path.abspath(local)))
        return
    parts = urlsplit(plain)
    yield f"{parts.scheme}://{parts.netloc}", parts.path  # in a store of objects a//b is not a/b


def _paths(settings: Evaluation) -> Iterator[tuple[Location, str]]:
    """All that a configuration names to be read or written, and where it stands."""
    found = [((*place, "path"), source.path) for place, source in sources(settings)]
    for place, path in (*found, (("tables", "path"), settings.tables.path), (("alerts", "file"), settings.alerts.file)):
        if path is not None:
            yield place, path
