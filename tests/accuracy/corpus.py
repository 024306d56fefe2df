"""The labelled corpus in ``tests/corpus``: looks at pages, and quotations with texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests.typeset import pdf
from verifier.records import Hop, QuoteKind, Reply

ROOT = Path(__file__).parent.parent / "corpus"

HALVES = ("apart", "known")
"""Made apart from the rules, and with the rules in view."""

_CONTENT_TYPES = {
    "plain": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}
_MADE_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A look at a page, with what it should be called.

    Attributes:
        label: alive, moved, dead, parked, hijacked, blocked or undecided.
        reply: As it came over the wire; the last hop is the answer.
        quote: Words that stand on the page, or "".
        lang: Language of the page.
        before: The look at the page that stood there first, if one is kept.
    """

    half: str
    id: str
    label: str
    why: str
    reply: Reply
    quote: str
    lang: str
    before: Reply | None = None

    kind = QuoteKind.VERBATIM


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A quotation and the text in which it is looked for.

    Attributes:
        label: found, altered, absent, not_comparable or unreadable.
        content, content_type: The text as a server would send it.
        source_says: What stands there instead, where the label is altered; may be "".
    """

    half: str
    id: str
    label: str
    why: str
    quote: str
    kind: QuoteKind
    lang: str
    content: bytes
    content_type: str
    source_says: str


def looks(half: str) -> Iterator[Looked]:
    """The labelled looks of one half of the corpus, in the order of the file."""
    folder = ROOT / half / "pages"
    entries = {entry["id"]: entry for entry in _lines(folder / "pages.jsonl")}
    for entry in entries.values():
        before = entries.get(entry["baseline"] or "")
        yield Looked(
            half=half,
            id=entry["id"],
            label=entry["label"],
            why=entry["why"],
            reply=_reply(entry, folder),
            quote=entry["quote"],
            lang=entry["lang"],
            before=_reply(before, folder) if before is not None else None,
        )


def pairs(half: str) -> Iterator[Pair]:
    """The labelled quotations of one half of the corpus, in the order of the file."""
    folder = ROOT / half / "quotes"
    for entry in _lines(folder / "pairs.jsonl"):
        yield Pair(
            half=half,
            id=entry["id"],
            label=entry["label"],
            why=entry["why"],
            quote=entry["quote"],
            kind=QuoteKind(entry["kind"]),
            lang=entry["lang"],
            content=_content(folder / entry["text_file"], entry["media"]),
            content_type=entry.get("content_type", _CONTENT_TYPES[entry["media"]]),
            source_says=entry["source_says"],
        )


@cache
def _content(path: Path, media: str) -> bytes:
    """The bytes of a text; those of a PDF are typeset of its lines, a form feed between pages."""
    content = path.read_bytes()
    if media != "pdf" or content.startswith(b"%PDF-"):
        return content
    pages = content.decode("utf-8").removesuffix("\n").split("\f")
    return pdf(*(page.strip("\n").split("\n") for page in pages), ligatures=("ffi", "fi", "fl"))


def _reply(entry: dict[str, Any], folder: Path) -> Reply:
    hops = tuple(
        Hop(
            url=hop["url"],
            requested_at=_MADE_AT,
            request=b"",
            peer="192.0.2.1",
            version="HTTP/1.1",
            status=hop["status"],
            reason=hop["reason"].encode("latin-1", "replace"),
            headers=tuple(
                (name.encode("latin-1"), value.encode("utf-8")) for name, value in hop["headers"]
            ),
            body=(folder / hop["body"]).read_bytes() if hop["body"] else b"",
        )
        for hop in entry["hops"]
    )
    return Reply(hops=hops, content=hops[-1].body)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file with one on each line; none where there is no file."""
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
