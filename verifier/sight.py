"""What a look at an address means by today's rules: its text, what stands in it, its reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from verifier import quotes, text, verdict
from verifier.records import (
    Baseline,
    Fetched,
    Finding,
    Quote,
    QuoteKind,
    Reading,
    Reply,
    Seen,
    Text,
)

_JUDGED = frozenset({Seen.ALIVE, Seen.MOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a look means by today's rules.

    Attributes:
        findings: For each quotation that was looked for, in their order; None where there is
            none, no text, or a page that says nothing about what is quoted.
    """

    reading: Reading
    findings: tuple[Finding | None, ...]
    text: Text | None


class Quoting(Protocol):
    """What is looked for: words, what kind of quotation they are, and their language."""

    @property
    def quote(self) -> str: ...
    @property
    def kind(self) -> QuoteKind: ...
    @property
    def lang(self) -> str: ...


def judge(
    fetched: Fetched,
    wanted: Sequence[Quoting],
    *,
    read: bool = False,
    baseline: Baseline | None = None,
) -> Judged:
    """What a look at an address means, by today's rules; a stored look as well as a fresh one.

    Args:
        wanted: What the sources that share the address quote; ``quote`` is "" where nothing.
        read: Extract the page's text although no quotation asks for it.
        baseline: What the page was like when it was first seen well.
    """
    seen = _text_of(fetched, read=read or any(one.quote for one in wanted))
    findings = [
        quotes.locate(one.quote, seen, kind=one.kind, lang=one.lang)
        if one.quote and seen is not None
        else None
        for one in wanted
    ]
    found = _found(findings)
    title = seen.title if seen else ""
    reading = verdict.read(fetched, title, quote_found=found, baseline=baseline)
    if reading.seen not in _JUDGED:
        findings = [None] * len(findings)
    return Judged(reading=reading, findings=tuple(findings), text=seen)


def unseen(fetched: Reply, wanted: Sequence[Quoting], *, why: str) -> Judged:
    """What a look means at a page that nobody could read: its status and headers alone count.

    Args:
        why: For people: what kept us from reading it. Never the page's fault before a judge:
            no quotation is missing, and no link is dead, because we could not read.
    """
    seen = Text(visible="", main="", title="", sha256="", version=text.TEXT_VERSION, unreadable=why)
    bare = replace(fetched, content=b"", undecoded=fetched.undecoded or "unknown-encoding")
    reading = verdict.read(bare)
    findings = (
        quotes.locate(one.quote, seen, kind=one.kind, lang=one.lang)
        if one.quote and reading.seen in _JUDGED
        else None
        for one in wanted
    )
    return Judged(reading=reading, findings=tuple(findings), text=seen)


def without_words(judged: Judged) -> Judged:
    """*judged* without the page's text: its title and hash stay, and the findings' passages."""
    if judged.text is None:
        return judged
    return replace(judged, text=replace(judged.text, visible="", main="", pages=()))


def _text_of(fetched: Fetched, *, read: bool) -> Text | None:
    """The text of what came, or only its title when nobody looks for words in it."""
    match fetched:
        case Reply() if fetched.content:
            kind = fetched.last.header("Content-Type")
            return (text.extract if read else text.glance)(fetched.content, kind)
        case _:
            return None


def _found(findings: Sequence[Finding | None]) -> bool | None:
    """Whether a quotation stands on the page; None when none was looked for in its text."""
    sought = {finding.result for finding in findings if finding is not None}
    if Quote.FOUND in sought:
        return True
    return False if sought & {Quote.ABSENT, Quote.ALTERED, Quote.UNREADABLE} else None
