"""Reads one capture back from the archive: its bytes, and exactly which captures they came from."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from urllib.parse import quote

import httpx

from verifier import coding
from verifier.records import ArchivedHop, NotReplayed, Outcome, ReplayAnswer, Replayed
from verifier.spelling import SAFE
from verifier.wayback_answers import Elsewhere, Shown, one_line, read_replay, target_of

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0  # seconds
COPY_CAP = 20 << 20  # bytes of a copy, as it comes and after its content-decoding
HOPS = 5  # archived responses on the way to a copy (the contract)
DETOURS = 5  # of the archive's own, between archived responses
DOTS = re.compile(r"(?<=/)\.{1,2}(?=/|$)")
GZIP = b"\x1f\x8b"

Headers = tuple[tuple[bytes, bytes], ...]


async def read_back(
    client: httpx.AsyncClient, base_url: str, original: str, timestamp: str
) -> ReplayAnswer:
    """The bytes of one capture; see :meth:`verifier.wayback.Archive.read_back`.

    Raises:
        HTTPError, InvalidURL: No answer came, or none can be asked for.
    """
    hops: list[ArchivedHop] = []
    asked = (timestamp, original)
    for _ in range(HOPS + DETOURS):
        shown, headers, body = await _ask(client, base_url, *asked)
        found = read_replay(shown)
        if isinstance(found, NotReplayed):
            return _ended(found, hops)
        if not hops and found.timestamp != timestamp:
            return _neighbour(found, shown.redirect_reason)
        if isinstance(found, Elsewhere):
            asked = (found.timestamp, found.original)
            continue
        hops.append(found)
        following = target_of(shown.location, found) if 300 <= found.status < 400 else None
        if following is None:
            return _replayed(hops, headers, body)
        if len(hops) == HOPS:
            return Replayed(hops=tuple(hops), detail=f"more than {HOPS} archived redirects")
        asked = following
    detail = "the archive sends us in circles"
    return NotReplayed(outcome=Outcome.TROUBLE, detail=detail, hops=tuple(hops))


async def _ask(
    client: httpx.AsyncClient, base_url: str, timestamp: str, original: str
) -> tuple[Shown, Headers, bytes]:
    """What the archive shows for one capture in its original bytes, and these."""
    address = f"{base_url}/web/{timestamp}id_/{_within_a_path(original)}"
    headers = {"Accept": "*/*", "Accept-Encoding": "gzip"}
    times = httpx.Timeout(None, connect=CONNECT_TIMEOUT)  # who asks bounds the whole
    body = bytearray()
    async with client.stream("GET", address, headers=headers, timeout=times) as reply:
        async for chunk in reply.aiter_raw():
            body += chunk
            if len(body) > COPY_CAP:
                break
    log.debug("GET %s: %d, %d bytes", address, reply.status_code, len(body))
    told, raw = reply.headers, tuple(reply.headers.raw)
    content, _ = _content(raw, bytes(body))
    shown = Shown(
        status=reply.status_code,
        memento_datetime=told.get("Memento-Datetime", ""),
        link=_utf8(told.get("Link", "")),
        location=_utf8(told.get("Location", "")),
        redirect_reason=told.get("X-Archive-Redirect-Reason", ""),
        runtime_error=told.get("X-Archive-Wayback-Runtime-Error", ""),
        text=content[:20_000].decode("utf-8", "replace"),
    )
    return shown, raw, bytes(body)


def _within_a_path(original: str) -> str:
    """An address as it stands behind another: dots in it must not lead out of there."""
    path, mark, query = quote(original, safe=SAFE).partition("?")
    return DOTS.sub(lambda dots: dots[0].replace(".", "%2E"), path) + mark + query


def _replayed(hops: Sequence[ArchivedHop], headers: Headers, body: bytes) -> Replayed:
    content, problem = _content(headers, body[:COPY_CAP])
    return Replayed(
        hops=tuple(hops),
        headers=headers,
        body=body[:COPY_CAP],
        content=content,
        problem="cap" if len(body) > COPY_CAP else problem,
    )


def _content(headers: Headers, body: bytes) -> tuple[bytes, str]:
    """*body* without its content-encoding, and why that is not whole ("" when it is).

    The archive sends a gzip original as gzip whatever was asked, sometimes with a broken header
    or none (facts/wayback.md, 3 d): what begins like gzip and is no gzip file is undone, too.
    """

    def field(name: bytes) -> str:
        return ",".join(value.decode("latin-1") for key, value in headers if key.lower() == name)

    undone = coding.decode(body, field(b"content-encoding"), limit=COPY_CAP)
    if undone.content.startswith(GZIP) and "gzip" not in field(b"content-type"):
        again = coding.decode(undone.content, "gzip", limit=COPY_CAP)
        if not again.problem:
            problem = "" if undone.problem == "unknown-encoding" else undone.problem
            return again.content, problem
    return undone.content, undone.problem


def _ended(nothing: NotReplayed, hops: Sequence[ArchivedHop]) -> ReplayAnswer:
    """What it means that no further capture was shown after these."""
    if hops and nothing.outcome is Outcome.MISSING:
        detail = "the archived redirect leads to what was not archived"
        return Replayed(hops=tuple(hops), detail=detail)
    return NotReplayed(
        outcome=nothing.outcome, detail=nothing.detail, hops=tuple(hops), stop=nothing.stop
    )


def _neighbour(found: ArchivedHop | Elsewhere, how: str) -> NotReplayed:
    shown = "shows" if isinstance(found, ArchivedHop) else "points to"
    detail = f"the archive {shown} its capture of {found.timestamp} instead ({how or 'as if ours'})"
    return NotReplayed(outcome=Outcome.NOT_OURS, detail=one_line(detail), timestamp=found.timestamp)


def _utf8(header: str) -> str:
    """A header that may hold raw UTF-8, which httpx reads as ISO 8859-1 or ASCII."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
