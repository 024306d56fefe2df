"""What a look at an address means by today's rules: its text, what stands in it, its reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

from verifier import baseline as base
from verifier import quotes, text, verdict
from verifier.records import (
    Baseline,
    Fetched,
    Finding,
    NoReply,
    Probe,
    Quote,
    QuoteKind,
    Reading,
    Reply,
    Seen,
    Text,
    Wanted,
)

_JUDGED = frozenset({Seen.ALIVE, Seen.MOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a look means by today's rules.

    Attributes:
        findings: For each quotation that was looked for, in their order; None where there is
            none, no text, or a page that says nothing about what is quoted.
        likeness: What the page is like; None where nobody asked for that, or there is no text.
        good: It may be remembered as what the page was like when it was well.
        wanted: What is to be looked at before this is the answer; None when nothing is.
    """

    reading: Reading
    findings: tuple[Finding | None, ...]
    text: Text | None
    likeness: Baseline | None = None
    good: bool = False
    wanted: Wanted | None = None


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
    read: bool = True,
    baseline: Baseline | None = None,
    probes: Sequence[Probe] = (),
    like: bool = False,
) -> Judged:
    """What a look at an address means, by today's rules; a stored look as well as a fresh one.

    Args:
        wanted: What the sources that share the address quote; ``quote`` is "" where nothing.
        read: Extract the page's text although no quotation asks for it.
        baseline: What the page was like when it was first seen well.
        probes: What was seen beside the page.
        like: Say what the page is like, whatever the rules need of it.
    """
    seen = _text_of(fetched, read=read or any(one.quote for one in wanted))
    findings = [
        quotes.locate(one.quote, seen, kind=one.kind, lang=one.lang)
        if one.quote and seen is not None
        else None
        for one in wanted
    ]
    found = _found(findings)

    @cache
    def likeness() -> Baseline | None:
        if not isinstance(fetched, Reply) or seen is None or not seen.visible.strip():
            return None
        names = base.names_in(fetched.hops[0].url)
        return base.baseline_of(
            fetched.last.url, seen.title, seen.lang, seen.visible, without=names
        )

    title = seen.title if seen is not None else ""
    reading = verdict.read(
        fetched, title, quote_found=found, baseline=baseline, likeness=likeness, probes=probes
    )
    asked = verdict.second_look(
        fetched,
        reading,
        quoted=any(one.quote for one in wanted),
        missing=_missing(findings),
        baseline=baseline,
        likeness=likeness,
        probes=probes,
    )
    alive = reading.seen in _JUDGED
    if not alive:
        findings = [None] * len(findings)
    elif not _is_whole(fetched):  # what isn't there may be in what did not come
        findings = [each if _is(each, Quote.FOUND) else None for each in findings]
    return Judged(
        reading=reading,
        findings=tuple(findings),
        text=seen,
        likeness=likeness() if like else None,
        good=alive and _is_verified(fetched) and _is_whole(fetched) and not _missing(findings),
        wanted=asked,
    )


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
    """The text of what came; of what is no good answer, or where nobody asks, only the title."""
    match fetched:
        case Reply() if fetched.content:
            good = 200 <= fetched.last.status < 300
            reading = text.extract if good and read else text.glance
            return reading(fetched.content, fetched.last.header("Content-Type"))
        case _:
            return None


def _is_whole(fetched: Fetched) -> bool:
    """Whether nothing of the body is missing or still encoded."""
    match fetched:
        case Reply():
            return not (fetched.undecoded or fetched.last.truncated)
        case NoReply():
            return False


def _is_verified(fetched: Fetched) -> bool:
    return isinstance(fetched, Reply) and fetched.unverified is None


def _is(finding: Finding | None, result: Quote) -> bool:
    return finding is not None and finding.result is result


def _found(findings: Sequence[Finding | None]) -> bool | None:
    """Whether a quotation stands on the page; None when none was looked for in its text."""
    sought = {finding.result for finding in findings if finding is not None}
    if Quote.FOUND in sought:
        return True
    return False if sought & {Quote.ABSENT, Quote.ALTERED, Quote.UNREADABLE} else None


def _missing(findings: Sequence[Finding | None]) -> bool:
    """Whether quotations were looked for, and nothing near any of them stands on the page."""
    sought = [finding for finding in findings if finding is not None]
    return bool(sought) and all(_is(finding, Quote.ABSENT) for finding in sought)
