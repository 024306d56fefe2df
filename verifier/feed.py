"""What changed in the last rounds, as an Atom feed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from xml.etree import ElementTree

from verifier.attention import plain, plural, short, stamp
from verifier.news import headlines
from verifier.records import Change, Copy, Link, Quote, Run

LISTED = 100
"""Changes of one round that get an entry each; the rest of them share one."""

KEPT = 300
"""Entries of a feed: readers' programs fetch it every hour, and keep what they have seen."""

_NAMESPACE = "http://www.w3.org/2005/Atom"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NO_CHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF))  # XML 1.0, section 2.2
_BAD_FROM_THE_START = frozenset(
    {Link.DEAD, Link.HIJACKED, Link.INVALID, Quote.ALTERED, Quote.ABSENT, Copy.LOST}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the feed and what it speaks of can be read; all may be unknown.

    Attributes:
        feed: Address of the feed itself.
        site: Address of the page that it is about.
        source: The address of a source's page, by its id.
    """

    feed: str = ""
    site: str = ""
    source: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    key: str
    title: str
    words: str
    source_id: str = ""
    category: str = ""


def atom(
    runs: Sequence[Run],
    *,
    origin: str,
    now: datetime,
    titles: Mapping[str, str] | None = None,
    places: Places | None = None,
    title: str = "Cited sources: what changed",
) -> bytes:
    """The news of rounds, the newest round first and in it the bad news first.

    The ids of feed and entries are the same at every address and in every edition: they are
    made of *origin*, the round's number, the source and the axis.

    Args:
        runs: Rounds that derived answers, in any order.
        origin: What tells this ledger from all others: the first link of its chain.
        now: The present: when a feed without rounds was made.
        titles: Of sources, by id.

    Returns:
        A document in UTF-8, with its declaration.

    Source: RFC 4287; ids as RFC 4122, section 4.3, name-based.
    """
    places = places or Places()
    newest = sorted(runs, key=lambda run: run.id, reverse=True)
    feed = ElementTree.Element("feed", {"xmlns": _NAMESPACE, _LANGUAGE: "en"})
    _text(feed, "id", _urn(f"verifier/{origin}"))
    _text(feed, "title", title)
    _text(feed, "updated", stamp(_time_of(newest[0]) if newest else now))
    _text(ElementTree.SubElement(feed, "author"), "name", "Verifier")
    _link(feed, "self", places.feed)
    _link(feed, "alternate", places.site)
    every = ((run, entry) for run in newest for entry in _entries(run, titles or {}))
    for run, entry in islice(every, KEPT):
        element = ElementTree.SubElement(feed, "entry")
        _text(element, "id", _urn(f"verifier/{origin}/{run.id}/{entry.key}"))
        _text(element, "title", entry.title)
        _text(element, "updated", stamp(_time_of(run)))
        if entry.source_id and places.source is not None:
            _link(element, "alternate", places.source(entry.source_id))
        elif places.site:
            _link(element, "alternate", places.site)
        if entry.category:
            ElementTree.SubElement(element, "category", term=entry.category)
        _text(element, "content", entry.words).set("type", "text")
    ElementTree.indent(feed)
    document: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _entries(run: Run, titles: Mapping[str, str]) -> Iterator[_Entry]:
    where = f"Round {run.id}, {stamp(_time_of(run))}."
    told = [(line.source_id, line.axis, line.words) for line in headlines(run.news, ())]
    told += [(change.source_id, change.axis, _first_answer(change)) for change in _born_bad(run)]
    for source_id, axis, words in told[:LISTED]:
        name = short(titles.get(source_id, ""), 120)
        yield _Entry(
            key=f"{source_id}/{axis}" if source_id else words,
            title=f"{name or source_id}: {words.partition(' (')[0]}".removeprefix(": "),
            words=f"{source_id}: {words}. {where}".removeprefix(": "),
            source_id=source_id,
            category=axis,
        )
    if len(told) > LISTED:
        words = f"{plural(len(told) - LISTED, 'more answer', 'more answers')} changed"
        yield _Entry(key="more", title=words, words=f"{words}. {where}")


def _born_bad(run: Run) -> Iterator[Change]:
    """First answers of new sources that somebody has to know of."""
    for change in run.news:
        if not change.before and change.after in _BAD_FROM_THE_START:
            yield change


def _first_answer(change: Change) -> str:
    why = f" ({short(change.reason, 200)})" if change.reason else ""
    return f"{change.axis} {change.after} from the first look on{why}"


def _time_of(run: Run) -> datetime:
    return run.ended_at or run.started_at


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn


def _text(parent: ElementTree.Element, name: str, words: str | None) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = plain(words or "").translate(_NO_CHARACTERS)
    return element


def _link(parent: ElementTree.Element, relation: str, address: str) -> None:
    if address:
        ElementTree.SubElement(parent, "link", rel=relation, href=address)
