"""What is stored of the sources' other addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier import alternatives, custody, rows
from verifier.ledger import BELIEVED, LOOKS, Ledger
from verifier.records import Check, Observed, SeenAlternative, Source

_CHUNK = 500
"""Keys a statement."""

_NEWEST = (
    f"{LOOKS} WHERE c.id IN (SELECT max(k.id) FROM checks k JOIN runs r ON r.id = k.run_id "  # noqa: S608
    "JOIN sources o ON o.id = k.source_id AND o.url != k.url WHERE k.source_id IN ({}) "
    "AND (r.outcome IN ('running', 'conclusive') "
    "OR k.seen IN ('alive', 'moved', 'blocked', 'hijacked')) "
    f"AND {BELIEVED} GROUP BY k.source_id, k.url)"
)
"""Failures of a round that was inconclusive say nothing of an alternative either."""


def seen(ledger: Ledger, sources: Sequence[Source]) -> dict[str, tuple[SeenAlternative, ...]]:
    """What the newest look at each alternative says, by source; without those that have none."""
    wanted = [source for source in sources if alternatives.able(source)]
    if not wanted:
        return {}
    looks = _newest(ledger, [source.id for source in wanted])
    observed = custody.observed(ledger, sorted({source.address for source in wanted}))
    return {
        source.id: tuple(
            alternatives.judged(
                source,
                other,
                looks.get((source.id, other.url)),
                observed.get(source.address, Observed()),
            )
            for other in alternatives.able(source)
        )
        for source in wanted
    }


def _newest(ledger: Ledger, ids: Sequence[str]) -> dict[tuple[str, str], Check]:
    found: dict[tuple[str, str], Check] = {}
    for start in range(0, len(ids), _CHUNK):
        some = list(ids[start : start + _CHUNK])
        marks = ", ".join("?" * len(some))
        for row in ledger.query(_NEWEST.replace("{}", marks), some):
            found[row["source_id"], row["url"]] = rows.check(row)
    return found


def write(
    ledger: Ledger,
    ids: Sequence[str],
    known: Mapping[str, Sequence[SeenAlternative]],
) -> None:
    """Replace what is stored of these sources' alternatives. Within a transaction."""
    ledger.replace_alternatives(ids, [other for id in ids for other in known.get(id, ())])
