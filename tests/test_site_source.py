"""A source's page: the answers with their reasons, the words, the copies, and how to cite it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.site_data import SINCE, Archive
from tests.test_site import ask
from verifier.rows import quote_sha256

CITED = "1,204 wells had run dry in 2020"
SAYS = "The council found that about 900 wells had run dry in 2020, it said."


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive after one conclusive round over nothing."""
    archive = Archive.new(tmp_path / "archive")
    archive.run(derived_to=99)
    return archive


def words(page: str) -> str:
    """The page as read: no tags, single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def look(archive: Archive, number: int, **columns: Any) -> None:
    """A look at source "a" that went well."""
    values: dict[str, Any] = {
        "id": number,
        "run_id": 1,
        "source_id": "a",
        "url": "https://example.org/a",
        "address": "https://example.org/a",
        "checked_at": f"2026-11-{number:02}T03:17:00Z",
        "seen": "alive",
        "rule": "http-200",
        "reason": "the page is there",
        "status": 200,
        "hops": "[]",
        "headers": "[]",
    }
    archive.insert("checks", **{**values, **columns})


def finding(
    archive: Archive, number: int, *, says: str = "", passage: str = "", **columns: Any
) -> None:
    """What was found of the quotation at the look of that number."""
    values: dict[str, Any] = {
        "id": number,
        "check_id": number,
        "source_id": "a",
        "found_in": "live",
        "found_at": SINCE,
        "quote_sha256": quote_sha256(CITED),
        "result": "found",
        "reason": "verbatim: the words stand there",
    }
    archive.insert("quote_findings", **{**values, **columns})
    archive.insert("passages", finding_id=number, passage=passage, source_says=says)


def test_the_three_answers_stand_with_what_explain_says(archive: Archive) -> None:
    """
    A badge alone convinces nobody; and two explanations of one answer would soon differ.
    """
    archive.source("a", link="suspect", link_reason="http-404: not found", strikes=1)
    look(archive, 1)
    look(archive, 2, seen="failing", status=404, rule="http-404", reason="not found")

    page = ask(archive, "/audit/audit/a").text
    read = words(page)

    assert "Is it still there?" in read
    assert "http-404: not found" in read
    assert "Strikes: 1 of 3" in read
    assert 'href="/audit/checks/2"' in page
    assert "A success resets the strikes" in read


def test_quotation_and_source_stand_side_by_side_with_the_words_that_differ(
    archive: Archive,
) -> None:
    """
    Whether "altered" matters can only be judged by someone who sees the words.
    """
    archive.source("a", quote="altered", cited=CITED, source_says=SAYS)
    look(archive, 1)
    finding(archive, 1, says=SAYS, passage=f"Before. {SAYS} After.", result="altered")

    page = ask(archive, "/audit/audit/a").text

    marked = re.findall(r'<mark class="v-other">([^<]*)</mark>', page)
    assert marked == ["1,204", "900"]
    (quoted,) = re.findall(r'<mark class="v-quoted">([^<]*)</mark>', page)
    assert "900 wells had run dry in 2020" in quoted
    assert "… Before." in words(page)


def test_words_that_are_gone_are_shown_in_the_copy_that_has_them(archive: Archive) -> None:
    """
    "They changed it" is proved by the copy from before.
    """
    archive.source("a", quote="altered", cited=CITED, quote_local="found", local_copy=4)
    look(archive, 1)
    archive.capture(9, b"<p>x")
    finding(archive, 1, says=SAYS, result="altered", capture_id=9)

    page = ask(archive, "/audit/audit/a").text

    doors = re.findall(r'class="v-button" href="/-/archived/(\d+)[^"]*">([^<]*)<', page)
    assert doors == [("9", "Our copy, at the passage"), ("4", "Our copy that has the words")]


def test_the_passage_shows_where_the_words_stand(archive: Archive) -> None:
    """
    Words out of their surroundings can mean the opposite.
    """
    archive.source("a", quote="found", cited=CITED)
    look(archive, 1)
    finding(archive, 1, passage=f"It is not true that {CITED.upper()}, he said. <b>")

    page = ask(archive, "/audit/audit/a").text

    assert f'<mark class="v-quoted">{CITED.upper()}</mark>' in page
    assert "It is not true that" in page
    assert "he said. &lt;b&gt;" in page


def test_a_page_of_another_quotation_is_not_shown(archive: Archive) -> None:
    """
    The row's quotation was mended: what was found of the one before is no answer.
    """
    archive.source("a", quote="unchecked", cited="other words")
    look(archive, 1)
    finding(archive, 1, passage="the old passage")

    assert "the old passage" not in ask(archive, "/audit/audit/a").text


def test_the_looks_are_bounded_newest_first_and_lead_to_all(archive: Archive) -> None:
    """
    After some years a source has hundreds of looks, and the newest matter.
    """
    archive.source("a")
    for number in range(1, 28):
        look(archive, number)

    page = ask(archive, "/audit/audit/a").text

    shown = [int(n) for n in re.findall(r'data-label="When"><a href="/audit/checks/(\d+)"', page)]
    assert shown == list(range(27, 7, -1))
    (every,) = re.findall(r'<a href="([^"]*)">All looks</a>', page)
    listed = ask(archive, html.unescape(every).replace("checks?", "checks.json?_shape=array&"))
    assert [row["id"] for row in listed.json()] == list(range(27, 0, -1))


def test_a_changed_text_leads_to_the_difference(archive: Archive) -> None:
    """
    "They changed it" is a finding; what they changed is the evidence.
    """
    archive.source("a")
    for number, text in enumerate(("aa", "aa", "bb"), 1):
        archive.capture(number, f"<p>{text}".encode())
        look(archive, number, text_sha256=text, capture_id=number)

    page = ask(archive, "/audit/audit/a").text

    assert re.findall(r'<a href="([^"]*)">text changed</a>', page) == ["/-/archived/2/against/3"]


def test_every_copy_is_listed_with_its_time(archive: Archive) -> None:
    """
    Who doubts one custodian wants to see the others.
    """
    archive.source("a", cited=CITED)
    archive.capture(7, b"<p>x")
    look(archive, 1, capture_id=7)
    finding(archive, 1, capture_id=7)
    archive.insert(
        "snapshots",
        id=1,
        run_id=1,
        address="https://example.org/a",
        archive="wayback",
        via="save",
        timestamp="20261121010101",
        original="https://example.org/a",
        captured_at="2026-11-21T01:01:01Z",
        url="https://web.archive.org/web/20261121010101/https://example.org/a",
        status=200,
        known_at=SINCE,
    )

    page = ask(archive, "/audit/audit/a").text

    assert 'href="/-/archived/7?source=a' in page
    assert 'href="https://web.archive.org/web/20261121010101/https://example.org/a"' in page
    assert "2026-11-22 12:00 UTC" in page
    assert "2026-11-21 01:01 UTC" in page


def test_other_addresses_are_shown_with_what_proves_them(archive: Archive) -> None:
    """
    Whoever replaces a dead link has to know that the same stands at the other address.
    """
    archive.source("a", link="dead")
    archive.insert(
        "alternatives",
        source_id="a",
        relation="same",
        url="https://mirror.example/a",
        check_id=7,
        checked_at=SINCE,
        link="live",
        verified_by="text",
    )
    look(archive, 7, url="https://mirror.example/a", address="https://mirror.example/a")

    page = ask(archive, "/audit/audit/a").text

    assert 'data-label="Proved by">text<' in page
    assert 'href="https://mirror.example/a"' in page
    for place in set(re.findall(r'href="(/audit/(?:checks|alternatives)/[^"]*)"', page)):
        assert ask(archive, place).status_code == 200, place


def test_a_confirmed_copy_can_be_cited_and_another_cannot(archive: Archive) -> None:
    """
    What is pasted into an article has to hold for years.
    """
    copy = "https://web.archive.org/web/20261120000000/https://example.org/a"
    confirmed = {"copy": "confirmed", "snapshot_url": copy, "snapshot_at": SINCE}
    archive.source("a", title="“T” & co", **confirmed)
    archive.source("b", **(confirmed | {"copy": "captured"}))

    safe = html.unescape(ask(archive, "/audit/audit/a").text)
    other = html.unescape(ask(archive, "/audit/audit/b").text)

    assert f'data-versionurl="{copy}" data-versiondate="2026-11-20">“T” &amp; co</a>' in safe
    assert f"|archive-url={copy} " in safe
    assert "data-versionurl" not in other
    assert "|archive-url=" not in other
    assert "No copy of it was confirmed yet" in other


def test_redirects_headers_and_hashes_are_shown(archive: Archive) -> None:
    """
    They are what an expert asks for first when a capture is doubted.
    """
    archive.source("a")
    hops = [
        {
            "url": "https://example.org/a",
            "status": 301,
            "location": "/b",
            "peer": "",
            "capture": None,
        },
        {
            "url": "https://example.org/b",
            "status": 200,
            "location": "",
            "peer": "",
            "capture": None,
        },
    ]
    look(
        archive,
        1,
        hops=json.dumps(hops),
        headers=json.dumps([["X-Trap", "<script>alert(1)</script>"]]),
        sha256="ab" * 32,
    )

    page = ask(archive, "/audit/audit/a").text

    assert "answered 301, and sent on to /b" in words(page)
    assert "ab" * 32 in page
    assert "X-Trap: &lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_persons_word_is_shown_as_such(archive: Archive) -> None:
    """
    Nobody should take a person's word for the program's, nor miss that it ends.
    """
    archive.source("a", link="live", judged_by="ada", judged_until="2099-01-01T00:00:00Z")
    for number, link in ((1, ""), (2, "live")):
        archive.insert(
            "judgements",
            id=number,
            source_id="a",
            url="https://example.org/a",
            link=link,
            reason="seen in a browser",
            judged_by="ada",
            judged_at=SINCE,
            until="2099-01-01T00:00:00Z",
        )

    read = words(ask(archive, "/audit/audit/a").text)

    assert "A person overruled the rules. ada says live until 2099-01-01 00:00 UTC" in read
    assert "took it back" in read


def test_a_hijackers_page_is_not_opened_for_the_reader(archive: Archive) -> None:
    """
    The button "the page today" would lead to whoever took the address.
    """
    archive.source("a", link="hijacked")
    archive.source("b", quote_url="https://example.org/b#:~:text=words")

    page = ask(archive, "/audit/audit/a").text

    assert "The page today" not in page
    assert 'href="https://example.org/a"' not in page.partition("<details")[0]
    assert 'href="https://example.org/b#:~:text=words"' in ask(archive, "/audit/audit/b").text


def test_the_json_is_datasettes_own(archive: Archive) -> None:
    """
    Programs read the row; the page around it is for people.
    """
    archive.source("a", title="T")

    (row,) = ask(archive, "/audit/audit/a.json?_shape=array").json()

    assert row["title"] == "T"
    assert row["link_since"] == SINCE
    assert "told" not in ask(archive, "/audit/audit/a.json").json()


def test_a_row_without_a_source_still_has_a_page(archive: Archive) -> None:
    """
    A database that somebody merged by hand must show its rows, not an error.
    """
    archive.insert("audit", id="alone", link="live", quote="found", copy="none", tags="[]")

    page = ask(archive, "/audit/audit/alone")

    assert page.status_code == 200
    assert "audit: alone" in page.text
