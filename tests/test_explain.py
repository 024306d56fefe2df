"""Why a source has its answers: every word of it must be found in a row, and come true."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.archive_stand_in import ArchiveStandIn
from tests.loopback import Site, page, redirect
from tests.program import Program
from verifier import copies, explained, history
from verifier.explain import Dossier, Explanation, Look, explain
from verifier.records import Check, Custody, Link, Reading, Seen, Source

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SOURCE = Source(id="a", url="https://a.example/page", quote="the words")
WORDS = "The words that are quoted stand here"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def look(seen: Seen, hours: float, *, conclusive: bool = True) -> Check:
    """A look at SOURCE, so many hours after START."""
    return Check(
        id=int(hours) + 1,
        run_id=7,
        source_id="a",
        url=SOURCE.url,
        address=SOURCE.address,
        checked_at=START + hours * HOUR,
        reading=Reading(seen=seen, rule=f"rule-{seen}", reason="so it was seen"),
        rules_version=1,
        status=200,
        conclusive=conclusive,
    )


def explained_by(
    *checks: Check, source: Source = SOURCE, later: timedelta = timedelta()
) -> Explanation:
    """Why the source has the answers that these looks gave it."""
    standing = history.resume(None, source)
    for check in checks:
        standing = history.fold(standing, check)
    now = (checks[-1].checked_at if checks else START) + later
    copy = copies.answer(source, Custody(address=source.address), standing.row.link, now=now)
    dossier = Dossier(
        source=source,
        retired_at=None,
        standing=history.complete(standing, source, copy, now=now),
        looks=tuple(
            Look(
                check=check,
                outcome="conclusive" if check.conclusive else "interrupted",
                taken_in=True,
            )
            for check in checks
        ),
        findings=(),
        custody=Custody(address=source.address),
        judgements=(),
    )
    return explain(dossier, now=now, good_for=copies.GOOD_FOR)


# ---- strikes -----------------------------------------------------------------------------


def test_the_failures_that_counted_are_named() -> None:
    """A maintainer looks these two up, and not the one that came too soon after."""
    told = explained_by(
        look(Seen.ALIVE, 0),
        look(Seen.FAILING, 10),
        look(Seen.FAILING, 30),
        look(Seen.FAILING, 90),
    )

    assert [strike.check_id for strike in told.strikes.checks] == [11, 91]
    assert (told.strikes.counted, told.strikes.needed) == (2, 3)
    assert told.strikes.next_not_before == START + 90 * HOUR + 72 * HOUR
    assert told.strikes.dead_not_before == START + 7 * DAY
    words = explained.text(told, width=500)
    assert "strikes: 2 of 3 (check 11 at 2026-11-01 22:00 UTC, check 91 at" in words
    assert "A success resets the strikes" in words
    assert "One more strike makes it dead, not before 2026-11-08 12:00 UTC" in words


def test_failures_of_a_round_that_said_nothing_are_shown_to_count_for_nothing() -> None:
    """Else somebody counts them and gets another number."""
    told = explained_by(
        look(Seen.ALIVE, 0), look(Seen.FAILING, 10, conclusive=False), look(Seen.FAILING, 20)
    )

    assert [strike.check_id for strike in told.strikes.checks] == [21]
    assert "counts for nothing (round was interrupted)" in explained.text(told, width=500)


_seen = st.sampled_from(
    [Seen.ALIVE, Seen.FAILING, Seen.FAILING, Seen.FAILING, Seen.GONE, Seen.BLOCKED, Seen.UNDECIDED]
)


@settings(deadline=None)
@given(st.lists(st.tuples(_seen, st.integers(1, 100), st.booleans()), min_size=1, max_size=12))
def test_the_strikes_told_are_those_that_the_rules_counted(
    steps: list[tuple[Seen, int, bool]],
) -> None:
    """The explanation finds the strikes by itself: it must come to the rules' own number."""
    hours, checks = 0, []
    for seen, pause, conclusive in steps:
        hours += pause
        checks.append(look(seen, hours, conclusive=conclusive))

    strikes = explained_by(*checks).strikes

    assert len(strikes.checks) == strikes.counted
    if strikes.checks:
        assert strikes.next_not_before == strikes.checks[-1].at + 72 * HOUR


@settings(deadline=None)
@given(st.lists(st.tuples(_seen, st.integers(1, 100)), min_size=1, max_size=10))
def test_a_source_is_dead_at_the_time_that_was_told_and_not_before(
    steps: list[tuple[Seen, int]],
) -> None:
    """A promise that is tested by going on failing, an hour at a time, until it is dead."""
    hours, standing, checks = 0, history.resume(None, SOURCE), []
    for seen, pause in steps:
        hours += pause
        checks.append(look(seen, hours))
        standing = history.fold(standing, checks[-1])
    due = explained_by(*checks, later=HOUR).strikes.dead_not_before  # the next look's time
    if standing.row.link is not Link.SUSPECT:
        assert due is None
        return
    assert due is not None

    kind = Seen.GONE if standing.gone_since is not None else Seen.FAILING
    while standing.row.link is Link.SUSPECT:
        hours += 1
        standing = history.fold(standing, look(kind, hours))

    assert START + hours * HOUR == due


# ---- what comes next ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Seen.ALIVE, "a week after a look that went well"),
        (Seen.BLOCKED, "three days after a look that was refused"),
        (Seen.UNDECIDED, "six hours after a look that told nothing"),
        (Seen.FAILING, "a second look soon after a failure"),
    ],
)
def test_the_next_look_has_its_reason(seen: Seen, why: str) -> None:
    """ "When", without "why then", makes people start rounds by hand."""
    words = explained.text(explained_by(look(seen, 0)), width=500)

    assert "next: The next look is due at 2026-11-" in words
    assert why in words


def test_a_source_that_nobody_looked_at_is_said_to_be_so() -> None:
    """ "Not checked" is never shown as sound."""
    words = explained.text(explained_by(), width=500)

    assert "LINK: unchecked" in words
    assert "not-checked: nobody has looked yet" in words


# ---- the command -------------------------------------------------------------------------


def ids_told(words: str) -> set[tuple[str, int]]:
    """Every (table, row) that is named as evidence."""
    flat = re.sub(r"\s+", " ", words)
    tables = "checks|captures|quote_findings|submissions|snapshots|judgements|readings"
    return {(table, int(id)) for table, id in re.findall(rf"({tables}) (\d+)", flat)}


def test_every_answer_has_rule_evidence_and_what_comes_next(program: Program) -> None:
    """Whoever doubts an answer finds the rows that it rests on, and they are there."""
    with Site() as site, ArchiveStandIn(slots=10) as archive:
        program.settings["wayback_url"] = archive.base_url
        site.set("/a", page(f"<p>{WORDS}</p>"))
        site.set("/b", redirect("/a", status=301))
        site.set("/c", page("no", status=404))
        program.write(
            *({"id": name, "url": site.url(f"/{name}"), "quote": WORDS} for name in "abc")
        )
        program.run("run")
        asked = len(site.visits)

        told = {name: program.run("explain", name) for name in "abc"}
        asjson = json.loads(program.run("explain", "a", "--format", "json").stdout)

        assert len(site.visits) == asked
    assert {done.returncode for done in told.values()} == {0}
    for name, done in told.items():
        rows = program.sql("SELECT link, quote, copy FROM audit WHERE id = ?", name)[0]
        for axis, answer in zip(("LINK", "QUOTE", "COPY"), rows, strict=True):
            assert f"\n{axis}: {answer}" in done.stdout
        evidence = ids_told(done.stdout)
        assert {table for table, _ in evidence} >= {"checks"}
        for table, id in evidence:
            assert program.sql(f"SELECT count(*) FROM {table} WHERE id = ?", id) == [(1,)]
    assert {table for table, _ in ids_told(told["a"].stdout)} == {
        "checks",
        "captures",
        "quote_findings",
        "submissions",
        "snapshots",
    }
    assert f"leads to: {site.url('/a')}" in told["b"].stdout
    assert asjson["format"] == "verifier-explain/1"
    for axis in ("link", "quote", "copy"):
        assert asjson[axis]["answer"] == program.audit(axis)["a"]
        assert asjson[axis]["rule"] == program.audit(f"{axis}_reason")["a"].partition(":")[0]
        assert asjson[axis]["evidence"]
        assert asjson[axis]["would_change"]
    assert asjson["next_check_at"] == program.audit("next_check_at")["a"]


def test_an_unknown_id_is_answered_with_those_that_are_near(program: Program) -> None:
    """Ids are long; nobody types one twice the same."""
    program.write({"id": "amnesty-2017", "claim": "x"}, {"id": "zzz", "claim": "y"})
    program.run("run", "--no-preserve")

    done = program.run("explain", "amnesti-2017")
    missing = program.run("explain", "a", "--archive", "elsewhere")

    assert (done.returncode, done.stdout) == (2, "")
    assert "amnesti-2017" in done.stderr
    assert "Did you mean amnesty-2017?" in done.stderr
    assert "zzz" not in done.stderr
    assert missing.returncode == 2
    assert not (program.folder / "elsewhere").exists()


def test_looks_that_no_round_took_in_are_said_to_wait(program: Program) -> None:
    """After a night of inconclusive rounds people ask what became of them."""
    hosts = tuple(f"127.0.0.{number}" for number in range(2, 8))
    with Site(*hosts) as site:
        site.default = page("here")
        program.write(
            *({"id": f"p{n}", "url": site.url("/", host=host)} for n, host in enumerate(hosts))
        )
        program.run("run", "--no-preserve")
    program.run("run", "--no-preserve", "--all")  # the site is gone, and so is every host

    words = program.run("explain", "p0").stdout

    assert program.sql("SELECT outcome FROM runs WHERE id = 2") == [("inconclusive",)]
    told = re.sub(r"\s+", " ", words)
    assert re.search(r"no conclusive round has taken in yet: check \d+", told), told
    assert "counts for nothing (round was inconclusive)" in re.sub(r"\s+", " ", words)


def test_words_of_others_cannot_write_to_the_terminal(program: Program) -> None:
    """A title may hold an escape sequence that repaints the screen."""
    nasty = "\x1b]0;owned\x07\x1b[31mred\u202e"
    with Site() as site:
        site.default = page(f"<title>{nasty}</title>{WORDS} {nasty}")
        program.write({"id": "a", "url": site.url("/"), "quote": WORDS, "title": f"t {nasty}"})
        program.run("run", "--no-preserve")
        program.run("judge", "a", "dead", "--reason", nasty, "--until", "2099-01-01", "--by", nasty)

    for form in ("text", "json"):
        said = program.run("explain", "a", "--format", form)
        assert said.returncode == 0
        assert not set(said.stdout) & {"\x1b", "\x07", "\u202e"}


def test_a_source_that_left_is_still_explained(program: Program) -> None:
    """Somebody may ask why it was taken out."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/a")}, {"id": "b", "url": site.url("/b")})
        program.run("run", "--no-preserve")
        program.write({"id": "b", "url": site.url("/b")})
        program.run("run", "--no-preserve")

    words = program.run("explain", "a").stdout

    assert "its row left sources.csv" in re.sub(r"\s+", " ", words)
