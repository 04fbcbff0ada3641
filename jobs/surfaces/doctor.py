"""Checks of this machine, each with what was found and the command that mends it."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyspark
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs import paths
from jobs.engines import comet, failures, jars, java
from jobs.engines.identity import served_by
from jobs.engines.pins import check_versions, is_remote, known_engine, pair_of
from jobs.engines.session import engine_versions, session
from jobs.errors import ContractError, LossledgerError
from jobs.files.there import meant, missing
from jobs.inputs import contract
from jobs.safe_text import printable_lines
from jobs.settings import Evaluation, load
from jobs.storage import lake
from jobs.surfaces.absent_metrics import Absent, absent
from jobs.surfaces.first_rows.glimpse import Glimpse, glimpse
from jobs.surfaces.first_rows.plausible import implausible


@dataclass(frozen=True)
class Check:
    """One thing that must be right: what was found, and how to mend it; `brief` where that is long."""

    name: str
    ok: bool
    found: str
    brief: str = ""

    @property
    def document(self) -> dict[str, str | bool]:
        """The check as plain values, with all that was found."""
        return {"name": self.name, "ok": self.ok, "found": self.found}


def report(config: Path | None, engine: str | None, *, as_json: bool, verbose: bool = False) -> int:
    """Print all checks; exit code 0 if every one is right, else 3."""
    checks = list(examined(config, engine and known_engine(engine)))
    if as_json:
        print(json.dumps([check.document for check in checks]))
    else:
        _show(checks, verbose=verbose)
    return 0 if all(check.ok for check in checks) else 3


def examined(config: Path | None, engine: str | None) -> Iterable[Check]:
    """Check the versions, the evaluation if one is given, and the engines, which are the slowest."""
    remote = engine is not None and is_remote(engine)
    yield Check("Python", True, platform.python_version())
    yield _checked("versions", _versions)
    yield _checked("memory", _memory)
    if config is not None:
        yield from _evaluation(config, "spark" if remote else engine)
    if engine is not None and remote:
        yield _checked(f"server {engine} answers", lambda: _server_answers(engine))
        return
    if engine != "sail":
        yield _checked("Java for Spark", lambda: str(java.java_home()))
        yield _checked("Delta's jars", lambda: f"{len(jars.delta_jars())} jars in {jars.delta_jars()[0].parent}")
        yield _checked("accelerator of Spark", _accelerator)
    if engine != "spark":
        yield _checked("engine sail starts", _sail_answers)


def _evaluation(config: Path, engine: str | None) -> Iterable[Check]:
    name = f"configuration {config}"
    try:
        settings = load(config)
    except LossledgerError as error:
        yield Check(name, False, str(error))
        return
    yield Check(name, True, settings.evaluation)
    yield _checked("sources are there", lambda: _sources(settings))
    seen: dict[str, Glimpse] = {}
    yield _checked("files can be read", lambda: _looked(settings, seen))
    yield _checked("columns and their types", lambda: _typed(settings, seen))
    yield _checked("values look like it", lambda: _plausible(settings, seen))
    yield _checked("tables can be written", lambda: _writable(settings, engine))
    yield _without(absent(settings))


def _without(lacking: list[Absent]) -> Check:
    """The metrics that an evaluation goes without, which is no fault."""
    count = len({name for each in lacking for name in each.names})
    brief = f"{count} of other kinds and options; --verbose names them, and what would bring them" if lacking else ""
    return Check("metrics it goes without", True, "\n".join(map(str, lacking)) or "none", brief)


def _checked(name: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name, True, probe())
    except Exception as error:
        # Whatever it is, it is what was looked for, and the other checks go on.
        return Check(name, False, failures.told(error, whole=True))


def _versions() -> str:
    check_versions()
    return ", ".join(f"{name} {version}" for name, version in engine_versions().items() if name != "python")


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{total / 2**30:.0f} GiB"


def _accelerator() -> str:
    """Whether a run would be accelerated, and if not, why: without it, it takes longer."""
    pair = pair_of(pyspark.__version__)
    choice = comet.chosen("auto", pair)
    return choice.reason or f"Comet {pair.comet} in {choice.jars[0].parent}"


def _sail_answers() -> str:
    with session("sail") as opened:
        zone = opened.sql("SELECT current_timezone()").collect()[0][0]
    return f"answers, session time zone {zone}"


def _server_answers(address: str) -> str:
    from jobs.engines.connect import of_workers  # noqa: PLC0415 - loads gRPC

    with session(address) as opened:
        versions = {**served_by(opened), **of_workers(opened)}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _sources(settings: Evaluation) -> str:
    """The places of the sources, none of them missing."""
    wanted = settings.sources
    gone = {name: missing(source) for name, source in wanted.items()}
    told = {name: f"{source.path}{meant(str(source.path))}" for name, source in wanted.items()}
    lacking = [f"{name}: there is nothing at {told[name]}" for name in wanted if gone[name]]
    if lacking:
        raise LossledgerError("\n".join(lacking))
    remarks = {name: " (not tried)" if gone[name] is None else "" for name in wanted}
    return ", ".join(f"{source.path or source.table}{remarks[name]}" for name, source in wanted.items())


def _looked(settings: Evaluation, seen: dict[str, Glimpse]) -> str:
    """Of which sources a few rows can be read without an engine; they are kept for the checks that follow."""
    for name, source in settings.sources.items():
        if (found := glimpse(name, source)) is not None:
            seen[name] = found
    unseen = sorted(settings.sources.keys() - seen.keys())
    return "yes" if not unseen else f"not looked at without an engine: {', '.join(unseen)}"


def _typed(settings: Evaluation, seen: Mapping[str, Glimpse]) -> str:
    contract.check(seen.get("impressions"), _logs(seen), settings)
    return f"of {', '.join(seen) or 'none'}"


def _plausible(settings: Evaluation, seen: Mapping[str, Glimpse]) -> str:
    problems = implausible(settings, seen.get("impressions"), _logs(seen))
    if problems:
        raise ContractError("the first rows do not look like what the configuration says", problems)
    return f"{sum(each.rows.num_rows for each in seen.values()):,} rows"


def _logs(seen: Mapping[str, Glimpse]) -> dict[str, Glimpse]:
    return {name.removeprefix("labels."): each for name, each in seen.items() if name.startswith("labels.")}


def _writable(settings: Evaluation, engine: str | None) -> str:
    """Where the tables go, after a file was written there and removed."""
    if engine is not None:
        lake.address(settings, "runs", engine)  # refuses what the engine could not read again
    root = settings.tables.path
    if root is None or paths.local_path(root) is None:
        return f"{root or settings.tables.catalog}: not a local folder, so not tried"
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return str(Path(root).resolve())
    except OSError as error:
        mend = "name a folder" if Path(root).is_file() else f"run: mkdir -p {root} && chmod u+w {root}"
        raise LossledgerError(f"{root}: {error.strerror}; {mend}") from error


def _show(checks: Iterable[Check], *, verbose: bool = False) -> None:
    table = Table("check", "", "found", show_lines=False)
    for check in checks:
        table.add_row(
            check.name,
            "[green]ok[/]" if check.ok else "[red]no[/]",
            escape(printable_lines(check.found if verbose else check.brief or check.found)),
        )
    Console(highlight=False).print(table)
