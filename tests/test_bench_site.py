"""The database that ``make bench-site`` makes up: like a real one, and every page of it answers."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from bench.site import made_up
from bench.site.__main__ import pages
from verifier.ledger import Ledger
from verifier.site import server

SOURCES, LOOKS = 80, 3


def test_every_page_that_is_measured_answers_with_rows(tmp_path: Path) -> None:
    """An error is fast: a benchmark of error pages would please for years."""
    database = tmp_path / "audit.db"
    made_up.make(database, sources=SOURCES, looks=LOOKS)
    site = server.build(database, tmp_path / "warc")
    measured = pages(database)

    async def look() -> dict[str, str]:
        found = {}
        for name, path in measured.items():
            answer = await site.client.get(path)
            assert answer.status_code == 200, (name, answer.text)
            found[name] = answer.text
        return found

    shown = asyncio.run(look())
    site.executor.shutdown()

    assert f"{SOURCES} cited sources" in shown["home"]
    for name in ("table", "facet of most rows", "search, one word", "looks", "needs a person"):
        assert shown[name].count("<tr>") > 1, name
    assert shown["looks at a source"].count("<tr>") == LOOKS + 1


def test_what_is_made_up_is_as_rounds_leave_it(tmp_path: Path) -> None:
    """Keys that point nowhere, or an empty search, would make pages cheaper than they are."""
    database = tmp_path / "audit.db"
    made_up.make(database, sources=SOURCES, looks=LOOKS)

    with Ledger(database) as ledger:
        rows = list(ledger.audit())  # every answer is one that the program knows
    with closing(sqlite3.connect(database)) as connection:

        def one(sql: str) -> int:
            return int(connection.execute(sql).fetchone()[0])

        assert len(rows) == SOURCES
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert one("SELECT count(*) FROM checks") == SOURCES * LOOKS
        assert one("SELECT count(*) FROM audit_fts WHERE audit_fts MATCH 'a* OR e* OR b*'") > 0
        assert one("SELECT sum(sources) FROM daily WHERE axis = 'link'") == SOURCES * LOOKS
