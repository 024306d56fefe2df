"""The home page in a real browser: the warning is seen, and nothing breaks the site's policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page

from tests.program import Program
from tests.site_data import Archive
from tests.web.browser import NEEDED
from tests.web.browser import browser as browser

pytestmark = NEEDED

PAGES = (
    "/",
    "/audit",
    "/audit/audit?_facet=publisher",
    "/audit/audit/a",
    "/audit/needs_a_person",
    "/audit?sql=select+*+from+audit",
    "/audit?sql=selec",
    "/nowhere",
    "/-/allow-debug",
    "/-/patterns",
    "/-/messages",
    "/-/plugins",
    "/-/databases",
    "/-/archived/1",
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive whose daily rounds stopped five days ago."""
    archive = Archive.new(tmp_path_factory.mktemp("home") / "archive")
    now = datetime.now(UTC)
    for number, days in enumerate((8, 7, 6, 5), 1):
        at = f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        archive.run(number, started_at=at, ended_at=at)
        for answer, sources in (("live", 60 - number), ("dead", number)):
            archive.insert(
                "daily", day=at[:10], axis="link", answer=answer, sources=sources, run_id=number
            )
    archive.source("a", title="A title", link="dead", quote="altered", copy="none")
    archive.source("b")
    archive.capture(1, b"<p>The words")
    return archive


@pytest.fixture(scope="module")
def address(archive: Archive) -> Iterator[str]:
    """Where ``verifier serve`` shows it."""
    with Program(archive.folder.parent).serving() as address:
        yield address


def width_of(page: Page) -> int:
    """How wide the document is; wider than the window means scrolling sideways."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert isinstance(width, int)
    return width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_warning_cannot_be_missed_on_the_smallest_phone(
    browser: Browser, address: str, scheme: str
) -> None:
    """
    The last round is older than twice its interval: whoever looks for a second must see that,
    and nothing may look green.
    """
    page = browser.new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("/", "/audit/audit"):
        page.goto(address + path)

        warning = page.get_by_role("alert")
        box = warning.bounding_box()
        assert "Overdue: what stands here is old" in warning.inner_text()
        assert "5 days ago" in warning.inner_text()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["y"] + box["height"] <= 640, "it is seen without scrolling"
        assert box["height"] > 80
        assert width_of(page) == 320
        colour = "element => getComputedStyle(element).color"
        badge = page.locator(".v-badge.v-good").first.evaluate(colour)
        assert badge != warning.locator(".v-warning-title").evaluate(colour)
        green = page.evaluate(
            "() => { const e = document.createElement('p'); e.style.color = 'var(--v-good)';"
            " document.body.append(e); return getComputedStyle(e).color }"
        )
        assert badge != green
    page.close()


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_home_fits_the_window_and_its_counts_can_be_followed(
    browser: Browser, address: str, width: int
) -> None:
    """Two clicks from the number to the source, on a phone as well."""
    page = browser.new_page(viewport={"width": width, "height": 740})
    page.goto(f"{address}/")
    assert width_of(page) == width
    assert page.get_by_role("img", name=re.compile("^link dead: 1 on .*, 4 on ")).is_visible()

    page.get_by_role("link", name=re.compile("dead.*1")).first.click()
    assert page.url.endswith("/audit/audit?link=dead")
    assert width_of(page) == width
    page.get_by_role("link", name="a", exact=True).first.click()

    assert page.url.endswith("/audit/audit/a")
    page.close()


def test_the_keyboard_reaches_the_content_first(browser: Browser, address: str) -> None:
    """A reader without a mouse should not have to walk through the menu on each page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/audit/audit")
    page.keyboard.press("Tab")

    skip = page.locator(":focus")
    box = skip.bounding_box()
    assert skip.inner_text() == "To the content"
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    page.close()


def test_no_page_breaks_the_policy(browser: Browser, address: str) -> None:
    """A script that the policy stops is a button that does nothing; Datasette's have to run."""
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
    page.on("request", lambda request: asked.append(request.url))
    for path in PAGES:
        page.goto(address + path, wait_until="load")

    assert [line for line in said if "Failed to load resource" not in line] == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert len(asked) > 3 * len(PAGES)

    page.goto(f"{address}/audit")
    page.locator(".CodeMirror").click()  # the editor is a script, and has put itself in place
    page.close()


def test_datasettes_fields_have_names(browser: Browser, address: str) -> None:
    """Its templates leave them out; "combo box" alone tells a blind reader nothing."""
    page = browser.new_page()
    page.goto(f"{address}/audit/audit?link=dead")

    for name in ("Column", "Comparison", "Value", "Take this facet or filter away"):
        page.get_by_label(name).first.wait_for(state="visible")
    page.goto(f"{address}/audit")
    page.get_by_label("SQL", exact=True).first.wait_for(state="attached")
    page.close()
