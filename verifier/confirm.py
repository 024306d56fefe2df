"""Whether a copy that was read back is a copy of what we saw: confirmed, differing, or lost."""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from verifier.records import (
    CopyFinding,
    Custody,
    Observed,
    Outcome,
    Quote,
    ReadBack,
    Snapshot,
    Source,
)
from verifier.spelling import same_address

AGREED = ("bytes", "text", "quote")
CAPTURE_TAKES = timedelta(minutes=2)
"""The archive's limit for one capture, redirects included (Save Page Now 2 Public API Docs)."""

LOST_AFTER = timedelta(hours=24)  # between two readings that both say that it is gone
LOST_WITH_MOST = timedelta(days=7)
"""The same where most copies were missed at once: archives come back, and copies with them."""

MOST = 3
"""Hosts of which copies are missed at least where it is the archive: fewer may be taken out."""

AGAIN = timedelta(days=30)  # a copy that was read is read again monthly
FIRST_RETRY = timedelta(hours=1)  # doubling: the lag is minutes to hours, and days at times
LAST_RETRY = timedelta(hours=24)
LAG = timedelta(days=14)  # what is not shown by then is looked for monthly
NEAR = timedelta(days=30)  # a copy from about then
SHOWN_WITHIN = timedelta(days=7)  # or the archive's word for it counts no longer

_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A copy, and what its readings make of it for one source.

    Attributes:
        reading: The newest that says something of the copy; None while none does.
        agreement: Of that reading with what we saw: ``bytes``, ``text``, ``quote``, ``differs``,
            ``unreadable``; "" where it shows no capture.
        why_not: Why that reading is not of the page that we ask about; "" when it is.
        confirmed: The newest reading that agrees, even where the copy was lost after it.
        confirmed_by: In what it agrees.
        finding: Of the source's words, in the newest reading that has one.
        missed_since: When the copy was first missed after it was confirmed.
        lost_at: When it was missed for the second time, a day later or more.
        with_most: It was missed last when most others were, too.
    """

    snapshot: Snapshot
    reading: ReadBack | None = None
    agreement: str = ""
    why_not: str = ""
    confirmed: ReadBack | None = None
    confirmed_by: str = ""
    finding: CopyFinding | None = None
    missed_since: datetime | None = None
    lost_at: datetime | None = None
    with_most: bool = False

    @property
    def is_confirmed(self) -> bool:
        """Whether it counts as a confirmed copy now."""
        return self.confirmed is not None and self.lost_at is None

    @property
    def says(self) -> Quote | None:
        """What the copy says of the source's words, where they were looked for in it."""
        return self.finding.finding.result if self.finding is not None else None


def holdings(custody: Custody, findings: Sequence[CopyFinding] = ()) -> tuple[Holding, ...]:
    """Each copy of an address as its readings show it, oldest first.

    Args:
        findings: Of the words that the source quotes now, oldest first; none for the address as
            a whole.
    """
    return tuple(of_snapshot(snapshot, custody, findings) for snapshot in custody.snapshots)


def of_snapshot(snapshot: Snapshot, custody: Custody, findings: Sequence[CopyFinding]) -> Holding:
    """One copy of an address as its readings show it; see :func:`holdings`."""
    here = {found.found_at: found for found in findings if found.snapshot_id == snapshot.id}
    held = Holding(snapshot=snapshot)
    for reading in custody.readings:
        if reading.snapshot_id == snapshot.id and reading.outcome is not Outcome.TROUBLE:
            held = _after(
                replace(held, with_most=reading.id in custody.doubted),
                reading,
                here.get(reading.read_at),
                custody.observed,
            )
    return held


def missed_with_most(recent: Iterable[tuple[int, str, bool]]) -> bool:
    """Whether so many copies are missed at once that it is the archive's fault, not theirs.

    Hosts are counted, not copies: whoever has a site taken out of an archive takes out all of it.

    Args:
        recent: Readings of copies that had been shown before, oldest first: the copy, the host
            of its address, and whether it was shown. The newest of a copy counts.
    """
    newest = {copy: (host, shown) for copy, host, shown in recent}
    shown = {host for host, there in newest.values() if there}
    missed = {host for host, there in newest.values() if not there} - shown
    return len(missed) >= MOST and len(missed) > len(shown)


def _after(
    held: Holding, reading: ReadBack, finding: CopyFinding | None, observed: Observed
) -> Holding:
    """The holding after one more reading that says something."""
    if reading.outcome is not Outcome.MEMENTO:
        return _missed(replace(held, reading=reading, agreement="", why_not=reading.detail))
    last = held.confirmed or held.reading
    same = last is not None and bool(reading.sha256) and reading.sha256 == last.sha256
    finding = finding or (held.finding if same else None)
    agreement = agreement_of(held.snapshot, reading, finding, observed)
    not_this = why_not(held.snapshot, reading, observed)
    now = replace(held, reading=reading, agreement=agreement, why_not=not_this, finding=finding)
    if agreement in AGREED:
        return replace(
            now, confirmed=reading, confirmed_by=agreement, missed_since=None, lost_at=None
        )
    if same:  # it is still there, and no longer what we would call a copy of what we saw
        return replace(now, confirmed=None, confirmed_by="", missed_since=None, lost_at=None)
    if agreement == "unreadable":  # it may be our reader's fault: neither here nor gone
        return replace(now, finding=held.finding)
    return _missed(now)


def _missed(held: Holding) -> Holding:
    if held.confirmed is None or held.reading is None:
        return held
    at = held.reading.read_at
    since = held.missed_since or at
    enough = LOST_WITH_MOST if held.with_most else LOST_AFTER
    lost = held.lost_at or (at if at - since >= enough else None)
    return replace(held, missed_since=since, lost_at=lost)


def agreement_of(
    snapshot: Snapshot, reading: ReadBack, finding: CopyFinding | None, observed: Observed
) -> str:
    """In what a reading agrees with what we saw; ``differs`` or ``unreadable`` when in nothing.

    What is another page, another time or an error page agrees in nothing, whatever it says.
    """
    if why_not(snapshot, reading, observed):
        return "differs"
    if reading.sha256 in observed.sha256s and reading.sha256 not in ("", _EMPTY):
        return "bytes"
    says = finding.finding.result if finding is not None else None
    same = (reading.text_sha256, reading.text_version) in observed.texts
    # the words may have been changed where the main text doesn't reach: in a table, in a caption
    if same and reading.text_sha256 and says not in (Quote.ALTERED, Quote.ABSENT):
        return "text"
    if says is Quote.FOUND:
        return "quote"
    unread = says in (None, Quote.UNREADABLE, Quote.UNCHECKED)
    return "unreadable" if not reading.text_version and unread else "differs"


def why_not(snapshot: Snapshot, reading: ReadBack, observed: Observed) -> str:
    """Why what was read is not the capture of the page that we ask about; "" when it is.

    Source: the contract, ``confirmed``.
    """
    if reading.outcome is not Outcome.MEMENTO:
        return reading.detail or str(reading.outcome)
    if reading.memento_datetime != snapshot.captured_at or not reading.hops:
        return "it is the capture of another time"
    if reading.status is None or not 200 <= reading.status < 300:
        return f"what was archived is an answer {reading.status}"
    for hop in reading.hops:
        if abs(_at(hop.timestamp) - snapshot.captured_at) > CAPTURE_TAKES:
            return f"it leads to a capture of another time ({hop.timestamp})"
    known = (snapshot.address, *observed.addresses)
    for original in (reading.hops[0].url, reading.original):
        if not any(same_address(original, address) for address in known):
            return f"it is of an address that we were never led to ({original or 'none named'})"
    return ""


def _at(timestamp: str) -> datetime:
    return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def noted(
    snapshot: Snapshot,
    custody: Custody,
    findings: Iterable[Sequence[CopyFinding]],
    *,
    now: datetime,
) -> Snapshot:
    """The copy's row with what its readings make of it for its address as a whole.

    It is lost when it is for one of its sources and confirmed for none.

    Args:
        findings: Of each source of the address.
    """
    each = [of_snapshot(snapshot, custody, found) for found in ((), *findings)]
    lost = [held.lost_at for held in each if held.lost_at is not None]
    confirmed = any(held.is_confirmed for held in each)
    return replace(
        snapshot,
        agreement=each[0].agreement or snapshot.agreement,
        lost_at=min(lost) if lost and not confirmed else None,
        next_read_at=_next_reading(each, custody, now),
    )


def _next_reading(each: Sequence[Holding], custody: Custody, now: datetime) -> datetime:
    """When a copy is to be read again, after it was read just now.

    The archive's lag is normal: a new capture that is not shown yet is asked for after an hour,
    then two, then four, up to daily, for two weeks. What was read, and what was lost, is read
    again monthly; a confirmed copy that was missed, the next day.
    """
    snapshot = each[0].snapshot
    fruitless = 0
    for reading in reversed([one for one in custody.readings if one.snapshot_id == snapshot.id]):
        if reading.outcome is Outcome.MEMENTO:
            break
        fruitless += 1
    doubled: int = 2 ** min(max(fruitless - 1, 0), 10)
    retry = now + min(FIRST_RETRY * doubled, LAST_RETRY)
    missed = [held.missed_since for held in each if held.missed_since and not held.lost_at]
    if missed:
        return max(min(missed) + LOST_AFTER, retry)
    late = now - snapshot.known_at >= LAG and not any(held.is_confirmed for held in each)
    lost = any(held.lost_at is not None for held in each)
    return now + AGAIN if fruitless == 0 or late or lost else retry


def never_shown(snapshot: Snapshot, custody: Custody, now: datetime) -> bool:
    """Whether the archive had a week to show a capture, was asked, and showed none."""
    told = [
        reading.outcome
        for reading in custody.readings
        if reading.snapshot_id == snapshot.id and reading.outcome is not Outcome.TROUBLE
    ]
    late = now - snapshot.known_at >= SHOWN_WITHIN
    return late and bool(told) and Outcome.MEMENTO not in told


def wants_near(
    custody: Custody, cited: tuple[datetime, datetime], *, now: datetime, within: timedelta = NEAR
) -> bool:
    """Whether the index is to be asked for a copy from when a source was cited.

    Not where one from about then is known, nor where a new one would be.
    """
    if now - cited[1] <= within:
        return False
    return all(distance(snapshot, cited) > within for snapshot in custody.snapshots)


# ---- which copy is shown -----------------------------------------------------------------


def chosen(source: Source, held: Sequence[Holding]) -> Holding | None:
    """The confirmed copy to show: one that holds the quotation before one that doesn't.

    Of several, the one that was made nearest to when the source was read (``accessed``) or
    published, since that is what was quoted; without such a date the newest.
    """
    good = [holding for holding in held if holding.is_confirmed]
    if source.quote:
        good = [holding for holding in good if holding.says is Quote.FOUND] or good
    cited = span(source)
    if cited is None or not good:
        return good[-1] if good else None
    return min(reversed(good), key=lambda holding: distance(holding.snapshot, cited))


def span(source: Source) -> tuple[datetime, datetime] | None:
    """When the source was cited as it was: its ``accessed``, else ``published``, from and to."""
    return next(_spans(source), None)


def _spans(source: Source) -> Iterator[tuple[datetime, datetime]]:
    for told in (source.accessed, source.published):
        parts = [int(part) for part in told[:10].split("-") if part.isdecimal()]
        if not parts or not 1 <= parts[0] <= 9999:
            continue
        year, month, day = (*parts, 0, 0)[:3]
        last = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 31
        try:
            begins = datetime(year, month or 1, day or 1, tzinfo=UTC)
            ends = datetime(year, month or 12, day or last, 23, 59, 59, tzinfo=UTC)
        except ValueError:
            continue
        yield begins, ends


def distance(snapshot: Snapshot, cited: tuple[datetime, datetime]) -> timedelta:
    """How far from that time a copy was made; nothing for one within it."""
    begins, ends = cited
    at = snapshot.captured_at
    return max(begins - at, at - ends, timedelta(0))
