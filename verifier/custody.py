"""What is stored of copies elsewhere: what they are compared with, and which to ask for next."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from verifier import confirm, rows
from verifier.ledger import BELIEVED, LOOKS, Ledger
from verifier.records import (
    Check,
    CopyFinding,
    Custody,
    LocalCopy,
    Observed,
    Outcome,
    Quote,
    ReadBack,
    Snapshot,
    Source,
)

_CHUNK = 500
"""Keys a statement."""

_PUBLIC = (
    "SELECT address FROM sources WHERE retired_at IS NULL AND address != '' "
    "GROUP BY address HAVING min(preserve = 'public')"
)
"""Addresses that may be named to others: no row of them says otherwise."""


def of(ledger: Ledger, addresses: Sequence[str]) -> dict[str, Custody]:
    """What is known of these addresses' copies, with what reading them gave."""
    result = ledger.custody(addresses)
    readings: dict[str, list[ReadBack]] = {}
    for row in _many(ledger, _READ, addresses):
        readings.setdefault(row.pop("address"), []).append(rows.readback(row))
    seen = observed(ledger, list(readings))
    for address, read in readings.items():
        result[address] = replace(
            result[address],
            readings=tuple(read),
            observed=seen.get(address, Observed()),
            doubted=frozenset(one.id for one in _misses(read) if is_doubted(ledger, one, address)),
        )
    return result


def _misses(read: Sequence[ReadBack]) -> Iterator[ReadBack]:
    """The readings that miss a copy which was shown before."""
    shown: set[int] = set()
    for reading in read:
        if reading.outcome is Outcome.MEMENTO:
            shown.add(reading.snapshot_id)
        elif reading.outcome in _MISSED and reading.snapshot_id in shown:
            yield reading


def is_doubted(ledger: Ledger, reading: ReadBack, address: str) -> bool:
    """Whether *reading* misses a copy, and the archive most others in the days before.

    Args:
        reading: Stored or about to be.
        address: Of the copy.
    """
    if reading.outcome not in _MISSED:
        return False
    before = {
        "id": reading.id - 1 if reading.id else sys.maxsize,
        "since": rows.stamp(reading.read_at - _LATELY),
        "most": _RECENT,
    }
    recent = [
        (row["snapshot_id"], _host(row["address"]), row["outcome"] == Outcome.MEMENTO)
        for row in reversed(list(ledger.query(_LATELY_READ, before)))
    ]
    return confirm.missed_with_most([*recent, (reading.snapshot_id, _host(address), False)])


def _host(address: str) -> str:
    return urlsplit(address).netloc


_MISSED = (Outcome.MISSING, Outcome.NOT_OURS)
"""An archive that bars a page says so of that page: that is no fault of its own."""

_LATELY = timedelta(hours=48)  # both readings that make a copy lost are within it
_RECENT = 100
_LATELY_READ = (
    "SELECT r.snapshot_id, r.outcome, p.address FROM readbacks r "
    "JOIN snapshots p ON p.id = r.snapshot_id WHERE r.id <= :id AND r.read_at >= :since "
    "AND (r.outcome = 'memento' OR (r.outcome IN ('missing', 'not-ours') AND EXISTS ("
    " SELECT 1 FROM readbacks e WHERE e.snapshot_id = r.snapshot_id AND e.id < r.id"
    " AND e.outcome = 'memento'))) ORDER BY r.id DESC LIMIT :most"
)


_READ = (
    "SELECT r.*, p.address FROM readbacks r JOIN snapshots p ON p.id = r.snapshot_id "
    "WHERE p.address IN ({}) ORDER BY r.id"
)


def observed(ledger: Ledger, addresses: Sequence[str]) -> dict[str, Observed]:
    """What we saw of these addresses, for comparing copies with it."""
    looks: dict[int, dict[str, Any]] = {}
    texts: dict[int, set[tuple[str, int]]] = {}
    for row in _many(ledger, _SEEN, addresses):  # a row for each reading of a look, oldest first
        looks[row["id"]] = row
        read = texts.setdefault(row["id"], set())
        read |= {
            (row["text_sha256"], row["text_version"]),
            (row["new_sha256"] or "", row["new_version"] or 0),
        }
    found: dict[str, Observed] = {}
    for id, look in looks.items():
        seen = look["new_seen"] or look["seen"]
        if seen not in ("alive", "moved", "blocked"):
            continue
        known = found.get(look["address"], Observed())
        way = {str(hop["url"]) for hop in json.loads(look["hops"])} | {look["final_url"]}
        known = replace(known, addresses=known.addresses | way - {""})
        if seen != "blocked" and not look["part"]:
            known = replace(
                known,
                sha256s=known.sha256s | {look["sha256"]} - {""},
                texts=known.texts | {text for text in texts[id] if text[0]},
            )
        found[look["address"]] = known
    return found


_SEEN = (
    "SELECT c.id, c.address, c.final_url, c.hops, c.seen, c.sha256, c.text_sha256, "
    "c.text_version, c.truncated || c.undecoded || c.failure AS part, n.seen AS new_seen, "
    "n.text_sha256 AS new_sha256, n.text_version AS new_version "
    "FROM sources s JOIN checks c ON c.source_id = s.id AND c.address = s.address "
    "LEFT JOIN readings n ON n.check_id = c.id WHERE s.address IN ({}) ORDER BY c.id, n.id"
)
"""Looks with all that newer rules read in them; ``part`` is empty where a look brought all of a
page, and nobody had to look past a bad certificate for that."""


def findings(ledger: Ledger, ids: Sequence[str]) -> dict[str, list[CopyFinding]]:
    """What copies were found to say of the words that these sources quote now, oldest first."""
    found: dict[str, list[CopyFinding]] = {}
    for row in _many(ledger, _FOUND, ids):
        found.setdefault(row["source_id"], []).append(rows.copy_finding(row))
    return found


_FOUND = (
    "SELECT f.*, p.source_says FROM quote_findings f JOIN sources s ON s.id = f.source_id "
    "AND s.quote_sha256 = f.quote_sha256 LEFT JOIN passages p ON p.finding_id = f.id "
    "WHERE f.snapshot_id IS NOT NULL AND f.source_id IN ({}) ORDER BY f.id"
)


def local(ledger: Ledger, ids: Sequence[str]) -> dict[str, LocalCopy]:
    """What our own archive holds of the words that these sources quote now."""
    newest: dict[str, dict[int, tuple[int | None, Quote]]] = {}
    only: dict[str, dict[str, Any] | None] = {}
    for row in _many(ledger, _LOCAL, ids):  # a newer reading of the same look replaces the older
        said = (row["capture_id"], Quote(row["result"]))
        newest.setdefault(row["source_id"], {})[row["check_id"]] = said
        ours = row["found_in"] == "local" and only.get(row["source_id"], row) is not None
        only[row["source_id"]] = row if ours else None
    found = {id: _local([said[check] for check in sorted(said)]) for id, said in newest.items()}
    for id, ours_alone in only.items():
        if ours_alone is not None:
            since = rows.moment(ours_alone["found_at"])
            found[id] = replace(found[id], since=since, finding=rows.finding(ours_alone))
    return found


def _local(said: Sequence[tuple[int | None, Quote]]) -> LocalCopy:
    told = [(capture, says) for capture, says in said if says not in _UNTOLD]
    kept = [(capture, says) for capture, says in told if capture is not None]
    found = [capture for capture, says in kept if says is Quote.FOUND]
    return LocalCopy(
        capture_id=found[-1] if found else None,
        says=Quote.FOUND if found else (kept[-1][1] if kept else None),
        looked=bool(told),
    )


_UNTOLD = (Quote.UNCHECKED, Quote.NO_QUOTE)
_LOCAL = (
    "SELECT f.*, f.reason AS finding_reason, p.source_says FROM quote_findings f "
    "JOIN sources s ON s.id = f.source_id AND s.quote_sha256 = f.quote_sha256 "
    "JOIN checks c ON c.id = f.check_id AND c.url = s.url "
    "LEFT JOIN passages p ON p.finding_id = f.id "
    "WHERE f.found_in IN ('live', 'local') AND s.quote != '' AND f.source_id IN ({}) ORDER BY f.id"
)


def never_sought(ledger: Ledger, most: int) -> list[tuple[Source, Check]]:
    """Sources whose words no look was for, each with the newest good look that was kept."""
    found = list(ledger.query(_NEVER_SOUGHT, {"most": most}))
    newest = {row["id"]: row["check_id"] for row in found}
    ids = list(newest)
    looks = {
        row["id"]: rows.check(row)
        for row in _many(ledger, f"{LOOKS} WHERE c.id IN ({{}})", list(newest.values()))
    }
    return [(source, looks[newest[source.id]]) for source in ledger.sources(ids)]


_NEVER_SOUGHT = (
    "SELECT s.id, max(c.id) AS check_id FROM sources s CROSS JOIN checks c ON c.source_id = s.id "  # noqa: S608 - words of ours
    "AND c.url = s.url AND c.address = s.address JOIN runs r ON r.id = c.run_id "
    "LEFT JOIN readings n ON n.id = (SELECT max(id) FROM readings WHERE check_id = c.id) "
    "WHERE s.retired_at IS NULL AND s.quote != '' AND s.fault = '' AND NOT EXISTS ("
    " SELECT 1 FROM quote_findings f JOIN checks k ON k.id = f.check_id WHERE f.source_id = s.id"
    " AND f.quote_sha256 = s.quote_sha256 AND k.url = s.url AND k.address = s.address) "
    "AND c.capture_id IS NOT NULL AND coalesce(n.seen, c.seen) IN ('alive', 'moved') "
    f"AND c.truncated = '' AND c.undecoded = '' AND c.failure = '' AND {BELIEVED} "
    "GROUP BY s.id ORDER BY s.line LIMIT :most"
)


def sources_at(ledger: Ledger, address: str) -> list[Source]:
    """The sources of an address that are not retired."""
    sql = "SELECT * FROM sources WHERE retired_at IS NULL AND address IN ({}) ORDER BY line"
    return [rows.source(row) for row in _many(ledger, sql, [address])]


def read_addresses(ledger: Ledger) -> list[str]:
    """The addresses of which a copy was read."""
    found = ledger.query(
        "SELECT DISTINCT p.address FROM readbacks r JOIN snapshots p ON p.id = r.snapshot_id "
        "ORDER BY p.address"
    )
    return [row["address"] for row in found]


# ---- what is to be asked for -------------------------------------------------------------


def to_read(ledger: Ledger, now: datetime) -> list[Snapshot]:
    """The captures in the Wayback Machine whose turn to be read has come.

    Those that were never read first. Also what was read before the row was changed: its words may
    be others now.
    """
    found = ledger.query(_TO_READ, {"now": rows.stamp(now)})
    return [rows.snapshot(row) for row in found]


_TO_READ = (
    f"SELECT p.* FROM snapshots p WHERE p.archive = 'wayback' AND p.address IN ({_PUBLIC})"  # noqa: S608
    " AND (p.next_read_at IS NULL OR p.next_read_at <= :now OR EXISTS ("
    "  SELECT 1 FROM sources s WHERE s.address = p.address AND s.quote != ''"
    "  AND s.retired_at IS NULL AND s.changed_at > (SELECT max(r.read_at) FROM readbacks r"
    "   WHERE r.snapshot_id = p.id AND r.outcome = 'memento')))"
    " ORDER BY p.next_read_at, p.id"
)


def cited(ledger: Ledger) -> list[tuple[str, str]]:
    """``(address, archive_url)`` of the rows of public addresses that cite a copy."""
    found = ledger.query(
        "SELECT address, archive_url FROM sources WHERE retired_at IS NULL AND archive_url != ''"  # noqa: S608
        f" AND fault = '' AND address IN ({_PUBLIC}) ORDER BY line"
    )
    return [(row["address"], row["archive_url"]) for row in found]


def dated(ledger: Ledger, rested: datetime) -> list[Source]:
    """Sources with words and a date near which the index was not asked for a capture of late.

    Args:
        rested: Where it showed none before this, it is asked again.
    """
    found = ledger.query(
        "SELECT s.* FROM sources s WHERE s.retired_at IS NULL AND s.quote != ''"  # noqa: S608
        f" AND s.accessed || s.published != '' AND s.fault = '' AND s.address IN ({_PUBLIC})"
        " AND NOT EXISTS (SELECT 1 FROM near_lookups n WHERE n.address = s.address"
        "  AND n.near = coalesce(nullif(s.accessed, ''), s.published)"
        "  AND (n.answer = 'found' OR n.asked_at >= :rested)) ORDER BY s.line LIMIT 5000",
        {"rested": rows.stamp(rested)},
    )
    return [rows.source(row) for row in found]


def failing(ledger: Ledger, strikes: int) -> list[str]:
    """The public addresses that could be dead at their next failure.

    Args:
        strikes: So many were counted at least, unless the page is gone (410).
    """
    found = ledger.query(
        "SELECT s.address FROM sources s "  # noqa: S608
        "JOIN standings t ON t.source_id = s.id JOIN audit a ON a.id = s.id "
        "WHERE s.retired_at IS NULL AND t.failing_since IS NOT NULL "
        "AND coalesce(nullif(t.ruled_link, ''), a.link) = 'suspect' "
        f"AND (a.strikes >= :strikes OR t.gone_since IS NOT NULL) AND s.address IN ({_PUBLIC}) "
        "GROUP BY s.address ORDER BY min(s.line)",
        {"strikes": strikes},
    )
    return [row["address"] for row in found]


def _many(ledger: Ledger, sql: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(keys), _CHUNK):
        some = list(keys[start : start + _CHUNK])
        found += ledger.query(sql.format(", ".join("?" * len(some))), some)
    return found
