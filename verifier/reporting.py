"""``verifier report``: what is stored, told in the form that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from verifier.attention import misquoted
from verifier.bulletin import Bulletin, exit_code, gates_of
from verifier.errors import InputError
from verifier.feed import atom
from verifier.ledger import Ledger
from verifier.start import Common, show, stored

LAST = "last"
FEED_ROUNDS = 30
"""Rounds that the feed goes back: more than a reader's program misses by not asking."""


def write_report(
    common: Common, *, form: str, since: str | None, fail_on: tuple[str, ...], output: Path | None
) -> int:
    """Print the report, or write it to *output*; 1 where it has what *fail_on* names."""
    gates = gates_of(fail_on)
    now = datetime.now(UTC)
    with closing(stored(common)) as ledger:
        bulletin = bulletin_of(ledger, since=since, now=now)
        words = _atom(ledger, bulletin) if form == "atom" else form_of(form)(bulletin)
    if output is None:
        show(words)
    else:
        write_whole(output, words)
    return exit_code(bulletin, gates)


def bulletin_of(ledger: Ledger, *, since: str | None, now: datetime) -> Bulletin:
    """What is stored, and what of it is news.

    Args:
        since: "last": what the newest round that judged has changed. A day or a time: what all
            rounds since then have, taken together. None: the whole report.

    Raises:
        InputError: *since* is neither.
    """
    asked = _moment(since) if since not in (None, LAST) else None
    rounds = ledger.judged_since(asked) if asked is not None else ledger.judged_last()
    if since == LAST:
        asked = rounds[0].started_at if rounds else now
    last = ledger.last_run(conclusive=True)
    rows = tuple(ledger.audit())
    return Bulletin(
        rows=rows,
        run=ledger.last_run(),
        written_at=now,
        last_conclusive=last.started_at if last is not None else None,
        rounds=tuple(rounds),
        since=asked,
        cited=tuple(ledger.sources([row.id for row in rows if misquoted(row)])),
    )


def form_of(name: str) -> Callable[[Bulletin], str]:
    """What writes a report in the form of that name."""
    # imported one by one: nobody waits for Jinja who wants text
    if name == "markdown":
        from verifier.report_markdown import markdown as form
    elif name == "html":
        from verifier.report_html import html as form
    elif name == "json":
        from verifier.report_json import as_json as form
    elif name == "csv":
        from verifier.report_csv import as_csv as form
    elif name == "corrections":
        from verifier.corrections import corrections as form
    else:
        from verifier.report import text as form
    return form


def _atom(ledger: Ledger, bulletin: Bulletin) -> str:
    rounds = bulletin.rounds if bulletin.since is not None else ledger.judged_last(FEED_ROUNDS)
    titles = {row.id: row.title for row in bulletin.rows}
    return atom(rounds, origin=ledger.origin, now=bulletin.written_at, titles=titles).decode()


def _moment(words: str) -> datetime:
    try:
        moment = datetime.fromisoformat(words.strip())
    except ValueError as error:
        cure = "Such as: --since last, --since 2030-12-31 or --since 2030-12-31T06:00Z"
        raise InputError("--since", f"{words!r} is neither a day nor a time", cure) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def write_whole(path: Path, words: str) -> None:
    """Write the whole file beside its place, and put it there: a reader never sees half.

    Raises:
        InputError: It can't be written.
    """
    try:
        place = path.resolve()
        if place.exists() and not place.is_file():  # a pipe, or a terminal
            place.write_text(words, "utf-8", newline="")
            return
        beside = place.with_name(f".{place.name}.new")
        try:
            beside.write_text(words, "utf-8", newline="")
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "Name another file") from error
