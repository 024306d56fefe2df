"""``python -m bench.load``: a round over 100,000 sources on 2,000 hosts of which 2 % misbehave.

The web is one listener on every address of loopback, in a process of its own. It notes how each
host was treated; the round's ledger is then compared with what was served.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PAUSE = 0.05
DEADLINE = 5.0
ROUNDING = 0.01
"""Seconds by which a pause may be seen shorter: an event loop reads its clock once a turn."""

FAULTS = {
    "not-found": "suspect",
    "gone": "suspect",
    "error": "suspect",
    "unavailable": "unchecked",
    "forbidden": "blocked",
    "too-many": "blocked",
    "reset": "suspect",
    "hang": "suspect",
    "loop": "suspect",
    "empty": "suspect",
    "garbage": "suspect",
    "drip": "suspect",
}
"""How a page misbehaves, and what a first look makes of it."""

_STATUS = {
    "not-found": (404, "Not Found"),
    "gone": (410, "Gone"),
    "error": (500, "Oh"),
    "unavailable": (503, "Later"),
    "forbidden": (403, "No"),
    "too-many": (429, "Too Many"),
}
_PAGE = "<!doctype html><title>Page {0}</title><p>{1}</p>"
_PROSE = "The committee met in the morning and adjourned at noon, as committees do. " * 60


def fault_of(number: int) -> str:
    """How page *number* misbehaves: one of fifty does, in turn; "" for the others."""
    return list(FAULTS)[number // 50 % len(FAULTS)] if number % 50 == 7 else ""


def host(number: int) -> str:
    """The address of host *number*."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


# ---- the web -----------------------------------------------------------------------------


@dataclass(slots=True)
class Treated:
    """How one host was treated."""

    under_way: int = 0
    most: int = 0
    answered_at: float = 0.0
    pause: float = 1e9


@dataclass(slots=True)
class Web:
    """What the listener has seen of all hosts."""

    hosts: dict[str, Treated] = field(default_factory=dict)
    requests: int = 0

    def told(self) -> dict[str, Any]:
        pauses = [one.pause for one in self.hosts.values()]
        return {
            "requests": self.requests,
            "hosts": len(self.hosts),
            "shortest_pause": min(pauses, default=0.0),
            "most_at_once": max((one.most for one in self.hosts.values()), default=0),
        }


class Visitor(asyncio.Protocol):
    """One connection."""

    def __init__(self, web: Web) -> None:
        self._web, self._buffer = web, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        self._host = transport.get_extra_info("sockname")[0]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if b"\r\n\r\n" not in self._buffer:
            return
        target = self._buffer.split(b" ", 2)[1].decode()
        self._buffer = b""
        treated = self._web.hosts.setdefault(self._host, Treated())
        self._web.requests += 1
        now = time.monotonic()
        if treated.answered_at and not target.endswith("/again"):
            treated.pause = min(treated.pause, now - treated.answered_at)
        treated.under_way += 1
        treated.most = max(treated.most, treated.under_way)
        self._open = treated
        self._answer(target, treated)

    def _done(self, answered_at: float) -> None:
        if self._open is not None:
            self._open.under_way -= 1
            self._open.answered_at = answered_at
        self._open = None

    _open: Treated | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        # Who gave up was the client, and when it did is not known here: no pause begins.
        if self._open is not None:
            self._open.under_way -= 1
        self._open = None

    def _answer(self, target: str, treated: Treated) -> None:
        parts = target.strip("/").split("/")
        number = int(parts[0]) if parts[0].isdigit() else 0
        fault = fault_of(number) if parts[0].isdigit() else "not-found"
        # Before the answer is written: this process may be set aside for long right after.
        answered_at = time.monotonic()
        match fault:
            case "reset":
                # No answer: a client may ask again at once over a new connection (RFC 9112, 9.3.1).
                treated.under_way -= 1
                self._open = None
                self._wire.abort()
                return
            case "hang":
                return
            case "drip":
                self._wire.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX: ")
                self._drip()
                return
            case "garbage":
                self._wire.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
                self._done(answered_at)
                self._wire.close()
                return
            case "loop":
                self._send(302, "Found", "", f"Location: /{number}/again\r\n")
            case "empty":
                self._send(200, "OK", "")
            case "":
                self._send(200, "OK", _PAGE.format(number, _PROSE))
            case _:
                status, reason = _STATUS[fault]
                self._send(status, reason, f"<title>{reason}</title>")
        self._done(answered_at)

    def _drip(self) -> None:
        if not self._wire.is_closing():
            self._wire.write(b"x")
            asyncio.get_running_loop().call_later(0.2, self._drip)

    def _send(self, status: int, reason: str, body: str, more: str = "") -> None:
        content = body.encode()
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\n"
            f"Content-Length: {len(content)}\r\n{more}\r\n"
        )
        self._wire.write(head.encode() + content)


async def serve(log: Path) -> None:
    """Listen until SIGTERM; the port goes to standard output, what was seen to *log*."""
    loop, web, ended = asyncio.get_running_loop(), Web(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    server = await loop.create_server(lambda: Visitor(web), "0.0.0.0", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    log.write_text(json.dumps(web.told()))


# ---- the round ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a round under load did.

    Attributes:
        served: What the web noted: see :meth:`Web.told`.
        answers: How often each link answer, by what the page did ("" is a good page).
        checks: Rows of ``checks``, and how many sources they are of.
        memory: Highest sum of resident MB of the round's processes, in each quarter of it.
    """

    seconds: float
    exit_code: int
    complaint: str
    served: dict[str, Any]
    answers: dict[str, dict[str, int]]
    checks: tuple[int, int]
    memory: tuple[int, ...]

    def wrong(self, sources: int) -> list[str]:
        """What is not as it has to be."""
        found = []
        if self.exit_code != 0:  # nothing here is dead at a first look
            found.append(f"exit code {self.exit_code}: {self.complaint}")
        if self.checks != (sources, sources):
            found.append(f"{self.checks[0]} checks of {self.checks[1]} sources, not {sources}")
        for fault, answers in self.answers.items():
            if set(answers) != {FAULTS.get(fault, "live")}:
                found.append(f"{fault or 'good'} pages are {answers}")
        if self.served["shortest_pause"] < PAUSE - ROUNDING:
            found.append(f"a host had {self.served['shortest_pause']:.3f} s of rest only")
        if self.served["most_at_once"] != 1:
            found.append(f"a host was asked {self.served['most_at_once']} times at once")
        return found


def load(folder: Path, *, sources: int, hosts: int, **settings: str) -> Load:
    """One round in *folder* over so many sources on so many hosts."""
    log = folder / "served.json"
    words = [sys.executable, "-m", "bench.load", "--serve", str(log)]
    top = Path(__file__).parents[1]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=top) as web:
        try:
            assert web.stdout is not None
            _write(folder / "sources.csv", sources, hosts, int(web.stdout.readline()))
            began = time.monotonic()
            code, complaint, samples = _round(folder, settings)
            seconds = time.monotonic() - began
        finally:
            web.terminate()
    return Load(
        seconds=seconds,
        exit_code=code,
        complaint=complaint,
        served=json.loads(log.read_text()),
        answers=_answers(folder),
        checks=_rows(folder, "SELECT count(*), count(DISTINCT source_id) FROM checks")[0],
        memory=_quarters(samples),
    )


def _write(path: Path, sources: int, hosts: int, port: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "url", "quote"])
        for number in range(sources):
            quote = "adjourned at noon, as committees do" if number % 4 == 0 else ""
            url = f"http://{host(number % hosts)}:{port}/{number}"
            writer.writerow([f"s{number:06}", url, quote])


def _round(folder: Path, settings: dict[str, str]) -> tuple[int, str, list[int]]:
    told = {
        "VERIFIER_ALLOW_PRIVATE": "1",
        "VERIFIER_CANARIES": "",
        "VERIFIER_HOST_PAUSE": str(PAUSE),
        "VERIFIER_RETRY_PAUSE": "0.1",
        "VERIFIER_DEADLINE": str(DEADLINE),
        "VERIFIER_CONCURRENCY": "400",
    } | settings
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    with (folder / "output").open("w+") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "verifier", "run", "--no-preserve"],
            cwd=folder,
            env=environment | told,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        samples = []
        while child.poll() is None:
            samples.append(_resident(child.pid))
            time.sleep(0.2)
        output.seek(0)
        return child.returncode, output.read()[-500:], samples


def _resident(root: int) -> int:
    """MB that a process and all below it have in memory; shared pages count for each."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError, IndexError):
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(") ")[2].split()
                parents[int(entry)], sizes[int(entry)] = int(fields[1]), int(fields[21])

    def below(pid: int) -> bool:
        while pid and pid != root:
            pid = parents.get(pid, 0)
        return pid == root

    return sum(size for pid, size in sizes.items() if below(pid)) * os.sysconf("SC_PAGE_SIZE") >> 20


def _quarters(samples: list[int]) -> tuple[int, ...]:
    step = max(1, len(samples) // 4)
    return tuple(max(samples[start : start + step]) for start in range(0, len(samples), step))[:4]


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    address = f"file:{folder / 'archive' / 'audit.db'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        return connection.execute(query).fetchall()


def _answers(folder: Path) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {}
    for id, link in _rows(folder, "SELECT id, link FROM audit"):
        counted.setdefault(fault_of(int(id[1:])), Counter())[link] += 1
    return {fault: dict(counts) for fault, counts in sorted(counted.items())}


def main(say: Callable[[str], None] = print) -> int:
    """Load a round, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--sources", type=int, default=100_000)
    parser.add_argument("--hosts", type=int, default=2_000)
    parser.add_argument("--processes", default="0", help="0: the cores")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.serve is not None:
        asyncio.run(serve(wanted.serve))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        came = load(
            Path(folder),
            sources=wanted.sources,
            hosts=wanted.hosts,
            VERIFIER_PROCESSES=wanted.processes,
        )
    say(f"{wanted.sources:,} sources on {wanted.hosts:,} hosts in {came.seconds:.0f} s")
    say(f"answers by what a page did: {came.answers}")
    say(f"the web saw: {came.served}")
    say(f"highest memory of all processes, by quarters of the round: {came.memory} MB")
    wrong = came.wrong(wanted.sources)
    say("\n".join(wrong) if wrong else "everything is as it has to be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
