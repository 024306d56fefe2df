"""Strikes and answers over time: dead too soon is a slander, dead too late is a broken page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import history
from verifier.copies import CopyAnswer
from verifier.records import (
    AuditRow,
    Change,
    Check,
    Copy,
    Finding,
    Link,
    LocalCopy,
    Quote,
    QuoteKind,
    Reading,
    Seen,
    Sighting,
    Snapshot,
    Source,
    Standing,
)

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SOURCE = Source(id="a", url="https://a.example/page", quote="the words themselves")
FOUND = Finding(result=Quote.FOUND, reason="verbatim: they stand there")
NOT_FOUND = Finding(result=Quote.UNCHECKED, reason="not-verbatim: they don't")
PENDING = CopyAnswer(copy=Copy.PENDING, reason="waiting: its turn has not come yet")


def look(
    seen: Seen,
    after: timedelta = timedelta(),
    finding: Finding | None = None,
    *,
    conclusive: bool = True,
    capture_id: int | None = None,
    retry_after: datetime | None = None,
) -> Check:
    """A look at SOURCE, so long after START."""
    at = START + after
    return Check(
        id=int(after / timedelta(minutes=1)) + 1,
        run_id=1,
        source_id="a",
        url=SOURCE.url,
        address=SOURCE.address,
        checked_at=at,
        reading=Reading(
            seen=seen,
            rule=f"rule-{seen}",
            reason=f"at {at:%d %H:%M}",
            suggested_url="https://b.example/" if seen is Seen.MOVED else "",
        ),
        rules_version=1,
        status=200,
        final_url="https://a.example/final",
        sha256=f"{at:%d%H}",
        finding=finding,
        conclusive=conclusive,
        capture_id=capture_id,
        retry_after=retry_after,
    )


def told(*checks: Check, before: Standing | None = None, source: Source = SOURCE) -> Standing:
    """The standing after these looks."""
    standing = history.resume(before, source)
    for check in checks:
        standing = history.fold(standing, check)
    return standing


def links(*checks: Check) -> list[str]:
    """The answer after each look."""
    standing, found = history.resume(None, SOURCE), []
    for check in checks:
        standing = history.fold(standing, check)
        found.append(str(standing.row.link))
    return found


# ---- link --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "link"),
    [
        (Seen.ALIVE, Link.LIVE),
        (Seen.MOVED, Link.MOVED),
        (Seen.BLOCKED, Link.BLOCKED),
        (Seen.FAILING, Link.SUSPECT),
        (Seen.GONE, Link.SUSPECT),
        (Seen.INVALID, Link.INVALID),
        (Seen.HIJACKED, Link.HIJACKED),
        (Seen.UNDECIDED, Link.UNCHECKED),
    ],
)
def test_a_first_look_gives_its_answer_with_reason_and_date(seen: Seen, link: Link) -> None:
    """
    One look never makes a source dead, and every answer says why and since when.
    """
    row = told(look(seen)).row

    assert row.link is link
    assert row.link_reason.startswith(f"rule-{seen}: ")
    assert (row.link_since, row.checked_at) == (START, START)


def test_three_strikes_and_seven_days_without_success_make_dead() -> None:
    """
    Both are needed: three strikes are there after six days, the seventh day comes later.
    """
    failing = [look(Seen.FAILING, 72 * HOUR * place) for place in range(3)]

    assert links(*failing) == ["suspect"] * 3
    assert told(*failing).row.strikes == 3
    assert told(*failing, look(Seen.FAILING, 7 * DAY - timedelta(seconds=1))).row.link == "suspect"
    assert told(*failing, look(Seen.FAILING, 7 * DAY)).row.link is Link.DEAD


def test_seven_days_are_counted_from_the_last_success() -> None:
    """
    A page that was seen well two days before its first failure is dead a day earlier.
    """
    well = look(Seen.ALIVE)
    failing = [look(Seen.FAILING, DAY + 72 * HOUR * place) for place in range(3)]

    assert links(well, *failing) == ["live", "suspect", "suspect", "dead"]


def test_a_strike_counts_only_72_hours_after_the_one_before() -> None:
    """
    A round every hour must not make three strikes of one bad afternoon.
    """
    hourly = [look(Seen.FAILING, place * HOUR) for place in range(72)]

    assert told(*hourly).row.strikes == 1
    assert told(*hourly, look(Seen.FAILING, 72 * HOUR - timedelta(seconds=1))).row.strikes == 1
    assert told(*hourly, look(Seen.FAILING, 72 * HOUR)).row.strikes == 2


def test_long_failing_with_few_looks_is_not_dead() -> None:
    """
    Two looks, a month apart, are two strikes: cron may have been off.
    """
    assert links(look(Seen.FAILING), look(Seen.FAILING, 30 * DAY)) == ["suspect", "suspect"]


def test_a_success_resets_the_strikes() -> None:
    """
    Flaky is not dying.
    """
    standing = told(
        look(Seen.FAILING),
        look(Seen.FAILING, 3 * DAY),
        look(Seen.ALIVE, 6 * DAY),
        look(Seen.FAILING, 9 * DAY),
    )

    assert (standing.row.link, standing.row.strikes) == (Link.SUSPECT, 1)
    assert standing.failing_since == START + 9 * DAY


def test_the_dead_come_back() -> None:
    """
    A dead page that answers again is live at once, with a clean record.
    """
    dead = [look(Seen.FAILING, 3 * DAY * place) for place in range(4)]

    assert links(*dead, look(Seen.ALIVE, 40 * DAY))[-2:] == ["dead", "live"]
    assert told(*dead, look(Seen.ALIVE, 40 * DAY)).row.strikes == 0


def test_a_hijacked_page_is_so_at_once_without_strikes_and_can_come_back() -> None:
    """
    Whose page it is, is plain at one look, also in a round that was interrupted; a name that was
    won back is live again.
    """
    assert links(
        look(Seen.ALIVE),
        look(Seen.HIJACKED, DAY),
        look(Seen.HIJACKED, 2 * DAY),
        look(Seen.ALIVE, 3 * DAY),
        look(Seen.HIJACKED, 4 * DAY, conclusive=False),
    ) == ["live", "hijacked", "hijacked", "live", "hijacked"]
    standing = told(look(Seen.ALIVE, finding=FOUND, capture_id=4), look(Seen.HIJACKED, DAY))
    assert (standing.row.strikes, standing.row.quote, standing.row.local_copy) == (0, "found", 4)


def test_what_could_not_be_judged_is_not_looked_at_every_few_hours() -> None:
    """
    A script's shell is the same shell tonight.
    """
    shell = look(Seen.UNDECIDED)
    shell = replace(shell, reading=replace(shell.reading, rule="script-shell"))

    assert pause(shell) == 7 * DAY
    assert pause(look(Seen.HIJACKED)) == 7 * DAY
    assert pause(look(Seen.UNDECIDED)) == 6 * HOUR


def test_the_dead_stay_dead_while_they_fail() -> None:
    """
    The next failure of a dead page is no reprieve.
    """
    dead = [look(Seen.FAILING, 3 * DAY * place) for place in range(4)]

    assert links(*dead, look(Seen.FAILING, 10 * DAY))[-1] == "dead"
    assert told(*dead, look(Seen.FAILING, 10 * DAY)).row.link_since == START + 9 * DAY


def test_gone_is_suspect_first_and_dead_a_day_later() -> None:
    """
    410 is the server's own word, but even servers err for an hour.
    """
    gone = look(Seen.GONE)

    assert links(gone, look(Seen.GONE, DAY - timedelta(seconds=1))) == ["suspect", "suspect"]
    assert links(gone, look(Seen.GONE, DAY)) == ["suspect", "dead"]
    assert links(gone, look(Seen.GONE, 10 * timedelta(minutes=1)), look(Seen.GONE, DAY))[-1] == (
        "dead"
    )


@pytest.mark.parametrize("between", [Seen.FAILING, Seen.ALIVE, Seen.BLOCKED, Seen.INVALID])
def test_gone_must_be_said_twice_in_a_row(between: Seen) -> None:
    """
    Another answer between two 410 breaks the run: what follows is a first time again.
    """
    assert links(look(Seen.GONE), look(between, 12 * HOUR), look(Seen.GONE, 30 * HOUR))[-1] == (
        "suspect"
    )


def test_an_undecided_look_does_not_break_a_run_of_gone() -> None:
    """
    A 503 tells nothing, so it takes nothing back either.
    """
    between = look(Seen.UNDECIDED, 12 * HOUR)

    assert links(look(Seen.GONE), between, look(Seen.GONE, 30 * HOUR))[-1] == "dead"


def test_blocked_is_never_dead_however_long() -> None:
    """
    A server that refuses us for a year proves only that it is there.
    """
    looks = [look(Seen.BLOCKED, 3 * DAY * place) for place in range(120)]

    assert set(links(*looks)) == {"blocked"}
    assert told(*looks).row.strikes == 0


@pytest.mark.parametrize(
    ("former", "link"),
    [
        (Seen.ALIVE, Link.LIVE),
        (Seen.MOVED, Link.MOVED),
        (Seen.BLOCKED, Link.BLOCKED),
        (Seen.FAILING, Link.SUSPECT),
    ],
)
def test_an_undecided_look_leaves_the_former_answer(former: Seen, link: Link) -> None:
    """
    503 and SERVFAIL leave answer, reason, date and strikes as they were.
    """
    before = told(look(former))
    after = history.fold(before, look(Seen.UNDECIDED, DAY))

    assert after.row.link is link
    assert (after.row.link_reason, after.row.link_since) == (before.row.link_reason, START)
    assert (after.row.strikes, after.last_strike_at) == (before.row.strikes, before.last_strike_at)
    assert after.row.checked_at == START + DAY


def test_an_answer_keeps_its_date_while_it_stays_the_same() -> None:
    """
    "Live since" is of use only when each look does not move it.
    """
    row = told(look(Seen.ALIVE), look(Seen.ALIVE, 7 * DAY)).row

    assert (row.link_since, row.last_live_at) == (START, START + 7 * DAY)
    assert told(look(Seen.ALIVE), look(Seen.MOVED, DAY)).row.link_since == START + DAY


@pytest.mark.parametrize("seen", [Seen.FAILING, Seen.GONE, Seen.UNDECIDED, Seen.INVALID])
def test_failures_of_a_round_that_says_nothing_change_nothing(seen: Seen) -> None:
    """
    An interrupted or inconclusive round may have failed by our own fault: a captive network
    even answers with private addresses.
    """
    before = told(look(Seen.ALIVE))

    assert history.fold(before, look(seen, 9 * DAY, conclusive=False)) == before


def test_successes_of_a_round_that_says_nothing_count() -> None:
    """
    A page that came did come, whatever happened to the round.
    """
    failing = [look(Seen.FAILING, 3 * DAY * place) for place in range(2)]
    alive = look(Seen.ALIVE, 4 * DAY, FOUND, conclusive=False)
    row = told(*failing, alive).row

    assert (row.link, row.strikes, row.quote) == (Link.LIVE, 0, Quote.FOUND)


def test_moved_names_the_address_to_use_and_keeps_it_when_the_page_dies() -> None:
    """
    When the old address stops redirecting, the suggestion is worth more, not less.
    """
    row = told(look(Seen.MOVED), look(Seen.FAILING, DAY)).row

    assert (row.link, row.suggested_url) == (Link.SUSPECT, "https://b.example/")
    assert told(look(Seen.MOVED), look(Seen.ALIVE, DAY)).row.suggested_url == ""


@pytest.mark.parametrize("seen", [Seen.BLOCKED, Seen.FAILING, Seen.UNDECIDED, Seen.HIJACKED])
def test_only_a_good_page_becomes_the_baseline(seen: Seen) -> None:
    """
    The body of a wall or an error page must not replace the hash and the copy of the source.
    """
    before = told(look(Seen.ALIVE, capture_id=7)).row
    after = told(look(Seen.ALIVE, capture_id=7), look(seen, DAY, capture_id=8)).row

    assert (after.sha256, after.local_copy) == (before.sha256, 7)


# ---- another row -------------------------------------------------------------------------


def test_another_url_starts_afresh() -> None:
    """
    Strikes belong to (id, url): the new address has done nothing yet.
    """
    dead = told(*(look(Seen.FAILING, 3 * DAY * place) for place in range(4)))
    after = history.resume(dead, replace(SOURCE, url="https://new.example/"))

    assert (after.row.link, after.row.strikes, after.row.last_live_at) == (Link.UNCHECKED, 0, None)
    assert (after.failing_since, after.last_strike_at, after.gone_since) == (None, None, None)
    assert after.row.next_check_at is None


def test_another_quotation_only_asks_that_question_anew() -> None:
    """
    Strikes stay; "found" about other words must not.
    """
    before = told(look(Seen.ALIVE, timedelta(), FOUND), look(Seen.FAILING, DAY))
    after = history.resume(before, replace(SOURCE, quote="other words"))

    assert (after.row.link, after.row.strikes) == (Link.SUSPECT, 1)
    assert (after.row.quote, after.row.quote_since) == (Quote.UNCHECKED, None)
    assert (after.row.quote_first_found_at, after.row.quote_last_found_at) == (None, None)
    assert after.row.next_check_at is None
    assert after.quote_sha256 != before.quote_sha256


def test_the_same_row_goes_on_as_it_was() -> None:
    """
    A note or a tag that changed is no reason to forget anything.
    """
    before = told(look(Seen.FAILING))

    assert history.resume(before, replace(SOURCE, note="see page 3", line=9)) is before


def test_a_row_without_a_quotation_says_so() -> None:
    """
    "Unchecked" would call for somebody to look, for ever.
    """
    row = history.resume(None, replace(SOURCE, quote="")).row

    assert (row.quote, row.quote_reason[:9]) == (Quote.NO_QUOTE, "no-quote:")


def test_a_row_that_cannot_be_checked_is_invalid_from_the_start() -> None:
    """
    The reason begins with the rule, and nobody waits for a look that can't come.
    """
    for source, rule in (
        (replace(SOURCE, url=""), "no-address: "),
        (replace(SOURCE, url="x", fault="no-scheme: it has none"), "no-scheme: it has none"),
    ):
        begun = history.complete(history.resume(None, source), source, PENDING, now=START)
        row = history.complete(begun, source, PENDING, now=START + DAY).row
        assert row.link is Link.INVALID
        assert row.link_reason.startswith(rule)
        assert (row.link_since, row.next_check_at) == (START, None)


def test_a_row_whose_fault_was_mended_is_due_again() -> None:
    """
    fetch_url is mended while url stays: the row must not be invalid for ever.
    """
    faulty = replace(SOURCE, fetch_url="ftp://x", fault="unsupported-scheme: fetch_url, ftp")
    before = history.complete(told(look(Seen.ALIVE)), faulty, PENDING, now=START)
    after = history.resume(before, SOURCE)

    assert before.row.link is Link.INVALID
    assert after.row.link is Link.UNCHECKED
    assert history.complete(after, SOURCE, PENDING, now=START + DAY).row.next_check_at == (
        START + DAY
    )


def test_what_nobody_looked_at_is_due_at_once() -> None:
    """
    A round with --only writes every answer: the others must not count as looked at.
    """
    new = history.complete(history.resume(None, SOURCE), SOURCE, PENDING, now=START)
    other_words = replace(SOURCE, quote="other words")
    asked_anew = history.complete(
        history.resume(told(look(Seen.ALIVE)), other_words), other_words, PENDING, now=START + DAY
    )

    assert new.row.next_check_at == START
    assert asked_anew.row.next_check_at == START + DAY
    looked = history.complete(told(look(Seen.ALIVE)), SOURCE, PENDING, now=START + DAY)
    assert looked.row.next_check_at == START + 7 * DAY


# ---- quote -------------------------------------------------------------------------------


def test_a_quotation_that_is_found_has_its_dates() -> None:
    """
    "Found since, last found" is what a reader of an old article wants to know.
    """
    row = told(look(Seen.ALIVE, timedelta(), FOUND), look(Seen.MOVED, 7 * DAY, FOUND)).row

    assert row.quote is Quote.FOUND
    assert (row.quote_since, row.quote_first_found_at) == (START, START)
    assert row.quote_last_found_at == START + 7 * DAY


def test_changed_surroundings_are_told_until_the_words_go() -> None:
    """
    The same words may mean something else among others, and nobody reads every report.
    """
    changed = replace(look(Seen.ALIVE, 7 * DAY, FOUND), changed_around=2)
    looks = (look(Seen.ALIVE, timedelta(), FOUND), changed, look(Seen.ALIVE, 14 * DAY, FOUND))

    first, now, later = (told(*looks[:number]).row for number in (1, 2, 3))
    gone = told(*looks, look(Seen.ALIVE, 21 * DAY, NOT_FOUND)).row
    assert "changed-around" not in first.quote_reason
    assert "changed-around 2026-11-08: the quotation is the same, but 2 words" in now.quote_reason
    assert later.quote_reason == now.quote_reason
    assert later.quote_since == START
    assert "changed-around" not in gone.quote_reason


def test_never_found_and_no_longer_found_are_different_news() -> None:
    """
    "We misquoted" and "they changed it" must be told apart by the reason.
    """
    never = told(look(Seen.ALIVE, timedelta(), NOT_FOUND)).row
    until = told(look(Seen.ALIVE, timedelta(), FOUND), look(Seen.ALIVE, 7 * DAY, NOT_FOUND)).row

    assert never.quote_reason.startswith("never-found")
    assert until.quote_reason.startswith("found-until 2026-11-01")
    assert (until.quote, until.quote_since) == (Quote.UNCHECKED, START + 7 * DAY)


@pytest.mark.parametrize(
    "seen", [Seen.BLOCKED, Seen.FAILING, Seen.GONE, Seen.UNDECIDED, Seen.HIJACKED]
)
def test_no_text_leaves_the_former_finding_with_its_date(seen: Seen) -> None:
    """
    The words on a login page or an error page say nothing of the source.
    """
    before = told(look(Seen.ALIVE, timedelta(), FOUND)).row
    after = told(look(Seen.ALIVE, timedelta(), FOUND), look(seen, DAY, NOT_FOUND)).row

    assert (after.quote, after.quote_reason, after.quote_since, after.quote_last_found_at) == (
        before.quote, before.quote_reason, before.quote_since, before.quote_last_found_at,
    )  # fmt: skip


def test_only_copies_with_the_words_are_keepers() -> None:
    """
    The live page is no custodian, and a copy without the words keeps nothing.
    """
    standing = told(look(Seen.ALIVE, timedelta(), FOUND, capture_id=7))

    def keepers(kept: LocalCopy, copy: CopyAnswer = PENDING) -> int:
        return history.complete(standing, SOURCE, copy, kept, now=START).row.keepers

    assert keepers(LocalCopy(capture_id=7, says=Quote.FOUND, looked=True)) == 1
    assert keepers(LocalCopy(says=Quote.ABSENT, looked=True)) == 0
    assert keepers(LocalCopy(looked=True)) == 0
    assert keepers(LocalCopy(), replace(PENDING, copy=Copy.CONFIRMED, keeps=True)) == 1


def test_the_capture_with_the_words_is_the_local_copy() -> None:
    """
    When the page no longer says it, the newest capture is of no use to a reader.
    """
    standing = told(look(Seen.ALIVE, timedelta(), NOT_FOUND, capture_id=8))
    kept = LocalCopy(capture_id=3, says=Quote.FOUND, looked=True)

    row = history.complete(standing, SOURCE, PENDING, kept, now=START).row

    assert (row.local_copy, row.quote_local, row.keepers) == (3, "found", 1)


# ---- a second vantage point --------------------------------------------------------------


def failing_for_a_week(*sightings: Sighting, status: int | None = None) -> Standing:
    """Alive once, then failing on days 1, 4 and 8."""
    standing = history.fold(history.resume(None, SOURCE), look(Seen.ALIVE))
    for day in (1, 4, 8):
        check = replace(look(Seen.FAILING, day * DAY), status=status)
        standing = history.fold(standing, check, sightings)
    return standing


def silent(seen: Seen, after: timedelta) -> Check:
    """A look that was shown no page."""
    return replace(look(seen, after), status=None)


def seen_on(day: float, *, quote_found: bool = False) -> Sighting:
    return Sighting(at=START + day * DAY, quote_found=quote_found)


def test_an_archive_that_saw_the_page_while_we_could_not_keeps_it_from_dead() -> None:
    """
    It is alive for others, then: dead would be a slander.
    """
    held, dead = failing_for_a_week(seen_on(5)), failing_for_a_week()

    assert dead.row.link is Link.DEAD
    assert (held.row.link, held.row.strikes) == (Link.SUSPECT, 3)
    assert held.row.link_reason.startswith("second-vantage: an archive got the page on 2026-11-06")
    assert held.row.next_check_at == START + 11 * DAY


@pytest.mark.parametrize("day", [0, 0.99, 1], ids=["before", "just before", "as it began"])
def test_what_the_archive_saw_before_it_failed_says_nothing(day: float) -> None:
    """
    The page was there for us then, too.
    """
    assert failing_for_a_week(seen_on(day)).row.link is Link.DEAD


def test_the_archives_word_does_not_hold_for_ever() -> None:
    """
    A page that died the day after it was captured has to be called dead some day.
    """
    standing = failing_for_a_week(seen_on(5))

    standing = history.fold(standing, silent(Seen.FAILING, 11.9 * DAY), [seen_on(5)])
    assert standing.row.link is Link.SUSPECT
    standing = history.fold(standing, look(Seen.FAILING, 15 * DAY), [seen_on(5)])
    assert standing.row.link is Link.DEAD


@pytest.mark.parametrize(("found", "link"), [(True, Link.SUSPECT), (False, Link.DEAD)])
def test_where_we_were_shown_another_page_the_archive_may_have_been_too(
    found: bool, link: Link
) -> None:
    """
    A "not found" that calls itself 200 is captured as 200: then only the quotation counts.
    """
    assert failing_for_a_week(seen_on(5, quote_found=found), status=200).row.link is link


def test_a_page_that_says_it_is_gone_is_held_too_and_not_looked_at_every_ten_minutes() -> None:
    """
    To us it says 410; to the archive it gave the page.
    """
    standing = history.fold(history.resume(None, SOURCE), look(Seen.GONE))
    standing = history.fold(standing, silent(Seen.GONE, DAY), [seen_on(0.5)])

    assert standing.row.link is Link.SUSPECT
    assert standing.row.next_check_at == START + 2 * DAY


def test_a_dead_page_is_not_brought_back_by_an_archive() -> None:
    """
    What brings it back is our own look.
    """
    standing = history.fold(failing_for_a_week(), look(Seen.FAILING, 40 * DAY), [seen_on(39)])

    assert standing.row.link is Link.DEAD


# ---- when to look again ------------------------------------------------------------------


def pause(*checks: Check) -> timedelta:
    """From the last of these looks to the next."""
    due = told(*checks).row.next_check_at
    assert due is not None
    return due - checks[-1].checked_at


def test_each_answer_has_its_pause() -> None:
    """
    Well weekly, refused every three days, the dead monthly: no server is bothered for nothing.
    """
    dead = [look(Seen.FAILING, 3 * DAY * place) for place in range(4)]

    assert pause(look(Seen.ALIVE)) == 7 * DAY
    assert pause(look(Seen.MOVED)) == 7 * DAY
    assert pause(look(Seen.BLOCKED)) == 3 * DAY
    assert pause(look(Seen.UNDECIDED)) == 6 * HOUR
    assert pause(*dead) == 30 * DAY


def test_a_failure_gets_a_second_look_soon_and_then_one_for_each_strike() -> None:
    """
    The second look tells a hiccup from a fault; more before 72 hours could count nothing.
    """
    first, second = look(Seen.FAILING), look(Seen.FAILING, timedelta(minutes=10))

    assert pause(first) == timedelta(minutes=10)
    assert pause(first, second) == 72 * HOUR - timedelta(minutes=10)
    assert pause(first, second, look(Seen.FAILING, 72 * HOUR)) == 72 * HOUR


def test_gone_is_looked_at_again_when_it_can_be_dead() -> None:
    """
    24 hours after the first 410, not after 72.
    """
    second = look(Seen.GONE, timedelta(minutes=10))

    assert pause(look(Seen.GONE)) == timedelta(minutes=10)
    assert pause(look(Seen.GONE), second) == DAY - timedelta(minutes=10)


def test_a_servers_wish_puts_the_next_look_off_but_never_forward() -> None:
    """
    Retry-After is obeyed where it is later than our own plan.
    """
    late, soon = START + 20 * DAY, START + HOUR

    assert pause(look(Seen.UNDECIDED, retry_after=late)) == 20 * DAY
    assert pause(look(Seen.ALIVE, retry_after=soon)) == 7 * DAY


# ---- the audit row -----------------------------------------------------------------------


def test_the_row_shows_what_the_list_says_and_the_copy() -> None:
    """
    One table answers all: people don't join.
    """
    source = replace(
        SOURCE, title="T", publisher="P", published="2019", claim="C", lang="en", locator="p. 3",
        tags=("x", "y"), quote_kind=QuoteKind.TITLE,
    )  # fmt: skip
    kept = Snapshot(
        run_id=1,
        address=source.url,
        via="save",
        timestamp="20261101120000",
        original=source.url,
        captured_at=START,
        url="https://web.archive.org/web/20261101120000/https://a.example/page",
        known_at=START,
    )
    copy = CopyAnswer(copy=Copy.CAPTURED, reason="captured: yes", snapshot=kept)
    first = history.complete(told(look(Seen.ALIVE, DAY, FOUND)), source, PENDING, now=START + DAY)
    row = history.complete(first, source, copy, now=START + 2 * DAY).row

    assert (row.title, row.publisher, row.published, row.claim) == ("T", "P", "2019", "C")
    assert (row.lang, row.locator, row.tags, row.quote_kind) == ("en", "p. 3", ("x", "y"), "title")
    assert (row.cited, row.url) == (source.quote, source.url)
    assert (row.copy, row.copy_reason, row.copy_since) == (
        Copy.CAPTURED, "captured: yes", START + 2 * DAY,
    )  # fmt: skip
    assert (row.snapshot_url, row.snapshot_at) == (kept.url, START)
    assert row.quote_url.startswith("https://a.example/final#:~:text=")
    assert history.complete(first, source, PENDING, now=START + 9 * DAY).row.copy_since == (
        START + DAY
    )


def test_words_in_a_pdf_are_pointed_at_by_their_page() -> None:
    """
    No browser follows a text fragment into a PDF, and a report may have two thousand pages.
    """
    on_page = replace(FOUND, page=214)
    standing = told(look(Seen.ALIVE, timedelta(), on_page))
    row = history.complete(standing, SOURCE, PENDING, now=START).row

    assert row.quote_url == "https://a.example/final#page=214"

    moved = history.fold(replace(standing, row=row), look(Seen.ALIVE, DAY, FOUND))
    assert "#:~:text=" in history.complete(moved, SOURCE, PENDING, now=START).row.quote_url


def test_only_words_that_were_found_are_pointed_at() -> None:
    """
    A link that scrolls to nothing is a promise not kept.
    """
    standing = told(look(Seen.ALIVE, timedelta(), NOT_FOUND))

    assert history.complete(standing, SOURCE, PENDING, now=START).row.quote_url == ""


# ---- news --------------------------------------------------------------------------------


def news(before: AuditRow | None, **after: object) -> list[tuple[str, str, str]]:
    base = before or AuditRow(id="a")
    changed = history.changes(before, replace(base, **after))  # type: ignore[arg-type]
    return [(change.axis, change.before, change.after) for change in changed]


WELL = AuditRow(id="a", link=Link.LIVE, quote=Quote.FOUND, copy=Copy.CAPTURED)


def test_nothing_new_is_no_news() -> None:
    """
    Cron mails only news, and nobody reads a mail that comes each hour.
    """
    assert news(WELL) == []
    assert news(WELL, link_reason="http-200: another", strikes=0) == []


def test_a_first_look_that_went_well_is_no_news() -> None:
    """
    A hundred new sources that are fine are not a hundred lines.
    """
    assert news(None, link=Link.LIVE, quote=Quote.FOUND, copy=Copy.CAPTURED) == []
    assert news(AuditRow(id="a"), link=Link.LIVE, quote=Quote.FOUND, copy=Copy.PENDING) == []
    assert news(replace(WELL, quote=Quote.NO_QUOTE), quote=Quote.FOUND) == []


@pytest.mark.parametrize(
    "link", [Link.MOVED, Link.BLOCKED, Link.SUSPECT, Link.DEAD, Link.HIJACKED, Link.INVALID]
)
def test_what_ails_a_new_source_is_news(link: Link) -> None:
    """
    A wrong address is cheapest to mend on the day it was entered.
    """
    assert news(None, link=link) == [("link", "", str(link))]


def test_a_misquotation_is_news_only_where_it_accuses() -> None:
    """
    A paraphrase is not in the source word for word, and was never meant to be.
    """
    assert news(None, quote=Quote.ABSENT) == [("quote", "", "absent")]
    assert news(None, quote=Quote.ABSENT, quote_kind=QuoteKind.PARAPHRASE) == []


@pytest.mark.parametrize(
    ("axis", "value"),
    [
        ("link", Link.SUSPECT),
        ("link", Link.DEAD),
        ("link", Link.MOVED),
        ("quote", Quote.UNCHECKED),
        ("quote", Quote.ALTERED),
        ("copy", Copy.FAILED),
        ("copy", Copy.LOST),
        ("copy", Copy.NONE),
    ],
)
def test_every_other_answer_is_news(axis: str, value: str) -> None:
    """
    What was well and is not is the reason this program runs.
    """
    ((changed, before, after),) = news(WELL, **{axis: value})

    assert (changed, before, after) == (axis, getattr(WELL, axis), value)


def test_recovery_is_news() -> None:
    """
    Who was told that it is dead, or has no copy, must be told that it is well again.
    """
    assert news(replace(WELL, link=Link.DEAD), link=Link.LIVE) == [("link", "dead", "live")]
    assert news(replace(WELL, copy=Copy.FAILED), copy=Copy.CAPTURED) == [
        ("copy", "failed", "captured")
    ]


@pytest.mark.parametrize("old", [Copy.CAPTURED, Copy.CONFIRMED, Copy.FAILED, Copy.NONE])
def test_a_copy_on_its_way_is_no_news(old: Copy) -> None:
    """
    A capture that aged and is asked for again, or a second try, changes nothing yet.
    """
    assert news(replace(WELL, copy=old), copy=Copy.PENDING) == []
    assert news(replace(WELL, copy=Copy.PENDING), copy=Copy.CONFIRMED) == []


def test_news_say_the_reason() -> None:
    """
    "dead" without "http-404" only makes work.
    """
    after = replace(WELL, link=Link.DEAD, link_reason="http-404: gone")

    assert history.changes(WELL, after) == (
        Change(source_id="a", axis="link", before="live", after="dead", reason="http-404: gone"),
    )


# ---- whatever happens --------------------------------------------------------------------

_looks = st.lists(
    st.builds(
        lambda seen, hours, conclusive: (seen, hours, conclusive),
        st.sampled_from(Seen),
        st.integers(1, 400),
        st.booleans(),
    ),
    max_size=25,
)


@given(_looks)
def test_no_history_breaks_the_rules_of_death(steps: list[tuple[Seen, int, bool]]) -> None:
    """
    Whatever order things happen in: dead needs three strikes and a week, or 410 twice.
    """
    standing, at = history.resume(None, SOURCE), timedelta()
    failures: list[Check] = []
    for seen, hours, conclusive in steps:
        at += hours * HOUR
        check = look(seen, at, conclusive=conclusive)
        before, standing = standing, history.fold(standing, check)
        if seen in (Seen.ALIVE, Seen.MOVED):
            failures = []
            assert (standing.row.strikes, standing.row.last_live_at) == (0, check.checked_at)
        elif seen in (Seen.FAILING, Seen.GONE) and conclusive:
            failures.append(check)
        if standing.row.link is Link.DEAD and before.row.link is not Link.DEAD:
            assert seen in (Seen.FAILING, Seen.GONE)
            gone = [one for one in failures if one.reading.seen is Seen.GONE]
            span = check.checked_at - failures[0].checked_at
            assert (len(failures) >= 3 and span >= 144 * HOUR) or len(gone) >= 2
        assert standing.row.strikes <= len(failures)
        assert standing.row.next_check_at is None or (
            standing.row.next_check_at > (standing.row.checked_at or START)
        )
