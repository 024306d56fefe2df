"""``python -m bench.readers``: how much longer a round takes while people read the site.

The same round alone and beside readers, in turn; each part is a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import httpx

from bench.load import fault_of

HOSTS = 40
READERS = 50
PAGES = {
    "the newest look, as JSON": "/audit/checks.json?_sort_desc=id&_size=1&_nosuggest=1",
    "home": "/",
}


def main(say: Callable[[str], None] = print) -> int:
    """Measure, and say the medians; ends with 1 when a reader met an error."""
    asked = argparse.ArgumentParser(prog="python -m bench.readers", description=__doc__)
    asked.add_argument("--sources", type=int, default=4_000)
    asked.add_argument("--rounds", type=int, default=3, help="runs of each; the median counts")
    asked.add_argument("--read", nargs=2, metavar=("BASE", "PATH"), help=argparse.SUPPRESS)
    told = asked.parse_args()
    if told.read:
        say(json.dumps(asyncio.run(_read(*told.read))))
        return 0
    seconds: dict[str, list[float]] = {}
    errors = 0
    for _ in range(told.rounds):
        for name, page in {"alone": "", **PAGES}.items():
            took, failed = _measured(told.sources, page)
            seconds.setdefault(name, []).append(took)
            errors += failed
    say("| the round | s, median | longest | time ÷ alone |\n| --- | ---: | ---: | ---: |")
    alone = median(seconds["alone"])
    for name, all_of in seconds.items():
        beside = name if name == "alone" else f"beside {READERS} readers of {name}, once a second"
        middle = median(all_of)
        say(f"| {beside} | {middle:.1f} | {max(all_of):.1f} | {middle / alone:.2f} |")
    say(f"\n{errors} errors met by readers.")
    return 1 if errors else 0


def _measured(sources: int, page: str) -> tuple[float, int]:
    """Seconds of one round, and how many errors readers of *page* met meanwhile."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            "PATH": os.environ["PATH"],
            "VERIFIER_ALLOW_PRIVATE": "1",
            "VERIFIER_CANARIES": "",
            "VERIFIER_HOST_PAUSE": "0.01",
        }
        with _started("bench.load", "--serve", str(folder / "log")) as web:
            assert web.stdout is not None
            _list(folder / "sources.csv", sources, int(web.stdout.readline()))
            with _readers(folder, environment, page) as reading:
                began = time.monotonic()
                subprocess.run(
                    [sys.executable, "-m", "verifier", "run", "--no-preserve", "--exit-zero"],
                    cwd=folder,
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    check=True,
                    timeout=600,
                )
                took = time.monotonic() - began
            return took, reading()


def _list(path: Path, sources: int, port: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "url", "quote"])
        sound = (number for number in range(2 * sources) if not fault_of(number))
        for place in range(sources):
            host = f"127.1.0.{place % HOSTS + 1}"
            quote = "adjourned at noon" if place % 4 == 0 else ""
            rows.writerow([f"s{place}", f"http://{host}:{port}/{next(sound)}", quote])


@contextmanager
def _readers(folder: Path, environment: dict[str, str], page: str) -> Iterator[Callable[[], int]]:
    """The site and its readers; what is given says how many errors they met, at the end."""
    if not page:
        yield lambda: 0
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    port = base.rpartition(":")[2]
    errors: list[int] = []
    with _started("verifier", "serve", "--port", port, cwd=folder, env=environment):
        for _ in range(300):
            with suppress(OSError), urllib.request.urlopen(base, timeout=5):
                break
            time.sleep(0.1)
        with _started("bench.readers", "--read", base, page) as reading:
            time.sleep(1)
            yield lambda: errors[0]
            reading.send_signal(signal.SIGTERM)
            told, _ = reading.communicate(timeout=60)
            errors.append(json.loads(told))


@contextmanager
def _started(*words: str, **options: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        stdout=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


async def _read(base: str, path: str) -> int:
    """Read *path* until SIGTERM, each reader once a second; how many answers were not 200."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    errors = 0

    async def reader(client: httpx.AsyncClient) -> None:
        nonlocal errors
        while not stop.is_set():
            try:
                errors += (await client.get(path)).status_code != 200
            except httpx.HTTPError:
                errors += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)

    limits = httpx.Limits(max_connections=READERS)
    async with httpx.AsyncClient(base_url=base, timeout=60, limits=limits) as client:
        await asyncio.gather(*(reader(client) for _ in range(READERS)))
    return errors


if __name__ == "__main__":
    sys.exit(main())
