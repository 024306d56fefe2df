"""``verifier demo``: plays the story through the real rounds, and shows what they found."""

from __future__ import annotations

import csv
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from verifier import judging
from verifier.attention import minute, needs_reader, plural
from verifier.demo import web
from verifier.demo.shelf import ACCESS_KEY, SECRET_KEY, Shelf
from verifier.demo.story import JUDGED, ROUNDS, SOURCES, Stage
from verifier.demo.wire import LOCAL, served
from verifier.errors import InputError
from verifier.ledger import Ledger
from verifier.records import Link, Run
from verifier.settings import Settings
from verifier.start import Common, StoppedError, plan_of, run_once, show

OPENING = """\
A small web of {pages} pages on this machine, and an archive beside it: nothing leaves it.
Rounds are played on simulated days; pages break, move and change between them.

"""
LOOK = """
Look at
{lines}

The live links lead to the small web, and the copies to its archive, as long as this runs.

"""


@dataclass(slots=True)
class Calendar:
    """What time it is in the story: the machine's time of day, on the day that is played."""

    stage: Stage

    def __call__(self) -> datetime:
        """Now, on that day."""
        return datetime.now(UTC) + timedelta(days=self.stage.day)


def demonstrate(common: Common, *, port: int, serve: bool, keep: Path | None) -> int:
    """Play the rounds and show them until a signal; nothing is left behind but in *keep*.

    Args:
        port: Where Datasette listens; 0 takes a free one.
        serve: False ends after the last round.
        keep: A folder that is made for it, and stays.
    """
    if serve and port:
        _see_that_it_is_free(port)  # now, not after the rounds
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = "*"  # a proxy knows nothing of this machine's small web
    stage = Stage()
    clock = Calendar(stage)
    shelf = Shelf(stage, clock)
    with (
        _folder(keep) as folder,
        served(partial(web.answered, stage), clock=clock) as stage.port,
        served(shelf.answered, clock=clock) as archive_port,
    ):
        place = Common(
            sources=folder / "sources.csv",
            archive=folder / "archive",
            config=None,
            verbose=common.verbose,
        )
        _write(place.sources, stage)
        _play(place, stage, clock, archive=f"http://{LOCAL}:{archive_port}")
        if not serve:
            return 0
        return _open(place, port=port)


def _see_that_it_is_free(port: int) -> None:
    try:
        socket.create_server((LOCAL, port)).close()
    except OSError as error:
        place, cure = f"{LOCAL}, port {port}", "Name another, or leave --port out"
        raise InputError(place, f"cannot listen there: {error.strerror}", cure) from error


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="verifier-demo-") as name:
            yield Path(name)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise InputError(str(keep), "it is not empty", "Name a folder that is not there yet")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep


def _write(path: Path, stage: Stage) -> None:
    rows = list(stage.rows())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _play(place: Common, stage: Stage, clock: Calendar, *, archive: str) -> None:
    """All rounds of the story.

    Raises:
        StoppedError: A signal ended it.
    """
    show(OPENING.format(pages=sum(1 for one in SOURCES if one.host)))
    told = Settings(
        wayback_url=archive,
        ia_access_key=ACCESS_KEY,
        ia_secret_key=SECRET_KEY,
        canaries=(),
        allow_private=True,
        host_pause=0.0,
        deadline=10.0,
        retry_pause=0.01,
        save_pause=0.0,
        poll_pause=0.01,
        processes=1,
    )
    for day in ROUNDS:
        stage.day = day
        caught: list[int] = []
        with _ends_on_sigterm():
            run = run_once(plan_of(place, told, clock=clock), caught)
        if caught:
            raise StoppedError(caught[0])
        show(f"{_told(place, run)}\n")
    source, name, reason = JUDGED
    judging.judge(
        place.archive,
        source,
        Link.LIVE,
        reason=reason,
        until=datetime.now(UTC).replace(microsecond=0) + timedelta(days=90),
        by=name,
        good_for=timedelta(days=told.copy_days),
    )


@contextmanager
def _ends_on_sigterm() -> Iterator[None]:
    """SIGTERM unwinds as Ctrl-C does, also where no event loop listens to it; so does SIGHUP."""

    def end(number: int, _frame: object) -> None:
        raise StoppedError(number)

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # a closed terminal; not after nohup
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, end)  # a loop that ends puts the default back


def _told(place: Common, run: Run) -> str:
    """What a round did, in a line."""
    with closing(Ledger(place.database)) as ledger:
        waiting = sum(1 for row in ledger.audit() if needs_reader(row))
    changed = sum(1 for change in run.news if change.before)
    return (
        f"  round {run.id}, simulated {minute(run.started_at)}: "
        f"{plural(run.checked, 'source', 'sources')} looked at, "
        f"{plural(changed, 'answer', 'answers')} changed, {waiting} in need of a person"
    )


def _open(place: Common, *, port: int) -> int:
    """Datasette on what was found, until a signal."""
    from verifier.site.server import serve

    def ready(address: str) -> None:
        width = max(len(one.id) for one in SOURCES)
        lines = [f"  {address}  what needs a person, and what changed"]
        lines += [
            f"  {address}audit/audit/{one.id:<{width}}  {one.look}" for one in SOURCES if one.look
        ]
        show(LOOK.format(lines="\n".join(lines)))
        show(f"The audit is at {address} (Ctrl-C ends it, and leaves nothing behind)\n")
        sys.stdout.flush()

    caught = serve(place.database, place.archive / "warc", host=LOCAL, port=port, ready=ready)
    return 128 + caught if caught else 0
