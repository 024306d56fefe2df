"""Why a source has its answers: rule, evidence, strikes, and what would change them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from verifier import confirm, copies, explain_copy, history, overruling
from verifier.attention import minute, safe_address, stamp
from verifier.overruling import InForce
from verifier.records import (
    AuditRow,
    Check,
    CopyFinding,
    Custody,
    Judgement,
    Link,
    Preserve,
    Quote,
    Seen,
    SeenAlternative,
    Sighting,
    Source,
    Standing,
)
from verifier.verdict import RULES_VERSION

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A stored look with where it is stored.

    Attributes:
        check: As the newest rules that were applied to it read it.
        outcome: Of the round it belongs to.
        taken_in: It is part of the answers; else the next conclusive round takes it in.
        finding_id, reading_id: Its newest row in ``quote_findings`` and ``readings``, or None.
    """

    check: Check
    outcome: str
    taken_in: bool
    finding_id: int | None = None
    reading_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one place was found to say of the quotation: a row of ``quote_findings``.

    Attributes:
        found_in: ``live``, or whose copy it is.
    """

    id: int
    check_id: int | None
    capture_id: int | None
    snapshot_id: int | None
    found_in: str
    found_at: datetime
    result: str
    reason: str
    score: float | None
    start: int | None
    page: int | None
    passage: str
    source_says: str
    rules_version: int
    text_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that is stored of one source, as far as its answers rest on it.

    Attributes:
        looks: At the address that the row has now, oldest first: since the last success, that
            one included, and at least the newest ten.
        findings: Of the quotation that the row has now, oldest first.
        in_copies: All that copies elsewhere were found to say of it, oldest first.
        judgements: Oldest first.
        alternatives: In the row's order, as the last conclusive round knew them.
    """

    source: Source
    retired_at: datetime | None
    standing: Standing | None
    looks: tuple[Look, ...]
    findings: tuple[Found, ...]
    custody: Custody
    judgements: tuple[Judgement, ...]
    in_copies: tuple[CopyFinding, ...] = ()
    alternatives: tuple[SeenAlternative, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A row that an answer rests on: its table, its id, when it was written, what it says."""

    table: str
    id: int
    at: str | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A failure that counted."""

    check_id: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One of the three answers, explained.

    Attributes:
        answer: As it is shown, a person's word included.
        rule: Name of the rule, the beginning of *reason*.
        happens_next, would_change: Sentences.
    """

    axis: str
    answer: str
    since: str | None
    rule: str
    reason: str
    evidence: tuple[Evidence, ...]
    happens_next: tuple[str, ...]
    would_change: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strikes:
    """How far a source is from being called dead.

    Attributes:
        counted: Strikes so far; ``needed`` make ``dead``.
        checks: The failures that counted, oldest first.
        next_not_before: When a failure would count again, at the earliest.
        dead_not_before: When failures would make it dead, at the earliest.
    """

    counted: int
    needed: int
    checks: tuple[Strike, ...]
    next_not_before: datetime | None
    dead_not_before: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a source has its answers."""

    source: Source
    row: AuditRow
    retired_at: datetime | None
    rules_version: int
    answers: tuple[Answer, ...]
    strikes: Strikes
    next_check_at: datetime | None
    judgement: InForce | None
    ruled: AuditRow
    looks: tuple[Look, ...]
    keepers: tuple[str, ...] = ()


def explain(dossier: Dossier, *, now: datetime, good_for: timedelta) -> Explanation:
    """Put together why a source has its answers, what comes next and what would change it.

    Args:
        now: For which judgement is in force, and what is overdue.
        good_for: How old a capture may be that counts as a copy (a setting).
    """
    source = dossier.source
    standing = dossier.standing or history.resume(None, source)
    shown, ruled = standing.row, overruling.as_ruled(standing).row
    force = overruling.in_force(dossier.judgements, url=standing.url, now=now)
    seen = copies.sightings(dossier.custody, dossier.in_copies)
    strikes = _strikes(standing, ruled, dossier.looks, seen, now)
    return Explanation(
        source=source,
        row=shown,
        retired_at=dossier.retired_at,
        rules_version=shown.rules_version or RULES_VERSION,
        answers=(
            _link(dossier, shown, ruled, strikes, now),
            _quote(dossier, shown),
            _copy(dossier, shown, now, good_for),
        ),
        strikes=strikes,
        next_check_at=shown.next_check_at,
        judgement=force,
        ruled=ruled,
        looks=dossier.looks[-_SHOWN:],
        keepers=explain_copy.keepers(shown, source),
    )


def _answer(
    axis: str, row: AuditRow, evidence: Iterator[Evidence], next: list[str], change: list[str]
) -> Answer:
    reason = str(getattr(row, f"{axis}_reason"))
    return Answer(
        axis=axis,
        answer=str(getattr(row, axis)),
        since=stamp(getattr(row, f"{axis}_since")),
        rule=_rule(reason),
        reason=reason,
        evidence=tuple(evidence),
        happens_next=tuple(next),
        would_change=tuple(change),
    )


def _rule(reason: str) -> str:
    """The rule's name: what a reason begins with, but for since when words were not found."""
    parts = [part.strip() for part in reason.split(":")]
    dated = parts[0] == "never-found" or parts[0].startswith("found-until ")
    return parts[1] if dated and len(parts) > 2 else parts[0]


# ---- is it still there? ------------------------------------------------------------------


def _counts(check: Check) -> bool:
    """Whether a look says anything: failures of a round that said nothing don't."""
    return check.conclusive or check.reading.seen in (Seen.ALIVE, Seen.MOVED, Seen.BLOCKED)


def _strikes(
    standing: Standing,
    ruled: AuditRow,
    looks: Sequence[Look],
    seen: Sequence[Sighting],
    now: datetime,
) -> Strikes:
    """The strikes so far, found by folding the looks since the last success once more."""
    counted: list[Strike] = []
    last_strike: datetime | None = None
    for look in looks:
        check = look.check
        if not look.taken_in or not _counts(check):
            continue
        if check.reading.seen in (Seen.ALIVE, Seen.MOVED):
            last_strike, counted = None, []
        elif check.reading.seen in (Seen.FAILING, Seen.GONE) and (
            last_strike is None or check.checked_at - last_strike >= history.STRIKE_SPACING
        ):
            last_strike = check.checked_at
            counted.append(Strike(check_id=check.id, at=check.checked_at))
    after = standing.last_strike_at
    following = after + history.STRIKE_SPACING if after is not None else None
    return Strikes(
        counted=ruled.strikes,
        needed=history.STRIKES,
        checks=tuple(counted[-ruled.strikes :] if ruled.strikes else ()),
        next_not_before=following,
        dead_not_before=_dead_not_before(standing, ruled, seen, looks, now),
    )


def _dead_not_before(
    standing: Standing,
    ruled: AuditRow,
    seen: Sequence[Sighting],
    looks: Sequence[Look],
    now: datetime,
) -> datetime | None:
    """When failures from *now* on would make a suspect dead, at the earliest; see ``history``."""
    alive, strike = ruled.last_live_at or standing.first_checked_at, standing.last_strike_at
    if ruled.link is not Link.SUSPECT or alive is None or strike is None:
        return None
    dead = max(now, alive + history.DEAD_AFTER)
    if missing := max(history.STRIKES - ruled.strikes, 0):
        following = max(now, strike + history.STRIKE_SPACING)
        dead = max(dead, following + (missing - 1) * history.STRIKE_SPACING)
    if standing.gone_since is not None:
        dead = min(dead, max(now, standing.gone_since + history.GONE_AFTER))
    failures = [look.check for look in looks if look.check.reading.seen in _FAILED]
    vouched = (
        history.elsewhere(failures[-1], since=standing.failing_since, sightings=seen)
        if failures
        else None
    )
    return max(dead, vouched.at + history.DEAD_AFTER) if vouched is not None else dead


_FAILED = (Seen.FAILING, Seen.GONE)


def _link(
    dossier: Dossier, shown: AuditRow, ruled: AuditRow, strikes: Strikes, now: datetime
) -> Answer:
    evidence = _link_evidence(dossier, ruled, strikes)
    next = [*_instead(dossier, shown), *_next_look(dossier, shown, now)]
    change = list(_link_changes(dossier, ruled, strikes))
    if shown.judged_by and shown.judged_until is not None:
        until = minute(shown.judged_until)
        next.append(f"After {until} the rules' own answer is shown again ({ruled.link} today).")
        change.insert(0, "Another judgement, or taking this one back (verifier judge ID none).")
    if vantage := explain_copy.second_vantage(dossier.custody, ruled, now):
        next.append(vantage)
    waiting = [look for look in dossier.looks if not look.taken_in]
    if waiting:
        ids = ", ".join(str(look.check.id) for look in waiting[-_SHOWN:])
        next.append(
            f"Looks that no conclusive round has taken in yet: check {ids}. "
            "The next one counts what they saw alive or blocked, and none of their failures."
        )
    return _answer("link", shown, evidence, next, change)


def _link_evidence(dossier: Dossier, ruled: AuditRow, strikes: Strikes) -> Iterator[Evidence]:
    struck = {strike.check_id for strike in strikes.checks}
    taken = [look for look in dossier.looks if look.taken_in and _counts(look.check)]
    good = [look for look in taken if look.check.reading.seen in (Seen.ALIVE, Seen.MOVED)]
    wanted = {taken[-1].check.id} if taken else set()
    wanted |= {good[-1].check.id} if good else set()
    if ruled.link in (Link.SUSPECT, Link.DEAD):
        wanted |= struck
    for look in taken:
        if look.check.id in wanted:
            counted = ", a strike" if look.check.id in struck else ""
            yield of_look(look, counted)
            if look.reading_id is not None:
                yield Evidence(
                    table="readings",
                    id=look.reading_id,
                    at=None,
                    words=f"check {look.check.id} read again by rules {look.check.rules_version}",
                )
    captured = good[-1].check if good else None
    if captured is not None and captured.capture_id is not None:
        yield Evidence(
            table="captures",
            id=captured.capture_id,
            at=stamp(captured.checked_at),
            words=f"what was seen then, kept as WARC (sha256 {captured.sha256[:12]}…)",
        )
    for other in dossier.alternatives:
        yield _of_alternative(other)
    for judgement in dossier.judgements[-1:]:
        yield _of_judgement(judgement)


_PROOFS = {
    "bytes": "the same bytes were seen there as at the source's own address",
    "text": "the same text was seen there as at the source's own address",
    "quote": "the quoted words stand there",
}


def _of_alternative(other: SeenAlternative) -> Evidence:
    if other.check_id is None or other.checked_at is None:
        said = "nobody has looked at it yet"
    elif other.verified_by:
        said = f"{other.link}, and {_PROOFS[other.verified_by]} (check {other.check_id})"
    elif other.link in (Link.LIVE, Link.MOVED):
        said = (
            f"{other.link}, but nothing proves that it says the same (check {other.check_id}): "
            "it is not proposed"
        )
    else:
        said = f"{other.link}; {other.rule}: {other.reason} (check {other.check_id})"
    at = stamp(other.checked_at) if other.checked_at is not None else None
    words = f"another address of it, {safe_address(other.url)} is {said}"
    return Evidence(table="alternatives", id=other.check_id or 0, at=at, words=words)


def _instead(dossier: Dossier, row: AuditRow) -> Iterator[str]:
    lost = row.link in (Link.DEAD, Link.HIJACKED)
    for other in dossier.alternatives:
        if lost and row.suggested_url == other.url and other.verified_by:
            yield f"Cite {safe_address(other.url)} instead: {_PROOFS[other.verified_by]}."


def _of_judgement(judgement: Judgement) -> Evidence:
    said = f"says {judgement.link}" if judgement.link is not None else "took the judgement back"
    until = f", until {minute(judgement.until)}" if judgement.link is not None else ""
    return Evidence(
        table="judgements",
        id=judgement.id,
        at=stamp(judgement.judged_at),
        words=f"{judgement.judged_by} {said}{until}: {judgement.reason}".removesuffix(": "),
    )


def of_look(look: Look, counted: str = "") -> Evidence:
    """A look as evidence.

    Args:
        counted: What is to be said of it beside how the page was seen, such as ", a strike".
    """
    check = look.check
    what = f"HTTP {check.status}" if check.status is not None else str(check.failure or "")
    silent = "" if _counts(check) else f", counts for nothing (round was {look.outcome})"
    return Evidence(
        table="checks",
        id=check.id,
        at=stamp(check.checked_at),
        words=f"{check.reading.seen}{counted}{silent}; {what}; {check.reading.rule}: "
        f"{check.reading.reason} (round {check.run_id}, rules {check.rules_version})",
    )


def _next_look(dossier: Dossier, row: AuditRow, now: datetime) -> Iterator[str]:
    if dossier.retired_at is not None:
        yield f"Nothing: its row left sources.csv, as read at {minute(dossier.retired_at)}."
        return
    if row.next_check_at is None:
        if dossier.standing is None:
            yield "It is looked at in the next round: no round has judged it yet."
        else:
            yield "It is not looked at: the row has to be mended first."
        return
    overdue = ", that is in the next round" if row.next_check_at <= now else ""
    why = _why_then(dossier, row.next_check_at)
    yield f"The next look is due at {minute(row.next_check_at)}{overdue}{why}."


def _why_then(dossier: Dossier, due: datetime) -> str:
    """Why the next look comes then, from the last look that was taken in."""
    taken = [look.check for look in dossier.looks if look.taken_in and _counts(look.check)]
    if not taken:
        return ": it was not looked at since its row is as it is"
    last, standing = taken[-1], dossier.standing
    pause = due - last.checked_at
    if last.retry_after is not None and due == last.retry_after:
        return ": the server asked us to wait so long"
    match last.reading.seen:
        case Seen.ALIVE | Seen.MOVED if pause == history.STEADY:
            return ": a week after a look that went well"
        case Seen.BLOCKED if pause == history.BLOCKED:
            return ": three days after a look that was refused"
        case Seen.UNDECIDED if pause == history.UNDECIDED:
            return ": six hours after a look that told nothing"
        case Seen.FAILING | Seen.GONE if pause == history.DEAD:
            return ": the dead are looked at monthly"
        case Seen.FAILING | Seen.GONE if pause == history.SECOND_LOOK:
            return ": a second look soon after a failure"
        case Seen.GONE if standing is not None and standing.gone_since is not None:
            return ": a second 410, a day after the first, makes it dead"
        case Seen.FAILING | Seen.GONE:
            return ": from then on a failure counts as a strike again"
        case _:
            return ""


def _link_changes(dossier: Dossier, ruled: AuditRow, strikes: Strikes) -> Iterator[str]:
    if dossier.retired_at is not None:
        yield "Its row, back in sources.csv."
        return
    match ruled.link:
        case Link.LIVE | Link.MOVED:
            yield "A look that fails makes it suspect, one that is refused makes it blocked."
        case Link.SUSPECT:
            yield "A success resets the strikes, and a refusal (bot wall, login) makes it blocked."
            yield _to_death(strikes)
        case Link.DEAD | Link.HIJACKED:
            yield "A success: the dead come back."
        case Link.BLOCKED:
            yield (
                "A look that gets the page, or one that fails. A person who sees the page in a "
                "browser can say so (verifier judge)."
            )
        case Link.INVALID:
            yield "A url in its row that can be checked."
        case _:
            yield "The first look that tells something."
    yield "Another url or fetch_url in its row: then it starts afresh, strikes and all."


def _to_death(strikes: Strikes) -> str:
    missing = max(strikes.needed - strikes.counted, 0)
    when = f"not before {minute(strikes.dead_not_before)}" if strikes.dead_not_before else ""
    spacing = (
        f"; the next counts from {minute(strikes.next_not_before)}"
        if (strikes.next_not_before and missing)
        else ""
    )
    if missing == 0:
        return f"One more failure makes it dead, {when}."
    more = "One more strike makes" if missing == 1 else f"{missing} more strikes make"
    return f"{more} it dead, {when}{spacing}."


# ---- does it say what we quote? ----------------------------------------------------------


def _quote(dossier: Dossier, row: AuditRow) -> Answer:
    next, change = [], []
    if row.quote is Quote.NO_QUOTE:
        change.append("A quotation in its row.")
    else:
        next.append(
            "It is looked for in every look that gets the page; while the page is blocked or "
            "dead the finding stays, with its date."
        )
        change.append("Another quotation in its row: then the question is asked anew, at once.")
        change.append(
            "The words no longer on the page."
            if row.quote is Quote.FOUND
            else "The quotation found on the page, word for word, typography aside."
        )
        if row.quote not in (Quote.FOUND, Quote.UNCHECKED, Quote.UNREADABLE):
            change.append(
                "quote_kind in its row: only verbatim accuses (it is " + row.quote_kind + ")."
            )
    return _answer("quote", row, _quote_evidence(dossier), next, change)


def _quote_evidence(dossier: Dossier) -> Iterator[Evidence]:
    for finding in dossier.findings:
        capture = f", capture {finding.capture_id}" if finding.capture_id is not None else ""
        place = [
            f"score {finding.score:.0f}" if finding.score is not None else "",
            f"character {finding.start}" if finding.start is not None else "",
            f"page {finding.page}" if finding.page is not None else "",
        ]
        where = "; ".join(part for part in place if part)
        yield Evidence(
            table="quote_findings",
            id=finding.id,
            at=stamp(finding.found_at),
            words=f"{finding.result} in {_place(finding)}{capture}): {finding.reason}"
            f"{f' ({where})' if where else ''}; rules {finding.rules_version}, "
            f"text {finding.text_version}",
        )


def _place(finding: Found) -> str:
    if finding.snapshot_id is not None:
        return f"the Wayback copy (snapshot {finding.snapshot_id}"
    if finding.found_in == "local":
        return f"what we kept of the page (check {finding.check_id}"
    return f"the {finding.found_in} page (check {finding.check_id}"


# ---- is a copy kept? ---------------------------------------------------------------------


def _copy(dossier: Dossier, row: AuditRow, now: datetime, good_for: timedelta) -> Answer:
    source, custody = dossier.source, dossier.custody
    held = confirm.holdings(custody, dossier.in_copies)
    rows = (
        Evidence(table=table, id=id, at=at, words=words)
        for table, id, at, words in explain_copy.evidence(source, row, custody, held)
    )
    if source.preserve is not Preserve.PUBLIC or custody.barred:
        change = ["preserve = public in every row of this address."]
        return _answer("copy", row, rows, ["No archive is asked."], change)
    shown = next((one for one in reversed(held) if one.snapshot.url == row.snapshot_url), None)
    next_ = explain_copy.happens_next(row, custody, shown, now=now, good_for=good_for)
    change = list(explain_copy.would_change(row, shown, source))
    return _answer("copy", row, rows, list(next_), change)
