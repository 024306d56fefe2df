"""One archive through many rounds, each of which is stopped, and what must hold after each."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.archive_stand_in import ArchiveStandIn
from tests.faults.power import Disk, built
from tests.loopback import Site, chunked, page, redirect
from tests.program import Program
from verifier import fixity
from verifier.round import Silent

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 8))
PAGES = 14
WAYS = ("SIGKILL", "SIGTERM", "power cut")


def document(number: int, version: int) -> str:
    """A page that quotes well, and that may change."""
    return (
        f"<title>Page {number}</title><main><p>Sentence number {number} is here to be quoted, "
        f"and more.</p><p>Version {version}.</p></main>"
    )


@dataclass(slots=True)
class Seen:
    """What a reader saw committed before the round was stopped."""

    checks: dict[int, tuple[object, ...]] = field(default_factory=dict)
    head: str = ""


class LostError(AssertionError):
    """Something that must hold does not."""


class Archive:
    """A small web, the stand-in for the archive, and one folder that goes through it all."""

    def __init__(self, folder: Path, site: Site, archive: ArchiveStandIn, library: Path) -> None:
        self.program = Program(
            folder,
            wayback_url=archive.base_url,
            ia_access_key=archive.access_key,
            ia_secret_key=archive.secret_key,
            preserve_budget=20,
            poll_pause=0.01,
        )
        self._site, self._archive = site, archive
        self.disk = Disk(folder / "archive", folder / "disk", library)
        self._version = 0
        self.rows: list[dict[str, str]] = []
        self._changes = 1  # of the last round that nobody stopped
        self.stopped = Counter[str]()
        self.acknowledged = 0
        self.submitted = 0
        self._all = Seen()

    def _add(self) -> None:
        number = len(self.rows)
        self.rows.append(
            {
                "id": f"p{number:03}",
                "url": self._site.url(f"/page-{number}", host=HOSTS[number % len(HOSTS)]),
                "quote": f"Sentence number {number} is here" if number % 3 else "",
                "preserve": "public" if number % 4 == 1 or number >= PAGES else "local",
            }
        )

    def change(self) -> None:
        """A page is new, and is to be submitted; some others changed."""
        self._version += 1
        while len(self.rows) < PAGES + self._version:
            self._add()
        self.program.write(*self.rows)
        for number in range(len(self.rows)):
            target = f"{HOSTS[number % len(HOSTS)]}/page-{number}"
            version = self._version if number % 5 == self._version % 5 else number % 5
            text = document(number, version)
            if number == 7:
                self._site.set(target, redirect("/moved-7", status=301))
                self._site.set(f"{HOSTS[1]}/moved-7", page(text))
            elif number % 6 == 4:
                self._site.set(target, chunked(text.encode(), pause=0.03))
            else:
                self._site.set(target, page(text, gzipped=number % 2 == 0))

    # ---- a round that is stopped ---------------------------------------------------------

    def whole(self) -> float:
        """A round that nobody stops, to know its changes; the seconds it took."""
        self.change()
        began = time.monotonic()
        with self._started(0) as process:
            out, err = process.communicate(timeout=90)
        took = time.monotonic() - began
        if process.returncode not in (0, 1):
            raise LostError(f"a round ended with {process.returncode}: {out}{err}")
        self._changes = self.disk.changes
        self.disk.settle()
        return took

    def stop(self, way: str, chance: Random, *, seconds: float, changes: int) -> str:
        """One round, stopped in that way; where it was, in words.

        Args:
            seconds, changes: Of a round that nobody stops.
        """
        self.change()
        by_change = way != "SIGTERM" and chance.random() < 0.7
        die_at = chance.randint(1, changes) if by_change else 0
        moment = time.monotonic() + (90.0 if by_change else chance.uniform(0, seconds))
        with self._started(die_at) as process:
            seen = self._watch(process, moment)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM if way == "SIGTERM" else signal.SIGKILL)
            process.communicate(timeout=90)
            self._nobody_is_left(process.pid)
        self.stopped[way] += process.returncode in (-9, 143)
        if way == "power cut":
            self.disk.cut(chance)
        self.disk.settle()
        self._all.checks |= seen.checks
        self._all.head = seen.head or self._all.head
        self.acknowledged += len(seen.checks)
        return f"{way} at change {die_at} of {changes}" if by_change else f"{way} by the clock"

    @property
    def changes(self) -> int:
        """Of files, by the last round that nobody stopped."""
        return self._changes

    @contextmanager
    def _started(self, die_at: int) -> Iterator[subprocess.Popen[str]]:
        self.program.more = self.disk.environment(die_at)
        process = self.program.start("run", "--all", start_new_session=True)
        self.program.more = {}
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _watch(self, process: subprocess.Popen[str], moment: float) -> Seen:
        """Look at the database as a reader would, until the moment or the end."""
        seen = Seen()
        while process.poll() is None and time.monotonic() < moment:
            self._look(seen)
            time.sleep(0.01)
        return seen

    def _look(self, seen: Seen) -> None:
        address = f"file:{self.program.database}?mode=ro"
        with suppress(sqlite3.Error), ExitStack() as stack:
            connection = sqlite3.connect(address, uri=True, timeout=0.0)
            stack.callback(connection.close)
            connection.execute("BEGIN")
            sql = "SELECT chain FROM ledger ORDER BY seq DESC LIMIT 1"
            head = connection.execute(sql).fetchone()
            after = max(seen.checks, default=0) or max(self._all.checks, default=0)
            rows = connection.execute("SELECT * FROM checks WHERE id > ?", [after]).fetchall()
            seen.checks |= {row[0]: row for row in rows}
            seen.head = head[0] if head is not None else seen.head

    def _nobody_is_left(self, session: int) -> None:
        """The children of a round that was killed go by themselves."""
        ends = time.monotonic() + 20
        while left := _session(session):
            if time.monotonic() > ends:
                raise LostError(f"processes are left behind: {left}")
            time.sleep(0.02)

    # ---- what must hold ------------------------------------------------------------------

    def go_on(self) -> None:
        """The next round completes, and nothing that was acknowledged is lost."""
        self.whole()
        self.check()

    def check(self) -> None:
        """Everything that must hold after a round that completed."""
        outcome = self.program.sql("SELECT outcome FROM runs ORDER BY id DESC LIMIT 1")
        if outcome != [("conclusive",)]:
            raise LostError(f"the next round was {outcome}")
        self._checks_are_there_once()
        self._captures_are_what_was_sent()
        heads = (self._all.head,) if self._all.head else ()
        examined = fixity.examine(self.program.folder / "archive", heads=heads, progress=Silent())
        if examined.found:
            raise LostError(f"fixity: {examined.damages[:5]}")
        self._each_page_was_submitted_once()

    def _checks_are_there_once(self) -> None:
        now = {row[0]: row for row in self.program.sql("SELECT * FROM checks")}
        for id, row in self._all.checks.items():
            if now.get(id) != row:
                raise LostError(f"check {id} was acknowledged as {row}, and is {now.get(id)}")
        twice = self.program.sql(
            "SELECT run_id, source_id FROM checks GROUP BY run_id, source_id HAVING count(*) > 1"
        )
        if twice:
            raise LostError(f"checks are there twice: {twice}")

    def _captures_are_what_was_sent(self) -> None:
        """Recounted without any code of ours."""
        folder = self.program.folder / "archive" / "warc"
        for file, offset, length, payload, sha1, revisit in self.program.sql(
            "SELECT file, offset, length, payload_sha256, payload_sha1, revisit_of FROM captures"
        ):
            with (folder / file).open("rb") as warc:
                warc.seek(offset)
                record = gzip.decompress(warc.read(length))
            _, _, rest = record.partition(b"\r\n\r\n")
            _, _, body = rest.removesuffix(b"\r\n\r\n").partition(b"\r\n\r\n")
            digest = hashlib.sha1(body, usedforsecurity=False).digest()
            if revisit is None and (
                hashlib.sha256(body).hexdigest() != payload
                or base64.b32encode(digest).decode() != sha1
            ):
                raise LostError(f"{file}, offset {offset}: not what the row says")

    def _each_page_was_submitted_once(self) -> None:
        """The stand-in's own log says what left; the table must know of each, and of no more."""
        asked = Counter(self._archive.submissions)
        self.submitted = sum(asked.values())
        twice = [url for url, number in asked.items() if number > 1]
        if twice:
            raise LostError(f"submitted more than once: {twice}")
        known = {url for (url,) in self.program.sql("SELECT DISTINCT address FROM submissions")}
        if lost := set(asked) - known:
            raise LostError(f"submitted, and not in the table: {lost}")
        copies = dict(self.program.sql("SELECT url, copy FROM audit"))
        if waiting := [url for url in asked if copies[url] not in ("captured", "confirmed")]:
            raise LostError(f"captured there, and not known here: {waiting}")


def _session(number: int) -> list[str]:
    """The command lines of living processes of a session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == number and fields[0] != "Z":
                    found.append((folder / "cmdline").read_text().replace("\0", " ")[:200])
    return found


@dataclass(slots=True)
class Done:
    """What was tried, and what came of it: nothing was lost, or there was an error."""

    stopped: Counter[str] = field(default_factory=Counter)
    times: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    acknowledged: int = 0
    submitted: int = 0


def stopped_again_and_again(
    folder: Path,
    times: int,
    seed: int,
    *,
    chain: int,
    rest: int,
    tell: Callable[[str], None] = lambda line: None,
) -> Done:
    """Stop so many rounds, and check after each that is followed by a whole one.

    Args:
        chain: Rounds that are stopped in one archive, before a new one begins.
        rest: One of so many is followed by a round that nobody stops; the others by one that
            is stopped as well.

    Raises:
        LostError: Something that must hold does not; it names the seed.
    """
    done, library = Done(), built(folder)
    seconds, changes = 0.0, 0
    for begin in range(0, times, chain):
        chance = Random(seed + begin)
        place = folder / f"from-{begin}"
        place.mkdir()
        with ArchiveStandIn(slots=10) as archive, Site(*HOSTS) as site:
            if not changes:
                (folder / "first").mkdir()
                first = Archive(folder / "first", site, archive, library)
                seconds, changes = first.whole(), first.changes
        with ArchiveStandIn(slots=10) as archive, Site(*HOSTS) as site:
            kept = Archive(place, site, archive, library)
            for time_ in range(begin, min(begin + chain, times)):
                way = WAYS[time_ % len(WAYS)]
                done.times[way] += 1
                typical = changes if kept.changes == 1 else kept.changes
                where = kept.stop(way, chance, seconds=seconds, changes=typical)
                tell(f"{time_ + 1} of {times}: {where}")
                if time_ % rest == rest - 1 or time_ + 1 in (begin + chain, times):
                    done.whole += 1
                    try:
                        kept.go_on()
                    except AssertionError as error:
                        raise LostError(
                            f"seed {seed}, time {time_ + 1}: {where}: {error}"
                        ) from error
            done.stopped += kept.stopped
            done.acknowledged += kept.acknowledged
            done.submitted += kept.submitted
    return done
