"""A source's page: why it has its answers, what is quoted and what stands there, every copy."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent

from datasette.utils import tilde_decode

from verifier import citing, differences, evidence, explain, quotes, rows
from verifier.errors import InputError
from verifier.explain import Dossier, Evidence, Explanation, Found
from verifier.ledger import Ledger
from verifier.records import AuditRow, Finding, Link, Quote, Text
from verifier.shown import MARK
from verifier.site import ours
from verifier.site.cells import badge, is_web_address
from verifier.site.home import QUESTIONS

CHECKS = 20
"""Looks that are shown; the table ``checks`` has all."""

COPIES = 10
"""Copies of either kind that are shown."""

_GOOD = ("alive", "moved")

_CHECKS = """
select c.id, c.checked_at, c.status, c.failure, coalesce(n.seen, c.seen) as seen,
       coalesce(n.reason, c.reason) as reason, coalesce(n.text_sha256, c.text_sha256) as text,
       c.capture_id, c.elapsed_ms, c.run_id, r.outcome,
       (select result from quote_findings f where f.check_id = c.id and f.found_in = 'live'
        order by f.id desc limit 1) as quote
from checks c join runs r on r.id = c.run_id
left join readings n on n.id = (select max(id) from readings where check_id = c.id)
where c.source_id = ?
  and c.url not in (select url from alternatives a where a.source_id = c.source_id)
order by c.id desc limit ?
"""
_LAST = """
select id, checked_at, address, hops, headers, status, failure, detail, final_url, peer, elapsed_ms,
       content_type, sha256, payload_sha1, text_sha256, text_version, truncated, undecoded
from checks c where source_id = ?
  and url not in (select url from alternatives a where a.source_id = c.source_id)
order by id desc limit 1
"""
_CAPTURES = """
select p.id, p.captured_at, p.status, p.sha256, p.body_length, p.revisit_of, p.truncated,
       f.result as quote
from captures p left join quote_findings f on f.id = (
  select max(id) from quote_findings
  where source_id = :id and quote_sha256 = :quote and capture_id = p.id
)
where p.id in (select capture_id from checks where source_id = :id order by id desc limit 200)
order by p.id desc limit :most
"""
_SNAPSHOTS = """
select s.id, s.archive, s.timestamp, s.captured_at, s.url, s.status, s.agreement, s.lost_at,
       s.via, r.read_at, r.outcome, r.detail, f.result as quote
from snapshots s
left join readbacks r on r.id = (select max(id) from readbacks where snapshot_id = s.id)
left join quote_findings f on f.id = (
  select max(id) from quote_findings
  where source_id = :id and quote_sha256 = :quote and snapshot_id = s.id
)
where s.address = :address order by s.timestamp desc limit :most
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A part of a text, with how it is to be marked.

    Attributes:
        mark: "" (as it is), "other" (the other side says it otherwise), or "quoted".
    """

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """What is quoted, and what stands there.

    Attributes:
        printed, says: Either side's words, what differs marked; ``says`` is empty where nothing
            near stands there.
        passage: The surroundings in the page, with what is quoted marked.
        capture: The copy in which it stands, and ``page`` of it.
    """

    printed: tuple[Words, ...]
    says: tuple[Words, ...]
    passage: tuple[Words, ...]
    capture: int | None
    page: int | None


async def told(datasette: Any, request: Any) -> dict[str, Any] | None:
    """The values of the page's template, or None for an id that is no source's."""
    database = datasette.get_database(ours.DATABASE)
    id = tilde_decode(request.url_vars["pks"])
    read = partial(
        _read,
        id=id,
        path=Path(database.path),
        now=datetime.now(UTC),
        good_for=ours.copies_good_for(datasette),
    )
    found: dict[str, Any] | None = await database.execute_fn(read)
    if found is None:
        return None
    urls = datasette.urls
    pages = {
        "evidence": lambda one: _place(one, urls),
        "archived": lambda capture: urls.path(
            f"/-/archived/{capture}?source={percent(id, safe='')}#{MARK}"
        ),
        "compared": lambda one, other: urls.path(f"/-/archived/{one}/against/{other}"),
        "every_check": f"{urls.table(ours.DATABASE, 'checks')}?source_id={percent(id, safe='')}"
        "&_sort_desc=id",
        "badge": badge,
        "minute": minute,
        "is_web": is_web_address,
        "questions": QUESTIONS,
    }
    return found | pages


def minute(stamp: str | datetime | None) -> str:
    """A time for people, as the rest of the program writes it; "" for none."""
    if not stamp:
        return ""
    moment = rows.moment(stamp) if isinstance(stamp, str) else stamp
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _read(
    connection: sqlite3.Connection, *, id: str, path: Path, now: datetime, good_for: timedelta
) -> dict[str, Any] | None:
    """On a thread of Datasette's, with its connection; one state of the database throughout."""
    connection.execute("BEGIN")
    try:
        ledger = Ledger.over(connection, path)
        try:
            dossier = evidence.dossier(ledger, id)
        except InputError:
            return None
        why = explain.explain(dossier, now=now, good_for=good_for)
        source, row = dossier.source, why.row
        checks = list(ledger.query(_CHECKS, [id, CHECKS + 1]))
        last = next(ledger.query(_LAST, [id]), None)
        which = {"id": id, "quote": rows.quote_sha256(source.quote), "most": COPIES}
        captures = list(ledger.query(_CAPTURES, which))
        snapshots = list(ledger.query(_SNAPSHOTS, which | {"address": source.address}))
    finally:
        connection.rollback()
    return {
        "why": why,
        "row": row,
        "source": source,
        "address": source.fetch_url or source.url,
        "quoted": _quoted(dossier, row) if source.quote else None,
        "checks": checks[:CHECKS],
        "more_checks": len(checks) > CHECKS,
        "changed": _changed(checks),
        "last": last,
        "hops": json.loads(last["hops"]) if last else [],
        "headers": json.loads(last["headers"]) if last else [],
        "captures": captures,
        "snapshots": snapshots,
        "alternatives": dossier.alternatives,
        "judgements": dossier.judgements[::-1],
        "overruled": _overruled(why),
        "robust_link": citing.robust_link(row),
        "wiki": citing.wiki_template(row),
        "live_url": _live_url(row),
    }


def _overruled(why: Explanation) -> Any:
    return why.judgement.judgement if why.judgement is not None and why.row.judged_by else None


def _live_url(row: AuditRow) -> str:
    """Where a reader sees the source now, opened at the words; "" of what is somebody else's."""
    if row.link in (Link.HIJACKED, Link.INVALID):
        return ""
    return row.quote_url or row.url


def _place(one: Evidence, urls: Any) -> str:
    """Where the row that is evidence stands; "" for one without a number."""
    table = "checks" if one.table == "alternatives" else one.table  # these are named by their look
    return str(urls.row(ours.DATABASE, table, str(one.id))) if one.id else ""


def _changed(checks: Sequence[dict[str, Any]]) -> dict[int, int]:
    """For each look at which the page's text was another one: the copy of the text before.

    By the number of the look; only of looks that saw the page, and where both copies are kept.
    """
    seen = [
        check
        for check in checks
        if check["text"] and check["capture_id"] and check["seen"] in _GOOD
    ]
    return {
        new["id"]: old["capture_id"]
        for new, old in pairwise(seen)
        if new["text"] != old["text"] and new["capture_id"] != old["capture_id"]
    }


# ---- what is quoted ----------------------------------------------------------------------


def _quoted(dossier: Dossier, row: AuditRow) -> Quoted:
    found = _finding(dossier.findings, row)
    cited = dossier.source.quote
    passage = found.passage if found is not None else ""
    says = (found.source_says if found is not None else "") or row.source_says
    if row.quote is Quote.FOUND or not says:
        sides: tuple[tuple[Words, ...], tuple[Words, ...]] = (Words(text=cited),), ()
    else:
        sides = _sides(cited, says, dossier)
    return Quoted(
        printed=sides[0],
        says=sides[1],
        passage=_marked(passage, cited, dossier),
        capture=(found.capture_id if found is not None else None) or row.local_copy,
        page=found.page if found is not None else None,
    )


def _finding(findings: Sequence[Found], row: AuditRow) -> Found | None:
    """The newest finding that the answer rests on, or else the newest of all."""
    of_answer = [one for one in findings if one.result == row.quote]
    live = [one for one in of_answer if one.found_in == "live"]
    return next(iter([*live[::-1], *of_answer[::-1], *findings[::-1]]), None)


def _sides(cited: str, says: str, dossier: Dossier) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
    """Quotation and passage, each with the words marked that the other doesn't have.

    What the passage says before and after is no difference: it is only more of its sentence.
    """
    cited, says = " ".join(cited.split()), " ".join(says.split())
    changes = _located(says, cited, dossier).difference
    if changes:
        return (
            tuple(_words_marked(cited, [change[1] for change in changes])),
            tuple(_words_marked(says, [change[2] for change in changes])),
        )
    stretches = differences.words(cited, says)
    marks = ["" if stretch.op == "equal" else "other" for stretch in stretches]
    return (
        tuple(
            Words(text=one.before, mark=m)
            for one, m in zip(stretches, marks, strict=True)
            if one.before
        ),
        tuple(
            Words(text=one.after, mark=m)
            for one, m in zip(stretches, marks, strict=True)
            if one.after
        ),
    )


def _words_marked(text: str, changed: Sequence[str]) -> Iterator[Words]:
    """*text* with the stretches in *changed*, which stand in it in this order, marked."""
    done = 0
    for words in changed:
        place = text.find(words, done) if words else -1
        if place < 0:
            continue
        if place > done:
            yield Words(text=text[done:place])
        done = place + len(words)
        yield Words(text=words, mark="other")
    if done < len(text):
        yield Words(text=text[done:])


def _marked(passage: str, cited: str, dossier: Dossier) -> tuple[Words, ...]:
    """The surroundings with what is quoted, or what is nearest to it, marked."""
    if not passage:
        return ()
    where = _located(passage, cited, dossier)
    return tuple(_parts(passage, where.start, where.end))


def _located(passage: str, cited: str, dossier: Dossier) -> Finding:
    source = dossier.source
    text = Text(visible=passage, main=passage, title="", sha256="", version=0)
    return quotes.locate(cited, text, kind=source.quote_kind, lang=source.lang)


def _parts(passage: str, start: int | None, end: int | None) -> Iterator[Words]:
    if start is None or end is None:
        yield Words(text=passage)
        return
    for text, mark in (
        (passage[:start], ""),
        (passage[start:end], "quoted"),
        (passage[end:], ""),
    ):
        if text:
            yield Words(text=text, mark=mark)
