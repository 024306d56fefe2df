"""How a round's addresses are spread over time: whole hosts, politely, on one event loop."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import count

from verifier.records import Fetched

Again = Callable[[Fetched, int], float | None]
"""``(what came, tries so far)`` → seconds until the next try in this round, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How hosts are treated.

    Attributes:
        concurrency: Fetches at once, over all hosts.
        per_host: Fetches at once to one host (hostname and port).
        pause: Seconds between the end of one fetch and the begin of the next to that host.
    """

    concurrency: int = 100
    per_host: int = 1
    pause: float = 1.0


class _Host:
    """What is left to ask of one host, and when it may be asked."""

    __slots__ = ("fresh", "later", "ready_at")

    def __init__(self, addresses: Iterable[str]) -> None:
        self.fresh = deque(addresses)
        self.later: list[tuple[float, str, int]] = []
        self.ready_at = 0.0

    def take(self, now: float) -> tuple[str, int] | None:
        """An address that may be asked now, with the times it was tried."""
        if now < self.ready_at:
            return None
        if self.later and self.later[0][0] <= now:
            _, address, tries = heapq.heappop(self.later)
            return address, tries
        return (self.fresh.popleft(), 0) if self.fresh else None

    def next_at(self) -> float | None:
        """When there will be something to take; None when nothing is left."""
        if self.fresh:
            return self.ready_at
        return max(self.ready_at, self.later[0][0]) if self.later else None


async def sweep(
    hosts: Iterable[Iterable[str]],
    get: Callable[[str], Awaitable[Fetched]],
    *,
    again: Again,
    seen: Callable[[str, Fetched], Awaitable[None]],
    manners: Manners,
    stop: asyncio.Event,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Fetch every address, host by host, and hand on what came.

    Workers take turns over a heap of hosts ordered by the time each may be asked again, one
    address a turn: no host is asked by more workers at once than its manners allow, and a
    slow host keeps nobody waiting. A fetch worth repeating goes back to its host's queue.

    Args:
        hosts: The addresses of each host together.
        seen: Called once for each address, with its last answer.
        stop: When set, nothing more is asked, and what is under way is given up.
        turn: Entered before a fetch, and left when what it gave has been seen.

    Raises:
        Exception: The first that *get* or *seen* raised; the rest is given up.
    """
    turns = _Turns(hosts, get, again=again, seen=seen, manners=manners, turn=turn)
    everyone = asyncio.ensure_future(turns.everyone())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([everyone, stopped], return_when=asyncio.FIRST_COMPLETED)
        if everyone.done():
            await everyone
    finally:
        everyone.cancel()
        stopped.cancel()
        await asyncio.gather(everyone, stopped, return_exceptions=True)


class _Turns:
    """The heap of turns, and the workers that take them."""

    def __init__(
        self,
        hosts: Iterable[Iterable[str]],
        get: Callable[[str], Awaitable[Fetched]],
        *,
        again: Again,
        seen: Callable[[str, Fetched], Awaitable[None]],
        manners: Manners,
        turn: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._get, self._again, self._seen, self._manners = get, again, seen, manners
        self._turn = turn
        self._order = count()
        self._heap: list[tuple[float, int, _Host]] = []
        for addresses in hosts:
            host = _Host(addresses)
            for _ in range(min(manners.per_host, len(host.fresh))):
                self._heap.append((0.0, next(self._order), host))
        heapq.heapify(self._heap)

    async def everyone(self) -> None:
        """As many workers as there is work for, until there is none."""
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self._manners.concurrency, len(self._heap))):
                    workers.create_task(self._work())
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from None  # the first is the news, the others its company

    async def _work(self) -> None:
        now = asyncio.get_running_loop().time
        while self._heap:
            at, order, host = heapq.heappop(self._heap)
            if (wait := at - now()) > 0:  # the earliest of all: nothing else can be done
                await asyncio.sleep(wait)
            taken = host.take(now())
            if taken is not None:
                with self._turn():
                    await self._visit(host, *taken)
            ready_at = host.next_at()
            if ready_at is None:
                continue
            if taken is not None and not self._manners.pause and ready_at <= now():
                # the same host again, over the connection that is open
                heapq.heappush(self._heap, (at, order, host))
                continue
            pause = self._manners.pause if taken is not None else 0.0
            turn = (max(ready_at, now() + pause), next(self._order), host)
            heapq.heappush(self._heap, turn)

    async def _visit(self, host: _Host, address: str, tries: int) -> None:
        fetched = await self._get(address)
        tries += 1
        wait = self._again(fetched, tries)
        if wait is None:
            await self._seen(address, fetched if tries == 1 else replace(fetched, attempts=tries))
            return
        at = asyncio.get_running_loop().time() + wait
        heapq.heappush(host.later, (at, address, tries))
        if fetched.retry_after is not None:
            host.ready_at = max(host.ready_at, at)
