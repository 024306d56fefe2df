"""The Atom feed: read by a real parser, with ids that stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import feedparser

from verifier.feed import KEPT, LISTED, Places, atom
from verifier.records import Change, Run

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ORIGIN = "ab" * 32


def change(
    source_id: str, before: str, after: str, *, axis: str = "link", reason: str = ""
) -> Change:
    """One piece of news."""
    return Change(source_id=source_id, axis=axis, before=before, after=after, reason=reason)


def run(number: int, *news: Change) -> Run:
    """A conclusive round; each is a day after the one before."""
    started = NOW - timedelta(days=30 - number)
    return Run(
        id=number,
        started_at=started,
        ended_at=started + timedelta(minutes=3),
        outcome="conclusive",
        news=news,
    )


def read(document: bytes) -> Any:
    """What a reader's program makes of it; it must find nothing to complain of."""
    found = feedparser.parse(document)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


def test_a_change_becomes_an_entry_that_links_to_the_source() -> None:
    """A reader of the feed wants to be on the source's page with one click."""
    places = Places(
        feed="https://v.example/-/changes.atom",
        site="https://v.example/",
        source=lambda id: f"https://v.example/audit/audit/{id}",
    )

    found = read(
        atom(
            [run(7, change("a", "live", "dead", reason="gone-410: twice"))],
            origin=ORIGIN,
            now=NOW,
            titles={"a": "Report <of> 1998 & after"},
            places=places,
        )
    )

    (entry,) = found.entries
    assert entry.title == "Report <of> 1998 & after: link live → dead"
    assert entry.link == "https://v.example/audit/audit/a"
    assert entry.updated == "2026-11-05T12:03:00Z" == found.feed.updated
    assert entry.content[0].value.startswith("a: link live → dead (gone-410: twice)")
    assert {(link.rel, link.href) for link in found.feed.links} == {
        ("self", "https://v.example/-/changes.atom"),
        ("alternate", "https://v.example/"),
    }


def test_ids_stay_whatever_else_changes() -> None:
    """With another id everything old is new again in every reader's program."""
    news = run(7, change("a", "live", "dead"), change("b", "found", "absent", axis="quote"))

    before = read(atom([news], origin=ORIGIN, now=NOW))
    after = read(
        atom(
            [run(8, change("a", "dead", "live")), news],
            origin=ORIGIN,
            now=NOW + timedelta(days=3),
            titles={"a": "Another title"},
            places=Places(site="https://moved.example/"),
        )
    )
    elsewhere = read(atom([news], origin="cd" * 32, now=NOW))

    ids = [entry.id for entry in after.entries]
    assert before.feed.id == after.feed.id
    assert [entry.id for entry in before.entries] == ids[1:]
    assert len(set(ids)) == 3
    assert not {entry.id for entry in elsewhere.entries} & set(ids)
    assert elsewhere.feed.id != before.feed.id


def test_what_rfc_4287_requires_is_there() -> None:
    """Section 4.1: id, title, updated, an author; an entry without a link has content."""
    document = atom([run(1, change("a", "live", "dead"))], origin=ORIGIN, now=NOW)

    name = "{http://www.w3.org/2005/Atom}"
    feed = ElementTree.fromstring(document)
    assert feed.tag == f"{name}feed"
    for element in (feed, feed.find(f"{name}entry")):
        assert element is not None
        for child in ("id", "title", "updated"):
            assert len(element.findall(name + child)) == 1
    assert feed.findtext(f"{name}author/{name}name") == "Verifier"
    assert feed.find(f"{name}entry/{name}link") is None
    assert feed.findtext(f"{name}entry/{name}content")


def test_a_feed_before_the_first_round_is_valid() -> None:
    """The address is often subscribed to on the day of the set-up."""
    found = read(atom([], origin="", now=NOW))

    assert found.entries == []
    assert found.feed.updated == "2026-11-28T12:00:00Z"


def test_new_sources_are_news_only_when_they_are_bad() -> None:
    """A first round over 5,000 sources would flood every reader."""
    found = read(
        atom(
            [
                run(
                    1,
                    change("fine", "", "live"),
                    change("gone", "", "dead", reason="no-host"),
                    change("wrong", "", "absent", axis="quote"),
                )
            ],
            origin=ORIGIN,
            now=NOW,
        )
    )

    assert [entry.title for entry in found.entries] == [
        "gone: link dead from the first look on",
        "wrong: quote absent from the first look on",
    ]


def test_a_flood_of_news_is_counted() -> None:
    """After an outage thousands of answers may change at once; a feed is no dump."""
    many = [change(f"s{number:04}", "dead", "live") for number in range(LISTED + 23)]

    found = read(atom([run(1, *many)], origin=ORIGIN, now=NOW))

    assert len(found.entries) == LISTED + 1
    assert found.entries[-1].title == "23 more answers changed"


def test_the_feed_has_an_end() -> None:
    """It is fetched every hour by everybody who subscribed."""
    busy = [run(n, *(change(f"s{m}", "dead", "live") for m in range(90))) for n in range(1, 9)]

    found = read(atom(busy, origin=ORIGIN, now=NOW))

    assert len(found.entries) == KEPT
    assert found.entries[0].updated == found.feed.updated
    assert found.entries[-1].updated < found.entries[0].updated


def test_words_of_others_cannot_break_the_document() -> None:
    """Reasons quote servers; a control character would end the feed for strict parsers."""
    nasty = "a\x00b\x1b[31m\ufffe\uffff\ud800 ]]> <script>\u202e&amp;"

    found = read(
        atom([run(1, change("x\x07y", "live", "dead", reason=nasty))], origin=ORIGIN, now=NOW)
    )

    (entry,) = found.entries
    assert "<script>" in entry.content[0].value
    assert not set(entry.content[0].value) & set("\x00\x07\x1b\ufffe\uffff\u202e")
