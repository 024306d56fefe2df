"""A tour of hosts on one event loop: asked politely, looked at, and what was seen recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import choice
from typing import Protocol

from verifier import fanout, recorder, room, verdict
from verifier.addresses import host_of
from verifier.fanout import Manners
from verifier.look import Get, Judge, Looker
from verifier.recorder import Recorder, Seat
from verifier.records import Baseline, Fetched, Reading
from verifier.warc import Writer


class Books(recorder.Books, Protocol):
    """What a tour reads and writes of the ledger: see :class:`verifier.ledger.Ledger`."""

    def with_baselines(self) -> dict[str, bool]: ...
    def baseline(self, address: str) -> Baseline | None: ...


def any_name() -> str:
    """Twelve letters that no address has: without digits, no site takes them for a number."""
    return "".join(choice("bcdfghjkmnpqrstvwxz") for _ in range(12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a tour is to look at, and how. Can be sent to another process.

    Attributes:
        seats: The sources of each address.
        warc: The folder for WARC files; ``tag`` stands in the names of new ones.
        fetcher: Opens what fetches.
        retry_pause: Seconds before the first retry of a fetch.
        name: A name that nobody gave to anything, another one each time.
    """

    run_id: int
    seats: Mapping[str, Sequence[Seat]]
    warc: Path
    software: str
    fetcher: Callable[[], AbstractAsyncContextManager[Get]]
    manners: Manners
    retry_pause: float
    tag: str = ""
    name: Callable[[], str] = any_name

    def hosts(self) -> dict[str, list[str]]:
        """The addresses of each host."""
        hosts: dict[str, list[str]] = {}
        for address in self.seats:
            hosts.setdefault(host_of(address), []).append(address)
        return hosts


async def tour(
    orders: Orders,
    books: Books,
    thread: Executor,
    *,
    judge: Judge,
    stored: Callable[[str, Reading], None],
    stop: asyncio.Event,
) -> None:
    """Look at every address of *orders*.

    Args:
        books: Where looks are written; it and the WARC file are used on *thread* only.
        judge: Says what came of a fetch, off the event loop.
        stored: Told how each address was seen once that is stored.
        stop: When set, nothing more is asked; what was seen is stored.

    Raises:
        StorageError: It can't be stored.
    """
    loop = asyncio.get_running_loop()
    writer = Writer(orders.warc, software=orders.software, tag=orders.tag)
    recorder = Recorder(orders.run_id, orders.seats, books, writer, thread, stored=stored)
    baselined = await loop.run_in_executor(thread, books.with_baselines)

    async def known(address: str) -> Baseline | None:
        if address not in baselined:
            return None
        return await loop.run_in_executor(thread, books.baseline, address)

    def again(fetched: Fetched, tries: int) -> float | None:
        now = datetime.now(UTC)
        return verdict.retry_in(fetched, attempts=tries, pause=orders.retry_pause, now=now)

    keeping_up = asyncio.ensure_future(recorder.keep_up())
    try:
        async with orders.fetcher() as fetcher:
            looker = Looker(
                fetcher,
                judge,
                quoted=orders.seats,
                known=known,
                settled=lambda address: baselined.get(address, False),
                pause=orders.manners.pause,
                name=orders.name,
            )

            async def seen(address: str, fetched: Fetched) -> None:
                await recorder.take(await looker.look(address, fetched))

            sweeping = asyncio.ensure_future(
                fanout.sweep(
                    orders.hosts().values(),
                    fetcher.get,
                    again=again,
                    seen=seen,
                    manners=orders.manners,
                    stop=stop,
                    turn=room.turn,
                )
            )
            await _first_fault(sweeping, keeping_up)
        await recorder.flush()
    finally:
        keeping_up.cancel()
        await asyncio.gather(keeping_up, return_exceptions=True)
        await loop.run_in_executor(thread, writer.close)


async def _first_fault(work: asyncio.Future[None], helper: asyncio.Future[None]) -> None:
    """Wait for *work*; a helper that ends before has failed, and its fault is raised."""
    try:
        await asyncio.wait([work, helper], return_when=asyncio.FIRST_COMPLETED)
        await (work if work.done() else helper)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
