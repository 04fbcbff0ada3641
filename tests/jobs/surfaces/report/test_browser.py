"""The report in a real browser: drawn, silent, without a request, and readable by all that axe-core asks for."""

import shutil
from dataclasses import replace

import pytest

from jobs.surfaces.report.night import opened
from jobs.surfaces.report.page import report
from tests.jobs.surfaces.report.reading import numbers
from tests.world.reported import LAST

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.only_engine("sail"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: make browser installs one from Debian"),
]
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def file(made, tmp_path_factory):
    target = tmp_path_factory.mktemp("report") / "report.html"
    target.write_text(made.html, encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in ("light", "dark")], ids="-".join)
def shown(browser, file, request):
    """The page as one sees it, with what it said and asked for."""
    width, scheme = request.param
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda each: asked.append(each.url))
    page.goto(file.as_uri())
    yield page, said, asked
    context.close()


def test_it_says_nothing_and_asks_for_nothing_but_itself(shown, file):
    page, said, asked = shown
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.wait_for_timeout(100)
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]


def test_charts_are_drawn(shown, page):
    shown_page, *_ = shown
    boxes = shown_page.evaluate(
        "[...document.querySelectorAll('svg.chart')].map(each => each.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == len(page.select("svg.chart"))
    assert all(box["width"] > 200 and box["height"] > 100 for box in boxes)
    marks = shown_page.evaluate(
        "[...document.querySelectorAll('svg.chart use')].filter(each => each.getBBox().width > 0).length"
    )
    assert marks == len(page.select("svg.chart use")) > 300
    values = shown_page.evaluate("[...document.querySelectorAll('data')].map(each => each.value)")
    assert {float(value) for value in values if value} <= set(numbers(page))


def test_nothing_is_wider_than_the_screen(shown):
    page, *_ = shown
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


@pytest.fixture(scope="module")
def short(spark, month, tmp_path_factory):
    """The same of five days: axe-core looks at every element for seconds, and there are as many kinds of them."""
    target = tmp_path_factory.mktemp("short") / "report.html"
    target.write_text(report(replace(opened(spark, month, LAST, None), days=5)).html, encoding="utf-8")
    return target


def test_it_is_accessible(shown, short):
    from axe_playwright_python.sync_playwright import Axe

    page, *_ = shown
    page.goto(short.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": STANDARDS}})
    told = [(each["id"], [node["html"][:120] for node in each["nodes"]][:3]) for each in found.response["violations"]]
    assert told == []
    assert len(found.response["passes"]) > 20


def test_the_keyboard_reaches_the_numbers_and_the_queries(shown):
    page, *_ = shown
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    summary = page.locator("details.sql summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.sql").first.evaluate("each => each.open")


def test_it_prints_on_paper_without_what_is_for_the_screen(browser, file):
    page = browser.new_page()
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.pdf(format="A4")[:5] == b"%PDF-"
    page.close()
