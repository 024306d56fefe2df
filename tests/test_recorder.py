"""From what was fetched to what is stored: in which order, in which batches, and what of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from verifier import recorder, sight
from verifier.errors import StorageError
from verifier.ledger import Ledger
from verifier.look import Looked
from verifier.recorder import Recorder, Seat
from verifier.records import Fetched, Hop, Preserve, Reading, Reply, Run, Seen, Source, SourceList
from verifier.warc import Writer

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def reply(url: str, body: bytes = b"<title>T</title><p>the words</p>", status: int = 200) -> Reply:
    """A page as the fetcher hands it on."""
    hop = Hop(
        url=url,
        requested_at=NOW,
        request=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        peer="127.0.0.1",
        version="HTTP/1.1",
        status=status,
        reason=b"OK",
        headers=((b"Content-Type", b"text/html"),),
        body=body,
    )
    return Reply(hops=(hop,), content=body)


class NotingWriter(Writer):
    """A writer that notes how many rows were in the ledger at each sync."""

    ledger: Ledger
    noted: list[int]

    def sync(self) -> None:
        """Note, then sync."""
        self.noted.append(len(self.ledger._read("SELECT id FROM checks")))
        super().sync()


class FullWriter(Writer):
    """A writer on a disk that is full."""

    def sync(self) -> None:
        """Fail as the system would."""
        raise StorageError("warc", "No space left on device", "Make room")


@dataclass
class Desk:
    """A recorder with its ledger, writer and thread."""

    folder: Path
    writer: type[Writer] = Writer
    sources: tuple[Source, ...] = ()
    told: list[tuple[str, Reading]] = field(default_factory=list)
    noted: list[int] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[tuple[Recorder, Ledger]]:
        """Within: a round under way."""
        with (
            ThreadPoolExecutor(1) as thread,
            Ledger(self.folder / "audit.db") as made,
        ):
            made.checkpoint()
            listed = SourceList(sources=self.sources, problems=(), warnings=(), digest="")
            seats: dict[str, list[Seat]] = {}
            for source in self.sources:
                seats.setdefault(source.address, []).append(Seat.of(source))
            ledger = thread.submit(Ledger, self.folder / "audit.db").result()
            try:
                thread.submit(ledger.mirror, listed, now=NOW, retire=False, too_many=False).result()
                run = thread.submit(
                    ledger.start_run,
                    Run(id=0, started_at=NOW),
                    sources_sha256="",
                    software="test/1",
                    rules=1,
                ).result()
                writer = self.writer(self.folder / "warc", software="test/1")
                if isinstance(writer, NotingWriter):
                    writer.ledger, writer.noted = ledger, self.noted
                yield (
                    Recorder(
                        run.id, seats, ledger, writer, thread,
                        stored=lambda address, reading: self.told.append((address, reading)),
                    ),
                    made,
                )  # fmt: skip
                thread.submit(writer.close).result()
            finally:
                thread.submit(ledger.close).result()

    def look(self, address: str, fetched: Fetched) -> Looked:
        """What came, judged for the sources of its address."""
        seats = [Seat.of(source) for source in self.sources if source.address == address]
        judged = sight.judge(fetched, seats, like=True)
        like = judged.likeness if judged.good else None
        return Looked(address=address, fetched=fetched, judged=judged, baseline=like)

    def store(self, *batches: Sequence[tuple[str, Fetched]]) -> dict[str, list[tuple[Any, ...]]]:
        """Take and flush each batch; the rows of checks and captures afterwards."""

        async def work(recorder: Recorder) -> None:
            for batch in batches:
                for address, fetched in batch:
                    await recorder.take(self.look(address, fetched))
                await recorder.flush()

        with self.open() as (recorder, ledger):
            asyncio.run(work(recorder))
            return {
                "checks": ledger._read(
                    "SELECT source_id, seen, title, sha256, capture_id FROM checks ORDER BY id"
                ),
                "captures": ledger._read(
                    "SELECT id, url, sha256, revisit_of FROM captures ORDER BY id"
                ),
            }


def source(id: str, url: str = "", **columns: Any) -> Source:
    return Source(**{"id": id, "url": url or f"http://{id}.example/"} | columns)


def test_copies_are_on_the_disk_before_their_rows_are_in_the_ledger(tmp_path: Path) -> None:
    """A row must never point to a record that a power cut took."""
    one, two = source("a"), source("b")
    desk = Desk(tmp_path, writer=NotingWriter, sources=(one, two))

    found = desk.store([(one.address, reply(one.url))], [(two.address, reply(two.url))])

    assert len(found["checks"]) == 2
    assert desk.noted[:2] == [0, 1]
    assert [address for address, _ in desk.told] == [one.address, two.address]


def test_what_cannot_be_kept_is_not_in_the_ledger(tmp_path: Path) -> None:
    """And nobody is told that it was stored."""
    one = source("a")
    desk = Desk(tmp_path, writer=FullWriter, sources=(one,))

    with pytest.raises(StorageError, match="No space"):
        desk.store([(one.address, reply(one.url))])

    with Ledger(tmp_path / "audit.db") as ledger:
        assert ledger._read("SELECT * FROM checks") == ledger._read("SELECT * FROM captures") == []
    assert desk.told == []


def test_the_same_bytes_twice_are_kept_once(tmp_path: Path) -> None:
    """Within a batch, where the ledger does not know the first yet, and in the next."""
    one = source("a")
    desk = Desk(tmp_path, sources=(one,))
    came = (one.address, reply(one.url))

    found = desk.store([came, came], [came], [(one.address, reply(one.url, b"others"))])

    assert [row[3] for row in found["captures"]] == [None, 1, 1, None]
    assert [row[4] for row in found["checks"]] == [1, 2, 3, 4]


def test_a_source_that_must_not_be_kept_is_hashed_all_the_same(tmp_path: Path) -> None:
    """Whether it changed can be told without its words."""
    one = source("a", preserve=Preserve.NONE)
    body = b"<p>secret</p>"

    found = Desk(tmp_path, sources=(one,)).store([(one.address, reply(one.url, body))])

    assert found["captures"] == []
    assert [row[3] for row in found["checks"]] == [hashlib.sha256(body).hexdigest()]
    assert not list((tmp_path / "warc").rglob("*.warc.gz"))


def test_a_quotation_on_a_page_that_is_not_alive_is_not_judged(tmp_path: Path) -> None:
    """A bot wall that repeats the words does not say them."""
    one = source("a", quote="the words")
    desk = Desk(tmp_path, sources=(one,))

    desk.store([(one.address, reply(one.url, status=404))])

    with Ledger(tmp_path / "audit.db") as ledger:
        assert ledger._read("SELECT * FROM quote_findings") == []
    assert [reading.seen for _, reading in desk.told] == [Seen.FAILING]


@pytest.mark.parametrize(
    ("body", "seen", "findings"),
    [
        (b"<html><title>Page not found</title><p>the words</p>", Seen.ALIVE, 1),
        (b"<html><title>Page not found</title><p>others</p>", Seen.FAILING, 0),
        (b"<html><title>Just a moment...</title>cloudflare /cdn-cgi/", Seen.BLOCKED, 0),
        (b"<html><title>x</title><h1>a.example is for sale</h1>", Seen.HIJACKED, 0),
        (b"<html><title>x</title><div id=root></div><script></script>", Seen.UNDECIDED, 0),
    ],
)
def test_only_the_text_of_the_page_itself_is_judged(
    tmp_path: Path, body: bytes, seen: Seen, findings: int
) -> None:
    """
    A wall's or a parked page's text says nothing of the quotation; a page with it is alive.
    """
    one = Source(id="a", url="https://a.example/deep/page", quote="the words")
    desk = Desk(tmp_path, sources=(one,))

    desk.store([(one.address, reply(one.url, body))])

    with Ledger(tmp_path / "audit.db") as ledger:
        assert len(ledger._read("SELECT * FROM quote_findings")) == findings
    assert [reading.seen for _, reading in desk.told] == [seen]


def test_a_look_waits_for_company_no_longer_than_it_must(tmp_path: Path) -> None:
    """A slow list is stored as it comes; a kill loses half a second."""
    one = source("a")
    desk = Desk(tmp_path, sources=(one,))

    async def work(made: Recorder) -> None:
        keeping_up = asyncio.ensure_future(made.keep_up())
        await made.take(desk.look(one.address, reply(one.url)))
        while not desk.told:
            await asyncio.sleep(0.02)
        keeping_up.cancel()

    with desk.open() as (made, _):
        asyncio.run(asyncio.wait_for(work(made), 20 * recorder.PAUSE))


def test_bodies_do_not_pile_up_in_memory(tmp_path: Path) -> None:
    """Who brings more than can be stored waits: 100,000 sources fit into 200 MB."""
    one = source("a")
    desk = Desk(tmp_path, sources=(one,))
    big = reply(one.url, b"x" * (recorder.BATCH_BYTES // 2 + 1))

    async def work(made: Recorder) -> list[int]:
        waiting = []
        for number in range(5):
            body = replace(big.hops[0], body=big.hops[0].body + str(number).encode())
            await made.take(desk.look(one.address, replace(big, hops=(body,), content=b"x")))
            waiting.append(len(made._waiting))
        await made.flush()
        return waiting

    with desk.open() as (made, _):
        waiting = asyncio.run(work(made))

    assert max(waiting) <= 4
    assert len(desk.told) == 5


def test_a_stop_in_the_middle_of_storing_loses_nothing(tmp_path: Path) -> None:
    """The thread goes on with its batch when the loop is told to end."""
    sources = tuple(source(f"s{number}") for number in range(50))
    desk = Desk(tmp_path, sources=sources)

    async def work(made: Recorder) -> None:
        for one in sources:
            await made.take(desk.look(one.address, reply(one.url)))
        storing = asyncio.ensure_future(made.flush())
        await asyncio.sleep(0)
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)
        await made.flush()

    with desk.open() as (made, _):
        asyncio.run(work(made))

    with Ledger(tmp_path / "audit.db") as ledger:
        assert len(ledger._read("SELECT * FROM checks")) == 50
