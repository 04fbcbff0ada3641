"""Writes docs/images: a month of the demo, evaluated, and the report of its last night as Chromium shows it."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

from jobs import nightly
from jobs.demo.data import generated, newest_day
from jobs.engines.pins import conf_file
from jobs.engines.session import session
from jobs.settings import Evaluation, load, parse
from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import report, write

DAYS: Final = 28
ROWS: Final = 40_000
# The younger age has some labels still to come; the last days were looked at then, too.
AGES: Final = ("2h", "30h")
YOUNG_DAYS: Final = 12
CTR: Final = {"task": "ctr", "model": "champion"}
GATES: Final[dict[str, Any]] = {
    "calibrated": {**CTR, "metric": "predicted_over_actual", "within": [0.85, 1.15], "slices": [[], ["country"]]},
    "enough": {**CTR, "rows": 10_000},
    "steady": {**CTR, "metric": "log_loss", "against": "1d", "at_most": "5%"},
    "release": {"task": "ctr", "comparison": "release", "metric": "log_loss", "require": "better"},
}
Scheme = Literal["light", "dark"]
# Name of the picture, width, height, scheme, and where its upper end is.
PICTURES: Final[tuple[tuple[str, int, int, Scheme, str | None], ...]] = (
    ("report-light.png", 1240, 1500, "light", None),
    ("report-dark.png", 1240, 1500, "dark", "#trends"),
    ("report-phone.png", 390, 844, "light", None),
)


def main() -> None:
    """Write the pictures into the folder that is given, with the logs and tables in another one if that is, too."""
    target, *kept = map(Path, sys.argv[1:])
    with TemporaryDirectory() as made:
        root = kept[0] if kept else Path(made)
        page = root / "report.html"
        last_day = evaluated(root, page)
        print(f"{page}: {last_day}, {page.stat().st_size:,} bytes")
        drawn(page, target)


def evaluated(root: Path, page: Path) -> date:
    """Generate a month, evaluate what is not there yet, and write the report of its last day."""
    os.environ["LOSSLEDGER_DEMO"] = str(root)
    demo = load(Path(str(conf_file("demo.yaml"))))
    document = demo.document()
    # Events without a time are read, and rejected, with each of the many days.
    limits = {**document["limits"], "rejected_share": 0.1}
    against = {"against": ["1d", "7d"]}
    settings = parse({**document, "ages": list(AGES), "gates": GATES, "changes": against, "limits": limits})
    truths = generated(root / "data", newest_day(), rows_per_day=ROWS, days=DAYS)
    with session("sail") as spark:
        for day, age_hours in nights(settings, truths.dates):
            if not _there(settings, day, age_hours):
                nightly.evaluate(spark, settings, day, age_hours=age_hours)
        write(report(opened(spark, settings, truths.dates[-1], None)).html, page)
    return truths.dates[-1]


def nights(settings: Evaluation, days: list[date]) -> list[tuple[date, int]]:
    """The nights: of every day but the last the older age, of the last days the younger one."""
    young, old = settings.hours
    late = days[-1] - timedelta(days=YOUNG_DAYS)
    return [(day, age) for day in days for age in (young, old) if (day > late if age == young else day < days[-1])]


def _there(settings: Evaluation, day: date, age_hours: int) -> bool:
    metrics = Path(str(settings.tables.path)) / settings.evaluation / "metrics"
    return (metrics / f"event_date={day}" / f"age_hours={age_hours}").is_dir()


def drawn(page: Path, target: Path) -> None:
    """Take the pictures."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - it is of the tests

    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, width, height, scheme, place in PICTURES:
            shown = chromium.new_page(viewport={"width": width, "height": height})
            shown.emulate_media(color_scheme=scheme)
            shown.goto(page.as_uri())
            if place is not None:
                shown.locator(place).evaluate("each => each.scrollIntoView()")
            shown.screenshot(path=target / name)
            shown.close()
        chromium.close()


if __name__ == "__main__":
    main()
