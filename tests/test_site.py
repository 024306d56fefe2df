"""The site: Datasette on the live database, with our badges, queries and archived copies."""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import io
import itertools
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from datasette.app import Datasette

from tests.site_data import SINCE, Archive
from verifier.errors import InputError, StorageError
from verifier.records import AuditRow, Copy, Link, Quote, QuoteKind
from verifier.report import address_to_use, needs_reader
from verifier.site import server
from verifier.site.cells import ANSWERS, badge


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive after one conclusive round over nothing."""
    archive = Archive.new(tmp_path / "archive")
    archive.run()
    return archive


def ask(archive: Archive, path: str, datasette: Any = None) -> httpx.Response:
    """What the site answers, without a socket."""
    site = datasette or server.build(archive.database, archive.warc)
    answer: httpx.Response = asyncio.run(site.client.get(path))
    if datasette is None:
        site.executor.shutdown()
    return answer


# ---- tables ------------------------------------------------------------------------------


def test_the_home_page_leads_to_the_audit_table(archive: Archive) -> None:
    """Datasette's own home page puts the longest table first, which nobody looks for."""
    archive.source("a", link="dead")
    archive.source("b")

    page = ask(archive, "/")

    assert page.status_code == 200
    assert 'href="/audit/audit?link=dead"' in page.text
    assert ">1 source needs a person</a>" in page.text
    tables = re.findall(r'href="/audit/(audit|checks|captures|runs)"', page.text)
    assert tables[0] == "audit"
    assert (
        re.findall(r"<dt><a href=\"/audit/(\w+)\">\1</a>", ask(archive, "/audit").text)[0]
        == "audit"
    )


def test_the_page_of_a_source_shows_the_rest_of_its_row(archive: Archive) -> None:
    """
    Notes and confidence are why the maintainer wrote the row as it is; audit has no room for them.
    """
    archive.insert(
        "sources",
        id="a/b",
        url="https://a.example/",
        quote_kind="verbatim",
        preserve="public",
        note="<b>check both</b>",
        quote_from="page",
        alt_urls='[["reports","https://b.example/"]]',
        extra='{"url_confidence":"medium","empty":""}',
        tags="[]",
    )
    answers = {"link": "live", "quote": "found", "copy": "none", "quote_kind": "verbatim"}
    archive.insert("audit", id="a/b", tags="[]", **answers)

    shown = ask(archive, "/audit/audit/a~2Fb").text

    assert "&lt;b&gt;check both&lt;/b&gt;" in shown
    assert re.search(r"url_confidence</th><td[^>]*>medium<", shown)
    assert re.search(r"quote_from</th><td[^>]*>page<", shown)
    assert 'href="https://b.example/"' in shown
    assert ">empty<" not in shown


def test_before_the_first_round_every_page_works_and_says_so(tmp_path: Path) -> None:
    """The site is often started first; an empty table must not look like good news."""
    archive = Archive.new(tmp_path / "archive")

    home = ask(archive, "/")

    assert "No round has run yet" in home.text
    assert "No source needs a person" not in home.text
    for path in ("/audit", "/audit/audit", "/audit/needs_a_person", "/audit/checks"):
        assert ask(archive, path).status_code == 200


def test_an_inconclusive_first_round_is_named_on_the_home_page(tmp_path: Path) -> None:
    """Nothing was judged: whoever opens the site has to see why."""
    archive = Archive.new(tmp_path / "archive")
    archive.run(outcome="inconclusive", reason="no canary answered", head="")

    home = ask(archive, "/").text

    assert "No round was conclusive yet: nothing here is an answer" in home
    assert "no canary answered" in home


def test_the_audit_table_has_badges_and_facets_on_the_three_answers(archive: Archive) -> None:
    """Colour alone tells a tenth of all men nothing."""
    archive.source("gone", link="dead", quote="altered", copy="none")

    page = ask(archive, "/audit/audit").text

    for axis, word in (("link", "dead"), ("quote", "altered"), ("copy", "none")):
        assert str(badge(axis, word)) in page
        assert f'id="facet-{axis}"' in page


def test_every_answer_has_a_badge_of_its_own() -> None:
    """A word without a badge would look like no answer; two with one symbol like the same."""
    axes = (("link", Link), ("quote", Quote), ("copy", Copy))
    for axis, words in axes:
        assert set(ANSWERS[axis]) == {str(word) for word in words}
        assert len({symbol for _, symbol in ANSWERS[axis].values()}) == len(words)


def test_table_and_row_pages_survive_expanded_foreign_keys(archive: Archive) -> None:
    """Datasette hands such cells over as dicts; that was a 500 once."""
    archive.source("a", local_copy=1)
    archive.capture(1, b"<p>x")
    archive.insert("checks", id=1, run_id=1, source_id="a", capture_id=1, hops="[]", headers="[]")
    pages = ["/audit/audit", "/audit/audit/a", "/audit/checks", "/audit/checks/1"]
    pages += ["/audit/captures", "/audit/captures/1", "/audit/runs/1", "/audit/sources/a"]
    pages += ["/audit?sql=select+*+from+checks", "/audit?sql=select+*+from+audit"]
    for path in pages:
        answer = ask(archive, path)
        assert answer.status_code == 200, path
        if "captures" in path or "checks" in path or "audit/a" in path:
            assert 'href="/-/archived/1"' in answer.text, path


def test_json_and_csv_are_the_stored_values(archive: Archive) -> None:
    """People build on them: a badge or a link in there would be damage."""
    archive.source("a", link="dead", local_copy=1, claim='says "x", <b>', url="https://e.example/")

    (row,) = ask(archive, "/audit/audit.json?_shape=array").json()
    (line,) = csv.DictReader(io.StringIO(ask(archive, "/audit/audit.csv").text))

    for found in (row, line):
        assert found["link"] == "dead"
        assert found["link_since"] == SINCE
        assert found["claim"] == 'says "x", <b>'
        assert found["url"] == "https://e.example/"
    assert row["local_copy"] == 1


def test_only_web_addresses_become_links_and_they_tell_the_other_side_nothing(
    archive: Archive,
) -> None:
    """A row of the CSV must not be able to run something in a reader's browser."""
    archive.source("good", url="https://e.example/?a=1&b=<2>", title="<script>alert(1)</script>")
    archive.source("bad", url="javascript:alert(1)", final_url=" data:text/html,x")

    for path in ("/audit/audit", "/audit/audit/good", "/audit/audit/bad", "/audit/sources"):
        page = ask(archive, path).text
        assert 'href="javascript' not in page
        assert "<script>alert" not in page
        for link in re.findall(r'<a [^>]*href="https://e\.example[^>]*>', page):
            assert 'rel="noopener noreferrer nofollow"' in link
    assert "https://e.example/?a=1&amp;b=&lt;2&gt;" in ask(archive, "/audit/audit/good").text


# ---- queries -----------------------------------------------------------------------------


def test_the_query_for_a_person_and_the_exit_code_agree(archive: Archive) -> None:
    """Two lists of what is wrong would soon be two opinions."""
    expected: dict[str, tuple[str, str]] = {}
    rows = []
    for i, (link, quote, copy, kind, suggested) in enumerate(
        itertools.product(Link, Quote, Copy, QuoteKind, ("", "https://new.example/"))
    ):
        values = {
            "id": f"r{i}",
            "link": link,
            "quote": quote,
            "copy": copy,
            "quote_kind": kind,
            "suggested_url": suggested,
            "snapshot_url": "https://web.archive.org/x",
        }
        rows.append(values)
        row = AuditRow(**values)  # type: ignore[arg-type]
        if needs_reader(row):
            expected[row.id] = (row.link, address_to_use(row))
    _insert_audit(archive, rows)
    site = server.build(archive.database, archive.warc)
    site.max_returned_rows = 10_000

    found = ask(archive, "/audit/needs_a_person.json?_shape=array&_size=max", site).json()

    assert {row["id"]: (row["link"], row["use_instead"]) for row in found} == expected
    assert found[0]["why"] == "Misquoted"


def test_changed_since_takes_a_day_a_time_or_nothing(archive: Archive) -> None:
    """The usual question is "what happened since I last looked"."""
    now = datetime.now(UTC)
    archive.source("old", link_since="2020-01-01T00:00:00Z", quote_since=None, copy_since=None)
    archive.source(
        "new",
        link_since="2020-01-01T00:00:00Z",
        quote_since=None,
        copy_since=f"{now - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
    )

    def ids(query: str) -> list[str]:
        rows = ask(archive, f"/audit/changed_since.json?_shape=array{query}").json()
        return [row["id"] for row in rows]

    assert ids("") == ["new"]
    assert ids("&since=2020-01-01") == ["new", "old"]
    assert ids("&since=2020-01-01T00:00:01Z") == ["new"]
    assert ids(f"&since={now:%Y-%m-%d}") == []


def test_archive_failures_show_what_the_archive_said_last(archive: Archive) -> None:
    """A copy that could not be made has a reason that somebody may be able to cure."""
    archive.source("failed", copy="failed")
    archive.source("waiting", copy="pending")
    archive.source("refused", copy="pending")
    archive.source("fine")
    for number, name, code in (
        (1, "failed", "soft-time-limit-exceeded"),
        (2, "failed", "blocked-url"),
        (3, "refused", "too-many-daily-captures"),
        (4, "waiting", ""),
    ):
        archive.insert(
            "submissions",
            id=number,
            run_id=1,
            address=f"https://example.org/{name}",
            intent_at=SINCE,
            code=code,
        )

    rows = ask(archive, "/audit/archive_failures.json?_shape=array").json()

    assert {row["id"]: row["code"] for row in rows} == {
        "failed": "blocked-url",
        "refused": "too-many-daily-captures",
    }


def test_query_pages_link_to_the_sources(archive: Archive) -> None:
    """A list of what is wrong is only useful when one can open what is wrong."""
    archive.source("a/b c", link="dead")

    page = ask(archive, "/audit/needs_a_person").text

    (path,) = re.findall(r'<a href="(/audit/audit/[^"]+)">a/b c</a>', page)
    assert ask(archive, path).status_code == 200
    assert str(badge("link", "dead")) in page


# ---- who else is there -------------------------------------------------------------------


def test_other_datasettes_in_the_environment_are_left_alone(tmp_path: Path) -> None:
    """The plugin is loaded by every Datasette beside us, also by one with its own "audit"."""
    database = tmp_path / "audit.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE audit (id INTEGER PRIMARY KEY, link TEXT, copy TEXT)")
        connection.execute("INSERT INTO audit VALUES (1, 'dead', 'https://e.example/')")
    connection.close()

    async def look() -> list[httpx.Response]:
        theirs = Datasette([str(database)])
        paths = ("/", "/audit", "/audit/audit", "/audit/audit/1", "/-/archived/1")
        return [await theirs.client.get(path) for path in paths]

    *pages, archived = asyncio.run(look())

    for page in pages:
        assert page.status_code == 200
        assert "verifier" not in page.text
        assert "v-badge" not in page.text
        assert "Content-Security-Policy" not in page.headers
    assert archived.status_code == 404


def test_a_plain_datasette_on_our_database_has_badges_and_copies(archive: Archive) -> None:
    """Whoever has Datasette running already only adds our file to it."""
    archive.source("a", local_copy=1)
    archive.capture(1, b"<p>The words")

    async def look() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        theirs = Datasette([str(archive.database)])
        get = theirs.client.get
        return await get("/audit/audit"), await get("/-/archived/1/document"), await get("/")

    table, copy, home = asyncio.run(look())

    assert str(badge("link", "live")) in table.text
    assert "<p>The words</p>" in copy.text
    assert copy.headers["Content-Security-Policy"].startswith("sandbox;")
    assert "verifier.css" not in home.text


def test_what_a_round_writes_is_seen_at_once(archive: Archive) -> None:
    """An immutable database would show the state of the start for ever."""
    site = server.build(archive.database, archive.warc)

    async def look() -> list[int]:
        counts = []
        for name in ("a", "b"):
            archive.source(name)
            rows = await site.client.get("/audit/audit.json?_shape=array")
            counts.append(len(rows.json()))
        return counts

    assert asyncio.run(look()) == [1, 2]


def test_pages_are_served_while_a_round_writes(archive: Archive) -> None:
    """Readers must neither wait for the round nor see half of it."""
    archive.source("a")
    writer = sqlite3.connect(archive.database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE audit SET link = 'dead'")

    page = ask(archive, "/audit/audit.json?_shape=array")
    writer.execute("COMMIT")
    writer.close()

    assert [row["link"] for row in page.json()] == ["live"]
    assert [row["link"] for row in ask(archive, "/audit/audit.json?_shape=array").json()] == [
        "dead"
    ]


# ---- fit to be served --------------------------------------------------------------------

PAGES = ("/", "/audit", "/audit/audit", "/audit/audit/a", "/audit/needs_a_person", "/-/archived/1")


@pytest.mark.parametrize("path", [*PAGES, "/audit/audit.json", "/nowhere"])
def test_every_answer_has_the_security_headers(archive: Archive, path: str) -> None:
    """One page without them is enough for whoever looks for it."""
    archive.source("a")
    archive.capture(1, b"<p>x")

    headers = ask(archive, path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    (scripts,) = re.findall(r"script-src ([^;]+);", policy)
    assert "unsafe" not in scripts


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_lets_datasettes_own_scripts_run(archive: Archive, path: str) -> None:
    """A new Datasette with other scripts must fail here, not in a reader's browser."""
    archive.source("a")
    archive.capture(1, b"<p>x")
    answer = ask(archive, path)

    inline = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)

    assert inline
    for script in inline:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_loads_anything_from_elsewhere(archive: Archive, path: str) -> None:
    """A site about what disappears must not depend on somebody else's."""
    archive.source("a")
    archive.capture(1, b"<p>x")

    page = ask(archive, path).text

    assert "/-/static-plugins/verifier/verifier.css" in page
    for part in re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="([^"]*)"', page):
        assert part.startswith(("/", "http://localhost/")), part
    assert ask(archive, "/-/static-plugins/verifier/verifier.css").status_code == 200


def test_the_database_can_be_neither_downloaded_nor_written(archive: Archive) -> None:
    """The file holds page texts that publishing leaves out."""
    assert ask(archive, "/audit.db").status_code == 403
    assert ask(archive, "/-/settings.json").json()["allow_download"] is False
    assert ask(archive, "/audit?sql=delete+from+audit").status_code == 400
    assert ask(archive, "/audit.json?sql=attach+'x.db'+as+x").status_code == 400


def test_a_query_without_end_is_stopped(archive: Archive) -> None:
    """Everybody may ask; nobody may occupy the machine."""
    endless = "with recursive n(i) as (select 1 union all select i+1 from n) select max(i) from n"

    answer = ask(archive, f"/audit.json?sql={endless.replace('+', '%2B')}")

    assert answer.status_code == 400
    assert "interrupted" in answer.text.lower() or "too long" in answer.text.lower()


# ---- the server --------------------------------------------------------------------------

SERVE = (
    "import sys, pathlib; from verifier.site.server import serve; "
    "ended = serve(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), "
    "host=sys.argv[3], port=0); print('ended by', ended.name)"
)


@pytest.fixture
def started(archive: Archive) -> Iterator[subprocess.Popen[str]]:
    """``serve`` in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(archive.database), str(archive.warc), "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_tells_its_address_and_ends_cleanly(
    started: subprocess.Popen[str], number: signal.Signals
) -> None:
    """Port 0 is of use only when the real one is told; systemd and Ctrl-C must both work."""
    assert started.stdout is not None
    line = started.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
    assert address is not None
    assert address[1] != "0"
    with urllib.request.urlopen(address[0], timeout=20) as answer:
        assert answer.status == 200
        assert b"Cited sources" in answer.read()

    started.send_signal(number)
    out, errors = started.communicate(timeout=20)

    assert out == f"ended by {number.name}\n"
    assert errors == ""
    assert started.returncode == 0


def test_a_port_that_is_taken_is_wrong_use_with_a_cure(archive: Archive) -> None:
    """A traceback would not tell that another copy is running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="cannot listen there") as caught:
            server.serve(archive.database, archive.warc, port=port)
    assert caught.value.exit_code == 2
    assert "--port" in caught.value.cure


def test_without_a_database_there_is_nothing_to_serve(tmp_path: Path) -> None:
    """Datasette would start and answer 500 to everything."""
    with pytest.raises(StorageError, match="no such database"):
        server.build(tmp_path / "audit.db", tmp_path / "warc")


def test_the_copies_may_be_kept_elsewhere(tmp_path: Path) -> None:
    """WARC files are large; their disk may be another."""
    archive = Archive.new(tmp_path / "archive")
    archive.run()
    archive.capture(1, b"<p>The words")
    elsewhere = tmp_path / "elsewhere"
    archive.warc.rename(elsewhere)
    site = server.build(archive.database, elsewhere)

    assert "<p>The words</p>" in ask(archive, "/-/archived/1/document", site).text


def _insert_audit(archive: Archive, rows: list[dict[str, Any]]) -> None:
    """Many rows of ``audit`` at once; what is not named is empty."""
    with sqlite3.connect(archive.database) as connection:
        columns = [tuple(c) for c in connection.execute("PRAGMA table_info(audit)")]
        empty = {c[1]: ("" if c[2] == "TEXT" else 0) if c[3] else None for c in columns}
        names = ", ".join(empty)
        marks = ", ".join(f":{name}" for name in empty)
        connection.executemany(
            f"INSERT INTO audit ({names}) VALUES ({marks})",
            [empty | {k: str(v) for k, v in row.items()} for row in rows],
        )
    connection.close()
