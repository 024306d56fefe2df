"""``verifier publish``: the public database, and what a stock Datasette is told about it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verifier.attention import plural
from verifier.publish import LEFT_OUT, publish
from verifier.reporting import write_whole
from verifier.start import SOFTWARE, Common, show, stored


def publish_database(common: Common, target: Path, *, metadata: Path | None) -> int:
    """Write the public database, and Datasette's metadata for it where that is asked for."""
    stored(common).close()  # its tables are those of this version
    told = publish(common.database, target, software=SOFTWARE, now=datetime.now(UTC))
    if metadata is not None:
        words = json.dumps(described(target), indent=2, ensure_ascii=False) + "\n"
        write_whole(metadata, words)
    sources = plural(told.sources, "source", "sources")
    checks = plural(told.checks, "look", "looks")
    show(f"{target}: {sources}, {checks}. Left out: {LEFT_OUT}\nLedger head: {told.head}\n")
    return 0


def described(target: Path) -> dict[str, Any]:
    """Titles, descriptions, facets and queries for the database at *target*.

    Of what our own site is told, that which needs neither our plugin nor what was left out.
    """
    from verifier.site.metadata import metadata

    told = metadata(plugin={})
    (ours,) = told.pop("databases").values()
    told.pop("plugins", None)
    with closing(sqlite3.connect(target)) as connection:
        there = {
            name: {column[1] for column in connection.execute(f"PRAGMA table_info({name})")}
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        queries = {
            name: query
            for name, query in ours.get("queries", {}).items()
            if _is_answered(connection, query["sql"])
        }
    tables = {
        name: table
        | {"columns": {of: what for of, what in table.get("columns", {}).items() if of in columns}}
        for name, table in ours.get("tables", {}).items()
        if (columns := there.get(name)) is not None
    }
    of_us = {"description": f"{ours.get('description', '')} Left out: {LEFT_OUT}"}
    database = ours | of_us | {"tables": tables, "queries": queries}
    return told | {"databases": {target.stem: database}}


def _is_answered(connection: sqlite3.Connection, sql: str) -> bool:
    """Whether a query needs nothing that was left out."""
    try:
        connection.execute(f"EXPLAIN {sql}", _Anything())
    except sqlite3.OperationalError:
        return False
    return True


class _Anything(dict[str, str]):
    """A value for every name that a query asks for."""

    def __missing__(self, name: str) -> str:
        return ""
