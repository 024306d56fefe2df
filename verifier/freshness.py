"""Are the answers as new as they should be? Told from when rounds were."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from verifier.records import Run

TWICE = 2
"""A table is overdue when its last good round is older than so many usual intervals."""

_USUAL = timedelta(days=7)  # how often a healthy source is looked at; used until a habit is known
_SAME = timedelta(minutes=10)  # rounds closer together were run by hand, and tell no habit
_GRACE = timedelta(days=1)  # rounds are not always on the minute


class State(StrEnum):
    """How far the table can be trusted today."""

    NEVER = "never"  # no round was conclusive yet
    OVERDUE = "overdue"
    FAILING = "failing"  # not overdue, but the newest rounds were not conclusive
    FRESH = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How new the answers are.

    Attributes:
        good_at: When the newest conclusive round ended.
        usual: The usual time between conclusive rounds; None when no habit is known.
        next_at: When the next round can be expected; None without a habit.
        due_since: The earliest time at which a source should have been looked at, where that
            is long past.
        failed: Rounds since the last good one that were not conclusive, the newest first;
            ``failing_since`` is when the oldest of these began.
        running_since: When the round under way began.
    """

    state: State
    good_at: datetime | None = None
    usual: timedelta | None = None
    next_at: datetime | None = None
    due_since: datetime | None = None
    failed: tuple[Run, ...] = ()
    failing_since: datetime | None = None
    running_since: datetime | None = None


def freshness(rounds: Sequence[Run], *, next_check_at: datetime | None, now: datetime) -> Freshness:
    """How new the answers are.

    Overdue is a table whose newest conclusive round is older than twice the usual interval, or
    whose sources should have been looked at long ago. The usual interval is the median of those
    between the last conclusive rounds, or a week while there are too few of them.

    Args:
        rounds: The newest rounds, the newest first, and enough of the conclusive ones.
        next_check_at: When the first of all sources is due.
        now: The present.
    """
    good = [run for run in rounds if run.outcome == "conclusive"]
    newer = [run for run in rounds if not good or run.id > good[0].id]
    failed = tuple(run for run in newer if run.outcome in ("inconclusive", "interrupted"))
    running = next((run.started_at for run in newer if run.outcome == "running"), None)
    since = failed[-1].started_at if failed else None
    if not good:
        return Freshness(
            state=State.NEVER, failed=failed, failing_since=since, running_since=running
        )
    ended = good[0].ended_at or good[0].started_at
    usual = _usual_interval(good)
    late = now - ended > TWICE * (usual or _USUAL)
    waiting = next_check_at is not None and (
        now - next_check_at > max(TWICE * (usual or _GRACE), _GRACE)
    )
    trusted = State.FAILING if failed else State.FRESH
    return Freshness(
        state=State.OVERDUE if late or waiting else trusted,
        good_at=ended,
        usual=usual,
        next_at=good[0].started_at + usual if usual is not None else None,
        due_since=next_check_at if waiting else None,
        failed=failed,
        failing_since=since,
        running_since=running,
    )


def _usual_interval(good: Sequence[Run]) -> timedelta | None:
    gaps = [later.started_at - earlier.started_at for later, earlier in pairwise(good)]
    told = [gap.total_seconds() for gap in gaps if gap > _SAME]
    return timedelta(seconds=statistics.median(told)) if told else None


def spell(span: timedelta) -> str:
    """A length of time in words, in the largest unit that loses little: ``6 hours``, ``1 day``."""
    seconds = max(span.total_seconds(), 0)
    for unit, length in (("day", 86_400), ("hour", 3_600)):
        if seconds >= 2 * length:  # "30 hours" says more than "1 day"
            return f"{seconds // length:.0f} {unit}s"
        if length <= seconds < 1.02 * length:
            return f"1 {unit}"
    minutes = int(seconds // 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
