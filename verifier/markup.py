"""HTML before it is parsed: made to say what a browser shows, and searched for traps."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable

MOST_ATTRIBUTES = 4_000
"""Of one element; parsing takes time quadratic in them."""

MOST_REPEATED = 1_000_000
"""Formatting elements that are never closed, times tags: each block repeats those before it."""

SMALL = 32_000
"""Characters of a page in which no trap can be set that costs more than a moment."""

_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_SELF_CLOSED = re.compile(r"<([A-Za-z][\w:.-]*+)((?:[^<>/]|/(?!>))*+)/>")
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()
)  # fmt: skip


def as_html(page: str) -> str:
    """XHTML so that an HTML parser reads it as an XML parser would."""
    if "<![CDATA[" in page:
        page = _CDATA.sub(lambda found: html.escape(found[1], quote=False), page)
    return _SELF_CLOSED.sub(_closed, page)


def _closed(found: re.Match[str]) -> str:
    name, attributes = found.groups()
    return found[0] if name.lower() in _VOID else f"<{name}{attributes}></{name}>"


# ---- what of a page is visible -----------------------------------------------------------

_OTHER_NAMES = {
    **dict.fromkeys(("label", "button"), "span"),
    **dict.fromkeys(("figure", "figcaption", "legend", "summary", "search"), "div"),
    "noscript": "template",
}
_NAME = re.compile(r"<([a-zA-Z]+)")
_RENAMED = re.compile(rf"<(/?)(?i:({'|'.join(_OTHER_NAMES)}))(?=[\s/>])")
_QUOTE = re.compile(r"<(?:(q(?:\s[^<>]*+)?)|/q\s*)>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(r"<sup\b[^<>]*+>(.{0,300}?)</sup\s*>", re.IGNORECASE | re.DOTALL)
_REFERENCE = re.compile(
    r"<a\b[^<>]*?(?:doc-noteref|#_ftn)[^<>]*+>(.{0,300}?)</a\s*>", re.IGNORECASE | re.DOTALL
)
_RAISED = str.maketrans("0123456789-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁻")
_TAG = re.compile(r"<[^<>]*>")
_LINKED = re.compile(r"<a\b[^<>]*#[^<>]*>\s*\Z", re.IGNORECASE)
_MARK = re.compile(r"\s*(?:(?:\[[^\[\]]{1,40}\][\s,]*){1,6}|[*†‡§¶]{1,4}|\(?\d{1,3}\)|[,;])\s*")
_NUMBERED = re.compile(r"\s*(?:\d{1,3}|[a-z]{1,2}|[ivxlc]{1,6})(?:\s*[,–-]\s*\d{1,3})*\s*", re.I)
_ENDS_A_WORD = re.compile(r"(?:[.,;:!?%\"'”’»\]]|[^\W\d_]{5,}|[^\W\d_a-zA-Z]{2,})\s*\Z")
ENDS_A_MEASURE = re.compile(
    r"(?:met(?:er|re)s?|metros?|mètres?|miles?|inch|inches|yards?)\s*\Z|(?:\b[кμд]?м|متر|מ)\s*\Z",
    re.IGNORECASE,
)


def names_in(page: str) -> set[str]:
    """The names of all elements that begin in *page*, in small letters."""
    return {name.lower() for name in set(_NAME.findall(page))}


def rewritten(page: str, named: set[str], *, note: Callable[[str], str] = lambda _mark: "") -> str:
    """*page* so that the extractor reads what a reader does.

    It takes captions for alternative texts and labels for form fields, and words in a head's
    noscript for the body's; so they get other names.
    Browsers put quotation marks around q. Marks of footnotes go: "3 %<sup>[7]</sup> more" is
    quoted as "3 % more". A power stays one: "10<sup>6</sup>" is not 106.

    Args:
        note: What stands for a footnote's mark, given its markup.
    """
    if "sup" in named:
        page = _SUPERSCRIPT.sub(
            lambda found: note(found[0]) + _gap(found[1]) if _is_note(found) else _power(found),
            page,
        )
    if "doc-noteref" in page or "#_ftn" in page:
        page = _REFERENCE.sub(
            lambda found: note(found[0]) if _is_mark(found[1]) else found[0], page
        )
    if "q" in named:
        page = _QUOTE.sub(lambda found: f"<{found[1]}>“" if found[1] else "”</q>", page)
    if not named.isdisjoint(_OTHER_NAMES):
        page = _RENAMED.sub(_renamed, page)
    return page


def _renamed(found: re.Match[str]) -> str:
    return f"<{found[1]}{_OTHER_NAMES[found[2].lower()]}"


def _power(found: re.Match[str]) -> str:
    """The sup element; where it raises a number behind a number, with signs that say so."""
    raised = _TAG.sub("", found[1]).strip()
    before = _TAG.sub("", found.string[max(0, found.start() - 40) : found.start()])
    if before[-1:].isdecimal() and raised.lstrip("-−–").isdecimal():
        return raised.translate(_RAISED)
    return found[0]


def _gap(mark: str) -> str:
    """The space that a footnote's mark brings along, if any: it parts the words around it."""
    return " " if mark != mark.strip() else ""


def _is_note(found: re.Match[str]) -> bool:
    """Whether a sup element only marks a footnote, and is no power, ordinal or abbreviation."""
    if _is_mark(found[1], numbered=False):
        return True
    if not _is_mark(found[1]):
        return False
    before = found.string[max(0, found.start() - 200) : found.start()]
    if "<a" in found[1].lower() or _LINKED.search(before):
        return True
    words = html.unescape(_TAG.sub("", before))[-30:]
    return (
        _TAG.sub("", found[1]).strip(" \t\r\n)").isdigit()
        and (
            found[1] != found[1].rstrip()
            or not found.string[found.end() : found.end() + 1].isalnum()  # an isotope
        )
        and _ENDS_A_WORD.search(words) is not None
        and ENDS_A_MEASURE.search(words) is None
    )


def _is_mark(markup: str, *, numbered: bool = True) -> bool:
    words = html.unescape(_TAG.sub("", markup))
    return bool(_MARK.fullmatch(words) or (numbered and _NUMBERED.fullmatch(words)))


# ---- pages made to be slow ---------------------------------------------------------------

_LONG_TAG = re.compile(r"<[A-Za-z](?:[^\"'<>]++|\"[^\"]*+\"?|'[^']*+'?)*+")
_QUOTED = re.compile(r"\"[^\"]*\"?|'[^']*'?")
_FORMATTING = re.compile(
    r"<(/?)(a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s>])", re.IGNORECASE
)
_BOX = re.compile(r"<(/?)(?:div|section|article)[\s>]", re.IGNORECASE)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript|title)\b.*?(?:</\1[^>]*+>?|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_ANY_TAG = re.compile(r"<[/!?A-Za-z][^>]*+>?")
_FORMATTING_TAG = re.compile(_FORMATTING.pattern + r"[^>]*+>?", re.IGNORECASE)


def is_a_trap(page: str) -> bool:
    """Whether parsing would take time quadratic in the page's length."""
    if len(page) <= SMALL:
        return False
    tags = Counter(f"{slash}{name}".lower() for slash, name in _FORMATTING.findall(page))
    still_open = sum(max(0, times - tags[f"/{tag}"]) for tag, times in tags.items())
    if still_open * page.count("<") > MOST_REPEATED:
        return True
    return any(
        len(_QUOTED.sub("", found[0]).split()) > MOST_ATTRIBUTES
        for found in _LONG_TAG.finditer(page)
        if len(found[0]) > 2 * MOST_ATTRIBUTES
    )


def depth(page: str) -> int:
    """How deep boxes (div, section, article) stand within each other, by their tags."""
    now = deepest = 0
    for slash in _BOX.findall(page):
        now = max(0, now - 1) if slash else now + 1
        deepest = max(deepest, now)
    return deepest


def stripped(page: str) -> str:
    """The words between the tags, for a page that no parser should be given."""
    words = _FORMATTING_TAG.sub("", _UNSEEN.sub("", page))
    return html.unescape(_ANY_TAG.sub("\n", words)).replace("\0", "\ufffd")
