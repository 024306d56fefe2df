"""The stand-in's own look at a page on this machine."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

ROBOT = (
    "Mozilla/5.0 (compatible; archive.org_bot; Wayback Machine Live Record; "
    "+http://archive.org/details/archive.org_bot)"
)
REDIRECTS = 3
BODY_CAP = 4 << 20  # bytes
# What Save Page Now says of an answer it does not keep.
CODES = {
    400: "bad-request", 401: "unauthorized", 403: "no-access", 404: "not-found",
    405: "method-not-allowed", 429: "too-many-requests", 500: "internal-server-error",
    501: "not-implemented", 502: "bad-gateway", 503: "service-unavailable",
    504: "gateway-timeout", 505: "http-version-not-supported", 509: "bandwidth-limit-exceeded",
    511: "network-authentication-required", 999: "blocked",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One answer that was seen."""

    url: str
    status: int
    mimetype: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class NotSeenError(Exception):
    """The page could not be captured; ``code`` is a ``status_ext``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def on_this_machine(url: str, hosts: Mapping[str, str]) -> bool:
    """Whether the page is one that may really be fetched."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(hosts.get(host, host)).is_loopback
    except ValueError:
        return False


def look(url: str, hosts: Mapping[str, str], *, timeout: float = 5.0) -> list[Sight]:
    """Every answer on the way to a page, redirects first; *hosts* maps names to addresses."""
    sights: list[Sight] = []
    while True:
        if not on_this_machine(url, hosts):
            raise NotSeenError("invalid-host-resolution")
        sight = _once(url, hosts, timeout)
        sights.append(sight)
        target = {name.lower(): value for name, value in sight.headers}.get("location")
        if not 300 <= sight.status < 400 or target is None:
            break
        if len(sights) > REDIRECTS:
            raise NotSeenError("too-many-redirects")
        url = urljoin(url, target)
    if sight.status >= 400:
        raise NotSeenError(CODES.get(sight.status, "no-captures"))
    return sights


def _once(url: str, hosts: Mapping[str, str], timeout: float) -> Sight:
    parts = urlsplit(url)
    address = hosts.get(parts.hostname or "", parts.hostname or "")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = (
        http.client.HTTPSConnection(
            address, port, timeout=timeout, context=ssl._create_unverified_context()
        )
        if secure
        else http.client.HTTPConnection(address, port, timeout=timeout)
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "User-Agent": ROBOT, "Accept-Encoding": "gzip"}
    try:
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        body = response.read(BODY_CAP + 1)
    except TimeoutError as error:
        raise NotSeenError("read-timeout") from error
    except ConnectionError as error:
        raise NotSeenError("no-captures") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotSeenError("invalid-server-response") from error
    finally:
        connection.close()
    if len(body) > BODY_CAP:
        raise NotSeenError("filesize-limit")
    mimetype = (response.getheader("Content-Type") or "unk").partition(";")[0].strip()
    return Sight(
        url=url,
        status=response.status,
        mimetype=mimetype,
        headers=tuple(response.getheaders()),
        body=body,
    )
