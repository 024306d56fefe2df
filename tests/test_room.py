"""Large bodies wait for each other: a web of bombs must not fill the machine."""

from __future__ import annotations

import asyncio
import gzip
from contextvars import Context

import pytest

from tests.loopback import Site, page
from verifier import fetch, room
from verifier.fetch import Fetcher, Limits
from verifier.records import Reply
from verifier.room import Room, turn


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body above 1,000 bytes is large, and there is one place for such."""
    for module in (room, fetch):
        monkeypatch.setattr(module, "LIGHT", 1000)
        monkeypatch.setattr(module, "GATES", ((1000, 1),))
    monkeypatch.setattr(fetch, "Room", lambda: Room(((1000, 1),)))


@pytest.mark.usefixtures("one_at_a_time")
@pytest.mark.parametrize("gzipped", [False, True], ids=["as it comes", "unpacked"])
def test_a_large_page_waits_until_the_one_before_is_done_with(*, gzipped: bool) -> None:
    """
    What is fetched lies in memory until it is judged and stored: that is what has to be bounded.
    """
    with Site() as site:
        site.set("/large", page("large " * 10_000, gzipped=gzipped))
        site.set("/small", page("small"))

        async def whole(fetcher: Fetcher, target: str) -> int:
            with turn():
                came = await fetcher.get(site.url(target))
            assert isinstance(came, Reply)
            return len(came.content)

        async def work() -> None:
            async with Fetcher(user_agent="t", allow_private=True) as fetcher:
                with turn():
                    await fetcher.get(site.url("/large"))
                    # in a context of its own: else it were part of this turn
                    second = asyncio.create_task(whole(fetcher, "/large"), context=Context())
                    assert await whole(fetcher, "/small") == 5
                    await asyncio.sleep(0.3)
                    assert not second.done()
                    await fetcher.get(site.url("/large"))  # the same turn has its place already
                assert await second == 60_000

        asyncio.run(work())


@pytest.mark.usefixtures("one_at_a_time")
def test_a_page_that_waits_for_its_place_loses_no_time() -> None:
    """
    It is our crowd that it waits for: no page is cut off because we had others to read.
    """
    with Site() as site:
        site.default = page("large " * 10_000)

        async def work() -> None:
            limits = Limits(deadline=1.0, hop=1.0)
            async with Fetcher(user_agent="t", allow_private=True, limits=limits) as fetcher:
                holding, waited = asyncio.Event(), asyncio.Event()

                async def hold() -> None:
                    with turn():
                        await fetcher.get(site.url("/a"))
                        holding.set()
                        await waited.wait()

                async def wait() -> object:
                    await holding.wait()
                    return await fetcher.get(site.url("/b"))

                held, late = asyncio.ensure_future(hold()), asyncio.ensure_future(wait())
                await holding.wait()
                await asyncio.sleep(1.5)  # longer than a page may take
                waited.set()
                await held
                came = await late
                assert isinstance(came, Reply)
                assert came.last.truncated is None
                assert len(came.content) == 60_000

        asyncio.run(work())


def test_a_bomb_is_unpacked_step_by_step_and_no_further_than_the_limit() -> None:
    """
    Half a megabyte unfolds to whatever its maker likes.
    """
    bomb = gzip.compress(bytes(40 << 20))
    with Site() as site:
        site.set("/bomb", page(bomb, headers=[("Content-Encoding", "gzip")]))

        async def work() -> None:
            limits = Limits(content=12 << 20)
            async with Fetcher(user_agent="t", allow_private=True, limits=limits) as fetcher:
                came = await fetcher.get(site.url("/bomb"))
                assert isinstance(came, Reply)
                assert came.undecoded == "cap"
                assert len(came.content) == 12 << 20

        asyncio.run(work())
