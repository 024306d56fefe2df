"""verifier.fetch: what goes over the wire, what is recorded, what is refused, how it fails."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loopback import (
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    SILENCE,
    Answer,
    Authority,
    Names,
    NameServer,
    Proxy,
    RawHeader,
    Site,
    chunked,
    cut,
    drip,
    hang,
    head,
    page,
    raw,
    redirect,
    reset,
)
from verifier.fetch import Fetcher, Limits, retry_after
from verifier.records import Failure, Fetched, NoReply, Reply, Truncated

AGENT = "Verifier/0 (+mailto:keeper@example.org)"
QUICK = Limits(deadline=5, hop=5, lookup=1, connect=1)


def fetch(*urls: str, limits: Limits = QUICK, allow_private: bool = True, **how: Any) -> Any:
    """What the addresses answer, asked one after another; a single one without the tuple."""

    async def ask() -> list[Fetched]:
        async with Fetcher(
            user_agent=AGENT, limits=limits, allow_private=allow_private, **how
        ) as fetcher:
            return [await fetcher.get(url) for url in urls]

    fetched = asyncio.run(ask())
    return fetched[0] if len(urls) == 1 else tuple(fetched)


def replied(*urls: str, **how: Any) -> Reply:
    fetched = fetch(*urls, **how)
    assert isinstance(fetched, Reply), fetched
    return fetched


def failed(*urls: str, **how: Any) -> NoReply:
    fetched = fetch(*urls, **how)
    assert isinstance(fetched, NoReply), fetched
    assert fetched.detail
    assert len(fetched.detail) <= 200
    assert fetched.detail.isprintable()
    return fetched


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


# ---- what goes and what comes ------------------------------------------------------------


def test_the_request_that_is_recorded_is_the_one_that_was_sent(site: Site) -> None:
    """The WARC's request record is evidence only if it is not a reconstruction."""
    reply = replied(site.set("/page", page("hello")))

    assert reply.last.request == site.visits[0].head
    assert reply.last.request == (
        b"GET /page HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n" % site.port + b"User-Agent: " + AGENT.encode() + b"\r\n"
        b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
        b"Accept-Language: en,*;q=0.5\r\n"
        b"Accept-Encoding: gzip\r\n\r\n"
    )


def test_the_response_is_recorded_as_it_came(site: Site) -> None:
    """Header case, order, duplicates and bytes, the reason's bytes, the body still coded."""
    headers: list[RawHeader] = [
        ("X-MiXeD", b"caf\xe9"),
        ("Set-Cookie", "a=1"),
        ("x-last", ""),
        ("Set-Cookie", "b"),
    ]
    site.set("/", page("hello", gzipped=True, headers=headers, reason=b"Tr\xe8s bien"))

    reply = replied(site.url("/"))

    hop = reply.last
    assert hop.headers == (
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Length", b"25"),
        (b"X-MiXeD", b"caf\xe9"),
        (b"Set-Cookie", b"a=1"),
        (b"x-last", b""),
        (b"Set-Cookie", b"b"),
    )
    assert (hop.version, hop.status, hop.reason) == ("HTTP/1.1", 200, b"Tr\xe8s bien")
    assert hop.body == gzip.compress(b"hello", mtime=0)
    assert (reply.content, reply.undecoded) == (b"hello", "")
    assert hop.peer == "127.0.0.1"
    assert hop.url == site.url("/")
    assert hop.truncated is None
    assert abs(datetime.now(UTC) - hop.requested_at) < timedelta(minutes=1)
    assert 0 < hop.elapsed < 5


def test_an_old_servers_version_is_reported_as_it_is(site: Site) -> None:
    """A record that says HTTP/1.1 of an HTTP/1.0 reply would be invented."""
    site.set("/", raw(b"HTTP/1.0 200 Fine\r\nA: b\r\n\r\nuntil the end"))

    hop = replied(site.url("/")).last

    assert (hop.version, hop.reason, hop.body) == ("HTTP/1.0", b"Fine", b"until the end")


def test_interim_responses_are_not_taken_for_the_answer(site: Site) -> None:
    """103 Early Hints come before many a real page."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    site.set("/", Answer(steps=(early, 0.02, head(200, "OK", [("Content-Length", "2")]) + b"ok")))

    assert replied(site.url("/")).content == b"ok"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("", "/"),
        ("?q=1", "/?q=1"),
        ("/%7Euser/%2f/%zz", "/%7Euser/%2f/%zz"),
        ("/A//b/./../c;p='q'|[x]", "/A//b/./../c;p='q'|[x]"),
        ('/"<>\\^`{}!$&()*+,=:@~', '/"<>\\^`{}!$&()*+,=:@~'),
        ("/a b?c d#not sent", "/a%20b?c%20d"),
        ("/caf\u00e9?\u4e2d", "/caf%C3%A9?%E4%B8%AD"),
        ("/tab\there\x7f", "/tab%09here%7F"),
        ("/?", "/?"),
        ("/??a=?#?", "/??a=?"),
        ("/bytes\udce9", "/bytes%E9"),
    ],
)
def test_the_target_is_sent_as_it_is_written(site: Site, written: str, sent: str) -> None:
    """Servers tell %7E from ~; whoever re-quotes checks another page than the one cited."""
    site.default = page("ok")

    reply = replied(site.url("") + written)

    assert site.targets == [sent]
    assert reply.last.url == site.url("") + sent


def test_names_are_sent_in_ascii_and_lower_case(site: Site, names: NameServer) -> None:
    """IDNA 2008 first, IDNA 2003 for the names that it has no word for."""
    for name in (
        "xn--bcher-kva.example",
        "xn--strae-oqa.example",
        "xn--n3h.example",
        "a_b.example",
    ):
        names.set(name, "127.0.0.1")
    site.default = page("ok")
    hosts = ["B\u00dcCHER.example", "stra\u00dfe.example", "\u2603.example", "A_b.Example"]

    fetch(*(site.url("/", host=host) for host in hosts), nameservers=(names.address,))

    assert [visit.header("Host").partition(":")[0] for visit in site.visits] == [
        "xn--bcher-kva.example",
        "xn--strae-oqa.example",
        "xn--n3h.example",
        "a_b.example",
    ]


def test_credentials_in_an_address_stay_at_home(site: Site) -> None:
    """They belong to whoever pasted the link, and the WARC is for publishing."""
    site.default = page("ok")

    reply = replied(site.url("/").replace("://", "://user:secret@"))

    assert b"secret" not in site.visits[0].head
    assert b"uthorization" not in site.visits[0].head
    assert "secret" not in reply.last.url


def test_no_cookie_goes_back(site: Site) -> None:
    """A second page is asked as a stranger would ask it, on the same connection too."""
    site.default = page("ok", headers=[("Set-Cookie", "id=1; Path=/")])

    fetch(site.url("/a"), site.url("/b"))

    assert site.connections == 1
    assert all(b"ookie" not in visit.head for visit in site.visits)


def test_a_connection_serves_its_host_again_and_no_other(site: Site) -> None:
    """Keep-alive saves a handshake a page; sharing it between names would mix their replies."""
    site.default = page("ok")
    other = site.url("/").replace("127.0.0.1", "localhost")

    fetch(site.url("/a"), site.url("/b"), other)

    assert [visit.connection for visit in site.visits][:2] == [1, 1]
    assert site.connections == 2


def test_a_kept_connection_that_died_is_replaced_without_a_word(site: Site) -> None:
    """The server may close an idle connection whenever it likes; the page is still there."""
    site.set("/a", Answer(steps=(head(200, "OK", [("Content-Length", "1")]) + b"a",), close=True))
    site.set("/b", page("b"))

    first, second = fetch(site.url("/a"), site.url("/b"))

    assert (first.content, second.content) == (b"a", b"b")


def test_a_connection_that_talks_unasked_is_not_used_again(site: Site) -> None:
    """Bytes after a response would be taken for the answer to the next request."""
    smuggled = head(200, "OK", [("Content-Length", "5")]) + b"WRONG"
    first = head(200, "OK", [("Content-Length", "1")]) + b"a"
    site.set("/a", Answer(steps=(first, 0.05, smuggled)))
    site.set("/b", page("b"))

    async def ask() -> tuple[Fetched, Fetched]:
        async with Fetcher(user_agent=AGENT, allow_private=True) as fetcher:
            one = await fetcher.get(site.url("/a"))
            await asyncio.sleep(0.3)
            return one, await fetcher.get(site.url("/b"))

    one, two = asyncio.run(ask())

    assert isinstance(one, Reply)
    assert isinstance(two, Reply)
    assert (one.content, two.content) == (b"a", b"b")


def test_idle_connections_are_bounded() -> None:
    """A file descriptor a host: a long list would run out of them."""
    hosts = [f"127.0.3.{number}" for number in range(1, 9)]
    with Site(*hosts) as site:
        site.default = page("ok")
        urls = [site.url("/", host=host) for host in hosts]

        fetch(*urls, *urls[-2:], *urls[:1], limits=Limits(idle=2))

        assert site.connections == len(hosts) + 1


# ---- redirects ---------------------------------------------------------------------------


def test_every_hop_is_kept_with_its_body(site: Site) -> None:
    """Whether a move is permanent is read from the hops, and each goes into the WARC."""
    site.set("/1", redirect("/2", status=301, body="first"))
    site.set("/2", redirect("3?x", status=307, body="second"))
    site.set("/3", page("there"))

    reply = replied(site.url("/1"))

    assert [(hop.url, hop.status, hop.body) for hop in reply.hops] == [
        (site.url("/1"), 301, b"first"),
        (site.url("/2"), 307, b"second"),
        (site.url("/3?x"), 200, b"there"),
    ]
    assert [hop.request for hop in reply.hops] == [visit.head for visit in site.visits]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/x/%7e//y/", "/x/%7e//y/"),
        ("x", "/a/x"),
        ("../x", "/x"),
        ("../../../x/.", "/x/"),
        ("./x/../y", "/a/y"),
        ("?q", "/a/b?q"),
        ("#top", "/a/b?old"),
        ("x?y=/../z#f", "/a/x?y=/../z"),
        ("caf\u00e9", "/a/caf%C3%A9"),
        (b"caf\xe9", "/a/caf%E9"),
        ("/with space", "/with%20space"),
        ("/a:b", "/a:b"),
    ],
)
def test_a_relative_location_is_resolved(site: Site, location: str | bytes, target: str) -> None:
    """RFC 3986, 5.2; letters outside ASCII go on as the bytes that came."""
    site.set("/a/b", redirect(location), page("same place"))
    site.default = page("ok")

    replied(site.url("/a/b?old"))

    assert site.targets == ["/a/b?old", target]


def test_a_location_without_a_scheme_keeps_ours(site: Site) -> None:
    """``//host/path`` is common where a site has both http and https."""
    site.set("/a", redirect(f"//127.0.0.1:{site.port}/b"))
    site.set("/b", page("b"))

    assert replied(site.url("/a")).content == b"b"


def test_an_absolute_location_is_sent_as_it_came(site: Site) -> None:
    """It is somebody's exact address, dots and all."""
    site.set("/a", redirect(site.url("/b/../%7E/c")))
    site.default = page("ok")

    replied(site.url("/a"))

    assert site.targets[1] == "/b/../%7E/c"


@pytest.mark.parametrize("status", [300, 304, 305, 399])
def test_other_3xx_are_answers(site: Site, status: int) -> None:
    """Only five statuses say "look there instead"."""
    site.set("/", page("", status=status, headers=[("Location", "/other")]))

    assert replied(site.url("/")).last.status == status
    assert site.targets == ["/"]


def test_a_redirect_that_leads_nowhere_is_the_answer(site: Site) -> None:
    """Without a Location there is nothing to follow; what came is judged."""
    reply = replied(site.set("/", page("moved, somewhere", status=302)))

    assert (reply.last.status, reply.content) == (302, b"moved, somewhere")


@pytest.mark.parametrize(
    "location", ["ftp://h/x", "mailto:a@b", "javascript:1", "http://", "http:/x"]
)
def test_a_redirect_off_the_web_is_named_with_its_hops(site: Site, location: str) -> None:
    """The hop that led there is evidence too."""
    site.set("/", redirect(location))

    failure = failed(site.url("/"))

    assert failure.failure is Failure.BAD_REDIRECT
    assert [hop.status for hop in failure.hops] == [302]


def test_a_redirect_into_odd_bytes_can_still_be_written_down(site: Site) -> None:
    """What is no UTF-8 in a Location must not stop the ledger later."""
    site.set("/", redirect(b"ftp://caf\xe9.example/"))

    fetched = failed(site.url("/"))

    assert fetched.url.encode("utf-8") == b"ftp://caf\\udce9.example/"


def test_ten_redirects_are_followed_and_no_more(site: Site) -> None:
    """Eleven requests is what the contract allows; loops end there as well."""
    for number in range(12):
        site.set(f"/{number}", redirect(f"/{number + 1}"))
    site.set("/end", redirect("/2"))
    site.set("/12", page("too far"))
    site.set("/loop", redirect("/loop"))

    enough, beyond, loop = fetch(site.url("/2"), site.url("/1"), site.url("/loop"))

    assert isinstance(enough, Reply)
    assert len(enough.hops) == 11
    for fetched in (beyond, loop):
        assert isinstance(fetched, NoReply)
        assert fetched.failure is Failure.TOO_MANY_REDIRECTS
        assert len(fetched.hops) == 11
    assert site.asked("/loop") == 11


def test_a_redirects_own_body_does_not_hold_up_the_chain(site: Site) -> None:
    """Nobody reads it; it is kept as far as it came in a moment."""
    slow = head(302, "Found", [("Location", "/end"), ("Content-Length", "100")])
    site.set("/slow", Answer(steps=(slow + b"some", 30.0)))
    huge = head(302, "Found", [("Location", "/end"), ("Content-Length", "9000")])
    site.set("/huge", Answer(steps=(huge, b"x" * 9000)))
    site.set("/end", page("end"))
    limits = Limits(redirect_seconds=0.2, redirect_body=1000)

    slowly, hugely = fetch(site.url("/slow"), site.url("/huge"), limits=limits)

    assert slowly.content == hugely.content == b"end"
    assert (slowly.hops[0].body, slowly.hops[0].truncated) == (b"some", Truncated.TIME)
    assert (len(hugely.hops[0].body), hugely.hops[0].truncated) == (1000, Truncated.LENGTH)


# ---- deadlines and caps ------------------------------------------------------------------


def test_a_head_that_drips_is_given_up_at_the_deadline(site: Site) -> None:
    """Every byte is progress to a read time-out; a page that never comes is a finding."""
    site.set("/", drip(head(200) * 50, every=0.02))

    before = time.monotonic()
    failure = failed(site.url("/"), limits=Limits(deadline=0.3))

    assert failure.failure is Failure.DEADLINE
    assert time.monotonic() - before < 3


def test_headers_without_end_are_given_up_at_the_deadline(site: Site) -> None:
    """Whole header lines, one after another, never the blank one."""
    site.set("/", Answer(steps=chain((b"HTTP/1.1 200 OK\r\n",), *repeat((b"a: b\r\n", 0.02), 400))))

    assert failed(site.url("/"), limits=Limits(deadline=0.3)).failure is Failure.DEADLINE


def test_a_body_that_drips_is_kept_as_far_as_it_came(site: Site) -> None:
    """Half a page is evidence of half a page, and says that it is half."""
    promise = head(200, "OK", [("Content-Length", "5000")])
    site.set("/", drip(b"x" * 5000, every=0.01, after=promise + b"start "))

    reply = replied(site.url("/"), limits=Limits(hop=0.3))

    assert reply.last.truncated is Truncated.TIME
    assert reply.last.body.startswith(b"start x")
    assert len(reply.last.body) < 1000


def test_the_deadline_is_for_all_hops_together(site: Site) -> None:
    """Ten redirects of four seconds each are forty seconds."""
    site.default = lambda visit: Answer(
        steps=(
            0.15,
            head(302, "Found", [("Location", visit.target + "x"), ("Content-Length", "0")]),
        )
    )

    failure = failed(site.url("/"), limits=Limits(deadline=0.5))

    assert failure.failure is Failure.DEADLINE
    assert 1 <= len(failure.hops) <= 3


def test_a_server_that_says_nothing_is_given_up(site: Site) -> None:
    """Accepted and silent: connected, but the page did not come."""
    site.set("/", hang())

    assert failed(site.url("/"), limits=Limits(hop=0.2)).failure is Failure.DEADLINE


def test_a_long_body_is_cut_at_the_cap(site: Site) -> None:
    """The first bytes are kept, and what follows is never read."""
    endless = chain((head(200),), repeat(b"y" * 65_536, 3000))
    site.set("/", Answer(steps=endless, close=True))
    site.set("/exact", page("z" * 1000))

    long, exact = fetch(site.url("/"), site.url("/exact"), limits=Limits(wire=1000))

    assert (long.last.body, long.last.truncated) == (b"y" * 1000, Truncated.LENGTH)
    assert (exact.content, exact.last.truncated) == (b"z" * 1000, None)


def test_a_bomb_is_cut_at_the_cap(site: Site) -> None:
    """Nested too: ten kilobytes on the wire, fifty million bytes of nothing."""
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    codings = [("Content-Encoding", "gzip"), ("content-encoding", "gzip")]
    site.set("/", page(bomb, headers=codings))

    reply = replied(site.url("/"), limits=Limits(content=100_000))

    assert (reply.content, reply.undecoded) == (bytes(100_000), "cap")
    assert reply.last.body == bomb


def test_a_large_coded_body_is_decoded_without_stopping_the_others(site: Site) -> None:
    """Above a megabyte it is unfolded beside the event loop, with the same result."""
    noise = bytes(range(256)) * 8000
    stored = gzip.compress(noise, compresslevel=0)
    assert len(stored) > 1_000_000
    site.set("/", page(stored, headers=[("Content-Encoding", "gzip")]))

    assert replied(site.url("/")).content == noise


@pytest.mark.parametrize(
    "answer",
    [
        cut(b"half of it", promised=500),
        chunked(b"half of it", whole=False),
        Answer(
            steps=(head(200, "OK", [("Content-Length", "500")]) + b"half of it", 0.1), reset=True
        ),
        raw(head(200, "", [("Transfer-Encoding", "chunked")]), 0.1, b"a\r\nhalf of it\r\nZ\r\n"),
    ],
    ids=["content-length", "chunked", "reset", "bad chunk"],
)
def test_a_body_that_breaks_off_is_kept_and_says_so(site: Site, answer: Answer) -> None:
    """The words before the cut were on the page."""
    reply = replied(site.set("/", answer))

    assert (reply.last.body, reply.last.truncated) == (b"half of it", Truncated.DISCONNECT)


def test_a_chunked_body_is_whole(site: Site) -> None:
    """Chunks are transfer, not content: they leave no trace in the body."""
    reply = replied(site.set("/", chunked(b"one ", b"two ", b"three")))

    assert (reply.last.body, reply.last.truncated) == (b"one two three", None)


def test_a_coding_that_is_broken_or_unknown_is_named(site: Site) -> None:
    """The reply stands; only its content is in doubt."""
    site.set(
        "/broken", page(gzip.compress(b"text" * 99)[:-9], headers=[("Content-Encoding", "gzip")])
    )
    site.set("/unknown", page(b"(zstd)", headers=[("Content-Encoding", "zstd")]))

    broken, unknown = fetch(site.url("/broken"), site.url("/unknown"))

    assert (broken.content, broken.undecoded) == (b"text" * 99, "broken-encoding")
    assert (unknown.content, unknown.undecoded) == (b"(zstd)", "unknown-encoding")


# ---- failures ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "example.org/page",
        "ftp://example.org/",
        "http://",
        "http:///path",
        "http:/one-slash.example/",
        "https://exa mple.org/",
        "http://example.org:99999/",
        "http://example.org:http/",
        "http://example.org:-1/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://a..example/",
        "http://" + "x" * 64 + ".example/",
        "http://ex%61mple.org/",
        "http://good.example\\@evil.example/",
        "http://\u2025.example/",
        "http://\ud800.example/",
        "http://h.example/\ud800",
        "http://<b>.example/",
        "http://\x00.example/",
    ],
)
def test_what_is_no_web_address_is_a_finding(url: str) -> None:
    """Whatever a row holds, it becomes a finding with a name."""
    assert failed(url).failure is Failure.NOT_A_WEB_ADDRESS


def test_an_empty_address_is_a_finding() -> None:
    """A claim that still needs a source."""
    assert failed(" ").failure is Failure.NO_ADDRESS


@settings(deadline=None)
@given(
    url=st.one_of(
        st.text(max_size=60),
        st.text(max_size=60).map(lambda tail: "http://" + tail),
        st.text(max_size=60).map(lambda tail: "http://127.0.0.1:1/" + tail),
        st.text(alphabet="[]:@/?#%.0x1aA\\-_ \t\n", max_size=30).map(
            lambda tail: "https://" + tail
        ),
    )
)
def test_no_address_raises(url: str) -> None:
    """One bad row never ends a round. (The proxy that is not there keeps it on this machine.)"""
    nowhere = "http://127.0.0.1:1"

    fetched = fetch(url, proxies={"http": nowhere, "https": nowhere}, allow_private=False)

    assert isinstance(fetched, NoReply)
    assert fetched.failure in (
        Failure.NO_ADDRESS,
        Failure.NOT_A_WEB_ADDRESS,
        Failure.FORBIDDEN_ADDRESS,
        Failure.NETWORK_DOWN,
    )


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (NXDOMAIN, Failure.NAME_NOT_FOUND),
        (Names(), Failure.NAME_NOT_FOUND),
        (SERVFAIL, Failure.RESOLVER_FAILED),
        (REFUSED, Failure.RESOLVER_FAILED),
        (SILENCE, Failure.RESOLVER_FAILED),
        (Names(a=SERVFAIL), Failure.RESOLVER_FAILED),
        (Names(aaaa=SERVFAIL), Failure.RESOLVER_FAILED),
    ],
)
def test_a_dead_name_is_told_from_a_failing_resolver(
    names: NameServer, answer: str | Names, failure: Failure
) -> None:
    """The first is a strike against the source, the second says nothing of it."""
    names.set("gone.example", answer)

    assert failed("http://gone.example/", nameservers=(names.address,)).failure is failure


def test_a_resolver_that_is_not_there_is_our_trouble() -> None:
    """Nobody listens at the port: without this, an outage would read as dead names."""
    fetched = failed("http://any.example/", nameservers=("127.0.0.1:9",))

    assert fetched.failure is Failure.RESOLVER_FAILED


def test_a_refused_connection_is_named() -> None:
    """The machine is there and nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

    assert failed(f"http://127.0.0.1:{port}/").failure is Failure.CONNECTION_REFUSED


def test_a_name_whose_addresses_fail_differently_takes_the_one_that_answered(
    names: NameServer,
) -> None:
    """No way to the one, refused at the other: the machine that spoke is the news."""
    names.set("two.example", "127.0.0.1", "255.255.255.255")
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

    fetched = failed(f"http://two.example:{port}/", nameservers=(names.address,))

    assert fetched.failure is Failure.CONNECTION_REFUSED


def test_no_route_is_our_network() -> None:
    """No way leads to the broadcast address: ENETUNREACH tells of us, not of the source."""
    assert failed("http://255.255.255.255/").failure is Failure.NETWORK_DOWN


def test_a_page_that_calls_itself_a_redirect_without_saying_where_is_whole(site: Site) -> None:
    """An empty Location is none, and the body is then what there is."""
    site.set("/", page("x" * 500, status=302, headers=[("Location", " ")]))

    reply = replied(site.url("/"), limits=Limits(redirect_body=100))

    assert (len(reply.content), reply.last.truncated) == (500, None)


def test_a_handshake_that_hangs_is_a_connection_that_did_not_come(site: Site) -> None:
    """TLS is part of connecting, with the same ten seconds."""
    url = site.url("/").replace("http://", "https://")

    fetched = failed(url, limits=Limits(connect=0.3))

    assert fetched.failure is Failure.CONNECTION_TIMEOUT


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Failure.BAD_REPLY),
        (raw(b"HTTP/1.1 abc\r\n\r\n"), Failure.BAD_REPLY),
        (raw(b"\x00\x01\x02\x03" * 50), Failure.BAD_REPLY),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), Failure.BAD_REPLY),
        (raw(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 300_000 + b"\r\n\r\n"), Failure.BAD_REPLY),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 600 + b"\r\n"), Failure.BAD_REPLY),
        (
            raw(b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 9000 + b"\r\n") * 40 + b"\r\n"),
            Failure.BAD_REPLY,
        ),
        (raw(), Failure.DISCONNECTED),
        (raw(b"HTTP/1.1 200 OK\r\nA: b\r\n"), Failure.DISCONNECTED),
        (reset(0.05), Failure.DISCONNECTED),
    ],
)
def test_what_is_no_http_is_named(site: Site, answer: Answer, failure: Failure) -> None:
    """And asked once: a repeated request would be a second visit that nobody recorded."""
    site.set("/", answer)

    assert failed(site.url("/")).failure is failure
    assert site.asked("/") == 1


def test_a_server_that_speaks_first_is_asked_once() -> None:
    """Mail and SSH servers greet; what came before our request is no reason to try again."""
    accepted = 0

    def greet(server: socket.socket) -> None:
        nonlocal accepted
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                accepted += 1
                connection.sendall(b"220 mail.example ESMTP\r\n")
                kept.append(connection)

    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet, args=(server,))
        thread.start()
        fetched = failed(f"http://127.0.0.1:{server.getsockname()[1]}/")
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in kept:
        connection.close()

    assert fetched.failure is Failure.BAD_REPLY
    assert accepted == 1


def test_long_headers_are_no_fault(site: Site) -> None:
    """Security policies and cookies of tens of kilobytes are common."""
    site.set("/", page("ok", headers=[("Content-Security-Policy", "x" * 60_000)]))

    assert replied(site.url("/")).content == b"ok"


def test_a_failure_after_redirects_keeps_them(site: Site) -> None:
    """Where it failed is the redirect's target, and the way there is evidence."""
    site.set("/", redirect("http://127.0.0.1:1/there", status=301))

    fetched = failed(site.url("/"))

    assert (fetched.url, fetched.failure) == (
        "http://127.0.0.1:1/there",
        Failure.CONNECTION_REFUSED,
    )
    assert [hop.status for hop in fetched.hops] == [301]


# ---- TLS ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def test_a_page_over_tls_is_fetched(authority: Authority, names: NameServer) -> None:
    """The certificate is checked against the name, not the address connected to."""
    names.set("good.example", "127.0.0.1")
    with Site(tls=authority.context("good.example")) as site:
        site.set("/", page("secret"))
        reply = replied(
            site.url("/", host="good.example"),
            ca_file=authority.file,
            nameservers=(names.address,),
        )

    assert reply.content == b"secret"
    assert reply.last.peer == "127.0.0.1"


def test_a_body_that_breaks_off_inside_tls_is_kept(authority: Authority) -> None:
    """The end comes in the same packet as the last words there."""
    with Site(tls=authority.context("127.0.0.1")) as site:
        site.set("/", cut(b"half of it", promised=500))
        reply = replied(site.url("/"), ca_file=authority.file)

    assert (reply.last.body, reply.last.truncated) == (b"half of it", Truncated.DISCONNECT)


def test_a_bad_certificate_is_named(authority: Authority, tmp_path: Path) -> None:
    """Each has its own cure: renew it, move the link, or distrust the page."""
    stranger = Authority(tmp_path)
    found = []
    for context in (
        authority.context("127.0.0.1", expired=True),
        authority.context("other.example"),
        stranger.context("127.0.0.1"),
    ):
        with Site(tls=context) as site:
            found.append(failed(site.url("/"), ca_file=authority.file).failure)
            assert site.visits == []

    assert found == [Failure.TLS_EXPIRED, Failure.TLS_WRONG_HOST, Failure.TLS_UNTRUSTED]


def test_an_authority_that_everybody_trusts_is_needed_without_a_file(authority: Authority) -> None:
    """The default is certifi's list, and verification is never off."""
    with Site(tls=authority.context("127.0.0.1")) as site:
        assert failed(site.url("/")).failure is Failure.TLS_UNTRUSTED


def test_tls_with_a_server_that_has_none_is_named(site: Site) -> None:
    """http on the https port."""
    site.default = page("plain")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk_plainly() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=talk_plainly)
        thread.start()
        fetched = failed(f"https://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()

    assert fetched.failure is Failure.TLS_FAILED


# ---- the guard ---------------------------------------------------------------------------

SPELLINGS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0X7F.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.01",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020.0.1",
    "1.2.3.4.127.0.0.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_this_machine_is_never_asked_by_number(site: Site, spelling: str) -> None:
    """A link in a public list must not reach what only this machine can reach."""
    url = f"http://{spelling}:{site.port}/"

    fetched = failed(url, allow_private=False)

    assert fetched.failure is Failure.FORBIDDEN_ADDRESS
    assert site.connections == 0


@pytest.mark.parametrize(
    "ip",
    [
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[100::1]",
        "[2001::1]",
        "[2001:db8::1]",
        "[2001:10::1]",
        "[3fff::1]",
        "[4000::1]",
        "[2a00:1450::5efe:a00:1]",
    ],
)
def test_addresses_that_are_no_public_machine_are_refused(ip: str) -> None:
    """Private nets, metadata services, relays and reserved blocks, before any packet."""
    fetched = failed(f"http://{ip}/", allow_private=False)

    assert fetched.failure is Failure.FORBIDDEN_ADDRESS


def test_a_redirect_to_a_forbidden_address_is_refused(site: Site, names: NameServer) -> None:
    """The first hop is public and the second is the router: the classic."""
    names.set("inside.example", "127.0.0.1")
    with Site("127.0.0.2") as public:
        public.set("/number", redirect(site.url("/")))
        public.set("/octal", redirect(f"http://0177.1:{site.port}/"))
        public.set("/name", redirect(site.url("/", host="inside.example")))
        for path in ("/number", "/octal", "/name"):
            fetched = failed(
                public.url(path),
                allow_private=False,
                exempt={"127.0.0.2"},
                nameservers=(names.address,),
            )
            assert fetched.failure is Failure.FORBIDDEN_ADDRESS
            assert [hop.status for hop in fetched.hops] == [302]

    assert site.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("127.0.0.2", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.2", "::1"),
        ("127.0.0.2", "64:ff9b::7f00:1"),
    ],
)
def test_a_name_with_one_forbidden_address_is_refused(
    names: NameServer, addresses: tuple[str, ...]
) -> None:
    """Mixed answers are how a guard that vets only the first one is led astray."""
    names.set("mixed.example", *addresses)
    with Site("127.0.0.1", "127.0.0.2") as site:
        fetched = failed(
            site.url("/", host="mixed.example"),
            allow_private=False,
            exempt={"127.0.0.2"},
            nameservers=(names.address,),
        )

        assert fetched.failure is Failure.FORBIDDEN_ADDRESS
        assert site.connections == 0


def test_a_name_that_turns_inwards_is_never_followed_there(names: NameServer) -> None:
    """Rebinding: public when vetted, private a moment later. What was vetted is connected to."""
    names.set("turning.example", Names(a=("127.0.0.2",)), Names(a=("127.0.0.1",)))
    with Site("127.0.0.2") as public, Site("127.0.0.1", port=public.port) as inside:
        public.set("/a", page("outside", close=True))
        public.set("/b", redirect("/a", close=True))
        url = public.url("/a", host="turning.example")
        first, second = fetch(
            url,
            url.replace("/a", "/b"),
            allow_private=False,
            exempt={"127.0.0.2"},
            nameservers=(names.address,),
        )
        # Another round asks the name server anew, and is told of the inside.
        third = fetch(url, allow_private=False, nameservers=(names.address,))

        assert [first.last.peer, second.last.peer] == ["127.0.0.2", "127.0.0.2"]
        assert third.failure is Failure.FORBIDDEN_ADDRESS
        assert public.connections == 3
        assert inside.connections == 0


def test_localhost_is_no_public_name(site: Site) -> None:
    """Resolvers answer it out of their own pocket."""
    fetched = failed(site.url("/", host="localhost"), allow_private=False)

    assert fetched.failure is Failure.FORBIDDEN_ADDRESS
    assert site.connections == 0


def test_private_addresses_are_asked_when_that_is_wanted(site: Site) -> None:
    """VERIFIER_ALLOW_PRIVATE, and the canaries."""
    site.default = page("ok")

    assert replied(site.url("/"), allow_private=True).content == b"ok"
    # Not even then in a disguise that different systems read differently.
    assert failed(f"http://127.1:{site.port}/").failure is Failure.FORBIDDEN_ADDRESS


def test_ipv6_is_spoken() -> None:
    """The Host header has brackets, the peer has none."""
    try:
        site = Site("::1").__enter__()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    try:
        site.default = page("ok")
        reply = replied(site.url("/"))
        assert site.visits[0].header("Host") == f"[::1]:{site.port}"
        assert reply.last.peer == "::1"
    finally:
        site.__exit__()


# ---- names -------------------------------------------------------------------------------


def test_many_fetches_of_one_name_ask_for_it_once(site: Site, names: NameServer) -> None:
    """Names are the first ceiling of a round; asking once also leaves no room for rebinding."""
    names.set("busy.example", Names(a=("127.0.0.1",), delay=0.1))
    site.default = page("ok")
    url = site.url("/", host="busy.example")

    async def ask() -> list[Fetched]:
        async with Fetcher(
            user_agent=AGENT, allow_private=True, nameservers=(names.address,)
        ) as fetcher:
            first = await asyncio.gather(*(fetcher.get(url) for _ in range(50)))
            return [*first, await fetcher.get(url)]

    fetched = asyncio.run(ask())

    assert all(isinstance(one, Reply) for one in fetched)
    assert names.asked("busy.example", "A") == 1


def test_a_failed_look_up_is_not_kept(site: Site, names: NameServer) -> None:
    """The retry seconds later must be able to succeed."""
    names.set("shy.example", Names(a=NXDOMAIN, aaaa=NXDOMAIN), Names(a=("127.0.0.1",)))
    site.default = page("ok")
    url = site.url("/", host="shy.example")

    first, second = fetch(url, url, nameservers=(names.address,))

    assert first.failure is Failure.NAME_NOT_FOUND
    assert second.content == b"ok"


def test_one_waiter_that_gives_up_does_not_take_the_answer_from_the_others(
    site: Site, names: NameServer
) -> None:
    """The look-up belongs to all who wait for it."""
    names.set("slow.example", Names(a=("127.0.0.1",), delay=0.3))
    site.default = page("ok")
    url = site.url("/", host="slow.example")

    async def ask() -> Fetched:
        async with Fetcher(
            user_agent=AGENT, allow_private=True, nameservers=(names.address,)
        ) as fetcher:
            impatient = asyncio.create_task(fetcher.get(url))
            patient = asyncio.create_task(fetcher.get(url))
            await asyncio.sleep(0.1)
            impatient.cancel()
            return await patient

    assert isinstance(asyncio.run(ask()), Reply)


def test_look_ups_take_no_thread_each(names: NameServer) -> None:
    """asyncio's own resolver has six threads on two cores; names would queue for them."""
    for number in range(60):
        names.set(f"h{number}.example", Names(a=("127.0.0.1",), delay=0.3))
    most = 0

    async def ask() -> None:
        nonlocal most
        async with Fetcher(
            user_agent=AGENT, allow_private=True, nameservers=(names.address,)
        ) as fetcher:
            before = threading.active_count()
            urls = [f"http://h{number}.example:1/" for number in range(60)]
            asking = asyncio.gather(*map(fetcher.get, urls))
            await asyncio.sleep(0.15)
            most = threading.active_count() - before
            await asking

    asyncio.run(ask())

    assert most <= 1


# ---- hygiene -----------------------------------------------------------------------------


def test_a_cancelled_fetch_hangs_up(site: Site) -> None:
    """A round that is stopped leaves no connection behind, and cancellation is not a finding."""
    site.set("/head", hang(60))
    site.set("/body", Answer(steps=(head(200, "OK", [("Content-Length", "9")]) + b"x", 60.0)))

    async def ask() -> None:
        async with Fetcher(user_agent=AGENT, allow_private=True) as fetcher:
            tasks = [
                asyncio.create_task(fetcher.get(site.url(path))) for path in ("/head", "/body")
            ]
            while len(site.visits) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            for task in tasks:
                task.cancel()
            assert all(
                isinstance(end, asyncio.CancelledError)
                for end in await asyncio.gather(*tasks, return_exceptions=True)
            )
            while site.open:
                await asyncio.sleep(0.01)

    asyncio.run(ask())


def test_leaving_does_not_wait_for_servers_that_do_not_answer(authority: Authority) -> None:
    """A TLS goodbye that is never returned would hold the program for half a minute."""
    with Site(tls=authority.context("127.0.0.1")) as site:
        site.set("/", page("kept"))
        site.set("/slow", Answer(steps=(head(200, "OK", [("Content-Length", "9")]), 60.0)))
        before = time.monotonic()

        fetch(site.url("/"), site.url("/slow"), ca_file=authority.file, limits=Limits(hop=0.5))

        assert time.monotonic() - before < 10


@pytest.mark.parametrize("agent", ["", " ", "a\r\nX: y", "caf\u00e9"])
def test_a_user_agent_that_breaks_the_header_is_refused_at_the_door(agent: str) -> None:
    """It comes from a setting; a wrong setting is an error, not a finding."""
    with pytest.raises(ValueError, match="user_agent"):
        Fetcher(user_agent=agent)


# ---- Retry-After -------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("120", NOW + timedelta(seconds=120)),
        (" 0 ", NOW),
        ("-5", NOW),
        ("Sun, 22 Nov 2026 13:00:00 GMT", NOW + timedelta(hours=1)),
        ("Sunday, 22-Nov-26 13:00:00 GMT", NOW + timedelta(hours=1)),
        ("Sun, 22 Nov 2026 13:00:00 -0000", NOW + timedelta(hours=1)),
        ("Sun, 22 Nov 2020 13:00:00 GMT", NOW),
        ("9" * 400, NOW + timedelta(days=30)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", NOW + timedelta(days=30)),
        ("", None),
        ("soon", None),
        ("1.5", None),
        ("\u0663", None),
        ("Sun, 99 Nov 2026 13:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(field: str, expected: datetime | None) -> None:
    """RFC 9110, 10.2.3; nonsense is no wish, and no wish is longer than a month."""
    assert retry_after(field, NOW) == expected


@settings(deadline=None)
@given(field=st.text(max_size=40))
def test_no_retry_after_raises(field: str) -> None:
    """It is a stranger's text."""
    when = retry_after(field, NOW)

    assert when is None or NOW <= when <= NOW + timedelta(days=30)


def test_the_wish_of_the_last_hop_is_handed_on(site: Site) -> None:
    """The scheduler, not the fetch, decides how long to wait."""
    site.set("/", page("busy", status=503, headers=[("Retry-After", "300")]))

    reply = replied(site.url("/"))

    assert reply.retry_after is not None
    assert timedelta(seconds=290) < reply.retry_after - datetime.now(UTC) < timedelta(seconds=301)
    assert site.asked("/") == 1


# ---- proxies -----------------------------------------------------------------------------


def test_a_proxy_is_asked_with_the_whole_address(site: Site) -> None:
    """What is recorded is the request as sent; the peer is unknown."""
    site.default = page("ok")
    with Proxy({"far.example": "127.0.0.1"}) as proxy:
        reply = replied(
            site.url("/a//%7E", host="far.example"),
            proxies={"http": proxy.url},
            allow_private=False,
        )

    assert reply.content == b"ok"
    assert reply.last.request == proxy.heads[0]
    assert reply.last.request.startswith(b"GET http://far.example:%d/a//%%7E HTTP/1.1" % site.port)
    assert reply.last.peer == ""
    assert reply.last.url == site.url("/a//%7E", host="far.example")


def test_a_tunnel_is_dug_for_tls(authority: Authority) -> None:
    """The certificate at the far end is checked all the same."""
    with (
        Proxy({"far.example": "127.0.0.1"}) as proxy,
        Site(tls=authority.context("far.example")) as site,
    ):
        site.default = page("deep")
        how = {"proxies": {"https": proxy.url}, "ca_file": authority.file}
        reply = replied(site.url("/x", host="far.example"), **how)
        other = failed(site.url("/x", host="127.0.0.1"), **how)

        assert reply.content == b"deep"
        assert proxy.heads[0].startswith(b"CONNECT far.example:%d HTTP/1.1\r\n" % site.port)
        assert reply.last.request == site.visits[0].head
        assert reply.last.peer == ""
        assert other.failure is Failure.TLS_WRONG_HOST


def test_a_proxys_password_reaches_the_proxy_and_no_record(
    site: Site, authority: Authority
) -> None:
    """The WARC is for publishing, the password is not."""
    site.default = page("ok")
    with (
        Proxy({"far.example": "127.0.0.1"}) as proxy,
        Site(tls=authority.context("far.example")) as secure,
    ):
        secure.default = page("ok")
        url = proxy.url.replace("://", "://me:pw@")
        plain, deep = fetch(
            site.url("/", host="far.example"),
            secure.url("/", host="far.example"),
            proxies={"http": url, "https": url},
            ca_file=authority.file,
        )

        assert all(b"Proxy-Authorization: Basic bWU6cHc=\r\n" in sent for sent in proxy.heads)
        assert len(proxy.heads) == 2
        for reply in (plain, deep):
            assert b"uthorization" not in reply.last.request
        assert b"uthorization" not in secure.visits[0].head


def test_the_proxy_itself_may_be_a_private_machine(site: Site) -> None:
    """It usually is; whoever configured it chose it."""
    site.default = page("ok")
    with Proxy({"far.example": "127.0.0.1"}) as proxy:
        reply = replied(
            site.url("/", host="far.example"),
            proxies={"http": proxy.url.replace("127.0.0.1", "localhost")},
            allow_private=False,
        )

    assert reply.content == b"ok"


def test_behind_a_proxy_literal_addresses_are_still_vetted(site: Site) -> None:
    """Names are the proxy's business; a number is plain to see."""
    with Proxy() as proxy:
        fetched = failed(site.url("/"), proxies={"http": proxy.url}, allow_private=False)

        assert fetched.failure is Failure.FORBIDDEN_ADDRESS
        assert proxy.heads == []


def test_a_proxy_that_is_away_or_refuses_is_our_trouble() -> None:
    """It must never read as a dead source."""
    away = failed("http://far.example/", proxies={"http": "http://127.0.0.1:1"})
    with Proxy(refuse=b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n") as proxy:
        refused = failed("https://far.example/", proxies={"https": proxy.url})
    with Proxy(refuse=b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") as proxy:
        unknown = failed("https://far.example/", proxies={"https": proxy.url})

    assert (away.failure, refused.failure) == (Failure.NETWORK_DOWN, Failure.NETWORK_DOWN)
    assert unknown.failure is Failure.UNEXPECTED


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "127.0.0.1",
        "127.0.0.0/8",
        " LOCALHOST ,x".split(",")[0],
        ".localhost",
        "localhost:{port}",
    ],
)
def test_no_proxy_names_what_is_asked_directly(site: Site, pattern: str) -> None:
    """Host names and all below them, addresses, networks, and ports."""
    site.default = page("ok")
    host = "localhost" if "localhost" in pattern.lower() else "127.0.0.1"

    reply = replied(
        site.url("/", host=host),
        proxies={"http": "http://127.0.0.1:1"},
        no_proxy=("elsewhere.example", pattern.format(port=site.port)),
    )

    assert reply.last.peer == "127.0.0.1"


@pytest.mark.parametrize("proxy", ["socks5://h:1", "http://", "://x", "http://h:x"])
def test_a_proxy_that_cannot_be_used_is_refused_at_the_door(proxy: str) -> None:
    """Going round it silently would be worse."""
    with pytest.raises(ValueError, match="proxy"):
        Fetcher(user_agent=AGENT, proxies={"http": proxy})
