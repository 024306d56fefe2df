"""Citations that are pasted elsewhere: they must work there, whatever titles and addresses hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from verifier.citing import robust_link, wiki_template
from verifier.records import AuditRow, Copy, Link, Quote

COPY = "https://web.archive.org/web/20261120031700/https://example.org/a?b=1&c=2"
ROW = AuditRow(
    id="a",
    title="Wells & <springs>",
    publisher="The Post",
    published="2021-03",
    lang="en",
    url="https://example.org/a?b=1&c=2",
    link=Link.LIVE,
    quote=Quote.FOUND,
    cited="the wells ran dry",
    copy=Copy.CONFIRMED,
    snapshot_url=COPY,
    snapshot_at=datetime(2026, 11, 20, 3, 17, tzinfo=UTC),
    last_live_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
)


class Links(HTMLParser):
    """The links of a document, with the text within."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_robust_link_names_the_original_the_copy_and_its_day() -> None:
    """
    These three attributes are what readers' programs look for when the page is gone.
    """
    found = Links(robust_link(ROW))

    assert found.links == [
        {
            "href": ROW.url,
            "data-originalurl": ROW.url,
            "data-versionurl": COPY,
            "data-versiondate": "2026-11-20",
        }
    ]
    assert found.words == "Wells & <springs>"


@pytest.mark.parametrize("link", [Link.DEAD, Link.HIJACKED])
def test_what_is_gone_is_linked_to_its_copy(link: Link) -> None:
    """
    A hijacked address must not get another visitor from us.
    """
    (found,) = Links(robust_link(replace(ROW, link=link))).links

    assert found["href"] == COPY
    assert found["data-originalurl"] == ROW.url


def test_a_title_cannot_break_out_of_the_link() -> None:
    """
    Titles come from others' pages; what is pasted is run by whoever opens the page.
    """
    title = '"><script>alert(1)</script>\n<b onclick="x">'

    found = Links(robust_link(replace(ROW, title=title, url='https://e.example/"><i>')))

    assert found.tags == ["a"]
    assert "<script>alert(1)</script>" in found.words


@pytest.mark.parametrize("copy", [copy for copy in Copy if copy is not Copy.CONFIRMED])
def test_without_a_confirmed_copy_no_copy_is_cited(copy: Copy) -> None:
    """
    A link to a copy that nobody read would look safe and may be a blank page.
    """
    row = replace(ROW, copy=copy)

    assert robust_link(row) == ""
    assert "archive" not in wiki_template(row)
    assert "url-status" not in wiki_template(row)


def test_the_wiki_template_names_all_that_is_known() -> None:
    """
    An editor should not have to look anything up again.
    """
    assert wiki_template(ROW) == (
        "{{cite web |url=https://example.org/a?b=1&c=2 |title=Wells &amp; &lt;springs&gt; "
        "|publisher=The Post |date=2021-03 |language=en |quote=the wells ran dry "
        f"|access-date=2026-11-22 |archive-url={COPY} |archive-date=2026-11-20 |url-status=live}}}}"
    )


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "live"),
        ({"link": Link.MOVED}, "live"),
        ({"link": Link.SUSPECT}, "live"),
        ({"link": Link.DEAD}, "dead"),
        ({"link": Link.HIJACKED}, "usurped"),
        ({"quote": Quote.ALTERED, "quote_first_found_at": ROW.last_live_at}, "deviated"),
        ({"quote": Quote.ALTERED}, "live"),
    ],
)
def test_the_url_status_says_what_the_original_is_like(
    changes: dict[str, object], status: str
) -> None:
    """
    "usurped" hides the link in the wiki; "deviated" says that the page tells another story now.
    """
    assert f"|url-status={status}}}}}" in wiki_template(replace(ROW, **changes))  # type: ignore[arg-type]


def test_a_quotation_that_is_not_there_is_not_passed_on() -> None:
    """
    What we found to be misquoted must not be pasted into the next article.
    """
    assert "quote=" not in wiki_template(replace(ROW, quote=Quote.ALTERED))


@pytest.mark.parametrize(
    "title", ["a | b", "}} {{delete}}", "[[File:x]]", "<ref>", "''bold''", "~~~~", "two\nlines"]
)
def test_no_title_breaks_the_template(title: str) -> None:
    """
    One pipe in a title, and the rest of the citation is lost; braces could call templates.
    """
    told = wiki_template(replace(ROW, title=title, cited=title, publisher=title))

    inner = told.removeprefix("{{cite web ").removesuffix("}}").replace("{{!}}", "")
    assert not set(inner) & set("{}[]<>\n")
    assert "''" not in inner
    assert "~~~" not in inner
    assert inner.count("|") == inner.count(" |") + 1 == 10


def test_no_address_breaks_the_template() -> None:
    """
    A space or a pipe ends an address in wikitext.
    """
    told = wiki_template(replace(ROW, url="https://e.example/a b|c[d]é"))

    assert "|url=https://e.example/a%20b%7Cc%5Bd%5Dé |title=" in told


def test_a_claim_without_an_address_has_no_citation() -> None:
    """
    An empty template would look like a source.
    """
    assert wiki_template(replace(ROW, url="")) == robust_link(replace(ROW, url="")) == ""
