"""A person overrules an answer: said once, kept for good, and shown at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from verifier import evidence, history
from verifier.derive import Fold, derive_some
from verifier.errors import InputError
from verifier.ledger import Ledger
from verifier.records import Judgement, Link, Standing
from verifier.round import locked


def judge(
    folder: Path,
    id: str,
    link: Link | None,
    *,
    reason: str,
    until: datetime | None,
    by: str,
    good_for: timedelta,
) -> tuple[Judgement, Standing | None]:
    """Append a person's word about a source, and derive its answers in the same transaction.

    Args:
        link: The answer to show; None takes back what was said before.
        until: The last second at which it holds; of no matter where *link* is None.

    Returns:
        The judgement, and the standing with it; None when no round has judged the source yet:
        then the next one takes the judgement in.

    Raises:
        InputError: No source has this id, or it can't be judged so; nothing was done.
        LockedError: A round is running.
        StorageError: The archive folder can't be written.
    """
    database = folder / "audit.db"
    if not database.is_file():
        raise InputError(str(database), "there is no such database", "Run: verifier run")
    with locked(folder), Ledger(database) as ledger:
        now = datetime.now(UTC).replace(microsecond=0)
        source = evidence.source(ledger, id)
        if id not in set(evidence.ids(ledger)):
            raise InputError(id, "this source has left sources.csv", "Put its row back first")
        if not source.url:
            raise InputError(id, "its row names no address", "There is nothing to judge yet")
        said = ledger.judgements([id]).get(id, [])
        if link is None and not [one for one in said if one.url == history.about(source)]:
            raise InputError(id, "nobody has judged it", "There is nothing to take back")
        if link is not None and (until is None or until <= now):
            raise InputError("--until", "it must be a time to come", "Such as: --until 2030-12-31")
        judgement = Judgement(
            source_id=id,
            url=history.about(source),
            link=link,
            reason=reason,
            judged_by=by,
            judged_at=now,
            until=until if link is not None and until is not None else now,
        )
        with ledger.transaction():
            judgement = ledger.add_judgement(judgement)
            if ledger.standings([id]):
                derive_some(ledger, [id], now=now, good_for=good_for, fold=Fold.NONE)
                if (last := ledger.last_run(conclusive=True)) is not None:
                    ledger.note_day(last, at=now)
        standing = ledger.standings([id]).get(id)
        ledger.checkpoint()
        return judgement, standing
