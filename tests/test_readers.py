"""Fifty readers of the site while a round writes: no error, and nothing stale."""

from __future__ import annotations

import asyncio
import socket
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import httpx

from tests.loopback import Site, page
from tests.program import Program, until

READERS = 50
NEWEST = "/audit/checks.json?_shape=array&_sort_desc=id&_size=1&_nosuggest=1&_nocount=1"
HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 12))


def test_readers_get_no_error_and_nothing_stale_while_a_round_writes(tmp_path: Path) -> None:
    """
    A database that is written to may be locked, or be read as it was long ago.
    """
    program = Program(tmp_path)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with Site(*HOSTS) as site, program.start("serve", "--port", str(port)) as serving:
        try:
            until(lambda: _answers(base))
            site.default = page("<p>words of a page</p>")
            rows = [
                {"id": f"s{n}", "url": site.url(f"/{n}", host=HOSTS[n % 10])} for n in range(600)
            ]
            program.write(*rows)
            with program.start("run", "--no-preserve") as running:
                reads = asyncio.run(_read_until(base, lambda: running.poll() is not None))
                _, complaint = running.communicate()
            assert running.returncode == 0, complaint
            assert len(reads) == READERS
            assert all(reads)
            for newest in reads:
                assert newest == sorted(newest)
                assert newest[-1] == 600  # what a reader got who asked after the round's end
        finally:
            serving.terminate()
            serving.communicate(timeout=30)


def _answers(base: str) -> bool:
    try:
        with urllib.request.urlopen(base + "/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def _read_until(base: str, ended: object) -> list[list[int]]:
    """The newest check that each reader saw at each of its looks; the last is after the end."""
    assert callable(ended)
    limits = httpx.Limits(max_connections=READERS)
    async with httpx.AsyncClient(base_url=base, timeout=60, limits=limits) as client:

        async def reader() -> list[int]:
            seen = []
            last = False
            while not last:
                last = bool(ended())
                answer = await client.get(NEWEST)
                assert answer.status_code == 200, answer.text
                rows = answer.json()
                seen.append(rows[0]["id"] if rows else 0)
                if not last:
                    await asyncio.sleep(1.0)  # a person looks, and looks again
            return seen

        return await asyncio.gather(*(reader() for _ in range(READERS)))
