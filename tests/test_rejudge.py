"""Today's rules over yesterday's looks: the same rules change nothing, better ones are heard."""

from __future__ import annotations

import fcntl
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.loopback import Site, page, redirect, reset
from tests.program import Program
from verifier import history, rows, schema
from verifier.records import AuditRow, Copy, Link, Quote, Source, Standing

WORDS = "The words that are quoted stand here"
START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WALL = page("<title>Just a moment...</title>cloudflare", status=403)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def web(site: Site) -> list[dict[str, str]]:
    """Pages of every kind, each cited with the same words."""
    good = page(f"<title>T</title><main><p>{WORDS}, and more.</p></main>")
    site.set("/good", good)
    site.set("/packed", page(f"<p>{WORDS}</p>", gzipped=True))
    site.set("/changing", good, page("<p>Other words now</p>"))
    site.set("/lost", good, page("no", status=404))
    site.set("/wall", WALL)
    site.set("/moved", redirect("/good", status=301))
    site.set("/reset", reset())
    site.set("/later", page("later", status=503))
    site.set("/gone", page("gone", status=410))
    targets = "good packed changing lost wall moved reset later gone".split()
    told = [{"id": name, "url": site.url(f"/{name}"), "quote": WORDS} for name in targets]
    told.append({"id": "unkept", "url": site.url("/good?1"), "quote": WORDS, "preserve": "none"})
    told.append({"id": "unquoted", "url": site.url("/good")})
    told.append({"id": "claim", "claim": "something"})
    site.set("/good?1", good)
    return told


APPENDED = ("checks", "captures", "quote_findings", "readings", "judgements")


def counts(program: Program) -> dict[str, int]:
    """How many rows the append-only tables have."""
    return {name: program.sql(f"SELECT count(*) FROM {name}")[0][0] for name in APPENDED}


def older_rules_said(program: Program, id: str, seen: str, rule: str, link: str) -> None:
    """Pretend that all looks at a source were read by older rules, and its answer came of that."""
    with closing(sqlite3.connect(program.database)) as connection, connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE checks SET seen = ?, rule = ?, reason = 'older rules', rules_version = 0 "
            "WHERE source_id = ?",
            [seen, rule, id],
        )
        findings = "(SELECT id FROM quote_findings WHERE source_id = ?)"
        if seen not in ("alive", "moved"):
            connection.execute(f"DELETE FROM passages WHERE finding_id IN {findings}", [id])
            connection.execute("DELETE FROM quote_findings WHERE source_id = ?", [id])
        connection.execute(
            "UPDATE audit SET link = ?, link_reason = ?, quote = 'unchecked' WHERE id = ?",
            [link, f"{rule}: older rules", id],
        )
        for statement in schema.guards():
            connection.execute(statement)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Site]]:
    """A program after two rounds over pages of every kind, with the site still there."""
    program = Program(tmp_path_factory.mktemp("twice"))
    with Site() as site:
        program.write(*web(site))
        program.run("run", "--no-preserve")
        program.run("run", "--no-preserve", "--all")
        yield program, site


def test_the_same_rules_change_nothing(twice: tuple[Program, Site]) -> None:
    """
    Else the answers would rest on something that is not stored.
    """
    program, site = twice
    before, told, asked = program.dump(), counts(program), len(site.visits)
    (program.folder / "sources.csv").rename(program.folder / "away.csv")

    done = program.run("run", "--rejudge")

    (program.folder / "away.csv").rename(program.folder / "sources.csv")
    assert (done.returncode, done.stderr) == (1, "")  # the claim still has no address
    assert len({row[2] for row in before if len(row) > 20}) >= 5  # it was worth a try
    assert program.dump() == before
    assert counts(program) == told
    assert len(site.visits) == asked
    assert "was rejudged: today's rules over what is stored" in done.stdout


def test_it_is_a_round_that_looked_at_nothing(twice: tuple[Program, Site]) -> None:
    """
    Answers that nobody renewed must not look as fresh as those that somebody did.
    """
    program, _ = twice
    conclusive = program.sql("SELECT max(ended_at) FROM runs WHERE outcome = 'conclusive'")[0][0]

    done = program.run("run", "--rejudge", "--format", "json")

    ((outcome, checked, news, listed),) = program.sql(
        "SELECT outcome, checked, news, listed FROM runs ORDER BY id DESC LIMIT 1"
    )
    assert (outcome, checked, news, listed) == ("rejudged", 0, "[]", 12)
    assert '"outcome": "rejudged"' in done.stdout
    assert '"last_conclusive_at"' in done.stdout
    assert conclusive[:10] in re.search(r'"last_conclusive_at": "(.*)"', done.stdout)[1]  # type: ignore[index]
    assert program.sql("SELECT kind FROM ledger ORDER BY seq DESC LIMIT 1") == [("run",)]


@pytest.mark.parametrize(
    "words",
    [("--all",), ("--only", "good"), ("--no-preserve",), ("--confirm-retire",)],
)
def test_it_goes_with_no_option_that_limits_a_round(
    twice: tuple[Program, Site], words: tuple[str, ...]
) -> None:
    """
    Half of the answers by today's rules and half by yesterday's would be neither.
    """
    program, _ = twice
    runs = program.sql("SELECT count(*) FROM runs")

    done = program.run("run", "--rejudge", *words)

    assert done.returncode == 2
    assert words[0] in done.stderr
    assert program.sql("SELECT count(*) FROM runs") == runs


def test_a_round_under_way_is_not_disturbed(twice: tuple[Program, Site]) -> None:
    """
    Two writers of the same answers.
    """
    program, _ = twice
    with (program.folder / "archive" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert program.run("run", "--rejudge").returncode == 3


def test_without_a_database_there_is_nothing_to_judge(program: Program) -> None:
    """
    An empty archive that a mistyped --archive made would hide the mistake.
    """
    done = program.run("run", "--rejudge", "--archive", "elsewhere")

    assert done.returncode == 2
    assert "elsewhere" in done.stderr
    assert not (program.folder / "elsewhere").exists()


# ---- better rules ------------------------------------------------------------------------


def test_a_better_rule_is_heard_and_what_was_seen_stays(program: Program) -> None:
    """
    Old rules took the page for a soft 404. Its bytes are there: they say that it is alive.
    """
    with Site() as site:
        program.write(*web(site))
        program.run("run", "--no-preserve")
    older_rules_said(program, "packed", "failing", "soft-404", "suspect")
    checks, told = program.sql("SELECT * FROM checks"), counts(program)

    done = program.run("run", "--rejudge", "--quiet")

    assert "packed: link suspect → live (http-200" in done.stdout
    assert program.audit("link")["packed"] == "live"
    assert program.audit("quote")["packed"] == "found"
    assert program.sql("SELECT * FROM checks") == checks
    assert program.sql("SELECT seen, rule, rules_version FROM readings") == [
        ("alive", "http-200", program.sql("SELECT max(rules_version) FROM runs")[0][0])
    ]
    after = counts(program)
    assert after["quote_findings"] == told["quote_findings"] + 1
    told_why = program.run("explain", "packed").stdout
    assert "readings 1: check " in told_why
    assert program.audit("strikes")["packed"] == 0

    again = program.run("run", "--rejudge", "--quiet")

    assert again.stdout == ""
    assert counts(program) == after


def test_a_page_that_is_none_any_more_takes_its_strike(program: Program) -> None:
    """
    Old rules were fooled; the strikes they did not count are counted now, from then on.
    """
    with Site() as site:
        site.default = page("no", status=404)
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
    at = program.audit("checked_at")
    older_rules_said(program, "a", "alive", "http-404", "live")

    program.run("run", "--rejudge")

    assert program.audit("link") == {"a": "suspect"}
    assert program.audit("link_since") == at
    assert program.audit("strikes") == {"a": 1}


def test_a_body_that_was_not_kept_is_not_judged_without_it(program: Program) -> None:
    """
    Of a page whose copy must not be kept only head and hash are stored: not enough to condemn it.
    """
    with Site() as site:
        site.default = page(f"<p>{WORDS}</p>")
        site.set("/wall", WALL)
        program.write(
            {"id": "a", "url": site.url("/"), "preserve": "none", "quote": WORDS},
            {"id": "b", "url": site.url("/wall"), "preserve": "none"},
        )
        program.run("run", "--no-preserve")
    before = program.dump()

    program.run("run", "--rejudge")

    assert program.dump() == before
    assert program.audit("link") == {"a": "live", "b": "blocked"}
    assert program.audit("link_reason")["b"].startswith("wall-")


def test_a_persons_word_still_stands(program: Program) -> None:
    """
    Newer rules are still rules.
    """
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
    program.run("judge", "a", "dead", "--reason", "an impostor", "--until", "2099-12-31")
    before = program.dump()

    program.run("run", "--rejudge")

    assert program.dump() == before
    assert program.audit("link") == {"a": "dead"}


def test_a_copy_that_is_damaged_ends_it_and_nothing_is_changed(program: Program) -> None:
    """
    Answers from bytes that nobody sent would be worse than old answers: exit code 4.
    """
    with Site() as site:
        program.write(*web(site))
        program.run("run", "--no-preserve")
    older_rules_said(program, "good", "failing", "soft-404", "suspect")
    before, told = program.dump(), counts(program)
    (file,) = (program.folder / "archive" / "warc").rglob("*.warc.gz")
    content = bytearray(file.read_bytes())
    for place in range(len(content) // 2, len(content), 50):
        content[place] ^= 0xFF
    file.write_bytes(content)

    done = program.run("run", "--rejudge")

    assert done.returncode == 4
    assert file.name in done.stderr
    assert (program.dump(), counts(program)) == (before, told)
    assert program.sql("SELECT outcome FROM runs ORDER BY id DESC LIMIT 1") == [("interrupted",)]


# ---- from the first look on --------------------------------------------------------------


SOURCE = Source(id="a", url="https://a.example/", quote="the words")
STANDING = Standing(
    url="https://a.example/",
    quote_sha256=rows.quote_sha256("the words"),
    row=AuditRow(
        id="a",
        link=Link.SUSPECT,
        quote=Quote.UNCHECKED,
        quote_since=START,
        link_since=START,
        copy=Copy.CAPTURED,
        copy_since=START,
        quote_wayback="found",
        strikes=2,
        next_check_at=START,
    ),
)


def test_what_no_look_decides_goes_on() -> None:
    """
    Since when a copy is there, is in no look at the page.
    """
    fresh = history.afresh(STANDING, SOURCE).row

    assert (fresh.copy, fresh.copy_since) == (Copy.CAPTURED, START)
    assert (fresh.quote_since, fresh.quote_wayback) == (START, "found")
    assert (fresh.link, fresh.link_since, fresh.strikes) == (Link.UNCHECKED, None, 0)


def test_nothing_goes_on_of_another_address_and_no_finding_of_other_words() -> None:
    """
    It would be the answer to a question that nobody asks any more.
    """
    moved = history.afresh(STANDING, replace(SOURCE, url="https://b.example/")).row
    reworded = history.afresh(STANDING, replace(SOURCE, quote="others")).row

    assert (moved.copy, moved.copy_since, moved.quote_wayback) == (Copy.NONE, None, "")
    assert (reworded.copy, reworded.quote_since, reworded.quote_wayback) == (
        Copy.CAPTURED,
        None,
        "",
    )


def test_words_that_were_changed_before_are_still_looked_for_at_once() -> None:
    """
    That the row was changed is known by its old standing alone, which is overwritten.
    """
    other = replace(STANDING, quote_sha256=rows.quote_sha256("others"))

    assert history.due_if_changed(STANDING, other).row.next_check_at is None
    assert history.due_if_changed(STANDING, STANDING).row.next_check_at == START
