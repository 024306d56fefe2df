"""Web addresses as they go over the wire, and which machines may be asked.

An address is never rewritten: what the CSV or a redirect says is what is sent. Only what cannot
stand in a request line is percent-encoded, host names are put into ASCII, and fragments and
credentials (``user:password@``) stay at home.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from verifier.hosts import fault_of as fault_of
from verifier.hosts import host_of as host_of

_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_NAME = re.compile(r"(?=.{1,254}\Z)[a-z0-9_\-]{1,63}(\.[a-z0-9_\-]{1,63})*\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSENDABLE = re.compile(rb"[^\x21-\x7e]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to ask, and for what.

    Attributes:
        scheme: ``http`` or ``https``.
        host: In ASCII and lower case, an IPv6 address without its brackets.
        port: 1 to 65535.
        target: Path and query as they stand in the request line.
        ip: The address that the host is, None when it is a name.
    """

    scheme: str
    host: str
    port: int
    target: bytes
    ip: IPv4Address | IPv6Address | None

    @property
    def origin(self) -> str:
        """Scheme, host and port without a path; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        """The address in ASCII, as sent."""
        return self.origin + self.target.decode("ascii")


class NumericHost(ValueError):
    """A host that some systems take for an IP address, in a spelling that hides which one."""


def parse(url: str, to_ascii: Callable[[str], str]) -> Address:
    """The parts of *url*.

    Args:
        url: Anything; lone surrogates U+DC80 to U+DCFF stand for bytes that are no UTF-8.
        to_ascii: Turns a host name with other than ASCII letters into its IDNA form.

    Raises:
        NumericHost: The host is a number other than a plain IPv4 address (``0x7f.1``,
            ``2130706433``, ``127.1``, ``0177.0.0.1``): it is never asked.
        ValueError: This is no web address; the message says why.

    Source: RFC 3986; for hosts that end in a number, the WHATWG's URL standard, section 3.5.
    """
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in _PORTS:
        raise ValueError("not an http or https address")
    rest = rest.partition("#")[0]
    end = min((place for place in map(rest.find, "/?") if place >= 0), default=len(rest))
    authority, target = rest[:end], rest[end:]
    host, port = _host_and_port(authority, _PORTS[scheme])
    ip: IPv4Address | IPv6Address | None
    if host.startswith("["):
        host, ip = _ipv6(host)
    else:
        host, ip = _name_or_ipv4(host if host.isascii() else to_ascii(host))
    if not target.startswith("/"):
        target = "/" + target
    sent = _UNSENDABLE.sub(_percent, target.encode("utf-8", "surrogateescape"))
    return Address(scheme=scheme, host=host, port=port, target=sent, ip=ip)


def _percent(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    if "\\" in authority:
        raise ValueError("a backslash in the host")  # browsers and RFC 3986 read it differently
    place = authority.rpartition("@")[2]
    host, colon, port = place, "", ""
    if place.startswith("["):
        inside, bracket, after = place.partition("]")
        host, colon, port = inside + bracket, after[:1], after[1:]
        if not bracket or colon not in ("", ":"):
            raise ValueError("brackets that do not match")
    elif ":" in place:
        host, colon, port = place.partition(":")
    if not port:
        return host, default
    if not (port.isascii() and port.isdigit() and len(port) < 9 and 0 < int(port) < 65536):
        raise ValueError("no such port")
    return host, int(port)


def _ipv6(host: str) -> tuple[str, IPv6Address]:
    if "%" in host:
        raise ValueError("an address with a zone means something on one machine only")
    return host[1:-1].lower(), IPv6Address(host[1:-1])


def _name_or_ipv4(host: str) -> tuple[str, IPv4Address | None]:
    name = host.lower()
    if not _NAME.fullmatch(name):
        raise ValueError("not a host name")
    if not _NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]):
        return name, None
    try:
        return name, IPv4Address(name)
    except ValueError as error:
        raise NumericHost("a number that is no plain IPv4 address") from error


def join(base: Address, reference: str) -> str:
    """The URL that *reference* (a ``Location``) means, seen from *base*.

    An absolute URL stays as it came; a relative one is resolved.

    Source: RFC 3986, section 5.2.
    """
    reference = reference.strip(" \t\r\n").partition("#")[0]
    if _SCHEME.match(reference):
        return reference
    if reference.startswith("//"):
        return f"{base.scheme}:{reference}"
    base_path, mark, base_query = base.target.decode("ascii").partition("?")
    path, new_mark, query = reference.partition("?")
    if not path:
        tail = new_mark + query if new_mark else mark + base_query
        return base.origin + base_path + tail
    if not path.startswith("/"):
        path = base_path.rpartition("/")[0] + "/" + path
    return base.origin + _without_dots(path) + new_mark + query


def _without_dots(path: str) -> str:
    """Section 5.2.4: ``.`` and ``..`` segments taken out."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


# ---- the guard ---------------------------------------------------------------------------

_REFUSED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_REFUSED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "unique-local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, 6.1: an IPv4 address in the interface's half


@lru_cache(maxsize=4096)
def forbidden(ip: str) -> str:
    """Why no stranger's link may lead us to *ip*, or "" when it is a public machine.

    Only globally routable unicast passes. IPv6 forms that carry an IPv4 address (mapped,
    compatible, NAT64, 6to4, Teredo, ISATAP) are refused whatever they carry: a gateway would
    unpack them behind our back.

    Source: the IANA special-purpose address registries (RFC 6890).
    """
    address = ip_address(ip)
    if isinstance(address, IPv4Address):
        return next((name for network, name in _REFUSED_V4 if address in network), "")
    for network, name in _REFUSED_V6:
        if address in network:
            return name
    if address not in _UNICAST_V6:
        return "not global unicast"
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return "ISATAP"
    return ""


def in_no_proxy(address: Address, patterns: tuple[str, ...]) -> bool:
    """True when *patterns*, the parts of ``NO_PROXY``, say that *address* is asked directly.

    A pattern is ``*``, a name (it and all below it, a leading dot or not), an IP address or a
    network in CIDR form; ``:port`` narrows a name.
    """
    name = address.host.rstrip(".")
    for pattern in (pattern.strip().lower() for pattern in patterns):
        if address.ip is not None:
            try:
                if address.ip in ip_network(pattern.strip("[]"), strict=False):
                    return True
            except ValueError:
                pass
        wanted, colon, port = pattern.partition(":")
        if colon and port != str(address.port):
            continue
        wanted = wanted.removeprefix("*").strip(".")
        if pattern == "*" or (wanted and (name == wanted or name.endswith("." + wanted))):
            return True
    return False
