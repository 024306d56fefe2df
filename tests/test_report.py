"""The report: what a maintainer reads must be complete, in order, and harmless to print."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import report
from verifier.attention import grouped, is_sound, plain
from verifier.bulletin import Bulletin
from verifier.corrections import corrections
from verifier.records import AuditRow, Change, Copy, Link, Quote, QuoteKind, Run
from verifier.report_csv import as_csv
from verifier.report_html import html
from verifier.report_json import as_json
from verifier.report_markdown import markdown

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ROUND = Run(
    id=7,
    started_at=NOW - timedelta(minutes=9),
    ended_at=NOW - timedelta(minutes=1),
    outcome="conclusive",
    network="up",
    listed=4,
    due=4,
    checked=4,
    head="ab" * 32,
)


def row(name: str = "a", **fields: Any) -> AuditRow:
    """A sound source, but for what the test says of it."""
    sound_fields: dict[str, Any] = {
        "url": f"https://example.org/{name}",
        "link": Link.LIVE,
        "quote": Quote.FOUND,
        "copy": Copy.CAPTURED,
        "link_since": NOW - timedelta(days=3),
    }
    return AuditRow(id=name, **{**sound_fields, **fields})


def bulletin(rows: list[AuditRow], run: Run | None = ROUND, **options: Any) -> Bulletin:
    """What is told of these rows after that round."""
    told: dict[str, Any] = {"rounds": (run,) if run is not None else ()}
    return Bulletin(rows=tuple(rows), run=run, written_at=NOW, **{**told, **options})


def written(rows: list[AuditRow], run: Run | None = ROUND, **options: Any) -> list[str]:
    """The report in both forms of plain text that people read."""
    told = bulletin(rows, run, **options)
    return [report.text(told), markdown(told)]


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({}, ()),
        ({"link": Link.DEAD}, ("link dead",)),
        ({"link": Link.HIJACKED, "copy": Copy.LOST}, ("link hijacked", "copy lost")),
        ({"link": Link.INVALID, "copy": Copy.NONE}, ("link invalid", "copy none")),
        ({"quote": Quote.ALTERED}, ("quote altered",)),
        ({"quote": Quote.ABSENT}, ("quote absent",)),
        ({"quote": Quote.ABSENT, "quote_kind": QuoteKind.PARAPHRASE}, ()),
        ({"quote": Quote.UNREADABLE}, ()),
        ({"copy": Copy.FAILED}, ("copy failed",)),
        ({"copy": Copy.EXCLUDED}, ("copy excluded",)),
        ({"copy": Copy.PENDING}, ()),
        ({"link": Link.MOVED}, ()),
        ({"link": Link.BLOCKED}, ()),
        ({"link": Link.SUSPECT}, ()),
        ({"link": Link.UNCHECKED}, ()),
    ],
)
def test_a_reader_is_called_for_the_reasons_of_the_contract(
    fields: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    """Exit code 1 hangs on this list: one more and cron cries wolf, one less and it sleeps."""
    assert report.needs_reader(row(**fields)) == reasons


def test_a_round_that_asked_no_archive_does_not_complain_of_missing_copies() -> None:
    """--no-preserve promises that copies don't count."""
    missing = row(copy=Copy.NONE, link=Link.DEAD)

    assert report.needs_reader(missing, copies=False) == ("link dead",)


def test_every_combination_of_answers_is_sound_or_stands_in_the_report() -> None:
    """A row that falls between two headings would look as if nothing were wrong with it."""
    rows = [
        row(f"r{i}", link=link, quote=quote, copy=copy, quote_kind=kind)
        for i, (link, quote, copy, kind) in enumerate(
            itertools.product(Link, Quote, Copy, QuoteKind)
        )
    ]

    listed = [member.id for _, members in grouped(rows) for member in members]

    assert len(listed) == len(set(listed)), "a row stands under one heading only"
    assert {r.id for r in rows} - set(listed) == {r.id for r in rows if is_sound(r)}
    assert set(listed) >= {r.id for r in rows if report.needs_reader(r)}


def test_what_is_worst_is_read_first() -> None:
    """Nobody reads 61 rows to the end: the order is the message."""
    rows = [
        row("not-looked-at", link=Link.UNCHECKED, quote=Quote.UNCHECKED),
        row("waiting", copy=Copy.PENDING),
        row("shaky", link=Link.SUSPECT),
        row("walled", link=Link.BLOCKED),
        row("elsewhere", link=Link.MOVED, suggested_url="https://example.org/new"),
        row("uncopied", copy=Copy.FAILED),
        row("unreadable", link=Link.INVALID),
        row("claim", link=Link.INVALID, url="", claim="Nobody knows who said it"),
        row("gone-but-kept", link=Link.DEAD),
        row("copy-gone", copy=Copy.LOST),
        row("stolen", link=Link.HIJACKED),
        row("gone", link=Link.DEAD, copy=Copy.NONE),
        row("rewritten", quote=Quote.ABSENT, quote_reason="found-until 2026-10-01: absent"),
        row("misquoted", quote=Quote.ABSENT, quote_reason="never-found: absent"),
    ]
    expected = [r.id for r in reversed(rows)]
    expected[-2:] = ["not-looked-at", "waiting"]  # one heading, by name

    for page in written(rows):
        found = re.findall(r"^(?:  |- \*\*)([a-z-]+)(?:\*\*.*|:.*|)$", page, re.MULTILINE)
        assert found == expected


def test_news_stands_above_what_is_known() -> None:
    """Somebody who opened yesterday's report wants today's difference."""
    changes = (
        Change(source_id="b", axis="link", before="suspect", after="live", reason="http-200"),
        Change(source_id="a", axis="link", before="live", after="hijacked", reason="parked"),
        Change(source_id="new", axis="link", before="", after="live", reason=""),
    )
    run = Run(id=8, started_at=NOW, outcome="conclusive", news=changes)

    for page in written([row("a", link=Link.HIJACKED), row("b"), row("new")], run):
        news = page.lower().index("news (2)")
        assert news < page.index("live → hijacked") < page.index("suspect → live")
        assert page.index("suspect → live") < page.lower().index("hijacked (1)")
        assert "new → live" not in page


def test_moved_and_dead_rows_name_the_address_to_use() -> None:
    """The cure belongs beside the finding."""
    copy = "https://web.archive.org/web/20260101000000/https://example.org/dead"
    rows = [
        row("moved", link=Link.MOVED, suggested_url="https://example.org/new?a=1&b=(2)"),
        row("dead", link=Link.DEAD, snapshot_url=copy),
    ]

    text, marked = written(rows)

    assert "use instead: https://example.org/new?a=1&b=(2)\n" in text
    assert "use instead: <https://example.org/new?a=1&b=(2)>\n" in marked
    assert f"use instead: {copy}\n" in text
    assert report.address_to_use(row(link=Link.LIVE, snapshot_url=copy)) == ""


def test_neither_a_hijacker_nor_a_lost_copy_is_ever_recommended() -> None:
    """An address that we print is an address that somebody puts on the page."""
    stolen = row(link=Link.HIJACKED, suggested_url="https://casino.example/", snapshot_url="")
    lost = row(link=Link.DEAD, copy=Copy.LOST, snapshot_url="https://web.archive.org/gone")

    assert report.address_to_use(stolen) == ""
    assert report.address_to_use(lost) == ""
    for page in written([stolen, lost]):
        assert "casino" not in page
        assert "web.archive.org/gone" not in page


def test_a_misquotation_shows_both_wordings() -> None:
    """Whether it is an error of the page or of the source, one can only tell from the words."""
    wrong = row(
        quote=Quote.ALTERED,
        quote_reason="altered: never-found",
        cited="a blood bath",
        source_says="a massacre",
    )

    for page in written([wrong]):
        assert page.index("“a blood bath”") < page.index("“a massacre”")
        assert "never-found" in page


def test_each_answer_has_its_reason_and_its_date() -> None:
    """An answer without grounds cannot be contradicted."""
    dead = row(link=Link.DEAD, link_reason="http-404: not found three times in 9 days")

    for page in written([dead]):
        assert "dead since 2026-11-19 (http-404: not found three times in 9 days)" in unwrapped(
            page
        )


def test_a_judgement_by_a_person_is_shown_as_one() -> None:
    """A link that a person called dead must not look measured."""
    judged = row(link=Link.DEAD, judged_by="mina", judged_until=NOW + timedelta(days=30))

    for page in written([judged]):
        assert "judged: by mina until 2026-12-22" in page


def test_what_was_not_checked_is_said_not_to_be_checked() -> None:
    """The third answer, "we do not know", has to be visible."""
    for page in written([row(link=Link.UNCHECKED, link_reason="resolver-failed")]):
        assert "link not checked (resolver-failed)" in page
        assert "0 sources are still there" in unwrapped(page)


def test_before_a_conclusive_round_the_report_says_that_nothing_is_an_answer() -> None:
    """A table full of "unchecked" without that sentence looks like a program that works."""
    offline = Run(id=1, started_at=NOW, outcome="inconclusive", reason="no canary answered")

    for page in written([row(link=Link.UNCHECKED)], offline):
        assert "inconclusive: no canary answered." in unwrapped(page)
        assert "No round was conclusive yet: nothing below is an answer." in unwrapped(page)
    for page in written([], None):
        assert "No round has run yet: nothing was checked." in unwrapped(page)


def test_after_an_inconclusive_round_the_age_of_the_answers_is_told() -> None:
    """A report from stale answers must say how stale."""
    offline = Run(id=9, started_at=NOW, outcome="inconclusive", reason="no canary answered")

    for page in written([row()], offline, last_conclusive=NOW - timedelta(days=12)):
        assert "The last conclusive round was 12 days ago (2026-11-10 12:00 UTC)" in unwrapped(page)


def test_the_wrong_rows_of_the_csv_stand_in_the_report() -> None:
    """A row that is never checked is the easiest to forget."""
    run = Run(
        id=2,
        started_at=NOW,
        outcome="conclusive",
        wrong_rows=1,
        problems=("line 7, url: no scheme. Write https:// before it",),
    )

    for page in written([row()], run):
        assert "rows of sources.csv (1)" in page.lower()
        assert "line 7, url: no scheme. Write https:// before it" in page
    assert "1 row of sources.csv is wrong:\n  line 7" in report.summary([row()], run, now=NOW)


HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07 \u202egnp.exe \r\n"
    "| `x` *b* <img src=x> [a](http://e.example) @everyone \ud800"
)


@given(st.text())
def test_no_text_of_others_can_steer_the_terminal(words: str) -> None:
    """Titles, reasons and addresses are written by servers; some servers are hostile."""
    nasty = row(
        words or "x",
        title=words,
        url=words,
        link=Link.DEAD,
        link_reason=words,
        quote=Quote.ALTERED,
        quote_reason=words,
        source_says=words,
        cited=words,
        copy_reason=words,
        suggested_url=words,
        judged_by=words,
    )
    run = Run(
        id=1,
        started_at=NOW,
        outcome="inconclusive",
        reason=words,
        problems=(words,),
        preserve=words,
        head=words,
        news=(Change(source_id=words, axis="link", before="live", after="dead", reason=words),),
    )
    told = bulletin([nasty], run)
    since = bulletin([nasty], run, since=NOW)
    pages = [
        *written([nasty], run),
        *(form(of) for form in (html, as_json, corrections) for of in (told, since)),
        as_csv(told).replace("\r\n", "\n"),
        report.summary([nasty], run, now=NOW),
        report.news(run, [nasty]),
        report.known_unresolved([nasty]),
        report.as_json([nasty], run, now=NOW),
    ]
    for page in pages:
        page.encode("utf-8")
        controls = {c for c in page if unicodedata.category(c) in ("Cc", "Zl", "Zp")} - {"\n"}
        assert not controls
        assert not set(page) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_markup_in_the_words_of_others_stays_words() -> None:
    """A title must not become a heading, a picture, a link or a mention in a tracker."""
    _, page = written(
        [row("a|b", title=HOSTILE, link=Link.DEAD, url="https://e.example/<b>|`x`\n# y")]
    )

    assert "<img" not in page.replace("\\<img", "")
    assert "[a](" not in page.replace("\\[a\\](", "")
    assert "@everyone" not in page
    assert "<https://e.example/%3Cb%3E%7C%60x%60%0A#%20y>" in page
    assert "\n# y" not in page
    assert "**a\\|b**" in page


def test_an_address_that_is_no_web_address_is_never_a_link() -> None:
    """javascript: in a report that somebody opens in a browser is somebody's problem."""
    _, page = written([row(url="javascript:alert(1)", link=Link.INVALID)])

    assert "<javascript:" not in page
    assert "javascript:alert(1)" in page


def test_words_that_need_joiners_keep_them() -> None:
    """Persian is among the sources' languages: a zero-width non-joiner is spelling."""
    assert plain("می\u200cخواهم") == "می\u200cخواهم"


def test_lines_are_wrapped_but_addresses_are_never_broken() -> None:
    """A broken address cannot be followed; a line of 400 letters cannot be read."""
    url = "https://example.org/" + "long-" * 40
    page = report.text(
        bulletin([row(url=url, title="word " * 40, link=Link.DEAD, link_reason="why " * 60)])
    )

    assert f"    {url}\n" in page
    assert all(len(line) <= 80 for line in page.splitlines() if "https://" not in line)


def test_the_summary_of_a_full_list_fits_on_a_screen() -> None:
    """It is printed after every round: it must be read, not scrolled."""
    rows = [row(f"r{i}", link=Link.DEAD, next_check_at=NOW + timedelta(hours=i)) for i in range(61)]
    run = Run(
        id=3,
        started_at=NOW,
        outcome="conclusive",
        listed=61,
        preserve="12 copies asked for, 3 there already",
        head="cd" * 32,
        wrong_rows=30,
        problems=tuple(f"line {n}, url: no scheme. Write one" for n in range(30)),
        news=(Change(source_id="r1", axis="link", before="live", after="dead", reason="x"),),
    )

    page = report.summary(rows, run, now=NOW)

    assert 10 <= len(page.splitlines()) <= 24
    assert "61 sources need a reader:" in page
    assert "and 55 more: verifier report" in page
    assert "Next check: 2026-11-22 12:00 UTC" in page
    assert "Ledger head: " + "cd" * 32 in page
    assert "12 copies asked for" in page


def test_the_summary_says_so_when_nobody_is_needed() -> None:
    """Silence could also mean that nothing was looked at."""
    assert "No source needs a reader." in report.summary([row()], ROUND, now=NOW)


def test_a_round_without_changes_is_no_news() -> None:
    """cron mails whatever is printed: a known dead link must not be mailed every hour."""
    assert report.news(ROUND, [row(link=Link.DEAD)]) == ""


def test_news_names_the_change_and_the_cure() -> None:
    """The mail should be enough to act on."""
    moved = row("m", link=Link.MOVED, suggested_url="https://example.org/new")
    change = Change(source_id="m", axis="link", before="live", after="moved", reason="http-301")
    run = Run(id=4, started_at=NOW, outcome="conclusive", news=(change,))

    assert report.news(run, [moved]) == (
        "m: link live → moved (http-301)\n  use instead: https://example.org/new\n"
    )


def test_copies_that_come_along_are_one_line_of_news() -> None:
    """Fifty lines of "pending → captured" would bury the one link that died."""
    changes = tuple(
        Change(source_id=f"r{i}", axis="copy", before="pending", after="captured", reason="cdx")
        for i in range(50)
    )
    run = Run(id=5, started_at=NOW, outcome="conclusive", news=changes)

    assert report.news(run, []) == "copy pending → captured: 50 sources\n"


def test_new_sources_are_news_only_when_they_need_a_reader() -> None:
    """The first round over 61 sources would otherwise print 183 lines."""
    rows = [row("fine"), row("bad", link=Link.INVALID)]
    changes = tuple(
        Change(source_id=name, axis="link", before="", after="x", reason="")
        for name in ("fine", "bad")
    )
    run = Run(id=1, started_at=NOW, outcome="conclusive", news=changes)

    assert report.news(run, rows) == "bad: new, and needs a reader: link invalid\n"
    for page in written(rows, run):
        assert "news (1)" in page.lower()


def test_what_is_known_and_unresolved_is_listed_by_weight() -> None:
    """Printed once a week under cron, so that known trouble is not forgotten."""
    rows = [row("a", copy=Copy.FAILED), row("b", link=Link.HIJACKED), row("c")]

    page = report.known_unresolved(rows)

    assert page.splitlines()[1:] == ["b: link hijacked", "a: copy failed"]
    assert report.known_unresolved([row()]) == ""
    assert report.known_unresolved([row(copy=Copy.NONE)], copies=False) == ""


def test_the_json_is_the_documented_object() -> None:
    """Programs rely on names: a renamed key is a broken program."""
    rows = [
        row("a", link=Link.DEAD, snapshot_url="https://web.archive.org/x"),
        row("b", next_check_at=NOW + timedelta(hours=6)),
    ]
    change = Change(source_id="a", axis="link", before="live", after="dead", reason="http-404")
    run = Run(
        id=6,
        started_at=NOW,
        outcome="conclusive",
        news=(change,),
        problems=("line 3: x",),
        wrong_rows=1,
        head="ef" * 32,
    )

    answer = json.loads(report.as_json(rows, run, now=NOW))

    assert answer["format"] == "verifier-round/1"
    assert answer["generated_at"] == "2026-11-22T12:00:00Z"
    assert answer["last_conclusive_at"] == "2026-11-22T12:00:00Z"
    assert answer["round"]["outcome"] == "conclusive"
    assert answer["counts"]["link"] == {
        "live": 1, "moved": 0, "blocked": 0, "suspect": 0, "dead": 1,
        "hijacked": 0, "invalid": 0, "unchecked": 0,
    }  # fmt: skip
    assert answer["needs_reader"] == [
        {
            "id": "a",
            "url": "https://example.org/a",
            "reasons": ["link dead"],
            "use_instead": "https://web.archive.org/x",
        }
    ]
    assert answer["news"][0]["after"] == "dead"
    assert answer["problems"] == ["line 3: x"]
    assert answer["next_check_at"] == "2026-11-22T18:00:00Z"
    assert answer["head"] == "ef" * 32


def test_the_json_before_the_first_round_has_the_same_keys() -> None:
    """A consumer should not need a second code path for the first day."""
    first = json.loads(report.as_json([], None, now=NOW))

    assert first.keys() == json.loads(report.as_json([row()], ROUND, now=NOW)).keys()
    assert first["round"] is None
    assert first["last_conclusive_at"] is None


def unwrapped(page: str) -> str:
    """The page as one line, so that a test need not know where it was wrapped."""
    return " ".join(page.replace("\\", "").split())
