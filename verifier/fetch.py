"""Fetches a web page as a browser's first request would, and records what went and what came."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Self, cast

import httpx

from verifier import coding, room
from verifier.addresses import Address, NumericHost, forbidden, in_no_proxy, join, parse
from verifier.records import Failure, Fetched, Hop, NoReply, Reply, Truncated
from verifier.room import GATES, LIGHT, Room
from verifier.transport import Failed, Resolver, Transport

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ACCEPT_LANGUAGE = "en,*;q=0.5"

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_LONGEST_PAUSE = timedelta(days=30)
_DETAIL = 200


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
        redirect_body, redirect_seconds: For a redirect's own body, which nobody waits for.
        head: Of a response's headers together.
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


def in_utc() -> datetime:
    """What time it is."""
    return datetime.now(UTC)


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
        ValueError: A setting is unusable; the message says which.
        OSError: *ca_file* cannot be read (``ssl.SSLError``: it holds no certificates).
    """

    def __init__(
        self,
        *,
        user_agent: str,
        limits: Limits | None = None,
        allow_private: bool = False,
        exempt: Collection[str] = (),
        nameservers: tuple[str, ...] = (),
        proxies: Mapping[str, str] | None = None,
        no_proxy: tuple[str, ...] = (),
        ca_file: str | None = None,
        clock: Callable[[], datetime] = in_utc,
    ) -> None:
        if not (user_agent.isascii() and user_agent.isprintable() and user_agent.strip()):
            raise ValueError(f"user_agent cannot stand in a header: {user_agent!r}")
        self._limits = limits or Limits()
        self._allow_private = allow_private
        self._exempt = frozenset(exempt)
        self._nameservers = nameservers
        self._no_proxy = no_proxy
        self._clock = clock
        self._proxies = {scheme: _proxy_url(url) for scheme, url in (proxies or {}).items() if url}
        self._tls = _tls_context(ca_file)
        self._careless = _unverifying_tls_context()
        self._headers = (
            (b"User-Agent", user_agent.encode("ascii")),
            (b"Accept", ACCEPT.encode("ascii")),
            (b"Accept-Language", ACCEPT_LANGUAGE.encode("ascii")),
            (b"Accept-Encoding", b"gzip"),
        )
        self._site = lru_cache(maxsize=4096)(self._make_site)
        self._transports: dict[tuple[str, bool], Transport] = {}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._room = Room()
        limits = self._limits
        for proxy in {"", *self._proxies.values()}:
            guard = _let_pass if proxy else self._refusal
            resolver = Resolver(self._nameservers, guard, limits.lookup)
            for verified in (True, False):
                self._transports[proxy, verified] = Transport(
                    resolver,
                    proxy=proxy,
                    tls=self._tls if verified else self._careless,
                    connect=limits.connect,
                    head=limits.head,
                    idle=limits.idle if verified else 0,
                )
        return self

    async def __aexit__(self, *_: object) -> None:
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()
        await asyncio.sleep(0)  # aborted connections are closed in the loop's next turn

    async def get(self, url: str, *, verified: bool = True) -> Fetched:
        """What *url* answers, redirects followed, or why nothing did.

        Raises nothing for what the URL, the network or a server does; cancellation passes.

        Args:
            verified: Whether a host must prove that it is who it says. Without that, anybody on
                the way may have sent what comes: it is for diagnosis only.
        """
        began, when = self._loop.time(), self._clock()
        hops: list[Hop] = []
        try:
            with room.turn():
                return await self._chain(url, hops, began + self._limits.deadline, verified)
        except _Stopped as stopped:
            url, failure, detail = stopped.url, stopped.failure, str(stopped)
        except Exception as error:  # noqa: BLE001 - one bad row never ends a round
            failure, detail = Failure.UNEXPECTED, f"{type(error).__name__}: {error}"
        return NoReply(
            url=url.encode("utf-8", "backslashreplace").decode("utf-8"),  # a Location's odd bytes
            failure=failure,
            detail=_one_line(detail),
            hops=tuple(hops),
            requested_at=when,
            elapsed=self._loop.time() - began,
        )

    async def _chain(self, url: str, hops: list[Hop], deadline: float, verified: bool) -> Reply:
        """Follow *url* to its end; *hops* gets every response on the way.

        Raises:
            _Stopped: There is no reply at the end.
        """
        while True:
            address = self._vetted(url, redirected=bool(hops))
            try:
                hops.append(await self._hop(address, deadline, verified))
            except Failed as error:
                raise _Stopped(address.url, error.failure, str(error)) from error
            location = _location(hops[-1].status, hops[-1].headers)
            if not location:
                return await self._reply(hops)
            url = join(address, location)
            if len(hops) > self._limits.redirects:
                detail = f"more than {self._limits.redirects} redirects"
                raise _Stopped(url, Failure.TOO_MANY_REDIRECTS, detail)

    def _vetted(self, url: str, *, redirected: bool) -> Address:
        """The parts of *url*, as far as they can be vetted before names are looked up.

        Raises:
            _Stopped: It must not or cannot be asked.
        """
        if not url.strip():
            raise _Stopped(url, Failure.NO_ADDRESS, "no address")
        try:
            address = parse(url, _ascii_host)
        except NumericHost as error:
            raise _Stopped(url, Failure.FORBIDDEN_ADDRESS, str(error)) from error
        except ValueError as error:
            failure = Failure.BAD_REDIRECT if redirected else Failure.NOT_A_WEB_ADDRESS
            raise _Stopped(url, failure, str(error)) from error
        if address.ip is not None and (why := self._refusal(str(address.ip))):
            raise _Stopped(address.url, Failure.FORBIDDEN_ADDRESS, f"{address.ip}: {why}")
        return address

    async def _hop(self, address: Address, deadline: float, verified: bool) -> Hop:
        """One request and what came of it.

        Raises:
            Failed: No head of a response came.
        """
        began, when = self._loop.time(), self._clock()
        deadline = min(deadline, began + self._limits.hop)
        proxy = self._proxies.get(address.scheme, "")
        if proxy and in_no_proxy(address, self._no_proxy):
            proxy = ""
        site, fields = self._site(address.origin)
        request = httpx.Request(
            "GET",
            site,
            headers=fields,
            stream=_NOTHING,  # keeps httpx from adding headers of its own
            extensions={"target": address.target, "deadline": deadline},
        )
        response = await self._transports[proxy, verified].handle_async_request(request)
        limit = self._limits.wire
        headers = tuple(response.headers.raw)
        if _location(response.status_code, headers):
            limit = self._limits.redirect_body
            deadline = min(deadline, self._loop.time() + self._limits.redirect_seconds)
        body, truncated = await self._read(response, limit, deadline)
        return Hop(
            url=address.url,
            requested_at=when,
            request=response.extensions["request_head"],
            peer=response.extensions["peer"],
            version=response.extensions["http_version"].decode("ascii"),
            status=response.status_code,
            reason=response.extensions["reason_phrase"],
            headers=headers,
            body=body,
            truncated=truncated,
            elapsed=self._loop.time() - began,
        )

    async def _read(
        self, response: httpx.Response, limit: int, deadline: float
    ) -> tuple[bytes, Truncated | None]:
        """The body as it comes, at most *limit* bytes, and why it is not the whole.

        While a large body waits for its place, its time stands still.
        """
        parts: list[bytes] = []
        size, truncated = 0, None
        raw = cast("AsyncGenerator[bytes, None]", response.aiter_raw())
        try:
            async with asyncio.timeout_at(deadline) as timer, aclosing(raw) as chunks:
                async for chunk in chunks:
                    size += len(chunk)
                    parts.append(chunk[: limit - size] if size > limit else chunk)
                    if size > limit:
                        truncated = Truncated.LENGTH
                        break
                    if size > LIGHT:
                        waits = self._loop.time()
                        timer.reschedule(None)
                        await self._room.make(size)
                        deadline += self._loop.time() - waits
                        timer.reschedule(deadline)
        except TimeoutError:
            truncated = Truncated.TIME
        except Failed:
            truncated = Truncated.DISCONNECT
        finally:
            await response.aclose()
        return b"".join(parts), truncated

    def _make_site(self, origin: str) -> tuple[httpx.URL, httpx.Headers]:
        """What is the same for all pages of an origin."""
        url = httpx.URL(origin + "/")
        return url, httpx.Headers([(b"Host", url.netloc), *self._headers])

    async def _reply(self, hops: list[Hop]) -> Reply:
        last = hops[-1]
        field = b",".join(v for k, v in last.headers if k.lower() == b"content-encoding")
        decoded = await self._decoded(last.body, field.decode("latin-1"))
        return Reply(
            hops=tuple(hops),
            content=decoded.content,
            undecoded=decoded.problem,
            retry_after=retry_after(last.header("Retry-After"), self._clock()),
        )

    async def _decoded(self, body: bytes, codings: str) -> coding.Decoded:
        """*body* without its codings; how much comes of it is found out step by step."""
        limit = self._limits.content
        if not codings:
            return coding.decode(body, "", limit=limit)
        if len(body) <= LIGHT:
            decoded = coding.decode(body, codings, limit=min(limit, LIGHT))
            if decoded.problem != "cap" or limit <= LIGHT:
                return decoded
        for step in (size for size, _ in GATES if LIGHT < size < limit):
            await self._room.make(step)
            decoded = await asyncio.to_thread(coding.decode, body, codings, limit=step)
            if decoded.problem != "cap":
                return decoded
        await self._room.make(limit)
        return await asyncio.to_thread(coding.decode, body, codings, limit=limit)

    def _refusal(self, ip: str) -> str:
        """Why *ip* may not be asked, or ""."""
        return "" if self._allow_private or ip in self._exempt else forbidden(ip)


def retry_after(field: str, now: datetime) -> datetime | None:
    """When a server wants to be asked again; None when it does not say, or says nonsense.

    Never before *now*, and never more than 30 days later.

    Args:
        field: A ``Retry-After`` field: whole seconds, or an HTTP-date.
        now: The present, with a time zone.

    Source: RFC 9110, section 10.2.3.
    """
    digits = field.strip().removeprefix("-")
    try:
        if digits.isascii() and digits.isdigit():
            seconds = 0 if field.strip().startswith("-") else min(int(digits[:12]), 10**9)
            pause = timedelta(seconds=seconds)
        else:
            until = parsedate_to_datetime(field)
            # "-0000" is UTC without a local zone: RFC 5322, section 3.3.
            pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, TypeError):
        return None
    return now + min(max(pause, timedelta(0)), _LONGEST_PAUSE)


# ---- small parts -------------------------------------------------------------------------


class _Stopped(Exception):
    """The chain ends at *url* without a reply; it never leaves `Fetcher.get`."""

    def __init__(self, url: str, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.url = url
        self.failure = failure


_NOTHING = httpx.ByteStream(b"")


def _let_pass(_ip: str) -> str:
    """The guard of a proxy's own address: whoever set the proxy chose it."""
    return ""


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    if ca_file is None:
        return _usual_tls_context()
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


@lru_cache(maxsize=1)
def _usual_tls_context() -> ssl.SSLContext:
    """One context for all connections of the process: making one takes 20 ms."""
    context = httpx.create_ssl_context(trust_env=False)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unverifying_tls_context() -> ssl.SSLContext:
    """A context that takes any certificate, and the old protocols that come with old ones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _proxy_url(text: str) -> str:
    """*text* as a URL.

    Raises:
        ValueError: It is not the address of an HTTP proxy.
    """
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL as error:
        raise ValueError(f"not the address of an HTTP proxy: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"not the address of an HTTP proxy: {url.scheme}://{url.host}")
    return str(url)


def _ascii_host(host: str) -> str:
    """*host* as IDNA 2008 writes it, or as IDNA 2003 does where the newer one has no word for it.

    Raises:
        ValueError: Neither can.
    """
    try:
        return httpx.URL(scheme="http", host=host).raw_host.decode("ascii")
    except httpx.InvalidURL:
        return host.encode("idna").decode("ascii").lower()


def _location(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> str:
    """Where a redirect leads, bytes that are no UTF-8 as lone surrogates; "" when nowhere."""
    if status not in _REDIRECTS:
        return ""
    for name, value in headers:
        if name.lower() == b"location":
            return value.decode("utf-8", "surrogateescape").strip()
    return ""


def _one_line(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(line.split())[:_DETAIL]
