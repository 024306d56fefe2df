"""The archived copy of a check, out of the WARC files, shown so that nothing in it can act."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent

from datasette import NotFound, Response
from datasette.utils import tilde_encode

from verifier import text, warc
from verifier.errors import IntegrityError, MachineError, StorageError
from verifier.parsing import UnparsedError
from verifier.pictures import Picture
from verifier.records import Quote, QuoteKind, StoredResponse
from verifier.shown import MARK, Shown
from verifier.site import headers, ours, reading
from verifier.site.cells import badge, is_web_address

CHOICE = 200
"""Copies among which a reader chooses two; any others are compared by their numbers."""

_SHOWN = ("html", "plain")
_DOWNLOADS = {"pdf": ("application/pdf", "pdf")}  # others go as bytes without a meaning

_CAPTURE = """
select id, run_id, url, captured_at, hop, status, content_type, file, offset, length, record_id,
       sha256, payload_sha256, payload_sha1, body_length, truncated, revisit_of
from captures where id = ?
"""
_CITED_BY = """
select s.id, coalesce(nullif(s.title, ''), nullif(s.claim, ''), s.id) as title,
       s.quote, s.quote_kind, s.lang, s.address, a.id is not null as listed
from sources s left join audit a on a.id = s.id
where s.id in (select source_id from checks where capture_id = :capture)
order by s.id = :wanted desc, s.quote = '', s.line limit 20
"""
_FINDING = """
select f.result, f.page from quote_findings f
join sources s on s.id = f.source_id and s.quote_sha256 = f.quote_sha256
where f.source_id = ? and f.capture_id = ? order by f.id desc limit 1
"""
_OTHERS = """
select id, captured_at, sha256 from captures where url = ? and id <> ? and status < 300
order by id desc limit 10
"""
_CHOICE = f"""
select id, captured_at, status, sha256, url from captures
where url = :url or id in (
  select capture_id from checks
  where source_id in (select source_id from checks where capture_id = :id)
)
order by id desc limit {CHOICE}
"""  # noqa: S608 - a number of ours
_ELSEWHERE = """
select archive, timestamp, captured_at, url from snapshots where address = ?
order by timestamp desc limit 5
"""

STYLE = (resources.files("verifier.site") / "static" / "document.css").read_text("utf-8")
DOCUMENT_POLICY = (
    "sandbox; default-src 'none'; style-src 'sha256-"
    f"{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""For archived documents: nothing runs, loads, submits or opens; they may stand in our frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An archived response, with what somebody wants to see in it.

    Attributes:
        capture, holder: Rows of ``captures``: the one asked for, and the one with the bytes.
        kind: Of the body, as :func:`verifier.text.kind_of` tells it.
        sources: Who cites it, the chosen one first.
    """

    capture: dict[str, Any]
    holder: dict[str, Any]
    stored: StoredResponse
    kind: str
    sources: tuple[dict[str, Any], ...]

    @property
    def source(self) -> dict[str, Any] | None:
        """Whose words are to be marked."""
        return self.sources[0] if self.sources else None

    async def shown(self) -> Shown:
        """The document with the words marked; of a kind that can be shown.

        Raises:
            UnparsedError: It can't be read safely.
        """
        media = self.capture["content_type"]
        key = self.capture["payload_sha256"], media
        told: Shown = await reading.ask(
            "document", self.stored.content, media, key=key, **self._sought()
        )
        return told

    async def picture(self, number: int) -> Picture:
        """A page of a PDF with the words marked.

        Raises:
            UnparsedError: It can't be read safely.
        """
        key = self.capture["payload_sha256"], number
        told: Picture = await reading.ask(
            "picture", self.stored.content, number, key=key, **self._sought()
        )
        return told

    def _sought(self) -> dict[str, Any]:
        source = self.source or {"quote": "", "quote_kind": QuoteKind.VERBATIM, "lang": ""}
        return {
            "quotation": source["quote"],
            "kind": QuoteKind(source["quote_kind"]),
            "lang": source["lang"],
        }


async def page(request: Any, datasette: Any) -> Any:
    """Provenance, with the document below it in a frame that is sandboxed twice."""
    capture = await capture_of(request, datasette)
    try:
        copy = await copy_of(request, datasette, capture)
    except StorageError as error:
        return await unavailable(datasette, request, capture, error)
    database = datasette.get_database(ours.DATABASE)
    source = copy.source
    context = _provenance(copy, datasette) | {
        "others": await _rows(database, _OTHERS, [capture["url"], capture["id"]]),
        "elsewhere": await _rows(database, _ELSEWHERE, [source["address"]]) if source else [],
        **await choice(datasette, capture),
    }
    try:
        if copy.kind in _SHOWN:
            told = await copy.shown()
            context |= {"told": told, "marking": _marking(told.result, marked=told.marked)}
        elif copy.kind == "pdf":
            context |= await _leaf(request, datasette, copy)
    except UnparsedError as error:
        context["unread"] = error.why
    except MachineError as error:
        context["unread"] = str(error)
    html = await datasette.render_template("verifier_archived.html", context, request=request)
    return Response.html(html, headers=page_headers())


def _provenance(copy: Copy, datasette: Any) -> dict[str, Any]:
    capture, stored, source = copy.capture, copy.stored, copy.source
    chosen = f"?source={percent(source['id'], safe='')}" if source else ""
    place = f"/-/archived/{capture['id']}"
    location = stored.header("Location")
    return {
        "capture": capture,
        "holder": copy.holder,
        "size": len(stored.content),
        "kind": copy.kind,
        "location": location,
        "location_is_web": is_web_address(location),
        "url_is_web": is_web_address(capture["url"]),
        "source": source,
        "sources": copy.sources,
        "source_page": source_page(datasette, source),
        "chosen": lambda one: datasette.urls.path(f"{place}?source={percent(one['id'], safe='')}"),
        "copy_page": lambda one: datasette.urls.path(f"/-/archived/{one['id']}{chosen}"),
        "compared": lambda one: datasette.urls.path(
            f"/-/archived/{one['id']}/against/{capture['id']}"
        ),
        "document": datasette.urls.path(f"{place}/document{chosen}"),
        "body": datasette.urls.path(f"{place}/body"),
        "record": datasette.urls.path(f"{place}/record.warc.gz"),
        "mark": MARK,
        "badge": badge,
        "is_web": is_web_address,
    }


def source_page(datasette: Any, source: dict[str, Any] | None) -> str:
    """Where a source that cites a copy is shown; of one that left sources.csv its row is left."""
    if source is None:
        return ""
    table = "audit" if source["listed"] else "sources"
    return str(datasette.urls.row(ours.DATABASE, table, tilde_encode(source["id"])))


async def _leaf(request: Any, datasette: Any, copy: Copy) -> dict[str, Any]:
    """The page of a PDF that is asked for, or else the one with the words."""
    database = datasette.get_database(ours.DATABASE)
    source = copy.source
    which = [source["id"], copy.capture["id"]] if source else ["", 0]
    found = next(iter(await _rows(database, _FINDING, which)), {"page": None})
    asked = request.args.get("page") or ""
    number = int(asked) if asked.isdecimal() and len(asked) < 7 else found["page"] or 1
    told = await copy.picture(number)
    if told.unreadable:
        return {"unread": told.unreadable}
    chosen = f"source={percent(source['id'], safe='')}" if source else ""
    place = f"/-/archived/{copy.capture['id']}"
    return {
        "picture": told,
        "words_on": found["page"],
        "marking": _marking(told.result, marked=True) if told.boxes else "",
        "png": datasette.urls.path(f"{place}/page-{told.number}.png?{chosen}".rstrip("?")),
        "leaf": lambda n: datasette.urls.path(f"{place}?{chosen}&page={n}".replace("?&", "?")),
    }


def _marking(result: Quote, *, marked: bool) -> str:
    """What the mark is about, in words."""
    if result is Quote.NO_QUOTE:
        return ""
    if result is Quote.FOUND:
        return "The quoted words are marked." if marked else "The quoted words stand here."
    if marked:
        return "These are not the quoted words: the nearest passage is marked."
    return "The quoted words do not stand here, and nothing near them does."


async def document(request: Any, datasette: Any) -> Any:
    """The document alone, under a policy that lets nothing in it run, load, submit or open."""
    capture = await capture_of(request, datasette)
    try:
        copy = await copy_of(request, datasette, capture)
        if copy.kind not in _SHOWN:
            raise NotFound("Such a document isn't shown")
        told = await copy.shown()
    except StorageError as error:
        return await unavailable(datasette, request, capture, error)
    except UnparsedError as error:
        raise NotFound(f"This document can't be read safely: {error.why}") from error
    context = {"told": told, "capture": capture, "style": STYLE}
    html = await datasette.render_template("verifier_document.html", context, request=request)
    return Response.html(html, headers={**_alone(), "Content-Security-Policy": DOCUMENT_POLICY})


async def picture(request: Any, datasette: Any) -> Any:
    """A page of a PDF as a PNG."""
    capture = await capture_of(request, datasette)
    try:
        copy = await copy_of(request, datasette, capture)
        if copy.kind != "pdf":
            raise NotFound("This copy has no pages")
        told = await copy.picture(int(request.url_vars["page"]))
    except StorageError as error:
        return await unavailable(datasette, request, capture, error)
    except UnparsedError as error:
        raise NotFound(f"This page can't be read safely: {error.why}") from error
    if told.unreadable or told.number != int(request.url_vars["page"]):
        raise NotFound("There is no such page")
    return Response(told.png, headers=_alone(), content_type="image/png")


async def body(request: Any, datasette: Any) -> Any:
    """The document's bytes after content-decoding, to be kept."""
    capture = await capture_of(request, datasette)
    try:
        copy = await copy_of(request, datasette, capture)
    except StorageError as error:
        return await unavailable(datasette, request, capture, error)
    media, ending = _DOWNLOADS.get(copy.kind, ("application/octet-stream", "bin"))
    return _download(copy.stored.content, media, f"copy-{capture['id']}.{ending}")


async def record(request: Any, datasette: Any) -> Any:
    """The WARC record as it lies in its file: a gzip member, which is a file of its own."""
    capture = await capture_of(request, datasette)
    folder = ours.warc_folder(datasette)
    place = capture["file"], capture["offset"], capture["length"]
    try:
        member = await asyncio.to_thread(warc.raw, folder, *place)
    except StorageError as error:
        return await unavailable(datasette, request, capture, error)
    return _download(member, "application/warc", f"copy-{capture['id']}.warc.gz")


def _download(content: bytes, media: str, name: str) -> Any:
    disposition = f'attachment; filename="{name}"'
    return Response(
        content, headers={**_alone(), "Content-Disposition": disposition}, content_type=media
    )


def _alone() -> dict[str, str]:
    """The headers of what came from others and must not act."""
    return {
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-DNS-Prefetch-Control": "off",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "private, max-age=0",
    }


async def choice(
    datasette: Any, capture: dict[str, Any], other: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What the form needs in which two copies are chosen to be compared.

    Args:
        other: What *capture*, the older one, is compared with. Without it, *capture* is compared
            with the newest before it that has other bytes, or else with the one before or after.
    """
    wanted = {"url": capture["url"], "id": capture["id"]}
    copies = await _rows(datasette.get_database(ours.DATABASE), _CHOICE, wanted)
    known = {one["id"] for one in copies}
    copies += [one for one in (capture, other) if one is not None and one["id"] not in known]
    older, newer = capture["id"], other["id"] if other is not None else None
    if newer is None:
        before = [one for one in copies if one["id"] < capture["id"]]
        changed = [one for one in before if one["sha256"] != capture["sha256"]]
        after = [one for one in copies if one["id"] > capture["id"]]
        nearest = next(iter([*changed, *before]), None)
        older, newer = (nearest["id"], older) if nearest else (older, (after or copies)[-1]["id"])
    return {
        "choice": copies,
        "chosen_older": older,
        "chosen_newer": newer,
        "compare": datasette.urls.path("/-/archived/against"),
    }


# ---- what is stored ----------------------------------------------------------------------


async def capture_of(request: Any, datasette: Any, name: str = "capture") -> dict[str, Any]:
    """The row of ``captures`` that the address names, for visitors who may see that table."""
    if not ours.keeps_copies(datasette):
        raise NotFound("There are no archived copies here")
    await datasette.ensure_permissions(
        request.actor,
        [
            ("view-table", (ours.DATABASE, "captures")),
            ("view-database", ours.DATABASE),
            "view-instance",
        ],
    )
    capture = await _row(datasette, int(request.url_vars[name]))
    if capture is None:
        raise NotFound("There is no archived copy of that number")
    return capture


async def copy_of(request: Any, datasette: Any, capture: dict[str, Any]) -> Copy:
    """The response as it was stored, and whose words are looked for in it.

    Raises:
        IntegrityError: The bytes are not those that the database knows.
        StorageError: They cannot be read.
    """
    holder, stored = await _stored(datasette, capture)
    database = datasette.get_database(ours.DATABASE)
    which = {"capture": capture["id"], "wanted": request.args.get("source") or ""}
    return Copy(
        capture=capture,
        holder=holder,
        stored=stored,
        kind=text.kind_of(stored.content, capture["content_type"]),
        sources=tuple(await _rows(database, _CITED_BY, which)),
    )


async def _row(datasette: Any, number: int) -> dict[str, Any] | None:
    found = await datasette.get_database(ours.DATABASE).execute(_CAPTURE, [number])
    row = found.first()
    return dict(row) if row is not None else None


async def _rows(database: Any, sql: str, values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in (await database.execute(sql, values)).rows]


async def _stored(datasette: Any, capture: dict[str, Any]) -> tuple[dict[str, Any], StoredResponse]:
    """The capture that holds the bytes, and the response as it was stored."""
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


def page_headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": headers.site_policy(),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


async def unavailable(
    datasette: Any, request: Any, capture: dict[str, Any], error: StorageError
) -> Any:
    context = {
        "capture": capture,
        "altered": isinstance(error, IntegrityError),
        "problem": error.problem,
        "url_is_web": is_web_address(capture["url"]),
    }
    html = await datasette.render_template("verifier_unavailable.html", context, request=request)
    return Response.html(html, status=500, headers=page_headers())
