"""What a check of everything that is stored found, as records and in words."""

from __future__ import annotations

import json
from dataclasses import dataclass

from verifier.attention import plain

COVERED = (
    "every WARC record: its gzip member bit by bit, its digests, and the bytes between records",
    "every capture: its record, address, time, length, digests, and the content's hash",
    "the ledger: every entry's hash, the chain, and the row that each entry stands for",
    "the answers (audit, standings) as the newest seal in the ledger has them",
    "sources: each row against its own digest; the pages and indexes of the database file",
)
NOT_COVERED = (
    "passages, lookups, baselines and other tables that may be erased or made anew",
    "room in the database file that holds no row",
    "rows cut off the ledger's end together with all that names them: give --head a head that "
    "was printed earlier",
)
_NAMED = 20  # sources or damages of one kind that the text names; JSON has them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something stored is not what was stored.

    Attributes:
        place: File and offset, or table and row.
        problem: What is wrong with it, as a phrase that fits after a colon.
        sources: Ids of the sources whose evidence it touches, as far as they are known.
    """

    place: str
    problem: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """All that was looked at, and what was wrong with it.

    Attributes:
        counts: What was read, each with its number, in order.
        head: The newest link of the chain as it was recounted.
        damages: Those that are described one by one; ``found`` counts all.
        notes: What is no damage, and yet worth knowing.
    """

    counts: tuple[tuple[str, int], ...]
    head: str
    damages: tuple[Damage, ...]
    found: int
    notes: tuple[str, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Ids of all sources that are touched, sorted."""
        return tuple(sorted({id for damage in self.damages for id in damage.sources}))


def text(examined: Examined) -> str:
    """For people: what was read, then each damage with its sources, then what is not covered."""
    read = ", ".join(f"{number} {what}" for what, number in examined.counts)
    lines = [f"Read: {read}."]
    for damage in examined.damages[:_NAMED]:
        lines.append(plain(f"DAMAGED  {damage.place}: {damage.problem}"))
        if damage.sources:
            lines.append(plain(f"         touches {_some(damage.sources)}"))
    if examined.found > _NAMED:
        lines.append(f"… and {examined.found - _NAMED} more; --format json describes them")
    lines += [plain(f"Note: {note}") for note in examined.notes]
    if examined.found:
        touched = examined.sources
        whom = f"; sources touched: {_some(touched)}" if touched else ""
        lines.append(plain(f"Not sound: {examined.found} damaged{whom}."))
        lines.append(
            "Nothing was repaired. Keep the folder as it is, and compare it with a backup."
        )
    else:
        lines.append("Sound: everything that is covered is as it was stored.")
    lines.append("Not covered: " + "; ".join(NOT_COVERED) + ".")
    lines.append(f"Ledger head: {examined.head}")
    return "\n".join(lines) + "\n"


def as_json(examined: Examined) -> str:
    """For programs."""
    told = {
        "sound": not examined.found,
        "head": examined.head,
        "read": dict(examined.counts),
        "damaged": examined.found,
        "damages": [
            {"place": one.place, "problem": one.problem, "sources": list(one.sources)}
            for one in examined.damages
        ],
        "sources": list(examined.sources),
        "notes": list(examined.notes),
        "covered": list(COVERED),
        "not_covered": list(NOT_COVERED),
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _some(ids: tuple[str, ...]) -> str:
    shown = ", ".join(ids[:_NAMED])
    return shown + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
