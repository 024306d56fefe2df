"""The site in a real browser: what a maintainer sees and does, and what no page can do to them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.loopback import Site, page
from tests.program import Program
from tests.web.archives import HOSTILE, Demonstration, difficult
from tests.web.browser import AXE, NEEDED, RUN_AXE, fits, picture
from tests.web.browser import browser as browser

PATIENCE = 20_000  # milliseconds; two cores may be busy with other tests
SIZES = {"wide": (1280, 800), "narrow": (360, 740)}

pytestmark = [
    *NEEDED,
    pytest.mark.timeout(400),  # the demonstration's rounds, on a busy machine
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """The archive that ``verifier demo`` leaves; all workers of a run share it."""
    base = tmp_path_factory.getbasetemp()
    return Demonstration(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture(scope="module")
def site(demo: Demonstration) -> Iterator[str]:
    """The address of ``verifier serve`` on it."""
    with demo.program.serving() as address:
        yield address


@pytest.fixture(scope="module")
def trap() -> Iterator[Site]:
    """Where the hostile page calls."""
    with Site() as trap:
        yield trap


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, trap: Site) -> Iterator[str]:
    """The address of ``verifier serve`` on pages that are hard to show."""
    folder = tmp_path_factory.mktemp("strange")
    difficult(folder / "archive", trap=trap.url("/"))
    with Program(folder).serving() as address:
        yield address


@contextmanager
def opened(browser: Browser, site: str, size: str, **options: Any) -> Iterator[Page]:
    """A new tab of that size; nothing may be asked of anybody but the site."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, base_url=site, **options
    )
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    try:
        yield tab
    finally:
        context.close()
    assert {urlsplit(url).netloc for url in asked} <= {urlsplit(site).netloc}
    assert faults == []


def in_view(tab: Page, mark: Locator, frame: Locator | None = None) -> Callable[[], bool]:
    """Whether the mark is where somebody sees it without doing anything."""

    def seen() -> bool:
        size = tab.viewport_size
        box, around = mark.bounding_box(), frame.bounding_box() if frame is not None else None
        if size is None or box is None:
            return False
        top, bottom = 0.0, float(size["height"])
        if around is not None:
            top, bottom = max(top, around["y"]), min(bottom, around["y"] + around["height"])
        inside = top <= box["y"] and box["y"] + min(box["height"], 40) <= bottom
        return inside and 0 <= box["x"] <= size["width"]

    return seen


def wait_until(tab: Page, claim: Callable[[], bool]) -> None:
    """Wait for what the browser does in its own time."""
    for _ in range(PATIENCE // 100):
        if claim():
            return
        tab.wait_for_timeout(100)
    assert claim()


def framed(tab: Page) -> tuple[Locator, FrameLocator]:
    """The frame with the archived document."""
    return tab.locator("iframe.v-document"), tab.frame_locator("iframe.v-document")


# ---- what a maintainer does --------------------------------------------------------------


CHANGED = "museum-wheel"  # said what is quoted until day -14; its text is another one since


@pytest.mark.parametrize("size", SIZES)
def test_from_home_to_the_marked_words_and_back(
    size: str, demo: Demonstration, site: str, browser: Browser
) -> None:
    """
    Ten seconds to know what is wrong, a minute to know why, two clicks to the evidence.
    """
    title = demo.one("SELECT title FROM audit WHERE id = ?", CHANGED)
    says = demo.one("SELECT source_says FROM audit WHERE id = ?", CHANGED)
    with opened(browser, site, size) as tab:
        tab.goto("/")
        picture(tab, f"home-{size}", whole=True)
        assert fits(tab)
        tab.locator('a[href*="quote=altered"]').first.click()
        expect(tab).to_have_url(re.compile("quote=altered"))
        expect(tab.locator(f'a[href="/audit/audit/{CHANGED}"]').first).to_be_visible()
        assert fits(tab)
        picture(tab, f"table-{size}")
        tab.locator(f'a[href="/audit/audit/{CHANGED}"]').first.click()

        expect(tab.locator("h1")).to_have_text(title)
        expect(tab.locator(".v-sides blockquote").nth(1)).to_have_text(says)
        expect(tab.locator(".v-sides mark").first).to_be_visible()
        picture(tab, f"source-{size}", whole=True)
        assert fits(tab)
        tab.get_by_role("link", name="Our copy, at the passage").click()

        frame, inside = framed(tab)
        mark = inside.locator("#quote")
        wait_until(tab, in_view(tab, mark, frame))
        assert mark.inner_text() in says
        picture(tab, f"copy-{size}")
        assert fits(tab)
        tab.get_by_role("link", name=title).click()

        tab.get_by_role("link", name="text changed").first.click()
        expect(tab.locator("del").first).to_be_visible()
        expect(tab.locator("ins").first).to_be_visible()
        picture(tab, f"difference-{size}", whole=True)
        assert fits(tab)

        for heading in (title, "Archived copy", title):
            tab.go_back()
            expect(tab.locator("h1")).to_have_text(heading)


@pytest.mark.parametrize("size", SIZES)
def test_two_copies_are_chosen_and_compared_by_keyboard(
    size: str, demo: Demonstration, site: str, browser: Browser
) -> None:
    """
    What the page said when it was cited is a copy among many, and not everybody has a mouse.
    """
    older, newer = demo.copies(CHANGED)
    with opened(browser, site, size) as tab:
        tab.goto(f"/-/archived/{newer}?source={CHANGED}")
        tab.get_by_label("What changed from").select_option(str(older))
        assert fits(tab)
        tab.get_by_label("to", exact=True).focus()
        tab.keyboard.press("Tab")
        tab.keyboard.press("Enter")

        expect(tab).to_have_url(re.compile(f"/-/archived/{older}/against/{newer}$"))
        expect(tab.locator("del").first).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
def test_words_through_tags_entities_and_soft_hyphens_are_scrolled_to(
    size: str, strange: str, browser: Browser
) -> None:
    """
    The words stand amid thousands of others; a reader who has to search gives up.
    """
    with opened(browser, strange, size, color_scheme="dark") as tab:
        tab.goto("/-/archived/1?source=long")

        frame, inside = framed(tab)
        marks = inside.locator("mark")
        wait_until(tab, in_view(tab, marks.first, frame))
        said = "".join(marks.all_inner_texts()).replace("\xad", "").replace("\xa0", " ")
        assert said.startswith("said in its report that “groundwater” levels had")
        assert said.endswith("fallen by a third since")
        picture(tab, f"copy-dark-{size}")


@pytest.mark.parametrize("size", SIZES)
def test_a_pdf_opens_at_its_page_with_the_words_in_view(
    size: str, demo: Demonstration, site: str, browser: Browser
) -> None:
    """
    A report's cover tells nothing: what is quoted stands on a page within.
    """
    number = demo.one(
        "SELECT max(page) FROM quote_findings WHERE source_id = 'minutes-1912' AND result = 'found'"
    )
    with opened(browser, site, size) as tab:
        tab.goto("/audit/audit/minutes-1912")
        tab.get_by_role("link", name="Our copy, at the words").click()

        expect(tab.get_by_text(f"Page {number} of").first).to_be_visible()
        drawn = "img => img.complete && img.naturalWidth > 0"
        wait_until(tab, lambda: bool(tab.locator(".v-leaf img").evaluate(drawn)))
        wait_until(tab, in_view(tab, tab.locator("#quote")))
        picture(tab, f"pdf-{size}")
        assert fits(tab)


def test_a_copy_is_cited_by_what_is_ready_to_paste(
    demo: Demonstration, site: str, browser: Browser
) -> None:
    """
    One click takes all of it, and nothing else.
    """
    with opened(browser, site, "wide") as tab:
        tab.goto("/audit/audit/inquiry-1911")
        tab.locator("pre.v-paste").first.click()

        taken = tab.evaluate("window.getSelection().toString()").strip()

        assert taken.startswith('<a href="http')
        assert demo.one("SELECT snapshot_url FROM audit WHERE id = 'inquiry-1911'") in taken
        assert taken.endswith("</a>")


def test_a_table_that_nobody_renewed_does_not_look_green(
    demo: Demonstration, site: str, browser: Browser
) -> None:
    """
    Old answers look like good ones; on a phone, too, the warning comes first.
    """
    with demo.aged(90), opened(browser, site, "narrow") as tab:
        tab.set_viewport_size({"width": 320, "height": 640})
        tab.goto("/")
        alarm = tab.get_by_role("alert")
        expect(alarm).to_be_visible()
        picture(tab, "home-overdue")
        assert in_view(tab, alarm)()
        assert fits(tab)


# ---- who can read it ---------------------------------------------------------------------


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: make axe")
@pytest.mark.parametrize("size", SIZES)
def test_nobody_is_kept_out(size: str, demo: Demonstration, site: str, browser: Browser) -> None:
    """
    Contrast, names and order are what readers with other eyes, or none, depend on.
    """
    older, newer = demo.copies(CHANGED)
    (report,) = demo.copies("minutes-1912")
    pages = [
        "/",
        "/audit",
        "/audit/audit",
        "/audit/needs_a_person",
        f"/audit/audit/{CHANGED}",
        "/audit/audit/millers-guild",
        "/audit/audit/eyewitness",
        f"/-/archived/{older}?source={CHANGED}",
        f"/-/archived/{report}?source=minutes-1912",
        f"/-/archived/{older}/against/{newer}",
    ]
    scheme = "light" if size == "wide" else "dark"
    faults = {}
    with opened(browser, site, size, color_scheme=scheme, bypass_csp=True) as tab:
        if size == "narrow":
            tab.set_viewport_size({"width": 320, "height": 640})
        for path in pages:
            tab.goto(path)
            assert fits(tab), path
            for summary in tab.locator("details > summary").all():
                summary.evaluate("one => one.parentElement.open = true")
            tab.add_script_tag(path=AXE)
            found = tab.evaluate(RUN_AXE)
            if found:
                faults[path] = found
    assert faults == {}


def test_pages_can_be_printed(site: str, browser: Browser) -> None:
    """
    What is put into a file, or before a judge, is paper: reasons and headers must be on it.
    """
    with opened(browser, site, "wide") as tab:
        tab.goto(f"/audit/audit/{CHANGED}")
        tab.emulate_media(media="print")

        closed = tab.locator(".v-answers details").first
        assert closed.evaluate("one => !one.open")
        rests_on = closed.get_by_text("Would change it").first
        assert (rests_on.bounding_box() or {"height": 0})["height"] > 0
        picture(tab, "source-print", whole=True)


# ---- what no page can do -----------------------------------------------------------------


def test_the_trap_works_when_nothing_guards_against_it(browser: Browser) -> None:
    """
    Otherwise the next test would pass with a page that could do no harm anyway.
    """
    with Site() as trap, Site() as host:
        host.set("/", page(HOSTILE.replace("URL", trap.url("/"))))
        context = browser.new_context()
        tab = context.new_page()

        tab.goto(host.url("/"), wait_until="commit")
        wait_until(tab, lambda: trap.connections > 0)
        context.close()

        assert trap.connections > 0


@pytest.mark.parametrize("alone", [False, True], ids=["framed", "alone"])
def test_an_archived_page_reaches_nobody(
    alone: bool, trap: Site, strange: str, browser: Browser
) -> None:
    """
    Readers of the archive must not be seen, tracked or sent on by what was archived.
    """
    place = "/-/archived/2"
    with opened(browser, strange, "narrow") as tab:
        tab.goto(f"{place}/document?source=trap#quote" if alone else f"{place}?source=trap")
        inside: FrameLocator | Page = tab if alone else framed(tab)[1]
        expect(inside.locator("#quote")).to_have_text("The words that are kept")
        if not alone:
            picture(tab, "trap")
        inside.get_by_text("link", exact=True).click()
        tab.wait_for_load_state("networkidle")

        assert urlsplit(tab.url).path == (f"{place}/document" if alone else place)
        armed = "script, img, form, iframe, object, embed, svg, link, base, meta[http-equiv]"
        assert inside.locator(armed).count() == 0

    assert trap.connections == 0, [visit.target for visit in trap.visits]
