"""Which copies elsewhere count, and what an archive is to be asked next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from verifier.records import (
    Asked,
    Copy,
    Custody,
    FindAnswer,
    IndexTrouble,
    Link,
    Lookup,
    Memento,
    NotInIndex,
    OutcomeUnknown,
    Preserve,
    Queued,
    Refused,
    Retry,
    SaveAnswer,
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
    """The third answer, and the copy it rests on."""

    copy: Copy
    reason: str
    snapshot: Snapshot | None = None


def good_snapshot(custody: Custody, now: datetime, good_for: timedelta) -> Snapshot | None:
    """The newest capture that counts: 2xx (or not told otherwise) and not too old."""
    for snapshot in reversed(custody.snapshots):
        fine = snapshot.status is None or 200 <= snapshot.status < 300
        if fine and now - snapshot.captured_at <= good_for:
            return snapshot
    return None


def _kept(custody: Custody, link: Link) -> Snapshot | None:
    """The newest good capture whose age is no matter.

    It was made for us, or the page can't be captured any more: no younger one will come.
    """
    return next(
        (
            snapshot
            for snapshot in reversed(custody.snapshots)
            if (snapshot.status is None or 200 <= snapshot.status < 300)
            and (snapshot.via == "save" or link in (Link.DEAD, Link.HIJACKED))
        ),
        None,
    )


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
        case Asked.CAPTURED:  # and yet there is no good copy: another would be no better
            return Step.NOTHING if now - submission.intent_at < REFRESH else None
        case _:
            wait = submission.retry_at is not None and now < submission.retry_at
            return Step.NOTHING if wait else None


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
    source: Source, custody: Custody, link: Link, *, now: datetime, good_for: timedelta = GOOD_FOR
) -> CopyAnswer:
    """Is a copy kept where others can read it?"""
    if source.preserve is not Preserve.PUBLIC or custody.barred:
        return CopyAnswer(
            copy=Copy.NONE, reason="not-public: the row does not let others keep a copy"
        )
    snapshot = good_snapshot(custody, now, good_for)
    if snapshot is None and not _excluded(custody):
        snapshot = _kept(custody, link)
    if snapshot is not None:
        how = "the archive named it" if snapshot.via == "save" else "its index has it"
        return CopyAnswer(
            copy=Copy.CAPTURED,
            reason=f"captured: a copy of {snapshot.captured_at:%Y-%m-%d %H:%M:%S}, {how}; "
            "nobody has read it back yet",
            snapshot=snapshot,
        )
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
