"""Archived copies: provenance above, the document below, the words marked, nothing that acts."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import html
import re
import signal
import sqlite3
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest
from datasette.app import Datasette

from tests.program import Program, until
from tests.site_data import Archive
from tests.test_site import ask
from tests.typeset import printed
from verifier import warc
from verifier.rows import quote_sha256

WORDS = "the wells had run dry"
PAGE = b"<p>It was said that <em>the wells</em> had run&nbsp;dry in June.</p>"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive after one conclusive round over nothing."""
    archive = Archive.new(tmp_path / "archive")
    archive.run()
    return archive


def cited(archive: Archive, name: str, capture: int, **answers: Any) -> None:
    """A source that was looked at when the capture was made."""
    archive.source(name, **answers)
    number = len(ask(archive, "/audit/checks.json?_shape=array").json()) + 1
    archive.insert(
        "checks",
        id=number,
        run_id=1,
        source_id=name,
        address=f"https://example.org/{name}",
        capture_id=capture,
        hops="[]",
        headers="[]",
    )


def marked(page: str) -> list[str]:
    """The words within marks, in order."""
    return [html.unescape(re.sub(r"<[^>]*>", "", m)) for m in re.findall(r"<mark.*?</mark>", page)]


# ---- the page around ---------------------------------------------------------------------


def test_the_archived_copy_stands_below_its_provenance(archive: Archive) -> None:
    """
    An archived page without address, time and hash proves nothing.
    """
    kept = archive.capture(7, PAGE, url="https://example.org/p?q=1")
    cited(archive, "a", 7, title="Some title", cited=WORDS)
    archive.insert(
        "snapshots",
        id=1,
        run_id=1,
        address="https://example.org/a",
        archive="wayback",
        timestamp="20261121010101",
        captured_at="2026-11-21T01:01:01Z",
        url="https://web.archive.org/web/20261121010101/https://example.org/a",
    )

    page = ask(archive, "/-/archived/7").text

    assert "https://example.org/p?q=1" in page
    assert "2026-11-22T12:00:00Z" in page
    assert kept.sha256 in page
    assert 'href="/audit/audit/a">Some title</a>' in page
    assert "web.archive.org/web/20261121010101" in page
    frame = re.search(r"<iframe[^>]*>", page)
    assert frame is not None
    assert " sandbox " in frame[0]
    assert "allow-" not in frame[0]
    assert 'src="/-/archived/7/document?source=a#quote"' in frame[0]


def test_each_source_of_a_copy_has_its_own_mark(archive: Archive) -> None:
    """
    Several claims rest on one page, and each reader wants to see the words of theirs.
    """
    archive.capture(1, PAGE)
    cited(archive, "a", 1, cited=WORDS)
    cited(archive, "b/ü", 1, cited="in June")

    assert marked(ask(archive, "/-/archived/1/document").text) == ["the wells", " had run\xa0dry"]
    (other,) = re.findall(r'Also cited by <a href="([^"]*)"', ask(archive, "/-/archived/1").text)
    chosen = ask(archive, html.unescape(other)).text
    (frame,) = re.findall(r'<iframe[^>]*src="([^"]*)"', chosen)
    assert marked(ask(archive, html.unescape(frame)).text) == ["in June"]


def test_the_copy_of_a_source_that_left_still_says_whose_it_was(archive: Archive) -> None:
    """
    The row is gone from the audit, not from the archive: a link to nowhere would look like loss.
    """
    archive.capture(1, PAGE)
    cited(archive, "a", 1, title="The wells")
    with sqlite3.connect(archive.database) as connection:
        connection.execute("DELETE FROM audit")
    connection.close()

    page = ask(archive, "/-/archived/1").text

    (place,) = re.findall(r'<a href="([^"]*)">The wells</a>', page)
    assert ask(archive, place).status_code == 200


@pytest.mark.parametrize(
    ("quotation", "said"),
    [
        (WORDS, "The quoted words are marked."),
        ("It was not said that the wells had run dry", "the nearest passage is marked"),
        ("Nothing of this was ever written anywhere", "nothing near them does"),
    ],
)
def test_the_page_says_what_the_mark_is_about(archive: Archive, quotation: str, said: str) -> None:
    """
    A mark around other words, taken for the quotation, would be a false witness.
    """
    archive.capture(1, PAGE)
    cited(archive, "a", 1, cited=quotation)

    assert said in ask(archive, "/-/archived/1?source=a").text


def test_a_redirect_is_told_and_not_followed(archive: Archive) -> None:
    """
    Every hop is kept; the ones between have no document.
    """
    archive.capture(1, b"", "", status=301, headers=((b"Location", b"https://example.org/new"),))

    page = ask(archive, "/-/archived/1")

    assert page.status_code == 200
    assert "https://example.org/new" in page.text
    assert "<iframe" not in page.text
    assert "This answer had no body." in page.text


def test_a_revisit_shows_the_bytes_of_the_capture_it_refers_to(archive: Archive) -> None:
    """
    Identical bytes are kept once; every check still has its copy.
    """
    first = archive.capture(1, b"<p>The same words")
    earlier = type(first)(**{name: getattr(first, name) for name in first.__slots__} | {"id": 1})
    again = archive.capture(2, b"<p>The same words", earlier=earlier)
    assert again.revisit_of == 1

    assert "<p>The same words</p>" in ask(archive, "/-/archived/2/document").text
    assert 'href="/-/archived/1"' in ask(archive, "/-/archived/2").text


def test_a_truncated_body_is_called_incomplete(archive: Archive) -> None:
    """
    A passage missing from half a page is not missing from the page.
    """
    archive.capture(1, b"<p>half", truncated="length")

    assert "Incomplete:" in ask(archive, "/-/archived/1").text


# ---- the document ------------------------------------------------------------------------


def test_the_document_is_served_under_a_policy_that_lets_nothing_act(archive: Archive) -> None:
    """
    The document may also be opened alone: the frame's sandbox is not there then.
    """
    archive.capture(1, b"<!doctype html><p>The words<script>alert(1)</script>")

    answer = ask(archive, "/-/archived/1/document")

    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; ")
    assert "allow-" not in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "form-action 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "The words" in answer.text
    assert "script" not in answer.text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("“é”".encode("cp1252"), "text/html; charset=windows-1252"),
        ("“é”".encode(), "text/plain;charset=UTF-8"),
        (b"<meta charset=windows-1252>\x93\xe9\x94", "text/html"),
        ("“é”".encode("utf-16"), "application/xhtml+xml"),
    ],
)
def test_letters_are_shown_as_they_were_meant(
    archive: Archive, body: bytes, content_type: str
) -> None:
    """
    A quotation in broken letters looks like a misquotation.
    """
    archive.capture(1, body, content_type)

    answer = ask(archive, "/-/archived/1/document")

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "“é”" in answer.content.decode("utf-8")


def test_a_compressed_body_is_shown_decoded(archive: Archive) -> None:
    """
    WARC records keep bodies as they came; readers want words.
    """
    body = gzip.compress(b"<p>The words")
    archive.capture(1, body, headers=((b"Content-Encoding", b"gzip"),))

    assert "<p>The words</p>" in ask(archive, "/-/archived/1/document").text


def test_a_page_that_no_parser_survives_costs_only_itself(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One hostile page in the archive must not take the site down for everybody.
    """
    monkeypatch.setattr("verifier.site.reading.SECONDS", 0.0)
    monkeypatch.setattr("verifier.site.reading.WALL", 0.05)
    archive.capture(1, b"<div>" * 200_000 + b"<p>deep")

    page = ask(archive, "/-/archived/1")

    assert page.status_code == 200
    assert "can’t be read safely (parser too slow)" in page.text
    assert "/-/archived/1/record.warc.gz" in page.text


@pytest.mark.parametrize(
    ("body", "content_type", "served_as", "name"),
    [
        (b"\x89PNG\r\n", "image/svg+xml", "application/octet-stream", "copy-1.bin"),
        (b"\0\1\2", "", "application/octet-stream", "copy-1.bin"),
        (b"PK\3\4", 'x"; filename="evil.html', "application/octet-stream", "copy-1.bin"),
    ],
)
def test_what_cannot_be_shown_is_a_download(
    archive: Archive, body: bytes, content_type: str, served_as: str, name: str
) -> None:
    """
    Anything that a browser could take for a page of ours must not be displayed.
    """
    archive.capture(1, body, content_type)

    answer = ask(archive, "/-/archived/1/body")
    page = ask(archive, "/-/archived/1").text

    assert answer.content == body
    assert answer.headers["Content-Type"] == served_as
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert "<iframe" not in page
    assert "Download the document" in page
    assert ask(archive, "/-/archived/1/document").status_code == 404


# ---- PDF ---------------------------------------------------------------------------------

REPORT = printed(
    ["Nothing here"], ["Nor here, but", "the wells had"], ["run dry in June", "by and by"], ["End"]
)


def test_a_pdf_is_shown_at_the_page_with_the_words(archive: Archive) -> None:
    """
    A report of two thousand pages, opened at its cover, is no evidence that anybody will find.
    """
    archive.capture(1, REPORT, "application/pdf")
    cited(archive, "a", 1, cited=WORDS)
    archive.insert(
        "quote_findings",
        id=1,
        check_id=1,
        capture_id=1,
        source_id="a",
        found_in="live",
        quote_sha256=quote_sha256(WORDS),
        result="found",
        page=2,
    )

    page = ask(archive, "/-/archived/1?source=a").text

    assert "Page 2 of 4" in page
    assert '<mark class="v-quoted">the wells had' in page
    assert 'id="quote" class="v-anchor"' in page
    (png,) = re.findall(r'<img src="([^"]*)"', page)
    image = ask(archive, html.unescape(png))
    assert image.headers["Content-Type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")
    (after,) = set(re.findall(r'<a href="([^"]*)" rel="next"', page))
    assert '<mark class="v-quoted">run dry' in ask(archive, html.unescape(after)).text


def test_a_page_without_the_words_leads_to_the_one_with_them(archive: Archive) -> None:
    """
    Whoever leafs through a report must find back.
    """
    archive.capture(1, REPORT, "application/pdf")
    cited(archive, "a", 1, cited="Nothing here")
    archive.insert(
        "quote_findings",
        id=1,
        check_id=1,
        capture_id=1,
        source_id="a",
        found_in="live",
        quote_sha256=quote_sha256("Nothing here"),
        result="found",
        page=1,
    )

    page = ask(archive, "/-/archived/1?source=a&page=4").text

    assert "v-anchor" not in page
    assert re.search(r'page=1#quote">The page with the words', page)


@pytest.mark.parametrize("asked", ["0", "99", "-1", "x", "1e5", "9" * 30])
def test_a_page_that_is_not_there_is_the_nearest_one(archive: Archive, asked: str) -> None:
    """
    Old links and typing errors must not end in a crash.
    """
    archive.capture(1, REPORT, "application/pdf")

    page = ask(archive, f"/-/archived/1?page={asked}")

    assert page.status_code == 200
    assert re.search(r"Page [14] of 4", page.text)


def test_a_pdf_that_is_broken_can_still_be_taken_away(archive: Archive) -> None:
    """
    What we can't open, somebody else's program may.
    """
    archive.capture(1, b"%PDF-1.7 \xff", "application/pdf")

    page = ask(archive, "/-/archived/1").text
    answer = ask(archive, "/-/archived/1/body")

    assert "can’t be read safely" in page
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="copy-1.pdf"'
    assert ask(archive, "/-/archived/1/page-1.png").status_code == 404


# ---- differences -------------------------------------------------------------------------


def test_two_copies_are_laid_side_by_side(archive: Archive) -> None:
    """
    "They changed it" is settled by what each copy says.
    """
    filler = "<p>" + "Nothing of note. " * 200
    archive.capture(1, f"{filler}<p>1,204 wells had run dry.{filler}".encode())
    archive.capture(2, f"{filler}<p>About 900 <b>wells</b> had run dry.{filler}<!-- x -->".encode())
    cited(archive, "a", 2, title="The wells")

    page = ask(archive, "/-/archived/1/against/2").text

    assert re.findall(r"<del>([^<]*)</del>", page) == ["1,204"]
    assert re.findall(r"<ins>([^<]*)</ins>", page) == ["About 900"]
    left_out = re.findall(r"([0-9]+) more words are the same", page)
    side = re.findall(r'<div class="v-side"[^>]*>(.*?)</div>', page, re.DOTALL)[0]
    shown = [word for word in re.sub("<[^>]*>", "", side).split() if word != "…"]
    assert len(left_out) == 2
    assert sum(map(int, left_out)) + len(shown) == 600 + len(["1,204"]) + 604
    assert 'href="/audit/audit/a">The wells</a>' in page
    assert len(page) < 20_000


def test_words_that_are_shown_do_not_count_as_left_out(archive: Archive) -> None:
    """
    "46 words are the same" above all 46 of them makes a reader look for what is hidden.
    """
    archive.capture(1, b"<p>One of the words is old, and the others stay.")
    archive.capture(2, b"<p>One of the words is new, and the others stay.")

    page = ask(archive, "/-/archived/1/against/2").text

    assert re.findall(r"<ins>([^<]*)</ins>", page) == ["new,"]
    assert "the same" not in page


OPTION = re.compile(r'<option value="([0-9]+)"( selected)?>')


def test_any_two_copies_can_be_chosen_on_the_page_of_one(archive: Archive) -> None:
    """
    The newest two are not always the question: what stood there when the page was cited is.
    """
    for number, words in enumerate((b"one", b"two", b"two", b"three"), 1):
        archive.capture(number, b"<p>The words are " + words)
    archive.capture(5, b"<p>Of another address", url="https://example.org/moved")
    archive.capture(6, b"<p>Of nobody", url="https://example.org/else")
    cited(archive, "a", 3)
    archive.insert("checks", id=9, run_id=1, source_id="a", capture_id=5, hops="[]", headers="[]")

    page = ask(archive, "/-/archived/3").text

    older, newer = re.findall(r"<select.*?</select>", page, re.DOTALL)
    assert [number for number, _ in OPTION.findall(older)] == ["5", "4", "3", "2", "1"]
    assert [number for number, chosen in OPTION.findall(older) if chosen] == ["1"], "other bytes"
    assert [number for number, chosen in OPTION.findall(newer) if chosen] == ["3"]
    assert "of https://example.org/moved</option>" in older
    (place,) = re.findall(r'<form class="v-choice" action="([^"]*)" method="get"', page)
    answer = ask(archive, f"{place}?older=2&newer=4")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/-/archived/2/against/4"
    compared = ask(archive, answer.headers["Location"]).text
    chosen = [number for number, chosen in OPTION.findall(compared) if chosen]
    assert chosen == ["2", "4"]


@pytest.mark.parametrize("asked", ["", "older=1", "older=1&newer=x", "older=//a.example&newer=1"])
def test_only_copies_can_be_chosen(archive: Archive, asked: str) -> None:
    """
    An address of ours that leads anywhere would lend our name to strangers.
    """
    archive.capture(1, PAGE)

    assert ask(archive, f"/-/archived/against?{asked}").status_code == 404


def test_a_single_copy_has_nothing_to_be_compared_with(archive: Archive) -> None:
    """
    A form with one choice asks for nothing.
    """
    archive.capture(1, PAGE)

    assert "<form" not in ask(archive, "/-/archived/1").text


@pytest.mark.parametrize("other", [b"<p>The <b>words</b>", b"<p>The words"])
def test_what_is_the_same_is_said_to_be(archive: Archive, other: bytes) -> None:
    """
    An empty page would leave it open whether anything was compared.
    """
    archive.capture(1, b"<p>The words")
    archive.capture(2, other)

    assert "The texts are the same" in ask(archive, "/-/archived/1/against/2").text


def test_a_copy_without_text_is_not_compared(archive: Archive) -> None:
    """
    Against nothing, everything would look removed.
    """
    archive.capture(1, b"<p>The words")
    archive.capture(2, b"\x89PNG\r\n", "image/png")

    page = ask(archive, "/-/archived/1/against/2").text

    assert "can’t be compared" in page
    assert "<del>" not in page


def test_nothing_of_a_compared_page_becomes_markup(archive: Archive) -> None:
    """
    The texts of strangers stand in a page of ours here, not in a frame.
    """
    archive.capture(1, b"<p>&lt;script&gt;alert(1)&lt;/script&gt; one")
    archive.capture(2, b"<p>&lt;img src=x onerror=alert(1)&gt; two")

    page = ask(archive, "/-/archived/1/against/2").text

    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;img src=x" in page


# ---- the record --------------------------------------------------------------------------


def test_the_record_can_be_taken_away_and_read_elsewhere(archive: Archive, tmp_path: Path) -> None:
    """
    Who doubts us checks the record with tools of their own.
    """
    archive.capture(1, b"<p>Another page")
    archive.capture(2, PAGE)

    answer = ask(archive, "/-/archived/2/record.warc.gz")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="copy-2.warc.gz"'
    (tmp_path / "2026-11").mkdir()
    (tmp_path / "2026-11" / "taken.warc.gz").write_bytes(answer.content)
    assert warc.read(tmp_path, "2026-11/taken.warc.gz", 0).body == PAGE


@pytest.mark.parametrize(
    "columns",
    [{"length": 10**9}, {"offset": 10**9}, {"file": "../audit.db"}, {"length": 0}],
)
def test_nothing_but_a_record_of_ours_can_be_taken(
    archive: Archive, columns: dict[str, Any]
) -> None:
    """
    A row of the database must not open other files, or fill the memory.
    """
    archive.capture(1, PAGE, **columns)

    assert ask(archive, "/-/archived/1/record.warc.gz").status_code == 500


# ---- what is not as it was ---------------------------------------------------------------


def test_bytes_that_changed_on_the_disk_are_never_shown(archive: Archive) -> None:
    """
    The archive's whole worth is that it can't be doctored unseen.
    """
    kept = archive.capture(1, b"<p>The words" * 50)
    file = archive.warc / kept.file
    data = bytearray(file.read_bytes())
    data[kept.offset + kept.length - 12] ^= 0xFF
    file.write_bytes(bytes(data))

    for path in ("/-/archived/1", "/-/archived/1/document", "/-/archived/1/body"):
        answer = ask(archive, path)
        assert answer.status_code == 500
        assert "What is stored is not what was stored." in answer.text
        assert "The words" not in answer.text


def test_a_whole_record_in_the_wrong_place_is_not_taken_for_the_copy(archive: Archive) -> None:
    """
    A record can agree with itself and still be another page's.
    """
    other = archive.capture(1, b"<p>Another page")
    archive.capture(2, b"<p>The words", offset=other.offset)

    answer = ask(archive, "/-/archived/2/document")

    assert answer.status_code == 500
    assert "Another page" not in answer.text


def test_a_record_whose_bytes_the_database_does_not_know_is_not_shown(archive: Archive) -> None:
    """
    Whoever rewrites a record with new digests must still fail at the ledger's.
    """
    archive.capture(1, b"<p>Doctored", payload_sha256="0" * 64)

    answer = ask(archive, "/-/archived/1/document")

    assert answer.status_code == 500
    assert "Doctored" not in answer.text


def test_a_missing_file_is_said_in_plain_words(archive: Archive) -> None:
    """
    A restored database without its WARC files is a usual accident.
    """
    kept = archive.capture(1, b"<p>x")
    (archive.warc / kept.file).unlink()

    answer = ask(archive, "/-/archived/1")

    assert answer.status_code == 500
    assert kept.file in answer.text
    assert "missing" in answer.text


@pytest.mark.parametrize(
    "path",
    ["99", "99/document", "99/body", "99/record.warc.gz", "99/against/1", "99/page-1.png", "x"],
)
def test_a_copy_that_never_was_is_not_found(archive: Archive, path: str) -> None:
    """
    Not a crash, and not an empty page that looks like a copy.
    """
    assert ask(archive, f"/-/archived/{path}").status_code == 404


def test_a_published_database_promises_no_copies(archive: Archive) -> None:
    """
    It doesn't say where copies lie: a link to one would end in an error.
    """
    archive.source("a", local_copy=1)
    archive.capture(1, PAGE)
    with sqlite3.connect(archive.database) as connection:
        connection.execute("ALTER TABLE captures DROP COLUMN file")
    connection.close()

    async def look() -> list[httpx.Response]:
        theirs = Datasette([str(archive.database)])
        return [await theirs.client.get(path) for path in ("/audit/audit", "/-/archived/1")]

    table, copy = asyncio.run(look())

    assert table.status_code == 200
    assert "/-/archived/" not in table.text
    assert copy.status_code == 404


def test_a_quotation_that_was_changed_is_looked_for_anew(archive: Archive) -> None:
    """
    The mark is about the row as it is, not about what was found of an earlier one.
    """
    archive.capture(1, PAGE)
    cited(archive, "a", 1, cited="in June")
    archive.insert(
        "quote_findings",
        id=1,
        check_id=1,
        capture_id=1,
        source_id="a",
        found_in="live",
        quote_sha256=quote_sha256("other words"),
        result="absent",
    )

    assert marked(ask(archive, "/-/archived/1/document").text) == ["in June"]


def test_the_processes_that_read_pages_end_with_the_site(archive: Archive, tmp_path: Path) -> None:
    """
    What is left behind after each restart fills the machine in the end.
    """
    archive.capture(1, PAGE)
    process = Program(tmp_path).start("serve", "--port", "0")
    assert process.stdout is not None
    try:
        told = re.search(r"http://\S+/", process.stdout.readline())
        assert told is not None
        with urllib.request.urlopen(f"{told[0]}-/archived/1/document", timeout=60) as answer:
            assert b"the wells" in answer.read()
        readers = [child for child in children(process.pid) if "parsing_child" in command(child)]
        assert readers
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert err == ""
    until(lambda: not any("parsing_child" in command(reader) for reader in readers))


def children(parent: int) -> list[str]:
    """The processes that it started and that still run."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            after_its_name = (place / "stat").read_text().rpartition(")")[2].split()
            if int(after_its_name[1]) == parent:
                found.append(place.name)
    return found


def command(process: str) -> str:
    """The words that a process was started with; "" when it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""
