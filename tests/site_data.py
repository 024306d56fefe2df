"""An archive with made-up rows and real WARC records, for tests of the site."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verifier import rows, warc
from verifier.ledger import Ledger
from verifier.records import Capture, Hop

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SINCE = "2026-11-20T03:17:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A folder as a round leaves it."""

    folder: Path

    @classmethod
    def new(cls, folder: Path) -> Archive:
        """An archive before its first round."""
        folder.mkdir(parents=True, exist_ok=True)
        with Ledger(folder / "audit.db"):
            pass
        return cls(folder=folder)

    @property
    def database(self) -> Path:
        return self.folder / "audit.db"

    @property
    def warc(self) -> Path:
        return self.folder / "warc"

    def insert(self, table: str, **values: Any) -> None:
        """One row; columns that are not named get an empty text, a zero or null."""
        with sqlite3.connect(self.database, timeout=30) as connection:
            for name, kind, required in [
                (column[1], column[2], column[3])
                for column in connection.execute(f"PRAGMA table_info({table})")
            ]:
                if required:
                    values.setdefault(name, "" if kind == "TEXT" else 0)
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"
            connection.execute(sql, list(values.values()))
        connection.close()

    def run(self, number: int = 1, **values: Any) -> None:
        """A conclusive round."""
        self.insert(
            "runs",
            **{
                "id": number,
                "started_at": SINCE,
                "ended_at": SINCE,
                "outcome": "conclusive",
                "network": "up",
                "problems": "[]",
                "news": "[]",
                "head": "ab" * 32,
                **values,
            },
        )

    def source(self, name: str, **answers: Any) -> None:
        """A source with its row in ``audit``: sound, but for *answers*."""
        url = answers.get("url", f"https://example.org/{name}")
        self.insert(
            "sources",
            id=name,
            url=url,
            address=url,
            title=answers.get("title", ""),
            quote=answers.get("cited", ""),
            quote_sha256=rows.quote_sha256(answers.get("cited", "")),
            quote_kind=answers.get("quote_kind", "verbatim"),
            quote_from="page",
            preserve="public",
            tags="[]",
            alt_urls="[]",
            extra="{}",
            line=2,
        )
        self.insert(
            "audit",
            **{
                "id": name,
                "url": url,
                "link": "live",
                "quote": "found",
                "copy": "captured",
                "quote_kind": "verbatim",
                "link_since": SINCE,
                "quote_since": SINCE,
                "copy_since": SINCE,
                "checked_at": SINCE,
                "tags": "[]",
                **answers,
            },
        )
        self.insert(
            "standings",
            source_id=name,
            url=url,
            quote_sha256=rows.quote_sha256(answers.get("cited", "")),
            first_checked_at=SINCE,
        )

    def capture(
        self,
        number: int,
        body: bytes,
        content_type: str = "text/html; charset=utf-8",
        *,
        url: str = "https://example.org/page",
        status: int = 200,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        earlier: Capture | None = None,
        **columns: Any,
    ) -> Capture:
        """Keep a response in a real WARC file and note it in ``captures``."""
        hop = Hop(
            url=url,
            requested_at=NOON,
            request=b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
            peer="192.0.2.1",
            version="HTTP/1.1",
            status=status,
            reason=b"OK",
            headers=((b"Content-Type", content_type.encode("latin-1")), *headers),
            body=body,
        )
        with warc.Writer(self.warc, software="test/1") as writer:
            (kept,) = writer.store([hop], None, earlier=lambda _url, _digest: earlier)
            writer.sync()
        row = {
            "id": number,
            "run_id": 1,
            "url": kept.url,
            "captured_at": kept.captured_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "hop": kept.hop,
            "status": kept.status,
            "content_type": kept.content_type,
            "file": kept.file,
            "offset": kept.offset,
            "length": kept.length,
            "record_id": kept.record_id,
            "sha256": kept.sha256,
            "payload_sha256": kept.payload_sha256,
            "payload_sha1": kept.payload_sha1,
            "body_length": kept.body_length,
            "revisit_of": kept.revisit_of,
        }
        self.insert("captures", **{**row, **columns})
        return kept
