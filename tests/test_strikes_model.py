"""Random histories of looks against what the contract promises of strikes and deaths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from verifier import history
from verifier.records import Check, Link, Reading, Seen, Source

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SOURCE = Source(id="a", url="https://a.example/page", quote="the words themselves")

later = st.one_of(
    st.integers(0, 180).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(1, 400).map(lambda hours: timedelta(hours=hours)),
    st.sampled_from([71, 72, 73, 24, 168]).map(lambda hours: timedelta(hours=hours)),
)


class Strikes(RuleBasedStateMachine):
    """One source, looked at again and again; what is known of it is kept here a second time."""

    @initialize()
    def begin(self) -> None:
        self.standing = history.resume(None, SOURCE)
        self.now = START
        self.number = 0
        self.first: datetime | None = None
        self.last_success: datetime | None = None
        self.strikes: list[datetime] = []
        self.gone: list[datetime] = []

    def look(self, seen: Seen, after: timedelta, *, conclusive: bool = True) -> None:
        self.now += after
        self.number += 1
        self.before = self.standing
        check = Check(
            id=self.number,
            run_id=self.number,
            source_id="a",
            url=SOURCE.url,
            address=SOURCE.address,
            checked_at=self.now,
            reading=Reading(seen=seen, rule=f"rule-{seen}", reason="as the test has it"),
            rules_version=1,
            status=200,
            final_url=SOURCE.url,
            conclusive=conclusive,
        )
        self.standing = history.fold(self.standing, check)
        self.seen = seen

    @rule(after=later, seen=st.sampled_from([Seen.ALIVE, Seen.MOVED]), conclusive=st.booleans())
    def success(self, after: timedelta, seen: Seen, *, conclusive: bool) -> None:
        """A success resets, and counts whatever became of the round."""
        self.look(seen, after, conclusive=conclusive)
        self.first = self.first or self.now
        self.last_success, self.strikes, self.gone = self.now, [], []
        assert self.standing.row.strikes == 0
        assert self.standing.row.link is (Link.MOVED if seen is Seen.MOVED else Link.LIVE)

    @rule(after=later, seen=st.sampled_from([Seen.FAILING, Seen.GONE]))
    def failure(self, after: timedelta, seen: Seen) -> None:
        """A failure strikes once in 72 hours."""
        self.look(seen, after)
        self.first = self.first or self.now
        if not self.strikes or self.now - self.strikes[-1] >= timedelta(hours=72):
            self.strikes.append(self.now)
        self.gone = [*self.gone, self.now] if seen is Seen.GONE else []
        assert self.standing.row.strikes == len(self.strikes)
        was_dead = self.before.row.link is Link.DEAD
        expected = Link.DEAD if was_dead or self.has_reason_to_die() else Link.SUSPECT
        assert self.standing.row.link is expected

    def has_reason_to_die(self) -> bool:
        """Three strikes and seven days without success, or a day of nothing but 410."""
        old = self.now - (self.last_success or self.first or self.now) >= timedelta(days=7)
        gone = bool(self.gone) and self.now - self.gone[0] >= timedelta(hours=24)
        return (len(self.strikes) >= 3 and old) or gone

    @rule(after=later, seen=st.sampled_from([Seen.FAILING, Seen.GONE, Seen.UNDECIDED]))
    def failure_of_ours(self, after: timedelta, seen: Seen) -> None:
        """What failed in a round that was interrupted or inconclusive never happened."""
        self.look(seen, after, conclusive=False)
        assert self.standing == self.before

    @rule(after=later)
    def refused(self, after: timedelta) -> None:
        """A wall is never a strike."""
        self.look(Seen.BLOCKED, after)
        self.first = self.first or self.now
        self.gone = []
        assert self.standing.row.link is Link.BLOCKED
        assert self.standing.row.strikes == len(self.strikes)

    @rule(after=later)
    def undecided(self, after: timedelta) -> None:
        """What nobody can say leaves the answer that was."""
        self.look(Seen.UNDECIDED, after)
        self.first = self.first or self.now
        assert self.standing.row.link is self.before.row.link
        assert self.standing.row.strikes == len(self.strikes)

    @invariant()
    def never_dead_too_soon(self) -> None:
        """Three strikes 72 hours apart and 7 days, or a day of 410: nothing else kills."""
        if not self.number:
            return
        row = self.standing.row
        if row.link is Link.DEAD and self.before.row.link is not Link.DEAD:
            assert self.seen in (Seen.FAILING, Seen.GONE)
            assert self.has_reason_to_die()
        for one, next_one in zip(self.strikes, self.strikes[1:], strict=False):
            assert next_one - one >= timedelta(hours=72)
        if row.checked_at == self.now:
            assert row.next_check_at is not None
            assert row.next_check_at > self.now
        assert (row.last_live_at or START) == (self.last_success or START)


TestStrikes = Strikes.TestCase
TestStrikes.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
