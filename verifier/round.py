"""One round: check what is due, preserve what needs it, record it, and say what it means."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from verifier import (
    alternatives,
    belongings,
    confirm,
    copies,
    custody,
    hindsight,
    history,
    landings,
    outage,
    sources,
    verdict,
    warc,
)
from verifier.addresses import host_of
from verifier.derive import derive_some
from verifier.errors import InputError, LockedError, StorageError
from verifier.fanout import Manners
from verifier.ledger import Ledger, Look
from verifier.look import Get
from verifier.outage import Crowd, HostLook
from verifier.parsing import Parsers
from verifier.preserve import Archive, Asking, Pace
from verifier.processes import WORTH_IT, Crew, tour_together
from verifier.recorder import Seat
from verifier.records import (
    Change,
    Fetched,
    Link,
    Reading,
    Run,
    Seen,
    SourceList,
)
from verifier.rows import stamp
from verifier.tour import Orders, any_name, tour

log = logging.getLogger(__name__)

T = TypeVar("T")

CHUNK = 500
"""Sources whose answers are derived at a time."""

STILL_SOON = 10_000
"""So many can be derived although the round was told to end: it takes some three seconds."""

_ALIVE = (Seen.ALIVE, Seen.MOVED)


class Progress(Protocol):
    """Told how a round gets on; doing nothing is fine."""

    def begin(self, what: str, total: int, hosts: int) -> None:
        """A stretch of work begins: *total* addresses on *hosts* hosts."""

    def step(self, done: int, failing: int) -> None:
        """So many are done, so many of them failing."""

    def end(self) -> None:
        """The stretch is over."""


class Silent:
    """Progress that nobody sees."""

    def begin(self, what: str, total: int, hosts: int) -> None:
        """Nothing."""

    def step(self, done: int, failing: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a round is asked to do, and with what.

    Attributes:
        fetcher: Opens what fetches sources; ``scout`` what asks canaries (no address guard).
        archive: Opens the edge to the archive; None asks nothing of any archive.
        canaries: Addresses of which one that answers proves a network; none: not tested.
        only: Ids to look at, due or not, and to ask the archive about; empty: all that are due.
        everything: Look at all sources, due or not.
        retire: A person confirmed that many rows may leave.
        retry_pause: Seconds before the first retry of a fetch.
        good_for: How old a capture that the archive's index has may be.
        parsers: Opens what reads pages.
        name: A name that nobody gave to anything, another one each time.
        clock: What time it is; another than the machine's only where a demonstration says so.
        processes: Over how many a round is spread that has ``spread_from`` addresses or more.
    """

    sources: Path
    archive_folder: Path
    fetcher: Callable[[], AbstractAsyncContextManager[Get]]
    scout: Callable[[], AbstractAsyncContextManager[Get]]
    archive: Callable[[], AbstractAsyncContextManager[Archive]] | None
    pace: Pace
    software: str
    canaries: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    everything: bool = False
    retire: bool = False
    manners: Manners = field(default_factory=Manners)
    retry_pause: float = 2.0
    good_for: timedelta = copies.GOOD_FOR
    parsers: Callable[[], AbstractAsyncContextManager[Parsers]] = Parsers
    name: Callable[[], str] = any_name
    clock: Callable[[], datetime] = _now
    processes: int = 1
    spread_from: int = WORTH_IT
    progress: Progress = field(default_factory=Silent)


async def run(plan: Plan, *, stop: asyncio.Event) -> Run:
    """One round, from reading sources.csv to the audit table.

    What was seen is stored as it comes. What is derived (strikes, answers, the audit table)
    is written once, at the end, in one transaction, and only if the round was conclusive.

    Args:
        stop: When set, the round ends soon: what was seen stays, and what was not yet
            derived is taken in by the next round.

    Raises:
        InputError: sources.csv can't be read, lost most of its rows, or lacks an id of *only*.
        LockedError: Another round is running.
        StorageError: The archive folder can't be written.
    """
    with locked(plan.archive_folder), ThreadPoolExecutor(1, "ledger") as thread:
        listed = [sources.read(plan.sources)]
        async with _opened(plan.archive_folder, thread) as ledger:
            return await _Round(plan, ledger, thread, stop).run(listed.pop())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the archive folder's lock; only one round writes at a time.

    Raises:
        LockedError: Another process holds it.
        StorageError: The folder or the lock file can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        cure = belongings.why_not_opened(folder / "audit.db") if folder.is_dir() else ""
        cure = cure or "Check the folder's owner and permissions"
        raise StorageError(str(folder), error.strerror or str(error), cure) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
            raise LockedError(holder or "it has not said who it is") from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}, since {stamp(_now())}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


@asynccontextmanager
async def _opened(folder: Path, thread: ThreadPoolExecutor) -> AsyncIterator[Ledger]:
    loop = asyncio.get_running_loop()
    ledger = await loop.run_in_executor(thread, Ledger, folder / "audit.db")
    try:
        yield ledger
        await loop.run_in_executor(thread, ledger.checkpoint)
    finally:
        await asyncio.shield(loop.run_in_executor(thread, ledger.close))


class _StoppedError(Exception):
    """The round was told to end, and what is left to do would take too long."""


class _Round:
    """The state of one round."""

    def __init__(
        self, plan: Plan, ledger: Ledger, thread: ThreadPoolExecutor, stop: asyncio.Event
    ) -> None:
        self._plan, self._ledger, self._thread, self._stop = plan, ledger, thread, stop
        self._readings: dict[str, bool] = {}
        self._hosts: dict[str, HostLook] = {}
        self._failing = 0
        self._looked_back: list[str] = []

    async def run(self, listed: SourceList) -> Run:
        started = self._now()
        await self._mend()
        newest = await self._stored(landings.newest)
        behind = outage.behind(started, newest)
        if not behind:
            await self._mirror(listed, started)
        digest = listed.digest
        begun = Run(
            id=0,
            started_at=started,
            listed=len(listed.sources),
            wrong_rows=len({problem.line for problem in listed.problems}),
            problems=(*listed.warnings, *(str(problem) for problem in listed.problems)),
        )
        run = await self._stored(
            lambda ledger: ledger.start_run(
                begun,
                sources_sha256=digest,
                software=self._plan.software,
                rules=verdict.RULES_VERSION,
            )
        )
        if behind:
            run = replace(run, outcome="inconclusive", network="wrong-clock", reason=behind)
            return await self._close(run)
        try:
            seats = await self._due(run, listed)
            del listed  # a long list is most of a round's memory, and the ledger has it now
            return await self._rest(run, seats)
        except (Exception, asyncio.CancelledError):
            with suppress(StorageError):  # the fault itself is the news
                await asyncio.shield(self._close(replace(run, reason="ended by a fault")))
            raise

    async def _rest(self, run: Run, seats: Mapping[str, Sequence[Seat]]) -> Run:
        run = await self._tested(run)
        if run.outcome == "inconclusive":
            return await self._close(run)
        sources_at = {
            address: sum(not seat.stands_in for seat in taken) for address, taken in seats.items()
        }
        due = sum(sources_at.values())
        before = await self._stored(lambda ledger: ledger.was_well())
        await self._look(run.id, seats)
        checked = sum(sources_at[address] for address in self._readings)
        run = replace(run, due=due, checked=checked)
        if self._stop.is_set():
            reason = "stopped before its end"
            return await self._close(replace(run, outcome="interrupted", reason=reason))
        run = await self._doubted(run, list(self._host_looks(seats, before)))
        if run.outcome == "inconclusive":
            return await self._close(run)
        self._looked_back = await self._look_back(run.id)
        run = replace(run, preserve=await self._preserve(run.id))
        return await self._derive(replace(run, outcome="conclusive"))

    # ---- before --------------------------------------------------------------------------

    async def _mend(self) -> None:
        """Cut off what a crash left half written in the WARC files, and say so."""
        for torn in await self._call(lambda: warc.repair(self._plan.archive_folder / "warc")):
            log.warning(
                "%s had a torn end of %d bytes after a crash; it is kept beside it as %s",
                torn.file,
                torn.length,
                torn.kept_as,
            )

    async def _mirror(self, listed: SourceList, now: datetime) -> None:
        unknown = set(self._plan.only) - {source.id for source in listed.sources}
        if unknown:
            raise InputError(
                "--only",
                f"no source has the id {sorted(unknown)[0]!r}",
                f"See {self._plan.sources}",
            )
        stay = {source.id for source in listed.sources}
        stay |= {problem.source_id for problem in listed.problems}

        def mirror(ledger: Ledger) -> None:
            known = ledger.fingerprints()
            leaving = sum(1 for id in known if id not in stay)
            too_many = verdict.retires_too_many(len(known), leaving, len(stay))
            ledger.mirror(listed, now=now, retire=self._plan.retire, too_many=too_many)

        await self._stored(mirror)

    async def _canaries(self) -> list[Fetched]:
        if not self._plan.canaries:
            return []
        async with self._plan.scout() as scout:
            return await asyncio.gather(*(scout.get(url) for url in self._plan.canaries))

    async def _tested(self, run: Run) -> Run:
        """The round with what the canaries say of network and clock before any look."""
        came = await self._canaries()
        network = outage.network(came)
        run = replace(run, network=network.state)
        if network.state == "down":
            return replace(run, outcome="inconclusive", reason=network.reason)
        if reason := outage.wrong_clock([told for one in came for told in outage.dates_of(one)]):
            return replace(run, outcome="inconclusive", network="wrong-clock", reason=reason)
        return run

    async def _doubted(self, run: Run, hosts: Sequence[HostLook]) -> Run:
        """The round with why it says nothing after all, if our own network or clock failed it."""
        reason = outage.inconclusive(hosts)
        if not reason and any(host.silent and host.well for host in hosts):
            reason = outage.gone(outage.network(await self._canaries()))
        if reason:
            return replace(run, outcome="inconclusive", reason=reason)
        told = await self._stored(lambda ledger: list(landings.dates(ledger, run.id)))
        if reason := outage.wrong_clock(told, enough=outage.CROWD):
            return replace(run, outcome="inconclusive", network="wrong-clock", reason=reason)
        crowd = await self._stored(lambda ledger: self._crowd(ledger, run.id))
        if crowd is not None and (reason := outage.portal(crowd)):
            if outage.is_no_portal(crowd, await self._canaries()):
                return run
            return replace(run, outcome="inconclusive", network="portal", reason=reason)
        return run

    def _crowd(self, ledger: Ledger, run_id: int) -> Crowd | None:
        found = landings.crowd(ledger, run_id)
        if found is None:
            return None
        crowd, page = found
        if page is not None:
            with suppress(StorageError):  # then it is judged without the page's words
                stored = warc.read(self._plan.archive_folder / "warc", page.file, page.offset)
                crowd = replace(crowd, content=stored.content)
        return crowd

    async def _due(self, run: Run, listed: SourceList) -> dict[str, list[Seat]]:
        """The sources to look at, by address: all those of one address share its fetch."""
        if self._plan.only:
            wanted = set(self._plan.only)
        else:
            everything, at = self._plan.everything, run.started_at
            wanted = set(await self._stored(lambda ledger: ledger.due(at, everything=everything)))
        able = [source for source in listed.sources if verdict.invalid(source) is None]
        asked = {source.address for source in able if source.id in wanted}
        seats: dict[str, list[Seat]] = {}
        for source in able:
            if source.address in asked:
                seats.setdefault(source.address, []).append(Seat.of(source))
        for source in able:
            if source.address in asked:
                for other in alternatives.able(source):
                    seat, address = Seat.of_alternative(source, other), other.url.partition("#")[0]
                    seats.setdefault(address, []).append(seat)
        return seats

    # ---- looking -------------------------------------------------------------------------

    async def _look(self, run_id: int, seats: Mapping[str, Sequence[Seat]]) -> None:
        orders = Orders(
            run_id=run_id,
            seats=seats,
            warc=self._plan.archive_folder / "warc",
            software=self._plan.software,
            fetcher=self._plan.fetcher,
            manners=self._plan.manners,
            retry_pause=self._plan.retry_pause,
            name=self._plan.name,
        )
        hosts = len(orders.hosts())
        self._plan.progress.begin("checked", len(seats), hosts)
        try:
            if self._plan.processes > 1 and hosts > 1 and len(seats) >= self._plan.spread_from:
                await self._look_together(orders)
            else:
                async with self._plan.parsers() as parsers:
                    await tour(
                        orders,
                        self._ledger,
                        self._thread,
                        judge=parsers.judge,
                        stored=self._note,
                        stop=self._stop,
                    )
        finally:
            self._plan.progress.end()

    async def _look_together(self, orders: Orders) -> None:
        """Look with several processes; only this one writes the ledger."""

        async def keep(looks: Sequence[Look]) -> None:
            await self._stored(lambda ledger: ledger.append(orders.run_id, looks))
            for look in looks:
                check = look.checks[0]
                self._note(check.address, check.reading)

        crew = Crew(
            processes=self._plan.processes,
            database=self._plan.archive_folder / "audit.db",
            first_id=await self._stored(lambda ledger: ledger.next_capture_id()),
            keep=keep,
        )
        await tour_together(orders, crew, stop=self._stop)

    def _note(self, address: str, reading: Reading) -> None:
        self._readings[address] = reading.seen in _ALIVE
        host = host_of(address)
        self._hosts[host] = outage.with_look(self._hosts.get(host), reading)
        self._failing += reading.seen in (Seen.FAILING, Seen.GONE, Seen.HIJACKED)
        self._plan.progress.step(len(self._readings), self._failing)

    def _host_looks(
        self, seats: Mapping[str, Sequence[Seat]], before: set[str]
    ) -> Iterator[HostLook]:
        well = {
            host_of(address)
            for address, taken in seats.items()
            if any(seat.id in before and not seat.stands_in for seat in taken)
        }
        for host, look in self._hosts.items():
            yield replace(look, well=host in well)

    async def _look_back(self, run_id: int) -> list[str]:
        async with self._plan.parsers() as parsers:
            folder = self._plan.archive_folder / "warc"
            return await hindsight.look_back(self._stored, parsers.judge, folder, run_id=run_id)

    # ---- copies --------------------------------------------------------------------------

    async def _preserve(self, run_id: int) -> str:
        if self._plan.archive is None:
            return ""
        now = self._now()
        young, late = now - self._plan.good_for, now - confirm.SHOWN_WITHIN
        wanted = await self._stored(lambda ledger: ledger.without_copy(young, late))
        addresses = {
            address: self._readings.get(address, link in (Link.LIVE, Link.MOVED))
            for address, link in wanted
            if not self._plan.only or address in self._readings
        }
        brink = await self._stored(lambda ledger: custody.failing(ledger, history.STRIKES - 1))
        failing = [address for address in brink if self._readings.get(address) is False]
        self._plan.progress.begin("asked of the archive", len(addresses), 1)
        try:
            async with self._plan.archive() as archive, self._plan.parsers() as parsers:
                asking = Asking(
                    archive=archive,
                    stored=self._stored,
                    run_id=run_id,
                    pace=self._plan.pace,
                    judge=parsers.judge,
                    good_for=self._plan.good_for,
                    stop=self._stop,
                    clock=self._plan.clock,
                    progress=lambda done, of: self._plan.progress.step(done, 0),
                )
                only = self._readings if self._plan.only else None
                return str(await asking.run(addresses, failing=failing, only=only))
        finally:
            self._plan.progress.end()

    # ---- what it means -------------------------------------------------------------------

    async def _derive(self, run: Run) -> Run:
        """Take in every look that no conclusive round has, and write the answers at once."""
        run = replace(run, ended_at=self._now())

        def derive(ledger: Ledger) -> Run:
            last = ledger.last_run(conclusive=True)
            since = stamp(last.started_at) if last is not None else ""
            ids = ledger.undigested(since, now=self._now())
            known = set(ids)
            ids += [id for id in self._looked_back if id not in known]
            with ledger.transaction():
                news: list[Change] = []
                for start in range(0, len(ids), CHUNK):
                    if self._stop.is_set() and len(ids) - start > STILL_SOON:
                        raise _StoppedError
                    some = ids[start : start + CHUNK]
                    news += derive_some(ledger, some, now=self._now(), good_for=self._plan.good_for)
                ledger.drop_retired()
                return ledger.end_run(replace(run, news=tuple(news)), derived=True)

        try:
            return await self._stored(derive)
        except _StoppedError:
            reason = "stopped before its end"
            return await self._close(replace(run, outcome="interrupted", reason=reason))

    async def _close(self, run: Run) -> Run:
        """Note how a round ended that derives nothing."""
        ended = replace(
            run,
            ended_at=self._now(),
            outcome="interrupted" if run.outcome == "running" else run.outcome,
        )

        def close(ledger: Ledger) -> Run:
            with ledger.transaction():
                if ended.network in outage.DECEIVED:
                    ledger.forget_baselines(ended.id)
                return ledger.end_run(ended, derived=False)

        return await self._stored(close)

    def _now(self) -> datetime:
        return self._plan.clock().replace(microsecond=0)

    # ---- the ledger's thread -------------------------------------------------------------

    async def _stored(self, call: Callable[[Ledger], T]) -> T:
        return await self._call(lambda: call(self._ledger))

    async def _call(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
