"""Today's rules over what is stored: every look is read again, and the answers follow from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from verifier import confirm, custody, evidence, rows, sight, verdict
from verifier.derive import Fold, derive_some
from verifier.errors import InputError, StorageError
from verifier.evidence import Asked, Known
from verifier.kept import Captures
from verifier.ledger import Ledger, Reread
from verifier.records import (
    Baseline,
    Change,
    Check,
    Finding,
    Probe,
    Run,
)
from verifier.round import CHUNK, Progress, Silent, locked
from verifier.sight import Judged

REASON = "today's rules over what is stored; nothing was fetched"
_AT_A_TIME = 50
"""Addresses whose looks are in memory at once; a body is, only while it is read."""


def rejudge(
    folder: Path, *, software: str, good_for: timedelta, progress: Progress | None = None
) -> Run:
    """Read every stored look again by today's rules, and write all answers anew.

    No network is used and sources.csv is not read. What was seen stays as it is: where a look
    means something else now, that is appended (``readings``, ``quote_findings``). All is one
    transaction: who ends it midway finds everything as it was.

    Args:
        folder: The archive folder.

    Returns:
        The round, with outcome ``rejudged`` and what changed as its news.

    Raises:
        InputError: There is no audit database.
        LockedError: A round is running.
        IntegrityError: A stored body is not what was stored; nothing was changed.
        StorageError: The archive folder can't be read or written.
    """
    database = folder / "audit.db"
    if not database.is_file():
        raise InputError(str(database), "there is no such database", "Run: verifier run")
    progress = progress or Silent()
    with locked(folder), Ledger(database) as ledger:
        run = _begun(ledger, software=software)
        try:
            with ledger.transaction():
                _read_again(ledger, run, folder / "warc", progress)
                _note_copies(ledger)
                news = _fold_again(ledger, good_for=good_for)
                run = ledger.end_run(
                    replace(run, ended_at=_now(), outcome="rejudged", news=tuple(news)),
                    derived=True,
                )
        except BaseException:
            with suppress(StorageError), ledger.transaction():  # the fault itself is the news
                ended = replace(
                    run, ended_at=_now(), outcome="interrupted", reason="ended by a fault"
                )
                ledger.end_run(ended, derived=False)
            raise
        finally:
            progress.end()
        ledger.checkpoint()
        return run


def _begun(ledger: Ledger, *, software: str) -> Run:
    """The run, with what the last one said of sources.csv: the mirror is still of that reading."""
    last = ledger.last_run()
    run = Run(
        id=0,
        started_at=_now(),
        reason=REASON,
        listed=last.listed if last is not None else 0,
        wrong_rows=last.wrong_rows if last is not None else 0,
        problems=last.problems if last is not None else (),
    )
    return ledger.start_run(
        run,
        sources_sha256=evidence.list_digest(ledger),
        software=software,
        rules=verdict.RULES_VERSION,
    )


def _note_copies(ledger: Ledger) -> None:
    """Write what the readings of copies mean by today's rules; when they are read next stays."""
    addresses = custody.read_addresses(ledger)
    for start in range(0, len(addresses), _AT_A_TIME):
        for address, known in custody.of(ledger, addresses[start : start + _AT_A_TIME]).items():
            ids = [source.id for source in custody.sources_at(ledger, address)]
            found = custody.findings(ledger, ids)
            each = [found.get(id, []) for id in ids]
            for snapshot in known.snapshots:
                noted = confirm.noted(snapshot, known, each, now=_now())
                noted = replace(noted, next_read_at=snapshot.next_read_at)
                if noted != snapshot:
                    ledger.note_copy(noted)


def _fold_again(ledger: Ledger, *, good_for: timedelta) -> list[Change]:
    news: list[Change] = []
    ids, now = evidence.ids(ledger), _now()
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        news += derive_some(ledger, some, now=now, good_for=good_for, fold=Fold.ALL)
    ledger.drop_retired()
    return news


# ---- one look after the other ------------------------------------------------------------


def _read_again(ledger: Ledger, run: Run, folder: Path, progress: Progress) -> None:
    addresses = evidence.addresses(ledger)
    progress.begin("read again", len(addresses), 1)
    for start in range(0, len(addresses), _AT_A_TIME):
        some = addresses[start : start + _AT_A_TIME]
        asked = evidence.asked(ledger, some)
        reader = _Reader.of(ledger, folder, some)
        again: list[Reread] = []
        for _, look in groupby(asked, key=lambda one: (one.check.address, one.check.run_id)):
            again += reader.look_again(list(look))
        ledger.add_readings(run.id, again, now=_now())
        ledger.write_baselines(some, reader.made.values())
        progress.step(start + len(some), 0)


_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the looks at some addresses again, oldest first.

    Attributes:
        probes: What was seen beside the pages, by address and round.
        known: The baselines as they are stored.
        made: The baselines that today's rules make, by source, url and address.
    """

    captures: Captures
    probes: Mapping[tuple[str, int], Sequence[Probe]]
    known: Mapping[_Key, Known]
    made: dict[_Key, tuple[Check, Baseline]] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger, folder: Path, some: Sequence[str]) -> _Reader:
        """A reader of all that is stored of these addresses."""
        return cls(
            captures=Captures(ledger, folder),
            probes=evidence.probes(ledger, some),
            known=evidence.baselines(ledger, some),
        )

    def look_again(self, look: Sequence[Asked]) -> Iterator[Reread]:
        """What is new of one look at an address, for each source that shared it.

        A reply whose body was not kept (``preserve`` is ``none``) is read again only as far as
        that can't go wrong: a page (2xx) or a wall stays what it was when its body was there.
        """
        first = look[0].check
        fetched, whole = self.captures.reply(first)
        if not whole and (first.status is None or 200 <= first.status < 300):
            self._keep_baselines(look)
            return
        fresh = [one.check for one in look if _key(one.check) not in self.made]
        judged = sight.judge(
            fetched,
            look,
            baseline=self._oldest(look),
            probes=self.probes.get((first.address, first.run_id), ()),
            like=bool(fresh),
        )
        if judged.good and judged.likeness is not None:
            self.made.update({_key(check): (check, judged.likeness) for check in fresh})
        walls = (first.reading.rule, judged.reading.rule)
        if whole or not any(rule.startswith("wall-") for rule in walls):
            yield from _news(look, judged)

    def _oldest(self, look: Sequence[Asked]) -> Baseline | None:
        """What the page was like when the first of the sources that share it was seen well."""
        keys = {_key(one.check) for one in look} & self.made.keys()
        return min((self.made[key] for key in keys), key=lambda one: one[0].id)[1] if keys else None

    def _keep_baselines(self, look: Sequence[Asked]) -> None:
        """Nothing is there any more to make them of."""
        for one in look:
            known = self.known.get(_key(one.check))
            if known is not None and known.check_id == one.check.id:
                self.made.setdefault(_key(one.check), (one.check, known.baseline))


def _key(check: Check) -> _Key:
    return check.source_id, check.url, check.address


def _news(look: Sequence[Asked], judged: Judged) -> Iterator[Reread]:
    text = judged.text
    for one, finding in zip(look, judged.findings, strict=True):
        before = one.check
        reading = replace(judged.reading, transport=False)  # not stored, and not folded
        check = replace(
            one.check,
            reading=reading,
            rules_version=verdict.RULES_VERSION,
            finding=finding,
            text_sha256=text.sha256 if text is not None and text.version else before.text_sha256,
            text_version=text.version if text is not None and text.version else before.text_version,
        )
        told = (before.reading, before.text_sha256, before.text_version)
        differs = told != (reading, check.text_sha256, check.text_version)
        found = finding is not None and _stored_part(finding) != before.finding
        if differs or found:
            digest = rows.quote_sha256(one.quote) if found else ""
            yield Reread(check=check, reading=differs, quote=digest)


def _stored_part(finding: Finding) -> Finding:
    """A finding as the tables keep it: its end and its differences follow from the rest."""
    return replace(finding, passage="", end=None, difference=())


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
