"""Which addresses name one page for us, however they are spelled."""

from __future__ import annotations

import contextlib
import re
import string
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
DEFAULT_PORTS = {"http": 80, "https": 443}
UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
SAFE = "%!$&'()*+,;=:@/?[]~"
"""What may stand in a path or query as it is (RFC 3986, 3.3 and 3.4)."""


def same_address(one: str, other: str) -> bool:
    """Whether two addresses name the same page for us.

    Folded are http and https, the scheme's default port, the host's case, an empty path, the
    fragment, dot segments and the spelling of percent-escapes (RFC 3986, 6.2.2). Not folded,
    though the archive's index does it, are ``www.``, a trailing slash, the path's case and the
    order of the query: those may be other pages.
    """
    return _folded(one) == _folded(other)


def _folded(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return (url,)
    with contextlib.suppress(UnicodeError):  # unknown to IDNA 2003: compared as it stands
        host = host.encode("idna").decode("ascii")
    shown_port = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else str(port)
    user = parts.netloc.rpartition("@")[0]
    path = "/".join(_without_dots(_escaped(parts.path).split("/"))) or "/"
    return (user, host, shown_port, path, _escaped(parts.query))


def _escaped(text: str) -> str:
    """Percent-escapes in the one spelling of RFC 3986, 6.2.2."""

    def respell(escape: re.Match[str]) -> str:
        letter = chr(int(escape[1], 16))
        return letter if letter in UNRESERVED else escape[0].upper()

    return ESCAPE.sub(respell, quote(text, safe=SAFE))


def _without_dots(segments: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for place, segment in enumerate(segments):
        if segment not in (".", ".."):
            kept.append(segment)
            continue
        if segment == ".." and len(kept) > 1:
            kept.pop()
        if place == len(segments) - 1:
            kept.append("")
    return kept
