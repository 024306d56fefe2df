"""``verifier serve``: Datasette with our plugin, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from datasette.app import Datasette
from datasette.database import Database

from verifier import copies
from verifier.errors import InputError, StorageError
from verifier.site import ours
from verifier.site.metadata import metadata

_SETTINGS = {
    "allow_download": False,  # the file holds what publishing leaves out
    "sql_time_limit_ms": 2000,
    "facet_time_limit_ms": 300,
    "max_returned_rows": 1000,
    "truncate_cells_html": 140,
    "suggest_facets": False,
    "default_cache_ttl": 0,  # the database lives
}
_LONGEST_VALUE = 100_000_000  # bytes; a question could make texts of a gigabyte otherwise
_GRACE = 5  # seconds that requests under way have when we are told to stop


class _Site(Datasette):  # type: ignore[misc]
    """A Datasette that tells visitors no path of this machine, on its pages for debugging."""

    def _connected_databases(self) -> list[dict[str, Any]]:
        return [one | {"path": Path(one["path"]).name} for one in super()._connected_databases()]

    def _threads(self) -> dict[str, Any]:
        told: dict[str, Any] = super()._threads()
        return told | {"tasks": []}  # each would name a file, and its line


class _ReadOnly(Database):  # type: ignore[misc]  # datasette publishes no types
    """A database of which no connection can write, whoever asks for one."""

    _counted: tuple[object, dict[str, int | None]] | None = None

    def connect(self, write: bool = False) -> sqlite3.Connection:
        """A connection for reading; *write* changes nothing about that."""
        connection: sqlite3.Connection = super().connect(write=False)  # opens with mode=ro
        connection.execute("PRAGMA query_only = 1")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # no other file either
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.set_authorizer(_without_paths)
        return connection

    async def table_counts(self, limit: int = 10) -> dict[str, int | None]:
        """Rows of each table, None where counting takes longer than *limit* milliseconds.

        Counted again only when something was written: with a million looks it takes 50 ms of
        each visit to the home page, which shows none of them.
        """
        files = [Path(self.path), Path(f"{self.path}-wal")]
        found = [file.stat() for file in files if file.exists()]  # an empty log is none
        state = (limit, [(file.st_mtime_ns, file.st_size) for file in found if file.st_size])
        if self._counted is None or self._counted[0] != state:
            self._counted = (state, await super().table_counts(limit))
        return dict(self._counted[1])


def build(
    database: Path,
    warc_folder: Path,
    *,
    good_for: timedelta = copies.GOOD_FOR,
    sql: bool = True,
    base_path: str = "/",
) -> Any:
    """A Datasette on the live audit database, read-only.

    Args:
        database: ``audit.db``, with our tables; it may be written to meanwhile.
        warc_folder: Where the archived copies are; it may be missing.
        good_for: How old a capture that the archive's index has may be.
        sql: Visitors may ask questions of their own; else only the canned ones.
        base_path: The path below which a proxy shows the site; begins and ends with a slash.

    Raises:
        StorageError: There is no such database.
    """
    if not database.is_file():
        raise StorageError(str(database), "there is no such database", "Run a round first.")
    described = metadata(plugin=ours.settings(database, warc_folder, good_for=good_for))
    pages = Path(__file__).parent / "pages"
    settings = _SETTINGS | {"default_allow_sql": sql, "base_url": base_path}
    datasette = _Site(metadata=described, settings=settings, template_dir=str(pages))
    datasette.remove_database("_memory")
    # never immutable: that would ignore the write-ahead log of a running round
    datasette.add_database(_ReadOnly(datasette, path=str(database)), name=ours.DATABASE)
    return datasette


def serve(
    database: Path,
    warc_folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8001,
    ready: Callable[[str], None] | None = None,
    good_for: timedelta = copies.GOOD_FOR,
    sql: bool = True,
    base_path: str = "/",
) -> signal.Signals | None:
    """Serve until SIGTERM or SIGINT; for the main thread.

    Args:
        host, port: Where to listen; port 0 takes a free one.
        ready: Told the site's address once it answers; by default it is printed.
        good_for, sql, base_path: As for `build`.

    Returns:
        The signal that ended it.

    Raises:
        InputError: Nothing can listen there.
        StorageError: There is no such database.
    """
    site = build(database, warc_folder, good_for=good_for, sql=sql, base_path=base_path)
    listener = _listener(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listener.getsockname()[1]}{base_path}"
    with listener:
        return asyncio.run(_serve(site.app(), listener, lambda: (ready or _print)(address)))


def _without_paths(action: int, word: str | None, *_: str | None) -> int:
    """What SQLite may do: all but tell where the database lies, to which it answers nothing."""
    asks_where = action == sqlite3.SQLITE_PRAGMA and (word or "").lower() == "database_list"
    return sqlite3.SQLITE_IGNORE if asks_where else sqlite3.SQLITE_OK


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process before we do."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()


async def _serve(
    app: Any, listener: socket.socket, ready: Callable[[], None]
) -> signal.Signals | None:
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config, ready)
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        server.should_exit = True
        # it would print a traceback for each reader who is cut off when the grace is over
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    try:
        await server.serve(sockets=[listener])
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return received[0] if received else None


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        cure = "Name another with --host and --port; port 0 takes a free one."
        raise InputError(f"{host}, port {port}", f"cannot listen there: {error}", cure) from error


def _print(address: str) -> None:
    sys.stdout.write(f"The audit is at {address} (Ctrl-C ends it)\n")
    sys.stdout.flush()
