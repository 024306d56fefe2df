"""How to cite a source so that the citation survives it: with the copy that was read back."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

from verifier.attention import plain
from verifier.records import AuditRow, Copy, Link, Quote

_IN_WIKITEXT = {
    "|": "{{!}}",
    "{": "&#123;",
    "}": "&#125;",
    "[": "&#91;",
    "]": "&#93;",
    "<": "&lt;",
    ">": "&gt;",
}
_IN_WIKI_ADDRESS = re.compile(r"[\s|{}\[\]<>\"'`\\^]")
_MARKS = re.compile(r"''+|~~~+|__")
_GONE = {Link.DEAD: "dead", Link.HIJACKED: "usurped"}


def confirmed_copy(row: AuditRow) -> tuple[str, datetime] | None:
    """Address and time of the copy that was read back from its archive, or None."""
    if row.copy is not Copy.CONFIRMED or not row.snapshot_url or row.snapshot_at is None:
        return None
    return row.snapshot_url, row.snapshot_at


def robust_link(row: AuditRow) -> str:
    """The source as an HTML link that names its confirmed copy; "" where there is none.

    It leads to the source while that is there, and else to the copy.

    Source: Robust Links, "Link Decoration", robustlinks.mementoweb.org/spec/.
    """
    copy = confirmed_copy(row)
    if copy is None or not row.url:
        return ""
    address, at = copy
    leads_to = address if row.link in _GONE else row.url
    given = {
        "href": leads_to,
        "data-originalurl": row.url,
        "data-versionurl": address,
        "data-versiondate": _day(at),
    }
    told = " ".join(f'{name}="{html.escape(plain(value))}"' for name, value in given.items())
    return f"<a {told}>{html.escape(_title(row))}</a>"


def wiki_template(row: AuditRow) -> str:
    """The source as ``{{cite web}}``, with its confirmed copy where there is one; "" without a url.

    ``url-status`` is told with the copy alone: without ``archive-url`` it means nothing.

    Source: en.wikipedia.org, "Template:Cite web".
    """
    if not row.url:
        return ""
    copy = confirmed_copy(row)
    fields = {
        "url": _wiki_address(row.url),
        "title": _wikitext(_title(row)),
        "publisher": _wikitext(row.publisher),
        "date": _wikitext(row.published),
        "language": _wikitext(row.lang),
        "quote": _wikitext(row.cited) if row.quote is Quote.FOUND else "",
        "access-date": _day(row.last_live_at) if row.last_live_at is not None else "",
    }
    if copy is not None:
        address, at = copy
        fields |= {
            "archive-url": _wiki_address(address),
            "archive-date": _day(at),
            "url-status": _status(row),
        }
    told = " ".join(f"|{name}={value}" for name, value in fields.items() if value)
    return f"{{{{cite web {told}}}}}"


def _status(row: AuditRow) -> str:
    """What the template calls the original: another text at the address is "deviated"."""
    changed = row.quote in (Quote.ALTERED, Quote.ABSENT) and row.quote_first_found_at is not None
    return _GONE.get(row.link) or ("deviated" if changed else "live")


def _title(row: AuditRow) -> str:
    return plain(row.title or row.claim or row.url)


def _wikitext(words: str) -> str:
    """*words* so that a template shows them as they are."""
    told = "".join(
        _IN_WIKITEXT.get(letter, letter) for letter in plain(words).replace("&", "&amp;")
    )
    return _MARKS.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found[0]), told)


def _wiki_address(url: str) -> str:
    """*url* without what ends an address, or a field, in wikitext."""
    return _IN_WIKI_ADDRESS.sub(
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url.strip()
    )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
