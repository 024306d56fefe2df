"""Words that came into a row after its page was last seen, looked for in what was kept of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from verifier import custody, rows, verdict
from verifier.errors import StorageError
from verifier.kept import Captures
from verifier.ledger import Ledger, Reread
from verifier.look import Judge
from verifier.recorder import Seat
from verifier.records import Check, Fetched, Source

MOST = 200
"""Pages a round: nobody edits so many quotations of lost pages in a day."""

Stored = Callable[[Callable[[Ledger], Any]], Awaitable[Any]]


async def look_back(stored: Stored, judge: Judge, warc: Path, *, run_id: int) -> list[str]:
    """Look for words that no look has looked for in the newest good body that we kept.

    A page that is gone, or refuses us, is not looked at for a new quotation; what it said when it
    was last seen is the newest good body of the live page.

    Args:
        stored: Runs a call with the ledger on the ledger's thread.
        judge: What a page says. It is handed strangers' bytes.
        warc: The folder of the WARC files.

    Returns:
        The ids of the sources about whom that told something.
    """
    waiting: list[tuple[Source, Check]] = await stored(
        lambda ledger: custody.never_sought(ledger, MOST)
    )
    said = []
    for source, check in waiting:
        fetched = await stored(partial(_kept, warc=warc, check=check))
        if fetched is None:
            continue
        judged = await judge(fetched, (Seat.of(source),))
        if judged.findings[0] is None or judged.text is None:
            continue
        again = replace(
            check,
            finding=judged.findings[0],
            rules_version=verdict.RULES_VERSION,
            text_sha256=judged.text.sha256,
            text_version=judged.text.version,
        )
        quote = rows.quote_sha256(source.quote)
        said.append(Reread(check=again, reading=False, quote=quote, found_in="local"))

    def keep(ledger: Ledger) -> None:
        with ledger.transaction():
            ledger.add_readings(run_id, said, now=said[0].check.checked_at)

    if said:
        await stored(keep)
    return [one.check.source_id for one in said]


def _kept(ledger: Ledger, *, warc: Path, check: Check) -> Fetched | None:
    """What a look got; None where it is not all there: ``fixity`` tells why."""
    with suppress(StorageError):
        fetched, whole = Captures(ledger, warc).reply(check)
        return fetched if whole else None
    return None
