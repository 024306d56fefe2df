"""The Datasette plugin: what it adds to a Datasette that shows our audit database.

Every Datasette in the environment loads it. A hook does nothing unless the database "audit"
with our tables is there, and only Datasettes made by `verifier.site.server.build` get our home
page, row pages and headers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from markupsafe import Markup
from pluggy import HookimplMarker

from verifier.site import archived, carried, cells, headers, home, ours, source

STYLES = ("verifier.css", "pages.css")

hookimpl = HookimplMarker("datasette")


@hookimpl
def startup(datasette: Any) -> Callable[[], Awaitable[None]]:
    """Look whether this Datasette shows our tables, before it answers anything."""

    async def look() -> None:
        await ours.recognise(datasette)

    return look


@hookimpl
def render_cell(
    row: Any, value: Any, column: str, table: str | None, database: str, datasette: Any
) -> Markup | None:
    """Badges for answers, links for addresses and copies; None leaves a cell to others."""
    if database != ours.DATABASE or not ours.is_ours(datasette):
        return None
    return cells.rendered(value, column=column, table=table, row=row, urls=datasette.urls)


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """The archived copies; 404 in other Datasettes."""
    place = r"^/-/archived/(?P<capture>[0-9]{1,18})"
    return [
        (rf"{place}$", archived.page),
        (rf"{place}/document$", archived.document),
        (rf"{place}/body$", archived.body),
        (rf"{place}/record\.warc\.gz$", archived.record),
    ]


@hookimpl
def extra_css_urls(database: str | None, datasette: Any) -> list[str]:
    """Our style sheets, on our pages only."""
    if not ours.is_ours(datasette):
        return []
    if database != ours.DATABASE and not ours.is_built_by_us(datasette):
        return []
    return [str(datasette.urls.static_plugins("verifier", style)) for style in STYLES]


@hookimpl
def extra_template_vars(
    template: str, table: str | None, view_name: str, request: Any, datasette: Any
) -> Callable[[], Awaitable[dict[str, Any]]] | None:
    """What the home page tells of the last round, and a source's page of its row."""
    if not ours.is_built_by_us(datasette):
        return None

    async def look_home() -> dict[str, Any]:
        return {"overview": await home.overview(datasette)}

    async def look_up_row() -> dict[str, Any]:
        told = {"told": await source.told(datasette, request)}
        return told | {"carried": await carried.carried(datasette, request)}

    if template == "index.html":
        return look_home
    return look_up_row if (view_name, table) == ("row", "audit") else None


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[headers.App], headers.App]:
    """Security headers on every page of a Datasette that we made."""
    if ours.is_built_by_us(datasette):
        return headers.guarded
    return lambda app: app
