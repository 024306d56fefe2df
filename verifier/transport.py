"""Speaks HTTP/1.1 to vetted addresses: httpx's requests and responses on aiohttp's engine.

Part of the edge whose door is `verifier.fetch`; nothing else imports it.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import re
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiodns
import aiohttp
import httpx
import pycares
import yarl
from aiohttp import http_exceptions
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from verifier.records import Failure

_NAMES_KEPT = 300.0  # seconds for which a name's addresses are kept: about one round
_MOST_NAMES = 20_000
_MOST_ADDRESSES = 6  # of one name that are tried; all are vetted
_MOST_HEADERS = 500
_MOST_PLACES = 4096


class Failed(httpx.TransportError):
    """No response came; ``failure`` names the reason, the text is for people."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


# ---- names -------------------------------------------------------------------------------


class Resolver(AbstractResolver):
    """Names to vetted addresses: one query a name, however many ask, kept for one round.

    Names are looked up as they stand: the system's search domains would turn a dead name into
    somebody else's live one.

    Args:
        nameservers: Instead of the system's, as "ip" or "ip:port".
        guard: Why an address may not be asked, or "".
        seconds: For an answer.
    """

    def __init__(
        self, nameservers: tuple[str, ...], guard: Callable[[str], str], seconds: float
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ares = aiodns.DNSResolver(
            nameservers=nameservers or None,
            timeout=seconds / 4,  # the second try waits twice as long
            tries=2,
            flags=pycares.ARES_FLAG_NOSEARCH | pycares.ARES_FLAG_EDNS,
        )
        self._guard = guard
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[float, tuple[str, ...]]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of *host*: at least one, and none of them forbidden.

        Raises:
            Failed: The name has no address, or a forbidden one; or nobody could say.
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
            raise Failed(Failure.RESOLVER_FAILED, f"no answer about {host} in time") from error
        except aiodns.error.DNSError as error:
            failure = _DNS_FAILURES.get(error.args[0], Failure.RESOLVER_FAILED)
            raise Failed(failure, f"{host}: {error.args[-1]}") from error
        # Not a set, which would lose the order of preference.
        found = tuple(dict.fromkeys(node.addr[0].decode("ascii") for node in answer.nodes))
        if not found:
            raise Failed(Failure.NAME_NOT_FOUND, f"{host} has no address")
        for ip in found:
            if why := self._guard(ip):
                raise Failed(Failure.FORBIDDEN_ADDRESS, f"{host} is {ip}: {why}")
        return found[:_MOST_ADDRESSES]

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """What aiohttp's connector asks."""
        return [
            ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=0)
            for ip in await self.addresses(host)
        ]

    async def close(self) -> None:
        """Stop asking."""
        asking = tuple(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._ares.close()


_DNS_FAILURES = {
    aiodns.error.ARES_ENOTFOUND: Failure.NAME_NOT_FOUND,
    aiodns.error.ARES_ENODATA: Failure.NAME_NOT_FOUND,
    aiodns.error.ARES_EBADNAME: Failure.NAME_NOT_FOUND,
}


# ---- the engine --------------------------------------------------------------------------


class Transport(httpx.AsyncBaseTransport):
    """httpx's requests and responses over aiohttp's connections and response parser.

    httpx's own pool is quadratic in the number of connections; aiohttp's session re-quotes
    addresses, adds headers and repeats requests. Between the two, the connector and the parser
    are asked directly: the head that is recorded is the very bytes that are written.

    Request extensions: ``target`` (as in httpcore: what stands in the request line, ASCII) and
    ``deadline`` (of the event loop's clock). Response extensions: ``http_version``,
    ``reason_phrase``, ``request_head`` and ``peer`` ("" behind a proxy).

    Args:
        proxy: Asked for everything when given, as "http://user:password@host:port".
        connect: Seconds for a connection, TLS included.
        head: Bytes of a response's headers together.
        idle: Connections kept open for the next page of their host, a file descriptor each.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        proxy: str,
        tls: ssl.SSLContext,
        connect: float,
        head: int,
        idle: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._resolver = resolver
        self._proxy = yarl.URL(proxy) if proxy else None
        self._credentials = _credentials(self._proxy)
        self._connect_seconds = connect
        self._most_head = head
        self._most_idle = idle
        self._connector = _Connector(resolver=resolver, use_dns_cache=False, ssl=tls, limit=0)
        self._idle: OrderedDict[Any, None] = OrderedDict()  # the longest idle first
        self._place = lru_cache(maxsize=_MOST_PLACES)(self._make_place)

    async def aclose(self) -> None:
        """Hang up everywhere and stop asking for names."""
        await self._connector.close()
        await self._resolver.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response's head; its body comes as it is iterated.

        Raises:
            Failed: None came.
        """
        place = self._place(str(request.url))
        target: bytes = request.extensions["target"]
        secret = b""
        if self._proxy is not None and not place.key.is_ssl():
            target = str(request.url).removesuffix("/").encode("ascii") + target
            secret = self._credentials
        lines = [name + b": " + value for name, value in request.headers.raw]
        head = b"\r\n".join((b"GET " + target + b" HTTP/1.1", *lines, b"", b""))
        while True:
            connection, reused = await self._connect(place, request.extensions["deadline"])
            try:
                return await self._exchange(request, connection, head, secret)
            except Failed as error:
                # The host may have ended a kept connection while we wrote: RFC 9112, 9.3.1.
                if not (reused and error.failure is Failure.DISCONNECTED):
                    raise

    def _make_place(self, origin: str) -> _Place:
        key = aiohttp.ClientRequest(
            "GET", yarl.URL(origin, encoded=True), loop=self._loop, proxy=self._proxy
        )
        literal = ":" in key.host or key.host.rpartition(".")[2].isdigit()
        return _Place(key=key, name="" if literal or self._proxy else key.host)

    async def _connect(self, place: _Place, deadline: float) -> tuple[Connection, bool]:
        """A connection to a vetted address, and whether it has served before."""
        if self._loop.time() >= deadline:
            raise Failed(Failure.DEADLINE, "no time left to ask")
        if place.name:
            # Before the connection's own time begins; the connector then gets what is known.
            await self._look_up(place.name, deadline)
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + self._connect_seconds)):
                while True:
                    connection = await self._connector.connect(place.key, [], _UNTIMED)
                    protocol = connection.protocol
                    reused = self._idle.pop(protocol, _NEVER) is None
                    if not reused:
                        if protocol is not None and (closed := protocol.closed) is not None:
                            closed.add_done_callback(_taken_note_of)
                        return connection, False
                    if protocol is not None and not protocol.should_close:
                        return connection, True
                    _hang_up(connection)  # something came on it that nobody had asked for
        except TimeoutError as error:
            detail = f"no connection to {place.key.host} in time"
            raise Failed(Failure.CONNECTION_TIMEOUT, detail) from error
        except Failed:
            raise
        except Exception as error:
            raise failed(error) from error

    async def _look_up(self, name: str, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._resolver.addresses(name)
        except TimeoutError as error:
            raise Failed(Failure.RESOLVER_FAILED, f"no answer about {name} in time") from error

    async def _exchange(
        self, request: httpx.Request, connection: Connection, head: bytes, secret: bytes
    ) -> httpx.Response:
        """Write the request, read the response's head; *secret* is sent and not recorded."""
        try:
            async with asyncio.timeout_at(request.extensions["deadline"]):
                peer = self._write(connection, head[:-2] + secret + head[-2:])
                message, payload = await self._read_head(connection)
        except TimeoutError as error:
            _hang_up(connection)
            raise Failed(Failure.DEADLINE, "no response in time") from error
        except Exception as error:
            _hang_up(connection)
            raise failed(error) from error
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

    def _write(self, connection: Connection, head: bytes) -> str:
        """Send *head*; returns the address that it goes to."""
        wire, protocol = connection.transport, connection.protocol
        if wire is None or protocol is None:
            raise Failed(Failure.DISCONNECTED, "the server hung up before it was asked")
        protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=self._most_head,
            max_field_size=self._most_head,
            max_headers=_MOST_HEADERS,
        )
        wire.write(head)
        if self._proxy is not None:
            return ""
        peer = wire.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    async def _read_head(
        self, connection: Connection
    ) -> tuple[aiohttp.http.RawResponseMessage, aiohttp.StreamReader]:
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 - `_write` has seen it
        message, payload = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:  # 101 ends HTTP on this line
            message, payload = await protocol.read()
        size = sum(len(name) + len(value) + 4 for name, value in message.raw_headers)
        if size > self._most_head:
            raise Failed(Failure.BAD_REPLY, f"{size} bytes of headers")
        return message, payload

    def give_back(self, connection: Connection) -> None:
        """Keep *connection* for its host's next page, unless it can serve no more."""
        protocol = connection.protocol
        if protocol is None or protocol.should_close or self._most_idle < 1:
            _hang_up(connection)
            return
        connection.release()
        self._idle[protocol] = None
        if len(self._idle) > self._most_idle:
            self._idle.popitem(last=False)[0].close()


class _Connector(aiohttp.TCPConnector):
    """aiohttp's connector, for which a host that refused has refused.

    Left alone, it asks a host's addresses all at once, then all but the first again, and so on,
    and reports the last of these failures as the only one.
    """

    async def _wrap_create_connection(self, *args: Any, **how: Any) -> Any:
        try:
            return await super()._wrap_create_connection(*args, **how)
        except aiohttp.ClientSSLError:
            raise  # one of several machines may lack the certificate that the next one has
        except aiohttp.ClientConnectorError as error:
            raise failed(error) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What aiohttp's connector wants to know of a host, and the name to look up, if any."""

    key: aiohttp.ClientRequest  # never sent
    name: str


class _Body(httpx.AsyncByteStream):
    """A response's body as it comes, without transfer-coding."""

    def __init__(
        self, transport: Transport, connection: Connection, payload: aiohttp.StreamReader
    ) -> None:
        self._transport = transport
        self._connection: Connection | None = connection
        self._payload = payload
        # aiohttp's parser can stumble without a word to who reads the body: `_lost` has it.
        protocol = connection.protocol
        self._closed = None if protocol is None else protocol.closed
        if self._closed is not None:
            self._closed.add_done_callback(self._lost)

    def _lost(self, _closed: asyncio.Future[None]) -> None:
        if not self._payload.is_eof() and self._payload.exception() is None:
            self._payload.set_exception(aiohttp.ClientPayloadError("the body makes no sense"))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Raises `Failed` where the body breaks off, after all that came before."""
        try:
            chunk = await self._payload.readany()
        except Exception as error:
            raise failed(error) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._closed is not None:
            self._closed.remove_done_callback(self._lost)
        if self._payload.at_eof() and self._payload.exception() is None:
            self._transport.give_back(connection)
        else:
            _hang_up(connection)


def _taken_note_of(closed: asyncio.Future[None]) -> None:
    """A connection's end is told to whoever uses it; asyncio need not complain of it as well."""
    if not closed.cancelled():
        closed.exception()


def _hang_up(connection: Connection) -> None:
    """End *connection* at once: a polite TLS goodbye can take half a minute."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


def _credentials(proxy: yarl.URL | None) -> bytes:
    """For a proxy that is asked directly, and no part of any record.

    The proxy at the entrance of a tunnel gets them from aiohttp.
    """
    if proxy is None or not proxy.user:
        return b""
    pair = f"{proxy.user}:{proxy.password or ''}".encode()
    return b"Proxy-Authorization: Basic " + base64.b64encode(pair) + b"\r\n"


_UNTIMED = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_NEVER = object()


# ---- what went wrong ---------------------------------------------------------------------

_OURS = frozenset(
    getattr(errno, name)
    for name in (
        "ENETUNREACH EHOSTUNREACH ENETDOWN EADDRNOTAVAIL EAFNOSUPPORT EACCES EPERM EMFILE "
        "ENFILE ENOBUFS"
    ).split()
)
_NUMBERS = re.compile(r"\[Errno (\d+)\]")
_EXPIRED = frozenset((9, 10))  # X509_V_ERR_CERT_NOT_YET_VALID, _HAS_EXPIRED
_WRONG_HOST = frozenset((62, 63, 64))  # X509_V_ERR_HOSTNAME_, EMAIL_, IP_ADDRESS_MISMATCH


def failed(error: Exception) -> Failed:
    """The failure that *error*, raised by aiohttp, ssl or a socket, stands for."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return Failed(Failure.NETWORK_DOWN, f"the proxy cannot be reached: {error.os_error}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        # 5xx: it could not reach the host, or would not; it does not say which.
        failure = Failure.UNEXPECTED if error.status >= 500 else Failure.NETWORK_DOWN
        return Failed(failure, f"the proxy answered {error.status} {error.message}")
    if isinstance(error, http_exceptions.HttpProcessingError | aiohttp.ClientResponseError):
        return Failed(Failure.BAD_REPLY, error.message or type(error).__name__)
    causes = _innermost_first(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return Failed(_tls_failure(cause), str(cause))
    for cause in causes:
        if isinstance(cause, aiohttp.ServerDisconnectedError):
            return Failed(Failure.DISCONNECTED, "the server hung up before a whole response")
        if isinstance(cause, OSError) and (named := _socket_failure(cause)) is not None:
            return Failed(named, str(cause) or type(cause).__name__)
    return Failed(Failure.UNEXPECTED, f"{type(error).__name__}: {error}")


def _innermost_first(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and len(chain) < 9:
        chain.append(cause)
    return chain[::-1]


def _tls_failure(error: ssl.SSLError) -> Failure:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return Failure.TLS_FAILED
    code = getattr(error, "verify_code", None)
    if code in _EXPIRED:
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
