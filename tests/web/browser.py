"""The browser of these tests: Debian's Chromium, what is asked of a page in it, and its pictures.

from tests.web.browser import NEEDED
from tests.web.browser import browser as browser

pytestmark = NEEDED
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
NEEDED = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]
AXE = Path(__file__).parents[2] / ".axe/node_modules/axe-core/axe.min.js"
PICTURES = Path(__file__).parent / "pictures"
"""Where screenshots are written, for people to look at; not in git."""

RUN_AXE = """async () => {
  const found = await axe.run(document, {iframes: false, resultTypes: ["violations"]});
  return found.violations.filter(v => ["serious", "critical"].includes(v.impact))
    .map(v => `${v.id}: ${v.nodes.map(n => n.target.join(" ")).slice(0, 5).join(", ")}`);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def picture(tab: Page, name: str, *, whole: bool = False) -> None:
    """Keep what is seen."""
    PICTURES.mkdir(exist_ok=True)
    tab.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


def fits(tab: Page) -> bool:
    """Whether nothing stands out to the right."""
    return bool(tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
