"""When an archive was asked last, and until when it is to be left alone: it outlives a round.

Part of the edge whose door is `verifier.ledger`. What the archive's limits allow is counted over
all rounds: a round that was killed, and the next that begins a second later, are one client.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from verifier.ledger import Ledger
from verifier.rows import moment, stamp

REST = timedelta(hours=1)
"""The archive shuts out whoever goes on asking after a 429, for an hour, doubling (its staff in
EDGI's issue 137, 2023-11): so long we leave it alone, doubling too."""

LONGEST_REST = timedelta(days=1)

CAPTURE_TAKES = timedelta(minutes=2)  # the archive's limit for one: Save Page Now 2 API Docs


@dataclass(frozen=True, slots=True, kw_only=True)
class Courtesy:
    """What we owe an archive.

    Attributes:
        asked_at: When anything but a submission was asked last.
        saved_at: When something was submitted last.
        alone_until: Nothing is asked before; ``times`` in a row it shut us out, last for ``why``.
        no_saves_until: Nothing is submitted before, for ``no_saves_why``.
    """

    archive: str = "wayback"
    asked_at: datetime | None = None
    saved_at: datetime | None = None
    alone_until: datetime | None = None
    times: int = 0
    why: str = ""
    no_saves_until: datetime | None = None
    no_saves_why: str = ""

    def shut_out(self, why: str, now: datetime) -> Courtesy:
        """After the archive shut us out once more."""
        rest = min(REST * 2 ** min(self.times, 10), LONGEST_REST)
        return replace(self, alone_until=now + rest, times=self.times + 1, why=why)

    def welcome(self) -> Courtesy:
        """After it answered as it should."""
        return replace(self, alone_until=None, times=0, why="")

    def no_saves(self, why: str, now: datetime) -> Courtesy:
        """After it would take no more submissions of ours."""
        return replace(self, no_saves_until=now + REST, no_saves_why=why)

    def alone(self, now: datetime) -> str:
        """Why nothing is asked now, or ""."""
        if self.alone_until is None or not now < self.alone_until <= now + LONGEST_REST:
            return ""  # a time further off is of a clock that was wrong
        return f"left alone until {self.alone_until:%Y-%m-%d %H:%M} UTC: {self.why}"

    def saves_barred(self, now: datetime) -> str:
        """Why nothing is submitted now, or ""."""
        if self.no_saves_until is None or not now < self.no_saves_until <= now + REST:
            return ""
        return f"nothing is submitted until {self.no_saves_until:%H:%M} UTC: {self.no_saves_why}"


def still_owed(last: datetime | None, pause: float, now: datetime) -> float:
    """Seconds of a pause that are left since *last*; stored times are whole seconds."""
    if last is None or pause <= 0:
        return 0.0
    spare = 1.0 if pause >= 1 else 0.0
    return max(0.0, min(pause + spare - (now - last).total_seconds(), pause + spare))


def load(ledger: Ledger) -> Courtesy:
    """What we owe the archive now."""
    row = next(iter(ledger.query("SELECT * FROM courtesies WHERE archive = 'wayback'")), None)
    if row is None:
        return Courtesy()
    told: dict[str, Any] = {
        name: (moment(value) if value else None) if _is_time(name) else value
        for name, value in row.items()
    }
    return Courtesy(**told)


def save(ledger: Ledger, courtesy: Courtesy) -> None:
    """Commit it."""
    values = ((field.name, getattr(courtesy, field.name)) for field in fields(Courtesy))
    ledger.save_courtesy(
        {name: (stamp(v) if v else "") if _is_time(name) else v for name, v in values}
    )


def killed_lately(ledger: Ledger, now: datetime) -> int:
    """Submissions of rounds that were killed, which the archive may still be working on."""
    since = stamp(now.astimezone(UTC) - CAPTURE_TAKES)
    sql = "SELECT count(*) AS n FROM submissions WHERE state = 'intent' AND intent_at > ?"
    return int(next(iter(ledger.query(sql, [since])))["n"])


def _is_time(name: str) -> bool:
    return name.endswith(("_at", "_until"))
