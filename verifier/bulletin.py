"""All that a report tells, whatever its form: the answers, the news, and how far to trust them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from verifier.attention import (
    GROUPS,
    is_sound,
    minute,
    misquoted,
    needs_reader,
    plural,
    state_of,
)
from verifier.errors import InputError
from verifier.news import Headline, headlines, merged
from verifier.records import AuditRow, Change, Run, Source

GATES = ("never", "reader", "news", *(group.name for group in GROUPS))
"""What ``verifier report --fail-on`` can be told."""


@dataclass(frozen=True, kw_only=True)  # no slots: what takes long is kept
class Bulletin:
    """What is told, in one form or another.

    Attributes:
        rows: Every source with its three answers, in the order of sources.csv.
        run: The newest round, or None before the first.
        written_at: The present, for the age of the answers.
        last_conclusive: When the newest conclusive round began, if there was one.
        rounds: Those whose changes are news, the oldest first: the newest that judged, or all
            since the time asked for.
        since: The time that was asked for; None when the whole report is wanted.
        cited: The rows of sources.csv behind the misquoted ones: where the words stand.
    """

    rows: tuple[AuditRow, ...]
    run: Run | None
    written_at: datetime
    last_conclusive: datetime | None = None
    rounds: tuple[Run, ...] = ()
    since: datetime | None = None
    cited: tuple[Source, ...] = ()

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What the rounds changed, taken together."""
        return merged(run.news for run in self.rounds)

    @cached_property
    def news(self) -> list[Headline]:
        """The lines of news, the bad first."""
        return headlines(self.changes, self.rows)

    @property
    def state(self) -> str:
        """A sentence on how far the answers can be trusted."""
        return state_of(self.run, now=self.written_at, last_conclusive=self.last_conclusive)[0]

    @cached_property
    def opening(self) -> str:
        """How many sources there are, and how many of them need a person."""
        if not self.rows:
            listed = self.run.listed if self.run is not None else 0
            return f"{plural(listed, 'source is', 'sources are')} listed; none was judged yet."
        waiting = sum(1 for row in self.rows if needs_reader(row))
        sources = plural(len(self.rows), "source", "sources")
        need = "needs" if waiting == 1 else "need"
        return f"{sources}, of which {waiting or 'none'} {need} a person."

    @property
    def closing(self) -> str:
        """How many sources are sound, and what that means."""
        sound = sum(1 for row in self.rows if is_sound(row))
        return (
            f"{plural(sound, 'source is', 'sources are')} still there, with the quoted words found "
            "or none quoted, and a copy in an archive. “Found” means that the words stand there, "
            "not that they are true."
        )

    @property
    def news_title(self) -> str:
        """The heading above the news."""
        since = f", since {minute(self.since)}" if self.since is not None else ""
        return f"News ({len(self.news)}){since}"

    @property
    def no_news(self) -> str:
        """One line in place of a report; "" where there is one to give."""
        if self.since is None or self.news:
            return ""
        return f"No news since {minute(self.since)}. {self.opening} {self.state}"

    @property
    def misquoted(self) -> list[AuditRow]:
        """The rows whose quoted words do not stand in the source."""
        return [row for row in self.rows if misquoted(row)]


def gates_of(words: Sequence[str]) -> tuple[str, ...]:
    """What a reader's words for ``--fail-on`` name, each given alone or with commas between.

    Raises:
        InputError: There is no such gate.
    """
    named = [name.strip() for word in words for name in word.split(",")]
    for name in named:
        if name not in GATES:
            cure = f"Known are: {', '.join(GATES)}"
            raise InputError("--fail-on", f"there is no {name!r}", cure)
    return tuple(name for name in named if name != "never")


def exit_code(bulletin: Bulletin, gates: Sequence[str]) -> int:
    """The contract's code for a report that shall fail on these.

    3 where no round was conclusive yet: what was not checked must not pass for sound. Each
    heading counts for every row that it holds for, also one that stands under a heavier.
    """
    if not gates:
        return 0
    if bulletin.last_conclusive is None:
        return 3
    if "news" in gates and bulletin.news:
        return 1
    wrong_rows = bulletin.run is not None and bool(bulletin.run.wrong_rows)
    if "reader" in gates and (wrong_rows or any(map(needs_reader, bulletin.rows))):
        return 1
    chosen = [group for group in GROUPS if group.name in gates]
    return int(any(group.holds(row) for group in chosen for row in bulletin.rows))
