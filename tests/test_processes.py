"""A round over several processes: the same answers, and no process is missed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Answer, Site, Visit, page, redirect
from tests.program import Program
from verifier import round
from verifier.errors import MachineError, StorageError
from verifier.fanout import Manners
from verifier.fetch import Fetcher
from verifier.preserve import Pace
from verifier.processes import _environment, shared_out
from verifier.records import Run
from verifier.round import Plan
from verifier.warc import read

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 12))
SAYS = "Sentence number {} is here to be quoted by whoever comes."


@pytest.fixture(autouse=True)
def _processes_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def plan(folder: Path, **more: Any) -> Plan:
    """A round without pauses over the sources of a folder."""
    fetcher = partial(Fetcher, user_agent="test/1", allow_private=True)
    defaults: dict[str, Any] = {
        "sources": folder / "sources.csv",
        "archive_folder": folder / "archive",
        "fetcher": fetcher,
        "scout": fetcher,
        "archive": None,
        "pace": Pace.of(keyed=False),
        "software": "test/1",
        "manners": Manners(pause=0.0),
        "retry_pause": 0.01,
        "everything": True,
        "processes": 3,
        "spread_from": 1,
    }
    return Plan(**defaults | more)


def run(plan: Plan, during: Callable[[asyncio.Event], Any] | None = None) -> Run:
    """The round; *during* runs beside it."""

    async def main() -> Run:
        stop = asyncio.Event()
        beside = asyncio.ensure_future(during(stop)) if during is not None else None
        try:
            return await round.run(plan, stop=stop)
        finally:
            if beside is not None:
                await beside

    return asyncio.run(main())


def sources(site: Site, number: int) -> list[dict[str, str]]:
    """Rows on all hosts; some pages are gone, moved, or say something else."""
    listed = []
    for n in range(number):
        host, target = HOSTS[n % len(HOSTS)], f"/page-{n}"
        answer: Answer = page(f"<title>{n}</title><p>{SAYS.format(n)}</p>")
        if n % 7 == 3:
            answer = page("gone", status=404)
        if n % 7 == 5:
            answer = redirect(f"/new-{n}", status=301)
            site.set(f"{host}/new-{n}", page(f"<p>{SAYS.format(n)}</p>"))
        site.set(f"{host}{target}", answer)
        said = SAYS.format(n if n % 5 else n + 1)
        listed.append({"id": f"p{n:03}", "url": site.url(target, host=host), "quote": said})
        if n % 10 == 0:
            listed.append({"id": f"q{n:03}", "url": site.url(target, host=host) + "#part"})
    return listed


def children(module: str) -> list[int]:
    """The living processes that we started, and that run this module."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            if module.encode() in words and status[0] != "Z" and int(status[1]) == os.getpid():
                found.append(int(entry.name))
    return found


def test_the_answers_are_those_of_one_process(tmp_path: Path) -> None:
    """
    How a round is spread is no business of whoever reads it.
    """
    came = {}
    with Site(*HOSTS) as site:
        rows = sources(site, 60)
        for processes in (1, 3):
            folder = tmp_path / str(processes)
            folder.mkdir()
            program = Program(folder)
            program.write(*rows)
            for _ in range(2):  # the second round notes revisits
                ended = run(plan(folder, processes=processes))
                assert ended.outcome == "conclusive"
                assert ended.checked == len(rows)
            came[processes] = program.sql(
                "SELECT id, link, quote, link_reason, quote_reason, status, final_url, strikes, "
                "suggested_url, sha256, text_sha256, source_says FROM audit ORDER BY id"
            )
            tags = {path.name.split("-")[2] for path in folder.glob("archive/warc/*/*.warc.gz")}
            # a process that starts late may go on with the file of one that has ended
            assert tags <= ({"p0", "p1", "p2"} if processes == 3 else {"00000.warc.gz"})
            whole = program.sql(
                "SELECT file, offset, record_id, id, revisit_of, url FROM captures ORDER BY id"
            )
            ids = {row[3]: row for row in whole}
            for file, offset, record_id, _, revisit_of, url in whole:
                stored = read(folder / "archive" / "warc", file, offset)
                assert stored.record_id == record_id
                assert revisit_of is None or ids[revisit_of][5] == url
            assert sum(row[4] is not None for row in whole) == len(whole) // 2
            assert not list(folder.glob("archive/warc/*/*.open"))

    assert came[1] == came[3]
    assert len(came[1]) == len(rows)


def test_a_process_that_dies_is_replaced_and_nothing_is_checked_twice(tmp_path: Path) -> None:
    """
    A machine short of memory kills what is largest; the round goes on all the same.
    """
    program = Program(tmp_path)

    def slow(_: Visit) -> Answer:
        return Answer(steps=(0.01, *page("<p>words</p>").steps))

    with Site(*HOSTS) as site:
        site.default = slow
        program.write(
            *({"id": f"p{n:03}", "url": site.url(f"/{n}", host=HOSTS[n % 10])} for n in range(400))
        )

        async def kill(_: asyncio.Event) -> None:
            killed: set[int] = set()
            while len(killed) < 2:
                await asyncio.sleep(0.02)
                stored = program.database.exists() and _count(program) > 0
                for pid in children("verifier.worker"):
                    if stored and pid not in killed and len(killed) < 2:
                        os.kill(pid, signal.SIGKILL)
                        killed.add(pid)

        ended = run(plan(tmp_path), kill)

    assert ended.outcome == "conclusive"
    assert ended.checked == 400
    assert program.sql("SELECT count(*), count(DISTINCT source_id) FROM checks") == [(400, 400)]
    assert set(program.audit("link").values()) == {"live"}
    assert program.sql("SELECT count(DISTINCT id), count(*) FROM captures") == [(400, 400)]
    for file, offset, record_id in program.sql("SELECT file, offset, record_id FROM captures"):
        assert read(tmp_path / "archive" / "warc", file, offset).record_id == record_id
    assert not children("verifier.worker")


def _count(program: Program) -> int:
    with suppress(Exception):
        return int(program.sql("SELECT count(*) FROM checks")[0][0])
    return 0


def test_when_it_is_told_to_stop_all_processes_hand_over_what_they_saw(tmp_path: Path) -> None:
    """
    A round that is stopped has seen what it has seen: nobody should be asked again for it.
    """
    program = Program(tmp_path)
    with Site(*HOSTS) as site:
        site.set("/slow", Answer(steps=(60.0,)))
        site.default = page("<p>words</p>")
        program.write(
            *({"id": f"p{n:03}", "url": site.url(f"/{n}", host=HOSTS[n % 10])} for n in range(50)),
            *({"id": f"s{n}", "url": site.url("/slow", host=host)} for n, host in enumerate(HOSTS)),
        )

        async def end(stop: asyncio.Event) -> None:
            while len(site.visits) < 60:
                await asyncio.sleep(0.02)
            stop.set()

        ended = run(plan(tmp_path), end)

    assert ended.outcome == "interrupted"
    assert ended.checked == 50
    assert program.sql("SELECT count(*), count(DISTINCT source_id) FROM checks") == [(50, 50)]
    assert not children("verifier.worker")


class Deadly:
    """A fetcher whose process ends with the first page."""

    async def __aenter__(self) -> Deadly:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def get(self, _url: str, *, verified: bool = True) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_round_whose_processes_all_die_says_so(tmp_path: Path) -> None:
    """
    Started again for ever, they would keep the machine busy and say nothing.
    """
    Program(tmp_path).write(*({"url": f"http://127.0.0.{n}/"} for n in range(2, 6)))

    with pytest.raises(MachineError, match="died one after another"):
        run(plan(tmp_path, fetcher=Deadly, processes=2))

    assert not children("verifier.worker")


def test_what_a_process_cannot_store_ends_the_round_with_its_reason(tmp_path: Path) -> None:
    """
    A full disk is a full disk, whichever process meets it first.
    """
    with Site(*HOSTS) as site:
        site.default = page("<p>words</p>")
        Program(tmp_path).write(
            *({"url": site.url(f"/{n}", host=HOSTS[n % 10])} for n in range(20))
        )
        run(plan(tmp_path))
        for folder in (tmp_path / "archive" / "warc").iterdir():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
            folder.write_text("in the way")

        with pytest.raises(StorageError):
            run(plan(tmp_path))

    assert not children("verifier.worker")


def test_whole_hosts_are_shared_out_evenly() -> None:
    """
    Two processes at one host would ask it at once; one long share would keep all others waiting.
    """
    hosts = {f"h{n}": [f"h{n}/{page}" for page in range(1 + n % 7)] for n in range(50)}

    shares = shared_out(hosts, 4)

    assert sorted(chain(*shares)) == sorted(chain(*hosts.values()))
    for addresses in hosts.values():
        assert sum(not set(addresses).isdisjoint(share) for share in shares) == 1
    assert max(map(len, shares)) - min(map(len, shares)) <= 7


def test_no_process_is_told_the_archives_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Only the process that talks to the archive has to know them.
    """
    monkeypatch.setenv("VERIFIER_IA_SECRET_KEY", "planted")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    assert "planted" not in _environment().values()
    assert _environment()["HTTPS_PROXY"] == "http://127.0.0.1:1"
