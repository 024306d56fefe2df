"""What is different between the texts of two archived copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from datasette import NotFound, Response

from verifier.differences import Compared, Stretch
from verifier.errors import StorageError
from verifier.parsing import UnparsedError
from verifier.site import archived, reading

AROUND = 240
"""Characters that are shown before and after what is different."""

MOST = 300
"""Places that are shown; a page that was written anew has one."""

LONG = 20_000
"""Characters of one place that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some words of one side; ``other`` when the other side has others in their place."""

    text: str
    other: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place at which two texts differ, with what stands around it.

    Attributes:
        unchanged: Words that were left out before it: both texts have them.
    """

    before: tuple[Part, ...]
    after: tuple[Part, ...]
    unchanged: int = 0


async def chosen(request: Any, datasette: Any) -> Any:
    """Leads from the form in which two copies are chosen to their differences."""
    older, newer = (request.args.get(name) or "" for name in ("older", "newer"))
    if not all(number.isascii() and number.isdecimal() for number in (older, newer)):
        raise NotFound("Choose two archived copies by their numbers")
    return Response.redirect(datasette.urls.path(f"/-/archived/{older}/against/{newer}"))


async def page(request: Any, datasette: Any) -> Any:
    """The two texts side by side where they differ."""
    older = await archived.capture_of(request, datasette)
    newer = await archived.capture_of(request, datasette, "other")
    try:
        one = await archived.copy_of(request, datasette, older)
        other = await archived.copy_of(request, datasette, newer)
    except StorageError as error:
        return await archived.unavailable(datasette, request, newer, error)
    source = other.source or one.source
    context: dict[str, Any] = {
        "older": older,
        "newer": newer,
        "source": source,
        "source_page": archived.source_page(datasette, source),
        "copy_page": lambda one: datasette.urls.path(f"/-/archived/{one['id']}"),
        "turned": datasette.urls.path(f"/-/archived/{newer['id']}/against/{older['id']}"),
        **await archived.choice(datasette, older, newer),
    }
    try:
        found = await _compared(one, other)
    except UnparsedError as error:
        context["unread"] = error.why
    else:
        places, unchanged = _places(found.stretches)
        context |= {
            "unread": found.unreadable,
            "cut": found.cut,
            "places": places[:MOST],
            "more": max(0, len(places) - MOST),
            "unchanged": unchanged,
        }
    html = await datasette.render_template("verifier_compared.html", context, request=request)
    return Response.html(html, headers=archived.page_headers())


async def _compared(one: archived.Copy, other: archived.Copy) -> Compared:
    if one.capture["sha256"] == other.capture["sha256"]:
        return Compared()
    pair = [(copy.stored.content, copy.capture["content_type"]) for copy in (one, other)]
    key = tuple((copy.capture["sha256"], copy.capture["content_type"]) for copy in (one, other))
    told: Compared = await reading.ask("compare", *pair[0], *pair[1], key=key)
    return told


def _places(stretches: Sequence[Stretch]) -> tuple[list[Place], int]:
    """The places where the texts differ, and how many words behind the last are the same."""
    places: list[Place] = []
    before: list[Part] = []
    after: list[Part] = []
    unchanged = 0
    for number, stretch in enumerate(stretches):
        if stretch.op != "equal":
            before += _part(stretch.before)
            after += _part(stretch.after)
            continue
        is_last = number == len(stretches) - 1
        left_out = len(stretch.before.split())
        if before or after:
            if not is_last and len(stretch.before) <= 2 * AROUND:
                before.append(Part(text=stretch.before))
                after.append(Part(text=stretch.after))
                continue
            before.append(Part(text=_head(stretch.before)))
            after.append(Part(text=_head(stretch.after)))
            left_out -= _told(before[-1])
            places.append(Place(before=tuple(before), after=tuple(after), unchanged=unchanged))
        if not is_last:
            before = [Part(text=_tail(stretch.before))]
            after = [Part(text=_tail(stretch.after))]
            left_out -= _told(before[-1])
        else:
            before, after = [], []
        unchanged = max(left_out, 0)
    if any(part.other for part in (*before, *after)):
        places.append(Place(before=tuple(before), after=tuple(after), unchanged=unchanged))
        unchanged = 0
    return places, unchanged


def _part(words: str) -> Iterator[Part]:
    if words:
        cut = len(words) > LONG
        yield Part(text=f"{words[:LONG]}…" if cut else words, other=True)


def _told(part: Part) -> int:
    """How many words of a text it shows."""
    return len(part.text.removeprefix("… ").removesuffix(" …").split())


def _head(words: str) -> str:
    return words if len(words) <= AROUND else f"{words[:AROUND].rsplit(' ', 1)[0]} …"


def _tail(words: str) -> str:
    return words if len(words) <= AROUND else f"… {words[-AROUND:].split(' ', 1)[-1]}"
