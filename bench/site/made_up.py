"""An audit database of a given size: rows as rounds leave them, made up, the same each time."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from verifier.ledger import Ledger
from verifier.records import Run

DAYS_BETWEEN = 7
NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)

# per thousand sources, as in long-lived lists of citations
_LINK = {"live": 780, "moved": 80, "blocked": 60, "suspect": 15, "dead": 50, "hijacked": 3,
         "invalid": 7, "unchecked": 5}  # fmt: skip
_QUOTE = {"found": 600, "no_quote": 250, "altered": 40, "absent": 30, "not_comparable": 30,
          "unreadable": 30, "unchecked": 20}  # fmt: skip
_COPY = {"confirmed": 600, "captured": 250, "pending": 60, "failed": 30, "excluded": 20,
         "lost": 5, "none": 35}  # fmt: skip
_HEADERS = json.dumps([["Content-Type", "text/html; charset=utf-8"], ["Server", "nginx"],
                       ["Cache-Control", "max-age=600"], ["ETag", '"5f3759df-1a2b3c"'],
                       ["Last-Modified", "Sun, 01 Nov 2026 09:12:44 GMT"]])  # fmt: skip
_CHUNK = 2_000


def make(path: Path, *, sources: int, looks: int) -> None:
    """Write a database with so many sources, each looked at so many times, a week apart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Ledger(path):
        pass
    chance = random.Random(sources)
    words = _vocabulary(chance)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    _insert(connection, "runs", (_run(number, looks, sources) for number in range(1, looks + 1)))
    for start in range(0, sources, _CHUNK):
        some = [
            _source(number, looks, chance, words)
            for number in range(start, min(start + _CHUNK, sources))
        ]
        _insert(connection, "sources", (source for source, _ in some))
        _insert(connection, "audit", (audit for _, audit in some))
    first = 1
    for look in range(1, looks + 1):
        _look(connection, look, looks, sources, first)
        first += sources
    connection.execute("COMMIT")
    connection.close()
    _days(path, looks)


def _look(connection: sqlite3.Connection, look: int, looks: int, sources: int, first: int) -> None:
    at = _stamp(_when(look, looks))
    _insert(connection, "captures", (_capture(first + n, look, n, at) for n in range(sources)))
    _insert(connection, "checks", (_check(first + n, look, n, at) for n in range(sources)))
    _insert(connection, "quote_findings", (_finding(first + n, n, at) for n in range(sources)))
    _insert(connection, "ledger", (_entry(first + n) for n in range(sources)))


def _days(path: Path, looks: int) -> None:
    """The numbers of each round's day, through the ledger's own code."""
    with Ledger(path) as ledger:
        for look in range(1, looks + 1):
            with ledger.transaction():
                ledger.note_day(Run(id=look, started_at=_when(look, looks)))


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    columns = [column[1:4] for column in connection.execute(f"PRAGMA table_info({table})")]
    empty = {name: ("" if kind == "TEXT" else 0) if must else None for name, kind, must in columns}
    marks = ", ".join(f":{name}" for name in empty)
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(empty)}) VALUES ({marks})", (empty | row for row in rows)
    )


def _when(look: int, looks: int) -> datetime:
    return NOW - timedelta(days=DAYS_BETWEEN * (looks - look), hours=6)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _vocabulary(chance: random.Random) -> list[str]:
    letters = "aeiou", "bcdfghklmnprstvw"
    return [
        "".join(chance.choice(letters[(i + 1) % 2]) for i in range(chance.randint(3, 10)))
        for _ in range(8_000)
    ]


def _said(chance: random.Random, words: list[str], many: int) -> str:
    # squared: a few words are everywhere, most are rare, as in a language
    chosen = (words[int(len(words) * chance.random() ** 2)] for _ in range(many))
    return " ".join(chosen).capitalize()


def _one_of(chance: random.Random, shares: dict[str, int]) -> str:
    return chance.choices(list(shares), list(shares.values()))[0]


def _run(number: int, looks: int, sources: int) -> dict[str, Any]:
    started = _when(number, looks)
    changed = [[f"source-{n}", "link", "live", "dead", "silent: three strikes"]
               for n in range(0, sources, max(sources // 200, 1))]  # fmt: skip
    return {
        "id": number,
        "started_at": _stamp(started),
        "ended_at": _stamp(started + timedelta(minutes=40)),
        "outcome": "conclusive",
        "network": "up",
        "listed": sources,
        "due": sources,
        "checked": sources,
        "problems": "[]",
        "news": json.dumps(changed),
        "head": "ab" * 32,
    }


def _source(
    number: int, looks: int, chance: random.Random, words: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    id = f"source-{number}"
    url = f"https://host{number % 5000}.example/{_said(chance, words, 3).replace(' ', '/')}"
    title, claim = _said(chance, words, 8), _said(chance, words, 18)
    quote = _one_of(chance, _QUOTE)
    cited = _said(chance, words, 25) if quote != "no_quote" else ""
    told = {"id": id, "url": url, "title": title, "claim": claim, "tags": '["made-up"]'}
    first, last = _when(1, looks), _when(looks, looks)
    since = [_stamp(_when(chance.randint(1, looks), looks)) for _ in range(3)]
    source = told | {
        "address": url,
        "host": f"host{number % 5000}.example",
        "quote": cited,
        "quote_kind": "verbatim",
        "line": number + 2,
        "preserve": "public",
        "alt_urls": "[]",
        "extra": "{}",
        "first_seen_at": _stamp(first),
        "changed_at": _stamp(first),
    }
    audit = told | {
        "link": _one_of(chance, _LINK),
        "quote": quote,
        "copy": _one_of(chance, _COPY),
        "cited": cited,
        "source_says": _said(chance, words, 25) if quote == "altered" else "",
        "quote_kind": chance.choice(("verbatim", "verbatim", "paraphrase")),
        "quote_url": f"{url}#:~:text={cited[:40]}",
        "snapshot_url": f"https://web.archive.org/web/20261101000000/{url}",
        "link_reason": f"ok: {_said(chance, words, 6)}",
        "quote_reason": f"exact: {_said(chance, words, 6)}",
        "copy_reason": f"read-back: {_said(chance, words, 6)}",
        "link_since": since[0],
        "quote_since": since[1],
        "copy_since": since[2],
        "checked_at": _stamp(last),
        "last_live_at": _stamp(last),
        "quote_first_found_at": since[1] if number % 3 else None,
        "quote_last_found_at": since[1] if number % 3 else None,
        "publisher": _said(chance, words, 2),
        "final_url": url,
        "status": 200,
        "keepers": chance.randint(0, 2),
        "local_copy": number + 1,
        "next_check_at": _stamp(last + timedelta(days=DAYS_BETWEEN)),
        "sha256": f"{number:064x}",
        "text_sha256": f"{number:064x}",
        "rules_version": 1,
    }
    return source, audit


def _capture(id: int, run: int, number: int, at: str) -> dict[str, Any]:
    return {
        "id": id,
        "run_id": run,
        "url": f"https://host{number % 5000}.example/{number}",
        "captured_at": at,
        "status": 200,
        "content_type": "text/html; charset=utf-8",
        "file": f"2026-11/{run:04}.warc.gz",
        "offset": id * 1000,
        "length": 900,
        "record_id": f"<urn:uuid:{id:032x}>",
        "sha256": f"{number:064x}",
        "payload_sha256": f"{number:064x}",
        "payload_sha1": f"{number:032x}",
        "body_length": 20_000,
    }


def _check(id: int, run: int, number: int, at: str) -> dict[str, Any]:
    url = f"https://host{number % 5000}.example/{number}"
    hop = {"url": url, "status": 200, "peer": "192.0.2.1", "elapsed_ms": 120}
    return {
        "id": id,
        "run_id": run,
        "source_id": f"source-{number}",
        "url": url,
        "address": url,
        "checked_at": at,
        "elapsed_ms": 120,
        "attempts": 1,
        "seen": "alive",
        "rule": "ok",
        "reason": "answered 200 with the page that it was",
        "rules_version": 1,
        "status": 200,
        "final_url": url,
        "hops": json.dumps([hop]),
        "peer": "192.0.2.1",
        "headers": _HEADERS,
        "content_type": "text/html; charset=utf-8",
        "title": "A title of the page",
        "sha256": f"{number:064x}",
        "text_sha256": f"{number:064x}",
        "text_version": 1,
        "capture_id": id,
    }


def _finding(id: int, number: int, at: str) -> dict[str, Any]:
    return {
        "id": id,
        "check_id": id,
        "capture_id": id,
        "source_id": f"source-{number}",
        "found_in": "live",
        "found_at": at,
        "quote_sha256": f"{number:064x}",
        "result": "found",
        "reason": "exact",
        "score": 100.0,
        "start": 1200,
    }


def _entry(seq: int) -> dict[str, Any]:
    text = json.dumps({"kind": "check", "key": seq, "row_sha256": f"{seq:064x}"})
    return {
        "seq": seq,
        "kind": "check",
        "key": seq,
        "text": text,
        "sha256": f"{seq:064x}",
        "chain": f"{seq:064x}",
    }
