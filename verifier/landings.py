"""Where the looks of one round landed, as the rules about our own network need it.

Part of the edge whose door is `verifier.ledger`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from verifier.ledger import Ledger
from verifier.outage import CROWD, Crowd, said_date
from verifier.records import Capture
from verifier.rows import capture, moment

_CLOCKS = 50  # servers whose dates are read: more would say the same

_LOOKS = (
    "FROM checks c JOIN sources s ON s.id = c.source_id LEFT JOIN audit a ON a.id = s.id "
    "WHERE c.run_id = :run AND c.status BETWEEN 200 AND 299"
)
_WELL = "count(DISTINCT CASE WHEN a.link IN ('live', 'moved') THEN s.host END) AS well"
_COLUMNS = {
    "sha256": "c.sha256 != ''",
    "final_url": "instr(c.final_url, s.host) = 0",  # it led away from the site itself
}


def crowd(ledger: Ledger, run_id: int) -> tuple[Crowd, Capture | None] | None:
    """The sites that gave one page, or led to one address; None where no three did.

    Returns:
        The crowd without the page's content, and a capture of the page, where one was kept.
    """
    found = [_crowd(ledger, run_id, column) for column in _COLUMNS]
    crowds = [one for one in found if one is not None]
    return max(crowds, key=lambda one: one[0].sites, default=None)


def _crowd(ledger: Ledger, run_id: int, column: str) -> tuple[Crowd, Capture | None] | None:
    key = _commonest(ledger, run_id, column)
    if key is None:
        return None
    values = {"run": run_id, "key": key}
    members = f"(SELECT s.host {_LOOKS} GROUP BY s.host HAVING min(c.{column} = :key) = 1)"
    (told,) = ledger.query(
        f"SELECT count(DISTINCT s.host) AS sites, {_WELL}, "  # noqa: S608
        "coalesce(max(a.quote = 'found'), 0) AS had, "
        "coalesce(max(EXISTS (SELECT 1 FROM quote_findings f WHERE f.check_id = c.id "
        "AND f.result = 'found')), 0) AS found, coalesce(max(c.capture_id), 0) AS capture "
        f"{_LOOKS} AND s.host IN {members}",
        values,
    )
    (of,) = ledger.query(f"SELECT count(DISTINCT s.host) AS sites, {_WELL} {_LOOKS}", values)
    before = ledger.query(
        "SELECT 1 FROM checks c JOIN sources s ON s.id = c.source_id "  # noqa: S608
        f"JOIN runs r ON r.id = c.run_id WHERE c.{column} = :key AND r.outcome = 'conclusive' "
        f"AND s.host IN {members} LIMIT 1",
        values,
    )
    kept = ledger.query("SELECT * FROM captures WHERE id = :capture", told)
    row = next(kept, None)
    found = Crowd(
        sites=told["sites"],
        well=told["well"],
        of=of["sites"],
        of_well=of["well"],
        address=key if column == "final_url" else "",
        known=next(before, None) is not None,
        lost=bool(told["had"]) and not told["found"],
        found=bool(told["found"]),
    )
    return found, (capture(row) if row is not None else None)


def _commonest(ledger: Ledger, run_id: int, column: str) -> str | None:
    """What most sites ended in; None where no three sites ended in the same."""
    found = ledger.query(
        f"SELECT c.{column} AS ended {_LOOKS} AND {_COLUMNS[column]} GROUP BY c.{column} "
        f"HAVING count(DISTINCT s.host) >= {CROWD} ORDER BY count(DISTINCT s.host) DESC LIMIT 1",
        {"run": run_id},
    )
    return next((str(row["ended"]) for row in found), None)


def dates(ledger: Ledger, run_id: int) -> Iterator[tuple[datetime, datetime]]:
    """What time it was there and here, for servers of this round that said so."""
    for row in ledger.query(
        "SELECT c.headers, c.checked_at FROM checks c JOIN sources s ON s.id = c.source_id "
        "WHERE c.run_id = :run AND c.headers LIKE '%date%' GROUP BY s.host LIMIT :clocks",
        {"run": run_id, "clocks": _CLOCKS},
    ):
        there = said_date((name, value) for name, value in json.loads(row["headers"]))
        if there is not None:
            yield there, moment(row["checked_at"])


def newest(ledger: Ledger) -> datetime | None:
    """When the newest look that counts was stored; None before the first."""
    found = [
        *ledger.query(
            "SELECT max(started_at) AS at FROM runs WHERE outcome IN ('conclusive', 'rejudged')"
        ),
        *ledger.query(
            "SELECT c.checked_at AS at FROM checks c JOIN runs r ON r.id = c.run_id "
            "WHERE r.outcome IN ('interrupted', 'running') ORDER BY c.id DESC LIMIT 1"
        ),
    ]
    return max((moment(row["at"]) for row in found if row["at"]), default=None)
