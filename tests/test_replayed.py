"""What is stored of a copy that was read: only what can prove something is compared later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from verifier import replayed
from verifier.records import (
    ArchivedHop,
    Finding,
    NotReplayed,
    Outcome,
    Quote,
    ReadBack,
    Reading,
    Replayed,
    Seen,
    Snapshot,
    Source,
    Text,
)
from verifier.sight import Judged

URL, STAMP = "https://a.example/page", "20260110080000"
MADE = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
READ = datetime(2026, 1, 11, tzinfo=UTC)
HOP = ArchivedHop(url=URL, timestamp=STAMP, status=200)
COPY = Snapshot(
    id=7, run_id=1, address=URL, via="save", timestamp=STAMP, original=URL, captured_at=MADE,
    url="u", known_at=MADE,
)  # fmt: skip
SHOWN = Replayed(
    hops=(HOP,),
    headers=(
        (b"x-archive-orig-content-type", b"text/html; charset=koi8-r"),
        (b"x-archive-orig-content-encoding", b"gzip"),
        (b"x-archive-orig-cf-mitigated", b"challenge"),
        (b"Content-Type", b"text/html"),
        (b"Server", b"the archive's own"),
    ),
    body=b"packed",
    content=b"<p>words</p>",
)
TEXT = Text(visible="", main="", title="", sha256="cd", version=2, words=200)
SOURCES = (Source(id="a", url=URL, quote="the words"), Source(id="b", url=URL))


def read(answer: Replayed | NotReplayed) -> ReadBack:
    return replayed.reading_of(answer, COPY, run_id=1, now=READ)


def stored(
    text: Text | None, seen: Seen = Seen.ALIVE, answer: Replayed = SHOWN
) -> tuple[str, int, str]:
    """What is kept of that text."""
    said = Judged(
        reading=Reading(seen=seen, rule="lost", reason="as it says itself"),
        findings=(Finding(result=Quote.FOUND, reason="there"), None),
        text=text,
    )
    reading, _ = replayed.judged(read(answer), SOURCES, said)
    return reading.text_sha256, reading.text_version, reading.detail


def test_the_text_of_a_whole_page_is_kept_for_comparing() -> None:
    """With the extractor that read it: another's is no comparison."""
    assert stored(TEXT) == ("cd", 2, "")


@pytest.mark.parametrize(
    ("text", "seen", "answer"),
    [
        (replace(TEXT, words=24), Seen.ALIVE, SHOWN),
        (replace(TEXT, cut=True), Seen.ALIVE, SHOWN),
        (TEXT, Seen.ALIVE, replace(SHOWN, problem="cap")),
        (TEXT, Seen.FAILING, SHOWN),
        (TEXT, Seen.BLOCKED, SHOWN),
        (TEXT, Seen.HIJACKED, SHOWN),
        (TEXT, Seen.UNDECIDED, SHOWN),
    ],
    ids=["a few words", "cut", "cut on the way", "lost", "wall", "hijacked", "undecided"],
)
def test_a_text_that_many_pages_have_in_common_is_compared_with_none(
    text: Text, seen: Seen, answer: Replayed
) -> None:
    """A frame without a page is the same on all pages of a site, and half a text may be."""
    sha256, version, _ = stored(text, seen, answer)

    assert (sha256, version) == ("", 2)


@pytest.mark.parametrize("text", [None, replace(TEXT, unreadable="scan", sha256="")])
def test_where_there_is_no_text_none_is_claimed(text: Text | None) -> None:
    """Then nobody knows whether it differs."""
    assert stored(text)[:2] == ("", 0)


def test_what_looks_like_no_page_is_said_to() -> None:
    """A person who wonders why a copy differs finds the reason in its row."""
    assert "it looks like no page of the source: lost" in stored(TEXT, Seen.FAILING)[2]


def test_findings_are_those_of_the_sources_that_quote() -> None:
    """Each with the words it was looked for with, and the reading it came from."""
    said = Judged(
        reading=Reading(seen=Seen.ALIVE, rule="ok", reason=""),
        findings=(Finding(result=Quote.FOUND, reason="there"), None),
        text=TEXT,
    )

    reading, (found,) = replayed.judged(read(SHOWN), SOURCES, said)

    assert (found.source_id, found.snapshot_id, found.found_at) == ("a", 7, reading.read_at)
    assert (found.text_sha256, found.text_version) == ("cd", 2)


def test_an_archived_page_is_judged_by_its_own_headers() -> None:
    """The wall's mark and the encoding are in them; the archive's own say nothing of the page."""
    reply = replayed.as_reply(SHOWN, READ)

    assert reply is not None
    assert reply.last.header("cf-mitigated") == "challenge"
    assert reply.last.header("Content-Type") == "text/html; charset=koi8-r"
    assert reply.last.header("Server") == ""
    assert reply.last.header("Content-Encoding") == ""
    assert reply.content == SHOWN.content


@pytest.mark.parametrize("status", [301, 404, 500])
def test_words_are_looked_for_in_no_error_page(status: int) -> None:
    """They may stand there, in what was asked for."""
    assert replayed.as_reply(replace(SHOWN, hops=(replace(HOP, status=status),)), READ) is None


def test_what_was_shown_instead_is_told() -> None:
    """And its time is that of the capture that was shown, not of ours."""
    reading = read(NotReplayed(outcome=Outcome.NOT_OURS, detail="x", timestamp="20250101000000"))

    assert reading.outcome is Outcome.NOT_OURS
    assert reading.memento_datetime == datetime(2025, 1, 1, tzinfo=UTC)
    assert (reading.status, reading.original, reading.sha256) == (None, "", "")
