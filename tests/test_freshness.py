"""When a table counts as overdue: a service that stopped must not look healthy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from verifier.freshness import State, freshness, spell
from verifier.records import Run

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def rounds(*ages: timedelta, outcome: str = "conclusive", first: int = 100) -> list[Run]:
    """Rounds that ended so long ago, the newest first."""
    return [
        Run(
            id=first - number,
            started_at=NOW - age - timedelta(minutes=2),
            ended_at=NOW - age,
            outcome=outcome,
            reason="no network" if outcome != "conclusive" else "",
        )
        for number, age in enumerate(ages)
    ]


def state(found: list[Run], next_check_at: datetime | None = None) -> State:
    return freshness(found, next_check_at=next_check_at, now=NOW).state


def test_a_round_older_than_twice_the_usual_interval_is_overdue() -> None:
    """The habit is what the maintainer set up; it need not be written anywhere."""
    daily = [DAY * days for days in range(8)]

    assert state(rounds(*(age + 1.9 * DAY for age in daily))) is State.FRESH
    assert state(rounds(*(age + 2.1 * DAY for age in daily))) is State.OVERDUE
    hourly = [timedelta(hours=hours) for hours in range(8)]
    assert state(rounds(*(age + timedelta(hours=3) for age in hourly))) is State.OVERDUE


def test_the_next_round_is_expected_by_habit() -> None:
    """One long pause, as over a holiday, changes no habit."""
    found = freshness(
        rounds(DAY, 2 * DAY, 3 * DAY, 30 * DAY, 31 * DAY), next_check_at=None, now=NOW
    )

    assert found.usual == DAY
    assert found.next_at == NOW - timedelta(minutes=2)
    assert found.good_at == NOW - DAY


def test_without_a_habit_a_week_is_usual() -> None:
    """After the first round nobody knows how often there will be more."""
    assert state(rounds(10 * DAY)) is State.FRESH
    assert state(rounds(15 * DAY)) is State.OVERDUE


def test_rounds_by_hand_in_one_hour_are_no_habit() -> None:
    """Three tries on the first evening would make the next morning look like an outage."""
    tries = rounds(*(DAY + timedelta(minutes=m) for m in (0, 4, 9)))

    found = freshness(tries, next_check_at=None, now=NOW)

    assert (found.state, found.usual) == (State.FRESH, None)


@pytest.mark.parametrize(
    ("late", "expected"),
    [(-DAY, State.FRESH), (DAY, State.FRESH), (3 * DAY, State.OVERDUE)],
)
def test_sources_long_due_make_it_overdue(late: timedelta, expected: State) -> None:
    """The clock may be wrong about the habit; the ledger knows what it promised."""
    found = freshness(rounds(DAY), next_check_at=NOW - late, now=NOW)

    assert found.state is expected
    assert (found.due_since is not None) == (expected is State.OVERDUE)


def test_failing_rounds_are_told_with_since_when() -> None:
    """Ten inconclusive rounds in a row are an outage of ours that nobody else reports."""
    failing = rounds(*(timedelta(hours=h) for h in (1, 2, 3)), outcome="inconclusive")
    good = rounds(timedelta(hours=26), timedelta(hours=50), first=90)

    found = freshness([*failing, *good], next_check_at=None, now=NOW)

    assert found.state is State.FAILING
    assert len(found.failed) == 3
    assert found.failing_since == failing[-1].started_at


def test_overdue_is_said_before_failing() -> None:
    """That rounds are tried does not make old answers new."""
    failing = rounds(timedelta(hours=1), outcome="interrupted")
    good = rounds(9 * DAY, 10 * DAY, first=90)

    assert state([*failing, *good]) is State.OVERDUE


def test_before_a_conclusive_round_there_is_nothing_to_trust() -> None:
    """Neither an empty table nor one that only outages filled."""
    running = Run(id=1, started_at=NOW - DAY, outcome="running")

    assert state([]) is State.NEVER
    assert state(rounds(DAY, outcome="inconclusive")) is State.NEVER
    assert freshness([running], next_check_at=None, now=NOW).running_since == NOW - DAY


def test_rejudging_makes_no_answer_newer() -> None:
    """Today's rules over old looks are old looks."""
    again = rounds(timedelta(hours=1), outcome="rejudged")
    good = rounds(9 * DAY, 10 * DAY, first=90)

    assert state([*again, *good]) is State.OVERDUE


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=20), "0 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=6), "6 hours"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=30), "30 hours"),
        (timedelta(days=9), "9 days"),
        (timedelta(seconds=-5), "0 minutes"),
    ],
)
def test_a_span_is_spelt_in_one_unit(span: timedelta, words: str) -> None:
    """A maintainer reads "9 days", not "9 days, 0:14:22"."""
    assert spell(span) == words
