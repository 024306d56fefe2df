"""Which other addresses of a source may stand in for it: those that were seen to say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier.quotes import is_telling
from verifier.records import (
    Alternative,
    AuditRow,
    Check,
    Link,
    Observed,
    Quote,
    QuoteKind,
    Seen,
    SeenAlternative,
    Source,
)

_LINK = {
    Seen.ALIVE: Link.LIVE,
    Seen.MOVED: Link.MOVED,
    Seen.BLOCKED: Link.BLOCKED,
    Seen.HIJACKED: Link.HIJACKED,
    Seen.FAILING: Link.SUSPECT,
    Seen.GONE: Link.SUSPECT,
    Seen.INVALID: Link.INVALID,
    Seen.UNDECIDED: Link.UNCHECKED,
}
"""One look is no history: an alternative is never called dead, only not used."""

_BEST = ("bytes", "text", "quote")
_LOST = (Link.DEAD, Link.HIJACKED)


def able(source: Source) -> tuple[Alternative, ...]:
    """The alternatives that are looked at: only ``same`` ones may stand in for the source."""
    return tuple(
        dict.fromkeys(
            other
            for other in source.alt_urls
            if other.relation == "same" and other.url not in (source.url, source.fetch_url)
        )
    )


def judged(
    source: Source, other: Alternative, check: Check | None, observed: Observed
) -> SeenAlternative:
    """What is known of an alternative.

    Args:
        check: The newest look at it for this source, with what was found of its quotation.
        observed: What good looks at the source's own address gave.
    """
    if check is None:
        return SeenAlternative(
            source_id=source.id,
            relation=other.relation,
            url=other.url,
            rule="not-checked",
            reason="nobody has looked yet",
        )
    return SeenAlternative(
        source_id=source.id,
        relation=other.relation,
        url=other.url,
        check_id=check.id,
        checked_at=check.checked_at,
        link=_LINK[check.reading.seen],
        rule=check.reading.rule,
        reason=check.reading.reason,
        verified_by=_verified_by(source, check, observed),
        final_url=check.final_url,
    )


def _verified_by(source: Source, check: Check, observed: Observed) -> str:
    """What proves that the same stands there: "bytes", "text", "quote", or "" for nothing."""
    whole = not (check.truncated or check.undecoded or check.failure)
    if check.reading.seen not in (Seen.ALIVE, Seen.MOVED) or not whole:
        return ""
    if check.sha256 and check.sha256 in observed.sha256s:
        return "bytes"
    if check.text_sha256 and (check.text_sha256, check.text_version) in observed.texts:
        return "text"
    says_so = check.finding is not None and check.finding.result is Quote.FOUND
    # a few words, or a title, stand on many pages
    if says_so and source.quote_kind is QuoteKind.VERBATIM and is_telling(source.quote):
        return "quote"
    return ""


def chosen(others: Sequence[SeenAlternative]) -> SeenAlternative | None:
    """The alternative to cite instead: the best proven one, of equals the first; never another."""
    proven = [other for other in others if other.verified_by]
    return min(proven, key=lambda other: _BEST.index(other.verified_by), default=None)


def proposed(row: AuditRow, others: Sequence[SeenAlternative]) -> AuditRow:
    """The row with a proven alternative as what to cite instead, where the source is lost."""
    best = chosen(others)
    if row.link in _LOST and best is not None:
        return replace(row, suggested_url=best.url)
    mine = row.link is not Link.MOVED and row.suggested_url in {other.url for other in others}
    # of a hijacked address nothing that it led to is worth proposing
    return replace(row, suggested_url="") if mine or row.link is Link.HIJACKED else row
