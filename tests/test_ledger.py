"""The audit database: what it refuses, what it chains, and what it says is due."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from verifier import history, rows, schema
from verifier.copies import CopyAnswer
from verifier.errors import RetireError, StorageError
from verifier.ledger import GENESIS, Ledger, Look, Mirrored, migrations
from verifier.records import (
    ArchivedHop,
    Asked,
    Capture,
    Check,
    Copy,
    CopyFinding,
    Failure,
    Finding,
    Link,
    Lookup,
    Outcome,
    Preserve,
    Quote,
    ReadBack,
    Reading,
    RowProblem,
    Run,
    Seen,
    Snapshot,
    Source,
    SourceList,
    Submission,
)

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
APPEND_ONLY = ("checks", "captures", "quote_findings", "judgements", "readbacks", "ledger")
PASSAGE = "a passage that only passages may hold"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as ledger:
        yield ledger


def source(id: str, **columns: Any) -> Source:
    return Source(**{"id": id, "url": f"http://{id}.example/"} | columns)


def listed(*sources: Source, problems: tuple[RowProblem, ...] = ()) -> SourceList:
    numbered = (replace(one, line=line) for line, one in enumerate(sources, 2))
    return SourceList(sources=tuple(numbered), problems=problems, warnings=(), digest="0" * 64)


def mirror(ledger: Ledger, *sources: Source, now: datetime = NOW, **options: Any) -> Mirrored:
    problems = options.pop("problems", ())
    told = {"retire": False, "too_many": False} | options
    return ledger.mirror(listed(*sources, problems=problems), now=now, **told)


def begin(ledger: Ledger, now: datetime = NOW) -> Run:
    run = Run(id=0, started_at=now)
    return ledger.start_run(run, sources_sha256="0" * 64, software="test/1", rules=1)


def end(ledger: Ledger, run: Run, outcome: str = "conclusive") -> Run:
    with ledger.transaction():
        return ledger.end_run(
            replace(run, outcome=outcome, ended_at=run.started_at),
            derived=outcome == "conclusive",
        )


def look(
    ledger: Ledger,
    run: Run,
    *sources: Source,
    seen: Seen = Seen.ALIVE,
    at: datetime = NOW,
    finding: Finding | None = None,
) -> Look:
    """A look that gave a capture and a check for each source."""
    capture = Capture(
        id=ledger.next_capture_id(),
        url=sources[0].address,
        captured_at=at,
        hop=0,
        status=200,
        content_type="text/html",
        file="2026-11/a.warc.gz",
        offset=0,
        length=10,
        record_id="<urn:uuid:1>",
        sha256="a" * 64,
        payload_sha256="b" * 64,
        payload_sha1="C" * 32,
        body_length=5,
    )
    check = Check(
        run_id=run.id,
        source_id="",
        url="",
        address=sources[0].address,
        checked_at=at,
        reading=Reading(seen=seen, rule="http-200", reason="the page is there"),
        rules_version=1,
        status=200,
        failure=None if seen is not Seen.FAILING else Failure.CONNECTION_REFUSED,
        capture_id=capture.id,
        finding=finding,
    )
    checks = tuple(replace(check, source_id=one.id, url=one.url) for one in sources)
    return Look(
        captures=(capture,),
        checks=checks,
        quotes=tuple(rows.quote_sha256(one.quote) for one in sources),
    )


def derive(ledger: Ledger, *sources: Source, now: datetime = NOW) -> None:
    """Write standings from the looks, as a round does."""
    ids = [one.id for one in sources]
    before, checks = ledger.standings(ids), ledger.new_checks(ids)
    standings = []
    for one in sources:
        standing = history.resume(before.get(one.id), one)
        for check in checks.get(one.id, ()):
            standing = history.fold(standing, check)
        copy = CopyAnswer(copy=Copy.PENDING, reason="waiting")
        standings.append(history.complete(standing, one, copy, now=now))
    ledger.write_standings(standings)


def whole_round(
    ledger: Ledger, *sources: Source, now: datetime = NOW, seen: Seen = Seen.ALIVE
) -> Run:
    """A conclusive round that looked at these sources."""
    run = begin(ledger, now)
    ledger.append(run.id, [look(ledger, run, one, at=now, seen=seen) for one in sources])
    with ledger.transaction():
        derive(ledger, *sources, now=now)
    return end(ledger, run)


def query(path: Path, sql: str, *values: Any) -> list[dict[str, Any]]:
    """Rows, read by a connection of the test's own."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(sql, values)]


def canonical(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def chain_of(path: Path) -> str:
    """The chain's end, counted from the texts alone; every entry is checked on the way."""
    head = GENESIS
    for place, entry in enumerate(query(path, "SELECT * FROM ledger ORDER BY seq"), 1):
        assert entry["seq"] == place
        assert entry["sha256"] == sha256(entry["text"])
        head = sha256(head + entry["sha256"])
        assert entry["chain"] == head
    return head


def a_full_ledger(ledger: Ledger) -> Source:
    """Rows in every table."""
    cited = source("one", quote="the words")
    mirror(ledger, cited)
    run = begin(ledger)
    finding = Finding(
        result=Quote.FOUND, reason="verbatim", passage=PASSAGE, source_says="says", score=100.0
    )
    ledger.append(run.id, [look(ledger, run, cited, finding=finding)])
    asked = ledger.save_submission(
        Submission(run_id=run.id, address=cited.address, state=Asked.INTENT, intent_at=NOW)
    )
    kept = ledger.save_snapshot(
        Snapshot(
            run_id=run.id,
            address=cited.address,
            via="save",
            timestamp="20261102120000",
            original=cited.address,
            captured_at=NOW,
            url="http://archive.example/",
            known_at=NOW,
        )
    )
    ledger.save_submission(replace(asked, state=Asked.CAPTURED, snapshot_id=kept.id))
    read = ReadBack(
        run_id=run.id,
        snapshot_id=kept.id,
        read_at=NOW,
        outcome=Outcome.MEMENTO,
        memento_datetime=NOW,
        status=200,
        original=cited.address,
        hops=(ArchivedHop(url=cited.address, timestamp="20261102120000", status=200),),
        sha256="ab",
    )
    in_copy = CopyFinding(
        source_id="one",
        snapshot_id=kept.id,
        found_at=NOW,
        quote_sha256=rows.quote_sha256("the words"),
        finding=finding,
        text_sha256="cd",
        text_version=2,
        rules_version=1,
    )
    ledger.save_readback(read, [in_copy], replace(kept, next_read_at=NOW, agreement="bytes"))
    ledger.save_lookup(Lookup(address=cited.address, asked_at=NOW, answer="none"))
    with ledger.transaction():
        derive(ledger, cited)
    end(ledger, run)
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute(
            "INSERT INTO judgements VALUES (1, 'one', '', 'live', 'seen', 'me', ?, '')",
            [rows.stamp(NOW)],
        )
    return cited


# ---- opening -----------------------------------------------------------------------------


def test_opening_again_changes_nothing(path: Path) -> None:
    """Every command opens the database; only the first one may make tables."""
    Ledger(path).close()
    before = query(path, "SELECT type, name, sql FROM sqlite_master ORDER BY name")

    Ledger(path).close()

    assert query(path, "SELECT type, name, sql FROM sqlite_master ORDER BY name") == before
    assert len(query(path, "SELECT * FROM _sqlite_migrations")) == len(migrations._migrations)


RACE = """
import multiprocessing, pathlib, sys
from verifier.ledger import Ledger

def open_it(path, gate):
    gate.wait()
    Ledger(path).close()

fork = multiprocessing.get_context("fork")
for attempt in range(6):
    path, gate = pathlib.Path(sys.argv[1]) / f"{attempt}.db", fork.Barrier(8)
    racers = [fork.Process(target=open_it, args=(path, gate)) for _ in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0
"""


def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    """systemd starts `serve` and `work` together on the first day."""
    done = subprocess.run(
        [sys.executable, "-c", RACE, str(tmp_path)], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    for path in tmp_path.glob("*.db"):
        assert len(query(path, "SELECT * FROM _sqlite_migrations")) == len(migrations._migrations)


def test_every_table_of_ours_is_strict(ledger: Ledger, path: Path) -> None:
    """SQLite would keep a word in a column of numbers otherwise."""
    tables = {
        row["name"]: row["strict"]
        for row in query(path, "SELECT name, strict FROM pragma_table_list WHERE type = 'table'")
        if not row["name"].startswith(("sqlite_", "_"))
    }

    assert tables == dict.fromkeys(tables, 1)
    assert set(tables) >= {*APPEND_ONLY, "sources", "runs", "passages", "submissions", "audit"}


def test_the_database_is_safe_against_a_power_cut(ledger: Ledger, path: Path) -> None:
    """The contract says WAL and synchronous=FULL; FULL belongs to the connection."""
    assert query(path, "PRAGMA journal_mode") == [{"journal_mode": "wal"}]
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """sqlite3 only says "unable to open database file"."""
    with pytest.raises(StorageError, match="nowhere") as caught:
        Ledger(tmp_path / "nowhere" / "audit.db")

    assert caught.value.cure


def test_a_file_that_is_no_database_is_named_with_a_cure(path: Path) -> None:
    """It may be the wrong folder: nothing may be written over it."""
    path.write_bytes(b"dear diary, " * 1000)

    with pytest.raises(StorageError, match="backup"):
        Ledger(path)

    assert path.read_bytes() == b"dear diary, " * 1000


def test_a_database_that_another_program_locks_is_an_error_with_a_cure(path: Path) -> None:
    """A person with an editor open on the database must learn what to close."""
    with (
        Ledger(path, patience=0.1) as ledger,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StorageError, match="close that") as caught:
            mirror(ledger, source("one"))

        assert caught.value.place == str(path)
        other.execute("ROLLBACK")
        assert mirror(ledger, source("one")).new == 1


def test_who_reads_on_and_on_does_not_hold_up_the_end_of_a_round(
    ledger: Ledger, path: Path
) -> None:
    """
    A page of the site that is read slowly, or somebody's shell, has the old state in use; the
    log cannot be emptied then, and waiting for it would have no end.
    """
    log = Path(f"{path}-wal")
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchall()
        begin(ledger)

        assert not ledger.checkpoint(patience=0.05)

        assert log.stat().st_size > 0
        assert reader.execute("SELECT count(*) FROM runs").fetchall() == [(0,)]  # its own state
    assert ledger._read("PRAGMA busy_timeout") == [(30_000,)]  # writers are waited for as ever
    assert ledger.checkpoint(patience=5.0)
    assert log.stat().st_size == 0
    assert ledger._read("SELECT count(*) FROM runs") == [(1,)]


def test_reading_a_damaged_database_is_an_error_with_a_cure(path: Path) -> None:
    """Damage shows when a page is read, not when the file is opened."""
    with Ledger(path) as ledger:
        mirror(ledger, *(source(f"s{number}", note="x" * 500) for number in range(200)))
        ledger.checkpoint()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    path.write_bytes(content)

    with pytest.raises(StorageError, match="backup"), Ledger(path) as ledger:
        ledger.sources([f"s{number}" for number in range(200)])


OLD = """
INSERT INTO runs VALUES (1, 'x', 'x', 'conclusive', '', '', 1, 0, '[]', 1, 1, '', 2, '', '', 1,
    '[]', '');
INSERT INTO sources VALUES ('one', 'u', '', 'u', 'h', 'q', 'verbatim', 'page', '', '', '', '', '',
    '', '', '', '[]', '', '', '[]', 'public', '{}', '', 2, 'd', 'r', 'x', 'x', NULL);
INSERT INTO captures VALUES (7, 1, 'u', 'x', 0, 200, '', 'f', 0, 1, 'r', '', '', '', 0, '', NULL);
INSERT INTO checks VALUES (3, 1, 'one', 'u', 'u', 'x', 0, 1, 'alive', 'ok', '', 1, 200, '', '', 'u',
    '', '[]', '', '[]', '', '', '', '', '', '', '', 0, NULL, 7);
INSERT INTO quote_findings VALUES (5, 3, 7, 'one', 'live', 'x', 'd', 'found', 'r', 100.0, 1, NULL,
    't', 2, 1);
INSERT INTO passages VALUES (5, 'before words after', '');
INSERT INTO snapshots VALUES (9, 1, 'u', 'wayback', 'index', '20240101000000', 'u',
    '2024-01-01T00:00:00Z', 'http://w/', 200, '', '', '2026-01-01T00:00:00Z');
"""


def test_a_database_from_before_copies_were_read_back_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A table is made anew by the migration: rows, passages, digests and guards have to be the same
    after it.
    """
    applied = migrations._migrations[:]
    del migrations._migrations[2:]
    with monkeypatch.context() as then:
        then.setattr(schema, "APPEND_ONLY", schema.APPEND_ONLY[:5])
        then.setattr(schema, "SEARCHABLE", ())
        try:
            Ledger(path).close()
        finally:
            migrations._migrations[:] = applied
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD)
    before = {
        table: query(path, f"SELECT * FROM {table}")
        for table in ("quote_findings", "passages", "snapshots", "checks", "captures")
    }

    with Ledger(path) as ledger:
        assert ledger._one("PRAGMA foreign_keys") == 1
        assert ledger.custody(["u"])["u"].snapshots[0].next_read_at is None

    for table, old in before.items():
        now = query(path, f"SELECT * FROM {table}")
        kind = {"quote_findings": "finding", "snapshots": "snapshot"}.get(table, "")
        assert [rows.chained(kind, row) for row in now] == old, table
    assert_append_only(path, "quote_findings")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO passages VALUES (6, '', '')")


def test_a_finding_is_of_a_look_or_of_a_copy(ledger: Ledger, path: Path) -> None:
    """One of neither could be checked by nobody."""
    a_full_ledger(ledger)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "INSERT INTO quote_findings SELECT 99, NULL, NULL, source_id, found_in, found_at, "
            "quote_sha256, result, reason, score, start, page, text_sha256, text_version, "
            "rules_version, NULL FROM quote_findings LIMIT 1"
        )


# ---- append-only -------------------------------------------------------------------------


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_was_seen_cannot_be_changed(ledger: Ledger, path: Path, table: str) -> None:
    """No program, nor a person with a shell, rewrites yesterday unnoticed."""
    a_full_ledger(ledger)

    assert_append_only(path, table)


def assert_append_only(path: Path, table: str) -> None:
    before = query(path, f"SELECT * FROM {table}")
    assert before
    row = before[0]
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    values = tuple(row.values())
    key = "seq" if table == "ledger" else "id"
    attempts: list[tuple[str, tuple[Any, ...]]] = [
        (f"UPDATE {table} SET {key} = {key} + 1000", ()),
        (f"UPDATE OR REPLACE {table} SET {key} = {key}", ()),
        (f"DELETE FROM {table}", ()),
        (f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", values),
        (f"REPLACE INTO {table} ({names}) VALUES ({marks})", values),
        (
            f"INSERT INTO {table} ({names}) VALUES ({marks}) "
            f"ON CONFLICT({key}) DO UPDATE SET {key} = excluded.{key} + 1000",
            values,
        ),
    ]
    for sql, given in attempts:
        with (
            closing(sqlite3.connect(path)) as connection,
            pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"),
        ):
            connection.execute(sql, given)
    assert query(path, f"SELECT * FROM {table}") == before


def test_they_are_append_only_after_a_later_migration_too(ledger: Ledger, path: Path) -> None:
    """sqlite-utils transforms a table by making it anew, which drops its triggers."""
    a_full_ledger(ledger)
    ledger.close()
    applied = migrations._migrations[:]

    @migrations()
    def later(db: Database) -> None:
        for table in APPEND_ONLY:
            db.table(table).transform(rename={"key": "of"} if table == "ledger" else {})

    try:
        with Ledger(path):
            pass
    finally:
        migrations._migrations[:] = applied

    assert len(query(path, "SELECT * FROM _sqlite_migrations")) == len(applied) + 1
    for table in APPEND_ONLY:
        assert_append_only(path, table)


def test_a_migration_that_fails_leaves_the_database_as_it_was(path: Path) -> None:
    """Half a migration would be neither the old program's database nor the new one's."""
    with Ledger(path) as ledger:
        a_full_ledger(ledger)
    before = query(path, "SELECT type, name, sql FROM sqlite_master ORDER BY name")
    applied = migrations._migrations[:]

    @migrations()
    def broken(db: Database) -> None:
        db.execute("CREATE TABLE half (id INTEGER)")
        db.execute("no such statement")

    try:
        with pytest.raises(StorageError):
            Ledger(path)
    finally:
        migrations._migrations[:] = applied

    assert query(path, "SELECT type, name, sql FROM sqlite_master ORDER BY name") == before
    Ledger(path, patience=0.5).close()


# ---- the chain ---------------------------------------------------------------------------


def test_the_chain_is_that_of_its_rows(ledger: Ledger, path: Path) -> None:
    """Whoever noted the head can recount it with nothing but SHA-256."""
    a_full_ledger(ledger)

    assert chain_of(path) == ledger.head
    assert query(path, "SELECT head FROM runs") == [{"head": ledger.head}]
    assert ledger.last_run() == replace(ledger.last_run() or begin(ledger), head=ledger.head)


def test_the_digests_in_the_ledger_are_those_of_the_rows(ledger: Ledger, path: Path) -> None:
    """A row that somebody changed with the triggers off is found out by its digest."""
    a_full_ledger(ledger)
    tables = {
        "capture": "captures",
        "check": "checks",
        "finding": "quote_findings",
        "submission": "submissions",
        "snapshot": "snapshots",
        "readback": "readbacks",
    }
    told = {
        (entry["kind"], entry["key"]): json.loads(entry["text"])
        for entry in query(path, "SELECT * FROM ledger ORDER BY seq")
    }

    assert {kind for kind, _ in told} == {*tables, "run", "derived"}
    for (kind, key), text in told.items():
        if kind == "derived":
            assert text["audit"]["rows"] == key == len(query(path, "SELECT id FROM audit"))
            continue
        if kind == "run":
            (row,) = query(path, "SELECT * FROM runs WHERE id = ?", key)
            told_of = {field.name: row[field.name] for field in fields(Run)} | {"head": ""}
            assert text["row_sha256"] == sha256(canonical(told_of))
            continue
        (row,) = query(path, f"SELECT * FROM {tables[kind]} WHERE id = ?", key)
        assert text["row_sha256"] == sha256(canonical(rows.chained(kind, row))), kind
        assert {name: text[name] for name in text if name in row and name != "key"}.items() <= (
            row.items()
        )


def test_no_words_of_a_page_are_in_the_ledger(ledger: Ledger, path: Path) -> None:
    """A text may have to be erased; the chain has to survive that."""
    a_full_ledger(ledger)

    assert query(path, "SELECT passage FROM passages") == [{"passage": PASSAGE}] * 2
    for entry in query(path, "SELECT text FROM ledger"):
        assert PASSAGE not in entry["text"]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM passages")
    assert chain_of(path) == ledger.head


def test_a_rolled_back_append_leaves_the_chain_and_the_head_right(
    ledger: Ledger, path: Path
) -> None:
    """The head is counted on while rows are written; a failure must take that back."""
    cited = source("one")
    mirror(ledger, cited)
    run = begin(ledger)
    ledger.append(run.id, [look(ledger, run, cited)])
    before = ledger.head

    with pytest.raises(StorageError, match="FOREIGN KEY"):
        ledger.append(run.id, [look(ledger, run, cited), look(ledger, run, source("stranger"))])

    assert ledger.head == before == chain_of(path)
    assert len(query(path, "SELECT * FROM checks")) == 1
    ledger.append(run.id, [look(ledger, run, cited)])
    assert ledger.head == chain_of(path) != before


def test_a_transaction_that_fails_at_its_commit_is_rolled_back(ledger: Ledger, path: Path) -> None:
    """A full disk shows at COMMIT; a deferred key does so too, without filling a disk."""
    mirror(ledger, source("one"))
    before = ledger.head

    def spoil() -> None:
        ledger._db.execute("PRAGMA defer_foreign_keys=ON")
        ledger._chain([("check", 1, "", {})])
        ledger._db.execute(
            "INSERT INTO standings (source_id, url, quote_sha256) VALUES ('x','','')"
        )

    with pytest.raises(StorageError, match="FOREIGN KEY"), ledger.transaction():
        spoil()

    assert ledger.head == before == chain_of(path)
    assert mirror(ledger, source("one"), source("two")).new == 1


def test_another_opening_goes_on_with_the_chain(path: Path) -> None:
    """A chain that began anew with every process would prove nothing."""
    with Ledger(path) as ledger:
        a_full_ledger(ledger)
        before = ledger.head
    with Ledger(path) as ledger:
        assert ledger.head == before
        whole_round(ledger, source("one"))

        assert chain_of(path) == ledger.head != before


# ---- the mirror --------------------------------------------------------------------------


def stored(path: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in query(path, "SELECT * FROM sources ORDER BY line")}


def test_the_mirror_tells_new_changed_and_retired_rows_apart(ledger: Ledger, path: Path) -> None:
    """What changed is due, what left is kept but no longer looked at."""
    assert mirror(ledger, source("a"), source("b"), source("c")) == Mirrored(
        new=3, changed=0, retired=0
    )
    later = NOW + timedelta(days=1)

    told = mirror(ledger, source("a"), source("b", note="new"), source("d"), now=later)

    assert told == Mirrored(new=1, changed=1, retired=1)
    found = stored(path)
    assert found["a"]["changed_at"] == rows.stamp(NOW)
    assert found["b"]["changed_at"] == rows.stamp(later)
    assert found["b"]["first_seen_at"] == rows.stamp(NOW)
    assert found["c"]["retired_at"] == rows.stamp(later)
    assert found["d"]["first_seen_at"] == rows.stamp(later)


def test_a_mirror_of_the_same_file_changes_nothing(ledger: Ledger, path: Path) -> None:
    """Cron reads the file every hour."""
    mirror(ledger, source("a"), source("b"))
    before = stored(path)

    told = mirror(ledger, source("a"), source("b"), now=NOW + timedelta(days=1))

    assert told == Mirrored(new=0, changed=0, retired=0)
    assert stored(path) == before


def test_another_order_of_lines_is_followed_and_is_no_change(ledger: Ledger, path: Path) -> None:
    """People sort their files; nothing is looked at again for that."""
    mirror(ledger, source("a"), source("b"))

    told = mirror(ledger, source("b"), source("a"), now=NOW + timedelta(days=1))

    assert told.changed == 0
    assert list(stored(path)) == ["b", "a"]
    assert stored(path)["b"]["changed_at"] == rows.stamp(NOW)


def test_a_row_that_returns_is_no_stranger(ledger: Ledger, path: Path) -> None:
    """When it was first cited is a fact that a week's absence does not change."""
    mirror(ledger, source("a"), source("b"))
    mirror(ledger, source("a"), now=NOW + timedelta(days=1))
    back = NOW + timedelta(days=2)

    mirror(ledger, source("a"), source("b"), now=back)

    row = stored(path)["b"]
    assert row["retired_at"] is None
    assert row["first_seen_at"] == rows.stamp(NOW)
    assert row["changed_at"] == rows.stamp(back)
    assert ledger.due(back) == ["a", "b"]


def test_a_row_that_is_wrong_keeps_what_was_known(ledger: Ledger, path: Path) -> None:
    """A slip of the editor must not retire a source."""
    mirror(ledger, source("a"), source("b"))
    before = stored(path)["b"]
    problem = RowProblem(line=3, column="url", problem="is odd", cure="Mend it", source_id="b")

    told = mirror(ledger, source("a"), problems=(problem,), now=NOW + timedelta(days=1))

    assert told == Mirrored(new=0, changed=0, retired=0)
    assert stored(path)["b"] == before


def test_many_leave_only_when_a_person_says_so(ledger: Ledger, path: Path) -> None:
    """An export that broke off looks like a list that shrank."""
    mirror(ledger, source("a"), source("b"), source("c"))
    before = stored(path)

    with pytest.raises(RetireError, match=r"2 of 3 sources.*--confirm-retire") as caught:
        mirror(ledger, source("a"), too_many=True)

    assert caught.value.exit_code == 2
    assert stored(path) == before
    assert mirror(ledger, source("a"), too_many=True, retire=True).retired == 2


def test_a_source_comes_back_from_the_mirror_as_it_went_in(ledger: Ledger) -> None:
    """What is derived is derived from the mirror, not from the file."""
    cited = source(
        "a", quote="Wörter\nzwei", tags=("x", "y"), extra=(("page", "7"),), preserve=Preserve.LOCAL
    )
    mirror(ledger, cited)

    assert ledger.sources(["a"]) == [replace(cited, line=2)]


# ---- what is due -------------------------------------------------------------------------


def test_a_source_is_due_until_it_was_looked_at(ledger: Ledger) -> None:
    """Newcomers do not wait for anything."""
    cited = source("a")
    mirror(ledger, cited, source("b"))

    whole_round(ledger, cited)

    assert ledger.due(NOW) == ["b"]
    assert ledger.due(NOW, everything=True) == ["a", "b"]


def test_a_source_is_due_again_when_its_time_has_come(ledger: Ledger, path: Path) -> None:
    """Time is the row's own: ``next_check_at``, to the second."""
    cited = source("a")
    mirror(ledger, cited)
    whole_round(ledger, cited)
    (row,) = query(path, "SELECT next_check_at FROM audit")
    at = rows.moment(row["next_check_at"])

    assert ledger.due(at - timedelta(seconds=1)) == []
    assert ledger.due(at) == ["a"]


@pytest.mark.parametrize("change", [{"url": "http://other.example/"}, {"quote": "other words"}])
def test_another_address_or_quotation_is_due_at_once(
    ledger: Ledger, change: dict[str, str]
) -> None:
    """Whoever corrects a row wants to know now whether it is right."""
    cited = source("a", quote="words")
    mirror(ledger, cited)
    whole_round(ledger, cited)
    assert ledger.due(NOW) == []

    mirror(ledger, replace(cited, **change))  # type: ignore[arg-type]

    assert ledger.due(NOW) == ["a"]


def test_another_note_is_not_due(ledger: Ledger) -> None:
    """It says nothing about the source."""
    cited = source("a", quote="words")
    mirror(ledger, cited)
    whole_round(ledger, cited)

    mirror(ledger, replace(cited, note="see also", claim="x"))

    assert ledger.due(NOW) == []


def test_rows_that_cannot_be_asked_are_never_due(ledger: Ledger) -> None:
    """A claim without an address, an address with a fault, and one that left."""
    mirror(
        ledger,
        source("a"),
        source("claim", url=""),
        source("fault", fault="no-scheme: it has none"),
        source("left"),
    )
    mirror(
        ledger,
        source("a"),
        source("claim", url=""),
        source("fault", fault="no-scheme: it has none"),
    )

    assert ledger.due(NOW) == ["a"]
    assert ledger.due(NOW, everything=True) == ["a"]


@pytest.mark.parametrize(
    ("seen", "due"),
    [
        (Seen.ALIVE, []),
        (Seen.MOVED, []),
        (Seen.BLOCKED, []),
        (Seen.FAILING, ["a"]),
        (Seen.GONE, ["a"]),
        (Seen.UNDECIDED, ["a"]),
    ],
)
def test_what_an_interrupted_round_saw_is_seen(ledger: Ledger, seen: Seen, due: list[str]) -> None:
    """A big list on a machine that is restarted daily has to come to its end some day."""
    cited = source("a")
    mirror(ledger, cited)
    run = begin(ledger)
    ledger.append(run.id, [look(ledger, run, cited, seen=seen)])
    end(ledger, run, "interrupted")

    assert ledger.due(NOW) == due


def test_what_was_seen_before_the_quotation_changed_is_looked_at_again(ledger: Ledger) -> None:
    """The interrupted round looked for other words."""
    cited = source("a", quote="old words")
    mirror(ledger, cited)
    run = begin(ledger)
    found = Finding(result=Quote.FOUND, reason="verbatim")
    ledger.append(run.id, [look(ledger, run, cited, finding=found)])
    end(ledger, run, "interrupted")
    assert ledger.due(NOW) == []

    changed = replace(cited, quote="new words")
    mirror(ledger, changed, now=NOW + timedelta(hours=1))

    assert ledger.due(NOW + timedelta(hours=1)) == ["a"]
    (check,) = ledger.new_checks(["a"])["a"]
    assert check.finding is None


def test_a_round_that_was_killed_is_noted_as_interrupted(ledger: Ledger, path: Path) -> None:
    """Its failures must count no strike, and nobody ran to say so."""
    cited = source("a")
    mirror(ledger, cited)
    killed = begin(ledger)
    ledger.append(killed.id, [look(ledger, killed, cited, seen=Seen.FAILING)])

    begin(ledger, NOW + timedelta(hours=1))

    first, second = query(path, "SELECT id, outcome, reason, ended_at FROM runs ORDER BY id")
    assert (first["outcome"], first["ended_at"]) == ("interrupted", "2026-11-02T13:00:00Z")
    assert first["reason"]
    assert second["outcome"] == "running"
    (check,) = ledger.new_checks(["a"])["a"]
    assert not check.conclusive


def test_a_conclusive_round_takes_in_each_look_once(ledger: Ledger) -> None:
    """A failure that was folded twice would be two strikes."""
    cited = source("a")
    mirror(ledger, cited)
    whole_round(ledger, cited, seen=Seen.FAILING)

    assert ledger.new_checks(["a"]) == {}
    run = begin(ledger)
    ledger.append(run.id, [look(ledger, run, cited)])
    assert [check.reading.seen for check in ledger.new_checks(["a"])["a"]] == [Seen.ALIVE]


# ---- answers -----------------------------------------------------------------------------


def test_audit_is_a_table_that_is_opened_without_counting_anything(
    ledger: Ledger, path: Path
) -> None:
    """A view over checks would cost more with every look; this costs what is shown."""
    (made,) = query(path, "SELECT type FROM sqlite_master WHERE name = 'audit'")
    plans = {
        sql: [row["detail"] for row in query(path, f"EXPLAIN QUERY PLAN {sql}")]
        for sql in (
            "SELECT * FROM audit ORDER BY id LIMIT 101",  # Datasette's first page
            "SELECT * FROM audit WHERE id > 'x' ORDER BY id LIMIT 101",
            "SELECT * FROM audit WHERE id = 'x'",
            "SELECT * FROM audit WHERE link = 'dead' LIMIT 101",
            "SELECT * FROM audit ORDER BY checked_at DESC LIMIT 101",
            "SELECT link, count(*) FROM audit GROUP BY link",
        )
    }

    assert made == {"type": "table"}
    for sql, steps in plans.items():
        assert len(steps) == 1, sql
        assert "INDEX" in steps[0], sql
        assert "audit" in steps[0], sql


def test_the_audit_table_has_the_columns_of_the_contract_in_its_order(
    ledger: Ledger, path: Path
) -> None:
    """Other people's queries name them."""
    names = (
        "id, title, link, quote, copy, cited, source_says, quote_url, snapshot_url, keepers, "
        "link_reason, quote_reason, copy_reason, link_since, quote_since, copy_since, checked_at, "
        "last_live_at, quote_first_found_at, quote_last_found_at, publisher, published, claim, "
        "quote_kind, lang, locator, url, final_url, suggested_url, status, agreement, "
        "snapshot_at, quote_local, quote_wayback, local_copy, judged_by, judged_until, strikes, "
        "next_check_at, sha256, text_sha256, rules_version, tags"
    ).split(", ")

    found = [row["name"] for row in query(path, "SELECT name FROM pragma_table_info('audit')")]

    assert found == names


def test_answers_come_back_as_they_went_in(ledger: Ledger) -> None:
    """The next round folds into what this one wrote."""
    cited = source("a", quote="words", tags=("x",))
    mirror(ledger, cited)
    whole_round(ledger, cited, seen=Seen.FAILING)

    standing = ledger.standings(["a"])["a"]

    assert standing.row.link is Link.SUSPECT
    assert standing.row.strikes == 1
    assert standing.last_strike_at == standing.failing_since == NOW
    assert list(ledger.audit()) == [standing.row]


def test_who_left_is_taken_out_of_the_answers_and_stays_in_the_looks(
    ledger: Ledger, path: Path
) -> None:
    """``audit`` has one row a source; yesterday is never overwritten."""
    one, two = source("a"), source("b")
    mirror(ledger, one, two)
    whole_round(ledger, one, two)
    mirror(ledger, one)

    with ledger.transaction():
        ledger.drop_retired()

    assert [row.id for row in ledger.audit()] == ["a"]
    assert len(query(path, "SELECT * FROM checks WHERE source_id = 'b'")) == 1


# ---- copies elsewhere --------------------------------------------------------------------


def test_only_public_addresses_without_a_good_copy_are_asked_about(ledger: Ledger) -> None:
    """One private row of an address keeps it from everybody."""
    sources = (
        source("old"),
        source("fine"),
        source("private", preserve=Preserve.LOCAL),
        source("nowhere", preserve=Preserve.NONE),
        source("error"),
        source("same-1", url="http://same.example/#one"),
        source("same-2", url="http://same.example/#two"),
        source("claim", url=""),
    )
    mirror(ledger, *sources)
    run = whole_round(ledger, sources[0])
    for one, days, status in (("fine", 10, 200), ("old", 200, 200), ("error", 10, 404)):
        at = NOW - timedelta(days=days)
        ledger.save_snapshot(
            Snapshot(
                run_id=run.id,
                address=f"http://{one}.example/",
                via="index",
                timestamp=f"{at:%Y%m%d%H%M%S}",
                original=f"http://{one}.example/",
                captured_at=at,
                url="",
                status=status,
                known_at=NOW,
            )
        )

    found = ledger.without_copy(NOW - timedelta(days=180), NOW - timedelta(days=7))

    assert found == [
        ("http://old.example/", "live"),
        ("http://error.example/", ""),
        ("http://same.example/", ""),
    ]


def test_an_answer_about_another_address_says_nothing_of_this_one(ledger: Ledger) -> None:
    """A row that got another url was never seen alive: it is not submitted for that."""
    cited = source("a")
    mirror(ledger, cited)
    whole_round(ledger, cited)

    mirror(ledger, replace(cited, url="http://new.example/"))

    assert ledger.without_copy(NOW, NOW - timedelta(days=7)) == [("http://new.example/", "")]


def test_a_capture_that_is_known_already_keeps_its_row(ledger: Ledger, path: Path) -> None:
    """Every look into the index names it again."""
    a_full_ledger(ledger)
    (row,) = query(path, "SELECT * FROM snapshots")

    again = ledger.save_snapshot(replace(rows.snapshot(row), id=0, via="index", known_at=NOW))

    assert again.id == row["id"]
    assert query(path, "SELECT * FROM snapshots") == [row]


def test_guards_name_every_table_that_the_contract_calls_append_only() -> None:
    """A table that is forgotten there is a table that can be rewritten."""
    told = " ".join(schema.guards())

    for table in APPEND_ONLY:
        for action in ("UPDATE", "DELETE", "INSERT"):
            assert f"BEFORE {action} ON {table} " in told


# ---- what the site reads -----------------------------------------------------------------


def found_by(path: Path, words: str) -> list[str]:
    """Ids of the rows of ``audit`` that the search finds."""
    sql = (
        "SELECT id FROM audit WHERE rowid IN "
        "(SELECT rowid FROM audit_fts WHERE audit_fts MATCH ?) ORDER BY id"
    )
    with closing(sqlite3.connect(path)) as connection:
        found = [row[0] for row in connection.execute(sql, [words])]
        # FTS5 compares index and table itself, and raises where they differ
        connection.execute("INSERT INTO audit_fts(audit_fts, rank) VALUES('integrity-check', 1)")
    return found


def test_the_search_follows_the_words_of_the_table(ledger: Ledger, path: Path) -> None:
    """A search that finds what is gone, or misses what is new, is worse than none."""
    first = source("a", title="Émigré reports", claim="They left", quote="we packed at night")
    mirror(ledger, first, source("b", title="Harvest"))
    derive(ledger, first)
    derive(ledger, source("b", title="Harvest"))

    assert found_by(path, "emigre") == found_by(path, "packed") == found_by(path, "left") == ["a"]

    derive(ledger, replace(first, title="Harvest reports"))

    assert found_by(path, "emigre") == []
    assert found_by(path, "harvest") == ["a", "b"]

    mirror(ledger, source("b", title="Harvest"), retire=True)
    with ledger.transaction():
        ledger.drop_retired()

    assert found_by(path, "harvest") == ["b"]


def test_the_search_is_not_written_when_no_word_changed(ledger: Ledger, path: Path) -> None:
    """A weekly round over 100,000 sources would double its work for nothing."""
    one = source("a", title="Harvest")
    mirror(ledger, one)
    derive(ledger, one)
    before = query(path, "SELECT id, block FROM audit_fts_data ORDER BY id")

    derive(ledger, one)

    assert query(path, "SELECT id, block FROM audit_fts_data ORDER BY id") == before


def test_a_database_of_before_gets_its_search_at_once(path: Path) -> None:
    """The maintainer's rows are there already when a newer version opens the file."""
    one = source("a", title="Harvest")
    with Ledger(path) as ledger:
        mirror(ledger, one)
        derive(ledger, one)
    with closing(sqlite3.connect(path)) as connection:
        for name in ("insert", "update", "delete"):
            connection.execute(f"DROP TRIGGER audit_found_{name}")
        connection.execute("DROP TABLE audit_fts")
        connection.execute("DROP TABLE daily")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'shown'")
        connection.commit()

    with Ledger(path):
        pass

    assert found_by(path, "harvest") == ["a"]


def test_the_day_keeps_the_numbers_of_its_last_round(ledger: Ledger, path: Path) -> None:
    """The picture over time must not need a million looks, nor count one day twice."""
    mirror(ledger, source("a"), source("b"))
    derive(ledger, source("a"))
    for later in (0, 6, 24):
        run = begin(ledger, NOW + timedelta(hours=later))
        if later == 6:
            derive(ledger, source("b"))
        with ledger.transaction():
            ended = replace(run, outcome="conclusive", ended_at=NOW + timedelta(hours=later))
            ledger.end_run(ended, derived=True)
    run = begin(ledger, NOW + timedelta(days=2))
    with ledger.transaction():
        ledger.end_run(replace(run, outcome="inconclusive", ended_at=NOW), derived=False)

    days = query(path, "SELECT day, answer, sources, run_id FROM daily WHERE axis = 'link'")

    assert days == [
        {"day": "2026-11-02", "answer": "unchecked", "sources": 2, "run_id": 2},
        {"day": "2026-11-03", "answer": "unchecked", "sources": 2, "run_id": 3},
    ]


def test_counts_and_facets_of_answers_read_no_rows(ledger: Ledger, path: Path) -> None:
    """The rows of 100,000 sources are 130 MB; what the home page counts is in an index."""
    for where in ("link = 'live'", "quote = 'found'", "copy = 'none'", "1"):
        for axis in ("link", "quote", "copy"):
            sql = f"SELECT {axis}, count(*) FROM audit WHERE {where} GROUP BY {axis}"
            (plan, *_) = query(path, f"EXPLAIN QUERY PLAN {sql}")
            assert "COVERING INDEX" in plan["detail"], sql


@pytest.mark.parametrize("axis", ["link", "quote", "copy"])
def test_a_filtered_page_comes_sorted_from_the_index(axis: str, ledger: Ledger, path: Path) -> None:
    """Sorting 80,000 live sources to show fifty of them took half a second."""
    sql = f"SELECT * FROM audit WHERE {axis} = 'live' ORDER BY link_since DESC LIMIT 51"

    plans = query(path, f"EXPLAIN QUERY PLAN {sql}")

    assert [plan["detail"] for plan in plans] == [
        f"SEARCH audit USING INDEX audit_{axis} ({axis}=?)"
    ]
