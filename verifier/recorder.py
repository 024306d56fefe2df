"""From what was seen to what is stored: kept as WARC, appended to the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from verifier import rows, verdict
from verifier.ledger import Look
from verifier.look import Looked
from verifier.records import (
    Alternative,
    Capture,
    Check,
    Fetched,
    NoReply,
    Preserve,
    QuoteKind,
    Reading,
    Reply,
    Source,
    Text,
)
from verifier.warc import Writer

BATCH = 250
"""Looks a transaction: each costs a sync of the disk."""

BATCH_BYTES = 32 << 20
PAUSE = 0.5
"""Seconds that a look waits at most for company."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A source of an address, as far as a look needs it.

    Attributes:
        url: What the source cites; of an alternative its own.
        stands_in: The address is only an alternative of the source's.
    """

    id: str
    url: str
    quote: str
    keep: bool
    kind: QuoteKind = QuoteKind.VERBATIM
    lang: str = ""
    stands_in: bool = False

    @classmethod
    def of(cls, source: Source) -> Seat:
        """The seat of a source."""
        return cls(
            id=source.id,
            url=source.url,
            quote=source.quote,
            keep=source.preserve is not Preserve.NONE,
            kind=source.quote_kind,
            lang=source.lang,
        )

    @classmethod
    def of_alternative(cls, source: Source, other: Alternative) -> Seat:
        """The seat of a source at another of its addresses."""
        return replace(cls.of(source), url=other.url, stands_in=True)


class Books(Protocol):
    """Where looks are written: see :class:`verifier.ledger.Ledger`."""

    def next_capture_id(self) -> int: ...
    def earlier(self, url: str, payload_sha256: str) -> Capture | None: ...
    def append(self, run_id: int, looks: Sequence[Look]) -> None: ...


class Recorder:
    """Takes what was seen, and stores it in batches on one thread of its own.

    Everything of a batch is on the disk before its checks are in the ledger: first the WARC
    records, synced, then one transaction.

    Args:
        seats: The sources of each address.
        thread: Runs one call at a time; the books and the writer belong to its thread.
        stored: Told, on the event loop, how each address was seen once it is stored.
    """

    def __init__(
        self,
        run_id: int,
        seats: Mapping[str, Sequence[Seat]],
        books: Books,
        writer: Writer,
        thread: Executor,
        *,
        stored: Callable[[str, Reading], None],
    ) -> None:
        self._run_id, self._seats, self._books, self._writer = run_id, seats, books, writer
        self._thread, self._stored = thread, stored
        self._waiting: list[Looked] = []
        self._bytes = 0
        self._kept: dict[tuple[str, str], Capture] = {}
        self._full = asyncio.Event()
        self._busy = asyncio.Lock()

    async def take(self, looked: Looked) -> None:
        """Accept a look; waits while more is waiting than a batch holds."""
        self._waiting.append(looked)
        self._bytes += _weight(looked.fetched)
        if self._is_full():
            self._full.set()
            if len(self._waiting) >= 2 * BATCH or self._bytes >= 2 * BATCH_BYTES:
                await self.flush()

    async def keep_up(self) -> None:
        """Store batches as they fill, or every half second, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), PAUSE)
            await self.flush()

    async def flush(self) -> None:
        """Store all that is waiting.

        Raises:
            StorageError: It can't be stored; nothing of the batch is in the ledger.
        """
        async with self._busy:
            batch, self._waiting, self._bytes = self._waiting, [], 0
            self._full.clear()
            if not batch:
                return
            loop = asyncio.get_running_loop()
            writing = loop.run_in_executor(self._thread, self._store, batch)
            readings = await asyncio.shield(writing)
        for address, reading in readings:
            self._stored(address, reading)

    def _is_full(self) -> bool:
        return len(self._waiting) >= BATCH or self._bytes >= BATCH_BYTES

    # ---- on the thread -------------------------------------------------------------------

    def _store(self, batch: Sequence[Looked]) -> list[tuple[str, Reading]]:
        self._kept.clear()
        looks = [self._look(looked) for looked in batch]
        self._writer.sync()
        self._books.append(self._run_id, looks)
        return [(looked.address, looked.judged.reading) for looked in batch]

    def _look(self, looked: Looked) -> Look:
        address, fetched, judged = looked.address, looked.fetched, looked.judged
        seats = self._seats[address]
        captures = self._keep(fetched, seats)
        shared = _shared(fetched, captures, judged.text)
        checks = tuple(
            Check(
                run_id=self._run_id,
                source_id=seat.id,
                url=seat.url,
                address=address,
                reading=judged.reading,
                rules_version=verdict.RULES_VERSION,
                **shared,
                finding=finding,
            )
            for seat, finding in zip(seats, judged.findings, strict=True)
        )
        quoted = tuple(rows.quote_sha256(seat.quote) for seat in seats)
        return Look(
            captures=captures,
            checks=checks,
            quotes=quoted,
            probes=looked.probes,
            baseline=looked.baseline,
        )

    def _keep(self, fetched: Fetched, seats: Sequence[Seat]) -> tuple[Capture, ...]:
        if not all(seat.keep for seat in seats):
            return ()
        content = fetched.content if isinstance(fetched, Reply) else None
        captures = []
        for capture in self._writer.store(fetched.hops, content, earlier=self._earlier):
            kept = replace(capture, id=self._books.next_capture_id())
            if kept.revisit_of is None and kept.truncated is None:
                self._kept[kept.url, kept.payload_sha256] = kept
            captures.append(kept)
        return tuple(captures)

    def _earlier(self, url: str, payload_sha256: str) -> Capture | None:
        known = self._kept.get((url, payload_sha256))
        return known or self._books.earlier(url, payload_sha256)


def _weight(fetched: Fetched) -> int:
    """Bytes of its bodies: as they came, and the last as it was unpacked."""
    unpacked = len(fetched.content) if isinstance(fetched, Reply) else 0
    return unpacked + sum(len(hop.body) for hop in fetched.hops)


def _shared(fetched: Fetched, captures: Sequence[Capture], seen: Text | None) -> dict[str, Any]:
    """What all checks of one look share."""
    hops = rows.compact(
        [
            {
                "url": hop.url,
                "status": hop.status,
                "location": hop.header("Location"),
                "peer": hop.peer,
                "capture": captures[place].id if captures else None,
            }
            for place, hop in enumerate(fetched.hops)
        ]
    )
    if isinstance(fetched, NoReply):
        return {
            "checked_at": fetched.requested_at,
            "elapsed_ms": round(fetched.elapsed * 1000),
            "attempts": fetched.attempts,
            "failure": fetched.failure,
            "detail": fetched.detail,
            "final_url": fetched.url,
            "hops": hops,
            "retry_after": fetched.retry_after,
        }
    last, capture = fetched.last, captures[-1] if captures else None
    sha256, payload_sha1 = (
        (capture.sha256, capture.payload_sha1) if capture else rows.hashes(fetched)
    )
    return {
        "checked_at": fetched.hops[0].requested_at,
        "elapsed_ms": round(sum(hop.elapsed for hop in fetched.hops) * 1000),
        "attempts": fetched.attempts,
        "status": last.status,
        "failure": fetched.unverified,
        "detail": fetched.detail,
        "final_url": last.url,
        "hops": hops,
        "peer": last.peer,
        "headers": rows.compact(
            [[key.decode("latin-1"), value.decode("latin-1")] for key, value in last.headers]
        ),
        "content_type": last.header("Content-Type"),
        "title": seen.title if seen is not None else "",
        "truncated": str(last.truncated or ""),
        "undecoded": fetched.undecoded,
        "sha256": sha256,
        "payload_sha1": payload_sha1,
        "text_sha256": seen.sha256 if seen is not None else "",
        "text_version": seen.version if seen is not None else 0,
        "retry_after": fetched.retry_after,
        "capture_id": capture.id if capture is not None else None,
    }
