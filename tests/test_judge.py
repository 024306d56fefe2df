"""A person's word above the rules: shown as one, for its time, and never mixed into the strikes."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loopback import Site, page
from tests.program import Program
from verifier import history, overruling
from verifier.records import Check, Judgement, Link, Reading, Seen, Source, Standing

FAKETIME = shutil.which("faketime")
START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SOURCE = Source(id="a", url="https://a.example/page")
SAID = ("--reason", "seen in a browser", "--until", "2099-12-31", "--by", "mina")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def look(seen: Seen, days: float) -> Check:
    """A look at SOURCE, so many days after START."""
    return Check(
        id=int(days * 100) + 1,
        run_id=1,
        source_id="a",
        url=SOURCE.url,
        address=SOURCE.address,
        checked_at=START + days * DAY,
        reading=Reading(seen=seen, rule=f"rule-{seen}", reason="so it was seen"),
        rules_version=1,
    )


def says(
    link: Link | None, days: float, *, until: float = 1000, url: str = SOURCE.url
) -> Judgement:
    """What a person said, so many days after START."""
    return Judgement(
        id=int(days) + 1,
        source_id="a",
        url=url,
        link=link,
        reason="I looked",
        judged_by="mina",
        judged_at=START + days * DAY,
        until=START + until * DAY,
    )


def shown(standing: Standing, *said: Judgement, days: float) -> Standing:
    """The standing as a round so many days after START would write it."""
    force = overruling.in_force(said, url=standing.url, now=START + days * DAY)
    return overruling.overruled(standing, force)


# ---- which word counts -------------------------------------------------------------------


def test_the_last_word_counts_while_it_holds() -> None:
    """Two people may differ; what was said later is what is known better."""
    said = (says(Link.DEAD, 0), says(Link.LIVE, 1, until=10))

    for days, link in ((2, Link.LIVE), (10, Link.LIVE), (10.1, None)):
        force = overruling.in_force(said, url=SOURCE.url, now=START + days * DAY)
        assert (force.link if force is not None else None) is link


def test_an_older_word_never_comes_back() -> None:
    """Whoever took a judgement back did not mean the one before it."""
    said = (says(Link.DEAD, 0), says(Link.LIVE, 1), says(None, 2))

    assert overruling.in_force(said, url=SOURCE.url, now=START + 3 * DAY) is None


def test_a_word_is_about_one_address() -> None:
    """Who mended the address asked a new question."""
    said = (says(Link.DEAD, 0, url="https://a.example/old"),)

    assert overruling.in_force(said, url=SOURCE.url, now=START + DAY) is None


def test_the_same_word_said_again_without_a_gap_keeps_its_date() -> None:
    """A judgement is renewed every few months; the page has been dead all along."""
    renewed = (says(Link.DEAD, 0, until=10), says(Link.DEAD, 9, until=20))
    late = (says(Link.DEAD, 0, until=10), says(Link.DEAD, 11, until=20))

    now = START + 12 * DAY
    first = overruling.in_force(renewed, url=SOURCE.url, now=now)
    second = overruling.in_force(late, url=SOURCE.url, now=now)
    assert first is not None
    assert second is not None
    assert (first.since, second.since) == (START, START + 11 * DAY)


# ---- beneath it --------------------------------------------------------------------------


_steps = st.lists(
    st.tuples(
        st.sampled_from([Seen.ALIVE, Seen.FAILING, Seen.GONE, Seen.BLOCKED, Seen.UNDECIDED]),
        st.integers(1, 120),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(_steps, st.sampled_from(overruling.ANSWERS), st.integers(0, 11))
def test_the_rules_go_on_beneath_a_persons_word_as_if_it_was_not_said(
    steps: list[tuple[Seen, int]], link: Link, spoken: int
) -> None:
    """Strikes that a judgement had wiped out, or made, would be found out when it ends."""
    plain = judged = history.resume(None, SOURCE)
    hours = 0
    for number, (seen, pause) in enumerate(steps):
        hours += pause
        check = look(seen, hours / 24)
        plain = history.fold(history.resume(plain, SOURCE), check)
        judged = history.fold(history.resume(judged, SOURCE), check)
        if number >= spoken:
            judged = shown(judged, says(link, 0), days=hours / 24)
            assert judged.row.link is link
            assert judged.row.judged_by == "mina"

    assert overruling.as_ruled(judged) == plain


def test_a_word_that_the_rules_share_keeps_the_older_date() -> None:
    """It was live before somebody said so."""
    alive = history.fold(history.resume(None, SOURCE), look(Seen.ALIVE, 0))

    said = shown(alive, says(Link.LIVE, 5), days=6)

    assert said.row.link_since == START
    assert said.row.link_reason == "judged: I looked (by mina until 2029-07-28)"


def test_nobody_said_anything_and_nothing_is_changed() -> None:
    """Almost every source."""
    alive = history.fold(history.resume(None, SOURCE), look(Seen.ALIVE, 0))

    assert shown(alive, days=1) is alive
    assert overruling.as_ruled(alive) is alive
    assert replace(alive, ruled_link=None) == alive


# ---- the command -------------------------------------------------------------------------


def test_a_judgement_is_shown_everywhere_as_a_persons_word(program: Program) -> None:
    """A reader who sees "live" must see at once that no check said so."""
    with Site() as site:
        site.default = page("no", status=404)
        program.write({"id": "a", "url": site.url("/"), "preserve": "local"})
        program.run("run", "--no-preserve")
        asked = len(site.visits)

        done = program.run("judge", "a", "dead", *SAID)
        report = program.run("report", "--format", "markdown")
        told = program.run("explain", "a")
        again = program.run("run", "--no-preserve")

        assert len(site.visits) == asked  # the next look is due when it was
    assert (done.returncode, done.stderr) == (0, "")
    assert "link dead (judged: seen in a browser (by mina until 2099-12-31))" in done.stdout
    assert "by the rules suspect (http-404" in done.stdout
    columns = "link, link_reason, judged_by, judged_until, strikes"
    assert program.sql(f"SELECT {columns} FROM audit") == [
        (
            "dead",
            "judged: seen in a browser (by mina until 2099-12-31)",
            "mina",
            "2099-12-31T23:59:59Z",
            1,
        )
    ]
    assert "judged: by mina until 2099-12-31" in report.stdout
    assert "By the rules it is suspect" in told.stdout.replace("\n      ", " ")
    assert again.returncode == 1  # a dead source needs a reader, whoever found it dead


def test_the_day_s_numbers_know_of_a_judgement(program: Program) -> None:
    """The picture over time would say otherwise than the bars beside it."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
        program.run("judge", "a", "blocked", *SAID)

    newest = "SELECT answer, sources FROM daily WHERE axis = 'link' ORDER BY day DESC LIMIT 1"
    assert program.sql(newest) == [("blocked", 1)]


def test_a_judgement_is_kept_for_good_and_chained(program: Program) -> None:
    """Who overruled what, and why, is evidence like any other."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
        program.run("judge", "a", "blocked", *SAID)

    assert program.sql("SELECT id, source_id, link, reason, judged_by, until FROM judgements") == [
        (1, "a", "blocked", "seen in a browser", "mina", "2099-12-31T23:59:59Z")
    ]
    entries = program.sql("SELECT kind, key FROM ledger ORDER BY seq DESC LIMIT 2")
    assert entries == [("derived", 1), ("judgement", 1)]  # and what is shown since
    with closing(sqlite3.connect(program.database)) as connection:
        for statement in ("DELETE FROM judgements", "UPDATE judgements SET link = 'live'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


def test_it_outlives_rounds_until_it_is_taken_back(program: Program) -> None:
    """A round derives the answer anew each time; the word has to be in it each time."""
    with Site() as site:
        site.default = page("no", status=404)
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
        before = program.dump()
        program.run("judge", "a", "live", *SAID)

        program.run("run", "--no-preserve", "--all")
        in_between = program.audit("link")
        taken = program.run("judge", "a", "none", "--by", "mina")

    assert in_between == {"a": "live"}
    assert (taken.returncode, taken.stderr) == (0, "")
    assert program.audit("link") == {"a": "suspect"}
    assert program.audit("judged_by") == {"a": ""}
    ((strikes, since),) = program.sql("SELECT strikes, link_since FROM audit")
    assert (strikes, since) == (1, before[0][13])  # as if nobody had said anything


def test_another_address_is_not_judged(program: Program) -> None:
    """The word was about the old one."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/old")})
        program.run("run", "--no-preserve")
        program.run("judge", "a", "dead", *SAID)
        program.write({"id": "a", "url": site.url("/new")})

        program.run("run", "--no-preserve")

    assert program.audit("link") == {"a": "live"}
    assert program.audit("judged_by") == {"a": ""}


@pytest.mark.faketime
@pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
def test_when_its_time_is_over_the_rules_answer_is_back(program: Program) -> None:
    """Nobody has to remember it; and that the source is not what was said is news."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
        until = (datetime.now(UTC) + 2 * DAY).date().isoformat()
        program.run("judge", "a", "dead", "--reason", "an impostor", "--until", until)
        program.run("run", "--no-preserve")
        assert program.audit("link") == {"a": "dead"}

        program.before = (FAKETIME or "", "-f", "+4d")
        done = program.run("run", "--no-preserve", "--quiet")

        assert len(site.visits) == 1  # it was not due: only the word had ended
    assert "a: link dead → live" in done.stdout
    assert program.audit("link") == {"a": "live"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("judge", "aa", "live", *SAID), "Did you mean a"),
        (("judge", "a", "suspect", *SAID), "suspect"),
        (("judge", "a", "live", "--until", "2099-12-31"), "--reason"),
        (("judge", "a", "live", "--reason", "because"), "--until"),
        (("judge", "a", "live", "--reason", " ", "--until", "2099-12-31"), "--reason"),
        (("judge", "a", "live", "--reason", "because", "--until", "2001-01-01"), "to come"),
        (("judge", "a", "live", "--reason", "because", "--until", "soon"), "soon"),
        (("judge", "a", "none"), "nobody has judged it"),
        (("judge", "claim", "live", *SAID), "no address"),
        (("judge", "a", "live", *SAID, "--archive", "elsewhere"), "elsewhere"),
    ],
)
def test_wrong_use_is_named_and_nothing_is_written(
    judged: Program, words: tuple[str, ...], named: str
) -> None:
    """Exit code 2, a reason, and the table as it was."""
    before = judged.dump()

    done = judged.run(*words)

    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert judged.sql("SELECT count(*) FROM judgements") == [(0,)]
    assert judged.dump() == before


def test_a_round_under_way_is_not_disturbed(judged: Program) -> None:
    """Its answers and the person's would overwrite each other."""
    with (judged.folder / "archive" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        done = judged.run("judge", "a", "live", *SAID)

    assert done.returncode == 3
    assert judged.sql("SELECT count(*) FROM judgements") == [(0,)]


def test_a_source_that_left_is_not_judged(judged: Program) -> None:
    """Nothing would show it."""
    judged.write({"id": "claim", "claim": "something"})
    judged.run("run", "--no-preserve", "--confirm-retire")

    done = judged.run("judge", "a", "live", *SAID)

    assert done.returncode == 2
    assert "has left sources.csv" in done.stderr


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program after a round, for commands that change nothing."""
    program = Program(tmp_path_factory.mktemp("judged"))
    program.write({"id": "a", "url": "http://127.0.0.1:1/"}, {"id": "claim", "claim": "something"})
    program.run("run", "--no-preserve")
    return program
