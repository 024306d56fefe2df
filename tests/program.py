"""The program as cron runs it: a child process in a folder of its own.

    program = Program(tmp_path, wayback_url=archive.base_url)
    program.write({"id": "a", "url": site.url("/a"), "quote": "words"})
    done = program.run("run", "--all")
    assert done.returncode == 0, done.stderr
    assert program.audit("link") == {"a": "live"}

Settings are those of the contract, in small letters; the defaults here have no pauses, no
canaries, and an archive at a port where nobody listens.
"""

from __future__ import annotations

import csv
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

DEFAULTS = {
    "allow_private": "1",
    "canaries": "",
    "host_pause": "0",
    "retry_pause": "0.01",
    "save_pause": "0",
    "poll_pause": "0.02",
    "deadline": "5",
    "preserve_budget": "30",
    "wayback_url": "http://127.0.0.1:1",
}


class Program:
    """Verifier in *folder*, with these settings in its environment."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.settings = DEFAULTS | {name: str(value) for name, value in settings.items()}
        self.before: tuple[str, ...] = ()  # words before the program's, such as faketime's
        self.python = sys.executable
        self.more: dict[str, str] = {}  # of the environment, besides settings

    def write(self, *rows: Mapping[str, str]) -> None:
        """Make sources.csv of these rows."""
        names = list(dict.fromkeys(["id", "url", *(name for row in rows for name in row)]))
        with (self.folder / "sources.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows)

    @property
    def environment(self) -> dict[str, str]:
        """The child's whole environment."""
        told = {f"VERIFIER_{name.upper()}": value for name, value in self.settings.items()}
        path = os.environ.get("PATH", os.defpath)
        # the child runs the code that the tests were told to import
        code = {"PYTHONPATH": os.environ["PYTHONPATH"]} if os.environ.get("PYTHONPATH") else {}
        return {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8"} | code | told | self.more

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Begin a command; the caller ends it."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen(
            [*self.before, self.python, "-m", "verifier", *words],
            cwd=self.folder,
            env=self.environment,
            text=True,
            **streams,
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command from beginning to end."""
        with self.start(*words) as process:
            try:
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    @contextmanager
    def serving(self, *options: str) -> Iterator[str]:
        """``verifier serve`` as long as this lasts: the address that it tells, with no "/" last."""
        with self.start("serve", "--port", "0", *options) as process:
            assert process.stdout is not None
            try:
                told = re.search(r"http://\S+", process.stdout.readline())
                assert told is not None
                yield told[0].rstrip("/")
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=60)

    @property
    def database(self) -> Path:
        """The audit database."""
        return self.folder / "archive" / "audit.db"

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the database, by a connection that cannot write."""
        address = f"file:{self.database}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return connection.execute(query, values).fetchall()

    def audit(self, column: str) -> dict[str, Any]:
        """One column of the audit table, by id."""
        return dict(self.sql(f"SELECT id, {column} FROM audit ORDER BY id"))

    def dump(self) -> list[tuple[Any, ...]]:
        """Everything that is derived."""
        audit = self.sql("SELECT * FROM audit ORDER BY id")
        return audit + self.sql("SELECT * FROM standings ORDER BY source_id")


def until(claim: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Wait for something that another process or thread does."""
    ends = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)
