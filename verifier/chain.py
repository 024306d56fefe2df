"""How the ledger is chained: what is hashed of a row, and each link to the one before.

Part of the edge whose door is `verifier.ledger`. Whoever has the database can do the same with
any program that knows JSON and SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

GENESIS = "0" * 64
"""What the first entry of the ledger is chained to."""

TABLES = {
    "capture": "captures",
    "check": "checks",
    "finding": "quote_findings",
    "reading": "readings",
    "judgement": "judgements",
    "submission": "submissions",
    "snapshot": "snapshots",
    "readback": "readbacks",
    "run": "runs",
}
"""The table of each kind of entry; its ``key`` is the row's id."""

DERIVED = "derived"
"""The kind of an entry that seals the derived tables as a whole; its ``key`` counts the rows."""

_SEALED = (("audit", "id"), ("standings", "source_id"))

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: the same row always hashes the same."""
    return _encode(value)


def digest(row: Mapping[str, Any]) -> str:
    """SHA-256 of a row's canonical text."""
    return hashlib.sha256(canonical(row).encode()).hexdigest()


def link(head: str, text: str) -> tuple[str, str]:
    """``(sha256, chain)`` of an entry with this text after the link *head*."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return sha256, step(head, sha256)


def step(head: str, sha256: str) -> str:
    """The link after *head*, of an entry whose text has this hash."""
    return hashlib.sha256(f"{head}{sha256}".encode()).hexdigest()


def seal(
    connection: sqlite3.Connection | sqlite3.Cursor, columns: Mapping[str, list[str]] | None = None
) -> dict[str, dict[str, Any]]:
    """What seals each derived table: how many rows, their SHA-256, and of which columns.

    Hashed is a line for each row, in the order of the keys: a JSON array of the columns.

    Args:
        columns: Of each table, as an earlier seal has them, so that a column that a later
            version adds does not break it; None: all there are.
    """
    sealed = {}
    for table, key in _SEALED:
        if columns is None:
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        else:
            names = columns[table]
        listed = ", ".join(f'"{name}"' for name in names)
        engine, count = hashlib.sha256(), 0
        for row in connection.execute(f"SELECT {listed} FROM {table} ORDER BY {key}"):  # noqa: S608
            engine.update(f"{_encode(row)}\n".encode())
            count += 1
        sealed[table] = {"rows": count, "sha256": engine.hexdigest(), "columns": names}
    return sealed
