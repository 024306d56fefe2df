"""Hostile words in every column, title and page: shown as words, wherever they are shown."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from click.testing import CliRunner, Result
from datasette.utils import tilde_encode

from tests.loopback import Site, page
from tests.program import Program
from verifier.cli import cli
from verifier.site import server
from verifier.sources import COLUMNS

LISTED = tomllib.loads((Path(__file__).parent / "hostile" / "words.toml").read_text("utf-8"))
WORDS: list[str] = LISTED["words"]
KEPT: list[str] = LISTED["ids"]["kept"]
LEFT_OUT: list[str] = LISTED["ids"]["left_out"]
FREE = [name for name in COLUMNS if name not in ("id", "url", "fetch_url", "preserve")]
MARK = "x7931"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
SOUND = "Nothing of this kind is in it."


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """After a round over rows and pages that are full of such words."""
    program = Program(tmp_path_factory.mktemp("hostile"))
    with Site() as site:
        rows = []
        for place, words in enumerate(WORDS):
            target = f"/page-{place}"
            body = f"<title>{words}</title><body>{words}<p>{words} {SOUND}</p>"
            site.set(target, page(body, headers=[("X-Words", clean(words))]))
            row = dict.fromkeys(FREE, words) | {"quote": f"{words} {SOUND}" if place % 2 else words}
            rows.append({"id": f"w{place:02}", "url": site.url(target), **row, "other": words})
        for place, id in enumerate([*KEPT, *LEFT_OUT]):
            site.set(f"/id-{place}", page("<p>words"))
            rows.append({"id": id, "url": site.url(f"/id-{place}"), "title": id})
        program.write(*rows)
        done = program.run("run", "--all", "--no-preserve")
        assert done.returncode == 1, done.stderr
        assert not controls(done.stdout + done.stderr)
    return program


def clean(words: str) -> str:
    """What of *words* can stand in a header."""
    return "".join(letter for letter in words if " " <= letter < "\x7f")


def controls(words: str) -> set[str]:
    """Characters that would steer a terminal or turn the direction of writing."""
    return set(_CONTROLS.findall(words))


class Reader(HTMLParser):
    """Finds planted words where they would act."""

    def __init__(self) -> None:
        super().__init__()
        self.armed: list[str] = []
        self._raw = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            acts = name.startswith("on") or name in ("srcdoc", "style")
            leads = name in ("href", "src", "action", "data", "formaction")
            aims = re.match(r"\s*(?:javascript|data|vbscript):", value or "", re.IGNORECASE)
            if MARK in (value or "") and (acts or (leads and aims)):
                self.armed.append(f"{tag} {name}={value}")
        if tag in ("object", "base", "meta") and MARK in str(attrs):
            self.armed.append(f"{tag} {attrs}")

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def handle_data(self, data: str) -> None:
        if self._raw and MARK in data:
            self.armed.append(f"{self._raw}: {data[:80]}")


def armed(html: str) -> list[str]:
    """What would act in *html*."""
    reader = Reader()
    reader.feed(html)
    return reader.armed


def command(program: Program, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """A command of the program, in this process."""
    monkeypatch.chdir(program.folder)
    for name, value in program.environment.items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(cli, words)


def test_the_reader_sees_what_would_act() -> None:
    """
    A test that finds nothing has to be able to find something.
    """
    for words in WORDS[:4]:
        assert armed(f"<p>{words}</p>")
    assert armed(f'<a href="javascript:{MARK}()">')
    assert not armed(f"<p>&lt;script&gt;{MARK}()</p>")
    assert controls("\x1b[2J")


def test_words_are_kept_as_they_are(program: Program) -> None:
    """
    What is stored is what was written: only what is shown is made harmless.
    """
    claims = dict(program.sql("SELECT id, claim FROM sources"))
    for place, words in enumerate(WORDS):
        assert claims[f"w{place:02}"] == words.strip()
    assert set(KEPT) <= set(claims)
    assert not set(LEFT_OUT) & set(claims)
    assert program.sql("SELECT count(*) FROM audit") == [(len(WORDS) + len(KEPT),)]


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json", "csv", "atom", "corrections"])
def test_no_report_carries_what_acts(
    form: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Reports go into terminals, mails, spreadsheets and feed readers.
    """
    done = command(program, monkeypatch, "report", "--format", form)

    assert done.exit_code in (0, 1), done.output
    said = done.stdout
    assert said
    match form:
        case "html":
            assert not armed(said)
            assert not controls(said)
        case "json":
            json.loads(said)
            assert not controls(said)
        case "csv":
            for row in csv.reader(io.StringIO(said)):
                assert not any(cell[:1] in ("=", "+", "@", "\t") for cell in row)
        case "atom":
            for entry in ElementTree.fromstring(said).iter():
                assert not armed(entry.text or "") or entry.get("type") != "html"
                assert "javascript:" not in entry.get("href", "")
            assert not controls(said)
        case _:
            assert not controls(said)


def test_every_id_can_be_asked_for_and_none_is_taken_for_anything_else(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An id is a word of the maintainer's, not a path, an option, a pattern or SQL.
    """
    for id in KEPT:
        done = command(program, monkeypatch, "explain", "--", id)
        assert done.exit_code == 0, f"{id}: {done.output}"
        assert not controls(done.stdout)
    for id in ("../w00", "w0%", "w0_", "w00'--", "%", "*x", "w00\x00", ""):
        done = command(program, monkeypatch, "explain", "--", id)
        assert done.exit_code == 2, f"{id!r}: {done.output}"
        assert not controls(done.output)
    before = sorted(path.name for path in program.folder.rglob("*"))
    for id in ("../../etc/passwd", "'; DROP TABLE audit;--", "--all"):
        reason = "it is <b>there</b> \x1b[2J"
        words = ("judge", "--reason", reason, "--until", "2099-01-01", "--", id, "live")
        done = command(program, monkeypatch, *words)
        assert done.exit_code == 0, done.output
        assert not controls(done.output)
    assert sorted(path.name for path in program.folder.rglob("*")) == before
    assert program.sql("SELECT count(*) FROM judgements") == [(3,)]
    refused = program.run("run", "--only", "../../no", "--no-preserve")
    assert refused.returncode == 2


# ---- the site ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(program: Program) -> Iterator[Any]:
    """The site over what the rounds left."""
    archive = program.folder / "archive"
    datasette = server.build(archive / "audit.db", archive / "warc")
    yield datasette
    datasette.executor.shutdown()


def ask(site: Any, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    """What the site answers."""
    answer: httpx.Response = asyncio.run(site.client.request(method, path, **more))
    return answer


def pages(program: Program) -> list[str]:
    """Every kind of page, and the pages of all that is hostile."""
    tables = [
        name
        for (name,) in program.sql(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND sql NOT LIKE "
            "'%fts5%' AND name NOT LIKE '%\\_fts%' ESCAPE '\\'"
        )
    ]
    ids = [f"w{place:02}" for place in range(0, len(WORDS), 5)] + KEPT[::3]
    captures = [number for (number,) in program.sql("SELECT id FROM captures WHERE id % 19 = 0")]
    return [
        *("/", "/audit", "/-/changes.atom"),
        *(f"/audit/{name}?_size=100" for name in tables),
        *(f"/audit/audit/{tilde_encode(id)}" for id in ids),
        *(f"/-/archived/{number}" for number in captures),
    ]


def test_no_page_of_the_site_carries_what_acts(site: Any, program: Program) -> None:
    """
    The site shows strangers' words to people who are logged in elsewhere.
    """
    for path in pages(program):
        answer = ask(site, path, follow_redirects=True)
        assert answer.status_code in (200, 403, 404), f"{path}: {answer.status_code}"
        if "html" in answer.headers["content-type"]:
            assert not armed(answer.text), path
            assert "unsafe-eval" not in answer.headers["content-security-policy"]
            scripts = re.search(r"script-src ([^;]*)", answer.headers["content-security-policy"])
            assert scripts is not None
            assert "unsafe-inline" not in scripts[1]


def test_an_archived_document_can_do_nothing(site: Any, program: Program) -> None:
    """
    It is a stranger's page under our address: it must be as harmless as a picture of it.
    """
    for (number,) in program.sql("SELECT id FROM captures WHERE id % 11 = 0"):
        answer = ask(site, f"/-/archived/{number}/document")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "allow-scripts" not in policy
        assert "allow-same-origin" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", LISTED["site"]["paths"])
def test_path_tricks_lead_nowhere(path: str, site: Any) -> None:
    """
    Nothing outside of the database and the stored copies can be read, and no fault is shown.
    """
    answer = ask(site, path)

    assert answer.status_code in (200, 302, 400, 403, 404, 405), answer.status_code
    assert "root:" not in answer.text
    assert "Traceback" not in answer.text
    assert "attach" not in path or answer.status_code != 200
    assert "load_extension" not in path or answer.status_code != 200
    if answer.status_code == 302:
        assert not answer.headers["location"].startswith(("//", "http"))
    if "html" in answer.headers.get("content-type", ""):
        assert not armed(answer.text)
        assert "content-security-policy" in answer.headers


@pytest.mark.filterwarnings("ignore:coroutine")  # Datasette's facets, after a fault in one
@pytest.mark.parametrize("query", LISTED["site"]["queries"])
def test_no_parameter_changes_the_policy(query: str, site: Any) -> None:
    """
    Datasette's parameters are anybody's: none may add a script, a header, or a way around.
    """
    answer = ask(site, f"/audit/audit{query}")

    assert "Traceback" not in answer.text
    assert "x-evil" not in answer.headers
    if "html" in answer.headers.get("content-type", ""):
        assert not armed(answer.text)
        plain = ask(site, "/audit/audit").headers["content-security-policy"]
        assert answer.headers["content-security-policy"] == plain


def test_a_costly_question_is_cut_short(site: Any) -> None:
    """
    Patterns with many stars take time without end; so do a thousand filters.
    """
    costly = "*a" * 60
    many = "&".join(f"title__contains={n}" for n in range(2_000))
    like, search = f"title__like={'%a' * 60}", "_search=" + '"a' * 2000
    for query in (f"title__glob={costly}", like, many, search):
        answer = ask(site, f"/audit/audit?{query}")
        assert answer.status_code in (200, 400, 404, 414, 500), query[:40]
        assert "Traceback" not in answer.text


def test_nothing_can_be_written(site: Any, program: Program) -> None:
    """
    The site is for reading: no method, address or form changes a byte.
    """
    before = hashlib.sha256(program.database.read_bytes()).hexdigest()
    for path in LISTED["site"]["to_write"]:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = ask(site, path, method, json={"rows": [{"id": "evil"}]})
            assert "Traceback" not in answer.text, f"{method} {path}"
            assert "evil" not in answer.text
    assert hashlib.sha256(program.database.read_bytes()).hexdigest() == before


def test_the_public_database_holds_nothing_private(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Page texts, notes and unknown columns are for the maintainer; the file goes to everybody.
    """
    planted = "planted-private-word"
    with Site() as web:
        web.set("/p", page(f"<title>Title</title><p>{planted}-text A quotation stands here.</p>"))
        folder = program.folder / "private"
        folder.mkdir()
        other = Program(folder)
        private = {"note": f"{planted}-note", "unknown": f"{planted}-unknown"}
        quote = "A quotation stands here"
        other.write({"id": "a", "url": web.url("/p"), "quote": quote, **private})
        other.run("run", "--all", "--no-preserve")
        held = other.database.read_bytes()
        assert f"{planted}-note".encode() in held

        done = command(other, monkeypatch, "publish", "public.db")

    assert done.exit_code == 0, done.output
    assert planted.encode() not in (folder / "public.db").read_bytes()
