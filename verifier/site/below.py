"""The site below a path of a web server, whether the proxy passes that path on or not."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from verifier.site.headers import App, Receive, Send


def below(base_path: str, app: App) -> App:
    """*app* for requests of which the base path is taken away, where it stands.

    Datasette 0.65 routes a path with its base and one without; but with it, the links to CSV
    on its pages have the base twice.
    """
    if base_path == "/":
        return app
    base = base_path.encode("ascii")

    async def stripped(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(base_path):
            raw = scope.get("raw_path") or b""
            scope = {
                **scope,
                "path": "/" + scope["path"].removeprefix(base_path),
                "raw_path": b"/" + raw.removeprefix(base) if raw else raw,
            }
        await app(scope, receive, send)

    return stripped
