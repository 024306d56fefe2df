"""What changed, in one round or in several: which changes are news, in what order and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from verifier.attention import KEPT, plural, rows_needing, short
from verifier.records import AuditRow, Change, Copy

_BAD = ("hijacked", "dead", "invalid", "altered", "absent", "lost", "failed", "excluded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One line of news.

    Attributes:
        source_id: Whom it is about; "" when it counts several sources.
        bad: Somebody may have to do something about it.
    """

    source_id: str
    axis: str
    words: str
    bad: bool = False


def for_programs(change: Change) -> dict[str, str]:
    """A change as the JSON of a round and of a report has it."""
    return {
        "source_id": change.source_id,
        "axis": change.axis,
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
    }


def headlines(
    changes: Sequence[Change], rows: Sequence[AuditRow], *, copies: bool = True
) -> list[Headline]:
    """The news of these changes, the bad first.

    Copies that come along as they should are counted, not listed: they are one line for all.
    A new source is news only when it needs a reader.

    Args:
        changes: Of one round, or those of several as :func:`merged` gives them.
        rows: The answers of today; those that may need a reader are enough.
        copies: As for :func:`verifier.attention.needs_reader`.
    """
    known = [change for change in changes if change.before]
    listed = [change for change in known if not _routine(change)]
    listed.sort(key=lambda change: (change.after not in _BAD, change.source_id, change.axis))
    lines = [
        Headline(
            source_id=change.source_id,
            axis=change.axis,
            words=_words(change),
            bad=change.after in _BAD,
        )
        for change in listed
    ]
    new = {change.source_id for change in changes if not change.before}
    lines += [
        Headline(source_id=row.id, axis="", words=f"new, and needs a reader: {why}", bad=True)
        for row, why in rows_needing([row for row in rows if row.id in new], copies=copies)
    ]
    lines.sort(key=lambda line: not line.bad)
    routine = Counter((change.before, change.after) for change in known if _routine(change))
    for (before, after), count in sorted(routine.items()):
        words = f"copy {before} → {after}: {plural(count, 'source', 'sources')}"
        lines.append(Headline(source_id="", axis="copy", words=words))
    return lines


def merged(rounds: Iterable[Sequence[Change]]) -> tuple[Change, ...]:
    """What several rounds changed, taken together, in the order of the first change.

    An answer that went and came back is left out; one that changed twice is one change, with
    the newest reason.

    Args:
        rounds: The changes of each round, the oldest first.
    """
    whole: dict[tuple[str, str], Change] = {}
    for changes in rounds:
        for change in changes:
            key = change.source_id, change.axis
            first = whole.get(key)
            whole[key] = change if first is None else replace(change, before=first.before)
    return tuple(change for change in whole.values() if change.before != change.after)


def _routine(change: Change) -> bool:
    return change.axis == "copy" and change.after in (Copy.PENDING, *KEPT)


def _words(change: Change) -> str:
    why = f" ({short(change.reason, 200)})" if change.reason else ""
    return f"{change.axis} {_shown(change.before)} → {_shown(change.after)}{why}"


def _shown(answer: str) -> str:
    return answer.replace("_", " ")
