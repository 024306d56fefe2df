"""How a round's addresses are spread over time, measured by what the servers saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.loopback import Site, Visit, hang, page, raw
from verifier.errors import StorageError
from verifier.fanout import Again, Manners, sweep
from verifier.fetch import Fetcher, Limits
from verifier.records import Failure, Fetched, NoReply, Reply
from verifier.verdict import retry_in

Seen = Callable[[str, Fetched], Awaitable[None]]


def never(_fetched: Fetched, _tries: int) -> float | None:
    """No second try."""
    return None


def swept(
    hosts: Sequence[Sequence[str]],
    manners: Manners,
    *,
    again: Again = never,
    seen: Seen | None = None,
    stop_after: float | None = None,
) -> list[tuple[str, Fetched]]:
    """What came of each address, in the order in which it was handed on."""
    came: list[tuple[str, Fetched]] = []

    async def take(address: str, fetched: Fetched) -> None:
        came.append((address, fetched))

    async def sweep_them() -> None:
        stop = asyncio.Event()
        if stop_after is not None:
            asyncio.get_running_loop().call_later(stop_after, stop.set)
        fetcher = Fetcher(
            user_agent="test/1 (loopback)", limits=Limits(deadline=20.0), allow_private=True
        )
        async with fetcher:
            await sweep(
                hosts, fetcher.get, again=again, seen=seen or take, manners=manners, stop=stop
            )

    asyncio.run(sweep_them())
    return came


def slow_page(seconds: float) -> Callable[[Visit], object]:
    """A page that takes so long."""
    return lambda _visit: raw(seconds, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def at_once(site: Site, lasting: float) -> int:
    """The most visits whose answers, each taking *lasting* seconds, overlapped."""
    begins = [visit.at for visit in site.visits]
    return max(sum(begin <= at < begin + lasting for begin in begins) for at in begins)


def gaps(site: Site) -> list[float]:
    """Seconds from one visit to the next."""
    return [after.at - before.at for before, after in pairwise(site.visits)]


def test_a_host_is_asked_one_page_at_a_time_with_a_pause_between() -> None:
    """A small archive's server is somebody's only one."""
    with Site() as site:
        site.default = slow_page(0.1)  # type: ignore[assignment]
        urls = [site.url(f"/{number}") for number in range(5)]

        came = swept([urls], Manners(concurrency=10, per_host=1, pause=0.15))

    assert site.targets == ["/0", "/1", "/2", "/3", "/4"]
    assert [address for address, _ in came] == urls
    # from the end of one answer to the next question, so 0.1 + 0.15 at least
    assert min(gaps(site)) >= 0.24


def test_a_host_may_be_asked_several_pages_at_once_when_a_setting_says_so() -> None:
    """One's own server can take it; and never more than that."""
    with Site() as site:
        site.default = slow_page(0.3)  # type: ignore[assignment]
        urls = [site.url(f"/{number}") for number in range(9)]

        came = swept([urls], Manners(concurrency=10, per_host=3, pause=0.0))

    assert len(came) == 9
    assert at_once(site, 0.29) == 3


def test_no_more_hosts_are_asked_at_once_than_may_be() -> None:
    """Sockets and memory are bounded, whatever the list."""
    with ExitStack() as stack:
        site = stack.enter_context(Site(*(f"127.0.0.{number}" for number in range(2, 12))))
        site.default = slow_page(0.3)  # type: ignore[assignment]
        hosts = [[site.url("/", host=host)] for host in site.hosts]

        came = swept(hosts, Manners(concurrency=4, pause=0.0))

    assert len(came) == 10
    assert at_once(site, 0.29) <= 4


def test_a_slow_host_keeps_nobody_waiting() -> None:
    """One server that drips must not hold up five hundred others."""
    with Site("127.0.0.2") as slow, Site("127.0.0.3") as quick:
        slow.default = slow_page(1.0)  # type: ignore[assignment]
        quick.default = page("quick")
        began = time.monotonic()

        came = swept(
            [[slow.url("/a"), slow.url("/b")], [quick.url(f"/{n}") for n in range(10)]],
            Manners(concurrency=2, pause=0.0),
        )

    assert len(came) == 12
    assert max(visit.at for visit in quick.visits) - began < slow.visits[1].at - began


def test_a_host_that_waits_keeps_no_worker_from_the_others() -> None:
    """With one worker: the pause of one host is time for another."""
    with Site("127.0.0.2", "127.0.0.3") as site:
        site.default = page("here")
        hosts = [[site.url(f"/{n}", host=host) for n in range(3)] for host in site.hosts]

        swept(hosts, Manners(concurrency=1, pause=0.3))

    peers = [visit.header("Host").partition(":")[0] for visit in site.visits]
    assert peers == ["127.0.0.2", "127.0.0.3"] * 3


def test_a_page_worth_trying_again_goes_back_to_its_hosts_queue() -> None:
    """The others of the host come first; the waits double; the last answer counts."""
    with Site() as site:
        site.set("/flaky", page(status=500), page(status=500), page("up"))
        site.default = page("steady")
        urls = [site.url("/flaky"), *(site.url(f"/{n}") for n in range(3))]

        came = swept(
            [urls],
            Manners(concurrency=5, pause=0.0),
            again=lambda fetched, tries: retry_in(
                fetched, attempts=tries, pause=0.3, now=datetime.now(UTC)
            ),
        )

    assert site.targets == ["/flaky", "/0", "/1", "/2", "/flaky", "/flaky"]
    first, second, third = (visit.at for visit in site.visits if visit.target == "/flaky")
    assert second - first >= 0.29
    assert third - second >= 0.59
    last = dict(came)[urls[0]]
    assert isinstance(last, Reply)
    assert (last.last.status, last.attempts) == (200, 3)


def test_a_page_that_stays_down_is_handed_on_once_with_its_tries() -> None:
    """What is stored is one look with four tries, not four looks."""
    with Site() as site:
        url = site.set("/", page(status=503))

        came = swept(
            [[url]],
            Manners(pause=0.0),
            again=lambda fetched, tries: retry_in(
                fetched, attempts=tries, pause=0.01, now=datetime.now(UTC)
            ),
        )

    ((address, fetched),) = came
    assert address == url
    assert fetched.attempts == site.asked("/") == 4


def test_a_short_retry_after_holds_for_the_whole_host() -> None:
    """A server that says "not now" means us, not one page of its."""
    busy = page(status=429, headers=[("Retry-After", "1")])
    with Site("127.0.0.2") as site, Site("127.0.0.3") as other:
        site.set("/busy", busy, page("now"))
        site.default = page("steady")
        other.default = page("other")
        urls = [site.url("/busy"), site.url("/a"), site.url("/b")]

        came = swept(
            [urls, [other.url(f"/{n}") for n in range(3)]],
            Manners(concurrency=5, pause=0.0),
            again=lambda fetched, tries: retry_in(
                fetched, attempts=tries, pause=0.01, now=datetime.now(UTC)
            ),
        )

    first, *rest = site.visits
    assert len(rest) == 3
    # Retry-After counts whole seconds from the Date of the answer; the sweep from its arrival
    assert min(visit.at for visit in rest) - first.at >= 0.9
    assert max(visit.at for visit in other.visits) - first.at < 0.9
    assert all(isinstance(f, Reply) and f.last.status == 200 for _, f in came)


def test_a_long_retry_after_is_not_slept_but_handed_on() -> None:
    """A round that slept an hour for one host would never end; the wish is kept."""
    with Site() as site:
        url = site.set("/", page(status=429, headers=[("Retry-After", "3600")]))

        ((_, fetched),) = swept(
            [[url]],
            Manners(pause=0.0),
            again=lambda fetched, tries: retry_in(
                fetched, attempts=tries, pause=0.01, now=datetime.now(UTC)
            ),
        )

    assert site.asked("/") == 1
    assert fetched.retry_after is not None
    assert abs(fetched.retry_after - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)


def test_a_stop_gives_up_what_is_under_way_and_asks_nothing_more() -> None:
    """SIGTERM has to end a round within 20 seconds, whatever a server does."""
    with Site() as site:
        site.default = page("here")
        site.set("/1", hang(30))
        began = time.monotonic()

        came = swept([[site.url(f"/{n}") for n in range(4)]], Manners(pause=0.0), stop_after=0.7)

        assert time.monotonic() - began < 10
    assert [address for address, _ in came] == [site.url("/0")]
    assert site.targets == ["/0", "/1"]


def test_a_stop_during_a_pause_is_not_slept_through() -> None:
    """Retry-After may be a minute."""
    with Site() as site:
        site.default = page("here")
        began = time.monotonic()

        came = swept([[site.url("/0"), site.url("/1")]], Manners(pause=30.0), stop_after=0.7)

        assert time.monotonic() - began < 10
    assert [address for address, _ in came] == [site.url("/0")]


def test_a_fault_of_the_store_ends_the_sweep_with_that_fault() -> None:
    """Going on to ask what cannot be stored would be of no use to anybody."""

    async def full(_address: str, _fetched: Fetched) -> None:
        raise StorageError("audit.db", "the disk is full", "Make room")

    with Site() as site:
        site.default = page("here")
        site.set("/b", hang(30))
        began = time.monotonic()

        with pytest.raises(StorageError, match="disk is full"):
            swept([[site.url("/a")], [site.url("/b")]], Manners(pause=0.0), seen=full)

        assert time.monotonic() - began < 10


def test_a_fault_of_the_fetcher_is_not_lost() -> None:
    """A programming error must not look like a sweep that had nothing to do."""

    async def broken(url: str) -> Fetched:
        raise LookupError(url)

    async def take(_address: str, _fetched: Fetched) -> None:
        raise AssertionError

    with pytest.raises(LookupError, match="one"):
        asyncio.run(
            sweep(
                [["one"], ["two"]],
                broken,
                again=never,
                seen=take,
                manners=Manners(),
                stop=asyncio.Event(),
            )
        )


def test_nothing_to_do_is_done_at_once() -> None:
    """Most rounds of an hourly cron have nothing due."""
    assert swept([], Manners()) == []


def test_a_thousand_hosts_are_each_asked_once() -> None:
    """No address is lost or asked twice when workers hand hosts to each other."""
    asked: list[str] = []

    async def get(url: str) -> Fetched:
        asked.append(url)
        await asyncio.sleep(0)
        return NoReply(
            url=url,
            failure=Failure.CONNECTION_REFUSED,
            detail="",
            requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    seen: list[str] = []

    async def take(address: str, _fetched: Fetched) -> None:
        seen.append(address)

    hosts = [[f"{host}/{n}" for n in range(1 + host % 3)] for host in range(1000)]
    asyncio.run(
        sweep(
            hosts,
            get,
            again=lambda _fetched, tries: 0.001 if tries < 2 else None,
            seen=take,
            manners=Manners(concurrency=50, per_host=2, pause=0.0),
            stop=asyncio.Event(),
        )
    )

    everything = sorted(address for host in hosts for address in host)
    assert sorted(seen) == everything
    assert sorted(asked) == sorted(everything * 2)
