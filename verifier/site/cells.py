"""How a value of the audit database looks in a table cell."""

from __future__ import annotations

from functools import cache
from typing import Any

from datasette.utils import tilde_encode
from markupsafe import Markup, escape

GOOD, NOTE, BAD, UNKNOWN = "good", "note", "bad", "unknown"

_LINK = {
    "live": (GOOD, "●"),
    "moved": (NOTE, "→"),
    "blocked": (NOTE, "⊘"),
    "suspect": (NOTE, "▲"),
    "dead": (BAD, "✕"),
    "hijacked": (BAD, "⚑"),
    "invalid": (BAD, "∅"),
    "unchecked": (UNKNOWN, "…"),
}
_QUOTE = {
    "found": (GOOD, "●"),
    "altered": (BAD, "≠"),
    "absent": (BAD, "✕"),
    "not_comparable": (UNKNOWN, "≈"),
    "unreadable": (UNKNOWN, "▨"),
    "no_quote": (UNKNOWN, "–"),
    "unchecked": (UNKNOWN, "…"),
}
_COPY = {
    "confirmed": (GOOD, "✔"),
    "captured": (GOOD, "●"),
    "pending": (UNKNOWN, "◔"),
    "failed": (BAD, "✕"),
    "excluded": (BAD, "⊘"),
    "lost": (BAD, "⚑"),
    "none": (BAD, "∅"),
}
ANSWERS = {
    "link": _LINK,
    "quote": _QUOTE,
    "copy": _COPY,
    "quote_local": _QUOTE,
    "quote_wayback": _QUOTE,
}
"""For each column with an answer: tone and symbol of each word. Colour is never alone."""

COPIES = ("local_copy", "capture_id")
"""Columns that name a copy of ours."""


def rendered(value: Any, *, column: str, table: str | None, row: Any, urls: Any) -> Markup | None:
    """The cell's HTML, or None where Datasette's own is good enough.

    Args:
        value: As Datasette hands it: an expanded foreign key is a dict of value and label.
        table: None on the page of a query.
        row: The row, to look into its other columns.
        urls: Datasette's ``urls``, which know the base path.
    """
    if isinstance(value, dict):
        value = value["value"]
    if value is None or value == "":
        return None
    if column in ANSWERS and table in ("audit", None):
        return badge(column, value)
    if column in COPIES and isinstance(value, int):
        return _archived(value, f"copy {value}", urls)
    if table == "captures" and column == "file":
        return _archived(row["id"], value, urls)
    # a Row's "in" asks for values, so its keys are named
    if table is None and column == "id" and isinstance(value, str) and "link" in row.keys():  # noqa: SIM118
        place = urls.row("audit", "audit", tilde_encode(value))
        return Markup('<a href="{}">{}</a>').format(place, value)
    if isinstance(value, str) and is_web_address(value):
        return web_link(value)
    return None


def badge(axis: str, word: Any) -> Markup | None:
    """An answer as a word with a symbol and a tone; None for words that are no answer."""
    return _badge(axis, str(word)) if word in ANSWERS[axis] else None


@cache
def _badge(axis: str, word: str) -> Markup:
    tone, symbol = ANSWERS[axis][word]
    return Markup('<span class="v-badge v-{}"><span aria-hidden="true">{}</span> {}</span>').format(
        tone, symbol, word.replace("_", " ")
    )


def is_web_address(value: str) -> bool:
    """True for http and https alone: other schemes could run something."""
    value = value.strip().lower()
    return value.startswith(("http://", "https://")) and not any(map(str.isspace, value))


def web_link(url: str) -> Markup:
    """A link out of the site that tells the other side nothing of us."""
    safe = escape(url.strip())  # once for three places: a page has a thousand of these
    return Markup(  # noqa: S704
        f'<a class="v-url" href="{safe}" title="{safe}" rel="noopener noreferrer nofollow">'
        f"{safe}</a>"
    )


def _archived(capture: Any, words: str, urls: Any) -> Markup:
    return Markup('<a class="v-copy" href="{}">{}</a>').format(
        urls.path(f"/-/archived/{int(capture)}"), words
    )
