"""Which copies elsewhere count, and what an archive is to be asked next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from verifier import confirm
from verifier.confirm import Holding
from verifier.records import (
    Asked,
    Copy,
    CopyFinding,
    Custody,
    FindAnswer,
    IndexTrouble,
    Link,
    Lookup,
    Memento,
    NotInIndex,
    Outcome,
    OutcomeUnknown,
    Preserve,
    Queued,
    Quote,
    Refused,
    Retry,
    SaveAnswer,
    Sighting,
    Snapshot,
    Source,
    Submission,
)

GOOD_FOR = timedelta(days=180)
JOB_KEPT = timedelta(hours=1)  # the archive forgets a job after about an hour
LOOK_AGAIN = timedelta(hours=1)  # between two look-ups of the same address
INDEX_LAG = timedelta(hours=24)  # a capture was in the index within hours; some took days
REFRESH = timedelta(days=30)
TRIES = 5


class Step(StrEnum):
    """What to ask of the archive about one address."""

    NOTHING = "nothing"
    LOOK_UP = "look-up"  # in the index; and submit at once when it has nothing, if alive
    SUBMIT = "submit"  # the index was asked just now and has nothing
    FIND_OUTCOME = "find-outcome"  # in the index: was what we asked for carried out?
    POLL = "poll"  # ask about the job


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyAnswer:
    """The third answer, and the copy it rests on.

    Attributes:
        agreement: Of the copy with what we saw; "" where none was read.
        held: The copy as its readings show it; None where there is none.
        keeps: The archive holds the quoted words now, or, where nothing is quoted, what we saw.
    """

    copy: Copy
    reason: str
    snapshot: Snapshot | None = None
    agreement: str = ""
    held: Holding | None = None
    keeps: bool = False


def counts(snapshot: Snapshot, custody: Custody, now: datetime) -> bool:
    """Whether a capture may be one that counts: 2xx, as far as was told, and not known to fail.

    What a row of sources.csv cites counts once the archive has shown that it is of the page.
    """
    read = confirm.of_snapshot(snapshot, custody, ())
    shown = read.reading is not None and read.reading.outcome is Outcome.MEMENTO
    status = read.reading.status if read.reading is not None and shown else snapshot.status
    if status is not None and not 200 <= status < 300:
        return False
    if snapshot.via == "page" and (not shown or read.why_not):
        return False
    return snapshot.lost_at is None and not confirm.never_shown(snapshot, custody, now)


def _named(custody: Custody, now: datetime) -> Snapshot | None:
    """The newest capture that the archive named and never showed, while nothing else is asked."""
    if custody.submission is not None and custody.submission.state is not Asked.CAPTURED:
        return None
    return next(
        (
            snapshot
            for snapshot in reversed(custody.snapshots)
            if confirm.never_shown(snapshot, custody, now) and snapshot.via != "page"
        ),
        None,
    )


def good_snapshot(custody: Custody, now: datetime, good_for: timedelta) -> Snapshot | None:
    """The newest capture that counts and is not too old.

    After a loss only what the archive named since: another copy is asked for.
    """
    losses = [snapshot.lost_at for snapshot in custody.snapshots if snapshot.lost_at is not None]
    for snapshot in reversed(custody.snapshots):
        if losses and snapshot.known_at < max(losses):
            continue
        if now - snapshot.captured_at <= good_for and counts(snapshot, custody, now):
            return snapshot
    return None


def _kept(custody: Custody, link: Link, now: datetime) -> Snapshot | None:
    """The newest good capture whose age is no matter.

    It was made for us, or the page can't be captured any more: no younger one will come.
    """
    return next(
        (
            snapshot
            for snapshot in reversed(custody.snapshots)
            if (snapshot.via == "save" or link in (Link.DEAD, Link.HIJACKED))
            and counts(snapshot, custody, now)
        ),
        None,
    )


def sightings(custody: Custody, findings: Sequence[CopyFinding] = ()) -> tuple[Sighting, ...]:
    """When the archive got the page with a 2xx, as far as it said so, oldest first.

    What a row cites is not what the archive said of the page: it counts once it was read, and is.
    """
    seen = []
    for held in confirm.holdings(custody, findings):
        snapshot, reading = held.snapshot, held.reading
        shown = reading is not None and reading.outcome is Outcome.MEMENTO
        status = reading.status if reading is not None and shown else snapshot.status
        doubted = snapshot.via == "page" and (not shown or bool(held.why_not))
        if not doubted and 200 <= (status or 0) < 300:
            found = held.says is Quote.FOUND and not held.why_not
            seen.append(Sighting(at=snapshot.captured_at, quote_found=found))
    return tuple(seen)


def _excluded(custody: Custody) -> bool:
    """Whether the archive bars the address now, as far as we were told."""
    barred = custody.submission is not None and custody.submission.state is Asked.EXCLUDED
    return barred or (custody.lookup is not None and custody.lookup.answer == "excluded")


def next_step(
    custody: Custody, *, alive: bool, now: datetime, good_for: timedelta = GOOD_FOR
) -> Step:
    """What to ask the archive about an address now.

    An outcome that is unknown is looked up, at most hourly, before anything is asked again;
    only when the index has had a day to show it may the address be submitted once more.

    Args:
        alive: The page was seen alive in this round: only then is it worth submitting.
    """
    if custody.barred or not custody.address:
        return Step.NOTHING
    if good_snapshot(custody, now, good_for) is not None:
        return Step.NOTHING
    submission, lookup = custody.submission, custody.lookup
    if lookup is not None and lookup.answer == "excluded":
        return Step.LOOK_UP if now - lookup.asked_at >= REFRESH else Step.NOTHING
    if submission is not None and (step := _step_after(submission, lookup, now)) is not None:
        return step
    if lookup is None or lookup.answer == "trouble":  # trouble says nothing about captures
        return Step.LOOK_UP
    rested = now - lookup.asked_at >= LOOK_AGAIN
    if alive and rested:
        return Step.LOOK_UP
    if alive and lookup.answer == "none":
        return Step.SUBMIT
    return Step.LOOK_UP if now - lookup.asked_at >= REFRESH else Step.NOTHING


def _step_after(submission: Submission, lookup: Lookup | None, now: datetime) -> Step | None:
    """What an earlier submission asks for; None when it is over and says nothing more."""
    match submission.state:
        case Asked.QUEUED if now - submission.intent_at < JOB_KEPT:
            return Step.POLL
        case Asked.INTENT | Asked.UNKNOWN | Asked.QUEUED:
            looked = (
                lookup is not None
                and lookup.answer != "trouble"
                and lookup.asked_at > submission.intent_at
                and now - lookup.asked_at < LOOK_AGAIN
            )
            return Step.NOTHING if looked else Step.FIND_OUTCOME
        case Asked.FAILED if _unheard_since(submission, lookup, now):
            return Step.FIND_OUTCOME  # what was called a failure is there at times
        case Asked.CAPTURED:  # and yet there is no good copy: another would be no better
            return Step.NOTHING if now - submission.intent_at < REFRESH else None
        case _:
            wait = submission.retry_at is not None and now < submission.retry_at
            return Step.NOTHING if wait else None


def _unheard_since(submission: Submission, lookup: Lookup | None, now: datetime) -> bool:
    """Whether the index had a day to show what a save failed to make, and was not asked since."""
    shown = (submission.answered_at or submission.intent_at) + INDEX_LAG
    asked = lookup.asked_at if lookup is not None and lookup.answer != "trouble" else None
    return now >= shown and (asked is None or asked < shown)


def given_up_waiting(custody: Custody, now: datetime) -> bool:
    """Whether the index had long enough to show what we asked for, and did not."""
    submission = custody.submission
    return submission is not None and now - submission.intent_at >= INDEX_LAG


def refused(submission: Submission, refusal: Refused, *, now: datetime) -> Submission:
    """The submission after the archive refused it, with when it may be asked again.

    Transient refusals wait an hour, doubling; after five in a row, and where the archive
    calls it permanent, the address is asked monthly: sites and archives change their minds.
    A refusal that is about us is not counted against the address.
    """
    about_us = refusal.retry is Retry.STOP
    tries = submission.tries + (not about_us)
    if refusal.excluded:
        state, again = Asked.EXCLUDED, now + REFRESH
    elif refusal.retry is Retry.NEVER or (tries >= TRIES and not about_us):
        state, again = Asked.FAILED, now + REFRESH
    elif refusal.retry is Retry.TOMORROW:
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        state, again = Asked.DEFERRED, day + timedelta(days=1, minutes=5)
    else:
        wish = timedelta(seconds=refusal.retry_after or 0)
        state, again = Asked.DEFERRED, now + max(timedelta(hours=2 ** max(tries - 1, 0)), wish)
    return replace(
        submission,
        state=state,
        answered_at=now,
        code=refusal.code,
        message=refusal.message,
        tries=tries,
        retry_at=again,
    )


def is_trouble(answer: SaveAnswer | FindAnswer) -> bool:
    """Whether an answer counts towards "five failures in a row": the archive itself is ill.

    A refusal that is about the page, and "not found", are the archive at work.
    """
    match answer:
        case Refused():
            return answer.retry is Retry.STOP or answer.code.startswith("http-")
        case OutcomeUnknown():
            return not answer.already_there
        case IndexTrouble():
            return not answer.excluded
        case Memento() | Queued() | NotInIndex():
            return False


def answer(
    source: Source,
    custody: Custody,
    link: Link,
    *,
    findings: Sequence[CopyFinding] = (),
    now: datetime,
    good_for: timedelta = GOOD_FOR,
) -> CopyAnswer:
    """Is a copy kept where others can read it?

    Args:
        findings: Of the source's words in copies of its address, oldest first.
    """
    if source.preserve is not Preserve.PUBLIC or custody.barred:
        return CopyAnswer(
            copy=Copy.NONE, reason="not-public: the row does not let others keep a copy"
        )
    held = confirm.holdings(custody, findings)
    best = confirm.chosen(source, held)
    if best is not None:
        return _confirmed(source, best)
    snapshot = good_snapshot(custody, now, good_for)
    if snapshot is None and not _excluded(custody):
        snapshot = _kept(custody, link, now) or _named(custody, now)
    lost = max(
        (holding for holding in held if holding.lost_at is not None),
        key=lambda holding: holding.lost_at or now,
        default=None,
    )
    if lost is not None and not _replaced(lost, snapshot):
        return _lost(lost)
    if snapshot is not None and not _shut_out(snapshot, held):
        return _captured(next(holding for holding in held if holding.snapshot == snapshot))
    barred = next((one for one in held if _shut_out(one.snapshot, held)), None)
    if barred is not None and barred.reading is not None:
        reason = f"excluded: {barred.reading.detail}"
        return CopyAnswer(copy=Copy.EXCLUDED, reason=reason, snapshot=barred.snapshot, held=barred)
    return _without(custody, link)


def _shut_out(snapshot: Snapshot, held: Sequence[Holding]) -> bool:
    """Whether the archive said, when it was asked for this capture last, that it is barred."""
    return any(
        one.snapshot == snapshot
        and one.reading is not None
        and one.reading.outcome is Outcome.EXCLUDED
        for one in held
    )


def _replaced(lost: Holding, snapshot: Snapshot | None) -> bool:
    """Whether the archive named another capture after the confirmed one was lost."""
    return snapshot is not None and lost.lost_at is not None and snapshot.known_at >= lost.lost_at


def _confirmed(source: Source, held: Holding) -> CopyAnswer:
    says = held.says
    read_at = held.confirmed.read_at if held.confirmed is not None else held.snapshot.known_at
    quoted = ""
    if source.quote and says is not None and says is not Quote.FOUND:
        quoted = f"; the quotation in it is {says}"
    missed = ""
    if held.missed_since is not None and held.reading is not None:
        then = (
            "so were most of the others, which is the archive's fault as long as it is not so for "
            "a week"
            if held.with_most
            else "a second such reading, a day after the first, makes it lost"
        )
        missed = (
            f"; read again on {held.reading.read_at:%Y-%m-%d}, it was not there "
            f"({held.reading.detail or held.reading.outcome}): {then}"
        )
    return CopyAnswer(
        copy=Copy.CONFIRMED,
        reason=f"confirmed: a copy of {held.snapshot.captured_at:%Y-%m-%d %H:%M:%S}, read back on "
        f"{read_at:%Y-%m-%d}; {AGREEMENTS[held.confirmed_by]}{quoted}{missed}",
        snapshot=held.snapshot,
        agreement=held.confirmed_by,
        held=held,
        keeps=says is Quote.FOUND if source.quote else True,
    )


AGREEMENTS = {
    "bytes": "its bytes are those that we saw",
    "text": "its text is the one that we saw",
    "quote": "the quotation stands in it",
    "differs": "it agrees in nothing with what we saw",
    "unreadable": "no text could be had of it",
}


def _lost(held: Holding) -> CopyAnswer:
    reading, confirmed = held.reading, held.confirmed
    why = (reading.detail or str(reading.outcome)) if reading is not None else ""
    until = f"{confirmed.read_at:%Y-%m-%d}" if confirmed is not None else "once"
    return CopyAnswer(
        copy=Copy.LOST,
        reason=f"lost: the copy of {held.snapshot.captured_at:%Y-%m-%d %H:%M:%S} was confirmed on "
        f"{until} and is no longer there: {why}",
        snapshot=held.snapshot,
        agreement=held.agreement,
        held=held,
    )


def _captured(held: Holding) -> CopyAnswer:
    snapshot = held.snapshot
    a_copy = f"a copy of {snapshot.captured_at:%Y-%m-%d %H:%M:%S}, {HOW[snapshot.via]}"
    return CopyAnswer(
        copy=Copy.CAPTURED,
        reason=_captured_reason(held, a_copy),
        snapshot=snapshot,
        agreement=held.agreement,
        held=held,
    )


HOW = {
    "save": "the archive named it",
    "index": "its index has it",
    "page": "the row cites it",
}


def _captured_reason(held: Holding, a_copy: str) -> str:
    reading = held.reading
    if reading is None:
        return f"captured: {a_copy}; nobody has read it back yet"
    on = f"read back on {reading.read_at:%Y-%m-%d}"
    if reading.outcome is not Outcome.MEMENTO:
        return f"not-shown: {a_copy}; {on}: {reading.detail or reading.outcome}"
    if held.agreement == "unreadable":
        return f"unreadable: {a_copy}; {on}, and {AGREEMENTS['unreadable']}"
    why = held.why_not or AGREEMENTS["differs"]
    return f"differs: {a_copy}; {on}: {why}{f' ({reading.detail})' if reading.detail else ''}"


def _without(custody: Custody, link: Link) -> CopyAnswer:
    """The answer where no copy counts."""
    older = custody.snapshots[-1] if custody.snapshots else None
    submission, lookup = custody.submission, custody.lookup
    if lookup is not None and lookup.answer == "excluded":
        reason = f"excluded: {lookup.detail or 'the archive bars it'}"
        return CopyAnswer(copy=Copy.EXCLUDED, reason=reason, snapshot=older)
    if submission is not None and submission.state is not Asked.CAPTURED:
        return CopyAnswer(copy=_COPY[submission.state], reason=_reason(submission), snapshot=older)
    if link is Link.INVALID:
        return CopyAnswer(
            copy=Copy.NONE,
            reason="not-asked: what cannot be checked is asked of no archive",
            snapshot=older,
        )
    unknown = lookup is None or lookup.answer == "trouble"
    if unknown or link in (Link.LIVE, Link.MOVED, Link.UNCHECKED):
        return CopyAnswer(
            copy=Copy.PENDING, reason="waiting: its turn has not come yet", snapshot=older
        )
    kept = f"; there is one of {older.captured_at:%Y-%m-%d}" if older is not None else ""
    return CopyAnswer(
        copy=Copy.NONE,
        reason=f"none: no recent capture is known; what is {link} is not submitted{kept}",
        snapshot=older,
    )


_COPY = {
    Asked.INTENT: Copy.PENDING,
    Asked.QUEUED: Copy.PENDING,
    Asked.UNKNOWN: Copy.PENDING,
    Asked.DEFERRED: Copy.PENDING,
    Asked.FAILED: Copy.FAILED,
    Asked.EXCLUDED: Copy.EXCLUDED,
}


def _reason(submission: Submission) -> str:
    said = ": ".join(part for part in (submission.code, submission.message) if part)
    match submission.state:
        case Asked.DEFERRED:
            when = f"{submission.retry_at:%Y-%m-%d %H:%M}" if submission.retry_at else "a while"
            return f"refused-for-now: {said}; asked again after {when}"
        case Asked.FAILED:
            return f"refused: {said}"
        case Asked.EXCLUDED:
            return f"excluded: {said}"
        case Asked.QUEUED:
            return f"queued: {said or submission.job_id}"
        case _:
            return (
                "outcome-unknown: it may have been saved; the index is asked before it is "
                "submitted again"
            )
