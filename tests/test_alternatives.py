"""Other addresses of a source: proposed when it is lost, and only where they say the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Site, page
from tests.program import Program
from verifier import alternatives
from verifier.records import (
    Alternative,
    AuditRow,
    Check,
    Failure,
    Finding,
    Link,
    Observed,
    Quote,
    QuoteKind,
    Reading,
    Seen,
    SeenAlternative,
    Source,
)

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
OTHER = Alternative(relation="same", url="https://b.example/copy")
SOURCE = Source(
    id="a",
    url="https://a.example/page",
    quote="the words were said at the gate",
    alt_urls=(OTHER, Alternative(relation="reproduces", url="https://c.example/")),
)
OBSERVED = Observed(sha256s=frozenset({"aa"}), texts=frozenset({("tt", 3)}))
FOUND = Finding(result=Quote.FOUND, reason="verbatim: so it is", score=100.0)


def look(seen: Seen = Seen.ALIVE, **more: Any) -> Check:
    return Check(
        id=7,
        run_id=1,
        source_id="a",
        url=OTHER.url,
        address=OTHER.url,
        checked_at=AT,
        reading=Reading(seen=seen, rule="http-200", reason="the page is there"),
        rules_version=1,
        **more,
    )


def proof(check: Check, source: Source = SOURCE) -> str:
    return alternatives.judged(source, OTHER, check, OBSERVED).verified_by


def test_only_the_same_elsewhere_is_looked_at() -> None:
    """
    A translation or a report of the thing is not the thing.
    """
    doubled = replace(SOURCE, alt_urls=(*SOURCE.alt_urls, OTHER))

    assert alternatives.able(doubled) == (OTHER,)
    assert not alternatives.able(replace(SOURCE, url=OTHER.url))


@pytest.mark.parametrize(
    ("check", "by"),
    [
        (look(sha256="aa", text_sha256="tt", text_version=3, finding=FOUND), "bytes"),
        (look(sha256="bb", text_sha256="tt", text_version=3, finding=FOUND), "text"),
        (look(Seen.MOVED, sha256="bb", text_sha256="tt", text_version=2, finding=FOUND), "quote"),
        (look(sha256="bb"), ""),
        (look(sha256="aa", truncated="length"), ""),
        (look(sha256="aa", failure=Failure.TLS_EXPIRED), ""),
        (look(Seen.BLOCKED, sha256="aa"), ""),
        (look(Seen.FAILING), ""),
        (look(finding=replace(FOUND, result=Quote.ALTERED)), ""),
    ],
)
def test_what_proves_an_alternative_is_named(check: Check, by: str) -> None:
    """
    Who is sent to another address must be told why it is the same.
    """
    assert proof(check) == by


def test_a_few_words_or_a_title_prove_nothing() -> None:
    """
    They stand on many pages.
    """
    check = look(finding=FOUND)

    assert proof(check, replace(SOURCE, quote="it was said")) == ""
    assert proof(check, replace(SOURCE, quote_kind=QuoteKind.TITLE)) == ""


def known(url: str, verified_by: str) -> SeenAlternative:
    return SeenAlternative(
        source_id="a", relation="same", url=url, link=Link.LIVE, verified_by=verified_by
    )


@pytest.mark.parametrize("link", Link)
def test_a_proven_alternative_is_proposed_where_the_source_is_lost(link: Link) -> None:
    """
    While the source stands it is what is cited; and what is not proven is never proposed.
    """
    row = AuditRow(id="a", link=link, suggested_url="https://old.example/")
    others = [known("https://1.example", ""), known("https://2.example", "quote")]

    lost = link in (Link.DEAD, Link.HIJACKED)
    told = alternatives.proposed(row, [*others, known("https://3.example", "bytes")])
    assert told.suggested_url == ("https://3.example" if lost else "https://old.example/")
    unproven = alternatives.proposed(row, others[:1]).suggested_url
    assert unproven == ("" if link is Link.HIJACKED else "https://old.example/")


def test_a_proposal_is_taken_back_when_its_proof_or_its_reason_is_gone() -> None:
    """
    The row remembers what it said last time.
    """
    row = AuditRow(id="a", link=Link.DEAD, suggested_url="https://2.example")

    assert alternatives.proposed(row, [known("https://2.example", "")]).suggested_url == ""
    alive = replace(row, link=Link.LIVE)
    assert alternatives.proposed(alive, [known("https://2.example", "quote")]).suggested_url == ""
    moved = replace(row, link=Link.MOVED)
    assert alternatives.proposed(moved, [known("https://2.example", "text")]) == moved


# ---- the whole program -------------------------------------------------------------------


def stored(program: Program, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(program.folder / "archive" / "audit.db")) as db:
        return db.execute(sql).fetchall()


TABLE = "SELECT url, link, verified_by, check_id IS NULL FROM alternatives ORDER BY source_id, url"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_alternatives_are_looked_at_with_their_source_and_once_a_round(program: Program) -> None:
    """
    They are asked as politely as the sources are, and never counted as sources.
    """
    paths = ("/a", "/b", "/c", "/d", "/e")
    with Site() as site:
        site.set("/a", page("<p>the words were said at the gate</p>"))
        site.set("/b", page("<p>the words were said at the gate</p>"))
        site.set("/c", page("<h1>Mirror</h1><p>He says the words were said at the gate.</p>"))
        site.set("/d", page("<p>Something else stands here.</p>"))
        others = " ".join(f"same:{site.url(path)}" for path in ("/b", "/c", "/d"))
        row = {
            "url": site.url("/a"),
            "quote": "the words were said at the gate",
            "alt_urls": f"{others} translation:{site.url('/e')}",
        }
        program.write({"id": "a", **row}, {"id": "a2", **row})

        done = program.run("run", "--no-preserve")
        visits = [visit.target for visit in site.visits if visit.target in paths]
        program.run("run", "--no-preserve")  # nothing is due
        again = [visit.target for visit in site.visits if visit.target in paths]

    assert done.returncode == 0, done.stdout
    assert sorted(visits) == ["/a", "/b", "/c", "/d"]
    assert again == visits
    assert stored(program, TABLE) == 2 * [
        (site.url("/b"), "live", "bytes", 0),
        (site.url("/c"), "live", "quote", 0),
        (site.url("/d"), "live", "", 0),
    ]
    assert stored(program, "SELECT due, checked FROM runs ORDER BY id") == [(2, 2), (0, 0)]
    assert program.audit("suggested_url") == {"a": "", "a2": ""}
    assert program.audit("quote") == {"a": "found", "a2": "found"}


@pytest.mark.faketime
def test_a_dead_source_is_replaced_by_a_proven_alternative(program: Program) -> None:
    """
    That is what a maintainer needs on the day a source dies: an address, and why to trust it.
    """
    with Site() as site:
        site.set("/a", page("<p>the words were said at the gate</p>"))
        site.set("/b", page("<p>the words were said at the gate</p>"))
        site.set("/d", page("<p>Something else stands here.</p>"))
        program.write(
            {
                "id": "a",
                "url": site.url("/a"),
                "quote": "the words were said at the gate",
                "alt_urls": f"same:{site.url('/d')} same:{site.url('/b')}",
            }
        )
        program.before = ("faketime", "2026-12-01 12:00:00")
        program.run("run", "--no-preserve")
        site.set("/a", page("not found", status=410))
        for day in ("09", "11"):
            program.before = ("faketime", f"2026-12-{day} 12:00:00")
            done = program.run("run", "--no-preserve", "--all")
        explained = program.run("explain", "a").stdout
        report = program.run("report").stdout

    assert done.returncode == 1, done.stderr
    assert program.audit("link") == {"a": "dead"}
    assert program.audit("suggested_url") == {"a": site.url("/b")}
    assert site.url("/b") in report
    assert site.url("/d") not in report
    told = " ".join(explained.split())
    assert f"Cite {site.url('/b')} instead: the same bytes were seen there" in told
    assert f"{site.url('/d')} is live, but nothing proves that it says the same" in told
