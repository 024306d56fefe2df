"""Reads the audit database without changing it, and recounts what its ledger says of its rows.

Part of the edge whose door is `verifier.ledger`.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from verifier import chain, rows, schema
from verifier.errors import StorageError
from verifier.ledger import Ledger

_CHUNK = 500
_MUTABLE = {"submission", "run"}
"""Kinds whose rows are written more than once: their newest entry counts."""

Found = Callable[[str, str, tuple[str, ...]], None]
"""Told of a damage: place, problem, and the ids of the sources that it touches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A row of ``captures`` beside what a revisit refers to."""

    row: Mapping[str, Any]
    original: str | None
    original_sha256: str | None


class Recount:
    """The database as it is at one moment, for reading only.

    Args:
        found: Told of every damage, as it is met.

    Raises:
        StorageError: The file can't be opened; damage within it is told, not raised.
    """

    def __init__(self, path: Path, found: Found) -> None:
        self._path, self._found = path, found
        try:
            self._db = sqlite3.connect(_address(path), uri=True, timeout=30.0, isolation_level=None)
        except sqlite3.Error as error:
            raise StorageError(str(path), str(error), "Check the folder's permissions") from error
        self._db.row_factory = sqlite3.Row
        self._db.text_factory = lambda told: told.decode("utf-8", "replace")
        self._tables: set[str] = set()
        self.head = chain.GENESIS

    def __enter__(self) -> Recount:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def structure(self, *, quick: bool = False) -> None:
        """What SQLite itself finds: pages, indexes, keys of other tables, and our triggers.

        Args:
            quick: Only whether it can be read and has our tables and triggers.
        """
        with self._told("the database file"):
            self._db.execute("PRAGMA query_only=ON")
            self._db.execute("BEGIN")  # from here on everything is read as of one moment
            names = self._db.execute("SELECT type, name FROM sqlite_master").fetchall()
            self._tables = {row["name"] for row in names if row["type"] == "table"}
            triggers = self._db.execute(
                "SELECT name, CAST(sql AS BLOB) AS told FROM sqlite_master WHERE type = 'trigger'"
            )
            there = {row["name"]: row["told"] for row in triggers}
            for name, told in sorted(_guards().items()):
                if name.rpartition("_no_")[0] not in self._tables:
                    continue
                if name not in there:
                    self._found("the database", f"the guard {name} is gone", ())
                elif there[name] != told:
                    self._found("the database", f"the guard {name} is not what it was", ())
            if quick:
                return
            for (problem,) in self._db.execute("PRAGMA integrity_check(50)"):
                if problem != "ok":
                    self._found("the database file", f"SQLite says: {problem}", ())
            for table, rowid, other, _ in self._db.execute("PRAGMA foreign_key_check"):
                self._found(f"{table}, row {rowid}", f"what it refers to in {other} is gone", ())

    def ledger(self) -> Ledger:
        """The same database for the questions of others."""
        return Ledger.over(self._db, self._path)

    def size(self) -> int:
        """How many entries the ledger has, roughly: what a progress bar needs."""
        with self._told("ledger"):
            (newest,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()
            return int(newest)
        return 0

    def entries(self, heads: tuple[str, ...], step: Callable[[int], None]) -> int:
        """Recount the chain, and each entry's row; how many entries there are.

        Args:
            heads: Links that must be in the chain.
        """
        wanted, count, keys = set(heads), 0, dict[str, int]()
        with self._told("ledger"):
            for number, batch in enumerate(self._batches()):
                if not number and batch[0]["seq"] != 1:
                    self._found("ledger, entry 1", "it is missing", ())
                count += len(batch)
                self._links(batch, wanted)
                self._rows(batch, keys)
                step(count)
        for head in sorted(wanted - {chain.GENESIS}):
            problem = "it is not in the ledger: rows were deleted, or it is another archive's"
            self._found(f"the head {head}", problem, ())
        with self._told("ledger"):
            self._strangers()
        return count

    def _batches(self) -> Iterator[list[sqlite3.Row]]:
        cursor = self._db.execute("SELECT * FROM ledger ORDER BY seq")
        while batch := cursor.fetchmany(_CHUNK):
            yield batch

    def _links(self, batch: list[sqlite3.Row], wanted: set[str]) -> None:
        for entry in batch:
            place = f"ledger, entry {entry['seq']}"
            sha256, link = chain.link(self.head, entry["text"])
            if sha256 != entry["sha256"]:
                self._found(place, "its text differs from its hash", self._whose(entry))
                sha256, link = entry["sha256"], chain.step(self.head, entry["sha256"])
            if link != entry["chain"]:
                problem = "it is not chained to the entry before: one was changed or is missing"
                self._found(place, problem, self._whose(entry))
            self.head = entry["chain"]
            wanted.discard(self.head)

    # ---- the rows that entries stand for -------------------------------------------------

    def _rows(self, batch: list[sqlite3.Row], keys: dict[str, int]) -> None:
        by_kind: dict[str, list[sqlite3.Row]] = {}
        for entry in batch:
            by_kind.setdefault(entry["kind"], []).append(entry)
        for kind, entries in by_kind.items():
            if kind == chain.DERIVED:
                continue
            table = chain.TABLES.get(kind)
            if table is None or table not in self._tables:
                for entry in entries:
                    problem = f"it is of a kind that is not known ({kind[:40]})"
                    self._found(f"ledger, entry {entry['seq']}", problem, ())
                continue
            if kind not in _MUTABLE:
                self._rise(kind, entries, keys)
                self._compare(table, entries)

    def _rise(self, kind: str, entries: list[sqlite3.Row], keys: dict[str, int]) -> None:
        for entry in entries:
            if entry["key"] <= keys.get(kind, 0):
                place = f"ledger, entry {entry['seq']}"
                self._found(place, f"{kind} {entry['key']} is chained twice", self._whose(entry))
            keys[kind] = max(keys.get(kind, 0), entry["key"])

    def _compare(self, table: str, entries: list[sqlite3.Row]) -> None:
        marks = ", ".join("?" * len(entries))
        sql = f"SELECT * FROM {table} WHERE id IN ({marks})"  # noqa: S608
        found = {row["id"]: row for row in self._db.execute(sql, [e["key"] for e in entries])}
        for entry in entries:
            self._same(table, entry, found.get(entry["key"]))

    def _same(self, table: str, entry: sqlite3.Row, row: sqlite3.Row | None) -> None:
        place = f"{table}, row {entry['key']}"
        try:
            told = json.loads(entry["text"])
            expected, kind, key = told["row_sha256"], told["kind"], told["key"]
        except (ValueError, KeyError, TypeError):
            return  # its text differs from its hash, and that was told
        if (kind, key) != (entry["kind"], entry["key"]):
            problem = f"its key or kind is not that of its text ({kind} {key})"
            self._found(f"ledger, entry {entry['seq']}", problem, self._whose(entry))
        elif row is None:
            self._found(place, "it is missing", self._whose(entry))
        elif expected != _digest(kind, dict(row)) or not _agrees(entry, told, row):
            self._found(place, "it differs from its digest in the ledger", self._whose(entry))

    def _strangers(self) -> None:
        """Rows that are in no entry, and the newest entries of rows that change."""
        for kind, table in chain.TABLES.items():
            if table not in self._tables:
                continue
            listed = "SELECT key FROM ledger WHERE kind = ?"
            sql = f"SELECT id FROM {table} WHERE id NOT IN ({listed})"  # noqa: S608
            if kind == "run":
                sql += " AND outcome != 'running'"
            for (id,) in self._db.execute(sql, [kind]):
                self._found(f"{table}, row {id}", "no entry of the ledger stands for it", ())
            if kind in _MUTABLE:
                newest = (
                    "SELECT * FROM ledger WHERE seq IN "
                    "(SELECT max(seq) FROM ledger WHERE kind = ? GROUP BY key)"
                )
                for entry in self._db.execute(newest, [kind]):
                    self._compare(table, [entry])

    def derived(self) -> int | None:
        """Compare the derived tables with their newest seal; how many rows, None: no seal yet."""
        with self._told("audit"):
            entry = self._db.execute(
                "SELECT * FROM ledger WHERE kind = ? ORDER BY seq DESC LIMIT 1", [chain.DERIVED]
            ).fetchone()
            if entry is None:
                return None
            sealed = json.loads(entry["text"])
            columns = {table: sealed[table]["columns"] for table in ("audit", "standings")}
            with closing(self._plain()) as plain:
                now = chain.seal(plain, columns)
            for table in columns:
                if now[table] != sealed[table]:
                    problem = f"its rows differ from the seal in the ledger, entry {entry['seq']}"
                    self._found(table, problem, ())
            return int(now["audit"]["rows"])
        return None

    def _plain(self) -> sqlite3.Cursor:
        cursor = self._db.cursor()
        cursor.row_factory = None
        return cursor

    def sources(self) -> int:
        """Compare each row of ``sources`` with its own digest; how many there are."""
        count = 0
        with self._told("sources"):
            for row in self._db.execute("SELECT * FROM sources"):
                count += 1
                try:
                    told = rows.of_source(rows.source(row))
                    same = all(told[name] == row[name] for name in told)
                except (ValueError, TypeError, KeyError, LookupError):
                    same = False
                if not same:
                    self._found(
                        "sources", f"row {row['id']!r} differs from its digest", (row["id"],)
                    )
        return count

    # ---- captures and their sources ------------------------------------------------------

    def captures(self) -> Iterator[Placed]:
        """Every capture in the order of files and offsets."""
        with self._told("captures"):
            for row in self._db.execute(
                "SELECT c.*, o.record_id AS o_record, o.payload_sha256 AS o_sha256 FROM captures c "
                "LEFT JOIN captures o ON o.id = c.revisit_of AND o.revisit_of IS NULL "
                "ORDER BY c.file, c.offset"
            ):
                yield Placed(
                    row=dict(row), original=row["o_record"], original_sha256=row["o_sha256"]
                )

    def of_capture(self, id: int) -> tuple[str, ...]:
        """Ids of the sources whose evidence rests on this capture, also by way of revisits."""
        with self._told("checks"):
            ids = [id, *self._ints("SELECT id FROM captures WHERE revisit_of = ?", id)]
            found: set[str] = set()
            for one in ids[:_CHUNK]:
                found.update(
                    row[0]
                    for row in self._db.execute(
                        "SELECT DISTINCT k.source_id FROM captures c JOIN checks k "
                        "ON k.run_id = c.run_id WHERE c.id = ? AND (k.capture_id = c.id "
                        "OR k.hops LIKE '%\"capture\":' || c.id || '}%')",
                        [one],
                    )
                )
            return tuple(sorted(found))
        return ()

    def disagreements(self) -> None:
        """Looks whose hashes are not those of their capture."""
        with self._told("checks"):
            for row in self._db.execute(
                "SELECT k.id, k.source_id FROM checks k JOIN captures c ON c.id = k.capture_id "
                "WHERE k.sha256 != c.sha256 OR k.payload_sha1 != c.payload_sha1"
            ):
                problem = "its hashes are not those of its capture"
                self._found(f"checks, row {row['id']}", problem, (row["source_id"],))

    def _ints(self, sql: str, *values: object) -> list[int]:
        return [int(row[0]) for row in self._db.execute(sql, values)]

    def _whose(self, entry: sqlite3.Row) -> tuple[str, ...]:
        """The sources of an entry: what its text says, else what its row says."""
        told: Any = None
        try:
            told = json.loads(entry["text"]).get("source_id")
        except (ValueError, AttributeError):
            told = None
        if isinstance(told, str):
            return (told,)
        with self._told("checks"):
            match entry["kind"]:
                case "capture":
                    return self.of_capture(entry["key"])
                case "check" | "finding" | "judgement":
                    table = chain.TABLES[entry["kind"]]
                    sql = f"SELECT source_id FROM {table} WHERE id = ?"  # noqa: S608
                case "reading":
                    sql = (
                        "SELECT c.source_id FROM readings r JOIN checks c ON c.id = r.check_id "
                        "WHERE r.id = ?"
                    )
                case "submission" | "snapshot":
                    table = chain.TABLES[entry["kind"]]
                    sql = (
                        f"SELECT s.id FROM {table} t JOIN sources s ON s.address = t.address "  # noqa: S608
                        "WHERE t.id = ?"
                    )
                case _:
                    return ()
            return tuple(str(row[0]) for row in self._db.execute(sql, [entry["key"]]))
        return ()

    @contextmanager
    def _told(self, place: str) -> Iterator[None]:
        """What SQLite can't read is a damage, not an end: the rest is looked at all the same.

        Raises:
            StorageError: The trouble is no damage: the file is locked, or the disk fails.
        """
        try:
            yield
        except (sqlite3.Error, LookupError, TypeError, ValueError, AttributeError) as error:
            # all but SQLite's own are of columns or values that are not what they can be
            if isinstance(error, sqlite3.OperationalError) and _is_trouble(error):
                cure = "Close what else holds the database, and check the folder's permissions"
                raise StorageError(str(self._path), str(error), cure) from error
            self._found(place, f"it can't be read: {error}", ())


def _address(path: Path) -> str:
    """How to open the database such that nothing is changed and nothing left behind.

    With a ``-wal`` that holds something: for reading, so that closing does not fold it in.
    Without: SQLite makes one, and takes it away only if it may write; where the folder can't
    be written, nobody writes, and none is needed.
    """
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        mode = "mode=ro"
    elif os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        mode = "mode=rw"
    else:
        mode = "mode=ro&immutable=1"
    return f"file:{quote(str(path))}?{mode}"


def _is_trouble(error: sqlite3.OperationalError) -> bool:
    words = ("locked", "busy", "unable to open", "disk I/O", "readonly", "full", "memory")
    return any(word in str(error) for word in words)


def _digest(kind: str, row: dict[str, Any]) -> str:
    """What the ledger says of a row that is as it was written; "" where it can't be one."""
    if kind != "run":
        return chain.digest(rows.chained(kind, row))
    try:
        return chain.digest(rows.of_run(replace(rows.run(row), head="")))
    except (ValueError, TypeError, KeyError):
        return ""


def _agrees(entry: sqlite3.Row, told: dict[str, Any], row: sqlite3.Row) -> bool:
    """Whether a row has the values that its entry names; a round's head is the entry's link."""
    names = set(row.keys()) - {"key", "kind"}
    named = all(told[name] == row[name] for name in names & set(told))
    return named and (entry["kind"] != "run" or row["head"] == entry["chain"])


def _guards() -> dict[str, bytes]:
    """The triggers that keep rows from being changed: by name, as SQLite keeps their words."""
    statements = (statement.replace("IF NOT EXISTS ", "") for statement in schema.guards())
    return {statement.split()[2]: statement.encode() for statement in statements}
