"""What an archive is asked next: asked twice is rude, asked never loses the source."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import copies
from verifier.copies import Step
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
from verifier.wayback_answers import REASONS
from verifier.wayback_answers import refused as refusal_of

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1),
)  # fmt: skip
URL = "https://a.example/page"
SOURCE = Source(id="a", url=URL)


def snapshot(age: timedelta, status: int | None = 200, via: str = "save") -> Snapshot:
    """A capture of that age."""
    at = NOW - age
    return Snapshot(
        run_id=1,
        address=URL,
        via=via,
        timestamp=f"{at:%Y%m%d%H%M%S}",
        original=URL,
        captured_at=at,
        url=f"https://web.archive.org/web/{at:%Y%m%d%H%M%S}/{URL}",
        status=status,
        known_at=at,
    )


def submission(
    state: Asked, age: timedelta, retry_in: timedelta | None = None, tries: int = 0
) -> Submission:
    """A submission that was meant so long ago."""
    return Submission(
        run_id=1,
        address=URL,
        state=state,
        intent_at=NOW - age,
        tries=tries,
        job_id="spn2-1" if state is Asked.QUEUED else "",
        retry_at=NOW + retry_in if retry_in is not None else None,
    )


def lookup(answer: str, age: timedelta) -> Lookup:
    """A look into the index so long ago."""
    return Lookup(address=URL, asked_at=NOW - age, answer=answer, detail="as it said")


def custody(*held: Snapshot | Submission | Lookup, barred: bool = False) -> Custody:
    """What is known; of submission and look-up the last one counts."""
    known = Custody(address=URL, barred=barred)
    for one in held:
        match one:
            case Snapshot():
                known = replace(known, snapshots=(*known.snapshots, one))
            case Submission():
                known = replace(known, submission=one)
            case Lookup():
                known = replace(known, lookup=one)
    return known


def step(*held: Snapshot | Submission | Lookup, alive: bool = True) -> Step:
    return copies.next_step(custody(*held), alive=alive, now=NOW)


# ---- what is asked next ------------------------------------------------------------------


@pytest.mark.parametrize("alive", [True, False])
def test_the_index_is_asked_before_anything_is_submitted(alive: bool) -> None:
    """
    Most pages have a good capture already: nothing is submitted twice.
    """
    assert step(alive=alive) is Step.LOOK_UP


def test_what_the_index_lacks_is_submitted_only_while_the_page_is_alive() -> None:
    """
    Submitting a dead or blocked page would put the error page into the archive.
    """
    assert step(lookup("none", MINUTE)) is Step.SUBMIT
    assert step(lookup("none", MINUTE), alive=False) is Step.NOTHING


def test_an_old_look_up_is_made_again_before_submitting() -> None:
    """
    Within an hour somebody else may have captured it.
    """
    assert step(lookup("none", HOUR - SECOND)) is Step.SUBMIT
    assert step(lookup("none", HOUR)) is Step.LOOK_UP


def test_a_page_that_is_not_alive_is_looked_up_monthly() -> None:
    """
    Others may have kept it meanwhile; hourly asking would find nothing more.
    """
    assert step(lookup("none", 30 * DAY - SECOND), alive=False) is Step.NOTHING
    assert step(lookup("none", 30 * DAY), alive=False) is Step.LOOK_UP


@pytest.mark.parametrize("alive", [True, False])
def test_an_index_that_could_not_be_asked_is_asked_again(alive: bool) -> None:
    """
    Trouble says nothing about captures: for a dead page it must not mean a month without.
    """
    assert step(lookup("trouble", MINUTE), alive=alive) is Step.LOOK_UP


@pytest.mark.parametrize("alive", [True, False])
def test_a_good_capture_leaves_nothing_to_ask(alive: bool) -> None:
    """
    Not even when an older submission is still open.
    """
    assert step(snapshot(DAY), alive=alive) is Step.NOTHING
    assert step(snapshot(DAY), submission(Asked.UNKNOWN, 2 * DAY), alive=alive) is Step.NOTHING


@pytest.mark.parametrize(
    ("held", "good"),
    [
        (snapshot(180 * DAY), True),
        (snapshot(180 * DAY + SECOND), False),
        (snapshot(DAY, status=None), True),
        (snapshot(DAY, status=204), True),
        (snapshot(DAY, status=404), False),
        (snapshot(DAY, status=302), False),
    ],
)
def test_a_capture_counts_when_it_is_2xx_and_not_too_old(held: Snapshot, good: bool) -> None:
    """
    A capture of an error page keeps nothing; one of last year is not what we saw.
    """
    assert (copies.good_snapshot(custody(held), NOW, copies.GOOD_FOR) == held) is good
    assert (step(held) is Step.NOTHING) is good


def test_the_newest_good_capture_counts_past_a_bad_newer_one() -> None:
    """
    A failed refresh does not take away the copy that is there.
    """
    good = snapshot(3 * DAY)
    known = custody(snapshot(5 * DAY), good, snapshot(DAY, status=500))

    assert copies.good_snapshot(known, NOW, copies.GOOD_FOR) == good
    assert copies.next_step(known, alive=True, now=NOW, good_for=2 * DAY) is Step.LOOK_UP


def test_a_job_is_polled_while_the_archive_remembers_it() -> None:
    """
    It forgets within the hour, and then says "pending" for ever.
    """
    assert step(submission(Asked.QUEUED, HOUR - SECOND)) is Step.POLL
    assert step(submission(Asked.QUEUED, HOUR)) is Step.FIND_OUTCOME


@pytest.mark.parametrize("state", [Asked.INTENT, Asked.UNKNOWN])
@pytest.mark.parametrize("alive", [True, False])
def test_an_unknown_outcome_is_looked_up_first(state: Asked, alive: bool) -> None:
    """
    Killed between intent and answer, the request may have left: asking again would be twice.
    """
    assert step(submission(state, MINUTE), alive=alive) is Step.FIND_OUTCOME
    assert step(submission(state, MINUTE), lookup("none", 2 * MINUTE)) is Step.FIND_OUTCOME


def test_a_look_up_of_the_same_second_was_before_the_submission() -> None:
    """
    Times have whole seconds, and what we do is look up, then submit.
    """
    assert step(submission(Asked.INTENT, MINUTE), lookup("none", MINUTE)) is Step.FIND_OUTCOME


def test_an_outcome_is_looked_for_hourly() -> None:
    """
    The index lags by hours; asking it in each round would cost our welcome.
    """
    unknown = submission(Asked.UNKNOWN, 5 * HOUR)

    assert step(unknown, lookup("none", HOUR - SECOND)) is Step.NOTHING
    assert step(unknown, lookup("none", HOUR)) is Step.FIND_OUTCOME
    assert step(unknown, lookup("trouble", MINUTE)) is Step.FIND_OUTCOME


def test_an_unknown_outcome_is_given_up_after_a_day_in_the_index() -> None:
    """
    Captures were seen in the index within hours, some after days: a day is the compromise.
    """

    def given_up(age: timedelta) -> bool:
        return copies.given_up_waiting(custody(submission(Asked.UNKNOWN, age)), NOW)

    assert not given_up(DAY - SECOND)
    assert given_up(DAY)
    assert not copies.given_up_waiting(custody(), NOW)


@given(
    st.sampled_from([Asked.INTENT, Asked.UNKNOWN, Asked.QUEUED]),
    st.timedeltas(timedelta(), 3 * DAY),
    st.none() | st.builds(
        lookup,
        st.sampled_from(["none", "found", "trouble", "excluded"]),
        st.timedeltas(timedelta(), 3 * DAY),
    ),
    st.booleans(),
)  # fmt: skip
def test_what_may_be_under_way_is_never_submitted(
    state: Asked, age: timedelta, looked: Lookup | None, alive: bool
) -> None:
    """
    Whatever else is known: an open submission is settled first, through the index or the job.
    """
    held: list[Submission | Lookup] = [submission(state, age)]
    if looked is not None:
        held.append(looked)

    assert step(*held, alive=alive) in (Step.FIND_OUTCOME, Step.POLL, Step.NOTHING)


@pytest.mark.parametrize("state", [Asked.DEFERRED, Asked.FAILED, Asked.EXCLUDED])
def test_a_refused_address_rests_until_its_time(state: Asked) -> None:
    """
    Asked again too early, the archive shuts our network out.
    """
    waiting, due = submission(state, HOUR, SECOND), submission(state, HOUR, timedelta())

    assert step(waiting, lookup("none", MINUTE)) is Step.NOTHING
    assert step(due, lookup("none", 2 * HOUR)) is Step.LOOK_UP
    assert step(due, lookup("none", MINUTE)) is Step.SUBMIT
    assert step(due, lookup("none", MINUTE), alive=False) is Step.NOTHING


def test_what_was_called_a_failure_is_looked_for_once_the_index_could_show_it() -> None:
    """
    The archive says that it failed, and the capture is there: that happens.
    """
    failed = submission(Asked.FAILED, 25 * HOUR, 20 * DAY)

    assert step(failed, lookup("none", 25 * HOUR)) is Step.FIND_OUTCOME
    assert step(failed) is Step.FIND_OUTCOME
    assert step(failed, lookup("trouble", MINUTE)) is Step.FIND_OUTCOME
    assert step(failed, lookup("none", MINUTE)) is Step.NOTHING
    assert step(submission(Asked.FAILED, 23 * HOUR, 20 * DAY)) is Step.NOTHING


def test_a_capture_that_is_no_good_is_not_asked_for_each_hour() -> None:
    """
    The archive saw an error where we saw the page: it would see it again.
    """
    bad, asked = snapshot(DAY, status=403), submission(Asked.CAPTURED, DAY)

    assert step(bad, asked, lookup("none", 2 * HOUR)) is Step.NOTHING
    assert step(bad, replace(asked, intent_at=NOW - 30 * DAY), lookup("none", 2 * HOUR)) is (
        Step.LOOK_UP
    )


def test_a_capture_that_grew_old_is_asked_for_again() -> None:
    """
    Half a year later the page may say something else.
    """
    old = (snapshot(181 * DAY), submission(Asked.CAPTURED, 181 * DAY), lookup("none", 181 * DAY))

    assert step(*old) is Step.LOOK_UP
    assert step(*old[:2], lookup("none", MINUTE)) is Step.SUBMIT


@pytest.mark.parametrize("alive", [True, False])
def test_what_the_archive_bars_is_asked_about_monthly(alive: bool) -> None:
    """
    Owners change their minds, but not each hour; and nothing is submitted meanwhile.
    """
    assert step(lookup("excluded", 2 * DAY), alive=alive) is Step.NOTHING
    assert step(submission(Asked.INTENT, 3 * DAY), lookup("excluded", 2 * DAY)) is Step.NOTHING
    assert step(lookup("excluded", 30 * DAY), alive=alive) is Step.LOOK_UP


def test_what_must_not_be_given_away_is_not_even_looked_up() -> None:
    """
    Asking an archive's index about an address tells the archive the address.
    """
    assert copies.next_step(custody(barred=True), alive=True, now=NOW) is Step.NOTHING
    assert copies.next_step(Custody(address=""), alive=True, now=NOW) is Step.NOTHING


# ---- refusals ----------------------------------------------------------------------------


def refused(
    retry: Retry,
    *,
    tries: int = 0,
    now: datetime = NOW,
    wish: float | None = None,
    excluded: bool = False,
) -> tuple[Asked, timedelta, int]:
    """State, time until it is asked again, and refusals in a row."""
    refusal = Refused(code="x", message="m", retry=retry, retry_after=wish, excluded=excluded)
    after = copies.refused(submission(Asked.INTENT, MINUTE, tries=tries), refusal, now=now)
    assert after.retry_at is not None
    assert (after.answered_at, after.code, after.message) == (now, "x", "m")
    return after.state, after.retry_at - now, after.tries


def test_passing_refusals_wait_longer_each_time_and_then_a_month() -> None:
    """
    Five in a row are no accident any more.
    """
    found = [refused(Retry.LATER, tries=tries) for tries in range(5)]

    assert found == [
        (Asked.DEFERRED, HOUR, 1),
        (Asked.DEFERRED, 2 * HOUR, 2),
        (Asked.DEFERRED, 4 * HOUR, 3),
        (Asked.DEFERRED, 8 * HOUR, 4),
        (Asked.FAILED, 30 * DAY, 5),
    ]


def test_the_archives_wish_is_obeyed_where_it_is_longer() -> None:
    """
    Retry-After from the archive counts as much as from a site.
    """
    assert refused(Retry.LATER, wish=7200.0)[1] == 2 * HOUR
    assert refused(Retry.LATER, wish=10.0)[1] == HOUR


def test_a_daily_limit_waits_for_the_utc_day_to_turn() -> None:
    """
    "24 hours later" would drift through the day; the archive counts days in UTC.
    """
    assert refused(Retry.TOMORROW)[:2] == (Asked.DEFERRED, 6 * HOUR + 5 * MINUTE)
    elsewhere = NOW.astimezone(tz=None)
    assert refused(Retry.TOMORROW, now=elsewhere)[1] == 6 * HOUR + 5 * MINUTE
    last = NOW.replace(hour=23, minute=59, second=59)
    assert refused(Retry.TOMORROW, now=last)[1] == 5 * MINUTE + SECOND


def test_a_permanent_refusal_is_asked_again_after_weeks() -> None:
    """
    Sites and archives change their minds: no "never" of a machine is for ever.
    """
    assert refused(Retry.NEVER) == (Asked.FAILED, 30 * DAY, 1)
    assert refused(Retry.NEVER, excluded=True) == (Asked.EXCLUDED, 30 * DAY, 1)


@pytest.mark.parametrize("tries", [0, 3, 4, 9])
def test_a_refusal_about_us_is_not_held_against_the_address(tries: int) -> None:
    """
    Wrong keys over five rounds must not make the first address of the list "failed".
    """
    state, _, counted = refused(Retry.STOP, tries=tries)

    assert (state, counted) == (Asked.DEFERRED, tries)


@pytest.mark.parametrize("code", REASONS)
def test_every_code_of_the_archive_leads_somewhere(code: str) -> None:
    """
    A refusal without a date would be asked in each round, or never.
    """
    after = copies.refused(submission(Asked.INTENT, MINUTE), refusal_of(code), now=NOW)

    assert after.state in (Asked.DEFERRED, Asked.FAILED, Asked.EXCLUDED)
    assert after.retry_at is not None
    assert NOW < after.retry_at <= NOW + 30 * DAY


@pytest.mark.parametrize(
    ("answer", "ill"),
    [
        (refusal_of("http-429"), True),
        (refusal_of("http-418"), True),
        (refusal_of("unreachable"), True),
        (refusal_of("user-session-limit"), True),
        (refusal_of("not-found"), False),
        (refusal_of("too-many-daily-captures"), False),
        (refusal_of("blocked-url"), False),
        (refusal_of("a-code-of-next-year"), False),
        (OutcomeUnknown(detail="HTTP 520"), True),
        (OutcomeUnknown(detail="the same snapshot", already_there=True), False),
        (IndexTrouble(detail="HTTP 504"), True),
        (IndexTrouble(detail="barred", excluded=True), False),
        (NotInIndex(), False),
        (Queued(job_id="spn2-1"), False),
        (Memento(timestamp="20261122180000", original=URL), False),
    ],
)
def test_only_an_ill_archive_counts_towards_leaving_it_alone(
    answer: SaveAnswer | FindAnswer, ill: bool
) -> None:
    """
    Five pages in a row that the archive refuses for themselves are the archive at work.
    """
    assert copies.is_trouble(answer) is ill


# ---- the third answer --------------------------------------------------------------------


def answer(
    *held: Snapshot | Submission | Lookup,
    link: Link = Link.LIVE,
    preserve: Preserve = Preserve.PUBLIC,
) -> copies.CopyAnswer:
    source = replace(SOURCE, preserve=preserve)
    return copies.answer(source, custody(*held), link, now=NOW)


@pytest.mark.parametrize(
    ("state", "copy"),
    [
        (Asked.INTENT, Copy.PENDING),
        (Asked.QUEUED, Copy.PENDING),
        (Asked.UNKNOWN, Copy.PENDING),
        (Asked.DEFERRED, Copy.PENDING),
        (Asked.FAILED, Copy.FAILED),
        (Asked.EXCLUDED, Copy.EXCLUDED),
    ],
)
def test_every_state_of_a_submission_has_its_answer(state: Asked, copy: Copy) -> None:
    """
    Pending is no copy: "asked for" must never look like "kept".
    """
    asked = replace(submission(state, MINUTE, DAY), code="some-code", message="some words")
    found = answer(snapshot(200 * DAY, via="index"), asked)

    assert found.copy is copy
    assert ": " in found.reason
    assert found.snapshot is not None
    if state not in (Asked.INTENT, Asked.UNKNOWN):
        assert "some-code: some words" in found.reason


def test_a_capture_is_captured_and_says_how_we_know() -> None:
    """
    "Confirmed" needs somebody to read it back; nobody has yet.
    """
    saved = answer(snapshot(DAY), submission(Asked.CAPTURED, DAY))
    found = answer(snapshot(DAY, via="index"), submission(Asked.DEFERRED, MINUTE, HOUR))

    assert (saved.copy, found.copy) == (Copy.CAPTURED, Copy.CAPTURED)
    assert "2026-11-21 18:00:00, the archive named it" in saved.reason
    assert "its index has it" in found.reason
    assert saved.snapshot == snapshot(DAY)


@pytest.mark.parametrize("link", Link)
def test_a_good_copy_is_kept_whatever_became_of_the_link(link: Link) -> None:
    """
    The three answers are independent: a dead page with a copy is the case we exist for.
    """
    assert answer(snapshot(DAY), link=link).copy is Copy.CAPTURED


@pytest.mark.parametrize("preserve", [Preserve.LOCAL, Preserve.NONE])
def test_a_row_that_is_not_public_has_no_copy_elsewhere(preserve: Preserve) -> None:
    """
    And its reason says that this is meant.
    """
    found = answer(lookup("none", DAY), preserve=preserve)

    assert (found.copy, found.reason.partition(":")[0]) == (Copy.NONE, "not-public")


def test_what_waits_for_its_turn_is_pending() -> None:
    """
    A round's time for archives ends; what is left is not "none".
    """
    for link in Link:
        expected = Copy.NONE if link is Link.INVALID else Copy.PENDING
        assert answer(link=link).copy is expected
        assert answer(lookup("trouble", MINUTE), link=link).copy is expected


@pytest.mark.parametrize("link", [Link.DEAD, Link.BLOCKED, Link.SUSPECT, Link.HIJACKED])
def test_what_cannot_be_submitted_and_is_not_in_the_index_has_none(link: Link) -> None:
    """
    A person must act: nobody else will.
    """
    found = answer(lookup("none", DAY), link=link)

    assert found.copy is Copy.NONE
    assert str(link) in found.reason
    assert answer(lookup("none", DAY)).copy is Copy.PENDING


def test_an_older_copy_is_named_where_there_is_no_recent_one() -> None:
    """
    It may be all that is left of a dead page.
    """
    old = snapshot(200 * DAY, via="index")
    found = answer(old, lookup("none", DAY), link=Link.BLOCKED)

    assert (found.copy, found.snapshot) == (Copy.NONE, old)
    assert f"{old.captured_at:%Y-%m-%d}" in found.reason


@pytest.mark.parametrize(
    ("via", "link"),
    [("save", Link.BLOCKED), ("save", Link.LIVE), ("index", Link.DEAD), ("index", Link.HIJACKED)],
)
def test_an_old_copy_counts_where_it_was_made_for_us_or_no_younger_can_come(
    via: str, link: Link
) -> None:
    """
    The contract sets an age for what the index has, not for what the archive saved for us; and
    a dead page with a copy must not turn into a dead page without one by the calendar.
    """
    old = snapshot(200 * DAY, via=via)
    found = answer(old, lookup("none", DAY), link=link)

    assert (found.copy, found.snapshot) == (Copy.CAPTURED, old)


def test_an_old_copy_of_an_address_that_the_archive_bars_now_does_not_count() -> None:
    """
    Nobody can read it any more.
    """
    found = answer(snapshot(200 * DAY), lookup("excluded", DAY), link=Link.LIVE)

    assert found.copy is Copy.EXCLUDED


def test_an_address_that_the_archive_bars_is_excluded_even_while_a_save_is_open() -> None:
    """
    "Pending" for ever would hide that no copy will come.
    """
    found = answer(submission(Asked.INTENT, 2 * DAY), lookup("excluded", HOUR))

    assert (found.copy, found.reason) == (Copy.EXCLUDED, "excluded: as it said")
