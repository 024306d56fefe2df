"""Fit to be served: what every answer carries, what nobody can write, and where links lead."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.program import Program
from tests.site_data import Archive
from verifier.site import server

KINDS = {
    "home": ("/", 200),
    "database": ("/audit", 200),
    "table": ("/audit/audit", 200),
    "facets": ("/audit/audit?_facet=publisher&_facet=quote_kind", 200),
    "search": ("/audit/audit?_search=words", 200),
    "source": ("/audit/audit/a", 200),
    "row": ("/audit/runs/1", 200),
    "query": ("/audit/needs_a_person", 200),
    "SQL": ("/audit?sql=select+1", 200),
    "wrong SQL": ("/audit?sql=selec", 400),
    "writing SQL": ("/audit?sql=delete+from+audit", 400),
    "no such row": ("/audit/audit/nobody", 404),
    "no such page": ("/nowhere", 404),
    "forbidden": ("/audit.db", 403),
    "archived copy": ("/-/archived/1", 200),
    "settings": ("/-/settings", 200),
    "debugging": ("/-/allow-debug", 200),
    "JSON": ("/audit/audit.json", 200),
    "wrong JSON": ("/audit.json?sql=selec", 400),
    "CSV": ("/audit/audit.csv", 200),
    "feed": ("/-/changes.atom", 200),
    "style": ("/-/static-plugins/verifier/verifier.css", 200),
    "script": ("/-/static/table.js", 200),
}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive after a round, with a source, a look and a copy."""
    archive = Archive.new(tmp_path / "archive")
    archive.run(news='[["a", "link", "live", "moved", "301"]]')
    archive.source("a", title="Words & more", claim='says "x", <b>', local_copy=1, link="moved")
    archive.source("b", cited="été\nzwei", status=404, link="dead", tags='["x"]')
    archive.capture(1, b"<p>The words")
    archive.insert("checks", id=1, run_id=1, source_id="a", capture_id=1, hops="[]", headers="[]")
    return archive


def get(archive: Archive, *paths: str, **options: Any) -> list[httpx.Response]:
    """What the site answers to each."""
    site = server.build(archive.database, archive.warc, **options)

    async def look() -> list[httpx.Response]:
        return [await site.client.get(path) for path in paths]

    found = asyncio.run(look())
    site.executor.shutdown()
    return found


# ---- headers -----------------------------------------------------------------------------


def test_every_kind_of_answer_has_the_security_headers(archive: Archive) -> None:
    """Datasette's own pages and errors too: one page without them is enough."""
    answers = get(archive, *(path for path, _ in KINDS.values()))

    for (name, (_, status)), answer in zip(KINDS.items(), answers, strict=True):
        assert answer.status_code == status, name
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' "), name
        assert "unsafe-eval" not in policy
        assert "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        assert answer.headers["Referrer-Policy"] == "no-referrer", name
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", name
        assert "geolocation=()" in answer.headers["Permissions-Policy"], name


def test_only_the_archived_document_may_stand_in_a_frame(archive: Archive) -> None:
    """And only in ours; old browsers know X-Frame-Options alone."""
    page, document = get(archive, "/audit/audit", "/-/archived/1/document")

    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in document.headers
    assert "frame-ancestors 'self'" in document.headers["Content-Security-Policy"]


def test_pages_say_their_language_and_pages_of_errors_have_our_style(archive: Archive) -> None:
    """A screen reader reads English with the reader's own voice otherwise."""
    pages = get(archive, "/", "/audit/audit", "/audit/audit/a", "/nowhere", "/audit?sql=selec")

    for page in pages:
        assert page.text.startswith('<!DOCTYPE html>\n<html lang="en">')
        assert "/-/static-plugins/verifier/verifier.css" in page.text
        assert '<main id="content">' in page.text


# ---- nothing is written ------------------------------------------------------------------

WRITES = (
    "UPDATE audit SET link = 'live'",
    "DELETE FROM audit",
    "INSERT INTO daily VALUES ('x', 'link', 'live', 1, 1)",
    "DROP TABLE daily",
    "CREATE TABLE mine (x)",
    "CREATE TEMP TABLE mine (x)",
    "ATTACH DATABASE 'file:{folder}/other.db?mode=rwc' AS other",
    "VACUUM INTO '{folder}/other.db'",
    "INSERT INTO audit_fts(audit_fts) VALUES ('rebuild')",
    "PRAGMA user_version = 7",
    "REINDEX",
)


@pytest.mark.parametrize("asked_to_write", [False, True])
def test_no_connection_of_the_site_can_write(
    archive: Archive, tmp_path: Path, asked_to_write: bool
) -> None:
    """Not even one that a plugin asks for writing; the ledger belongs to the rounds."""
    site = server.build(archive.database, archive.warc)
    connection = site.get_database("audit").connect(write=asked_to_write)
    before = _files(archive)

    for statement in WRITES:
        with pytest.raises((sqlite3.OperationalError, sqlite3.DatabaseError)):
            connection.execute(statement.format(folder=tmp_path)).fetchall()
        connection.rollback()
    connection.close()

    assert not (tmp_path / "other.db").exists()
    assert _files(archive) == before
    with sqlite3.connect(archive.database) as untouched:
        assert untouched.execute("SELECT count(*) FROM audit").fetchone() == (2,)
    untouched.close()


def test_what_may_not_be_written_could_be(archive: Archive, tmp_path: Path) -> None:
    """Otherwise the test above would pass with statements that never work."""
    with sqlite3.connect(f"file:{archive.database}", uri=True, isolation_level=None) as connection:
        for statement in WRITES:
            connection.execute(statement.format(folder=tmp_path / ".").replace("/./", "/"))
            (tmp_path / "other.db").unlink(missing_ok=True)
    connection.close()


def test_datasettes_way_to_write_is_closed(archive: Archive) -> None:
    """Plugins write through it; a canned query with ``write`` would too."""
    site = server.build(archive.database, archive.warc)

    async def write() -> None:
        await site.get_database("audit").execute_write("DELETE FROM audit")

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        asyncio.run(write())


def test_every_page_leaves_the_files_as_they_are(archive: Archive) -> None:
    """Reading must not so much as change a byte of what is hashed and backed up."""
    before = _files(archive)

    get(archive, *(path for path, _ in KINDS.values()))

    assert _files(archive) == before


def test_a_question_cannot_take_all_memory(archive: Archive) -> None:
    """One address would be enough to end the server."""
    for sql in ("select length(zeroblob(900000000))", "select hex(zeroblob(90000000))"):
        (answer,) = get(archive, f"/audit.json?sql={sql}")
        assert answer.json()["ok"] is False
        assert "too big" in answer.json()["error"]


def _files(archive: Archive) -> dict[str, str]:
    """Digest of each file of the archive; the log's shared memory holds only readers' marks."""
    return {
        str(path.relative_to(archive.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(archive.folder.rglob("*"))
        if path.is_file() and path.suffix != ".db-shm" and path.stat().st_size
    }


# ---- what stays on the machine -----------------------------------------------------------

TELLING = (
    "/-/databases",
    "/-/databases.json",
    "/-/threads",
    "/-/threads.json",
    "/-/metadata.json",
    "/-/plugins.json",
    "/-/settings.json",
    "/-/versions.json",
    "/-/patterns",
    "/audit.json?sql=select+*+from+pragma_database_list",
    "/audit.json?sql=select+file+from+%22PRAGMA_Database_List%22()",
    "/audit?sql=selec",
    "/audit.db",
    "/.json",
    "/audit.json",
)


def test_no_page_tells_where_anything_lies(archive: Archive) -> None:
    """A path has the name of a user, a disk, a project: all that a stranger needs to go on."""
    answers = get(archive, *TELLING)

    for path, answer in zip(TELLING, answers, strict=True):
        for place in (archive.folder, Path(server.__file__).parents[2], Path(os.__file__).parent):
            assert str(place) not in answer.text, path
    (told,) = json.loads(answers[1].text)
    assert (told["name"], told["path"]) == ("audit", "audit.db")
    assert json.loads(answers[9].text)["rows"] == []


# ---- questions in SQL --------------------------------------------------------------------


def test_sql_can_be_closed_and_the_rest_stays(archive: Archive) -> None:
    """On the open web a machine may have no second to spare for strangers' questions."""
    closed = get(
        archive,
        "/audit?sql=select+1",
        "/audit.json?sql=select+1",
        "/audit/audit.json?_where=link='dead'",
        "/audit",
        "/audit/needs_a_person",
        "/audit/audit?link=dead&_search=zwei",
        "/",
        sql=False,
    )
    (open_,) = get(archive, "/audit")

    refused, refused_json, where, database, *others = closed
    assert refused.status_code == refused_json.status_code == where.status_code == 403
    assert database.status_code == 200
    assert 'name="sql"' not in database.text
    assert 'name="sql"' in open_.text
    for other in others:
        assert other.status_code == 200


# ---- JSON and CSV ------------------------------------------------------------------------

UNTOUCHED = (
    "/audit/audit.json?_shape=array&_sort=id",
    "/audit/audit.json?_shape=array&_sort=id&link=dead&_nl=on",
    "/audit/audit.json?_shape=array&_sort=id&_search=words",
    "/audit/audit.csv?_sort=id",
    "/audit/audit.csv?_sort=id&_stream=on",
    "/audit/audit/a.json?_shape=array",
    "/audit/checks.json?_shape=array&_sort=id",
    "/audit/checks.csv?_sort=id",
    "/audit.json?sql=select+*+from+audit+order+by+id&_shape=array",
    "/audit.csv?sql=select+id,+link,+quote,+copy,+local_copy+from+audit+order+by+id",
)
STOCK = """
import asyncio, json, sys
from datasette.app import Datasette
async def look():
    site = Datasette([sys.argv[1]])
    answers = [await site.client.get(path) for path in sys.argv[2:]]
    print(json.dumps([[a.status_code, a.headers["content-type"], a.text] for a in answers]))
asyncio.run(look())
"""


def test_json_and_csv_are_those_of_a_datasette_without_us(archive: Archive) -> None:
    """People's programs know Datasette's formats; a badge in there would be damage."""
    done = subprocess.run(
        [sys.executable, "-c", STOCK, str(archive.database), *UNTOUCHED],
        env={**os.environ, "DATASETTE_LOAD_PLUGINS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    stock = json.loads(done.stdout)

    ours = get(archive, *UNTOUCHED)

    for path, expected, answer in zip(UNTOUCHED, stock, ours, strict=True):
        found = [answer.status_code, answer.headers["content-type"], answer.text]
        assert found == expected, path
        assert answer.status_code == 200, path


# ---- behind a proxy ----------------------------------------------------------------------


@contextmanager
def proxy(port: int, *, strip: str = "") -> Iterator[str]:
    """A reverse proxy in front of the site, as a web server would be; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path
            if not path.startswith("/deep/sources/"):
                self.send_error(404, "somebody else's site")
                return
            if strip:
                path = "/" + path.removeprefix(strip)
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            headers = {"Host": self.headers["Host"], "X-Forwarded-Proto": "https"}
            upstream.request("GET", path, headers=headers)
            answer = upstream.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            upstream.close()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as front:
        thread = threading.Thread(target=front.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{front.server_port}"
        finally:
            front.shutdown()
            thread.join()


@pytest.mark.parametrize("strip", ["", "/deep/sources/"], ids=["passed on", "stripped"])
def test_every_link_works_below_a_path_behind_a_proxy(archive: Archive, strip: str) -> None:
    """A maintainer's web server has other things at its root; both ways to set it up are used."""
    base = "/deep/sources/"
    program = Program(archive.folder.parent)
    with program.serving("--base-path", "deep/sources") as told, httpx.Client() as client:
        assert f"{told}/".endswith(base)
        port = urlsplit(told).port
        assert port is not None
        with proxy(port, strip=strip) as front:
            seen: set[str] = set()
            for path in ("", "audit", "audit/audit", "audit/audit/a", "audit/checks",
                         "audit/needs_a_person", "-/archived/1", "-/changes.atom"):  # fmt: skip
                page = client.get(front + base + path)
                assert page.status_code == 200, path
                places = re.findall(r'(?:href|src|action)="([^"]*)"', page.text)
                assert places or path.endswith("json"), path
                seen |= {
                    urljoin(front + base + path, place.replace("&amp;", "&")) for place in places
                }
            own = urlsplit(front)
            ours = {url.partition("#")[0] for url in seen if urlsplit(url).netloc == own.netloc}
            assert len(ours) > 40
            for url in sorted(ours):
                assert urlsplit(url).path.startswith(base), url
                assert client.get(url.replace("https://", "http://")).status_code == 200, url


def test_addresses_told_to_others_are_those_of_the_proxy(archive: Archive) -> None:
    """A feed's links are followed from somebody else's machine, on another day."""
    with Program(archive.folder.parent).serving("--base-path", "/deep/sources/") as told:
        port = urlsplit(told).port
        assert port is not None
        with proxy(port) as front:
            feed = httpx.get(f"{front}/deep/sources/-/changes.atom").text

    outside = front.replace("http://", "https://")
    assert f'href="{outside}/deep/sources/-/changes.atom"' in feed
    assert f'href="{outside}/deep/sources/audit/audit/a"' in feed


# ---- counted once ------------------------------------------------------------------------


def test_the_numbers_of_rows_are_those_of_now(archive: Archive) -> None:
    """They are counted again when something was written, and only then."""
    site = server.build(archive.database, archive.warc)
    database = site.get_database("audit")
    counted = []
    really = database.execute

    async def execute(sql: str, *values: Any, **options: Any) -> Any:
        counted.append(sql)
        return await really(sql, *values, **options)

    database.execute = execute

    async def count() -> int:
        return int((await database.table_counts(1_000))["audit"])

    async def look() -> list[int]:
        found = [await count()]
        counted.clear()
        found.append(await count())
        assert counted == []
        archive.source("c")
        return [*found, await count()]

    assert asyncio.run(look()) == [2, 2, 3]
