"""What a web address says before anybody asks it: its host, and what is wrong with it."""

from __future__ import annotations

import ipaddress
import re

LONGEST = 32_768
"""Characters. RFC 9110, section 4.1 asks for 8,000 octets; servers refuse far less than this."""

_DEFAULT_PORTS = {"http": 80, "https": 443}

# Nearly every address is of this plain form and needs no closer look (100,000 rows are read).
_PLAIN = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){1,9}(?:[/?#][\x21-\x7e]*)?\Z"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]+:\d+(?:[/?#]|\Z)")
# Of the invisible characters only the joiners U+200C and U+200D belong into an address: Persian
# and emoji need them. The others come with copying from a document, and nobody sees them.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_AUTHORITY = re.compile(r"[^/?#]*")
_NOT_IN_A_HOST = re.compile(r"""[\\<>"'^`{}|%\[\]@:\s,;()!$&*+=~]""")


def fault_of(url: str) -> str:
    """What keeps *url* from being asked as a web address, or "".

    The phrase begins with the name of a rule: ``no-address``, ``too-long``, ``no-scheme``,
    ``unsupported-scheme``, ``control-character``, ``space``, ``no-host``, ``bad-host`` or
    ``bad-port``. Never raises. Whether the address is a public one is not judged here.
    """
    if len(url) <= 2_000 and _PLAIN.match(url):
        return ""
    if not url.strip():
        return "no-address: there is none"
    if len(url) > LONGEST:
        return f"too-long: {len(url)} characters, and no server takes more than {LONGEST}"
    return _fault_of_characters(url) or _fault_of_scheme(url) or _fault_of_authority(url)


def _fault_of_characters(url: str) -> str:
    if found := _CONTROL.search(url):
        return f"control-character: {_name_of(found[0])} at character {found.start() + 1}"
    if found := re.search(r"\s", url):
        return f"space: {_name_of(found[0])} at character {found.start() + 1}"
    return ""


def _name_of(character: str) -> str:
    names = {"\n": "a newline", "\r": "a carriage return", "\t": "a tab", " ": "a space"}
    return names.get(character, f"U+{ord(character):04X}")


def _fault_of_scheme(url: str) -> str:
    found = _SCHEME.match(url)
    if found is None or _HOST_AND_PORT.match(url):
        return "no-scheme: it begins with neither http:// nor https://"
    if found[1].lower() not in _DEFAULT_PORTS:
        return f"unsupported-scheme: {found[1][:40]!r} is neither http nor https"
    if not url[found.end() :].startswith("//"):
        return "no-host: no // after the scheme"
    return ""


def _fault_of_authority(url: str) -> str:
    _, host, port = _split(url)
    authority = _AUTHORITY.match(url, url.find("//") + 2)
    if authority and "\\" in authority[0]:  # browsers read it as "/", other software does not
        return "bad-host: a backslash cannot stand before the path"
    if not host:
        return "no-host: no name between // and the path"
    if host.startswith("["):
        return "" if _ipv6(host) else f"bad-host: {host[:60]!r} is no IPv6 address"
    if found := _NOT_IN_A_HOST.search(host):
        return f"bad-host: {found[0]!r} cannot stand in the name of a host"
    if host.lower() in _DEFAULT_PORTS and not port:
        rest = _SCHEME.sub("", url, count=1)
        if rest.lower().startswith((f"//{host.lower()}:", f"//{host.lower()}//")):
            return "bad-host: the scheme stands there twice"
    labels = _ascii(host).removesuffix(".").split(".")
    if not all(labels):
        return "bad-host: two dots meet, or it begins with one"
    if max(map(len, labels)) > 63 or sum(map(len, labels)) + len(labels) > 254:
        return "bad-host: longer than the name of a host can be (RFC 1035, section 2.3.4)"
    return _fault_of_port(port)


def _fault_of_port(port: str | None) -> str:
    if not port:  # "http://host:/" is allowed by RFC 3986, section 3.2.3
        return ""
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        return f"bad-port: {port[:20]!r} is no number from 1 to 65535"
    return ""


def host_of(address: str) -> str:
    """Host and port of *address* as ``name:port``, or "" where there is none. Never raises.

    Lower case, internationalised names in their ASCII form, without the dot that may end a name,
    with the scheme's default port filled in: two addresses of one server give the same words.
    An IPv6 address stands in brackets, in its shortest form.
    """
    scheme, host, port = _split(address[: LONGEST + 1])
    if scheme not in _DEFAULT_PORTS or not host or _fault_of_port(port):
        return ""
    name = _ipv6(host) if host.startswith("[") else _ascii(host).removesuffix(".")
    return f"{name}:{int(port) if port else _DEFAULT_PORTS[scheme]}" if name else ""


def _split(url: str) -> tuple[str, str, str | None]:
    """Scheme in lower case, host as written, and port (None when there is no colon)."""
    found = _SCHEME.match(url)
    if found is None or not url.startswith("//", found.end()):
        return "", "", None
    authority = _AUTHORITY.match(url, found.end() + 2)
    place = (authority[0] if authority else "").rpartition("@")[2]
    if place.startswith("["):
        host, bracket, rest = place.partition("]")
        if bracket and (not rest or rest.startswith(":")):
            return found[1].lower(), host + bracket, rest[1:] if rest else None
        return found[1].lower(), place, None
    host, colon, port = place.partition(":")
    return found[1].lower(), host, port if colon else None


def _ipv6(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1])}]" if host.endswith("]") else ""
    except ValueError:
        return ""


def _ascii(host: str) -> str:
    """*host* in lower case, and in ASCII where IDNA can say it so."""
    if host.isascii() or len(host) > 253:  # the codec is slow on what can be no name anyway
        return host.lower()
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:  # a label that is empty or too long
        return host.lower()
