"""A process that tours some hosts of a round, and hands what it saw to the one that writes.

Started by ``processes.py`` with the number of a socket as its only word. A first message brings
`Errand`; then come ``"kept"`` for every batch that was written, and ``"stop"``. It sends
``("looks", looks)``, at last ``("done", None)``, or ``("fault", error)``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import socket
import sqlite3
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from verifier.errors import MachineError, VerifierError
from verifier.frames import packed, received
from verifier.ledger import Ledger, Look
from verifier.parsing import Parsers
from verifier.records import Baseline, Capture
from verifier.tour import Orders, tour


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What one process is to do.

    Attributes:
        database: Read for what was captured before; never written here.
        first_id, step: The ids that its captures get: nobody else's.
    """

    orders: Orders
    database: Path
    first_id: int
    step: int
    verbose: bool = False


class _Books:
    """The ledger as a process has it that may only read it: what it sees is sent to the writer."""

    def __init__(self, errand: Errand, line: _Line) -> None:
        address = f"{errand.database.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, check_same_thread=False, timeout=30.0)
        self._ledger = Ledger.over(connection, errand.database)
        self._next, self._step, self._line = errand.first_id, errand.step, line

    def next_capture_id(self) -> int:
        id, self._next = self._next, self._next + self._step
        return id

    def earlier(self, url: str, payload_sha256: str) -> Capture | None:
        return self._ledger.earlier(url, payload_sha256)

    def with_baselines(self) -> dict[str, bool]:
        return self._ledger.with_baselines()

    def baseline(self, address: str) -> Baseline | None:
        return self._ledger.baseline(address)

    def append(self, _run_id: int, looks: Sequence[Look]) -> None:
        """Have *looks* written; returns when they are."""
        self._line.ask_from_thread(("looks", looks))


class _Line:
    """The line to the process that started this one."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._reader, self._writer, self._loop = reader, writer, loop
        self._answers: asyncio.Queue[None] = asyncio.Queue()
        self.stop = asyncio.Event()

    async def receive(self) -> Any:
        return await received(self._reader, pickle.loads)

    async def listen(self) -> None:
        """Take messages until the other side is gone; then there is nobody to work for."""
        with suppress(EOFError):
            while True:
                match await self.receive():
                    case "kept":
                        self._answers.put_nowait(None)
                    case "stop":
                        self.stop.set()
        os._exit(1)

    async def send(self, message: Any) -> None:
        self._writer.write(packed(message))
        await self._writer.drain()

    async def _ask(self, message: Any) -> None:
        await self.send(message)
        await self._answers.get()

    def ask_from_thread(self, message: Any) -> None:
        asyncio.run_coroutine_threadsafe(self._ask(message), self._loop).result()


async def _work(descriptor: int) -> None:
    sock = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 20)
    line = _Line(reader, writer, asyncio.get_running_loop())
    errand: Errand = await line.receive()
    if errand.verbose:
        logging.basicConfig(level=logging.DEBUG, format="%(name)s: %(message)s")
    listening = asyncio.ensure_future(line.listen())
    try:
        async with Parsers() as parsers:
            with ThreadPoolExecutor(1, "records") as thread:
                await tour(
                    errand.orders,
                    _Books(errand, line),
                    thread,
                    judge=parsers.judge,
                    stored=lambda _address, _reading: None,
                    stop=line.stop,
                )
    except Exception as error:  # noqa: BLE001 - whoever started us says what it means
        await line.send(("fault", _sendable(error)))
    else:
        await line.send(("done", None))
    finally:
        listening.cancel()
    writer.close()
    await writer.wait_closed()


def _sendable(error: Exception) -> Exception:
    """*error*, or its words where it is none of ours and may not survive the way."""
    if isinstance(error, VerifierError):
        return error
    return MachineError("a process of the round", f"it failed: {type(error).__name__}: {error}")


def main(descriptor: int) -> None:
    """Do the errand that comes over this socket."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # whoever started us hears them, and tells us
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(descriptor))


if __name__ == "__main__":
    main(int(sys.argv[1]))
