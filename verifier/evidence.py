"""What is stored of one source or look, as rejudging and explaining need it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from verifier import custody, rows
from verifier.errors import InputError
from verifier.explain import Dossier, Found, Look
from verifier.ledger import BELIEVED, LOOKS, Ledger
from verifier.records import Baseline, Capture, Check, Probe, QuoteKind, Seen, Source

NEWEST = 10
"""Looks that are shown at least, however long ago the last success was."""


# ---- for rejudging -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A stored look at one source with the quotation that may be looked for in it again.

    Attributes:
        quote: "" where the look was for another quotation, or for none.
    """

    check: Check
    quote: str
    kind: QuoteKind
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a page was like at the look that first saw it well."""

    check_id: int
    baseline: Baseline


def addresses(ledger: Ledger) -> list[str]:
    """Every address that was ever looked at."""
    found = ledger.query("SELECT DISTINCT address FROM checks ORDER BY address")
    return [row["address"] for row in found]


def ids(ledger: Ledger) -> list[str]:
    """The ids of all sources that are not retired, in the order of sources.csv."""
    found = ledger.query("SELECT id FROM sources WHERE retired_at IS NULL ORDER BY line")
    return [row["id"] for row in found]


def list_digest(ledger: Ledger) -> str:
    """SHA-256 of sources.csv as it was last read; "" before."""
    found = ledger.query("SELECT sources_sha256 FROM runs ORDER BY id DESC LIMIT 1")
    return next((str(row["sources_sha256"]) for row in found), "")


def asked(ledger: Ledger, some: Sequence[str]) -> Iterator[Asked]:
    """Every look at these addresses, the looks of one fetch one after the other.

    Words are looked for again where the same words were looked for then, and where the page
    was not taken for the source's, so that no finding was written.
    """
    marks = ", ".join("?" * len(some))
    alive = (str(Seen.ALIVE), str(Seen.MOVED))
    looks = LOOKS.replace(
        "SELECT c.*,",
        "SELECT c.*, s.quote AS cited, s.quote_kind, s.lang, "
        "EXISTS (SELECT 1 FROM quote_findings q WHERE q.check_id = c.id) AS had_finding,",
        1,
    )
    sql = f"{looks} WHERE c.address IN ({marks}) AND {BELIEVED} ORDER BY c.address, c.run_id, c.id"
    for row in ledger.query(sql, list(some)):
        check = rows.check(row)
        read = bool(check.text_version)
        same_words = row["finding_id"] is not None
        suppressed = read and not row["had_finding"] and row["seen"] not in alive
        yield Asked(
            check=check,
            quote=row["cited"] if same_words or suppressed else "",
            kind=QuoteKind(row["quote_kind"]),
            lang=row["lang"],
        )


def probes(ledger: Ledger, some: Sequence[str]) -> dict[tuple[str, int], list[Probe]]:
    """What was seen beside the pages of these addresses, by address and round."""
    marks = ", ".join("?" * len(some))
    found: dict[tuple[str, int], list[Probe]] = {}
    sql = f"SELECT * FROM probes WHERE address IN ({marks}) ORDER BY id"  # noqa: S608
    for row in ledger.query(sql, list(some)):
        found.setdefault((row["address"], row["run_id"]), []).append(rows.probe(row))
    return found


def baselines(ledger: Ledger, some: Sequence[str]) -> dict[tuple[str, str, str], Known]:
    """What is remembered of these addresses, by source, url and address."""
    marks = ", ".join("?" * len(some))
    sql = f"SELECT * FROM baselines WHERE address IN ({marks}) ORDER BY check_id"  # noqa: S608
    return {
        (row["source_id"], row["url"], row["address"]): Known(
            check_id=row["check_id"], baseline=rows.baseline(row)
        )
        for row in ledger.query(sql, list(some))
    }


def captures(ledger: Ledger, some: Sequence[int]) -> dict[int, Capture]:
    """The captures with these ids."""
    marks = ", ".join("?" * len(some))
    found = ledger.query(f"SELECT * FROM captures WHERE id IN ({marks})", list(some))  # noqa: S608
    return {row["id"]: rows.capture(row) for row in found}


# ---- for explaining ----------------------------------------------------------------------


def source(ledger: Ledger, id: str) -> Source:
    """The source with this id, retired or not.

    Raises:
        InputError: There is none; the cure names ids that are nearly the same.
    """
    for found in ledger.sources([id]):
        return found
    known = [row["id"] for row in ledger.query("SELECT id FROM sources")]
    near = difflib.get_close_matches(id, known, n=3, cutoff=0.5)
    cure = f"Did you mean {', '.join(near)}?" if near else ""
    if not known:
        cure = "No source is known yet. Run: verifier run"
    raise InputError(id, "no source has this id", cure)


def dossier(ledger: Ledger, id: str) -> Dossier:
    """All that an explanation of one source's answers rests on.

    Raises:
        InputError: No source has this id.
    """
    told = source(ledger, id)
    ((derived_to, retired_at),) = (
        (row["derived_to"], row["retired_at"])
        for row in ledger.query(
            "SELECT (SELECT coalesce(max(derived_to), 0) FROM runs) AS derived_to, retired_at "
            "FROM sources WHERE id = ?",
            [id],
        )
    )
    return Dossier(
        source=told,
        retired_at=rows.moment(retired_at) if retired_at else None,
        standing=ledger.standings([id]).get(id),
        looks=_looks(ledger, told, derived_to),
        findings=_findings(ledger, told),
        custody=custody.of(ledger, [told.address])[told.address],
        in_copies=tuple(custody.findings(ledger, [id]).get(id, ())),
        judgements=tuple(ledger.judgements([id]).get(id, ())),
        alternatives=ledger.alternatives(id),
    )


def _looks(ledger: Ledger, told: Source, derived_to: int) -> tuple[Look, ...]:
    """The looks since the last success, that one included, and at least the newest ten."""
    here = "c.source_id = :id AND c.url = :url AND c.address = :address"
    which = {"id": told.id, "url": told.url, "address": told.address, "to": derived_to}
    sql = _SINCE.format(here=here, skip=NEWEST - 1)
    found = ledger.query(sql, which)
    since = next(found)["since"]
    return tuple(
        Look(
            check=rows.check(row),
            outcome=row["outcome"],
            taken_in=row["id"] <= derived_to,
            finding_id=row["finding_id"],
            reading_id=row["reading_id"],
        )
        for row in ledger.query(
            f"{LOOKS} WHERE {here} AND c.id >= :since ORDER BY c.id", which | {"since": since}
        )
    )


def _findings(ledger: Ledger, told: Source) -> tuple[Found, ...]:
    """The newest finding of the quotation in each place, and the newest that found it."""
    found = ledger.query(
        _FINDINGS,
        {"id": told.id, "url": told.url, "quote": rows.quote_sha256(told.quote)},
    )
    return tuple(
        Found(
            id=row["id"],
            check_id=row["check_id"],
            capture_id=row["capture_id"],
            snapshot_id=row["snapshot_id"],
            found_in=row["found_in"],
            found_at=rows.moment(row["found_at"]),
            result=row["result"],
            reason=row["reason"],
            score=row["score"],
            start=row["start"],
            page=row["page"],
            passage=row["passage"] or "",
            source_says=row["source_says"] or "",
            rules_version=row["rules_version"],
            text_version=row["text_version"],
        )
        for row in found
    )


_CHOSEN = (
    "SELECT max(f.id) FROM quote_findings f LEFT JOIN checks k ON k.id = f.check_id "
    "WHERE f.source_id = :id AND f.quote_sha256 = :quote AND coalesce(k.url, :url) = :url"
)
_FINDINGS = (
    "SELECT f.*, p.passage, p.source_says FROM quote_findings f "  # noqa: S608 - words of ours
    "LEFT JOIN passages p ON p.finding_id = f.id WHERE f.id IN "
    f"({_CHOSEN} GROUP BY found_in UNION {_CHOSEN} GROUP BY found_in, result) ORDER BY f.id"
)
_SINCE = (
    "SELECT min("
    " coalesce((SELECT max(c.id) FROM checks c LEFT JOIN readings n ON n.id ="
    "  (SELECT max(id) FROM readings WHERE check_id = c.id)"
    " WHERE {here} AND coalesce(n.seen, c.seen) IN ('alive', 'moved') AND c.id <= :to), 0),"
    " coalesce((SELECT c.id FROM checks c"
    " WHERE {here} ORDER BY c.id DESC LIMIT 1 OFFSET {skip}), 0)) AS since"
)
