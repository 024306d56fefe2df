"""Whether a copy is one of what we saw: a wrong "confirmed" would be trusted by everybody."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import confirm, copies
from verifier.confirm import Holding
from verifier.records import (
    ArchivedHop,
    Copy,
    CopyFinding,
    Custody,
    Finding,
    Link,
    Observed,
    Outcome,
    Quote,
    ReadBack,
    Snapshot,
    Source,
)
from verifier.rows import quote_sha256

URL = "https://a.example/page"
MADE = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
STAMP = f"{MADE:%Y%m%d%H%M%S}"
READ = datetime(2026, 1, 11, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WORDS = "the words themselves"
SOURCE = Source(id="a", url=URL, quote=WORDS)
PLAIN = Source(id="a", url=URL)
SAW = Observed(
    addresses=frozenset({URL, "https://a.example/final"}),
    sha256s=frozenset({"ab"}),
    texts=frozenset({("cd", 2)}),
)
COPY = Snapshot(
    id=1,
    run_id=1,
    address=URL,
    via="save",
    timestamp=STAMP,
    original=URL,
    captured_at=MADE,
    url=f"https://web.archive.org/web/{STAMP}/{URL}",
    known_at=MADE,
)
GOOD = ReadBack(
    run_id=1,
    snapshot_id=1,
    read_at=READ,
    outcome=Outcome.MEMENTO,
    memento_datetime=MADE,
    status=200,
    original=URL,
    hops=(ArchivedHop(url=URL, timestamp=STAMP, status=200),),
    sha256="ab",
    text_sha256="xx",
    text_version=2,
)
ELSE = replace(GOOD, sha256="other", text_sha256="other")
GONE = ReadBack(
    run_id=1, snapshot_id=1, read_at=READ, outcome=Outcome.MISSING, detail="HTTP 404 not archived"
)


def says(result: Quote, at: datetime = READ, snapshot: int = 1) -> CopyFinding:
    """What was found of SOURCE's words in the copy."""
    return CopyFinding(
        source_id="a",
        snapshot_id=snapshot,
        found_at=at,
        quote_sha256=quote_sha256(WORDS),
        finding=Finding(result=result, reason=f"{result}: so it is"),
        text_sha256="xx",
        text_version=2,
        rules_version=1,
    )


def held(*readings: ReadBack, found: CopyFinding | None = None, saw: Observed = SAW) -> Holding:
    """The copy after these readings."""
    custody = Custody(address=URL, snapshots=(COPY,), readings=readings, observed=saw)
    return confirm.of_snapshot(COPY, custody, [found] if found else [])


# ---- in what it agrees -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reading", "found", "agreement"),
    [
        (GOOD, None, "bytes"),
        (replace(GOOD, sha256="other", text_sha256="cd"), None, "text"),
        (ELSE, Quote.FOUND, "quote"),
        (replace(ELSE, sha256="", text_sha256=""), Quote.FOUND, "quote"),
    ],
)
def test_a_copy_is_confirmed_when_it_agrees_in_bytes_text_or_quotation(
    reading: ReadBack, found: Quote | None, agreement: str
) -> None:
    """Any one of them is enough; a quotation needs no copy of ours."""
    copy = held(reading, found=says(found) if found else None)

    assert copy.is_confirmed
    assert (copy.agreement, copy.confirmed_by) == (agreement, agreement)


@pytest.mark.parametrize(
    ("reading", "found", "agreement"),
    [
        (ELSE, None, "differs"),
        (ELSE, Quote.ABSENT, "differs"),
        (ELSE, Quote.ALTERED, "differs"),
        (ELSE, Quote.NOT_COMPARABLE, "differs"),
        (replace(ELSE, text_version=3, text_sha256="cd"), None, "differs"),
        (replace(ELSE, text_sha256=""), None, "differs"),
        (replace(ELSE, text_sha256="cd"), Quote.ABSENT, "differs"),
        (replace(ELSE, text_sha256="cd"), Quote.ALTERED, "differs"),
        (replace(ELSE, text_sha256="", text_version=0), None, "unreadable"),
        (replace(ELSE, text_sha256="", text_version=0), Quote.UNREADABLE, "unreadable"),
        (replace(ELSE, text_sha256="", text_version=0), Quote.UNCHECKED, "unreadable"),
    ],
)
def test_else_it_differs_or_is_unreadable_and_stays_captured(
    reading: ReadBack, found: Quote | None, agreement: str
) -> None:
    """A digest of another extractor's text says nothing of ours."""
    copy = held(reading, found=says(found) if found else None)

    assert not copy.is_confirmed
    assert copy.agreement == agreement


def test_empty_bodies_and_texts_agree_with_nothing() -> None:
    """Two empty pages are not one page."""
    empty = hashlib.sha256(b"").hexdigest()
    saw = replace(SAW, sha256s=frozenset({empty, ""}), texts=frozenset({("", 0)}))

    for sha256 in (empty, ""):
        reading = replace(GOOD, sha256=sha256, text_sha256="", text_version=0)
        assert not held(reading, saw=saw).is_confirmed


def hop(**changes: object) -> tuple[ArchivedHop, ...]:
    return (replace(GOOD.hops[0], **changes),)  # type: ignore[arg-type]


LATER = f"{MADE + timedelta(seconds=121):%Y%m%d%H%M%S}"
SOON = f"{MADE + timedelta(seconds=119):%Y%m%d%H%M%S}"
FAR = (*hop(status=302), ArchivedHop(url=URL, timestamp=LATER, status=200))
NEAR = (*hop(status=302), ArchivedHop(url=URL, timestamp=SOON, status=200))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"memento_datetime": MADE + timedelta(seconds=1)}, "another time"),
        ({"memento_datetime": None}, "another time"),
        ({"status": 404}, "an answer 404"),
        ({"status": 302}, "an answer 302"),
        ({"status": None}, "an answer None"),
        ({"original": ""}, "never led to"),
        ({"original": "https://a.example/Page"}, "never led to"),
        ({"original": "https://www.a.example/page"}, "never led to"),
        ({"original": "https://a.example/page/"}, "never led to"),
        ({"hops": hop(url="https://b.example/")}, "never led to"),
        ({"hops": FAR}, "leads to a capture of another time"),
        ({"hops": ()}, "another time"),
    ],
    ids=str,
)
def test_another_page_another_time_or_an_error_page_agrees_in_nothing(
    wrong: dict[str, object], why: str
) -> None:
    """Whatever it says: the same bytes, the same text, the quotation itself."""
    reading = replace(GOOD, **wrong)  # type: ignore[arg-type]

    copy = held(reading, found=says(Quote.FOUND))

    assert not copy.is_confirmed
    assert copy.agreement == "differs"
    assert why in copy.why_not


@pytest.mark.parametrize(
    "fine",
    [
        {"original": "http://a.example:80/page", "hops": hop(url="http://a.example/page")},
        {"original": "https://a.example/final"},
        {"hops": NEAR},
    ],
    ids=["spelled otherwise", "where we were led", "a redirect's target, seconds later"],
)
def test_what_is_the_page_for_us_is_it_for_a_copy(fine: dict[str, object]) -> None:
    """A capture of a page with a redirect is two captures, some seconds apart."""
    assert held(replace(GOOD, **fine)).is_confirmed  # type: ignore[arg-type]


@given(
    sha256=st.sampled_from(["ab", "other", ""]),
    text=st.sampled_from(["cd", "other", ""]),
    found=st.sampled_from([None, *Quote]),
    status=st.sampled_from([None, 200, 206, 301, 404, 503]),
    original=st.sampled_from([URL, "https://a.example/other", ""]),
    late=st.sampled_from([0, 1, -1, 86_400]),
    outcome=st.sampled_from(Outcome),
)
def test_confirmed_is_never_more_than_the_contract_says(
    sha256: str, text: str, found: Quote | None, status: int | None, original: str, late: int,
    outcome: Outcome,
) -> None:  # fmt: skip
    """Every clause of its definition holds for every copy that is called confirmed."""
    reading = replace(
        GOOD, sha256=sha256, text_sha256=text, status=status, original=original, outcome=outcome,
        memento_datetime=MADE + timedelta(seconds=late),
    )  # fmt: skip

    copy = held(reading, found=says(found) if found else None)

    expected = (
        outcome is Outcome.MEMENTO
        and late == 0
        and status in (200, 206)
        and original == URL
        and (
            sha256 == "ab"
            or (text == "cd" and found not in (Quote.ALTERED, Quote.ABSENT))
            or found is Quote.FOUND
        )
    )
    assert copy.is_confirmed == expected


# ---- lost --------------------------------------------------------------------------------


def later(reading: ReadBack, after: timedelta) -> ReadBack:
    return replace(reading, read_at=READ + after)


MISSES = [
    GONE,
    replace(GONE, outcome=Outcome.NOT_OURS),
    replace(GONE, outcome=Outcome.EXCLUDED),
    ELSE,
    replace(GOOD, sha256="other", status=404),
]


@pytest.mark.parametrize("miss", MISSES, ids=lambda one: f"{one.outcome}-{one.status}")
def test_a_confirmed_copy_is_lost_when_it_is_missed_twice_a_day_apart(miss: ReadBack) -> None:
    """Archives miss what they have, for hours; that it is lost is news for everybody."""
    once = held(GOOD, later(miss, 30 * DAY))
    too_soon = held(GOOD, later(miss, 30 * DAY), later(miss, 31 * DAY - HOUR))
    twice = held(GOOD, later(miss, 30 * DAY), later(miss, 31 * DAY))

    assert once.is_confirmed
    assert too_soon.is_confirmed
    assert not twice.is_confirmed
    assert twice.lost_at == READ + 31 * DAY


def test_a_copy_that_was_missed_with_most_others_is_lost_after_a_week() -> None:
    """An archive that shows nothing for two days lost nothing; after a week nobody can read it."""
    misses = tuple(replace(later(GONE, day * DAY), id=day) for day in (30, 31, 36, 37))
    custody = Custody(
        address=URL,
        snapshots=(COPY,),
        observed=SAW,
        doubted=frozenset(reading.id for reading in misses),
    )

    def after(number: int) -> Holding:
        return confirm.of_snapshot(COPY, replace(custody, readings=(GOOD, *misses[:number])), ())

    assert [after(number).lost_at for number in (1, 2, 3)] == [None, None, None]
    assert after(4).lost_at == READ + 37 * DAY


@pytest.mark.parametrize(
    ("recent", "is_the_archive"),
    [
        ([(1, "a", False), (2, "b", False), (3, "c", False)], True),
        ([(1, "a", False), (2, "b", False)], False),
        ([(1, "a", False), (2, "a", False), (3, "a", False)], False),
        ([(1, "a", False), (2, "b", False), (3, "c", False), (4, "d", True)], True),
        (
            [*((n, f"m{n}", False) for n in range(3)), *((n, f"s{n}", True) for n in (7, 8, 9))],
            False,
        ),
        ([(1, "a", False), (2, "b", False), (3, "c", False), (3, "c", True)], False),
        ([(1, "a", False), (2, "b", False), (3, "c", False), (4, "c", True)], False),
        ([], False),
    ],
)
def test_it_is_the_archive_when_most_hosts_are_missed_at_once(
    recent: list[tuple[int, str, bool]], is_the_archive: bool
) -> None:
    """Who has a site taken out takes out many copies of one host; an ill archive shows nobody's."""
    assert confirm.missed_with_most(recent) is is_the_archive


def test_trouble_never_makes_lost() -> None:
    """No answer is no answer, however often."""
    trouble = replace(GONE, outcome=Outcome.TROUBLE)
    copy = held(GOOD, *(later(trouble, day * DAY) for day in range(1, 60)))

    assert copy.is_confirmed
    assert copy.missed_since is None


def test_a_copy_that_cannot_be_read_for_once_is_not_missed() -> None:
    """It may be our reader that failed."""
    unread = replace(ELSE, sha256="", text_sha256="", text_version=0)

    assert held(GOOD, later(unread, 30 * DAY), later(unread, 32 * DAY)).is_confirmed


def test_a_copy_that_is_there_again_is_confirmed_again() -> None:
    """And what it was missed for before counts no more."""
    back = held(GOOD, later(GONE, 30 * DAY), later(GONE, 32 * DAY), later(GOOD, 60 * DAY))
    between = held(GOOD, later(GONE, DAY), later(GOOD, 2 * DAY), later(GONE, 3 * DAY))

    assert back.is_confirmed
    assert between.is_confirmed


def test_what_was_never_confirmed_is_never_lost() -> None:
    """A capture that lags was not there yet."""
    copy = held(GONE, later(GONE, 2 * DAY), later(GONE, 9 * DAY))

    assert (copy.is_confirmed, copy.lost_at) == (False, None)


def test_the_same_bytes_that_newer_rules_find_no_quotation_in_are_not_lost() -> None:
    """The copy is where it was; what changed is what we make of it."""
    quoted = [says(Quote.FOUND), says(Quote.ALTERED, READ + 30 * DAY)]
    readings = (ELSE, later(ELSE, 30 * DAY), later(ELSE, 60 * DAY))
    custody = Custody(address=URL, snapshots=(COPY,), readings=readings, observed=SAW)

    copy = confirm.of_snapshot(COPY, custody, quoted)

    assert (copy.is_confirmed, copy.lost_at, copy.agreement) == (False, None, "differs")


def test_the_same_bytes_keep_what_was_found_in_them() -> None:
    """Words that were looked for once need not be looked for again in the same copy."""
    assert held(ELSE, later(ELSE, 30 * DAY), found=says(Quote.FOUND)).is_confirmed


# ---- when it is read again ---------------------------------------------------------------


def due(*readings: ReadBack, known: datetime = MADE) -> timedelta:
    """How long after the last reading the copy is read again."""
    copy = replace(COPY, known_at=known)
    custody = Custody(address=URL, snapshots=(copy,), readings=readings, observed=SAW)
    now = readings[-1].read_at
    noted = confirm.noted(copy, custody, [], now=now)
    assert noted.next_read_at is not None
    return noted.next_read_at - now


def test_a_capture_that_lags_is_asked_for_over_hours_and_days() -> None:
    """Hours are normal, days happen; every round would be rude."""
    asked: list[ReadBack] = []
    waits = []
    at = READ
    for _ in range(20):
        asked.append(replace(GONE, read_at=at))
        waits.append(due(*asked, known=READ))
        at += waits[-1]

    hours = [wait / HOUR for wait in waits]
    assert hours[:6] == [1, 2, 4, 8, 16, 24]
    assert hours[-1] == 30 * 24
    assert sum(hours[:-3]) > 10 * 24


def test_what_was_read_is_read_again_monthly() -> None:
    """Archives lose things, and are made to."""
    assert due(GOOD) == due(ELSE) == 30 * DAY


def test_a_confirmed_copy_that_was_missed_is_asked_for_the_next_day() -> None:
    """Then it is known whether it is lost; after that it is looked for monthly."""
    assert due(GOOD, later(GONE, 30 * DAY)) == DAY
    assert due(GOOD, later(GONE, 30 * DAY), later(GONE, 31 * DAY)) == 30 * DAY


def test_the_row_of_a_copy_says_what_is_known_of_it() -> None:
    """Tables and pages show it without knowing our rules."""
    readings = (GOOD, later(GONE, DAY), later(GONE, 2 * DAY))
    custody = Custody(address=URL, snapshots=(COPY,), readings=readings, observed=SAW)

    noted = confirm.noted(COPY, custody, [], now=READ + 2 * DAY)

    assert (noted.agreement, noted.lost_at) == ("", READ + 2 * DAY)
    one = replace(custody, readings=readings[:1])
    assert confirm.noted(COPY, one, [], now=READ).agreement == "bytes"
    assert confirm.noted(replace(COPY, agreement="bytes"), custody, [], now=READ).agreement == (
        "bytes"
    )


# ---- which copy is shown -----------------------------------------------------------------


def choose(source: Source, *copies: tuple[str, Quote | None]) -> str:
    """The date of the chosen one of these copies; all of them are confirmed."""
    each = []
    for number, (date, result) in enumerate(copies, 1):
        at = datetime.fromisoformat(date).replace(tzinfo=UTC)
        copy = replace(COPY, id=number, captured_at=at)
        finding = says(result, snapshot=number) if result is not None else None
        each.append(Holding(snapshot=copy, confirmed=GOOD, finding=finding))
    best = confirm.chosen(source, each)
    assert best is not None
    return f"{best.snapshot.captured_at:%Y-%m-%d}"


FOUND, ABSENT = Quote.FOUND, Quote.ABSENT


@pytest.mark.parametrize(
    ("dates", "best"),
    [
        ({}, "2026-03-01"),
        ({"accessed": "2021-06-01"}, "2021-05-20"),
        ({"published": "2019"}, "2019-12-01"),
        ({"published": "2021-05"}, "2021-05-20"),
        ({"accessed": "2021-06-01", "published": "2019"}, "2021-05-20"),
        ({"accessed": "2030"}, "2026-03-01"),
        ({"accessed": "1990-02-31"}, "2026-03-01"),
    ],
    ids=str,
)
def test_the_copy_nearest_the_citation_is_preferred_to_the_newest(
    dates: dict[str, str], best: str
) -> None:
    """What was quoted is the page as it was then."""
    source = replace(SOURCE, **dates)  # type: ignore[arg-type]

    assert choose(
        source, ("2019-12-01", FOUND), ("2021-05-20", FOUND), ("2026-03-01", FOUND)
    ) == best  # fmt: skip


def test_a_copy_without_the_quotation_is_only_shown_where_no_other_is() -> None:
    """However near: it is the words that are cited."""
    source = replace(SOURCE, accessed="2021-06-01")

    assert choose(source, ("2019-12-01", FOUND), ("2021-06-01", ABSENT)) == "2019-12-01"
    assert choose(source, ("2019-12-01", None), ("2021-06-01", ABSENT)) == "2021-06-01"


# ---- the answer --------------------------------------------------------------------------


def answer(
    *readings: ReadBack,
    found: CopyFinding | None = None,
    source: Source = SOURCE,
    snapshots: tuple[Snapshot, ...] = (COPY,),
    now: datetime = READ + 60 * DAY,
) -> copies.CopyAnswer:
    """The third answer after these readings."""
    custody = Custody(address=URL, snapshots=snapshots, readings=readings, observed=SAW)
    return copies.answer(source, custody, Link.LIVE, findings=[found] if found else [], now=now)


def test_the_answer_names_what_agrees_and_whether_the_words_are_kept() -> None:
    """A copy of a page that no longer says it keeps nothing of the quotation."""
    quoted = answer(GOOD, found=says(Quote.FOUND))
    other = answer(GOOD, found=says(Quote.ABSENT))
    plain = answer(GOOD, source=PLAIN)

    assert {one.copy for one in (quoted, other, plain)} == {Copy.CONFIRMED}
    assert (quoted.keeps, other.keeps, plain.keeps) == (True, False, True)
    assert quoted.reason == (
        "confirmed: a copy of 2026-01-10 08:00:00, read back on 2026-01-11; its bytes are those "
        "that we saw"
    )
    assert "the quotation in it is absent" in other.reason
    assert quoted.agreement == "bytes"


def test_a_confirmed_copy_counts_whatever_its_age_and_whoever_cited_it() -> None:
    """The row's own archive_url is confirmed like our own."""
    cited = replace(COPY, via="page")

    old = answer(GOOD, snapshots=(cited,), now=READ + 4000 * DAY)
    unread = answer(snapshots=(cited,))

    assert old.copy is Copy.CONFIRMED
    assert unread.copy is Copy.PENDING


@pytest.mark.parametrize(
    ("reading", "rule"),
    [
        (ELSE, "differs: "),
        (replace(ELSE, text_sha256="", text_version=0), "unreadable: "),
        (replace(GONE, outcome=Outcome.NOT_OURS, detail="its capture of 2020"), "not-shown: "),
    ],
)
def test_what_is_not_confirmed_stays_captured_and_says_why(reading: ReadBack, rule: str) -> None:
    """ "Captured" alone would hide that somebody looked and did not find it."""
    told = answer(reading)

    assert told.copy is Copy.CAPTURED
    assert told.reason.startswith(rule)
    assert (told.agreement, told.keeps) == (
        {"differs: ": "differs", "unreadable: ": "unreadable"}.get(rule, ""), False
    )  # fmt: skip


def test_a_lost_copy_is_lost_until_the_archive_names_another() -> None:
    """An older capture that nobody confirmed is no comfort."""
    gone = (GOOD, later(GONE, 30 * DAY), later(GONE, 31 * DAY))
    lost = replace(COPY, lost_at=READ + 31 * DAY, agreement="bytes")
    older = replace(COPY, id=2, captured_at=MADE + DAY, known_at=MADE + DAY)
    newer = replace(older, id=3, known_at=READ + 40 * DAY)

    assert answer(*gone, snapshots=(lost,)).copy is Copy.LOST
    assert answer(*gone, snapshots=(lost, older)).copy is Copy.LOST
    told = answer(*gone, snapshots=(lost, older, newer))
    assert told.copy is Copy.CAPTURED
    assert "404" in answer(*gone, snapshots=(lost,)).reason


def test_a_copy_that_was_missed_once_is_said_to_waver() -> None:
    """Nobody has to be surprised by the news of tomorrow."""
    told = answer(GOOD, later(GONE, 30 * DAY))

    assert told.copy is Copy.CONFIRMED
    assert "a second such reading" in told.reason


def test_a_capture_that_the_archive_never_shows_counts_no_longer() -> None:
    """A "success" that resolves to a neighbour is none: after a week another is asked for."""
    neighbour = replace(GONE, outcome=Outcome.NOT_OURS)
    custody = Custody(address=URL, snapshots=(COPY,), readings=(neighbour,))

    def good(age: timedelta) -> Snapshot | None:
        return copies.good_snapshot(custody, MADE + age, timedelta(days=180))

    assert good(6 * DAY) == COPY
    assert good(7 * DAY) is None


# ---- a second vantage point --------------------------------------------------------------


def seen(
    *readings: ReadBack, found: CopyFinding | None = None, **changes: object
) -> list[tuple[datetime, bool]]:
    """When the archive saw the page, and whether the words stand in what it saw."""
    copy = replace(COPY, **changes)  # type: ignore[arg-type]
    custody = Custody(address=URL, snapshots=(copy,), readings=readings, observed=SAW)
    told = copies.sightings(custody, [found] if found else [])
    return [(one.at, one.quote_found) for one in told]


def test_an_archive_saw_the_page_when_it_says_2xx() -> None:
    """By its index, by our own save's status, or by what it showed; nothing else is a sight."""
    assert seen(status=200) == [(MADE, False)]
    assert seen(GOOD, status=None, found=says(Quote.FOUND)) == [(MADE, True)]
    assert seen(status=None) == []
    assert seen(status=404) == []
    assert seen(replace(GOOD, status=503), status=200) == []


def test_what_a_row_cites_is_a_sight_only_when_it_was_read_and_is_of_the_page() -> None:
    """A wrong archive_url would keep a dead page from being called so."""
    other = replace(GOOD, original="https://b.example/")

    assert seen(via="page", status=200) == []
    assert seen(other, via="page") == []
    assert seen(GOOD, via="page") == [(MADE, False)]
