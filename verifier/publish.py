"""The public database: what may be shown of the audit, in a file that any Datasette opens."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from verifier.errors import InputError, StorageError
from verifier.rows import stamp

FORMAT = "verifier-public/1"
"""What the table ``publication`` says that the file is."""

LEFT_OUT = (
    "Bodies, headers and texts of pages, the words around a finding, where our own copies lie, "
    "notes and unknown columns of sources.csv, sources that left it, and copies of sources "
    "whose row or whose owner wants none public."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table of the audit database that is published in part; what is not named is not.

    Attributes:
        columns: In the audit's order; those that an older database lacks are passed over.
        where: Which rows; all by default.
        instead: SQL whose value stands in a column.
    """

    columns: str
    where: str = "1"
    instead: Mapping[str, str] = field(default_factory=dict)


_SHOWN = "IN (SELECT id FROM temp.shown)"
_OPEN = "IN (SELECT id FROM temp.shown WHERE open)"
_OPEN_ADDRESS = (
    "address IN (SELECT address FROM temp.shown)"
    " AND address NOT IN (SELECT address FROM temp.shown WHERE NOT open)"
)
_KEPT = "(SELECT k.id FROM temp.kept k WHERE k.id = {})"
_SNAPSHOT = f"snapshot_id IN (SELECT id FROM audit.snapshots WHERE {_OPEN_ADDRESS})"  # noqa: S608
_NEWS = (
    "(SELECT json_group_array(json(value)) FROM json_each(news) "  # noqa: S608
    f"WHERE json_extract(value, '$[0]') {_SHOWN})"
)
_HOPS = (
    "(SELECT json_group_array(json_object('url', json_extract(value, '$.url'), "
    "'status', json_extract(value, '$.status'), 'location', json_extract(value, '$.location'))) "
    "FROM json_each(hops))"
)

_TABLES = {
    "runs": _Table(
        columns="id started_at ended_at outcome reason network listed wrong_rows due checked "
        "derived_to sources_sha256 software rules_version news head",
        # changes of sources that left the list are nobody's business any more
        instead={
            "news": _NEWS,
        },
    ),
    "sources": _Table(
        columns="id url fetch_url address host quote quote_kind quote_from lang locator claim "
        "publisher title published accessed cited_in tags archive_url alt_urls preserve fault "
        "line quote_sha256 first_seen_at changed_at",
        where=f"id {_SHOWN}",
    ),
    "audit": _Table(
        columns="*",
        where=f"id {_SHOWN}",
        instead={
            "local_copy": _KEPT.format("local_copy"),
            "snapshot_url": f"CASE WHEN id {_OPEN} THEN snapshot_url ELSE '' END",
            "snapshot_at": f"CASE WHEN id {_OPEN} THEN snapshot_at END",
        },
    ),
    "captures": _Table(
        columns="id run_id url captured_at hop status content_type sha256 payload_sha256 "
        "payload_sha1 body_length truncated revisit_of",
        where="id IN (SELECT id FROM temp.kept)",
        instead={"revisit_of": _KEPT.format("revisit_of")},
    ),
    "checks": _Table(
        columns="id run_id source_id url address checked_at elapsed_ms attempts seen rule reason "
        "rules_version status failure final_url suggested_url hops content_type truncated "
        "undecoded sha256 payload_sha1 text_sha256 text_version retry_after capture_id",
        where=f"source_id {_SHOWN}",
        instead={"capture_id": _KEPT.format("capture_id"), "hops": _HOPS},
    ),
    "readings": _Table(
        columns="id check_id run_id read_at seen rule reason suggested_url rules_version "
        "text_sha256 text_version",
        where=f"check_id IN (SELECT id FROM audit.checks WHERE source_id {_SHOWN})",  # noqa: S608
    ),
    "snapshots": _Table(
        columns="id run_id address archive via timestamp original captured_at url status mimetype "
        "digest known_at next_read_at lost_at agreement",
        where=_OPEN_ADDRESS,
    ),
    "readbacks": _Table(
        columns="id run_id snapshot_id read_at outcome memento_datetime status original hops "
        "sha256 text_sha256 text_version",
        where=_SNAPSHOT,
    ),
    "quote_findings": _Table(
        columns="id check_id capture_id source_id found_in found_at quote_sha256 result reason "
        "score start page text_sha256 text_version rules_version snapshot_id",
        where=f"source_id {_SHOWN} AND (found_in = 'live' OR source_id {_OPEN})"
        f" AND (snapshot_id IS NULL OR {_SNAPSHOT})",
        instead={"capture_id": _KEPT.format("capture_id")},
    ),
    "submissions": _Table(
        columns="id run_id address archive state intent_at asked_at answered_at code tries "
        "retry_at snapshot_id",
        where=_OPEN_ADDRESS,
    ),
    "alternatives": _Table(
        columns="source_id relation url check_id checked_at link rule reason verified_by final_url",
        where=f"source_id {_SHOWN}",
        instead={"check_id": "(SELECT c.id FROM main.checks c WHERE c.id = check_id)"},
    ),
    "judgements": _Table(
        columns="id source_id url link reason judged_by judged_at until",
        where=f"source_id {_SHOWN}",
    ),
    "daily": _Table(columns="day axis answer sources run_id"),
    # the hashes of all entries chain without their texts; these stand where their rows do
    "ledger": _Table(
        columns="seq kind key text sha256 chain",
        instead={
            "text": "CASE kind"
            " WHEN 'run' THEN text"
            " WHEN 'check' THEN iif(key IN (SELECT id FROM main.checks), text, '')"
            " WHEN 'reading' THEN iif(key IN (SELECT id FROM main.readings), text, '')"
            " WHEN 'finding' THEN iif(key IN (SELECT id FROM main.quote_findings), text, '')"
            " WHEN 'readback' THEN iif(key IN (SELECT id FROM main.readbacks), text, '')"
            " WHEN 'judgement' THEN iif(key IN (SELECT id FROM main.judgements), text, '')"
            " ELSE '' END"
        },
    ),
}
"""In the order in which they are filled: a row comes after those that it points to."""

_PRIVATE = """
CREATE TEMP TABLE shown AS
  SELECT s.id, s.address, s.preserve = 'public' AND coalesce(a.copy, '') != 'excluded' AS open
  FROM audit.sources s LEFT JOIN audit.audit a ON a.id = s.id WHERE s.retired_at IS NULL;
CREATE UNIQUE INDEX temp.shown_id ON shown(id);
CREATE INDEX temp.shown_address ON shown(address);
CREATE TEMP TABLE kept (id INTEGER PRIMARY KEY);
INSERT OR IGNORE INTO temp.kept
  SELECT json_extract(h.value, '$.capture') FROM audit.checks c, json_each(c.hops) h
  WHERE json_extract(h.value, '$.capture') NOT NULL
  AND c.source_id IN (SELECT id FROM temp.shown WHERE open)
  AND c.address NOT IN (SELECT address FROM temp.shown WHERE NOT open);
INSERT OR IGNORE INTO temp.kept
  SELECT c.capture_id FROM audit.checks c WHERE c.capture_id NOT NULL
  AND c.source_id IN (SELECT id FROM temp.shown WHERE open)
  AND c.address NOT IN (SELECT address FROM temp.shown WHERE NOT open);
"""
"""Which sources are shown, of which of them copies may be named, and which captures those are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was written, in numbers of rows, and the chain's head in it."""

    sources: int
    checks: int
    head: str


def publish(database: Path, target: Path, *, software: str, now: datetime) -> Published:
    """Write the public database of *database* to *target*, whole or not at all.

    It is a new file each time, so nothing that was left out lingers in it, and it is put in the
    place of the former one at once. Of tables and columns, what is not on the list above is not
    published. The audit database may be written to meanwhile; what is seen of it is one moment.

    Raises:
        InputError: *target* can't be written, or is a file that this did not make.
        StorageError: The audit database can't be read.
    """
    target = target.resolve()
    _refuse_foreign(database, target)
    with _new_file(target) as beside:
        try:
            with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
                told = _fill(connection, database, software=software, now=now)
        except sqlite3.Error as error:
            cure = "Check the disk's free space, and that no other program holds the database"
            raise StorageError(str(database), str(error), cure) from error
    return told


def _refuse_foreign(database: Path, target: Path) -> None:
    if target.is_dir() or (target.exists() and target.samefile(database)):
        raise InputError(str(target), "that is where the audit is", "Name a file of its own")
    if not target.exists() or not target.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(f"{target.as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT format FROM publication").fetchone()
    except sqlite3.Error:
        found = None
    if found is None or not str(found[0]).startswith(FORMAT.partition("/")[0]):
        cure = "Name another file, or move that one away"
        raise InputError(str(target), "it is not a database that was published before", cure)


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """A file in the folder of *target* that takes its place when all went well."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".new")
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            beside.chmod(0o644)  # it is for everybody
            with beside.open("rb") as written:
                os.fsync(written.fileno())
            beside.replace(target)
        finally:
            for end in ("", "-journal", "-wal", "-shm"):
                beside.with_name(beside.name + end).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(str(target), error.strerror or str(error), "Name another") from error


def _fill(
    connection: sqlite3.Connection, database: Path, *, software: str, now: datetime
) -> Published:
    execute = connection.execute
    execute("PRAGMA journal_mode=DELETE")
    execute("ATTACH ? AS audit", [str(database)])
    execute("BEGIN")  # one moment of the audit, whatever a round writes meanwhile
    for statement in _PRIVATE.split(";\n"):
        if statement.strip():
            execute(statement)
    there = {name for (name,) in execute("SELECT name FROM audit.sqlite_master")}
    published = [name for name in _TABLES if name in there]
    for name in published:
        _copy(connection, name, _TABLES[name], set(published))
    _index(connection, published)
    execute(
        'CREATE VIRTUAL TABLE audit_fts USING fts5("title", "claim", "cited", content="audit", '
        'tokenize="unicode61 remove_diacritics 2")'
    )
    execute("INSERT INTO audit_fts(audit_fts) VALUES ('rebuild')")
    told = Published(
        sources=execute("SELECT count(*) FROM main.audit").fetchone()[0],
        checks=execute("SELECT count(*) FROM main.checks").fetchone()[0],
        head=(execute("SELECT chain FROM main.ledger ORDER BY seq DESC").fetchone() or [""])[0],
    )
    execute(
        "CREATE TABLE publication (format TEXT NOT NULL, published_at TEXT NOT NULL, "
        "software TEXT NOT NULL, head TEXT NOT NULL, left_out TEXT NOT NULL) STRICT"
    )
    values = (FORMAT, stamp(now), software, told.head, LEFT_OUT)
    execute("INSERT INTO publication VALUES (?, ?, ?, ?, ?)", values)
    if broken := execute("PRAGMA main.foreign_key_check").fetchall():
        msg = f"{len(broken)} rows would point at what is not published"
        raise sqlite3.IntegrityError(msg)
    execute("COMMIT")
    execute("DETACH audit")
    execute("VACUUM")
    return told


def _copy(connection: sqlite3.Connection, name: str, table: _Table, published: set[str]) -> None:
    """Make the table as the audit has it, less what is left out, and fill it."""
    there = connection.execute(f"PRAGMA audit.table_info({name})").fetchall()
    wanted = None if table.columns == "*" else table.columns.split()
    columns = [column for column in there if wanted is None or column[1] in wanted]
    keys = [column for column in sorted(columns, key=lambda column: column[5]) if column[5]]
    leads = {
        found[3]: f" REFERENCES {found[2]}({found[4] or 'id'})"
        for found in connection.execute(f"PRAGMA audit.foreign_key_list({name})")
        if found[2] in published
    }
    told = ", ".join(
        f"{column[1]} {column[2]}"
        # what is left out of a column is null in it
        f"{' NOT NULL' if column[3] and column[1] not in table.instead else ''}"
        f"{leads.get(column[1], '')}"
        for column in columns
    )
    key = ", ".join(column[1] for column in keys)
    connection.execute(f"CREATE TABLE main.{name} ({told}, PRIMARY KEY ({key})) STRICT")
    values = ", ".join(table.instead.get(column[1], column[1]) for column in columns)
    connection.execute(
        f"INSERT INTO main.{name} SELECT {values} FROM audit.{name} WHERE {table.where}"  # noqa: S608
    )


def _index(connection: sqlite3.Connection, published: list[str]) -> None:
    """The indexes of the audit whose columns are all published."""
    for name in published:
        columns = {column[1] for column in connection.execute(f"PRAGMA main.table_info({name})")}
        for row in connection.execute(f"PRAGMA audit.index_list({name})").fetchall():
            parts = connection.execute(f"PRAGMA audit.index_info({row[1]})").fetchall()
            named = [part[2] for part in parts]
            if row[3] == "c" and not row[4] and set(named) <= columns:
                connection.execute(f"CREATE INDEX main.{row[1]} ON {name} ({', '.join(named)})")
