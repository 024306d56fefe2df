"""How a person's word stands above what the rules say of a link, and when it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from verifier.records import Judgement, Link, Standing

ANSWERS = (Link.LIVE, Link.MOVED, Link.BLOCKED, Link.DEAD, Link.HIJACKED)
"""What a person may say. The others are about us: that we don't know yet, or can't look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The judgement that counts, and since when people said the same without a gap."""

    judgement: Judgement
    link: Link
    since: datetime


def in_force(judgements: Sequence[Judgement], *, url: str, now: datetime) -> InForce | None:
    """The judgement that counts now: the last word about this address, while it holds.

    An older one never comes back, not even when the newer one has ended.

    Args:
        judgements: Of one source, oldest first.
        url: What the source's standing is about; words about another address say nothing.
    """
    said = [judgement for judgement in judgements if judgement.url == url]
    if not said or said[-1].link is None or said[-1].until < now:
        return None
    last, since = said[-1], said[-1].judged_at
    for earlier in reversed(said[:-1]):
        if earlier.link is not last.link or earlier.until < since:
            break
        since = earlier.judged_at
    return InForce(judgement=last, link=said[-1].link, since=since)


def overruled(standing: Standing, force: InForce | None) -> Standing:
    """The standing as it is shown: with a person's answer, the rules' own kept beside it."""
    if force is None:
        return standing
    row, said = standing.row, force.judgement
    since = force.since
    if row.link is force.link and row.link_since is not None:
        since = min(since, row.link_since)
    shown = replace(
        row,
        link=force.link,
        link_reason=f"judged: {said.reason} (by {said.judged_by} until {said.until:%Y-%m-%d})",
        link_since=since,
        judged_by=said.judged_by,
        judged_until=said.until,
    )
    return replace(
        standing,
        row=shown,
        ruled_link=row.link,
        ruled_reason=row.link_reason,
        ruled_since=row.link_since,
    )


def as_ruled(standing: Standing) -> Standing:
    """The standing as the rules left it: what the next look is folded into."""
    if standing.ruled_link is None:
        return standing
    row = replace(
        standing.row,
        link=standing.ruled_link,
        link_reason=standing.ruled_reason,
        link_since=standing.ruled_since,
        judged_by="",
        judged_until=None,
    )
    return replace(standing, row=row, ruled_link=None, ruled_reason="", ruled_since=None)
