"""``python -m bench.site``: how long the pages of a real ``verifier serve`` take, in a table."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.site.made_up import make

LOOKS = 10
LIMIT = 0.3
"""Seconds that a page may take at the median."""

HELD = ("home", "table", "facet", "two facets", "filter", "search", "source")
"""The pages that are held to it, by the beginning of their names. The others are measured: a
query's page of a thousand rows, or a filter that reads every row, takes what it takes."""

_BEGIN, _END = "<!-- bench-site -->", "<!-- /bench-site -->"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What one page took.

    Attributes:
        median, slowest: Seconds from the request to the last byte.
        cpu: Seconds of the server's CPU for one request, which other programs on the machine
            hardly change.
        size: Bytes of the page.
    """

    page: str
    median: float
    slowest: float
    cpu: float
    size: int


def main() -> int:
    """Make the databases that are not there, serve each, measure, print.

    Returns:
        1 when a page took longer than it may.
    """
    told = _arguments()
    found: dict[int, list[Took]] = {}
    with _folder(told.keep) as folder:
        for sources in told.sources:
            archive = folder / f"sources-{sources}"
            if not (archive / "audit.db").is_file():
                print(f"making up {sources:,} sources with {LOOKS} looks each …", flush=True)
                make(archive / "audit.db", sources=sources, looks=LOOKS)
            with _served(archive) as (address, process):
                found[sources] = [
                    _measured(name, address + path, process.pid, told.times)
                    for name, path in pages(archive / "audit.db").items()
                ]
    table = _markdown(found)
    print(table)
    if told.write:
        _write(told.write, table)
    slow = [
        took
        for rows in found.values()
        for took in rows
        if took.median > LIMIT and took.page.startswith(HELD)
    ]
    for took in slow:
        print(f"slower than {LIMIT} s: {took.page}", file=sys.stderr)
    return 1 if slow else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.site", description=__doc__)
    parser.add_argument("--sources", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--times", type=int, default=15, help="requests of each page")
    parser.add_argument("--keep", type=Path, help="folder for the databases, to use them again")
    parser.add_argument("--write", type=Path, help="Markdown file whose table is renewed")
    return parser.parse_args()


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="verifier-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _served(archive: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "verifier", "serve", "--archive", str(archive), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = re.search(r"http://\S+?(?=/? )", process.stdout.readline())
        if said is None:
            raise SystemExit("verifier serve did not start")
        yield said[0].rstrip("/"), process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def pages(database: Path) -> dict[str, str]:
    """The pages by name; what is searched for is in some rows, as a reader's words are."""
    with closing(sqlite3.connect(database)) as connection:
        (sources,) = connection.execute("SELECT count(*) FROM audit").fetchone()
        id, title, url = connection.execute(
            "SELECT id, title, url FROM audit ORDER BY rowid LIMIT 1 OFFSET ?", [sources // 2]
        ).fetchone()
    words = [word.lower() for word in title.split()]
    table = "/audit/audit"
    return {
        "home": "/",
        "table": table,
        "facet": f"{table}?link=dead",
        "facet of most rows": f"{table}?link=live",
        "two facets": f"{table}?link=live&quote=altered",
        "filter": f"{table}?quote__in=altered,absent&quote_kind=verbatim",
        "search, one word": f"{table}?_search={words[0]}",
        "search, two words": f"{table}?_search={words[1]}+{words[2]}",
        "search in a facet": f"{table}?_search={words[0]}&link=live",
        "address contains": f"{table}?url__contains={url[8:24]}",
        "source": f"{table}/{id}",
        "needs a person": "/audit/needs_a_person",
        "corrections": "/audit/corrections",
        "changed since": "/audit/changed_since",
        "summary": "/audit/summary",
        "looks": "/audit/checks",
        "looks at a source": f"/audit/checks?source_id={id}",
        "database": "/audit",
        "JSON": f"{table}.json?_shape=array",
        "CSV": f"{table}.csv",
        "feed": "/-/changes.atom",
    }


def _measured(name: str, address: str, process: int, times: int) -> Took:
    taken, size = [], 0
    before = 0.0
    for number in range(times + 1):
        if number == 1:
            before = _cpu(process)  # the first request fills caches and is not counted
        started = time.perf_counter()
        with urllib.request.urlopen(address, timeout=60) as answer:
            size = len(answer.read())
        taken.append(time.perf_counter() - started)
    return Took(
        page=name,
        median=statistics.median(taken[1:]),
        slowest=max(taken[1:]),
        cpu=(_cpu(process) - before) / times,
        size=size,
    )


def _cpu(process: int) -> float:
    told = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(told[11]) + int(told[12])) / _TICK


def _markdown(found: dict[int, list[Took]]) -> str:
    head = " | ".join(f"{sources:,}: median | slowest | CPU" for sources in found)
    lines = [f"| page | {head} | kB |", "| --- |" + " --- |" * (3 * len(found) + 1)]
    for rows in zip(*found.values(), strict=True):
        cells = " | ".join(
            f"{took.median * 1000:.0f} | {took.slowest * 1000:.0f} | {took.cpu * 1000:.0f}"
            for took in rows
        )
        lines.append(f"| {rows[0].page} | {cells} | {rows[-1].size / 1000:.0f} |")
    return "\n".join([*lines, "", "Milliseconds."])


def _write(path: Path, table: str) -> None:
    text = path.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, found, after = rest.partition(_END)
    if not found:
        raise SystemExit(f"{path} has no place for the table: {_BEGIN} {_END}")
    path.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
