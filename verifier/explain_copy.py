"""Why a source's copy counts or not: the rows it rests on, what comes next, what would help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from verifier import copies, history
from verifier.attention import minute, stamp
from verifier.confirm import LOST_AFTER, Holding
from verifier.copies import Step
from verifier.records import (
    Asked,
    AuditRow,
    Copy,
    Custody,
    Link,
    Lookup,
    Outcome,
    Quote,
    ReadBack,
    Snapshot,
    Source,
    Submission,
)

Told = tuple[str, int, str | None, str]
"""Table, id, when, and what the row says."""

_READ_SHOWN = 3
"""Readings of a copy that are shown: the newest, and the newest that agreed."""


# ---- the rows ----------------------------------------------------------------------------


def evidence(
    source: Source, row: AuditRow, custody: Custody, held: Sequence[Holding]
) -> Iterator[Told]:
    """The rows that the answer rests on."""
    if row.local_copy is not None:
        words = f"; the quoted words: {row.quote_local}" if row.quote_local else ""
        yield ("captures", row.local_copy, None, f"our own copy of the page (WARC){words}")
    shown = [one for one in held if one.snapshot.url == row.snapshot_url][-1:]
    shown += [one for one in held[-1:] if one not in shown]
    for one in shown:
        yield _of_snapshot(one.snapshot)
        for reading in _readings(one, custody):
            yield _of_reading(reading, one)
    if source.archive_url and not any(one.snapshot.via == "page" for one in held):
        known = any(_names(source.archive_url, one.snapshot) for one in held)
        if not known:
            yield ("sources", 0, None, _foreign(source.archive_url))
    if custody.submission is not None:
        yield _of_submission(custody.submission)
    if custody.lookup is not None:
        yield _of_lookup(custody.lookup)


def _names(url: str, snapshot: Snapshot) -> bool:
    return f"/{snapshot.timestamp}" in url and snapshot.original in url


def _foreign(archive_url: str) -> str:
    """What can be told of a cited copy that is none of the Wayback Machine's exact captures."""
    try:
        host = urlsplit(archive_url).hostname or ""
    except ValueError:
        host = ""
    if host.endswith("archive.org"):
        return (
            f"the row cites {archive_url}, which names no capture exactly (14 digits): it can't be "
            "confirmed"
        )
    return (
        f"the row cites a copy at {host or 'no host'}: {archive_url}. Only the Wayback Machine's "
        "copies are read back, so nothing is said of it"
    )


def _of_snapshot(snapshot: Snapshot) -> Told:
    status = f"HTTP {snapshot.status}" if snapshot.status is not None else "status not told"
    words = (
        f"{snapshot.archive} {snapshot.timestamp}, {status}, {copies.HOW[snapshot.via]}: "
        f"{snapshot.url}"
    )
    return ("snapshots", snapshot.id, stamp(snapshot.captured_at), words)


def _readings(held: Holding, custody: Custody) -> list[ReadBack]:
    own = [one for one in custody.readings if one.snapshot_id == held.snapshot.id]
    newest = own[-_READ_SHOWN:]
    agreed = [held.confirmed] if held.confirmed is not None else []
    return [one for one in agreed if one not in newest] + newest


def _of_reading(reading: ReadBack, held: Holding) -> Told:
    asked = f"asked for exactly {held.snapshot.timestamp}"
    match reading.outcome:
        case Outcome.MEMENTO:
            way = " → ".join(f"{hop.timestamp} {hop.status} {hop.url}" for hop in reading.hops)
            words = f"{asked}, and shown: {way}"
            words += f"; sha256 {reading.sha256[:12]}…" if reading.sha256 else ""
            words += f"; text {reading.text_sha256[:12]}…" if reading.text_sha256 else ""
            if held.confirmed == reading:
                words += f"; it agrees in {held.confirmed_by}"
            elif held.reading == reading:
                words += f"; {held.agreement}{f': {held.why_not}' if held.why_not else ''}"
        case Outcome.NOT_OURS:
            words = f"{asked}, and another capture was shown"
        case Outcome.MISSING:
            words = f"{asked}, and the archive said that it has none"
        case Outcome.EXCLUDED:
            words = f"{asked}, and the archive said that it is barred"
        case Outcome.TROUBLE:
            words = f"{asked}, and no answer came that says anything"
    detail = f" ({reading.detail})" if reading.detail else ""
    return ("readbacks", reading.id, stamp(reading.read_at), words + detail)


def _of_submission(submission: Submission) -> Told:
    said = ": ".join(part for part in (submission.code, submission.message) if part)
    job = f", job {submission.job_id}" if submission.job_id else ""
    about = f"; {said}" if said else ""
    tries = f", refused {submission.tries} times" if submission.tries else ""
    left = " (it may not have left)" if submission.state is Asked.INTENT else ""
    words = f"{submission.state}{left}{job}{tries}{about} (round {submission.run_id})"
    return ("submissions", submission.id, stamp(submission.intent_at), words)


def _of_lookup(lookup: Lookup) -> Told:
    detail = f": {lookup.detail}" if lookup.detail else ""
    return ("lookups", 0, stamp(lookup.asked_at), f"the index said {lookup.answer}{detail}")


def keepers(row: AuditRow, source: Source) -> tuple[str, ...]:
    """Who holds the quoted words now, or, where nothing is quoted, what we saw."""
    ours = row.quote_local == Quote.FOUND if source.quote else row.local_copy is not None
    theirs = row.copy is Copy.CONFIRMED
    if source.quote:
        theirs = theirs and row.quote_wayback == Quote.FOUND
    names = (("our own archive", ours), ("the Wayback Machine", theirs))
    return tuple(name for name, holds in names if holds)


# ---- what comes next, and what would help ------------------------------------------------


def happens_next(
    row: AuditRow, custody: Custody, held: Holding | None, *, now: datetime, good_for: timedelta
) -> Iterator[str]:
    """What is done about the copy without anybody's doing."""
    alive = row.link in (Link.LIVE, Link.MOVED)
    if row.copy is not Copy.CONFIRMED:
        step = copies.next_step(custody, alive=alive, now=now, good_for=good_for)
        yield _STEPS[step]
    submission = custody.submission
    if submission is not None and submission.retry_at is not None and submission.retry_at > now:
        yield f"It is not submitted again before {minute(submission.retry_at)}."
    if held is not None:
        yield _next_reading(held, now)
        if row.copy is Copy.CAPTURED and held.snapshot.via == "index":
            until = minute(held.snapshot.captured_at + good_for)
            yield (
                f"As long as nobody confirmed it, it counts until {until}: what the index has "
                f"counts for {good_for.days} days."
            )


def _next_reading(held: Holding, now: datetime) -> str:
    due = held.snapshot.next_read_at
    if due is None or due <= now:
        return "It is read back in the next round."
    if held.is_confirmed and held.missed_since is not None and held.with_most:
        why = ": it was missed with most others; only a week of that would make it lost"
    elif held.is_confirmed and held.missed_since is not None:
        why = ": it was missed once, and a second time, a day later, would make it lost"
    elif held.reading is not None and held.reading.outcome is Outcome.MEMENTO:
        why = ": what was read is read again monthly"
    elif held.lost_at is not None:
        why = ": what was lost is looked for monthly"
    else:
        why = ": the archive takes hours to show a capture, and days at times"
    return f"It is read back again from {minute(due)}{why}."


_STEPS = {
    Step.NOTHING: "Nothing is asked of the archive's index now.",
    Step.LOOK_UP: "The archive's index is asked in the next round.",
    Step.SUBMIT: "It is submitted to the archive in the next round.",
    Step.FIND_OUTCOME: "The index is asked what became of the submission.",
    Step.POLL: "The archive is asked about the job.",
}

_CONFIRMS = (
    "Read back as exactly this capture, archived as a 2xx, of an address that led us to the page, "
    "with the bytes, the text or the quotation that we saw: then it is confirmed."
)


def would_change(row: AuditRow, held: Holding | None, source: Source) -> Iterator[str]:
    """What would make it another answer."""
    hours = LOST_AFTER // timedelta(hours=1)
    match row.copy:
        case Copy.CONFIRMED:
            yield (
                f"Two readings, {hours} hours apart or more, that both say that the archive no "
                "longer has it: then it is lost. No answer from the archive changes nothing."
            )
            if held is not None and held.confirmed_by == "quote":
                yield "Another quotation in its row: then the copy is read again for it."
        case Copy.CAPTURED:
            if held is not None and held.agreement == "differs" and not held.why_not:
                yield "A look that gets the same bytes or text from the page as the copy has."
                yield (
                    "A quotation in its row that stands in the copy."
                    if not source.quote
                    else "The quotation as it stands in the copy."
                )
                yield "Another capture that agrees."
            elif held is not None and held.why_not and held.reading is not None:
                yield f"Another capture, since this one is no copy of the page: {held.why_not}."
                yield _CONFIRMS
            else:
                yield _CONFIRMS
        case Copy.LOST:
            yield "The archive showing it again, or another capture that the archive names."
            if row.link not in (Link.LIVE, Link.MOVED):
                yield "A look that gets the page: only then is it submitted again."
        case _:
            yield "A capture that an archive names, or that its index has (2xx, recent)."
            if row.link in (Link.SUSPECT, Link.BLOCKED, Link.UNCHECKED):
                yield "A look that gets the page: only then is it submitted."


def second_vantage(custody: Custody, row: AuditRow, now: datetime) -> str:
    """What an archive's sight of a failing page means for calling it dead; "" where there is none.

    For people: that sentence is about the link, though the archive says it.
    """
    seen = [one.at for one in copies.sightings(custody) if now - one.at < history.DEAD_AFTER]
    if row.link is not Link.SUSPECT or not seen:
        return ""
    until = minute(seen[-1] + history.DEAD_AFTER)
    return (
        f"An archive got the page on {minute(seen[-1])}: failures before {until} don't make it "
        "dead. Before each one that would, the archive's index is asked again."
    )
