"""Fetches a web page as a browser's first request would, and records what went and what came."""

from __future__ import annotations

import asyncio
import base64
import errno
import re
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Self

import aiodns
import aiohttp
import httpx
import pycares
import yarl
from aiohttp import http_exceptions
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from verifier import coding
from verifier.addresses import Address, NumericHost, forbidden, in_no_proxy, join, parse
from verifier.records import Failure, Fetched, Hop, NoReply, Reply, Truncated

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ACCEPT_LANGUAGE = "en,*;q=0.5"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LONGEST_PAUSE = timedelta(days=30)
_NAMES_KEPT = 300.0  # seconds for which a name's addresses are kept: about one round
_MOST_NAMES = 20_000
_MOST_HEADERS = 500
_MOST_ADDRESSES = 6  # of one name that are tried; all are vetted
_DETAIL = 200
_THREAD_ABOVE = 1_000_000  # bytes of coded body whose decoding would hold up the other fetches


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one fetch may cost. Times are seconds, sizes bytes.

    Attributes:
        deadline: For the page, all redirects included.
        hop: For one request and its reply.
        lookup: For the name server's answer.
        connect: For a connection, TLS included.
        wire: Of a body as it comes; what is beyond is not read.
        content: Of a body after content-decoding.
        redirects: Followed at most.
        redirect_body, redirect_seconds: Of a redirect's own body, which nobody needs.
        head: Of a response's status line and headers together.
        idle: Connections kept open for the next page of their host.
    """

    deadline: float = 60.0
    hop: float = 40.0
    lookup: float = 8.0
    connect: float = 10.0
    wire: int = 32 * 2**20
    content: int = 64 * 2**20
    redirects: int = 10
    redirect_body: int = 2**20
    redirect_seconds: float = 5.0
    head: int = 256 * 2**10
    idle: int = 200


class Fetcher:
    """Asks for pages, one chain of redirects a call. An async context manager.

    Only GET, no cookies, no referrer, no credentials: a ``user:password@`` in a URL is not sent.
    No retries either; whoever schedules the fetches knows when to ask again.

    **The guard.** A host is asked only at public addresses (`addresses.forbidden`). A name of
    which any address is forbidden is refused as a whole: an honest name has no private half.
    The addresses that were vetted are those connected to, without a second look-up. Behind a
    proxy, names are resolved there and only literal addresses can be vetted here.

    Args:
        user_agent: The ``User-Agent`` field.
        allow_private: Switches the guard off.
        exempt: IP addresses that the guard lets pass all the same.
        nameservers: Instead of the system's, as "ip" or "ip:port".
        proxies: Proxy URL by the scheme of the page ("http", "https"); none: asked directly.
        no_proxy: The parts of ``NO_PROXY``; see `addresses.in_no_proxy`.
        ca_file: PEM file of the authorities to trust instead of certifi's.

    Raises:
        ValueError: A setting is unusable: the message says which.
        OSError: *ca_file* cannot be read.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        limits: Limits = Limits(),
        allow_private: bool = False,
        exempt: Collection[str] = (),
        nameservers: tuple[str, ...] = (),
        proxies: Mapping[str, str] | None = None,
        no_proxy: tuple[str, ...] = (),
        ca_file: str | None = None,
    ) -> None:
        if not (user_agent.isascii() and user_agent.isprintable() and user_agent.strip()):
            raise ValueError(f"user_agent cannot stand in a header: {user_agent!r}")
        self._limits = limits
        self._allow_private = allow_private
        self._exempt = frozenset(exempt)
        self._nameservers = nameservers
        self._no_proxy = no_proxy
        self._proxies = {scheme: _proxy_url(url) for scheme, url in (proxies or {}).items() if url}
        self._tls = _tls_context(ca_file)
        self._headers = [
            (b"User-Agent", user_agent.encode("ascii")),
            (b"Accept", ACCEPT.encode("ascii")),
            (b"Accept-Language", ACCEPT_LANGUAGE.encode("ascii")),
            (b"Accept-Encoding", b"gzip"),
        ]
        self._transports: dict[yarl.URL | None, _Transport] = {}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for proxy in {None, *self._proxies.values()}:
            guard = self._refusal if proxy is None else _let_pass
            resolver = _Resolver(self._nameservers, guard, self._limits.lookup)
            self._transports[proxy] = _Transport(resolver, proxy, self._tls, self._limits)
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()
        await asyncio.sleep(0)  # aborted connections are closed in the loop's next turn

    async def get(self, url: str) -> Fetched:
        """What *url* answers, redirects followed, or why nothing did.

        Raises nothing for what the URL, the network or a server does; cancellation passes.
        """
        started = _Started(at=self._loop.time(), when=datetime.now(UTC))
        hops: list[Hop] = []
        try:
            return await self._chain(url, hops, started)
        except Exception as error:  # noqa: BLE001 - one bad row never ends a round
            return self._no_reply(url, Failure.UNEXPECTED, _words(error), hops, started)

    async def _chain(self, url: str, hops: list[Hop], started: _Started) -> Fetched:
        if not url.strip():
            return self._no_reply(url, Failure.NO_ADDRESS, "no address", hops, started)
        deadline = started.at + self._limits.deadline
        while True:
            try:
                address = parse(url, _ascii_host)
                if address.ip is not None and (name := self._refusal(str(address.ip))):
                    raise _Failed(Failure.FORBIDDEN_ADDRESS, f"{address.ip} is {name}")
                hop = await self._hop(address, deadline)
            except NumericHost as error:
                return self._no_reply(url, Failure.FORBIDDEN_ADDRESS, str(error), hops, started)
            except ValueError as error:
                failure = Failure.BAD_REDIRECT if hops else Failure.NOT_A_WEB_ADDRESS
                return self._no_reply(url, failure, _words(error), hops, started)
            except _Failed as error:
                return self._no_reply(address.url, error.failure, str(error), hops, started)
            hops.append(hop)
            location = _location(hop)
            if not location:
                return await self._reply(hops)
            url = join(address, location)
            if len(hops) > self._limits.redirects:
                detail = f"more than {self._limits.redirects} redirects"
                return self._no_reply(url, Failure.TOO_MANY_REDIRECTS, detail, hops, started)

    async def _hop(self, address: Address, deadline: float) -> Hop:
        """One request and what came of it.

        Raises:
            _Failed: No head of a response came.
        """
        began, when = self._loop.time(), datetime.now(UTC)
        deadline = min(deadline, began + self._limits.hop)
        proxy = self._proxies.get(address.scheme)
        if proxy is not None and in_no_proxy(address, self._no_proxy):
            proxy = None
        request = httpx.Request(
            "GET",
            _origin(address.origin),
            headers=self._headers,
            extensions={"target": address.target, "deadline": deadline},
        )
        response = await self._transports[proxy].handle_async_request(request)
        limit = self._limits.wire
        if response.status_code in _REDIRECTS and "Location" in response.headers:
            limit = self._limits.redirect_body
            deadline = min(deadline, self._loop.time() + self._limits.redirect_seconds)
        body, truncated = await _read(response, limit, deadline)
        return Hop(
            url=address.url,
            requested_at=when,
            request=response.extensions["request_head"],
            peer=response.extensions["peer"],
            version=response.extensions["http_version"].decode("ascii"),
            status=response.status_code,
            reason=response.extensions["reason_phrase"],
            headers=tuple(response.headers.raw),
            body=body,
            truncated=truncated,
            elapsed=self._loop.time() - began,
        )

    async def _reply(self, hops: list[Hop]) -> Reply:
        last = hops[-1]
        codings = b",".join(v for k, v in last.headers if k.lower() == b"content-encoding")
        undo = coding.decode
        field, limit = codings.decode("latin-1"), self._limits.content
        if codings and len(last.body) > _THREAD_ABOVE:
            decoded = await asyncio.to_thread(undo, last.body, field, limit=limit)
        else:
            decoded = undo(last.body, field, limit=limit)
        problem = decoded.problem
        if problem == "broken-encoding" and last.truncated is not None:
            problem = ""  # a cut body ends early by nature; ``truncated`` says so already
        return Reply(
            hops=tuple(hops),
            content=decoded.content,
            undecoded=problem,
            retry_after=retry_after(last.header("Retry-After"), datetime.now(UTC)),
        )

    def _no_reply(
        self, url: str, failure: Failure, detail: str, hops: list[Hop], started: _Started
    ) -> NoReply:
        return NoReply(
            url=url,
            failure=failure,
            detail=_one_line(detail),
            hops=tuple(hops),
            requested_at=started.when,
            elapsed=self._loop.time() - started.at,
        )

    def _refusal(self, ip: str) -> str:
        """Why *ip* may not be asked, or ""."""
        return "" if self._allow_private or ip in self._exempt else forbidden(ip)


def retry_after(field: str, now: datetime) -> datetime | None:
    """When a server wants to be asked again; None when it does not say, or says nonsense.

    Never before *now*, and never more than 30 days later.

    Args:
        field: A ``Retry-After`` field: whole seconds, or an HTTP-date.

    Source: RFC 9110, section 10.2.3.
    """
    field = field.strip()
    digits = field.removeprefix("-")
    try:
        if digits.isascii() and digits.isdigit():
            pause = timedelta(seconds=min(int(field[:12]), int(_LONGEST_PAUSE.total_seconds())))
        else:
            until = parsedate_to_datetime(field)
            pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, TypeError):
        return None
    return now + min(max(pause, timedelta(0)), _LONGEST_PAUSE)


# ---- small parts -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    at: float
    when: datetime


def _let_pass(_ip: str) -> str:
    return ""


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    """One context for all connections: making one takes 20 ms."""
    if ca_file is None:
        context = httpx.create_ssl_context(trust_env=False)
    else:
        context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _proxy_url(text: str) -> yarl.URL:
    url = yarl.URL(text if "://" in text else f"http://{text}")
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"not the address of an HTTP proxy: {text!r}")
    return url


@lru_cache(maxsize=4096)
def _origin(origin: str) -> httpx.URL:
    return httpx.URL(origin + "/")


def _ascii_host(host: str) -> str:
    """*host* as IDNA 2008 writes it, or as IDNA 2003 does where the newer one has no word for it.

    Raises:
        ValueError: Neither can.
    """
    try:
        return httpx.URL(scheme="http", host=host).raw_host.decode("ascii")
    except httpx.InvalidURL:
        return host.encode("idna").decode("ascii").lower()


def _location(hop: Hop) -> str:
    """Where a redirect leads, bytes that are no UTF-8 as lone surrogates; "" when nowhere."""
    if hop.status not in _REDIRECTS:
        return ""
    for name, value in hop.headers:
        if name.lower() == b"location":
            return value.decode("utf-8", "surrogateescape").strip()
    return ""


async def _read(
    response: httpx.Response, limit: int, deadline: float
) -> tuple[bytes, Truncated | None]:
    """The body as it comes, and why it is not the whole."""
    parts: list[bytes] = []
    room = limit
    truncated = None
    try:
        async with asyncio.timeout_at(deadline), aclosing(response.aiter_raw()) as chunks:
            async for chunk in chunks:
                parts.append(chunk[:room])
                room -= len(chunk)
                if room < 0:
                    truncated = Truncated.LENGTH
                    break
    except TimeoutError:
        truncated = Truncated.TIME
    except _Failed:
        truncated = Truncated.DISCONNECT
    finally:
        await response.aclose()
    return b"".join(parts), truncated


def _one_line(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(line.split())[:_DETAIL]


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


# ---- names -------------------------------------------------------------------------------


class _Resolver(AbstractResolver):
    """Names to vetted addresses: one query a name, however many ask, kept for one round.

    Names are looked up as they stand: the system's search domains would turn a dead name into
    somebody else's live one.
    """

    def __init__(
        self, nameservers: tuple[str, ...], guard: Callable[[str], str], seconds: float
    ) -> None:
        self._ares = aiodns.DNSResolver(
            nameservers=nameservers or None,
            timeout=2.0,
            tries=2,
            flags=pycares.ARES_FLAG_NOSEARCH | pycares.ARES_FLAG_EDNS,
        )
        self._guard = guard
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}
        self._loop = asyncio.get_running_loop()

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of *host*, none of them forbidden, at least one.

        Raises:
            _Failed: The name has no address, or a forbidden one; or nobody could say.
        """
        if (known := self._known.get(host)) is not None and known[0] > self._loop.time():
            return known[1]
        if (task := self._asking.get(host)) is None:
            task = self._asking[host] = self._loop.create_task(self._ask(host))
            task.add_done_callback(lambda done: self._answered(host, done))
        return await asyncio.shield(task)  # others may be waiting for the same answer

    def _answered(self, host: str, task: asyncio.Task[tuple[str, ...]]) -> None:
        del self._asking[host]
        if task.cancelled() or task.exception() is not None:
            return  # a failure is not kept: asking again later is how it is found to have passed
        self._known[host] = (self._loop.time() + _NAMES_KEPT, task.result())
        self._known.move_to_end(host)
        if len(self._known) > _MOST_NAMES:
            self._known.popitem(last=False)

    async def _ask(self, host: str) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._ares.getaddrinfo(host)
        except TimeoutError as error:
            raise _Failed(Failure.RESOLVER_FAILED, f"no answer about {host} in time") from error
        except aiodns.error.DNSError as error:
            failure = _DNS_FAILURES.get(error.args[0], Failure.RESOLVER_FAILED)
            raise _Failed(failure, f"{host}: {error.args[-1]}") from error
        # A set would lose the order of preference.
        found = tuple(dict.fromkeys(node.addr[0].decode("ascii") for node in answer.nodes))
        if not found:
            raise _Failed(Failure.NAME_NOT_FOUND, f"{host} has no address")
        for ip in found:
            if name := self._guard(ip):
                raise _Failed(Failure.FORBIDDEN_ADDRESS, f"{host} is {ip}, {name}")
        return found[:_MOST_ADDRESSES]

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """What aiohttp's connector asks."""
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0)
            for ip in await self.addresses(host)
        ]

    async def close(self) -> None:
        for task in tuple(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        await self._ares.close()


_DNS_FAILURES = {
    aiodns.error.ARES_ENOTFOUND: Failure.NAME_NOT_FOUND,
    aiodns.error.ARES_ENODATA: Failure.NAME_NOT_FOUND,
    aiodns.error.ARES_EBADNAME: Failure.NAME_NOT_FOUND,
}


# ---- the engine --------------------------------------------------------------------------


class _Transport(httpx.AsyncBaseTransport):
    """httpx's requests and responses over aiohttp's connections and response parser.

    httpx's own pool is quadratic in the number of connections; aiohttp's session re-quotes
    addresses, adds headers and repeats requests. Between the two, the connector and the parser
    are asked directly: the head that is recorded is the very bytes that are written.

    Request extensions: ``target`` (as httpcore has it: what stands in the request line) and
    ``deadline`` (of the event loop's clock). Response extensions: ``http_version``,
    ``reason_phrase``, ``request_head`` and ``peer``.
    """

    def __init__(
        self, resolver: _Resolver, proxy: yarl.URL | None, tls: ssl.SSLContext, limits: Limits
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._resolver = resolver
        self._proxy = proxy
        self._limits = limits
        self._connector = aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, ssl=tls, limit=0
        )
        # Idle connections, the longest idle first: a file descriptor each, so not too many.
        self._idle: OrderedDict[Any, None] = OrderedDict()
        self._place = lru_cache(maxsize=4096)(self._make_place)
        # For the proxy only, so no part of the record; a tunnel's proxy gets them from aiohttp.
        self._credentials = _credentials(proxy)

    async def aclose(self) -> None:
        await self._connector.close()
        await self._resolver.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response's head; its body comes as it is iterated.

        Raises:
            _Failed: None came.
        """
        place = self._place(request.url)
        head = self._head(request, place)
        while True:
            connection, reused = await self._connect(place, request.extensions["deadline"])
            try:
                return await self._exchange(request, connection, head)
            except _Failed as error:
                # The host may have ended a kept connection while we wrote: RFC 9112, 9.3.1.
                if not (reused and error.failure is Failure.DISCONNECTED):
                    raise

    def _make_place(self, url: httpx.URL) -> _Place:
        key = aiohttp.ClientRequest(
            "GET", yarl.URL(str(url), encoded=True), loop=self._loop, proxy=self._proxy
        )
        literal = ":" in key.host or key.host.rpartition(".")[2].isdigit()
        return _Place(key=key, name="" if literal or self._proxy else key.host)

    def _head(self, request: httpx.Request, place: _Place) -> bytes:
        target: bytes = request.extensions["target"]
        if self._proxy is not None and not place.key.is_ssl():
            target = str(request.url).removesuffix("/").encode("ascii") + target
        lines = [name + b": " + value for name, value in request.headers.raw]
        return b"\r\n".join((b"GET " + target + b" HTTP/1.1", *lines, b"", b""))

    async def _connect(self, place: _Place, deadline: float) -> tuple[Connection, bool]:
        """A connection to a vetted address, and whether it has served before."""
        if self._loop.time() >= deadline:
            raise _Failed(Failure.DEADLINE, "no time left to ask")
        try:
            if place.name:
                # Before the connection's own time begins; the connector then gets what is known.
                await self._resolver.addresses(place.name)
            until = min(deadline, self._loop.time() + self._limits.connect)
            async with asyncio.timeout_at(until):
                while True:
                    connection = await self._connector.connect(place.key, [], _UNTIMED)
                    protocol = connection.protocol
                    reused = self._idle.pop(protocol, _NEVER) is None
                    if protocol is not None and not protocol.should_close:
                        return connection, reused
                    _hang_up(connection)  # something came on it that nobody asked for
        except _Failed:
            raise
        except TimeoutError as error:
            detail = f"no connection to {place.key.host} in time"
            raise _Failed(Failure.CONNECTION_TIMEOUT, detail) from error
        except Exception as error:
            raise _failed(error) from error

    async def _exchange(
        self, request: httpx.Request, connection: Connection, head: bytes
    ) -> httpx.Response:
        """Write the request, read the response's head."""
        protocol, wire = connection.protocol, connection.transport
        try:
            if protocol is None or wire is None:
                raise _Failed(Failure.DISCONNECTED, "the connection ended before it was used")
            peer = "" if self._proxy else str((wire.get_extra_info("peername") or ("",))[0])
            most = self._limits.head
            protocol.set_response_params(
                read_until_eof=True,
                auto_decompress=False,
                max_line_size=most,
                max_field_size=most,
                max_headers=_MOST_HEADERS,
            )
            sent = head
            if self._credentials and wire.get_extra_info("sslcontext") is None:
                sent = head[:-2] + self._credentials + head[-2:]
            async with asyncio.timeout_at(request.extensions["deadline"]):
                wire.write(sent)
                message, payload = await protocol.read()
                while 100 <= message.code < 200 and message.code != 101:
                    message, payload = await protocol.read()
            if sum(len(name) + len(value) + 4 for name, value in message.raw_headers) > most:
                raise _Failed(Failure.BAD_REPLY, f"more than {most} bytes of headers")
        except TimeoutError as error:
            _hang_up(connection)
            raise _Failed(Failure.DEADLINE, "no response in time") from error
        except Exception as error:
            _hang_up(connection)
            raise _failed(error) from error
        except BaseException:  # cancelled: nobody will read what comes
            _hang_up(connection)
            raise
        return httpx.Response(
            message.code,
            headers=message.raw_headers,
            stream=_Body(self, connection, payload),
            request=request,
            extensions={
                "http_version": b"HTTP/%d.%d" % message.version,
                "reason_phrase": message.reason.encode("utf-8", "surrogateescape"),
                "request_head": head,
                "peer": peer,
            },
        )

    def give_back(self, connection: Connection) -> None:
        """Keep *connection* for its host's next page, unless it can serve no more."""
        protocol = connection.protocol
        if protocol is None or protocol.should_close:
            _hang_up(connection)
            return
        connection.release()
        self._idle[protocol] = None
        if len(self._idle) > self._limits.idle:
            self._idle.popitem(last=False)[0].close()


def _credentials(proxy: yarl.URL | None) -> bytes:
    if proxy is None or not proxy.user:
        return b""
    pair = f"{proxy.user}:{proxy.password or ''}".encode()
    return b"Proxy-Authorization: Basic " + base64.b64encode(pair) + b"\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What aiohttp's connector wants to know of a host, and the name to look up, if any."""

    key: aiohttp.ClientRequest  # never sent
    name: str


class _Body(httpx.AsyncByteStream):
    """A response's body as it comes, without transfer-coding."""

    def __init__(
        self, transport: _Transport, connection: Connection, payload: aiohttp.StreamReader
    ) -> None:
        self._transport = transport
        self._connection: Connection | None = connection
        self._payload = payload

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await self._payload.readany():
                yield chunk
        except Exception as error:
            # A fault hides what came before it in the same packet; only this holds it.
            yield b"".join(self._payload._buffer)
            raise _failed(error) from error

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._payload.at_eof() and self._payload.exception() is None:
            self._transport.give_back(connection)
        else:
            _hang_up(connection)


def _hang_up(connection: Connection) -> None:
    """End *connection* at once: a polite TLS goodbye can take half a minute."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


_UNTIMED = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_NEVER = object()


# ---- what went wrong ---------------------------------------------------------------------


class _Failed(httpx.TransportError):
    """No response came; ``failure`` names the reason, the text is for people."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


_OURS = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EACCES,
        errno.EPERM,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
    }
)
_NUMBERS = re.compile(r"\[Errno (\d+)\]")
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_WRONG_HOST = frozenset({62, 63, 64})  # X509_V_ERR_HOSTNAME_, EMAIL_ and IP_ADDRESS_MISMATCH


def _failed(error: Exception) -> _Failed:
    """The failure that *error*, from aiohttp, ssl or a socket, stands for."""
    if isinstance(error, _Failed):
        return error
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return _Failed(Failure.NETWORK_DOWN, f"the proxy cannot be reached: {error.os_error}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        # 5xx: it could not reach the host, or would not; it does not say which.
        failure = Failure.UNEXPECTED if error.status >= 500 else Failure.NETWORK_DOWN
        return _Failed(failure, f"the proxy answered {error.status} {error.message}")
    if isinstance(error, http_exceptions.HttpProcessingError | aiohttp.ClientResponseError):
        return _Failed(Failure.BAD_REPLY, error.message or _words(error))
    causes = _innermost_first(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _Failed(_tls_failure(cause), str(cause))
    for cause in causes:
        if isinstance(cause, aiohttp.ServerDisconnectedError):
            return _Failed(Failure.DISCONNECTED, "the server hung up before a whole response")
        if isinstance(cause, OSError) and (named := _socket_failure(cause)) is not None:
            return _Failed(named, str(cause) or type(cause).__name__)
    return _Failed(Failure.UNEXPECTED, _words(error))


def _innermost_first(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and len(chain) < 9:
        chain.append(cause)
    return chain[::-1]


def _tls_failure(error: ssl.SSLError) -> Failure:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Failure.TLS_FAILED
    code = getattr(error, "verify_code", None)
    if code == _EXPIRED:
        return Failure.TLS_EXPIRED
    return Failure.TLS_WRONG_HOST if code in _WRONG_HOST else Failure.TLS_UNTRUSTED


def _socket_failure(error: OSError) -> Failure | None:
    # Where several addresses failed in different ways, only the text has the numbers.
    numbers = {error.errno} if error.errno else set(map(int, _NUMBERS.findall(str(error))))
    if errno.ECONNREFUSED in numbers:
        return Failure.CONNECTION_REFUSED
    if errno.ETIMEDOUT in numbers:
        return Failure.CONNECTION_TIMEOUT
    if numbers and numbers <= _OURS:
        return Failure.NETWORK_DOWN
    if isinstance(error, ConnectionError) or errno.ECONNRESET in numbers:
        return Failure.DISCONNECTED
    return None
