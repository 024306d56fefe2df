"""The security headers of our pages, Datasette's own included."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from importlib import resources
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_WITH_SCRIPTS = ("_close_open_menus.html", "_codemirror_foot.html")
_FACET_SWITCH = "DATASETTE_ALLOW_FACET = true;"  # table.html, with the setting filled in


_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), display-capture=(), geolocation=(), microphone=(), "
    b"payment=(), usb=(), browsing-topics=()",
}


@cache
def site_policy() -> str:
    """The Content-Security-Policy of our own pages.

    Scripts are files of ours or Datasette's, or stand in Datasette's templates and are known by
    their hash. Styles may be inline: Datasette writes a sheet with the names of the columns
    into each page of a table. They load nothing, since images are ours or in the page.
    """
    templates = resources.files("datasette") / "templates"
    inline = [_FACET_SWITCH]
    for name in _WITH_SCRIPTS:
        inline += _INLINE.findall((templates / name).read_text(encoding="utf-8"))
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in inline)
    return (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def guarded(app: App) -> App:
    """*app*, with our headers on every response that doesn't bring its own."""

    async def wrapped(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                ours = _HEADERS | {b"content-security-policy": site_policy().encode()}
                if b"content-security-policy" not in present:
                    ours[b"x-frame-options"] = b"DENY"  # for browsers without frame-ancestors
                missing = [(name, value) for name, value in ours.items() if name not in present]
                message = {**message, "headers": [*message.get("headers", []), *missing]}
            await send(message)

        await app(scope, receive, with_headers if scope["type"] == "http" else send)

    return wrapped


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
