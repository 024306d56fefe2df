"""The HTML report as people open it: on a phone, in the dark, on paper, and without a network."""

from __future__ import annotations

import csv
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page

from tests.web.browser import AXE, NEEDED, RUN_AXE, fits, picture
from tests.web.browser import browser as browser
from verifier import sources
from verifier.attention import title_of
from verifier.bulletin import Bulletin
from verifier.records import AuditRow, Change, Copy, Link, Quote, Run
from verifier.report_html import html

OURS = Path(__file__).parents[2] / "sources.csv"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

pytestmark = NEEDED


def everything() -> Bulletin:
    """The project's own 61 rows, with answers of every kind dealt out in turn."""
    with OURS.open(encoding="utf-8", newline="") as file:
        said = {row["id"]: row["wording_in_source"] for row in csv.DictReader(file)}
    links = itertools.cycle(
        [Link.LIVE, Link.LIVE, Link.MOVED, Link.BLOCKED, Link.DEAD, Link.SUSPECT, Link.HIJACKED]
    )
    copies = itertools.cycle([Copy.CONFIRMED, Copy.CAPTURED, Copy.PENDING, Copy.FAILED, Copy.LOST])
    quotes = itertools.cycle([Quote.FOUND, Quote.ALTERED, Quote.UNREADABLE, Quote.ABSENT])
    rows = tuple(
        AuditRow(
            id=one.id,
            title=one.title,
            publisher=one.publisher,
            published=one.published,
            claim=one.claim,
            url=one.url,
            link=next(links) if one.url else Link.INVALID,
            link_reason="http-404: the server does not find the page",
            link_since=NOW - timedelta(days=3),
            quote=next(quotes),
            quote_kind=one.quote_kind,
            quote_reason="never-found: words differ",
            cited=one.quote,
            source_says=said[one.id],
            copy=next(copies),
            snapshot_url=f"https://web.archive.org/web/20261101000000/{one.url}",
        )
        for one in sources.read(OURS).sources
    )
    change = Change(source_id=rows[0].id, axis="link", before="live", after="dead", reason="x")
    run = Run(id=3, started_at=NOW, ended_at=NOW, outcome="conclusive", news=(change,))
    return Bulletin(rows=rows, run=run, written_at=NOW, last_conclusive=NOW, rounds=(run,))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html(everything()), "utf-8")
    return path


def opened(browser: Browser, report: Path, scheme: str) -> tuple[Page, list[str]]:
    """The report on a phone that has no network, and what it asked for."""
    tab = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(report.as_uri())
    return tab, asked


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sixty_one_rows_read_well_on_a_phone(scheme: str, report: Path, browser: Browser) -> None:
    """It comes by mail, and mail is read on telephones; nobody reads sideways."""
    tab, asked = opened(browser, report, scheme)

    assert fits(tab)
    assert asked == [report.as_uri()], "whoever opens it is not told of"
    assert tab.locator("article, ul.brief > li").count() >= 61
    size = tab.locator("article dd").first.evaluate(
        "one => parseFloat(getComputedStyle(one).fontSize)"
    )
    assert size >= 14
    if AXE.is_file():
        tab.add_script_tag(path=AXE)
        assert tab.evaluate(RUN_AXE) == []
    picture(tab, f"report-{scheme}")
    tab.close()


def test_sixty_one_rows_read_well_on_paper(report: Path, browser: Browser, tmp_path: Path) -> None:
    """What is brought to a meeting is paper: all of it, in black on white, in a dozen leaves."""
    tab, _ = opened(browser, report, "dark")
    paper = tmp_path / "report.pdf"
    tab.pdf(path=paper, format="A4")
    tab.close()

    document = pypdfium2.PdfDocument(paper)
    words = " ".join(page.get_textpage().get_text_bounded() for page in document)
    together = "".join(words.split())
    assert 5 <= len(document) <= 24
    titles = {row.id: "".join(title_of(row).split()) for row in everything().rows}
    missing = [name for name, title in titles.items() if title[:40] not in together]
    assert missing == []
    corner = document[0].render(scale=0.2).to_pil().convert("L").getpixel((2, 2))
    assert corner == 255
