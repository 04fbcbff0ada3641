"""The page: the sections of a night, put into one HTML file that asks for nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jobs.engines.pins import installed_versions
from jobs.sql.outputs import replaced
from jobs.surfaces.report import words
from jobs.surfaces.report.night import Night
from jobs.surfaces.report.section import Section
from jobs.surfaces.report.sections import (
    arrival,
    calibration,
    changes,
    gates,
    health,
    heat,
    models,
    provenance,
    trends,
    verdict,
    worst,
)

if TYPE_CHECKING:
    from jinja2 import Environment

FILTERS: Final = (
    *("exact", "short", "percent", "signed", "share", "half", "finer"),
    *("when", "reason", "slice_text", "without"),
)


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        night: Of what.
        verdict: What it says first.
        sections: What it shows.
        html: The file.
    """

    night: Night
    verdict: verdict.Verdict
    sections: tuple[Section, ...]
    html: str


def report(night: Night) -> Report:
    """The report of a night: for the same tables the same bytes."""
    run, query = provenance.run_of(night)
    sections = (
        gates.made(night),
        models.made(night),
        trends.made(night),
        calibration.made(night),
        heat.made(night),
        worst.made(night),
        changes.made(night),
        arrival.made(night),
        health.made(night, run),
        provenance.made(night, run, query),
    )
    found = verdict.made(night, sections, run)
    html = (
        _environment()
        .get_template("page.html")
        .render(
            night=night,
            verdict=found,
            sections=sections,
            subtitle=verdict.subtitle(night),
            title=models.title,
            numbers={model: i for i, model in enumerate(night.settings.models)},
            version=installed_versions().get("lossledger", "of a source tree"),
        )
    )
    return Report(night, found, sections, html)


def write(text: str, target: Path) -> None:
    """Put a file in its place whole."""
    with replaced(target) as beside:
        beside.write_text(text, encoding="utf-8")


@cache
def _environment() -> Environment:
    # A cluster's driver evaluates a day without it.
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415

    made = Environment(
        loader=FunctionLoader(template),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({name: getattr(words, name) for name in FILTERS})
    made.globals["style"] = _style
    return made


def template(name: str) -> str:
    """The text of a template, from the installed package, the zip or the source tree."""
    return (files("jobs.surfaces.report") / "templates" / name).read_text(encoding="utf-8")


def _style() -> Any:
    from markupsafe import Markup  # noqa: PLC0415

    return Markup(template("style.css"))
