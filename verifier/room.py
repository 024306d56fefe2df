"""How many large bodies may be in memory at once: a web of bombs must not fill the machine.

Part of the edge whose door is `verifier.fetch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

LIGHT = 1 << 20
"""Bytes up to which a body needs no place: a hundred of them are no burden."""

GATES = ((LIGHT, 16), (8 << 20, 2))
"""Above so many bytes, so many bodies at once. Reports of 5 MB are common, and come 16 at once."""


class Room:
    """The places there are for large bodies, each held until the turn of its page is over."""

    def __init__(self, gates: Sequence[tuple[int, int]] = GATES) -> None:
        self._gates = [(size, asyncio.Semaphore(places)) for size, places in gates]

    async def make(self, size: int) -> None:
        """Wait until there is a place for a body that has grown to *size* bytes.

        Places are taken in the order of their gates, so that no two pages wait for each other.
        """
        held = _HELD.get()
        if held is None:
            raise RuntimeError("a body outside of any turn")
        for above, places in self._gates:
            if size > above and places not in held:
                await places.acquire()
                held.append(places)


_HELD: ContextVar[list[asyncio.Semaphore] | None] = ContextVar("held", default=None)


@contextmanager
def turn() -> Iterator[None]:
    """What is fetched within is in somebody's hands until the end of it.

    A turn within a turn is part of it.
    """
    if _HELD.get() is not None:
        yield
        return
    held: list[asyncio.Semaphore] = []
    token = _HELD.set(held)
    try:
        yield
    finally:
        _HELD.reset(token)
        for places in held:
            places.release()
