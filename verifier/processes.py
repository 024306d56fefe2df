"""A round's hosts spread over processes: each tours its own, and one writes what all saw."""

from __future__ import annotations

import asyncio
import heapq
import logging
import os
import pickle
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from verifier.errors import MachineError
from verifier.frames import packed, received
from verifier.ledger import Look
from verifier.recorder import Seat
from verifier.tour import Orders
from verifier.worker import Errand

log = logging.getLogger(__name__)

WORTH_IT = 1_000
"""Addresses from which a round is spread: a process takes half a second to start."""

DEATHS = 3
"""Processes that may die one after another without having seen anything new."""

_SECRETS = ("VERIFIER_IA_", "IA_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How a round is spread.

    Attributes:
        processes: At most so many.
        database: For the processes to read from.
        first_id: The first id that is free for a capture.
        keep: Writes what a process saw, and returns when it is written.
    """

    processes: int
    database: Path
    first_id: int
    keep: Callable[[Sequence[Look]], Awaitable[None]]


async def tour_together(orders: Orders, crew: Crew, *, stop: asyncio.Event) -> None:
    """Look at every address of *orders*, whole hosts on each process.

    A process that dies is replaced, and what it had not handed over is looked at again.

    Args:
        stop: When set, nothing more is asked; what was seen is kept.

    Raises:
        StorageError: What was seen can't be stored.
        MachineError: No process can be had, or one after another dies.
    """
    hosts = orders.hosts()
    shares = shared_out(hosts, min(crew.processes, len(hosts)))
    manners = orders.manners
    manners = replace(manners, concurrency=-(-manners.concurrency // max(1, len(shares))))
    try:
        async with asyncio.TaskGroup() as group:
            for place, addresses in enumerate(shares):
                left = {address: orders.seats[address] for address in addresses}
                share = _Share(
                    replace(orders, seats=left, manners=manners, tag=f"{orders.tag}p{place}"),
                    crew,
                    first_id=crew.first_id + place,
                    step=len(shares),
                    stop=stop,
                )
                group.create_task(share.run())
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from None  # the first is the news, the others its company


def shared_out(hosts: Mapping[str, Sequence[str]], shares: int) -> list[list[str]]:
    """The addresses of whole hosts in so many shares, about as long as each other."""
    loads: list[tuple[int, int, list[str]]] = [(0, place, []) for place in range(shares)]
    for addresses in sorted(hosts.values(), key=len, reverse=True):
        load, place, share = heapq.heappop(loads)
        share += addresses
        heapq.heappush(loads, (load + len(addresses), place, share))
    return [share for _, _, share in sorted(loads, key=lambda one: one[1])]


class _Share:
    """A part of the round, and the process that is at it."""

    def __init__(
        self, orders: Orders, crew: Crew, *, first_id: int, step: int, stop: asyncio.Event
    ) -> None:
        self._orders, self._crew, self._stop = orders, crew, stop
        self._left: dict[str, Sequence[Seat]] = dict(orders.seats)
        self._next_id, self._step = first_id, step

    async def run(self) -> None:
        deaths = 0
        while self._left and not self._stop.is_set():
            before = len(self._left)
            code = await self._process()
            if code is None:
                return
            deaths = deaths + 1 if len(self._left) == before else 1
            if deaths == DEATHS:
                problem = f"{deaths} died one after another, the last with code {code}"
                raise MachineError("a process of the round", problem)
            log.warning(
                "a process of the round died with code %s; %d addresses are looked at again",
                code,
                len(self._left),
            )

    async def _process(self) -> int | None:
        """The life of one process: None when it did its errand, else its exit code."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-W", "ignore", "-m", "verifier.worker"),
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                start_new_session=True,  # Ctrl-C at a terminal reaches us, and we tell them
            )
        except OSError as error:
            ours.close()
            raise MachineError("a process of the round", error.strerror or "") from error
        finally:
            theirs.close()
        try:
            reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
            stopping = asyncio.ensure_future(self._tell_to_stop(writer))
            try:
                return None if await self._attend(reader, writer) else await process.wait()
            finally:
                stopping.cancel()
                writer.close()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                await process.wait()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send a process on its errand, and take what it hands over; whether it came to its end.

        Raises:
            VerifierError: The process had one.
        """
        errand = Errand(
            orders=replace(self._orders, seats=self._left),
            database=self._crew.database,
            first_id=self._next_id,
            step=self._step,
            verbose=log.isEnabledFor(logging.DEBUG),
        )
        with suppress(EOFError, ConnectionError):
            writer.write(packed(errand))
            await writer.drain()
            while True:
                what, told = await received(reader, pickle.loads)
                match what:
                    case "looks":
                        await self._crew.keep(told)
                        self._note(told)
                        writer.write(packed("kept"))
                    case "fault":
                        raise told
                    case "done":
                        return True
        return False

    def _note(self, looks: Sequence[Look]) -> None:
        for look in looks:
            self._left.pop(look.checks[0].address, None)
            for capture in look.captures:
                self._next_id = max(self._next_id, capture.id + self._step)

    async def _tell_to_stop(self, writer: asyncio.StreamWriter) -> None:
        await self._stop.wait()
        writer.write(packed("stop"))


def _environment() -> dict[str, str]:
    """Ours (proxies, certificates), without the archive's keys: no process of these needs them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}


def cores() -> int:
    """The processor cores that we may use."""
    return len(os.sched_getaffinity(0))
