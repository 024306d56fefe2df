"""The public database: all answers, none of others' pages, nothing private, in any Datasette."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sysconfig
import venv
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Site, page
from tests.program import Program
from tests.site_data import Archive
from verifier import publish as publishing
from verifier.errors import InputError, StorageError
from verifier.ledger import GENESIS
from verifier.publish import publish
from verifier.publishing import described

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive.new(tmp_path / "archive")
    archive.run()
    return archive


def published(archive: Archive, name: str = "public.db") -> Path:
    """The public database of *archive*."""
    target = archive.folder.parent / name
    publish(archive.database, target, software="verifier/test", now=NOW)
    return target


def rows(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def columns(path: Path) -> dict[str, list[str]]:
    """Columns of each table."""
    names = [name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: [row[1] for row in rows(path, f"PRAGMA table_info({name})")] for name in names}


def look(archive: Archive, number: int, name: str, **values: Any) -> None:
    """A look at a source, with the capture of that number."""
    hop = {"url": f"https://example.org/{name}", "status": 200, "location": "", "peer": "192.0.2.7"}
    archive.insert("captures", id=number, run_id=1, sha256=f"{number:064}")
    archive.insert(
        "checks",
        **{
            "id": number,
            "run_id": 1,
            "source_id": name,
            "address": f"https://example.org/{name}",
            "hops": json.dumps([hop | {"capture": number}]),
            "headers": "[]",
            "capture_id": number,
            **values,
        },
    )


PRIVATE = {
    "sources": "note extra",
    "runs": "problems",
    "checks": "headers peer title detail",
    "captures": "file offset length record_id",
    "submissions": "message job_id",
    "readbacks": "detail",
    "passages": "passage source_says",
    "lookups": "detail",
}
"""Columns of the audit database that the public one does not have."""


def test_no_page_and_nothing_private_is_in_the_file(archive: Archive) -> None:
    """The file is given to the world: each of its bytes counts, not only what a table shows."""
    archive.source("a", cited="Words")
    hops = [{"url": "u", "status": 200, "location": "", "peer": "SECRET", "capture": 7}]
    one = {"id": 7, "run_id": 1, "address": "https://example.org/a"}
    rows_of: dict[str, dict[str, Any]] = {
        "snapshots": one,
        "submissions": one,
        "captures": {"id": 7, "run_id": 1},
        "checks": {"id": 7, "run_id": 1, "source_id": "a", "hops": json.dumps(hops)},
        "readbacks": {"id": 7, "run_id": 1, "snapshot_id": 7},
        "quote_findings": {"id": 7, "source_id": "a", "check_id": 7, "found_in": "live"},
        "passages": {"finding_id": 7},
        "lookups": {"address": "https://example.org/a"},
    }
    numbers = ("offset", "length")
    for table, values in rows_of.items():
        names = [name for name in PRIVATE.get(table, "").split() if name not in numbers]
        archive.insert(table, **values, **dict.fromkeys(names, "SECRET"))
    with closing(sqlite3.connect(archive.database)) as db:
        db.execute("UPDATE sources SET note = 'SECRET', extra = '{\"SECRET\": 1}'")
        db.execute("UPDATE runs SET problems = '[\"SECRET\"]'")
        db.commit()

    target = published(archive)

    assert b"SECRET" not in target.read_bytes()
    found = columns(target)
    for table, private in PRIVATE.items():
        assert set(private.split()).isdisjoint(found.get(table, [])), table
    assert {"passages", "lookups", "standings"}.isdisjoint(found)
    (told,) = rows(target, "SELECT hops FROM checks")
    assert json.loads(told[0]) == [{"url": "u", "status": 200, "location": ""}]


def test_what_a_newer_table_or_column_holds_is_not_published_unasked(archive: Archive) -> None:
    """Whoever adds a column thinks of its use, not of the public."""
    with closing(sqlite3.connect(archive.database)) as db:
        db.execute("ALTER TABLE checks ADD COLUMN cookies TEXT NOT NULL DEFAULT 'SECRET-cookie'")
        db.execute("CREATE TABLE secrets (words TEXT)")
        db.execute("INSERT INTO secrets VALUES ('SECRET-words')")
        db.commit()
    archive.source("a")
    look(archive, 1, "a")

    target = published(archive)

    assert b"SECRET" not in target.read_bytes()


def test_nothing_of_the_audit_is_lost(archive: Archive) -> None:
    """Who reads the public database must come to the same judgement as we did."""
    archive.source(
        "a",
        cited="A quotation",
        source_says="Another wording",
        snapshot_url="https://web.archive.org/web/20260101000000/https://example.org/a",
        local_copy=1,
        judged_by="mina",
        keepers=2,
    )
    archive.source("b", copy="none", link="dead")
    look(archive, 1, "a")

    target = published(archive)

    assert rows(target, "SELECT * FROM audit") == rows(archive.database, "SELECT * FROM audit")
    assert columns(target)["audit"] == columns(archive.database)["audit"]
    assert rows(target, "SELECT rowid FROM audit_fts WHERE audit_fts MATCH 'quotation'") == [(1,)]


@pytest.mark.parametrize(
    "wish", [{"preserve": "local"}, {"preserve": "none"}, {"copy": "excluded"}]
)
def test_copies_that_are_not_for_the_public_are_not_named(
    archive: Archive, wish: dict[str, str]
) -> None:
    """A row, or a page's owner, said so; a list of where copies lie would go against it."""
    address = "https://example.org/a"
    copy = f"https://web.archive.org/web/20260101000000/{address}"
    archive.source("a", snapshot_url=copy, local_copy=1, snapshot_at="2026-01-01T00:00:00Z")
    archive.source("b", snapshot_url=copy.replace("/a", "/b"), local_copy=2)
    with closing(sqlite3.connect(archive.database)) as db:
        for name, value in wish.items():
            table = "sources" if name == "preserve" else "audit"
            db.execute(f"UPDATE {table} SET {name} = ? WHERE id = 'a'", [value])
        db.commit()
    for number, name in ((1, "a"), (2, "b")):
        look(archive, number, name)
        archive.insert(
            "snapshots", id=number, run_id=1, address=f"https://example.org/{name}", url=copy
        )
        archive.insert("submissions", id=number, run_id=1, address=f"https://example.org/{name}")
        archive.insert("readbacks", id=number, run_id=1, snapshot_id=number)
        for kind, found_in in enumerate(("live", "local", "wayback")):
            archive.insert(
                "quote_findings",
                id=number * 10 + kind,
                check_id=number if found_in != "wayback" else None,
                snapshot_id=number if found_in == "wayback" else None,
                source_id=name,
                found_in=found_in,
            )

    look(archive, 3, "a", address="https://example.org/another-place-of-a")
    target = published(archive)

    told = dict(rows(target, "SELECT id, snapshot_url || coalesce(local_copy, '') FROM audit"))
    assert told["a"] == ""
    assert told["b"].endswith("/b2")
    assert rows(target, "SELECT id, capture_id FROM checks ORDER BY id") == [
        (1, None),
        (2, 2),
        (3, None),
    ]
    for table in ("captures", "snapshots", "submissions", "readbacks"):
        assert rows(target, f"SELECT id FROM {table}") == [(2,)], table
    findings = rows(target, "SELECT source_id, found_in FROM quote_findings ORDER BY id")
    assert findings == [("a", "live"), ("b", "live"), ("b", "local"), ("b", "wayback")]


def test_a_source_that_left_the_list_is_not_published(archive: Archive) -> None:
    """It may have left because it should never have been there."""
    archive.source("a")
    archive.source("b")
    look(archive, 1, "a")
    look(archive, 2, "b")
    news = json.dumps([["a", "link", "", "live", "x"], ["b", "link", "", "live", "x"]])
    with closing(sqlite3.connect(archive.database)) as db:
        db.execute("UPDATE sources SET retired_at = '2026-11-22T00:00:00Z' WHERE id = 'b'")
        db.execute("DELETE FROM audit WHERE id = 'b'")
        db.execute("UPDATE runs SET news = ?", [news])
        db.commit()

    target = published(archive)

    assert rows(target, "SELECT id FROM sources") == [("a",)]
    assert rows(target, "SELECT id FROM checks") == [(1,)]
    assert rows(target, "SELECT id FROM captures") == [(1,)]
    assert json.loads(rows(target, "SELECT news FROM runs")[0][0]) == json.loads(news)[:1]
    assert b"example.org/b" not in target.read_bytes()


def test_a_real_round_is_published_with_its_chain(tmp_path: Path) -> None:
    """Who has the public file can follow the chain from its beginning to the head."""
    program = Program(tmp_path)
    with Site() as site:
        site.set("/a", page("<p>Before. The words of the page. SECRET-context after it.</p>"))
        site.set("/b", page("<title>SECRET-title</title><p>Other words</p>"))
        program.write(
            {"id": "a", "url": site.url("/a"), "quote": "The words of the page", "note": "SECRET"},
            {"id": "b", "url": site.url("/b"), "quote": "No such words here", "preserve": "none"},
        )
        program.run("run", "--no-preserve")
        first = program.run("publish", "public.db", "--metadata", "metadata.json")
        site.set("/a", page("<p>It says something else now</p>"))
        program.run("run", "--no-preserve", "--all")
        done = program.run("publish", "public.db")

    target = tmp_path / "public.db"
    assert (first.returncode, done.returncode, done.stderr) == (0, 0, "")
    chain = GENESIS
    for text, sha256, link in rows(target, "SELECT text, sha256, chain FROM ledger ORDER BY seq"):
        assert text == "" or hashlib.sha256(text.encode()).hexdigest() == sha256
        chain = hashlib.sha256(f"{chain}{sha256}".encode()).hexdigest()
        assert link == chain
    assert rows(target, "SELECT head FROM publication") == [(chain,)]
    assert f"Ledger head: {chain}" in done.stdout
    assert program.sql("SELECT chain FROM ledger ORDER BY seq DESC LIMIT 1") == [(chain,)]
    assert b"SECRET" not in target.read_bytes()
    assert len(rows(target, "SELECT * FROM checks")) == 4
    assert rows(target, "PRAGMA journal_mode") == [("delete",)]
    assert rows(target, "PRAGMA integrity_check") == [("ok",)]
    assert rows(target, "PRAGMA foreign_key_check") == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "archive",
        "metadata.json",
        "public.db",
        "sources.csv",
    ]


def test_it_is_written_while_a_round_writes(archive: Archive) -> None:
    """Rounds take hours; what is half written by one is not published."""
    archive.source("a")
    with closing(sqlite3.connect(archive.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE audit SET link = 'dead'")
        target = published(archive)
        writer.execute("ROLLBACK")

    assert rows(target, "SELECT link FROM audit") == [("live",)]


def test_a_failure_leaves_the_former_file_and_nothing_else(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is being served: it is replaced whole, or stays."""
    archive.source("a")
    target = published(archive)
    before = target.read_bytes()
    monkeypatch.setattr(publishing, "_PRIVATE", "SELECT * FROM no_such_table;\n")

    with pytest.raises(StorageError, match="no_such_table"):
        published(archive)

    assert target.read_bytes() == before
    assert sorted(p.name for p in target.parent.iterdir()) == ["archive", "public.db"]


def test_no_file_of_others_is_overwritten(archive: Archive, tmp_path: Path) -> None:
    """`verifier publish archive/audit.db` is one slip of the hand away."""
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE mine (words)")
        db.commit()
    text = tmp_path / "notes.txt"
    text.write_text("mine", "utf-8")

    for target in (archive.database, foreign, text, tmp_path):
        with pytest.raises(InputError):
            publish(archive.database, target, software="x", now=NOW)

    assert rows(foreign, "SELECT count(*) FROM mine") == [(0,)]
    assert text.read_text("utf-8") == "mine"
    assert rows(archive.database, "SELECT count(*) FROM runs") == [(1,)]


# ---- a stock Datasette -------------------------------------------------------------------


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has Datasette, and not our package."""
    folder = tmp_path_factory.mktemp("stock")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    site = next(folder.glob("lib/python3*/site-packages"))
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if "verifier" not in installed.name:
            (site / installed.name).symlink_to(installed)
    done = subprocess.run(
        [python, "-c", "import verifier"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "No module named 'verifier'" in done.stderr
    return python


def get(stock: Path, target: Path, path: str, *options: str) -> str:
    """What a stock Datasette on *target* answers."""
    done = subprocess.run(
        [stock, "-m", "datasette", "serve", target, *options, "--get", path],
        cwd=target.parent,
        env={"PATH": os.defpath, "HOME": str(target.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_stock_datasette_opens_it(archive: Archive, stock: Path) -> None:
    """Whoever is given the file has Datasette, and never heard of us."""
    archive.source("a", title="A title", link="dead", cited="A quotation", copy="none")
    archive.source("b", title="Another", local_copy=1)
    look(archive, 1, "b")
    target = published(archive)
    told = target.with_suffix(".json")
    told.write_text(json.dumps(described(target)), "utf-8")

    found = json.loads(get(stock, target, "/public/audit.json?_shape=array&_search=another"))
    query = get(stock, target, "/public/needs_a_person.json?_shape=array", "--metadata", str(told))
    table = get(stock, target, "/public/audit", "--metadata", str(told), "--immutable", str(target))

    assert [row["id"] for row in found] == ["b"]
    assert [row["id"] for row in json.loads(query)] == ["a"]
    assert "Is it still there?" in table
    assert "A title" in table


def test_the_queries_that_come_along_can_be_answered(archive: Archive) -> None:
    """A query that asks for what was left out would be an error on a stranger's screen."""
    archive.source("a")
    target = published(archive)

    told = described(target)["databases"]["public"]

    assert "needs_a_person" in told["queries"]
    with closing(sqlite3.connect(target)) as connection:
        for name, query in told["queries"].items():
            assert "submissions.message" not in query["sql"], name
            names = dict.fromkeys(("since", "days", "day", "q"), "")
            connection.execute(query["sql"], names).fetchall()
    present = columns(target)
    for table, meant in told["tables"].items():
        assert set(meant.get("columns", {})) <= set(present[table])
