"""Records as rows of the audit database, and back."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from verifier.addresses import host_of
from verifier.records import (
    Alternative,
    ArchivedHop,
    Asked,
    AuditRow,
    Baseline,
    Capture,
    Change,
    Check,
    Copy,
    CopyFinding,
    Failure,
    Finding,
    Judgement,
    Link,
    Lookup,
    NearLookup,
    Outcome,
    Preserve,
    Probe,
    Quote,
    QuoteKind,
    ReadBack,
    Reading,
    Reply,
    Run,
    Seen,
    SeenAlternative,
    Snapshot,
    Source,
    Standing,
    Submission,
    Truncated,
)

Row = dict[str, Any]

KEYS = {
    "audit": "id",
    "standings": "source_id",
    "submissions": "id",
    "lookups": "address",
    "courtesies": "archive",
    "near_lookups": "address, near",
}
CAPTURE_HEAD = ("url", "captured_at", "status", "record_id", "sha256", "payload_sha256")
CHECK_HEAD = ("source_id", "address", "checked_at", "seen", "rule", "status", "sha256")
JUDGEMENT_HEAD = ("source_id", "url", "link", "judged_at", "until")
PROBE_HEAD = ("address", "url", "probed_at", "status")
READING_HEAD = ("check_id", "seen", "rule", "rules_version", "text_sha256")
FINDING_HEAD = ("source_id", "check_id", "quote_sha256", "result", "text_sha256")
COPY_FINDING_HEAD = ("source_id", "snapshot_id", "quote_sha256", "result", "text_sha256")
RUN_HEAD = ("sources_sha256", "software", "rules_version", "derived_to")
READBACK_HEAD = ("snapshot_id", "read_at", "outcome", "memento_datetime", "status", "sha256")

_NOT_CHAINED = {
    "finding": lambda row: {"snapshot_id"} if row["snapshot_id"] is None else set(),
    "snapshot": lambda row: {"next_read_at", "lost_at", "agreement"},
}


def chained(kind: str, row: Mapping[str, Any]) -> Row:
    """The part of a row whose SHA-256 stands in its entry of the ledger.

    All of it, but for columns that came later: an entry that was written before them still is of
    its row. When a copy is read next, and what came of it last, follows from ``readbacks``.

    Args:
        kind: Of the entry, such as ``finding``.
    """
    left_out = _NOT_CHAINED.get(kind, lambda row: set())(row)
    return {name: value for name, value in row.items() if name not in left_out}


def stamp(moment: datetime) -> str:
    """A time as the tables keep it: UTC, whole seconds, ending in ``Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def moment(stamped: str) -> datetime:
    """The time that :func:`stamp` wrote."""
    return datetime.fromisoformat(stamped)


def quote_sha256(quotation: str) -> str:
    """What stands for a quotation where its words must not: hex SHA-256 of its UTF-8, or ""."""
    return hashlib.sha256(quotation.encode()).hexdigest() if quotation else ""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact(value: object) -> str:
    """JSON in one line, as the tables keep lists."""
    return _encode(value)


# ---- sources -----------------------------------------------------------------------------

_SOURCE_TEXTS = (
    "id url fetch_url quote quote_from lang locator claim publisher title published accessed "
    "cited_in note archive_url fault"
).split()


def of_source(source: Source) -> Row:
    """A row of ``sources``, without the times that its history gives it.

    ``row_sha256`` is of all but the line: moving a row does not change it.
    """
    row: Row = {name: getattr(source, name) for name in _SOURCE_TEXTS}
    row |= {
        "address": source.address,
        "host": host_of(source.address),
        "quote_kind": str(source.quote_kind),
        "preserve": str(source.preserve),
        "tags": compact(source.tags),
        "alt_urls": compact([[alt.relation, alt.url] for alt in source.alt_urls]),
        "extra": compact(dict(source.extra)),
        "quote_sha256": quote_sha256(source.quote),
    }
    told = "\x1f".join(str(value) for value in row.values())
    digest = hashlib.sha256(told.encode()).hexdigest()
    return row | {"line": source.line, "row_sha256": digest}


def source(row: Mapping[str, Any]) -> Source:
    """The source of a row of ``sources``."""
    return Source(
        **{name: row[name] for name in _SOURCE_TEXTS},
        quote_kind=QuoteKind(row["quote_kind"]),
        preserve=Preserve(row["preserve"]),
        tags=tuple(json.loads(row["tags"])),
        alt_urls=tuple(
            Alternative(relation=relation, url=url) for relation, url in json.loads(row["alt_urls"])
        ),
        extra=tuple(json.loads(row["extra"]).items()),
        line=row["line"],
    )


# ---- records that match their table column by column -------------------------------------


def _plain(value: object) -> object:
    match value:
        case StrEnum():
            return str(value)
        case datetime():
            return stamp(value)
        case tuple():
            return compact(value)
        case _:
            return value


def _flat(record: object, *leave_out: str) -> Row:
    return {
        field.name: _plain(getattr(record, field.name))
        for field in fields(record)  # type: ignore[arg-type]
        if field.name not in leave_out
    }


def _moments(row: Row, *names: str) -> Row:
    return row | {name: moment(row[name]) for name in names if row[name] is not None}


def of_capture(capture: Capture, run_id: int) -> Row:
    """A row of ``captures``."""
    return {
        "id": capture.id,
        "run_id": run_id,
        "url": capture.url,
        "captured_at": stamp(capture.captured_at),
        "hop": capture.hop,
        "status": capture.status,
        "content_type": capture.content_type,
        "file": capture.file,
        "offset": capture.offset,
        "length": capture.length,
        "record_id": capture.record_id,
        "sha256": capture.sha256,
        "payload_sha256": capture.payload_sha256,
        "payload_sha1": capture.payload_sha1,
        "body_length": capture.body_length,
        "truncated": str(capture.truncated or ""),
        "revisit_of": capture.revisit_of,
    }


def capture(row: Mapping[str, Any]) -> Capture:
    """The capture of a row of ``captures``."""
    told = _moments({name: value for name, value in row.items() if name != "run_id"}, "captured_at")
    return Capture(
        **told | {"truncated": Truncated(row["truncated"]) if row["truncated"] else None}
    )


def of_submission(submission: Submission) -> Row:
    """A row of ``submissions``."""
    return _flat(submission)


def submission(row: Row) -> Submission:
    """The submission of a row of ``submissions``."""
    told = _moments(row, "intent_at", "asked_at", "answered_at", "retry_at")
    return Submission(**told | {"state": Asked(row["state"])})


def of_snapshot(snapshot: Snapshot) -> Row:
    """A row of ``snapshots``."""
    return _flat(snapshot)


def snapshot(row: Row) -> Snapshot:
    """The snapshot of a row of ``snapshots``."""
    return Snapshot(**_moments(row, "captured_at", "known_at", "next_read_at", "lost_at"))


def of_readback(readback: ReadBack) -> Row:
    """A row of ``readbacks``."""
    hops = [{"url": h.url, "timestamp": h.timestamp, "status": h.status} for h in readback.hops]
    return _flat(readback, "hops") | {"hops": compact(hops)}


def readback(row: Row) -> ReadBack:
    """The reading of a row of ``readbacks``."""
    told = _moments(row, "read_at", "memento_datetime")
    hops = tuple(ArchivedHop(**hop) for hop in json.loads(row["hops"]))
    return ReadBack(**told | {"outcome": Outcome(row["outcome"]), "hops": hops})


def of_copy_finding(found: CopyFinding) -> Row:
    """A row of ``quote_findings``: what a reading of a copy in the Wayback Machine found."""
    finding = found.finding
    return {
        "id": found.id,
        "check_id": None,
        "capture_id": None,
        "source_id": found.source_id,
        "found_in": "wayback",
        "found_at": stamp(found.found_at),
        "quote_sha256": found.quote_sha256,
        "result": str(finding.result),
        "reason": finding.reason,
        "score": finding.score,
        "start": finding.start,
        "page": finding.page,
        "text_sha256": found.text_sha256,
        "text_version": found.text_version,
        "rules_version": found.rules_version,
        "snapshot_id": found.snapshot_id,
    }


def copy_finding(row: Mapping[str, Any]) -> CopyFinding:
    """The finding of a row of ``quote_findings`` joined with its passage, if that is there."""
    return CopyFinding(
        id=row["id"],
        source_id=row["source_id"],
        snapshot_id=row["snapshot_id"],
        found_at=moment(row["found_at"]),
        quote_sha256=row["quote_sha256"],
        finding=Finding(
            result=Quote(row["result"]),
            reason=row["reason"],
            score=row["score"],
            start=row["start"],
            page=row["page"],
            source_says=row["source_says"] or "",
        ),
        text_sha256=row["text_sha256"],
        text_version=row["text_version"],
        rules_version=row["rules_version"],
    )


def of_lookup(lookup: Lookup) -> Row:
    """A row of ``lookups``."""
    return _flat(lookup)


def lookup(row: Row) -> Lookup:
    """The look-up of a row of ``lookups``."""
    return Lookup(**_moments(row, "asked_at"))


def of_near_lookup(lookup: NearLookup) -> Row:
    """A row of ``near_lookups``."""
    return _flat(lookup)


# ---- runs --------------------------------------------------------------------------------


def of_run(run: Run) -> Row:
    """The columns of ``runs`` that a :class:`Run` knows."""
    news = [[c.source_id, c.axis, c.before, c.after, c.reason] for c in run.news]
    return _flat(run, "news") | {"news": compact(news)}


def run(row: Mapping[str, Any]) -> Run:
    """The round of a row of ``runs``."""
    told = {field.name: row[field.name] for field in fields(Run)}
    told["news"] = tuple(
        Change(source_id=id, axis=axis, before=before, after=after, reason=reason)
        for id, axis, before, after, reason in json.loads(row["news"])
    )
    told["problems"] = tuple(json.loads(row["problems"]))
    return Run(**_moments(told, "started_at", "ended_at"))


# ---- looks -------------------------------------------------------------------------------


def of_check(check: Check) -> Row:
    """A row of ``checks``."""
    reading = check.reading
    return {
        "id": check.id,
        "run_id": check.run_id,
        "source_id": check.source_id,
        "url": check.url,
        "address": check.address,
        "checked_at": stamp(check.checked_at),
        "elapsed_ms": check.elapsed_ms,
        "attempts": check.attempts,
        "seen": str(reading.seen),
        "rule": reading.rule,
        "reason": reading.reason,
        "rules_version": check.rules_version,
        "status": check.status,
        "failure": str(check.failure or ""),
        "detail": check.detail,
        "final_url": check.final_url,
        "suggested_url": reading.suggested_url,
        "hops": check.hops,
        "peer": check.peer,
        "headers": check.headers,
        "content_type": check.content_type,
        "title": check.title,
        "truncated": check.truncated,
        "undecoded": check.undecoded,
        "sha256": check.sha256,
        "payload_sha1": check.payload_sha1,
        "text_sha256": check.text_sha256,
        "text_version": check.text_version,
        "retry_after": stamp(check.retry_after) if check.retry_after is not None else None,
        "capture_id": check.capture_id,
    }


def of_finding(check: Check, finding_id: int, check_id: int, quotation: str) -> Row:
    """A row of ``quote_findings``: what the look at the live page found."""
    finding = check.finding or Finding(result=Quote.UNCHECKED, reason="")
    return {
        "id": finding_id,
        "check_id": check_id,
        "capture_id": check.capture_id,
        "source_id": check.source_id,
        "found_in": "live",
        "found_at": stamp(check.checked_at),
        "quote_sha256": quotation,
        "result": str(finding.result),
        "reason": finding.reason,
        "score": finding.score,
        "start": finding.start,
        "page": finding.page,
        "text_sha256": check.text_sha256,
        "text_version": check.text_version,
        "rules_version": check.rules_version,
        "snapshot_id": None,
    }


def of_reading(check: Check, reading_id: int, run_id: int, read_at: datetime) -> Row:
    """A row of ``readings``: what a stored look means by the rules that *check* was read with."""
    reading = check.reading
    return {
        "id": reading_id,
        "check_id": check.id,
        "run_id": run_id,
        "read_at": stamp(read_at),
        "seen": str(reading.seen),
        "rule": reading.rule,
        "reason": reading.reason,
        "suggested_url": reading.suggested_url,
        "rules_version": check.rules_version,
        "text_sha256": check.text_sha256,
        "text_version": check.text_version,
    }


def of_baseline(check: Check, check_id: int, like: Baseline) -> Row:
    """A row of ``baselines``: what the page of a look was like."""
    return {
        "source_id": check.source_id,
        "url": check.url,
        "address": check.address,
        "check_id": check_id,
        "made_at": stamp(check.checked_at),
        **_flat(like),
    }


def baseline(row: Mapping[str, Any]) -> Baseline:
    """The baseline of a row of ``baselines``."""
    told = {field.name: row[field.name] for field in fields(Baseline)}
    return Baseline(**told | {"sketch": tuple(json.loads(row["sketch"]))})


def of_probe(probe: Probe, probe_id: int, *, run_id: int, address: str) -> Row:
    """A row of ``probes``."""
    like = compact(_flat(probe.likeness)) if probe.likeness is not None else ""
    told = _flat(probe) | {"failure": str(probe.failure or ""), "likeness": like}
    return {"id": probe_id, "run_id": run_id, "address": address, **told}


def probe(row: Mapping[str, Any]) -> Probe:
    """The probe of a row of ``probes``."""
    told = _moments({field.name: row[field.name] for field in fields(Probe)}, "probed_at")
    return Probe(
        **told
        | {
            "failure": Failure(row["failure"]) if row["failure"] else None,
            "likeness": baseline(json.loads(row["likeness"])) if row["likeness"] else None,
        }
    )


_CHECK_PLAIN = (
    "id run_id source_id url address elapsed_ms attempts rules_version status detail final_url "
    "hops peer headers content_type title truncated undecoded sha256 payload_sha1 text_sha256 "
    "text_version capture_id"
).split()


_READ_ANEW = "seen rule reason suggested_url rules_version text_sha256 text_version".split()


def check(row: Mapping[str, Any]) -> Check:
    """The look of a row of ``checks`` joined with its finding and the outcome of its run.

    Where a row of ``readings`` is joined too (``reading_id``, ``new_…``), the look is as newer
    rules read it.
    """
    if row.get("reading_id") is not None:
        row = {**row, **{name: row[f"new_{name}"] for name in _READ_ANEW}}
    return Check(
        **{name: row[name] for name in _CHECK_PLAIN},
        checked_at=moment(row["checked_at"]),
        retry_after=moment(row["retry_after"]) if row["retry_after"] else None,
        failure=Failure(row["failure"]) if row["failure"] else None,
        reading=Reading(
            seen=Seen(row["seen"]),
            rule=row["rule"],
            reason=row["reason"],
            suggested_url=row["suggested_url"],
        ),
        finding=None if row["result"] is None else finding(row),
        conclusive=bool(row["conclusive"]),
    )


def finding(row: Mapping[str, Any]) -> Finding:
    """The finding of a row with ``finding_reason`` and ``source_says``."""
    return Finding(
        result=Quote(row["result"]),
        reason=row["finding_reason"],
        score=row["score"],
        start=row["start"],
        page=row["page"],
        source_says=row["source_says"] or "",
    )


def of_alternative(other: SeenAlternative) -> Row:
    """A row of ``alternatives``."""
    return {
        "source_id": other.source_id,
        "relation": other.relation,
        "url": other.url,
        "check_id": other.check_id,
        "checked_at": stamp(other.checked_at) if other.checked_at is not None else None,
        "link": str(other.link),
        "rule": other.rule,
        "reason": other.reason,
        "verified_by": other.verified_by,
        "final_url": other.final_url,
    }


def alternative(row: Mapping[str, Any]) -> SeenAlternative:
    """What is known of another address of a source."""
    told = _moments(dict(row), "checked_at")
    return SeenAlternative(**told | {"link": Link(row["link"])})


# ---- answers -----------------------------------------------------------------------------

_AUDIT_NAMES = [field.name for field in fields(AuditRow)]
_AUDIT_TIMES = [field.name for field in fields(AuditRow) if "datetime" in str(field.type)]


def of_audit(row: AuditRow) -> Row:
    """A row of ``audit``."""
    told = {name: getattr(row, name) for name in _AUDIT_NAMES}
    for name in _AUDIT_TIMES:
        if told[name] is not None:
            told[name] = stamp(told[name])
    for name in ("link", "quote", "copy", "quote_kind"):
        told[name] = str(told[name])
    told["tags"] = compact(row.tags)
    return told


def audit(row: Mapping[str, Any]) -> AuditRow:
    """The answers of a row of ``audit``."""
    told = _moments({name: row[name] for name in _AUDIT_NAMES}, *_AUDIT_TIMES)
    return AuditRow(
        **told
        | {
            "link": Link(row["link"]),
            "quote": Quote(row["quote"]),
            "copy": Copy(row["copy"]),
            "quote_kind": QuoteKind(row["quote_kind"]),
            "tags": tuple(json.loads(row["tags"])),
        }
    )


_STANDING_TIMES = (
    "first_checked_at",
    "failing_since",
    "last_strike_at",
    "gone_since",
    "ruled_since",
)


def of_standing(standing: Standing) -> Row:
    """A row of ``standings``."""
    ruled = str(standing.ruled_link or "")
    return _flat(standing, "row") | {"source_id": standing.row.id, "ruled_link": ruled}


def standing(row: Mapping[str, Any]) -> Standing:
    """The standing of a row of ``standings`` joined with ``audit``."""
    plain = ("quote_sha256", "check_id", "ruled_reason", *_STANDING_TIMES)
    told = _moments({name: row[name] for name in plain}, *_STANDING_TIMES)
    told["ruled_link"] = Link(row["ruled_link"]) if row["ruled_link"] else None
    return Standing(row=audit(row), url=row["standing_url"], **told)


def of_judgement(judgement: Judgement) -> Row:
    """A row of ``judgements``; one that takes back has an empty ``link``."""
    return _flat(judgement) | {"link": str(judgement.link or "")}


def judgement(row: Row) -> Judgement:
    """The judgement of a row of ``judgements``."""
    told = _moments(row, "judged_at", "until")
    return Judgement(**told | {"link": Link(row["link"]) if row["link"] else None})


def hashes(reply: Reply) -> tuple[str, str]:
    """``(sha256, payload_sha1)`` of a reply of which no copy is kept; see the contract."""
    payload = hashlib.sha1(reply.last.body, usedforsecurity=False).digest()
    return hashlib.sha256(reply.content).hexdigest(), base64.b32encode(payload).decode()
