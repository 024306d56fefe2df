"""The archived copy of a check, out of the WARC files, shown so that nothing in it can act."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

from datasette import NotFound, Response

from verifier import warc
from verifier.errors import IntegrityError, StorageError
from verifier.records import StoredResponse
from verifier.site import headers, ours
from verifier.site.cells import is_web_address
from verifier.text import decoded

_ARMED = re.compile(r"<(/?)(link|frame|iframe)(?=[\s/>])", re.IGNORECASE)
_INERT = {"link": "bgsound", "frame": "bgsound", "iframe": "noembed"}
_HTML = ("text/html", "application/xhtml+xml")
_DOWNLOADS = {"application/pdf": "pdf"}  # others go as bytes without a meaning

_CAPTURE = """
select id, url, captured_at, hop, status, content_type, file, offset, record_id, sha256,
       payload_sha256, payload_sha1, body_length, truncated, revisit_of
from captures where id = ?
"""
_CITED_BY = """
select distinct audit.id, coalesce(nullif(audit.title, ''), audit.claim) as title
from checks join audit on audit.id = checks.source_id
where checks.capture_id = ? order by audit.id limit 20
"""


async def page(request: Any, datasette: Any) -> Any:
    """Provenance, with the document below it in a frame that is sandboxed twice."""
    capture = await _capture(request, datasette)
    try:
        holder, stored = await _stored(datasette, capture)
    except StorageError as error:
        return await _unavailable(datasette, request, capture, error)
    cited_by = await datasette.get_database(ours.DATABASE).execute(_CITED_BY, [capture["id"]])
    location = stored.header("Location")
    context = {
        "capture": capture,
        "holder": holder,
        "size": len(stored.content),
        "shown": _is_shown(capture) and bool(stored.content),
        "download": bool(stored.content),
        "location": location,
        "location_is_web": is_web_address(location),
        "url_is_web": is_web_address(capture["url"]),
        "cited_by": [dict(row) for row in cited_by.rows],
        "document": datasette.urls.path(f"/-/archived/{capture['id']}/document"),
    }
    html = await datasette.render_template("verifier_archived.html", context, request=request)
    return Response.html(html, headers=_page_headers())


async def document(request: Any, datasette: Any) -> Any:
    """The document alone, under a policy that lets nothing in it run, load, submit or open."""
    capture = await _capture(request, datasette)
    try:
        _, stored = await _stored(datasette, capture)
    except StorageError as error:
        return await _unavailable(datasette, request, capture, error)
    media = _media(capture)
    answer = {
        "Content-Security-Policy": headers.DOCUMENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-DNS-Prefetch-Control": "off",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "private, max-age=0",
    }
    if _is_shown(capture):
        kind = "text/html" if media in _HTML else "text/plain"
        words = decoded(stored.content, capture["content_type"])
        if kind == "text/html":
            words = _disarmed(words)
        body = words.encode("utf-8", "replace")
        return Response(body, headers=answer, content_type=f"{kind}; charset=utf-8")
    ending = _DOWNLOADS.get(media)
    answer["Content-Disposition"] = f'attachment; filename="copy-{capture["id"]}.{ending or "bin"}"'
    kind = media if ending else "application/octet-stream"
    return Response(stored.content, headers=answer, content_type=kind)


def _disarmed(html: str) -> str:
    """*html* with ``link``, ``iframe`` and ``frame`` elements made inert.

    For these Chromium opens connections before, or whatever, a policy says (``rel=preconnect``;
    a frame's address; measured with 156), and so tells the site that somebody reads its archived
    page. The elements named instead do nothing, and are parsed as those they stand for: void in
    the head, or with raw text inside.
    """
    return _ARMED.sub(lambda tag: f"<{tag[1]}{_INERT[tag[2].lower()]}", html)


async def _capture(request: Any, datasette: Any) -> dict[str, Any]:
    """The row of ``captures`` that the address names, for visitors who may see that table."""
    if not ours.is_ours(datasette):
        raise NotFound("There are no archived copies here")
    await datasette.ensure_permissions(
        request.actor,
        [
            ("view-table", (ours.DATABASE, "captures")),
            ("view-database", ours.DATABASE),
            "view-instance",
        ],
    )
    capture = await _row(datasette, int(request.url_vars["capture"]))
    if capture is None:
        raise NotFound("There is no archived copy of that number")
    return capture


async def _row(datasette: Any, number: int) -> dict[str, Any] | None:
    found = await datasette.get_database(ours.DATABASE).execute(_CAPTURE, [number])
    row = found.first()
    return dict(row) if row is not None else None


async def _stored(datasette: Any, capture: dict[str, Any]) -> tuple[dict[str, Any], StoredResponse]:
    """The capture that holds the bytes, and the response as it was stored.

    Raises:
        IntegrityError: The bytes are not those that the database knows.
        StorageError: They cannot be read.
    """
    holder = capture
    if capture["revisit_of"] is not None:
        earlier = await _row(datasette, capture["revisit_of"])
        if earlier is None:
            problem = f"the capture {capture['revisit_of']}, which holds the bytes, is missing"
            raise IntegrityError(f"capture {capture['id']}", problem)
        holder = earlier
    folder = ours.warc_folder(datasette)
    return holder, await asyncio.to_thread(_read, folder, holder, capture["payload_sha256"])


def _read(folder: Path, holder: dict[str, Any], payload_sha256: str) -> StoredResponse:
    stored = warc.read(folder, holder["file"], holder["offset"])
    digest = hashlib.sha256(stored.body).hexdigest()
    # a record can agree with itself and still not be the one that was checked
    if stored.record_id != holder["record_id"] or digest != payload_sha256:
        raise IntegrityError(
            f"{holder['file']}, offset {holder['offset']}",
            "the record is not the one that the database knows",
        )
    return stored


def _media(capture: dict[str, Any]) -> str:
    return str(capture["content_type"]).partition(";")[0].strip().lower()


def _is_shown(capture: dict[str, Any]) -> bool:
    """Whether browsers show such a document in a sandbox; Chromium shows no PDF there."""
    return _media(capture) in (*_HTML, "text/plain")


def _page_headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": headers.site_policy(),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


async def _unavailable(
    datasette: Any, request: Any, capture: dict[str, Any], error: StorageError
) -> Any:
    context = {
        "capture": capture,
        "altered": isinstance(error, IntegrityError),
        "problem": error.problem,
        "url_is_web": is_web_address(capture["url"]),
    }
    html = await datasette.render_template("verifier_unavailable.html", context, request=request)
    return Response.html(html, status=500, headers=_page_headers())
