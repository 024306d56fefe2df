"""Bad days of the archive, and rounds that begin anew all the time: it is never asked too often."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from tests.archive_stand_in import ArchiveStandIn, drop, hang, http, pending, says
from tests.archive_stand_in.plans import Plan
from tests.loopback import Site, page
from tests.program import Program
from verifier import courtesy
from verifier.courtesy import Courtesy

LONG = os.environ.get("FAULTS_ROOMS", "")  # set by ``make faults``
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def archive() -> Iterator[ArchiveStandIn]:
    with ArchiveStandIn(slots=10) as archive:
        yield archive


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.default = page("here")
        yield site


@pytest.fixture
def program(tmp_path: Path, archive: ArchiveStandIn, site: Site) -> Program:
    program = Program(
        tmp_path,
        wayback_url=archive.base_url,
        ia_access_key=archive.access_key,
        ia_secret_key=archive.secret_key,
        poll_pause="0.01",
        preserve_budget="5",
    )
    program.write(*({"id": f"p{n}", "url": site.url(f"/{n}")} for n in range(8)))
    return program


SAVED_BUT_NOT = says('{"status":"success","timestamp":"00000000000000","original_url":"x"}')
TROUBLES: dict[str, Plan] = {
    "429": http(429),
    "503": http(503),
    "523": http(523),
    "HTML": http(200, "<html>Wayback Machine</html>"),
    "nothing": drop(),
    "saved that isn't": SAVED_BUT_NOT,
    "refusal": says('{"status":"error","status_ext":"error:service-unavailable"}'),
}


@pytest.mark.parametrize("what", TROUBLES if LONG else ["HTML"])
def test_bad_days_of_the_archive_change_no_link_and_copies_come_later(
    program: Program, archive: ArchiveStandIn, what: str
) -> None:
    """
    Round after round in trouble: links are judged, nothing is lost, and all is well after it.
    """
    archive.on("/", TROUBLES[what], always=True)
    for _ in range(2):
        done = program.run("run", "--all")
        assert done.returncode in (0, 1), done.stderr
        assert done.stderr == ""
        assert set(program.audit("link").values()) == {"live"}
        assert set(program.audit("copy").values()) == {"pending"}
    asked = len(archive.log)

    assert asked <= 2 * 5 * 2  # five failures in a row, of saving or of the index, and no more


def test_jobs_that_are_pending_for_ever_hold_nothing_up(
    program: Program, archive: ArchiveStandIn
) -> None:
    """
    The round ends by its budget, the receipts wait, and no page is submitted again.
    """
    program.settings["preserve_budget"] = "1"
    archive.plan_saves("*", pending(), always=True)
    for _ in range(2):
        done = program.run("run", "--all")
        assert done.returncode in (0, 1), done.stderr

    assert set(program.audit("link").values()) == {"live"}
    assert len(archive.submissions) == len(set(archive.submissions)) > 0
    states = {state for (state,) in program.sql("SELECT state FROM submissions")}
    assert states == {"queued"}


def test_over_ten_restarts_no_limit_is_passed(program: Program, archive: ArchiveStandIn) -> None:
    """
    Killed or ended at random moments, and begun again at once: for the archive it is one client.
    """
    chance = Random(3)
    program.settings |= {"save_pause": "1", "poll_pause": "1", "preserve_budget": "20"}
    for place in range(11):
        with program.start("run", "--all") as process:
            if place < 10:
                time.sleep(chance.uniform(0.8, 2.5))  # a moment, not a wait
                process.send_signal((signal.SIGKILL, signal.SIGTERM)[place % 2])
            process.communicate(timeout=60)

    assert len(archive.submissions) == len(set(archive.submissions)) > 0
    saves = [one.at for one in archive.requests("/save", "POST")]
    others = [one.at for one in archive.log if one.method == "GET"]
    for asked in (saves, others):
        assert len(asked) > 1
        least = min(after - before for before, after in pairwise(asked))
        assert least >= timedelta(seconds=0.95)  # the stand-in's clock, not ours


def test_who_was_shut_out_stays_away_over_restarts(
    program: Program, archive: ArchiveStandIn
) -> None:
    """
    To go on asking after a 429 has a network firewalled, for an hour, doubling.
    """
    archive.on("/cdx", http(429), always=True)
    for _ in range(3):
        program.run("run", "--all")

    assert len(archive.requests("/cdx")) == 1
    ((told,),) = program.sql("SELECT preserve FROM runs ORDER BY id DESC LIMIT 1")
    assert "left alone until" in told


def test_a_silent_archive_does_not_keep_a_signal_waiting(
    program: Program, archive: ArchiveStandIn
) -> None:
    """
    It may hang for minutes; SIGTERM ends the round all the same, and its answers are stored.
    """
    archive.on("/", hang(), always=True)
    with program.start("run", "--all") as process:
        ends = time.monotonic() + 30
        while not archive.log and time.monotonic() < ends:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

    assert process.returncode == 143
    assert set(program.audit("link").values()) == {"live"}


@pytest.mark.parametrize(("times", "hours"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 24), (40, 24)])
def test_the_rest_doubles_with_every_time_it_shut_us_out(times: int, hours: int) -> None:
    """
    As the archive's own does.
    """
    owed = Courtesy()
    for _ in range(times):
        owed = owed.shut_out("HTTP 429", NOW)

    assert owed.alone_until == NOW + timedelta(hours=hours)
    assert owed.alone(NOW)
    assert not owed.alone(NOW + timedelta(hours=hours))
    assert not owed.alone(NOW - timedelta(days=400))  # our clock was wrong, then or now
    assert not owed.welcome().alone(NOW)


@pytest.mark.parametrize(
    ("ago", "pause", "left"),
    [(0, 9, 10), (4, 9, 6), (10, 9, 0), (99, 9, 0), (-500, 9, 10), (0, 0, 0), (1, 0.5, 0)],
)
def test_a_pause_is_owed_over_restarts(ago: float, pause: float, left: float) -> None:
    """
    Stored times are whole seconds, so one is added; a clock that was set back costs one pause.
    """
    assert courtesy.still_owed(NOW - timedelta(seconds=ago), pause, NOW) == left
    assert courtesy.still_owed(None, pause, NOW) == 0
