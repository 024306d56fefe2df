"""The Datasette plugin: what it adds to a Datasette that shows our audit database.

Every Datasette in the environment loads it. A hook does nothing unless the database "audit"
with our tables is there, and only Datasettes made by `verifier.site.server.build` get our home
page, row pages and headers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup
from pluggy import HookimplMarker

from verifier.site import (
    archived,
    below,
    carried,
    cells,
    changes,
    compared,
    headers,
    home,
    ours,
    source,
)

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
    if column in cells.COPIES and not ours.keeps_copies(datasette):
        return None
    return cells.rendered(value, column=column, table=table, row=row, urls=datasette.urls)


@hookimpl
def register_routes(datasette: Any) -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """The archived copies and the feed, 404 in other Datasettes; home where all is ours."""
    first = [(r"^/$", home.page)] if ours.is_built_by_us(datasette) else []
    place = r"^/-/archived/(?P<capture>[0-9]{1,18})"
    return [
        *first,
        (r"^/-/changes\.atom$", changes.feed),
        (rf"{place}$", archived.page),
        (rf"{place}/document$", archived.document),
        (rf"{place}/body$", archived.body),
        (rf"{place}/page-(?P<page>[0-9]{{1,6}})\.png$", archived.picture),
        (rf"{place}/record\.warc\.gz$", archived.record),
        (r"^/-/archived/against$", compared.chosen),
        (rf"{place}/against/(?P<other>[0-9]{{1,18}})$", compared.page),
    ]


@hookimpl
def extra_css_urls(database: str | None, datasette: Any) -> list[str]:
    """Our style sheets, on our pages only."""
    if not ours.is_ours(datasette):
        return []
    if database != ours.DATABASE and not ours.is_built_by_us(datasette):
        return []
    # Datasette puts the base path before these itself
    return [f"/-/static-plugins/verifier/{style}" for style in STYLES]


@hookimpl
def extra_js_urls(datasette: Any) -> list[str]:
    """What names Datasette's fields, on the pages of a Datasette that we made."""
    return ["/-/static-plugins/verifier/labels.js"] if ours.is_built_by_us(datasette) else []


@hookimpl
def extra_template_vars(
    template: str, table: str | None, view_name: str, request: Any, datasette: Any
) -> Callable[[], Awaitable[dict[str, Any]]] | None:
    """On every page a warning when the answers are old; what home and a source's page tell."""
    if not ours.is_built_by_us(datasette) or not ours.is_ours(datasette):
        return None

    async def look() -> dict[str, Any]:
        fresh = await home.how_fresh(datasette)
        told: dict[str, Any] = {"warning": home.warning(fresh, datetime.now(UTC))}
        if template == "index.html":
            told["overview"] = await home.overview(datasette, fresh)
        elif (view_name, table) == ("row", "audit"):
            told["told"] = await source.told(datasette, request)
            told["carried"] = await carried.carried(datasette, request)
        return told

    return look


@hookimpl
def menu_links(datasette: Any) -> list[dict[str, str]]:
    """The ways that people go most, on every page of a Datasette that we made."""
    if not ours.is_built_by_us(datasette):
        return []
    urls = datasette.urls
    return [
        {"href": str(urls.instance()), "label": "Overview"},
        {"href": str(urls.table(ours.DATABASE, "audit")), "label": "Every source"},
        {"href": str(urls.query(ours.DATABASE, "needs_a_person")), "label": "What needs a person"},
        {"href": str(urls.query(ours.DATABASE, "changed_since")), "label": "What changed"},
        {"href": str(urls.database(ours.DATABASE)), "label": "All tables and queries"},
    ]


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[headers.App], headers.App]:
    """Security headers on every page of a Datasette that we made, and its place below a path."""
    if ours.is_built_by_us(datasette):
        return lambda app: headers.guarded(below.below(datasette.setting("base_url"), app))
    return lambda app: app
