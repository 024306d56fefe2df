"""What a reader sees in the bytes of a page."""

from __future__ import annotations

import codecs
import hashlib
import html
import re

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding, map_encoding_to_html5
from resiliparse.parse.html import HTMLTree

from verifier.records import Text

TEXT_VERSION = 1
"""Raised whenever the extractor would read the same bytes otherwise."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_HIDDEN = ["[hidden]", '[style*="display:none" i]', '[style*="display: none" i]']
MOST_DIVS = 2_000
"""Above this, no main text is looked for: the time that takes is quadratic in nested divs."""

_MARKUP = re.compile(rb"<(!doctype|html|head|\?xml)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)


def encoding_of(content: bytes, content_type: str) -> str:
    """The name of the character encoding of *content*.

    A byte order mark wins, then the header's charset, then the page's own declaration, then a
    guess. Labels mean what browsers take them to mean ("iso-8859-1" is Windows-1252), and no
    others are understood: Python would take "zlib" for an encoding, too.
    Source: WHATWG Encoding and HTML, "determining the character encoding".
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return name
    declared = _CHARSET.search(content_type)
    label = map_encoding_to_html5(declared[1], fallback_utf8=False) if declared else None
    if label is not None:
        return str(label)
    guess = str(detect_encoding(content, from_html_meta=True))
    # A declaration that could be read as ASCII is wrong when it says UTF-16.
    return "utf-8" if guess.startswith("utf-16") and b"\0" not in content[:1024] else guess


def decoded(content: bytes, content_type: str) -> str:
    """*content* as text, without its byte order mark; what cannot be decoded becomes U+FFFD."""
    text = str(bytes_to_str(content, encoding_of(content, content_type), errors="replace"))
    return text.removeprefix("\ufeff")


def extract(content: bytes, content_type: str) -> Text:
    """The text of a page: HTML and plain text; other kinds are said to be unreadable.

    The bytes decide what it is, then the label: a PDF is what starts like one.
    """
    kind = _kind(content, content_type)
    if kind not in ("html", "plain"):
        return _text("", "", "", unreadable=kind)
    page = decoded(content, content_type)
    if kind == "plain":
        return _text(page, page, "")
    tree = HTMLTree.parse(page)
    visible = extract_plain_text(tree, list_bullets=False, skip_elements=_HIDDEN)
    main = ""
    if tree.document and len(tree.document.get_elements_by_tag_name("div")) <= MOST_DIVS:
        main = extract_plain_text(tree, main_content=True, list_bullets=False)
    title = " ".join((tree.title or "").split())
    return _text(visible, main.strip() or visible, title[:300])


def glance(content: bytes, content_type: str) -> Text:
    """Only the title of a page, for a look that searches for no words: no hash, no text."""
    start = content[:20_000]
    found, title = _TITLE.search(start), ""
    if found is not None:
        name = encoding_of(start, content_type)
        title = html.unescape(str(bytes_to_str(found[1], name, errors="replace")))
    return Text(
        visible="",
        main="",
        title=" ".join(title.split())[:300],
        sha256="",
        version=0,
        unreadable="not read",
    )


def _kind(content: bytes, content_type: str) -> str:
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024]
    media = content_type.partition(";")[0].strip().lower()
    if not start:
        return "empty"
    if start.startswith(b"%PDF-"):
        return "pdf"
    if "html" in media or media.endswith("xml") or _MARKUP.match(start):
        return "html"
    if media.startswith("text/") or media in ("", "application/json"):
        return "html" if b"<html" in start.lower() else "plain"
    return media


def _text(visible: str, main: str, title: str, unreadable: str = "") -> Text:
    normal = " ".join(main.split())
    if not unreadable and not visible.strip():
        unreadable = "empty"
    return Text(
        visible=visible,
        main=normal,
        title=title,
        sha256="" if unreadable else hashlib.sha256(normal.encode()).hexdigest(),
        version=TEXT_VERSION,
        unreadable=unreadable,
    )
