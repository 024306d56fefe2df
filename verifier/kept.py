"""Looks as they came over the wire, out of the WARC files."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verifier import evidence, warc
from verifier.ledger import Ledger
from verifier.records import (
    Capture,
    Check,
    Fetched,
    Hop,
    NoReply,
    Reply,
    StoredResponse,
    Truncated,
)


@dataclass(frozen=True, slots=True)
class Captures:
    """What looks got over the wire, out of the WARC files."""

    ledger: Ledger
    folder: Path

    def reply(self, check: Check) -> tuple[Fetched, bool]:
        """What a look got, and whether it is all there: hops, heads and body.

        Raises:
            IntegrityError: A record is missing or is not what was stored.
        """
        told: list[dict[str, Any]] = json.loads(check.hops)
        kept = evidence.captures(self.ledger, [hop["capture"] for hop in told if hop["capture"]])
        stored = [self._stored(kept[hop["capture"]]) if hop["capture"] else None for hop in told]
        hops = tuple(_hop(hop, check, found) for hop, found in zip(told, stored, strict=True))
        if check.failure is not None and check.status is None:
            silence = NoReply(
                url=check.final_url,
                failure=check.failure,
                detail=check.detail,
                requested_at=check.checked_at,
                hops=hops,
                attempts=check.attempts,
                retry_after=check.retry_after,
            )
            return silence, True
        last = stored[-1] if stored else None
        if last is None:
            headers = tuple(
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in json.loads(check.headers)
            )
            hops = (*hops[:-1], replace(hops[-1], headers=headers))
        reply = Reply(
            hops=hops,
            content=last.content if last is not None else b"",
            undecoded=check.undecoded,
            attempts=check.attempts,
            retry_after=check.retry_after,
            unverified=check.failure,
            detail=check.detail if check.failure is not None else "",
        )
        return reply, last is not None

    def _stored(self, capture: Capture) -> StoredResponse:
        """The response of a capture; of a revisit with the body that it shares."""
        head = warc.read(self.folder, capture.file, capture.offset)
        if capture.revisit_of is None:
            return head
        original = evidence.captures(self.ledger, [capture.revisit_of])[capture.revisit_of]
        whole = warc.read(self.folder, original.file, original.offset)
        return replace(head, body=whole.body, content=whole.content)


def _hop(told: dict[str, Any], check: Check, found: StoredResponse | None) -> Hop:
    headers: tuple[tuple[bytes, bytes], ...]
    if found is not None:
        headers = tuple((k.encode("latin-1"), v.encode("latin-1")) for k, v in found.headers)
    else:
        location = str(told["location"]).encode("latin-1", "replace")
        headers = ((b"Location", location),) if location else ()
    return Hop(
        url=told["url"],
        requested_at=found.captured_at if found is not None else check.checked_at,
        request=b"",
        peer=told["peer"],
        version="HTTP/1.1",
        status=told["status"],
        reason=b"",
        headers=headers,
        body=found.body if found is not None else b"",
        truncated=found.truncated if found is not None else _cut(check),
    )


def _cut(check: Check) -> Truncated | None:
    return Truncated(check.truncated) if check.truncated else None
