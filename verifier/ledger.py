"""The audit database: what was seen is appended, and what it means is derived from that."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlite_utils import Database, Migrations

from verifier import belongings, chain, quotes, rows, schema
from verifier.chain import GENESIS as GENESIS
from verifier.errors import IntegrityError, RetireError, StorageError
from verifier.records import (
    AuditRow,
    Baseline,
    Capture,
    Check,
    CopyFinding,
    Custody,
    Judgement,
    Lookup,
    NearLookup,
    Probe,
    ReadBack,
    Run,
    SeenAlternative,
    Snapshot,
    Source,
    SourceList,
    Standing,
    Submission,
)

_CHUNK = 500  # rows or keys a statement; SQLite takes 32,766 of them

migrations = Migrations("verifier")


@migrations()
def first(db: Database) -> None:
    """The tables of the contract."""
    for statement in schema.FIRST.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def ruled(db: Database) -> None:
    """Room for what the rules say beneath a person's word, and for newer readings."""
    for statement in schema.RULED.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def read_back(db: Database) -> None:
    """Room for what reading copies back gives."""
    for statement in schema.READ_BACK.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def shown(db: Database) -> None:
    """Numbers of each day, and a search over titles, claims and quotations."""
    for statement in schema.SHOWN:
        db.conn.execute(statement)


@migrations()
def faster(db: Database) -> None:
    """Filters, facets and counts of 100,000 sources in milliseconds."""
    for statement in schema.FASTER:
        db.conn.execute(statement)


@migrations()
def second_looks(db: Database) -> None:
    """Room for what was seen beside a page, and for what it was like when first seen well."""
    for statement in schema.SECOND.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def cited(db: Database) -> None:
    """A way from a copy to the sources that it was made for."""
    db.conn.execute(schema.CITED)


@migrations()
def stood_in(db: Database) -> None:
    """Room for what is known of the sources' other addresses."""
    db.conn.execute(schema.ALTERNATIVES)


@migrations()
def courteous(db: Database) -> None:
    """What we owe an archive, over all rounds."""
    db.conn.execute(schema.COURTESY)


LOOKS = (
    "SELECT c.*, n.id AS reading_id, n.seen AS new_seen, n.rule AS new_rule, "
    "n.reason AS new_reason, n.suggested_url AS new_suggested_url, "
    "n.rules_version AS new_rules_version, n.text_sha256 AS new_text_sha256, "
    "n.text_version AS new_text_version, "
    "r.outcome IN ('running', 'conclusive') AS conclusive, r.outcome AS outcome, "
    "f.result, f.reason AS finding_reason, f.score, f.start, f.page, p.source_says, "
    "f.id AS finding_id "
    "FROM checks c JOIN runs r ON r.id = c.run_id JOIN sources s ON s.id = c.source_id "
    "LEFT JOIN readings n ON n.id = (SELECT max(id) FROM readings WHERE check_id = c.id) "
    "LEFT JOIN quote_findings f ON f.id = (SELECT max(id) FROM quote_findings "
    "WHERE check_id = c.id AND found_in = 'live' AND quote_sha256 = s.quote_sha256) "
    "LEFT JOIN passages p ON p.finding_id = f.id "
)
"""Looks with what newer rules made of them and the newest finding, for `rows.check`."""


_CHANGED_PASSAGES = (
    "SELECT f.check_id, p.passage AS now, q.passage AS earlier FROM quote_findings f "
    "JOIN sources s ON s.id = f.source_id AND s.quote_sha256 = f.quote_sha256 "
    "JOIN checks c ON c.id = f.check_id AND c.url = s.url AND c.address = s.address "
    "JOIN passages p ON p.finding_id = f.id JOIN passages q ON q.finding_id = ("
    "SELECT max(e.id) FROM quote_findings e JOIN checks k ON k.id = e.check_id "
    "AND k.url = c.url AND k.address = c.address WHERE e.source_id = f.source_id "
    "AND e.check_id < f.check_id AND e.found_in = 'live' AND e.result = 'found' "
    "AND e.quote_sha256 = f.quote_sha256 AND e.text_version = f.text_version) "
    "WHERE f.found_in = 'live' AND f.result = 'found' AND p.passage != q.passage "
    "AND f.check_id >= {first} AND f.source_id IN ({}) ORDER BY f.id"
)

BELIEVED = "r.network NOT IN ('portal', 'wrong-clock')"
"""Rounds in which what was seen was the sources', by the rules of `verifier.outage`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that one fetch of an address gave: its captures, and a check for each source of it.

    Attributes:
        captures: With their ids; the last is what the checks' ``capture_id`` names.
        quotes: SHA-256 of the quotation that each check looked for, in the checks' order.
        probes: What was seen beside the page.
        baseline: What the page was like, for those of its sources that have no baseline yet.
    """

    captures: tuple[Capture, ...]
    checks: tuple[Check, ...]
    quotes: tuple[str, ...]
    probes: tuple[Probe, ...] = ()
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """A stored look with what newer rules make of it.

    Attributes:
        check: With its id, the new reading, and the new finding.
        reading: The reading is another one than was known, and is to be kept.
        quote: SHA-256 of the quotation, where the finding is another one; else "".
        found_in: ``live``, or ``local`` where words that no look was for are looked for in what
            was kept of it.
    """

    check: Check
    reading: bool
    quote: str
    found_in: str = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What reading sources.csv changed: counts of sources."""

    new: int
    changed: int
    retired: int


class Ledger:
    """The audit database, open for writing by one round, or for reading by anyone.

    Not shared between threads: each opens its own. Times are whole seconds.

    Args:
        patience: Seconds to wait for a writer elsewhere before giving up.

    Raises:
        StorageError: The file cannot be opened, is locked for long, or is no database.
    """

    def __init__(self, path: Path, *, patience: float = 30.0) -> None:
        self.path = path
        with _storage(path):
            _make(path)
            connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
            self._db = Database(connection)
            self._unsealed = False
            try:
                self._open(patience)
            except BaseException:
                connection.close()  # an open transaction goes with it
                raise

    @classmethod
    def over(cls, connection: sqlite3.Connection, path: Path) -> Ledger:
        """A ledger to read only, over a connection of somebody else's, who closes it.

        Nothing is migrated: the tables have to be there. It must not be asked to write.
        """
        ledger = object.__new__(cls)
        ledger.path = path
        ledger._db = Database(connection, recursive_triggers=False, execute_plugins=False)
        return ledger

    def _open(self, patience: float) -> None:
        self._use_wal(ends=monotonic() + patience)
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=OFF")
        self._migrate()
        self._db.execute("PRAGMA foreign_keys=ON")
        self._capture_id = self._one("SELECT coalesce(max(id), 0) FROM captures")
        self._check_id = self._one("SELECT coalesce(max(id), 0) FROM checks")
        self._finding_id = self._one("SELECT coalesce(max(id), 0) FROM quote_findings")
        self._seq, self._head = self._tail()

    def _use_wal(self, *, ends: float) -> None:
        """Turn the log on; SQLite does not wait for others there, whatever the time-out says."""
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or monotonic() >= ends:
                    raise
                sleep(0.02)
            else:
                return

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what is committed stays."""
        self._db.close()

    def checkpoint(self, *, patience: float = 2.0) -> bool:
        """Fold the ``-wal`` into the file; whether that was done.

        Who reads meanwhile can keep it from ending: then the ``-wal`` stays, belongs to the
        database, and is folded in by a later round. Nothing is lost by that.

        Args:
            patience: Seconds to wait for readers. Nobody can write meanwhile.
        """
        with _storage(self.path):
            ((usual,),) = self._read("PRAGMA busy_timeout")
            self._db.execute(f"PRAGMA busy_timeout={patience * 1000:.0f}")
            try:
                ((hindered, *_),) = self._read("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._db.execute(f"PRAGMA busy_timeout={usual}")
        return not hindered

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; waits for other writers at its beginning, never in its middle."""
        with _storage(self.path):
            self._db.conn.execute("BEGIN IMMEDIATE")
            self._unsealed = False
            try:
                yield
                self._seal()
                self._db.conn.execute("COMMIT")
            except BaseException:
                if self._db.conn.in_transaction:  # SQLite ends it itself when the disk is full
                    self._db.conn.execute("ROLLBACK")
                self._seq, self._head = self._tail()
                raise

    # ---- rounds ------------------------------------------------------------------------

    def start_run(self, run: Run, *, sources_sha256: str, software: str, rules: int) -> Run:
        """Note that a round began; one that was killed before is noted as interrupted."""
        with self.transaction():
            for (id,) in self._read("SELECT id FROM runs WHERE outcome = 'running' ORDER BY id"):
                self._note_killed(id, run.started_at)
            run = replace(run, id=self._one("SELECT coalesce(max(id), 0) + 1 FROM runs"))
            derived_to = self._one("SELECT coalesce(max(derived_to), 0) FROM runs")
            row = rows.of_run(run) | {
                "sources_sha256": sources_sha256,
                "software": software,
                "rules_version": rules,
                "derived_to": derived_to,
            }
            self._db.table("runs").insert(row)
        return run

    def _note_killed(self, id: int, now: datetime) -> None:
        row = self._row("SELECT * FROM runs WHERE id = ?", [id])
        if row is not None:
            ended = replace(
                rows.run(row),
                outcome="interrupted",
                reason="killed before its end",
                ended_at=now,
            )
            self.end_run(ended, derived=False)

    def end_run(self, run: Run, *, derived: bool) -> Run:
        """Note how a round ended, and chain it. Call within the transaction that derives."""
        self._seal()
        (known,) = self._read(f"SELECT {', '.join(rows.RUN_HEAD)} FROM runs WHERE id = ?", [run.id])  # noqa: S608
        told = dict(zip(rows.RUN_HEAD, known, strict=True))
        if derived:
            told["derived_to"] = self._check_id
            self.note_day(run)
        digest = chain.digest(rows.of_run(replace(run, head="")))
        self._chain([("run", run.id, digest, told)])
        run = replace(run, head=self._head)
        self._db.table("runs").update(run.id, rows.of_run(run) | told)
        return run

    def note_day(self, run: Run, *, at: datetime | None = None) -> None:
        """Keep how many sources have each answer now, as the numbers of a day.

        What is noted later on the same day counts instead. Within a transaction.

        Args:
            run: The round that the answers are of.
            at: When a person changed one of them since; else the end of the round counts.
        """
        day = (at or run.ended_at or run.started_at).strftime("%Y-%m-%d")
        self._db.conn.execute("DELETE FROM daily WHERE day = ?", [day])
        for axis in ("link", "quote", "copy"):
            self._db.conn.execute(
                f"INSERT INTO daily SELECT ?, '{axis}', {axis}, count(*), ? FROM audit "  # noqa: S608
                f"GROUP BY {axis}",
                [day, run.id],
            )

    def last_run(self, *, conclusive: bool = False) -> Run | None:
        """The newest round, or the newest that was conclusive."""
        where = "outcome = 'conclusive'" if conclusive else "outcome != 'running'"
        found = self._row(f"SELECT * FROM runs WHERE {where} ORDER BY id DESC LIMIT 1")  # noqa: S608
        return rows.run(found) if found is not None else None

    def run_before(self, id: int) -> Run | None:
        """The newest finished round before that one."""
        found = self._row("SELECT * FROM runs WHERE id < ? ORDER BY id DESC LIMIT 1", [id])
        return rows.run(found) if found is not None else None

    def judged_since(self, since: datetime) -> list[Run]:
        """The rounds that judged and ended at that time or later, the oldest first."""
        found = self.query(
            "SELECT * FROM runs WHERE outcome IN ('conclusive', 'rejudged') "
            "AND ended_at >= ? ORDER BY id",
            [rows.stamp(since)],
        )
        return [rows.run(row) for row in found]

    def judged_last(self, most: int = 1) -> list[Run]:
        """The newest rounds that judged, the oldest of them first."""
        found = self.query(
            "SELECT * FROM runs WHERE outcome IN ('conclusive', 'rejudged') "
            "ORDER BY id DESC LIMIT ?",
            [most],
        )
        return [rows.run(row) for row in found][::-1]

    @property
    def origin(self) -> str:
        """The first link of the chain, which no other ledger has; "" before there is one."""
        row = self._row("SELECT chain FROM ledger WHERE seq = 1")
        return str(row["chain"]) if row is not None else ""

    # ---- sources -----------------------------------------------------------------------

    def mirror(
        self, listed: SourceList, *, now: datetime, retire: bool, too_many: bool
    ) -> Mirrored:
        """Make ``sources`` say what sources.csv says; rows that left are retired, not deleted.

        Rows that are wrong in the file keep what was known of them.

        Args:
            retire: A person confirmed that many may leave.
            too_many: What the rules say of the number that would leave.

        Raises:
            RetireError: More would leave than the rules let go unasked.
        """
        known = self.fingerprints()
        left = {row[0] for row in self._read("SELECT id FROM sources WHERE retired_at NOT NULL")}
        stay = {source.id for source in listed.sources}
        stay |= {problem.source_id for problem in listed.problems}
        leaving = [id for id in known if id not in stay]
        if too_many and leaving and not retire:
            raise RetireError(
                "sources.csv",
                f"{len(leaving)} of {len(known)} sources are no longer in it",
                "If that is meant, run again with --confirm-retire; nothing was changed",
            )
        at = rows.stamp(now)
        new = changed = 0
        waiting: list[rows.Row] = []
        shifted: list[tuple[int, str]] = []
        with self.transaction():
            for source in listed.sources:
                row = rows.of_source(source)
                digest, line = known.get(source.id, ("", 0))
                if source.id in left:
                    new += 1
                    self._update_source(row | {"changed_at": at, "retired_at": None})
                elif not digest:
                    new += 1
                    times = {"first_seen_at": at, "changed_at": at, "retired_at": None}
                    waiting.append(row | times)
                elif digest != row["row_sha256"]:
                    changed += 1
                    self._update_source(row | {"changed_at": at})
                elif line != source.line:
                    shifted.append((source.line, source.id))
                if len(waiting) == _CHUNK:
                    self._insert("sources", waiting)
                    waiting.clear()
            self._insert("sources", waiting)
            gone = [(at, id) for id in leaving]
            execute = self._db.conn.executemany
            execute("UPDATE sources SET retired_at = ? WHERE id = ?", gone)
            execute("UPDATE sources SET line = ? WHERE id = ?", shifted)
        return Mirrored(new=new, changed=changed, retired=len(leaving))

    def _update_source(self, row: rows.Row) -> None:
        self._db.table("sources").update(row["id"], row)

    def fingerprints(self) -> dict[str, tuple[str, int]]:
        """The digest and the line of each row of ``sources`` that is not retired, by id."""
        found = self._read("SELECT id, row_sha256, line FROM sources WHERE retired_at IS NULL")
        return {id: (digest, line) for id, digest, line in found}

    def sources(self, ids: Sequence[str]) -> list[Source]:
        """The sources with these ids, as the file had them."""
        found = self._many("SELECT * FROM sources WHERE id IN ({})", ids)
        return [rows.source(row) for row in found]

    def due(self, now: datetime, *, everything: bool = False) -> list[str]:
        """Ids of the sources to look at: never looked at, changed, or their time has come.

        What an interrupted round saw alive is not looked at again for that. Rows that can't
        be checked are not due.
        """
        sql = (
            "SELECT s.id FROM sources s LEFT JOIN standings t ON t.source_id = s.id "
            "LEFT JOIN audit a ON a.id = s.id "
            "WHERE s.retired_at IS NULL AND s.address != '' AND s.fault = ''"
        )
        if everything:
            return [row[0] for row in self._read(sql + " ORDER BY s.line")]
        sql += (
            " AND (t.source_id IS NULL OR t.url != rtrim(s.url || ' ' || s.fetch_url)"
            " OR t.quote_sha256 != s.quote_sha256"
            " OR a.next_check_at IS NULL OR a.next_check_at <= ?) ORDER BY s.line"
        )
        seen = {
            row[0]
            for row in self._read(
                "SELECT DISTINCT c.source_id FROM checks c JOIN runs r ON r.id = c.run_id "
                "JOIN sources s ON s.id = c.source_id AND s.url = c.url "
                "AND s.changed_at <= c.checked_at "
                "WHERE c.id > (SELECT coalesce(max(derived_to), 0) FROM runs) "
                "AND r.outcome = 'interrupted' "
                "AND c.seen IN ('alive', 'moved', 'blocked', 'hijacked')"
            )
        }
        return [row[0] for row in self._read(sql, [rows.stamp(now)]) if row[0] not in seen]

    # ---- looks -------------------------------------------------------------------------

    def next_capture_id(self) -> int:
        """The id that the next capture will have; taken, not only shown."""
        self._capture_id += 1
        return self._capture_id

    def earlier(self, url: str, payload_sha256: str) -> Capture | None:
        """The newest whole capture of the same bytes from the same address, itself no revisit."""
        found = self._read(
            "SELECT max(id) FROM captures WHERE url = ? AND payload_sha256 = ? "
            "AND truncated = '' AND revisit_of IS NULL",
            [url, payload_sha256],
        )
        if found[0][0] is None:
            return None
        row = self._row("SELECT * FROM captures WHERE id = ?", found[0])
        return rows.capture(row) if row is not None else None

    def append(self, run_id: int, looks: Sequence[Look]) -> None:
        """Write what was seen, and chain it, in one transaction.

        The WARC records must be on the disk before: a row never points to a record that a
        power cut could take.
        """
        captures, checks, findings, passages, entries = [], [], [], [], []
        probes, baselines = [], []
        probe_id = self._one("SELECT coalesce(max(id), 0) FROM probes")
        for look in looks:
            for probe in look.probes:
                probe_id += 1
                address = look.checks[0].address
                row = rows.of_probe(probe, probe_id, run_id=run_id, address=address)
                probes.append(row)
                entries.append(("probe", probe_id, chain.digest(row), _pick(row, rows.PROBE_HEAD)))
            for capture in look.captures:
                row = rows.of_capture(capture, run_id)
                self._capture_id = max(
                    self._capture_id, capture.id
                )  # other processes give ids, too
                captures.append(row)
                entries.append(
                    ("capture", capture.id, chain.digest(row), _pick(row, rows.CAPTURE_HEAD))
                )
            for check, quoted in zip(look.checks, look.quotes, strict=True):
                self._check_id += 1
                row = rows.of_check(replace(check, id=self._check_id))
                checks.append(row)
                head = _pick(row, rows.CHECK_HEAD)
                entries.append(("check", self._check_id, chain.digest(row), head))
                if look.baseline is not None:
                    baselines.append(rows.of_baseline(check, self._check_id, look.baseline))
                if check.finding is None:
                    continue
                self._finding_id += 1
                row = rows.of_finding(check, self._finding_id, self._check_id, quoted)
                findings.append(row)
                entries.append(_finding_entry(row))
                if check.finding.passage or check.finding.source_says:
                    passages.append(
                        (self._finding_id, check.finding.passage, check.finding.source_says)
                    )
        with self.transaction():
            self._insert("captures", captures)
            self._insert("checks", checks)
            self._insert("quote_findings", findings)
            self._insert("probes", probes)
            self._insert("baselines", baselines, " ON CONFLICT DO NOTHING")
            self._db.conn.executemany("INSERT INTO passages VALUES (?, ?, ?)", passages)
            self._chain(entries)

    def with_baselines(self) -> dict[str, bool]:
        """The addresses of which some source has a baseline, and whether every source has."""
        found = self._read(
            "SELECT s.address, count(*) = count(b.check_id) FROM sources s "
            "LEFT JOIN baselines b ON b.source_id = s.id AND b.url = s.url "
            "AND b.address = s.address "
            "WHERE s.retired_at IS NULL GROUP BY s.address HAVING count(b.check_id) > 0"
        )
        return {address: bool(every) for address, every in found}

    def baseline(self, address: str) -> Baseline | None:
        """What the page at an address was like when the first of its sources was seen well."""
        found = self._row(
            "SELECT b.* FROM baselines b JOIN sources s ON s.id = b.source_id "
            "AND s.url = b.url AND s.address = b.address "
            "WHERE b.address = ? AND s.retired_at IS NULL ORDER BY b.check_id LIMIT 1",
            [address],
        )
        return rows.baseline(found) if found is not None else None

    def forget_baselines(self, run_id: int) -> None:
        """Drop what a round took for pages that were none. Within a transaction."""
        made = "(SELECT id FROM checks WHERE run_id = ?)"
        self._db.conn.execute(f"DELETE FROM baselines WHERE check_id IN {made}", [run_id])  # noqa: S608

    def write_baselines(
        self, addresses: Sequence[str], made: Iterable[tuple[Check, Baseline]]
    ) -> None:
        """Replace the baselines of these addresses. Within a transaction."""
        execute = self._db.conn.executemany
        execute("DELETE FROM baselines WHERE address = ?", [(each,) for each in addresses])
        self._insert("baselines", [rows.of_baseline(check, check.id, like) for check, like in made])

    # ---- standings and audit -----------------------------------------------------------

    def undigested(self, since: str, *, now: datetime) -> list[str]:
        """Ids whose answers may have to change: new looks, another row, news of a copy, or a
        person's word that holds no longer.

        Args:
            since: When the last conclusive round began; "" when there was none.
        """
        found = self._read(
            "SELECT id FROM sources WHERE retired_at IS NULL AND ("
            " id NOT IN (SELECT id FROM audit) OR changed_at >= :since"
            " OR id IN (SELECT source_id FROM checks"
            "           WHERE id > (SELECT coalesce(max(derived_to), 0) FROM runs))"
            " OR address IN (SELECT address FROM submissions WHERE"
            "                max(intent_at, coalesce(answered_at, '')) >= :since)"
            " OR address IN (SELECT address FROM lookups WHERE asked_at >= :since)"
            " OR address IN (SELECT p.address FROM readbacks r JOIN snapshots p"
            "                ON p.id = r.snapshot_id WHERE r.read_at >= :since)"
            " OR id IN (SELECT id FROM audit WHERE judged_until < :now)"
            ") ORDER BY line",
            {"since": since, "now": rows.stamp(now)},
        )
        return [row[0] for row in found]

    def standings(self, ids: Sequence[str]) -> dict[str, Standing]:
        """The standing of each of these sources that has one."""
        found = self._many(
            "SELECT a.*, t.*, t.url AS standing_url, a.url AS url FROM standings t "
            "JOIN audit a ON a.id = t.source_id WHERE a.id IN ({})",
            ids,
        )
        return {row["source_id"]: rows.standing(row) for row in found}

    def new_checks(self, ids: Sequence[str], *, everything: bool = False) -> dict[str, list[Check]]:
        """The looks at these sources that no conclusive round has taken in, oldest first.

        With *everything* also those that were taken in.

        Those of the round under way (outcome ``running``) are taken to be conclusive. What was
        found of another quotation than the row has now is left out. A source without a standing
        gets all its looks: one that left and came back is no stranger.
        """
        new = "(t.source_id IS NULL OR c.id > (SELECT coalesce(max(derived_to), 0) FROM runs)) AND "
        found = list(
            self._many(
                f"{LOOKS} LEFT JOIN standings t ON t.source_id = c.source_id WHERE "
                f"{'' if everything else new}{BELIEVED} AND c.source_id IN ({{}}) ORDER BY c.id",
                ids,
            )
        )
        around = self._changed_around(ids, found)
        checks: dict[str, list[Check]] = {}
        for row in found:
            check = replace(rows.check(row), changed_around=around.get(row["id"], 0))
            checks.setdefault(row["source_id"], []).append(check)
        return checks

    def _changed_around(self, ids: Sequence[str], looks: Sequence[rows.Row]) -> dict[int, int]:
        """How many words around the quotation changed since it was found before, by look.

        Only passages that are still kept, and that the same extractor read, are compared.
        """
        if not looks:
            return {}
        first = min(row["id"] for row in looks)
        found = self._many(_CHANGED_PASSAGES.replace("{first}", str(int(first))), ids)
        return {row["check_id"]: quotes.changed_around(row["earlier"], row["now"]) for row in found}

    def write_standings(self, standings: Sequence[Standing]) -> None:
        """Replace the answers of these sources. Call within the transaction that derives."""
        self._unsealed = True
        self._replace("standings", [rows.of_standing(standing) for standing in standings])
        self._replace("audit", [rows.of_audit(standing.row) for standing in standings])

    def replace_alternatives(self, ids: Sequence[str], known: Sequence[SeenAlternative]) -> None:
        """Replace what is known of these sources' other addresses. Within a transaction."""
        self._unsealed = True
        delete = "DELETE FROM alternatives WHERE source_id = ?"
        self._db.conn.executemany(delete, [(id,) for id in ids])
        self._insert("alternatives", [rows.of_alternative(other) for other in known])

    def alternatives(self, id: str) -> tuple[SeenAlternative, ...]:
        """What is known of a source's other addresses, in the row's order."""
        found = self.query("SELECT * FROM alternatives WHERE source_id = ? ORDER BY rowid", [id])
        return tuple(rows.alternative(row) for row in found)

    def drop_retired(self) -> None:
        """Take sources that left out of ``audit``; their looks stay. Within a transaction."""
        self._unsealed = True
        gone = "(SELECT id FROM sources WHERE retired_at IS NOT NULL)"
        self._db.conn.execute(f"DELETE FROM audit WHERE id IN {gone}")  # noqa: S608
        self._db.conn.execute(f"DELETE FROM standings WHERE source_id IN {gone}")  # noqa: S608
        self._db.conn.execute(f"DELETE FROM alternatives WHERE source_id IN {gone}")  # noqa: S608
        self._db.conn.execute(
            "DELETE FROM baselines WHERE NOT EXISTS (SELECT 1 FROM sources s "
            "WHERE s.id = baselines.source_id AND s.url = baselines.url "
            "AND s.address = baselines.address AND s.retired_at IS NULL)"
        )

    def audit(self) -> Iterator[AuditRow]:
        """Every row of ``audit``, in the order of sources.csv."""
        with _storage(self.path):
            for row in self._db.query(
                "SELECT a.* FROM audit a JOIN sources s ON s.id = a.id ORDER BY s.line, a.id"
            ):
                yield rows.audit(row)

    def answers(self) -> dict[tuple[str, str], int]:
        """How many sources have each answer, by ``(axis, answer)``; none are left out."""
        return {
            (axis, answer): number
            for axis in ("link", "quote", "copy")
            for answer, number in self._read(
                f"SELECT {axis}, count(*) FROM audit GROUP BY {axis}"  # noqa: S608
            )
        }

    def next_check_at(self) -> datetime | None:
        """When the first of all sources is due."""
        ((at,),) = self._read("SELECT min(next_check_at) FROM audit")
        return rows.moment(at) if at is not None else None

    def was_well(self) -> set[str]:
        """Ids of the sources that were live or moved after the last conclusive round.

        By the rules: that a person vouches for a page that we can't reach proves no network.
        """
        found = self._read(
            "SELECT a.id FROM audit a LEFT JOIN standings t ON t.source_id = a.id "
            "WHERE coalesce(nullif(t.ruled_link, ''), a.link) IN ('live', 'moved')"
        )
        return {row[0] for row in found}

    # ---- people, and newer rules -------------------------------------------------------

    def judgements(self, ids: Sequence[str]) -> dict[str, list[Judgement]]:
        """What people said of these sources, oldest first."""
        said: dict[str, list[Judgement]] = {}
        for row in self._many("SELECT * FROM judgements WHERE source_id IN ({}) ORDER BY id", ids):
            said.setdefault(row["source_id"], []).append(rows.judgement(row))
        return said

    def add_judgement(self, judgement: Judgement) -> Judgement:
        """Append what a person says, and chain it. Call within the transaction that derives."""
        id = self._one("SELECT coalesce(max(id), 0) + 1 FROM judgements")
        judgement = replace(judgement, id=id)
        row = rows.of_judgement(judgement)
        self._insert("judgements", [row])
        self._chain([("judgement", id, chain.digest(row), _pick(row, rows.JUDGEMENT_HEAD))])
        return judgement

    def add_readings(self, run_id: int, again: Sequence[Reread], *, now: datetime) -> None:
        """Append what stored looks mean by newer rules, and chain it. Within a transaction."""
        readings, findings, passages, entries = [], [], [], []
        reading_id = self._one("SELECT coalesce(max(id), 0) FROM readings")
        for look in again:
            check = look.check
            if look.reading:
                reading_id += 1
                row = rows.of_reading(check, reading_id, run_id, now)
                readings.append(row)
                entries.append(
                    ("reading", reading_id, chain.digest(row), _pick(row, rows.READING_HEAD))
                )
            if look.quote and check.finding is not None:
                self._finding_id += 1
                row = rows.of_finding(check, self._finding_id, check.id, look.quote)
                row["found_in"] = look.found_in
                findings.append(row)
                entries.append(_finding_entry(row))
                if check.finding.passage or check.finding.source_says:
                    passages.append(
                        (self._finding_id, check.finding.passage, check.finding.source_says)
                    )
        self._insert("readings", readings)
        self._insert("quote_findings", findings)
        self._db.conn.executemany("INSERT INTO passages VALUES (?, ?, ?)", passages)
        self._chain(entries)

    # ---- archives ----------------------------------------------------------------------

    def custody(self, addresses: Sequence[str]) -> dict[str, Custody]:
        """What is known of these addresses' copies elsewhere."""
        result = {address: Custody(address=address) for address in addresses}
        for row in self._many(
            "SELECT * FROM snapshots WHERE address IN ({}) ORDER BY timestamp", addresses
        ):
            held = result[row["address"]]
            result[held.address] = replace(held, snapshots=(*held.snapshots, rows.snapshot(row)))
        for row in self._many(
            "SELECT * FROM submissions WHERE id IN (SELECT max(id) FROM submissions "
            "WHERE address IN ({}) GROUP BY address)",
            addresses,
        ):
            result[row["address"]] = replace(
                result[row["address"]], submission=rows.submission(row)
            )
        for row in self._many("SELECT * FROM lookups WHERE address IN ({})", addresses):
            result[row["address"]] = replace(result[row["address"]], lookup=rows.lookup(row))
        for row in self._many(
            "SELECT DISTINCT address FROM sources WHERE retired_at IS NULL "
            "AND preserve != 'public' AND address IN ({})",
            addresses,
        ):
            result[row["address"]] = replace(result[row["address"]], barred=True)
        return result

    def save_near_lookups(self, lookups: Sequence[NearLookup]) -> None:
        """Commit when the index was asked for captures near dates, and what it answered."""
        with self.transaction():
            self._replace("near_lookups", [rows.of_near_lookup(lookup) for lookup in lookups])

    def submitted_since(self, moment: datetime) -> int:
        """How many submissions were meant to leave since then."""
        sql = "SELECT count(*) FROM submissions WHERE intent_at >= ?"
        return int(self._read(sql, [rows.stamp(moment)])[0][0])

    def without_copy(self, young: datetime, late: datetime) -> list[tuple[str, str]]:
        """``(address, link)`` of public sources without a good capture since *young*.

        Not good is what was lost, what a row cites, what proved to be no 2xx, and what was known
        before *late* and was never shown. Of a confirmed copy the age is no matter.

        In the order of sources.csv, those with an open submission first; ``link`` is the
        answer of the last conclusive round, "" before there was one.
        """
        found = self._read(
            "SELECT s.address, coalesce(max(a.link), ''), min(s.line) AS line, EXISTS ("
            "  SELECT 1 FROM submissions q WHERE q.address = s.address"
            "  AND q.state IN ('intent', 'queued', 'unknown')) AS open"
            " FROM sources s LEFT JOIN audit a ON a.id = s.id AND a.url = s.url"
            " WHERE s.retired_at IS NULL AND s.address != '' AND s.fault = ''"
            " AND s.preserve = 'public' AND coalesce(a.copy, '') != 'confirmed' AND NOT EXISTS ("
            "  SELECT 1 FROM snapshots p WHERE p.address = s.address AND p.captured_at >= :young"
            "  AND (p.status IS NULL OR p.status BETWEEN 200 AND 299)"
            "  AND p.via != 'page' AND NOT EXISTS (SELECT 1 FROM readbacks r"
            "   WHERE r.snapshot_id = p.id AND r.outcome = 'memento'"
            "   AND (r.status < 200 OR r.status >= 300))"
            "  AND p.known_at >= coalesce((SELECT max(lost_at) FROM snapshots l"
            "   WHERE l.address = s.address), '') AND p.lost_at IS NULL"
            "  AND NOT (p.known_at <= :late AND p.agreement = '' AND EXISTS ("
            "   SELECT 1 FROM readbacks r WHERE r.snapshot_id = p.id AND r.outcome != 'trouble')))"
            " GROUP BY s.address ORDER BY open DESC, line",
            {"young": rows.stamp(young), "late": rows.stamp(late)},
        )
        return [(address, link) for address, link, _, _ in found]

    def save_submission(self, submission: Submission) -> Submission:
        """Commit a submission: a new row when its id is 0."""
        with self.transaction():
            if not submission.id:
                id = self._one("SELECT coalesce(max(id), 0) + 1 FROM submissions")
                submission = replace(submission, id=id)
            row = rows.of_submission(submission)
            self._replace("submissions", [row])
            self._chain([("submission", submission.id, chain.digest(row), {})])
        return submission

    def save_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Commit a capture that the archive named; one that is known already keeps its row."""
        with self.transaction():
            known = self._row(
                "SELECT * FROM snapshots WHERE address = ? AND archive = ? AND timestamp = ? "
                "AND original = ?",
                [snapshot.address, snapshot.archive, snapshot.timestamp, snapshot.original],
            )
            if known is not None:
                return rows.snapshot(known)
            id = self._one("SELECT coalesce(max(id), 0) + 1 FROM snapshots")
            snapshot = replace(snapshot, id=id)
            row = rows.of_snapshot(snapshot)
            self._insert("snapshots", [row])
            self._chain([("snapshot", id, chain.digest(rows.chained("snapshot", row)), {})])
        return snapshot

    def save_readback(
        self, readback: ReadBack, findings: Sequence[CopyFinding], snapshot: Snapshot
    ) -> ReadBack:
        """Commit what reading a copy back gave, with what was found in it, in one transaction.

        Args:
            snapshot: The copy, with when it is to be read next and what this reading made of it.
        """
        with self.transaction():
            id = self._one("SELECT coalesce(max(id), 0) + 1 FROM readbacks")
            readback = replace(readback, id=id)
            row = rows.of_readback(readback)
            entries = [("readback", id, chain.digest(row), _pick(row, rows.READBACK_HEAD))]
            found, passages = [], []
            for one in findings:
                self._finding_id += 1
                told = rows.of_copy_finding(replace(one, id=self._finding_id))
                found.append(told)
                entries.append(_finding_entry(told))
                if one.finding.passage or one.finding.source_says:
                    passages.append(
                        (self._finding_id, one.finding.passage, one.finding.source_says)
                    )
            self._insert("readbacks", [row])
            self._insert("quote_findings", found)
            self._db.conn.executemany("INSERT INTO passages VALUES (?, ?, ?)", passages)
            self._chain(entries)
            self.note_copy(snapshot)
        return readback

    def note_copy(self, snapshot: Snapshot) -> None:
        """Write what a copy's readings make of it. Within a transaction."""
        told = rows.of_snapshot(snapshot)
        self._db.table("snapshots").update(
            snapshot.id, {name: told[name] for name in ("next_read_at", "lost_at", "agreement")}
        )

    def save_lookup(self, lookup: Lookup) -> None:
        """Commit when the archive's index was asked, and what it answered."""
        with self.transaction():
            self._replace("lookups", [rows.of_lookup(lookup)])

    def save_courtesy(self, row: Mapping[str, Any]) -> None:
        """Commit what we owe an archive: a row of `verifier.courtesy`."""
        with self.transaction():
            self._replace("courtesies", [row])

    # ---- within ------------------------------------------------------------------------

    def query(
        self, sql: str, values: Sequence[Any] | dict[str, Any] = ()
    ) -> Iterator[dict[str, Any]]:
        """Rows of a question; it is for the other modules of this edge."""
        with _storage(self.path):
            yield from self._db.query(sql, values)

    @property
    def head(self) -> str:
        """The newest link of the chain; who noted it can tell later if a row is missing."""
        return self._head

    def _migrate(self) -> None:
        """Bring the tables up to date, all or nothing.

        Foreign keys are switched on after it: a table that is made anew is dropped in between.
        """
        if not migrations.pending(self._db):
            return
        self._db.conn.execute("BEGIN IMMEDIATE")  # waits while another process is migrating
        migrations.apply(self._db)
        for statement in (*schema.guards(), *schema.SEARCHABLE):
            self._db.conn.execute(statement)
        if broken := self._db.execute("PRAGMA foreign_key_check").fetchall():
            msg = f"a migration would leave {len(broken)} rows that point nowhere"
            raise sqlite3.IntegrityError(msg)
        self._db.conn.execute("COMMIT")

    def _tail(self) -> tuple[int, str]:
        row = self._row("SELECT seq, chain FROM ledger ORDER BY seq DESC LIMIT 1")
        return (row["seq"], row["chain"]) if row is not None else (0, GENESIS)

    def _chain(self, entries: Iterable[tuple[str, int, str, dict[str, Any]]]) -> None:
        """Add entries: canonical text, its SHA-256, and the hash of that and the one before."""
        seq, head, written = self._seq, self._head, []
        for kind, key, row_sha256, told in entries:
            text = chain.canonical({"kind": kind, "key": key, "row_sha256": row_sha256} | told)
            sha256, head = chain.link(head, text)
            seq += 1
            written.append((seq, kind, key, text, sha256, head))
        self._db.conn.executemany("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)", written)
        self._seq, self._head = seq, head

    def _seal(self) -> None:
        """Chain what the derived tables say now, where the transaction changed them."""
        if self._unsealed:
            self._unsealed = False
            sealed = chain.seal(self._db.conn)
            entry = (chain.DERIVED, sealed["audit"]["rows"], chain.digest(sealed), sealed)
            self._chain([entry])

    def _insert(self, table: str, found: Sequence[Mapping[str, Any]], instead: str = "") -> None:
        if found:
            names = ", ".join(found[0])
            marks = ", ".join("?" * len(found[0]))
            self._db.conn.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({marks}){instead}",  # noqa: S608
                [tuple(row.values()) for row in found],
            )

    def _replace(self, table: str, found: Sequence[Mapping[str, Any]]) -> None:
        if found:
            changes = ", ".join(f"{name} = excluded.{name}" for name in found[0])
            instead = f" ON CONFLICT ({rows.KEYS[table]}) DO UPDATE SET {changes}"
            self._insert(table, found, instead)

    def _read(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        with _storage(self.path):
            return self._db.conn.execute(sql, values).fetchall()

    def _one(self, sql: str) -> int:
        return int(self._read(sql)[0][0])

    def _row(self, sql: str, values: Sequence[Any] = ()) -> dict[str, Any] | None:
        with _storage(self.path):
            return next(iter(self._db.query(sql, values)), None)

    def _many(self, sql: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            with _storage(self.path):
                yield from self._db.query(sql.format(", ".join("?" * len(some))), list(some))


def _make(path: Path) -> None:
    """Make the file with the rights that the umask leaves: SQLite's own would bar a group.

    The files beside it get the rights that it has.
    """
    with suppress(OSError):  # SQLite says why, in a moment
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))


def _finding_entry(row: rows.Row) -> tuple[str, int, str, dict[str, Any]]:
    """The entry of a finding, whether of a look at the page or of a reading of a copy."""
    head = rows.FINDING_HEAD if row["snapshot_id"] is None else rows.COPY_FINDING_HEAD
    return ("finding", row["id"], chain.digest(rows.chained("finding", row)), _pick(row, head))


def _pick(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    """Turn what SQLite says into an error that names the file and the cure."""
    try:
        yield
    except sqlite3.Error as error:
        cure = "Check the disk's free space and the folder's permissions"
        said = str(error)
        if "locked" in said:
            cure = "Another program holds it; close that, or try again"
        elif "full" in said:
            cure = "Make room on the disk; the next round goes on by itself"
        elif "unable to open" in said or "readonly" in said or "disk I/O" in said:
            cure = belongings.why_not_opened(path) or cure
        elif "not a database" in str(error) or "malformed" in str(error):
            cure = "Restore the folder from a backup; verifier does not repair a database"
            raise IntegrityError(str(path), str(error), cure) from error
        raise StorageError(str(path), str(error), cure) from error
