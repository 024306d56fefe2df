"""What is stored becomes what it means: looks, copies and people's words become answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from verifier import alternatives, copies, history, overruling, stand_ins
from verifier import custody as custodians
from verifier.history import NOT_KEPT
from verifier.ledger import Ledger
from verifier.records import Change, Source, Standing
from verifier.verdict import invalid


class Fold(Enum):
    """Which looks are taken in."""

    NONE = auto()  # the answers as they are, with what people said
    NEW = auto()  # what no conclusive round has taken in
    ALL = auto()  # from the first look on: newer rules have read them again


def derive_some(
    ledger: Ledger,
    ids: Sequence[str],
    *,
    now: datetime,
    good_for: timedelta,
    fold: Fold = Fold.NEW,
) -> list[Change]:
    """Write the answers of these sources anew, and say what changed. Within a transaction."""
    listed: dict[str, Source] = {source.id: source for source in ledger.sources(ids)}
    standings, said = ledger.standings(ids), ledger.judgements(ids)
    checks = {} if fold is Fold.NONE else ledger.new_checks(ids, everything=fold is Fold.ALL)
    custody = custodians.of(ledger, sorted({source.address for source in listed.values()}))
    in_copies, kept = custodians.findings(ledger, ids), custodians.local(ledger, ids)
    others = stand_ins.seen(ledger, list(listed.values()))
    after: list[Standing] = []
    news: list[Change] = []
    for id in ids:
        source, before = listed[id], standings.get(id)
        found = in_copies.get(id, [])
        seen = copies.sightings(custody[source.address], found)
        begin = history.afresh if fold is Fold.ALL else history.resume
        standing = begin(before, source)
        for check in checks.get(id, ()):
            if (check.url, check.address) == (source.url, source.address):
                standing = history.fold(standing, check, seen)
        if fold is Fold.ALL:
            standing = history.due_if_changed(before, standing)
        force = overruling.in_force(said.get(id, ()), url=standing.url, now=now)
        # what can't be asked for stays unasked, whatever a person knows of it
        bound = force is None or invalid(source) is not None
        link = standing.row.link if bound or force is None else force.link
        copy = copies.answer(
            source, custody[source.address], link, findings=found, now=now, good_for=good_for
        )
        standing = history.complete(standing, source, copy, kept.get(id, NOT_KEPT), now=now)
        row = alternatives.proposed(standing.row, others.get(id, ()))
        standing = overruling.overruled(replace(standing, row=row), force)
        after.append(standing)
        news += history.changes(before.row if before is not None else None, standing.row)
    ledger.write_standings(after)
    stand_ins.write(ledger, ids, others)
    return news
