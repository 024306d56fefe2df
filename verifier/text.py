"""What a reader sees in the bytes of a page."""

from __future__ import annotations

import codecs
import hashlib
import html
import re
from typing import Any

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding, map_encoding_to_html5
from resiliparse.parse.html import HTMLTree

from verifier import markup, pdf
from verifier.records import Text

TEXT_VERSION = 3
"""Raised whenever the extractor would read the same bytes otherwise."""

MOST_DIVS, DEEPEST = 2_000, 500
"""Above so many boxes, and so deep, no main text is looked for: time is quadratic in the depth."""

# ---- encodings ---------------------------------------------------------------------------

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"\s*<\?xml[^>]{1,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})")


def encoding_of(content: bytes, content_type: str) -> str:
    """The name of the character encoding of *content*.

    A byte order mark wins, then the header's charset, then the page's own declaration (of XML,
    or in a meta element), then a guess. Labels mean what browsers take them to mean
    ("iso-8859-1" is Windows-1252), and no others are understood: Python would take "zlib" for an
    encoding, too. A label that the bytes refute is passed over: what is no UTF-8 is none, and
    UTF-8 with more than ASCII in it happens by no other encoding of single bytes.
    Source: WHATWG Encoding and HTML, "determining the character encoding"; the last is ours.
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return name
    declared = _CHARSET.search(content_type)
    label = _known(declared[1]) if declared else ""
    if label and (label in _OF_SEVERAL_BYTES or content.isascii()):
        return label
    if label and not (label == "utf-8" and _utf8(content) < 0):
        return "utf-8" if _utf8(content) == 1 else label
    in_xml = _XML_ENCODING.match(content)
    guess = _known(in_xml[1].decode("ascii")) if in_xml else ""
    guess = guess or str(detect_encoding(content, from_html_meta=True))
    # A declaration that could be read as ASCII is wrong when it says UTF-16.
    return "utf-8" if guess.startswith("utf-16") and b"\0" not in content[:1024] else guess


_OF_SEVERAL_BYTES = frozenset(
    "utf-16-le utf-16-be gbk gb18030 big5 euc_jp shift_jis iso2022_jp euc_kr".split()
)


def _utf8(content: bytes) -> int:
    """1 when it is UTF-8, 0 when it is but for some damage, -1 when it is something else."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        words = content.decode("utf-8", "replace")
        plain = len(content.translate(None, bytes(range(128, 256))))
        damaged = words.count("\ufffd")
        return 0 if len(words) - plain - damaged > damaged else -1
    return 1


def _known(label: str) -> str:
    return str(map_encoding_to_html5(label, fallback_utf8=False) or "")


def decoded(content: bytes, content_type: str) -> str:
    """*content* as text, without its byte order mark; what cannot be decoded becomes U+FFFD."""
    if content.isascii() and b"\x1b" not in content and b"\0" not in content:
        return content.decode("ascii")  # the same in every encoding of the web
    name = encoding_of(content, content_type)
    return str(bytes_to_str(content, name, errors="replace", fallback_encodings=())).removeprefix(
        "\ufeff"
    )


# ---- kinds -------------------------------------------------------------------------------

_MARKUP = re.compile(rb"<(!doctype\s+html|html|head|\?xml)", re.IGNORECASE)
_TAGS = re.compile(
    rb"<(!--|!doctype|body|title|meta|link|script|style|iframe|h1|div|font|table|a|b|br|p)[\s>]",
    re.IGNORECASE,
)
_PDF = re.compile(rb"%PDF-\d")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAGIC = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"PK\x03\x04": "application/zip",
    b"\x1f\x8b": "application/gzip",
    b"{\\rtf": "application/rtf",
}
_TEXTUAL = re.compile(r"(?:text/.*|application/(?:.*\+)?(?:json|javascript|x-ndjson|yaml|toml))?")
_SPACE = b"\xef\xbb\xbf \t\r\n\f"


def kind_of(content: bytes, content_type: str) -> str:
    """What the bytes are, or else the label says: html, plain, pdf, empty, or the media type."""
    head = content[:2048]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = decoded(head, "").encode()
    start = head.lstrip(_SPACE)[:1024] or content.lstrip(_SPACE)[:1024]
    media = content_type.partition(";")[0].strip().lower()
    if not start:
        return "empty"
    if start.startswith(b"%PDF-"):
        return "pdf"
    if _MARKUP.match(start):
        return "html"
    # Acrobat's own rule: the mark may stand anywhere in the first kilobyte.
    if _PDF.search(head[: 1024 + 8]) and (media == "application/pdf" or b"endobj" in content):
        return "pdf"
    for mark, name in _MAGIC.items():
        if start.startswith(mark):
            return name
    if "html" in media or media.endswith("xml"):
        return "html"
    if _TEXTUAL.fullmatch(media) or media == "application/octet-stream":
        return _kind_of_text(start, media, content_type)
    return media


def _kind_of_text(start: bytes, media: str, content_type: str) -> str:
    if b"<html" in start.lower() or (not media.startswith("text/") and _TAGS.match(start)):
        return "html"
    is_binary = _BINARY.search(start) and not encoding_of(start, content_type).startswith("utf-16")
    if is_binary and not media.startswith("text/"):
        return media or "application/octet-stream"
    return "plain"


# ---- what is asked -----------------------------------------------------------------------


def extract(content: bytes, content_type: str) -> Text:
    """The text of a page: of HTML, XHTML, PDF and plain text, whatever the label says.

    Other kinds are said to be unreadable. Raises for no bytes. What of HTML is visible, see
    `markup.rewritten` and `unseen`. Style sheets are not considered, only what elements say
    themselves; form fields, and words within drawings and films, are not read.
    """
    kind = kind_of(content, content_type)
    match kind:
        case "html":
            return _of_html(content, content_type)
        case "plain":
            words = plain_words(content, content_type)
            return _text(words, words, kind=kind)
        case "pdf":
            seen = pdf.read(content)
            return _text(
                seen.words,
                seen.words,
                kind=kind,
                title=seen.title,
                unreadable=seen.unreadable,
                pages=seen.pages,
                cut=seen.cut,
            )
        case _:
            return _text("", "", unreadable=kind)


def plain_words(content: bytes, content_type: str) -> str:
    """The words of a plain text, without the heads and feet of its pages where it has such."""
    words = decoded(content, content_type).replace("\0", "\ufffd")
    if "\f" in words:  # made for a printer, page by page: RFCs, texts out of PDFs
        words = "\f".join(pdf.without_running_lines(words.split("\f")))
    return words


_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{0,2000})", re.IGNORECASE)


def glance(content: bytes, content_type: str) -> Text:
    """Only the title of a page, for a look that searches for no words: no hash, no text."""
    start = content[:20_000]
    found, title = _TITLE.search(start), ""
    if found is not None:
        name = encoding_of(start, content_type)
        title = html.unescape(
            str(bytes_to_str(found[1], name, errors="replace", fallback_encodings=()))
        )
    return Text(
        visible="",
        main="",
        title=_one_line(title),
        sha256="",
        version=0,
        unreadable="not read",
    )


def _one_line(title: str) -> str:
    return " ".join(title.split())[:300]


def _text(visible: str, main: str, *, title: str = "", unreadable: str = "", **more: Any) -> Text:
    normal = " ".join(main.split())
    if not unreadable and not (visible if main is visible else visible.strip()):
        unreadable = "empty"
    if not unreadable and not normal:
        unreadable = "empty"
    return Text(
        visible="" if unreadable else visible,
        main="" if unreadable else normal,
        title=_one_line(title),
        sha256="" if unreadable else hashlib.sha256(normal.encode()).hexdigest(),
        version=TEXT_VERSION,
        unreadable=unreadable,
        words=0 if unreadable else normal.count(" ") + 1,
        **more,
    )


# ---- HTML --------------------------------------------------------------------------------

_BOXES = ("div", "section", "article")


def _of_html(content: bytes, content_type: str) -> Text:
    page = decoded(content, content_type)
    if content_type.partition(";")[0].strip().lower().endswith("xml"):
        page = markup.as_html(page)
    if markup.is_a_trap(page):
        words = markup.stripped(page)
        return _text(words, words, kind="html", title=glance(content, content_type).title)
    named = markup.names_in(page)
    tree = HTMLTree.parse(markup.rewritten(page, named))
    document, title = tree.document, tree.title or ""
    if document is None or document.document_element is None:
        return _text("", "", kind="html", title=title)
    hidden = unseen(document, page, named)
    visible = extract_plain_text(tree, list_bullets=False, alt_texts=False, skip_elements=hidden)
    main = ""
    if visible and not _is_deep(document, page):
        main = extract_plain_text(
            tree, main_content=True, list_bullets=False, alt_texts=False, skip_elements=hidden
        )
    root = document.document_element
    made_by_script = not visible.strip() and document.query_selector("script") is not None
    return _text(
        visible,
        main if main.strip() else visible,
        title=title,
        unreadable="script" if made_by_script else "",
        kind="html",
        lang=(root.getattr("lang") or root.getattr("xml:lang") or "").strip()[:40],
    )


_NEVER_SEEN = frozenset("rt rp rtc noembed noframes canvas datalist dialog annotation".split())
_FOR_SCREEN_READERS = (
    "sr-only",
    "visually-hidden",
    "visuallyhidden",
    "screen-reader-text",
    "element-invisible",
)
_DECLARATION = re.compile(r"(?:^|;)\s*(display|visibility)\s*:\s*([a-z-]+)", re.IGNORECASE)


def unseen(document: Any, page: str, named: set[str]) -> list[str]:
    """Selectors of what is not seen: hidden elements, or such as the browser doesn't show.

    The first are those with the attribute, closed dialogs, and classes that hide words from all
    but screen readers; what its style hides is marked by the attribute here.
    """
    if "until-found" in page:  # searching the page shows it
        for element in document.query_selector_all("[hidden=until-found i]").values():
            element.delattr("hidden")
    if "style" in page or "STYLE" in page:
        for selector in ('[style*="none" i]', '[style*="hidden" i]'):
            for element in document.query_selector_all(selector).values():
                style = element.getattr("style").lower()
                last = dict(_DECLARATION.findall(style))
                if last.get("display") == "none" or last.get("visibility") == "hidden":
                    element.setattr("hidden", "")
    hidden = ["[hidden]", *(f".{name}" for name in _FOR_SCREEN_READERS if name in page)]
    for name in sorted(named & _NEVER_SEEN):
        hidden.append("dialog:not([open])" if name == "dialog" else name)
    return hidden


def _is_deep(document: Any, page: str) -> bool:
    boxes = sum(len(document.get_elements_by_tag_name(name)) for name in _BOXES)
    return boxes > MOST_DIVS and markup.depth(page) > DEEPEST
