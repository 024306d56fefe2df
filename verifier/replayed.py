"""From what the archive showed of a copy to what is stored of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from verifier import rows, verdict
from verifier.records import (
    CopyFinding,
    Hop,
    NotReplayed,
    Outcome,
    ReadBack,
    ReplayAnswer,
    Replayed,
    Reply,
    Seen,
    Snapshot,
    Source,
)
from verifier.sight import Judged

ENOUGH_WORDS = 25
"""Of a main text, to be compared: a notice of rights and a line of links are on every page."""

_ORIGINAL = b"x-archive-orig-"
_OF_THE_WIRE = (b"content-encoding", b"content-length", b"transfer-encoding")


def reading_of(answer: ReplayAnswer, snapshot: Snapshot, *, run_id: int, now: datetime) -> ReadBack:
    """The row of an answer, before anybody looked at what the copy says."""
    reading = ReadBack(
        run_id=run_id,
        snapshot_id=snapshot.id,
        read_at=now,
        outcome=Outcome.MEMENTO,
        hops=answer.hops,
        detail=answer.detail,
    )
    match answer:
        case NotReplayed():
            shown = answer.hops[0].timestamp if answer.hops else answer.timestamp
            return replace(reading, outcome=answer.outcome, memento_datetime=_at(shown))
        case Replayed():
            last = answer.hops[-1]
            whole = answer.content and not answer.problem
            return replace(
                reading,
                memento_datetime=_at(answer.hops[0].timestamp),
                status=last.status,
                original=last.url,
                sha256=hashlib.sha256(answer.content).hexdigest() if whole else "",
                detail=answer.detail or (f"not whole: {answer.problem}" if answer.problem else ""),
            )


def _at(timestamp: str) -> datetime | None:
    """The time of 14 digits; None for those of no time, which the archive has, too."""
    try:
        return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def as_reply(answer: ReplayAnswer, at: datetime) -> Reply | None:
    """What was archived, as if its site had answered so; None unless it is a page (2xx)."""
    if not isinstance(answer, Replayed) or not answer.content:
        return None
    if not 200 <= answer.hops[-1].status < 300:
        return None
    hops = [
        Hop(
            url=hop.url,
            requested_at=at,
            request=b"",
            peer="",
            version="HTTP/1.1",
            status=hop.status,
            reason=b"",
            headers=(),
            body=b"",
        )
        for hop in answer.hops
    ]
    hops[-1] = replace(hops[-1], headers=_original(answer.headers), body=answer.content)
    return Reply(hops=tuple(hops), content=answer.content, undecoded=answer.problem)


def _original(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[bytes, bytes], ...]:
    """The archived response's own headers, without those that went with its bytes."""
    told = [
        (name[len(_ORIGINAL) :], value)
        for name, value in headers
        if name.lower().startswith(_ORIGINAL)
    ]
    told = [(name, value) for name, value in told if name.lower() not in _OF_THE_WIRE]
    if not any(name.lower() == b"content-type" for name, _ in told):
        told += [(name, value) for name, value in headers if name.lower() == b"content-type"]
    return tuple(told)


def judged(
    reading: ReadBack, sources: Sequence[Source], said: Judged
) -> tuple[ReadBack, list[CopyFinding]]:
    """The row with the text of the copy, and where the quotations stand in it.

    A text has a digest only where it can prove something: half a text, a few words that many pages
    have in common, and the text of an error page are the same for different pages.
    """
    text = said.text
    readable = text is not None and not text.unreadable
    taken = said.reading.seen in (Seen.ALIVE, Seen.MOVED)
    odd = "" if taken else f"it looks like no page of the source: {verdict.why(said.reading)}"
    if text is not None and readable:
        proves = taken and bool(reading.sha256) and not text.cut and text.words >= ENOUGH_WORDS
        reading = replace(
            reading, text_sha256=text.sha256 if proves else "", text_version=text.version
        )
    reading = replace(reading, detail="; ".join(filter(None, (reading.detail, odd))))
    found = [
        CopyFinding(
            source_id=source.id,
            snapshot_id=reading.snapshot_id,
            found_at=reading.read_at,
            quote_sha256=rows.quote_sha256(source.quote),
            finding=finding,
            text_sha256=reading.text_sha256,
            text_version=reading.text_version,
            rules_version=verdict.RULES_VERSION,
        )
        for source, finding in zip(sources, said.findings, strict=True)
        if finding is not None and source.quote
    ]
    return reading, found
