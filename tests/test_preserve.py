"""What is asked of the archive, by the stand-in's own log, with an account and without."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.archive_stand_in import (
    ArchiveStandIn,
    hang,
    http,
    pending,
    refuse,
    same_snapshot,
    says,
    success_with,
)
from tests.loopback import Site, page
from tests.program import Program, until
from verifier import courtesy
from verifier.courtesy import Courtesy
from verifier.ledger import Ledger
from verifier.preserve import Asking, Pace, Tally
from verifier.records import Asked, Preserve, Run, Source, SourceList, Submission
from verifier.rows import stamp
from verifier.wayback import Archive

BOTH = pytest.mark.parametrize("keyed", [True, False], ids=["account", "anonymous"])
QUICK = Pace(budget=30.0, save_pause=0.0, poll_pause=0.02, in_flight=3, a_day=1000)


@dataclass
class Keeper:
    """One ledger and its rounds of asking."""

    path: Path
    archive: ArchiveStandIn
    keyed: bool = True

    def sources(self, *addresses: str, preserve: Preserve = Preserve.PUBLIC) -> None:
        """Make the ledger know these addresses, a source each."""
        listed = SourceList(
            sources=tuple(
                Source(id=address, url=address, preserve=preserve, line=line)
                for line, address in enumerate(addresses, 2)
            ),
            problems=(),
            warnings=(),
            digest="",
        )
        with Ledger(self.path) as ledger:
            ledger.mirror(listed, now=datetime.now(UTC), retire=True, too_many=False)

    def round(
        self,
        *addresses: str,
        pace: Pace = QUICK,
        alive: bool = True,
        stop_when: Callable[[], object] | None = None,
    ) -> Tally:
        """One round's asking about these addresses."""
        return asyncio.run(self._round(dict.fromkeys(addresses, alive), pace, stop_when))

    async def _round(
        self, addresses: dict[str, bool], pace: Pace, stop_when: Callable[[], object] | None
    ) -> Tally:
        stop = asyncio.Event()

        async def watch() -> None:
            while stop_when is not None and not stop_when():
                await asyncio.sleep(0.02)
            stop.set()

        edge = Archive(
            base_url=self.archive.base_url,
            access_key=self.archive.access_key if self.keyed else "",
            secret_key=self.archive.secret_key if self.keyed else "",
            user_agent="test/1 (loopback)",
            save_timeout=10.0,
            index_timeout=10.0,
        )
        watching = asyncio.ensure_future(watch()) if stop_when is not None else None
        with Ledger(self.path) as ledger:
            run = ledger.start_run(
                Run(id=0, started_at=datetime.now(UTC)), sources_sha256="", software="", rules=1
            )

            async def stored(call: Callable[[Ledger], Any]) -> Any:
                return call(ledger)

            async with edge:
                asking = Asking(archive=edge, stored=stored, run_id=run.id, pace=pace, stop=stop)
                tally = await asking.run(addresses)
        if watching is not None:
            watching.cancel()
        return tally

    def submissions(self) -> list[Submission]:
        """Every submission that is noted."""
        with Ledger(self.path) as ledger, closing(ledger._db.conn.cursor()) as cursor:
            ids = [row[0] for row in cursor.execute("SELECT id FROM submissions ORDER BY id")]
            rows = [ledger._row("SELECT * FROM submissions WHERE id = ?", [id]) for id in ids]
        from verifier.rows import submission

        return [submission(row) for row in rows if row is not None]

    def states(self) -> dict[str, str]:
        """The state of each address's newest submission."""
        return {asked.address: str(asked.state) for asked in self.submissions()}

    def snapshots(self) -> list[tuple[str, str, str, str]]:
        """(address, via, timestamp, url) of every capture that is known."""
        with Ledger(self.path) as ledger:
            return ledger._read("SELECT address, via, timestamp, url FROM snapshots ORDER BY id")

    def past(self, **ago: float) -> None:
        """Make what was asked and looked up longer ago."""
        with Ledger(self.path) as ledger:
            for asked in self.submissions():
                at = asked.intent_at - timedelta(**ago)
                again = asked.retry_at - timedelta(**ago) if asked.retry_at else None
                ledger.save_submission(replace(asked, intent_at=at, retry_at=again))
            for lookup in [
                held.lookup
                for held in ledger.custody([one.address for one in self.submissions()]).values()
            ]:
                if lookup is not None:
                    ledger.save_lookup(replace(lookup, asked_at=lookup.asked_at - timedelta(**ago)))
            courtesy.save(ledger, Courtesy())


@pytest.fixture
def archive() -> Iterator[ArchiveStandIn]:
    with ArchiveStandIn(fetch=False) as archive:
        yield archive
    assert archive.errors == []


@pytest.fixture
def keeper(archive: ArchiveStandIn, tmp_path: Path) -> Keeper:
    return Keeper(path=tmp_path / "audit.db", archive=archive)


def pages(number: int) -> list[str]:
    """Addresses of pages that the stand-in makes up."""
    return [f"http://site-{n}.example/page" for n in range(number)]


def index_requests(archive: ArchiveStandIn) -> int:
    return len(archive.requests("/cdx"))


# ---- the good course ---------------------------------------------------------------------


@BOTH
def test_a_page_is_saved_and_its_capture_noted(
    keeper: Keeper, archive: ArchiveStandIn, keyed: bool
) -> None:
    """The exact timestamp that the archive named is what a reader can be sent to."""
    keeper.keyed = keyed
    (url,) = pages(1)
    keeper.sources(url)

    tally = keeper.round(url)

    assert archive.submissions == [url]
    (capture,) = archive.captures
    (asked,) = keeper.submissions()
    assert asked.state is Asked.CAPTURED
    assert asked.snapshot_id == 1
    told = f"{archive.base_url}/web/{capture.timestamp}/{url}"
    assert keeper.snapshots() == [(url, "save", capture.timestamp, told)]
    assert str(tally) == "1 submitted, 1 captured, 1 read back"


@BOTH
def test_the_index_is_asked_before_anything_is_submitted(
    keeper: Keeper, archive: ArchiveStandIn, keyed: bool
) -> None:
    """Somebody else's capture of last month is as good as ours."""
    keeper.keyed = keyed
    (url,) = pages(1)
    keeper.sources(url)
    month_ago = f"{datetime.now(UTC) - timedelta(days=30):%Y%m%d%H%M%S}"
    archive.add_capture(url, timestamp=month_ago)

    tally = keeper.round(url)

    assert archive.submissions == []
    assert [(told[1], told[2]) for told in keeper.snapshots()] == [("index", month_ago)]
    assert (tally.known, tally.asked) == (1, 0)
    assert keeper.round(url).known == 0
    assert index_requests(archive) == 1


def test_an_old_capture_is_not_good_enough(keeper: Keeper, archive: ArchiveStandIn) -> None:
    """What is cited today may not be what stood there a year ago."""
    (url,) = pages(1)
    keeper.sources(url)
    year_ago = f"{datetime.now(UTC) - timedelta(days=365):%Y%m%d%H%M%S}"
    archive.add_capture(url, timestamp=year_ago)

    keeper.round(url)

    assert archive.submissions == [url]


@BOTH
def test_what_was_captured_is_not_asked_for_again(
    keeper: Keeper, archive: ArchiveStandIn, keyed: bool
) -> None:
    """Hourly rounds, one submission: also while the index does not show it yet."""
    keeper.keyed = keyed
    archive.lag = timedelta(days=3)
    (url,) = pages(1)
    keeper.sources(url)

    for _ in range(3):
        keeper.round(url)

    assert archive.submissions == [url]


# ---- what is never submitted -------------------------------------------------------------


def test_what_is_not_alive_is_not_submitted(keeper: Keeper, archive: ArchiveStandIn) -> None:
    """A copy of an error page or of a bot wall would pass for the source's."""
    (url,) = pages(1)
    keeper.sources(url)

    keeper.round(url, alive=False)

    assert archive.submissions == []
    assert index_requests(archive) == 1


@pytest.mark.parametrize("preserve", [Preserve.LOCAL, Preserve.NONE])
def test_what_is_not_public_is_not_even_named_to_the_archive(
    keeper: Keeper, archive: ArchiveStandIn, preserve: Preserve
) -> None:
    """The address itself may be the secret."""
    (url,) = pages(1)
    keeper.sources(url, preserve=preserve)

    keeper.round(url)

    assert archive.log == []


# ---- intents -----------------------------------------------------------------------------


@BOTH
def test_the_intent_is_committed_before_the_request_leaves(
    keeper: Keeper, archive: ArchiveStandIn, keyed: bool
) -> None:
    """Whoever is killed after asking must know afterwards that it asked."""
    keeper.keyed = keyed
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, hang())
    noted: list[dict[str, str]] = []

    def asked() -> bool:
        if archive.submissions and not noted:
            noted.append(keeper.states())  # by another connection: only what is committed
        return bool(noted)

    tally = keeper.round(url, stop_when=asked)

    assert noted == [{url: "intent"}]
    assert keeper.states() == {url: "intent"}
    assert tally.ended == "stopped"


@BOTH
@pytest.mark.parametrize("lag", [0.0, 36_000.0], ids=["index-at-once", "index-lags"])
def test_killed_between_intent_and_answer_the_archive_is_asked_once(
    tmp_path: Path, keyed: bool, lag: float
) -> None:
    """A machine that loses power in mid-save must not submit the page again and again."""
    with ArchiveStandIn(lag=lag) as archive, Site() as site:
        url = site.set("/page", page("<p>here</p>"))
        archive.plan_saves(url, hang(captured=True))
        program = Program(tmp_path, wayback_url=archive.base_url)
        if keyed:
            program.settings |= {
                "ia_access_key": archive.access_key,
                "ia_secret_key": archive.secret_key,
            }
        program.write({"id": "a", "url": url})
        with program.start("run") as first:
            until(lambda: archive.saves_of(url) == 1)
            first.send_signal(signal.SIGKILL)
            first.communicate()
        assert program.sql("SELECT state FROM submissions") == [("intent",)]
        asked = index_requests(archive)

        second = program.run("run", "--all")

        assert second.stderr == ""
        assert index_requests(archive) == asked + 1
        assert archive.submissions == [url]
        assert archive.errors == []
    if lag:
        assert program.audit("copy") == {"a": "pending"}
        assert second.returncode == 0
    else:
        assert program.audit("copy") == {"a": "confirmed"}
        assert program.sql("SELECT state, snapshot_id FROM submissions") == [("captured", 1)]


def test_an_intent_that_the_index_shows_later_is_found_then(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """The index lags by hours: it is looked at hourly, and nothing is submitted meanwhile."""
    archive.lag = timedelta(hours=5)
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, http(502, captured=True))
    keeper.round(url)
    assert keeper.states() == {url: "unknown"}
    looked = index_requests(archive)
    keeper.past(minutes=10)  # times are whole seconds: a look in the intent's own is none

    keeper.round(url)
    keeper.round(url)
    assert index_requests(archive) == looked + 1
    keeper.past(hours=2)
    keeper.round(url)
    assert index_requests(archive) == looked + 2
    archive.advance(hours=6)
    keeper.past(hours=2)
    keeper.round(url)

    assert keeper.states() == {url: "captured"}
    assert archive.submissions == [url]


def test_an_intent_that_the_index_never_shows_is_asked_again_after_a_day(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """Nothing may stay pending for ever either."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, http(502))
    keeper.round(url)

    keeper.past(hours=23)
    keeper.round(url)
    assert archive.submissions == [url]
    keeper.past(hours=2)
    keeper.round(url)
    assert keeper.states() == {url: "deferred"}
    keeper.past(hours=3)
    keeper.round(url)

    assert archive.submissions == [url, url]
    assert keeper.states() == {url: "captured"}


# ---- refusals ----------------------------------------------------------------------------


@BOTH
def test_a_refusal_that_arrives_as_200_is_one(
    keeper: Keeper, archive: ArchiveStandIn, keyed: bool
) -> None:
    """The archive says no with HTTP 200; and the next round does not ask at once again."""
    keeper.keyed = keyed
    (url,) = pages(1)
    keeper.sources(url)
    text = "Cannot start capture. Please try later."
    archive.plan_saves(url, refuse("cannot-start-capture", text), always=True)

    tally = keeper.round(url)
    keeper.round(url)

    (asked,) = keeper.submissions()
    assert asked.state is Asked.DEFERRED
    assert asked.retry_at is not None
    assert asked.retry_at - asked.intent_at >= timedelta(hours=1)
    assert tally.refused == 1
    assert archive.submissions == [url]


def test_a_barred_address_is_excluded_and_left_alone(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """The site's owner had it taken out of the archive: asking on changes nothing."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, refuse("blocked-url"), always=True)

    keeper.round(url)
    keeper.past(days=20)
    keeper.round(url)

    assert keeper.states() == {url: "excluded"}
    assert archive.submissions == [url]


def test_an_address_that_the_index_calls_barred_is_not_submitted(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """It answers before anything is submitted."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.exclude(url)

    keeper.round(url)
    keeper.round(url)

    assert archive.submissions == []
    assert index_requests(archive) == 1


def test_a_job_that_fails_is_a_refusal(keeper: Keeper, archive: ArchiveStandIn) -> None:
    """The submission was taken, the capture was not made."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, refuse("not-found", at_job=True))

    tally = keeper.round(url)

    (asked,) = keeper.submissions()
    assert (asked.code, tally.refused, tally.queued) == ("not-found", 1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        same_snapshot(),
        says('{"url": "x", "job_id": null}'),
        says("not JSON"),
        says("[]"),
        http(500),
        http(520),
    ],
    ids=["same-snapshot", "null", "no-json", "list", "500", "520"],
)
def test_an_answer_that_names_no_job_leaves_the_outcome_open(
    keeper: Keeper, archive: ArchiveStandIn, answer: Any
) -> None:
    """Something may have been captured: the index is asked before the page is sent again."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, answer)

    keeper.round(url)
    keeper.round(url)

    assert keeper.states() == {url: "unknown"}
    assert archive.submissions == [url]
    assert [request.path for request in archive.log][-1].startswith("/cdx")


def test_the_same_snapshot_that_the_archive_spoke_of_is_found_in_the_index(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """It is older than our asking, and names nothing: but it is there."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, same_snapshot())
    keeper.round(url)
    before = datetime.now(UTC) - timedelta(minutes=40)
    archive.add_capture(url, timestamp=f"{before:%Y%m%d%H%M%S}")
    keeper.past(minutes=10)

    keeper.round(url)

    assert keeper.states() == {url: "captured"}
    assert [via for _, via, _, _ in keeper.snapshots()] == ["index"]
    assert archive.submissions == [url]


def test_a_capture_with_an_impossible_time_leaves_the_outcome_open(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """Such timestamps are in the real index; a copy that cannot be opened is none."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, success_with(timestamp="20261399000000"))

    keeper.round(url)

    assert keeper.states() == {url: "unknown"}
    assert keeper.snapshots() == []


def test_words_of_the_archive_that_no_database_takes_do_not_end_a_round(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """JSON can say half a character; SQLite cannot keep one."""
    one, two = pages(2)
    keeper.sources(one, two)
    archive.plan_saves(one, refuse("strange-\ud800", "words \udfff and more \x00"))

    keeper.round(one, two)

    assert keeper.states()[one] == "deferred"
    assert keeper.states()[two] == "captured"


# ---- jobs --------------------------------------------------------------------------------


def test_a_job_that_is_pending_for_ever_ends_with_the_budget_and_is_asked_about_next_time(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """A round must end; the job goes on without us."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, pending())
    pace = replace(QUICK, budget=3.0, poll_pause=0.2)

    tally = keeper.round(url, pace=pace)

    assert keeper.states() == {url: "queued"}
    assert (tally.queued, bool(tally.ended)) == (1, True)
    polled = len(archive.requests("/save/status"))
    assert polled >= 2
    keeper.round(url, pace=replace(pace, budget=0.7))
    assert len(archive.requests("/save/status")) > polled
    assert archive.submissions == [url]


def test_a_job_that_the_archive_forgot_is_looked_for_in_the_index(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """After an hour every job reads "pending", whatever became of it."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves(url, pending())
    keeper.round(url, pace=replace(QUICK, budget=3.0, poll_pause=0.5))
    polled = len(archive.requests("/save/status"))
    archive.add_capture(url)
    keeper.past(hours=2)

    keeper.round(url)

    assert len(archive.requests("/save/status")) == polled
    assert keeper.states() == {url: "captured"}
    assert archive.submissions == [url]


def test_no_more_jobs_run_at_once_than_the_archive_allows(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """Beyond its slots the archive refuses, and counts that against us."""
    archive.slots = 2
    archive.plan_saves("*", pending(0.3), always=True)
    urls = pages(5)
    keeper.sources(*urls)

    tally = keeper.round(*urls, pace=replace(QUICK, in_flight=2))

    assert (tally.captured, tally.refused) == (5, 0)
    assert sorted(archive.submissions) == sorted(urls)


def test_asking_about_jobs_leaves_turns_for_the_queue(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """Two slow captures must not keep the third slot from all the others."""
    urls = pages(5)
    keeper.sources(*urls)
    for url in urls[:2]:
        archive.plan_saves(url, pending(6.0))

    tally = keeper.round(*urls, pace=replace(QUICK, poll_pause=0.1))

    assert tally.captured == 5
    saved = {r.form["url"]: r.at for r in archive.log if "url" in r.form}
    assert saved[urls[4]] - saved[urls[0]] < timedelta(seconds=5.5)


# ---- trouble -----------------------------------------------------------------------------


@BOTH
def test_five_failures_in_a_row_end_the_asking(
    keeper: Keeper, archive: ArchiveStandIn, keyed: bool
) -> None:
    """An archive that is ill is left alone until the next round."""
    keeper.keyed = keyed
    archive.reuse = timedelta(0)
    urls = pages(8)
    keeper.sources(*urls)
    archive.on("/cdx", http(503), always=True)

    tally = keeper.round(*urls)

    assert index_requests(archive) == 5
    assert archive.submissions == []
    assert "5 failures" in tally.ended
    assert tally.left == 3


def test_saves_that_fail_five_times_end_the_asking_too(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """The index answering in between is no sign that saving works."""
    urls = pages(8)
    keeper.sources(*urls)
    archive.plan_saves("*", http(502), always=True)

    tally = keeper.round(*urls)

    assert len(archive.submissions) == 5
    assert "5 failures" in tally.ended


def test_an_answer_in_between_counts_the_failures_anew(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """Five in a row, not five altogether."""
    urls = pages(8)
    keeper.sources(*urls)
    for url in urls[:4] + urls[5:]:
        archive.plan_saves(url, http(502))

    keeper.round(*urls)

    assert len(archive.submissions) == 8


@BOTH
def test_429_on_a_save_ends_the_submissions_of_the_round(
    keeper: Keeper, archive: ArchiveStandIn, keyed: bool
) -> None:
    """The archive says that we ask too often: it is about us, not about the page."""
    keeper.keyed = keyed
    urls = pages(4)
    keeper.sources(*urls)
    archive.plan_saves("*", http(429, headers={"Retry-After": "60"}), always=True)

    tally = keeper.round(*urls)

    assert archive.submissions == urls[:1]
    assert keeper.states() == {urls[0]: "deferred"}
    assert "429" in tally.no_saves
    assert tally.left == 3


def test_429_of_the_index_ends_the_asking(keeper: Keeper, archive: ArchiveStandIn) -> None:
    """Going on gets the whole network shut out."""
    urls = pages(4)
    keeper.sources(*urls)
    archive.on("/cdx", http(429), always=True)

    tally = keeper.round(*urls)

    assert index_requests(archive) == 1
    assert archive.submissions == []
    assert "429" in tally.ended


def test_an_archive_that_is_not_there_costs_nothing_but_a_word(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """No connection says nothing about any page; nothing is submitted twice for it."""
    urls = pages(3)
    keeper.sources(*urls)
    keeper.archive = ArchiveStandIn()  # never started: nobody listens
    keeper.archive._wire.port = 1

    tally = keeper.round(*urls)

    assert tally.ended
    assert keeper.states() == {}


def test_refusals_that_are_about_us_are_never_held_against_a_page(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """The first page of the list meets every bad day of ours; it must not "fail" for that."""
    (url,) = pages(1)
    keeper.sources(url)
    archive.plan_saves("*", http(429), always=True)

    for _ in range(7):
        keeper.round(url)
        keeper.past(days=2)

    assert len(archive.submissions) == 7
    assert keeper.states() == {url: "deferred"}


# ---- pace --------------------------------------------------------------------------------


def gaps(archive: ArchiveStandIn, *paths: str) -> list[float]:
    """Seconds between the requests to these paths."""
    times = [request.at for request in archive.log if request.path.startswith(paths)]
    return [(after - before).total_seconds() for before, after in pairwise(times)]


@BOTH
def test_submissions_keep_their_pause(keeper: Keeper, archive: ArchiveStandIn, keyed: bool) -> None:
    """The archive takes so many a minute."""
    keeper.keyed = keyed
    urls = pages(3)
    keeper.sources(*urls)

    keeper.round(*urls, pace=replace(QUICK, save_pause=0.8))

    times = [r.at for r in archive.log if r.method == "POST" or r.path.startswith("/save/http")]
    assert len(times) == 3
    assert min((b - a).total_seconds() for a, b in pairwise(times)) >= 0.75


def test_other_requests_keep_theirs(keeper: Keeper, archive: ArchiveStandIn) -> None:
    """Looking into the index and asking about three jobs share one pause."""
    archive.plan_saves("*", pending(1.0), always=True)
    urls = pages(3)
    keeper.sources(*urls)

    keeper.round(*urls, pace=replace(QUICK, poll_pause=0.3))

    found = gaps(archive, "/cdx", "/save/status")
    assert len(found) >= 5
    assert min(found) >= 0.25


def test_so_many_submissions_a_day_are_enough(keeper: Keeper, archive: ArchiveStandIn) -> None:
    """The archive counts days; so do we, over rounds."""
    urls = pages(5)
    keeper.sources(*urls)
    pace = replace(QUICK, a_day=2)

    first = keeper.round(*urls[:3], pace=pace)
    second = keeper.round(*urls[2:], pace=pace)
    assert archive.submissions == urls[:2]
    assert (first.left, second.left) == (1, 3)
    keeper.past(days=1, seconds=1)
    keeper.round(*urls[2:], pace=pace)

    assert archive.submissions == urls[:4]


def test_what_the_budget_leaves_is_left_for_the_next_round(
    keeper: Keeper, archive: ArchiveStandIn
) -> None:
    """Three thousand new sources take days; each round does its part."""
    urls = pages(4)
    keeper.sources(*urls)

    nothing = keeper.round(*urls, pace=replace(QUICK, budget=0.0))
    began = time.monotonic()
    some = keeper.round(*urls, pace=replace(QUICK, budget=2.0, save_pause=60.0))

    assert nothing.left == 4
    assert time.monotonic() - began < 20
    assert archive.submissions == urls[:1]
    assert some.left == 3
    assert "time for archives" in some.ended


def test_a_stop_is_heard_during_a_pause(keeper: Keeper, archive: ArchiveStandIn) -> None:
    """21 seconds between two anonymous saves are longer than a stop may take."""
    urls = pages(2)
    keeper.sources(*urls)
    began = time.monotonic()

    tally = keeper.round(
        *urls, pace=replace(QUICK, save_pause=25.0), stop_when=lambda: keeper_done(archive, 1)
    )

    assert time.monotonic() - began < 10
    assert tally.ended == "stopped"
    assert archive.submissions == urls[:1]


def keeper_done(archive: ArchiveStandIn, captures: int) -> bool:
    return len(archive.captures) >= captures


def test_the_stated_limits_are_the_defaults() -> None:
    """As the archive's document of 2026-07 has them: 7 a minute with keys, 3 without."""
    keyed, anonymous = Pace.of(keyed=True), Pace.of(keyed=False)

    assert 60 / keyed.save_pause <= 7
    assert 60 / anonymous.save_pause <= 3
    assert 60 / keyed.poll_pause <= 24
    assert 60 / anonymous.poll_pause <= 24
    assert (keyed.in_flight, anonymous.in_flight) == (3, 1)
    assert anonymous.a_day <= 160
    assert Pace.of(keyed=True, save_pause=0.0).save_pause == 0.0


def test_stamps_of_intents_are_whole_seconds(keeper: Keeper) -> None:
    """The index compares whole seconds: a capture of the intent's own second counts."""
    (url,) = pages(1)
    keeper.sources(url)
    keeper.round(url)

    (asked,) = keeper.submissions()

    assert stamp(asked.intent_at).endswith("Z")
    assert asked.intent_at.microsecond == 0
