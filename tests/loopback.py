"""Servers on this machine whose every byte the test chooses: web sites, a proxy, a name server.

How to use it::

    from tests.loopback import Site, page, redirect

    with Site() as site:                            # 127.0.0.1, a free port, its own thread
        site.set("/", page("<p>hello</p>"))
        site.set("/old", redirect("/", status=301))
        site.set("/flaky", page("down", status=500), page("up"))   # one a visit; the last stays
        site.set("/echo", lambda visit: page(visit.head))          # made when asked
        ... fetch site.url("/") ...
        assert [visit.target for visit in site.visits] == ["/"]
        assert site.connections == 1

Answers are made by `page`, `redirect`, `chunked`, `drip`, `cut`, `raw`, `hang` and `reset`, or
by hand: an `Answer` is a row of steps, each either bytes to send or seconds to wait. What is not
scripted gets a 404. Keys are request targets as they come over the wire ("/a?b"); a key without
a query serves every query; a key such as "name.example/a" serves one Host only.

Other hosts: ``Site("127.0.0.7")``, ``Site("127.0.0.2", "127.0.0.3")`` (one port on both),
``Site("::1")``. TLS: ``ca = Authority(tmp_path)``, ``Site(tls=ca.context("127.0.0.1"))``, and
give the client ``ca.file``; ``ca.context("127.0.0.1", expired=True)`` has a certificate of
yesterday, and ``ca.context("other.example")`` one for somebody else.

`NameServer` answers A and AAAA queries over UDP, `Proxy` is a forward proxy (absolute URLs and
CONNECT). All are context managers; nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import dnslib
import trustme

RawHeader = tuple[str | bytes, str | bytes]


def _bytes(text: str | bytes, encoding: str = "utf-8") -> bytes:
    return text if isinstance(text, bytes) else text.encode(encoding)


# ---- answers -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a site does when it is asked.

    Attributes:
        steps: Bytes to send and seconds to wait, in this order.
        close: Hang up afterwards; otherwise the connection waits for another request.
        reset: Hang up with a TCP reset.
    """

    steps: Iterable[bytes | float]
    close: bool = False
    reset: bool = False


def head(status: int, reason: str | bytes = "", headers: Iterable[RawHeader] = ()) -> bytes:
    """A response's head, bytes as given, with the blank line."""
    lines = [b"HTTP/1.1 %d %s" % (status, _bytes(reason, "latin-1"))]
    lines += [_bytes(k, "latin-1") + b": " + _bytes(v, "latin-1") for k, v in headers]
    return b"\r\n".join([*lines, b"", b""])


def page(
    body: str | bytes = "",
    *,
    status: int = 200,
    reason: str | bytes = "OK",
    headers: Iterable[RawHeader] = (),
    content_type: str = "text/html; charset=utf-8",
    gzipped: bool = False,
    close: bool = False,
) -> Answer:
    """A whole response with a Content-Length; *content_type* "" sends no such header."""
    content = _bytes(body)
    fields: list[RawHeader] = [("Content-Type", content_type)] if content_type else []
    if gzipped:
        content = gzip.compress(content, mtime=0)
        fields.append(("Content-Encoding", "gzip"))
    fields += [("Content-Length", str(len(content))), *headers]
    return Answer(steps=(head(status, reason, fields) + content,), close=close)


def redirect(
    location: str | bytes, *, status: int = 302, body: str | bytes = "moved", close: bool = False
) -> Answer:
    """A redirect; *location* goes out byte for byte (text as UTF-8)."""
    headers = [("Location", _bytes(location))]
    return page(body, status=status, reason="Moved", headers=headers, close=close)


def chunked(
    *chunks: bytes, headers: Iterable[RawHeader] = (), whole: bool = True, pause: float = 0.0
) -> Answer:
    """A body in chunks; *whole* False hangs up before the last one; *pause* before each."""
    steps: list[bytes | float] = [head(200, "OK", [*headers, ("Transfer-Encoding", "chunked")])]
    for chunk in chunks:
        steps += [pause, b"%x\r\n%b\r\n" % (len(chunk), chunk)]
    return Answer(steps=(*steps, b"0\r\n\r\n" if whole else b""), close=not whole)


def drip(data: bytes, *, every: float, after: bytes = b"", close: bool = True) -> Answer:
    """*after* at once, then *data* byte by byte, *every* so many seconds."""
    steps: list[bytes | float] = [after]
    for byte in data:
        steps += [bytes((byte,)), every]
    return Answer(steps=steps, close=close)


def cut(body: bytes, *, promised: int, headers: Iterable[RawHeader] = ()) -> Answer:
    """A Content-Length of *promised*, then *body*, then the connection ends."""
    fields = [*headers, ("Content-Length", str(promised))]
    return Answer(steps=(head(200, "OK", fields) + body,), close=True)


def raw(*steps: bytes | float, close: bool = True) -> Answer:
    """Exactly these bytes (and pauses), whatever they mean."""
    return Answer(steps=steps, close=close)


def hang(seconds: float = 30.0) -> Answer:
    """Nothing at all, for so long."""
    return Answer(steps=(seconds,), close=True)


def reset(*steps: bytes | float) -> Answer:
    """These steps, then a TCP reset."""
    return Answer(steps=steps, reset=True)


# ---- a thread with an event loop ---------------------------------------------------------


class _Served:
    """A server in a thread of its own, from ``with`` to the end of the block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.errors: list[BaseException] = []

    async def _open(self) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=20)

    def __enter__(self) -> Self:
        # A client that hangs up in mid-handshake is part of the tests, not news for the log.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread.start()
        self._call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=20)
        self._loop.close()
        if self.errors:
            raise self.errors[0]

    async def _stop(self) -> None:
        await self._close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports say goodbye in the next turn of the loop

    def _stream_server(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
    ) -> Callable[[], asyncio.StreamReaderProtocol]:
        """A protocol factory that runs *serve* and keeps its faults for the test."""

        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                await serve(reader, writer)
            except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError):
                pass  # the client went away
            except asyncio.CancelledError:
                pass  # the test is over
            except Exception as error:  # noqa: BLE001 - a fault of the test: shown at its end
                self.errors.append(error)
            finally:
                self._tasks.discard(task)
                writer.transport.abort()

        def accept() -> asyncio.StreamReaderProtocol:
            self.accepted()
            reader = asyncio.StreamReader(limit=2**22, loop=self._loop)
            return _Counted(self._ended, reader, guarded, loop=self._loop)

        return accept

    def accepted(self) -> None:
        """Called for each connection before a byte is read."""

    def _ended(self) -> None:
        """Called once for each connection that was made and is no more."""


class _Counted(asyncio.StreamReaderProtocol):
    """A connection whose end is reported: the other side's goodbye, or ours."""

    def __init__(self, ended: Callable[[], None], *how: Any, **named: Any) -> None:
        super().__init__(*how, **named)
        self._report: Callable[[], None] | None = ended

    def eof_received(self) -> bool | None:
        self._end()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _end(self) -> None:
        report, self._report = self._report, None
        if report is not None:
            report()


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    """A request's head with its blank line; b"" when the client is done."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


# ---- a web site --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request as it came.

    Attributes:
        head: Request line and headers with the blank line, byte for byte.
        body: What a Content-Length announced.
        at: Seconds of the monotonic clock.
        peer: IP address and port of the client.
        connection: Which connection it came on, counted from 1.
    """

    head: bytes
    body: bytes
    at: float
    peer: tuple[str, int]
    connection: int

    @property
    def method(self) -> str:
        """GET, POST, …"""
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """What stood between the method and the version."""
        return self.head.split(b" ", 2)[1].decode("latin-1")

    def header(self, name: str) -> str:
        """The first header of that name, or ""."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.decode("latin-1").lower() == name.lower():
                return value.decode("latin-1").strip()
        return ""


Maker = Callable[[Visit], Answer]


@dataclass(slots=True)
class _Script:
    answers: Sequence[Answer | Maker]
    asked: int = 0


class Site(_Served):
    """A scripted HTTP/1.1 server. See the top of this module.

    Attributes:
        visits: Requests as they came; append-only.
        connections: TCP connections accepted, TLS handshakes that failed included.
        open: How many of them have not ended.
        default: Answer to targets that no script knows.
    """

    def __init__(self, *hosts: str, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        super().__init__()
        self.hosts = hosts or ("127.0.0.1",)
        self.port = port
        self.connections = 0
        self.open = 0
        self.visits: list[Visit] = []
        self.default: Answer | Maker = page("no such page", status=404, reason="Not Found")
        self._tls = tls
        self._scripts: dict[str, _Script] = {}
        self._servers: list[asyncio.Server] = []

    def set(self, target: str, *answers: Answer | Maker) -> str:
        """Script *target*: one answer a visit, the last for ever. Returns its URL."""
        self._scripts[target] = _Script(answers)
        return self.url(target if target.startswith("/") else "/" + target.partition("/")[2])

    def url(self, target: str = "/", *, host: str = "") -> str:
        """The address of *target* here, under *host* (a name of ours, say) when given."""
        name = host or self.hosts[0]
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{f'[{name}]' if ':' in name else name}:{self.port}{target}"

    def asked(self, target: str) -> int:
        """How many times *target* was visited."""
        return sum(visit.target == target for visit in self.visits)

    @property
    def targets(self) -> list[str]:
        """What was asked for, in order."""
        return [visit.target for visit in self.visits]

    def accepted(self) -> None:
        self.connections += 1
        self.open += 1

    def _ended(self) -> None:
        self.open -= 1

    async def _open(self) -> None:
        for host in self.hosts:
            server = await self._loop.create_server(
                self._stream_server(self._serve), host, self.port, ssl=self._tls, backlog=1024
            )
            self.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self.connections
        peer = writer.get_extra_info("peername")[:2]
        while received := await _read_head(reader):
            visit = Visit(
                head=received, body=b"", at=time.monotonic(), peer=peer, connection=connection
            )
            if length := visit.header("Content-Length"):
                body = await reader.readexactly(int(length))
                visit = Visit(
                    head=received, body=body, at=visit.at, peer=peer, connection=connection
                )
            self.visits.append(visit)
            answer = self._answer(visit)
            for step in answer.steps:
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                else:
                    await asyncio.sleep(step)
            if answer.reset:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(_SOL_SOCKET, _SO_LINGER, _LINGER_NOT)
                return
            if answer.close:
                writer.close()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()
                return

    def _answer(self, visit: Visit) -> Answer:
        target, host = visit.target, visit.header("Host").rpartition(":")[0]
        plain = target.partition("?")[0]
        for key in (host + target, target, host + plain, plain):
            if (script := self._scripts.get(key)) is not None:
                made = script.answers[min(script.asked, len(script.answers) - 1)]
                script.asked += 1
                return made if isinstance(made, Answer) else made(visit)
        return self.default if isinstance(self.default, Answer) else self.default(visit)


_SOL_SOCKET, _SO_LINGER = 1, 13
_LINGER_NOT = b"\1\0\0\0\0\0\0\0"  # linger on, for no time: close() sends a reset


class Authority:
    """A certificate authority that only these tests trust.

    Attributes:
        file: Its certificate in PEM, to hand to the client.
    """

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for *names* (host names or IP addresses)."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        leaf = self._ca.issue_cert(
            *names,
            not_after=yesterday if expired else None,
            not_before=yesterday - timedelta(days=30) if expired else None,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


# ---- a proxy -----------------------------------------------------------------------------


class Proxy(_Served):
    """A forward proxy on 127.0.0.1: CONNECT and absolute URLs.

    Args:
        names: Where host names lead, as ``{"name.example": "127.0.0.1"}``; others as they are.
        refuse: A whole response to give to every request instead of passing it on.

    Attributes:
        heads: Request heads as they came.
    """

    def __init__(self, names: dict[str, str] | None = None, refuse: bytes = b"") -> None:
        super().__init__()
        self.names = names or {}
        self.refuse = refuse
        self.heads: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def _open(self) -> None:
        factory = self._stream_server(self._serve)
        self._server = await self._loop.create_server(factory, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = await _read_head(reader)
        self.heads.append(received)
        if self.refuse:
            writer.write(self.refuse)
            await writer.drain()
            return
        method, target, _ = received.split(b" ", 2)
        if method == b"CONNECT":
            place, onward = target.decode(), b""
        else:
            place, _, path = target.decode().removeprefix("http://").partition("/")
            onward = received.replace(target, b"/" + path.encode(), 1)
        host, _, port = place.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(
            self.names.get(host, host), int(port)
        )
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        far_writer.write(onward)
        try:
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(2**16):
        writer.write(some)
        await writer.drain()
    writer.close()


# ---- a name server -----------------------------------------------------------------------

NXDOMAIN, SERVFAIL, REFUSED, SILENCE = "NXDOMAIN", "SERVFAIL", "REFUSED", "SILENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How the name server answers for one name.

    Attributes:
        a, aaaa: Addresses, or one of NXDOMAIN, SERVFAIL, REFUSED and SILENCE. An empty tuple:
            the name exists and has no such address.
        ttl: Seconds for which resolvers may keep the answer.
        delay: Seconds before the answer.
    """

    a: tuple[str, ...] | str = ()
    aaaa: tuple[str, ...] | str = ()
    ttl: int = 0
    delay: float = 0.0


@dataclass(slots=True)
class _Zone:
    answers: Sequence[Names]
    asked: Counter[str] = field(default_factory=Counter)


class NameServer(_Served, asyncio.DatagramProtocol):
    """A name server on 127.0.0.1, UDP, a free port; names it does not know are NXDOMAIN.

    ::

        with NameServer() as names:
            names.set("good.example", "127.0.0.2")
            names.set("turning.example", Names(a=("127.0.0.2",)), Names(a=("127.0.0.1",)))
            Fetcher(nameservers=(names.address,))

    Attributes:
        queries: (name, type) of every query, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[tuple[str, str]] = []
        self.port = 0
        self._zones: dict[str, _Zone] = {}
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> str:
        """Where it listens, as "ip:port"."""
        return f"127.0.0.1:{self.port}"

    def set(self, name: str, *answers: str | Names) -> None:
        """Script *name*: addresses, failures' names, or a `Names` for each look-up in turn."""
        if any(isinstance(answer, Names) for answer in answers):
            turns = [answer for answer in answers if isinstance(answer, Names)]
        elif answers and answers[0] in (NXDOMAIN, SERVFAIL, REFUSED, SILENCE):
            turns = [Names(a=str(answers[0]), aaaa=str(answers[0]))]
        else:
            texts = [str(answer) for answer in answers]
            turns = [
                Names(
                    a=tuple(text for text in texts if ":" not in text),
                    aaaa=tuple(text for text in texts if ":" in text),
                )
            ]
        self._zones[name.lower().rstrip(".")] = _Zone(turns)

    def asked(self, name: str, kind: str = "A") -> int:
        """How many queries of that type came for *name*."""
        return self.queries.count((name, kind))

    async def _open(self) -> None:
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    async def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        query = dnslib.DNSRecord.parse(data)
        name = str(query.q.qname).rstrip(".").lower()
        kind = dnslib.QTYPE[query.q.qtype]
        self.queries.append((name, kind))
        reply = query.reply()
        zone = self._zones.get(name)
        delay = 0.0
        found: tuple[str, ...] | str = NXDOMAIN
        if zone is not None:
            turn = zone.answers[min(zone.asked[kind], len(zone.answers) - 1)]
            zone.asked[kind] += 1
            delay = turn.delay
            found = {"A": turn.a, "AAAA": turn.aaaa}.get(kind, ())
            for address in () if isinstance(found, str) else found:
                rdata = dnslib.A(address) if kind == "A" else dnslib.AAAA(address)
                reply.add_answer(dnslib.RR(query.q.qname, query.q.qtype, rdata=rdata, ttl=turn.ttl))
        if found == SILENCE:
            return
        if isinstance(found, str):
            reply.header.rcode = getattr(dnslib.RCODE, found)
        self._loop.call_later(delay, self._send, reply.pack(), addr)

    def _send(self, packet: bytes, addr: tuple[str | Any, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(packet, addr)
