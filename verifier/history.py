"""What many looks at a source mean together: strikes, deaths, dates and the audit row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from verifier.copies import CopyAnswer
from verifier.overruling import as_ruled
from verifier.quotes import fragment_url
from verifier.records import (
    AuditRow,
    Change,
    Check,
    Copy,
    Finding,
    Link,
    LocalCopy,
    Quote,
    QuoteKind,
    Seen,
    Sighting,
    Source,
    Standing,
)
from verifier.rows import quote_sha256
from verifier.verdict import RULES_VERSION, invalid, why

STRIKES = 3
STRIKE_SPACING = timedelta(hours=72)  # InternetArchiveBot counts three failures, days apart
DEAD_AFTER = timedelta(days=7)  # since the last success
GONE_AFTER = timedelta(hours=24)  # between two looks that both saw 410
SECOND_LOOK = timedelta(minutes=10)
VANTAGE_LATER = timedelta(days=1)  # an archive may be asked after our look, in the same round
STEADY = timedelta(days=7)
BLOCKED = timedelta(days=3)
UNDECIDED = timedelta(hours=6)
DEAD = timedelta(days=30)  # the dead come back


NOT_KEPT = LocalCopy()
_UNJUDGED = ("script-shell", "meta-refresh", "script-redirect")


def resume(before: Standing | None, source: Source) -> Standing:
    """The standing to go on from: the one that was, as far as the row still is the same.

    Another url starts afresh, strikes and all; another quotation only asks that question anew.
    """
    digest = quote_sha256(source.quote)
    if before is not None:
        before = as_ruled(before)
    if before is None or before.url != about(source) or _mended(before, source):
        return _begin(source, digest)
    if before.quote_sha256 == digest:
        return before
    fresh = _begin(source, digest).row
    row = replace(
        before.row,
        quote=fresh.quote,
        quote_reason=fresh.quote_reason,
        quote_since=None,
        quote_first_found_at=None,
        quote_last_found_at=None,
        source_says="",
        quote_url="",
        quote_local="",
        quote_wayback="",
        next_check_at=None,
    )
    return replace(before, row=row, quote_sha256=digest)


def afresh(before: Standing | None, source: Source) -> Standing:
    """The standing to fold every look into again, from the first.

    What no look decides (the copy, and since when an answer holds that no look gave) goes on.
    """
    fresh = _begin(source, quote_sha256(source.quote))
    if before is None or before.url != fresh.url:
        return fresh
    was, row = as_ruled(before).row, fresh.row
    same_words = before.quote_sha256 == fresh.quote_sha256
    row = replace(
        row,
        link_since=was.link_since if was.link is row.link else None,
        quote_since=was.quote_since if same_words and was.quote is row.quote else None,
        quote_wayback=was.quote_wayback if same_words else "",
        copy=was.copy,
        copy_since=was.copy_since,
        agreement=was.agreement,
    )
    return replace(fresh, row=row)


def due_if_changed(before: Standing | None, after: Standing) -> Standing:
    """*after*, due at once where it is about another quotation than *before* was."""
    if before is None or before.quote_sha256 == after.quote_sha256:
        return after
    return replace(after, row=replace(after.row, next_check_at=None))


def about(source: Source) -> str:
    """What a standing is about: the cited address, and what is fetched for it."""
    return f"{source.url} {source.fetch_url}".rstrip()


def _mended(before: Standing, source: Source) -> bool:
    """Whether the row could not be checked for a fault of its own, and now it can."""
    invalid_row = before.row.link is Link.INVALID and before.row.next_check_at is None
    return invalid_row and invalid(source) is None


def _begin(source: Source, digest: str) -> Standing:
    reading = invalid(source)
    return Standing(
        url=about(source),
        quote_sha256=digest,
        row=AuditRow(
            id=source.id,
            link=Link.UNCHECKED if reading is None else Link.INVALID,
            link_reason="not-checked: nobody has looked yet" if reading is None else why(reading),
            quote=Quote.UNCHECKED if source.quote else Quote.NO_QUOTE,
            quote_reason=(
                "never-found: nobody has looked yet"
                if source.quote
                else "no-quote: the row quotes nothing"
            ),
            url=source.url,
            rules_version=RULES_VERSION,
        ),
    )


def fold(standing: Standing, check: Check, sightings: Sequence[Sighting] = ()) -> Standing:
    """The standing after one more look.

    A look of a round that was interrupted or inconclusive counts when the source was seen
    alive, refused us or was somebody else's; its failures count for nothing.

    Args:
        sightings: When an archive got the page, oldest first: a second vantage point.
    """
    seen = check.reading.seen
    if not check.conclusive and seen not in _SEEN_WITH_OWN_EYES:
        return standing
    first = standing.first_checked_at or check.checked_at
    kept: _Changes = {"check_id": check.id, "first_checked_at": first}
    row: _Changes = {"checked_at": check.checked_at, "status": check.status}
    match seen:
        case Seen.ALIVE | Seen.MOVED:
            row |= _success(standing.row, check) | _quote(standing.row, check)
            kept |= {"failing_since": None, "last_strike_at": None, "gone_since": None}
        case Seen.FAILING | Seen.GONE:
            kept |= _failure(standing, check)
            row |= _strikes(standing, check, kept, first, sightings)
        case Seen.BLOCKED | Seen.INVALID | Seen.HIJACKED:
            row |= _answer(standing.row, check, _AT_ONCE[seen])
            kept["gone_since"] = None
        case _ if standing.row.link is Link.UNCHECKED:
            row |= _answer(standing.row, check, Link.UNCHECKED)
        case _:
            pass
    due = next_look(
        check,
        link=row.get("link", standing.row.link),
        failing_since=kept.get("failing_since", standing.failing_since),
        gone_since=kept.get("gone_since", standing.gone_since),
        last_strike_at=kept.get("last_strike_at", standing.last_strike_at),
    )
    row |= {"rules_version": RULES_VERSION, "next_check_at": due}
    return replace(standing, row=replace(standing.row, **row), **kept)


_SEEN_WITH_OWN_EYES = (Seen.ALIVE, Seen.MOVED, Seen.BLOCKED, Seen.HIJACKED)
_AT_ONCE = {
    Seen.BLOCKED: Link.BLOCKED,
    Seen.INVALID: Link.INVALID,
    Seen.HIJACKED: Link.HIJACKED,  # no strikes are waited for: whose page it is, is plain
}

_Changes = dict[str, Any]
"""Fields of a record with their new values: a record is copied once a look, not once a field."""


def _success(row: AuditRow, check: Check) -> _Changes:
    link = Link.MOVED if check.reading.seen is Seen.MOVED else Link.LIVE
    changes = _answer(row, check, link) | {
        "strikes": 0,
        "last_live_at": check.checked_at,
        "final_url": check.final_url,
        "suggested_url": check.reading.suggested_url,
    }
    incomplete = check.truncated or check.undecoded or check.failure is not None
    if incomplete and row.sha256:  # cut, still encoded, or unverified: no change of the source
        return changes
    return changes | {
        "sha256": check.sha256,
        "text_sha256": check.text_sha256,
        "local_copy": check.capture_id or row.local_copy,
    }


def _failure(standing: Standing, check: Check) -> _Changes:
    at, last = check.checked_at, standing.last_strike_at
    gone = check.reading.seen is Seen.GONE
    return {
        "failing_since": standing.failing_since or at,
        "last_strike_at": at if last is None or at - last >= STRIKE_SPACING else last,
        "gone_since": (standing.gone_since or at) if gone else None,
    }


def _strikes(
    standing: Standing,
    check: Check,
    kept: _Changes,
    first: datetime,
    sightings: Sequence[Sighting],
) -> _Changes:
    at, row = check.checked_at, standing.row
    counts = kept["last_strike_at"] != standing.last_strike_at
    strikes = row.strikes + (1 if counts else 0)
    gone_since = kept["gone_since"]
    dead = (
        row.link is Link.DEAD
        or (strikes >= STRIKES and at - (row.last_live_at or first) >= DEAD_AFTER)
        or (gone_since is not None and at - gone_since >= GONE_AFTER)
    )
    answer = _answer(row, check, Link.DEAD if dead else Link.SUSPECT)
    seen = elsewhere(check, since=kept["failing_since"], sightings=sightings)
    if dead and row.link is not Link.DEAD and seen is not None:
        answer = _answer(row, check, Link.SUSPECT) | {
            "link_reason": f"second-vantage: an archive got the page on {seen.at:%Y-%m-%d %H:%M}"
            f"{', and the quotation stands in it' if seen.quote_found else ''}: it is not called "
            f"dead before {seen.at + DEAD_AFTER:%Y-%m-%d %H:%M}; to us it is failing "
            f"({why(check.reading)})"
        }
    return answer | {"strikes": strikes}


def elsewhere(
    check: Check, *, since: datetime | None, sightings: Sequence[Sighting]
) -> Sighting | None:
    """The newest sighting that keeps a look from making its source dead.

    The archive got the page after it began to fail for us, and that was not longer ago than the
    success after which a source may be dead. Where we were shown a page, too, and did not take it
    for the source, it takes the quotation in the archive's.
    """
    shown = check.status is not None and check.status < 400
    return next(
        (
            seen
            for seen in reversed(sightings)
            if since is not None
            and since < seen.at <= check.checked_at + VANTAGE_LATER
            and check.checked_at - seen.at < DEAD_AFTER
            and (seen.quote_found or not shown)
        ),
        None,
    )


def _answer(row: AuditRow, check: Check, link: Link) -> _Changes:
    same = row.link is link and row.link_since is not None
    return {
        "link": link,
        "link_reason": why(check.reading),
        "link_since": row.link_since if same else check.checked_at,
    }


def _quote(row: AuditRow, check: Check) -> _Changes:
    """What the finding of this look adds; no text leaves the former finding with its date."""
    finding = check.finding
    if finding is None or finding.result is Quote.NO_QUOTE:
        return {}
    found = finding.result is Quote.FOUND
    last_found = check.checked_at if found else row.quote_last_found_at
    if found:
        prefix = ""
    elif last_found is None:
        prefix = "never-found: "
    else:
        prefix = f"found-until {last_found:%Y-%m-%d}: "
    same = row.quote is finding.result and row.quote_since is not None
    return {
        "quote": finding.result,
        "quote_reason": prefix + finding.reason + (_around(row, check) if found else ""),
        "quote_since": row.quote_since if same else check.checked_at,
        "quote_first_found_at": row.quote_first_found_at or (check.checked_at if found else None),
        "quote_last_found_at": last_found,
        "source_says": finding.source_says,
        "quote_url": _page_url(check, finding) if found else "",
        "quote_local": str(finding.result) if check.capture_id else row.quote_local,
    }


def _page_url(check: Check, finding: Finding) -> str:
    """The live address, opened at the page of a PDF with the words; "" for what has no pages.

    Source: RFC 8118, section 3.
    """
    url = (check.final_url or check.url).partition("#")[0]
    return f"{url}#page={finding.page}" if finding.page is not None else ""


_AROUND = re.compile(r"; changed-around \d{4}-\d\d-\d\d: .*\Z")


def _around(row: AuditRow, check: Check) -> str:
    """That the same words stand among others now: once seen, it stays in the reason."""
    if check.changed_around:
        words = "a word" if check.changed_around == 1 else f"{check.changed_around} words"
        return (
            f"; changed-around {check.checked_at:%Y-%m-%d}: the quotation is the same, but {words} "
            "next to it changed"
        )
    told = _AROUND.search(row.quote_reason) if row.quote is Quote.FOUND else None
    return told[0] if told is not None else ""


def next_look(
    check: Check,
    *,
    link: Link,
    failing_since: datetime | None,
    gone_since: datetime | None,
    last_strike_at: datetime | None,
) -> datetime:
    """When a source should be looked at again, after a look that made it what is told here.

    A server's ``Retry-After`` puts it off further.
    """
    at = check.checked_at
    match check.reading.seen:
        case Seen.ALIVE | Seen.MOVED:
            due = at + STEADY
        case Seen.BLOCKED:
            due = at + BLOCKED
        case Seen.HIJACKED:
            due = at + STEADY
        case Seen.UNDECIDED if check.reading.rule in _UNJUDGED:
            due = at + STEADY  # what was not followed today is not followed tonight either
        case Seen.UNDECIDED:
            due = at + UNDECIDED
        case Seen.INVALID:
            due = at + DEAD
        case _ if link is Link.DEAD:
            due = at + DEAD
        case _ if failing_since == at:
            due = at + SECOND_LOOK
        case _ if gone_since is not None:
            waited = at - gone_since >= GONE_AFTER  # and yet not dead: an archive saw it
            due = at + GONE_AFTER if waited else max(gone_since + GONE_AFTER, at + SECOND_LOOK)
        case _:
            due = max((last_strike_at or at) + STRIKE_SPACING, at + SECOND_LOOK)
    return max(due, check.retry_after) if check.retry_after is not None else due


# ---- the audit row -----------------------------------------------------------------------


def complete(
    standing: Standing,
    source: Source,
    copy: CopyAnswer,
    kept: LocalCopy = NOT_KEPT,
    *,
    now: datetime,
) -> Standing:
    """The standing with everything that the row of ``audit`` shows beside its history.

    What has not been looked at since its row is as it is, is due at once.

    Args:
        kept: What our own archive holds of the quoted words.
    """
    standing = replace(standing, row=_from_copy(standing.row, source, copy, kept))
    row, snapshot = standing.row, copy.snapshot
    reading = invalid(source)
    link: _Changes = {
        "next_check_at": row.next_check_at or now,
        "link_since": row.link_since or now,
    }
    if reading is not None:
        same = row.link is Link.INVALID and row.link_since is not None
        link = {
            "link": Link.INVALID,
            "link_reason": why(reading),
            "link_since": row.link_since if same else now,
            "next_check_at": None,
        }
    found = row.quote is Quote.FOUND
    keeps = kept.says is Quote.FOUND if source.quote else row.local_copy is not None
    same = row.copy is copy.copy and row.copy_since is not None
    row = replace(
        row,
        title=source.title,
        cited=source.quote,
        publisher=source.publisher,
        published=source.published,
        claim=source.claim,
        quote_kind=source.quote_kind,
        lang=source.lang,
        locator=source.locator,
        url=source.url,
        tags=source.tags,
        copy=copy.copy,
        copy_reason=copy.reason,
        copy_since=row.copy_since if same else now,
        snapshot_url=snapshot.url if snapshot is not None else "",
        snapshot_at=snapshot.captured_at if snapshot is not None else None,
        quote_url=_quote_url(row, source) if found else "",
        keepers=int(copy.keeps) + int(keeps),
        agreement=copy.agreement,
        quote_wayback=str(copy.held.says or "") if copy.held is not None else "",
        quote_local=str(kept.says or "") if source.quote else "",
        local_copy=kept.capture_id or row.local_copy,
        quote_since=row.quote_since or now,
        **link,
    )
    return replace(standing, row=row)


def _quote_url(row: AuditRow, source: Source) -> str:
    """The live address, opened at the quoted words: at their page, or by a text fragment."""
    return row.quote_url or fragment_url(row.final_url or source.url, source.quote)


def _from_copy(row: AuditRow, source: Source, copy: CopyAnswer, kept: LocalCopy) -> AuditRow:
    """The row with what the confirmed copy says of the quotation, where the page never told.

    Where the page never said the words and a confirmed copy of it does, it said them until then:
    "they changed it" and "we misquoted" are different news.
    """
    if not source.quote:
        return row
    if kept.looked:
        if row.quote is Quote.UNCHECKED and kept.finding is not None:
            row = replace(row, **_in_hindsight(kept.finding, kept.since))
        return replace(row, quote_reason=_dated(row, copy))
    finding = copy.held.finding if copy.held is not None and copy.copy is Copy.CONFIRMED else None
    if finding is None:
        unasked = row.quote_reason.startswith(_IN_THE_COPY)
        return replace(row, **_NEVER_LOOKED) if unasked else row
    found = finding.finding
    of = copy.snapshot.captured_at if copy.snapshot is not None else finding.found_at
    prefix = "" if found.result is Quote.FOUND else "never-found: "
    same = row.quote is found.result and row.quote_since is not None
    return replace(
        row,
        quote=found.result,
        quote_reason=f"{prefix}{_IN_THE_COPY} the page itself was never had; in the Wayback copy "
        f"of {of:%Y-%m-%d}: {found.reason}",
        quote_since=row.quote_since if same else finding.found_at,
        source_says=found.source_says,
    )


def _dated(row: AuditRow, copy: CopyAnswer) -> str:
    """The quotation's reason, with until when it was found where only a copy tells that."""
    if row.quote_last_found_at is not None or row.quote in _UNDATED:
        return row.quote_reason
    reason = row.quote_reason
    if reason.startswith("found-until "):
        reason = f"never-found: {reason.partition(': ')[2].removesuffix(_BY_THE_COPY)}"
    if not copy.keeps or copy.snapshot is None or not reason.startswith("never-found: "):
        return reason
    rest = reason.removeprefix("never-found: ")
    return f"found-until {copy.snapshot.captured_at:%Y-%m-%d}: {rest}{_BY_THE_COPY}"


def _in_hindsight(finding: Finding, since: datetime | None) -> _Changes:
    """What is said of words that came into the row when the page could not be had any more."""
    found = finding.result is Quote.FOUND
    prefix = "" if found else "never-found: "
    return {
        "quote": finding.result,
        "quote_reason": f"{prefix}{_IN_OURS} these words came after the page was last had; in our "
        f"copy of {since:%Y-%m-%d}: {finding.reason}",
        "quote_since": since,
        "quote_first_found_at": since if found else None,
        "quote_last_found_at": since if found else None,
        "source_says": finding.source_says,
    }


_IN_OURS = "local-copy:"
_BY_THE_COPY = " (then it stood there, as the Wayback copy shows)"
_UNDATED = (Quote.FOUND, Quote.NO_QUOTE, Quote.UNCHECKED)
_IN_THE_COPY = "confirmed-copy:"
_NEVER_LOOKED: _Changes = {
    "quote": Quote.UNCHECKED,
    "quote_reason": "never-found: nobody has looked yet",
    "quote_since": None,
    "source_says": "",
}


def changes(before: AuditRow | None, after: AuditRow) -> tuple[Change, ...]:
    """The news between two rounds.

    Of a new source only what a reader must act on is news; else every answer that is another
    one now, unless it only says that a first look went well or that a copy is on its way.
    """
    news = []
    for axis in ("link", "quote", "copy"):
        old = str(getattr(before, axis)) if before is not None else ""
        new = str(getattr(after, axis))
        if old == new or (old in _NOTHING_YET and not _acts(axis, new, after)):
            continue
        if axis == "copy" and (new == Copy.PENDING or {old, new} <= _ON_ITS_WAY):
            continue
        reason = str(getattr(after, f"{axis}_reason"))
        news.append(Change(source_id=after.id, axis=axis, before=old, after=new, reason=reason))
    return tuple(news)


_NOTHING_YET = ("", "unchecked", Quote.NO_QUOTE, Copy.PENDING, Copy.NONE)
_ON_ITS_WAY = {Copy.PENDING, Copy.CAPTURED, Copy.CONFIRMED}


def _acts(axis: str, answer: str, row: AuditRow) -> bool:
    match axis:
        case "link":
            return answer not in (Link.LIVE, Link.UNCHECKED)
        case "quote":
            accused = answer in (Quote.ALTERED, Quote.ABSENT)
            return accused and row.quote_kind is QuoteKind.VERBATIM
        case _:
            return answer in (Copy.FAILED, Copy.EXCLUDED, Copy.LOST)
