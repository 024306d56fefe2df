"""An archived page built afresh: its text and structure alone, with the quoted words marked.

Nothing of the page's own markup is passed on. Its tree is read, and another document is written,
of the elements and attributes that are named here; so what is not named can do nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from resiliparse.parse.html import ELEMENT, TEXT, HTMLTree

from verifier import markup, quotes, text
from verifier.records import Quote, QuoteKind, Text

MOST_NODES = 400_000
"""Elements and texts that are shown of one page; an encyclopedia's longest article has 60,000."""

MARK = "quote"
"""The id of the first mark."""

_BLOCKS = frozenset(
    "p div section article main header footer nav aside address h1 h2 h3 h4 h5 h6 "
    "blockquote pre ul ol li dl dt dd table caption thead tbody tfoot tr hr".split()
)
_CELLS = frozenset(("td", "th"))
_INLINE = frozenset(
    "a b strong i em u s small sub sup code kbd samp var abbr cite dfn bdi bdo ruby".split()
)
_OTHER_NAMES = {
    **dict.fromkeys(("figure", "figcaption", "legend", "summary", "search", "form"), "div"),
    **dict.fromkeys(("details", "fieldset", "center", "body", "dialog", "hgroup"), "div"),
    **dict.fromkeys(("menu", "dir"), "ul"),
    **dict.fromkeys(("strike", "del"), "s"),
    **dict.fromkeys(("tt", "output"), "code"),
    "ins": "u",
    "xmp": "pre",
    "listing": "pre",
    "plaintext": "pre",
}
_EMPTY = frozenset(("br", "hr", "wbr"))
_LEFT_OUT = frozenset(
    "head script style template noscript iframe frame frameset noframes noembed object "
    "svg canvas audio video picture source track select option textarea input datalist "
    "title meta link base basefont bgsound param rt rp rtc annotation".split()
)
_NOTE = "data-v-note"
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_DIRECTIONS = frozenset(("ltr", "rtl", "auto"))
_NUMBER = re.compile(r"\d{1,3}")
_WEB = re.compile(r"https?://\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A document that can be shown.

    Attributes:
        kind: "html" or "plain", or what it is that can't be shown so: "pdf", "empty", or a media
            type.
        body: HTML of its text and structure, of elements and attributes without power; "" for
            what can't be shown.
        title, lang, direction: As the page says, or "".
        words: Its text as it was searched.
        result, reason: What was found of the quotation; the mark is on what stands there.
        marked: A mark with the id `MARK` is in ``body``.
        cut: The page goes on beyond what is shown.
    """

    kind: str
    body: str = ""
    title: str = ""
    lang: str = ""
    direction: str = ""
    words: str = ""
    result: Quote = Quote.NO_QUOTE
    reason: str = ""
    marked: bool = False
    cut: bool = False


def document(
    content: bytes,
    content_type: str,
    *,
    quotation: str = "",
    kind: QuoteKind = QuoteKind.VERBATIM,
    lang: str = "",
) -> Shown:
    """The page as it can be shown, with *quotation* marked, or what is nearest to it.

    The words are looked for by the rules of :func:`verifier.quotes.locate`, in the text of what
    is shown: so the mark can be put around them whatever tags, entities and soft hyphens they
    run through.
    """
    what = text.kind_of(content, content_type)
    if what == "plain":
        written = _of_plain(text.plain_words(content, content_type))
    elif what == "html":
        written = _of_html(text.decoded(content, content_type), content_type)
    else:
        return Shown(kind=what)
    words = "".join(written.words)
    sought = Text(
        visible=words, main="", title="", sha256="", version=0, kind=what, lang=written.lang
    )
    found = quotes.locate(quotation, sought, kind=kind, lang=lang)
    marked = False
    if found.start is not None and found.end is not None:
        marked = written.mark(found.start, found.end)
    return Shown(
        kind=what,
        body="".join(written.body()),
        title=written.title,
        lang=written.lang,
        direction=written.direction,
        words=words,
        result=found.result,
        reason=found.reason,
        marked=marked,
        cut=written.cut,
    )


# ---- what is written ---------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Written:
    """A document in the making: tags as they are, texts with their places.

    Attributes:
        pieces: Of the document, in order; a text's is empty until it is known what is marked.
        texts: ``(piece, offset of the text in the words, text)``.
        words: The texts, and what parts them in a reader's eyes.
        marks: Stretches of the words.
    """

    pieces: list[str] = field(default_factory=list)
    texts: list[tuple[int, int, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    length: int = 0
    title: str = ""
    lang: str = ""
    direction: str = ""
    cut: bool = False
    span: tuple[int, int] | None = None

    def tag(self, piece: str) -> None:
        self.pieces.append(piece)

    def part(self, gap: str) -> None:
        """A gap in the words that no text makes: a new line or cell."""
        self.words.append(gap)
        self.length += len(gap)

    def text(self, words: str) -> None:
        self.texts.append((len(self.pieces), self.length, words))
        self.pieces.append("")
        self.part(words)

    def mark(self, start: int, end: int) -> bool:
        """Mark what stands there; False where nothing does."""
        self.span = start, end
        return any(
            text[max(0, start - at) : max(0, end - at)].strip() for _, at, text in self.texts
        )

    def body(self) -> Iterator[str]:
        """The pieces, texts written and marked."""
        start, end = self.span or (0, 0)
        first = True
        for piece, at, words in self.texts:
            begin, stop = (min(max(0, place - at), len(words)) for place in (start, end))
            inner = words[begin:stop]
            if not inner.strip():
                self.pieces[piece] = html.escape(words, quote=False)
                continue
            name = f' id="{MARK}"' if first else ""
            first = False
            self.pieces[piece] = (
                f"{html.escape(words[:begin], quote=False)}<mark{name}>"
                f"{html.escape(inner, quote=False)}</mark>{html.escape(words[stop:], quote=False)}"
            )
        return iter(self.pieces)


def _of_plain(words: str) -> _Written:
    written = _Written()
    written.tag('<pre class="plain">')
    written.text(words)
    written.tag("</pre>")
    return written


# ---- HTML --------------------------------------------------------------------------------


def _of_html(page: str, content_type: str) -> _Written:
    if content_type.partition(";")[0].strip().lower().endswith("xml"):
        page = markup.as_html(page)
    if markup.is_a_trap(page):
        return _of_plain(markup.stripped(page))
    named = markup.names_in(page)
    tree = HTMLTree.parse(markup.rewritten(page, named, note=_noted))
    written = _Written(title=" ".join((tree.title or "").split())[:300])
    document = tree.document
    if document is None or document.document_element is None:
        return written
    for selector in text.unseen(document, page, named):
        for element in document.query_selector_all(selector).values():
            element.setattr("hidden", "")
    root = document.document_element
    written.lang = _language(root)
    direction = (root.getattr("dir") or "").lower()
    written.direction = direction if direction in _DIRECTIONS else ""
    if tree.body is not None:
        _write(tree.body, written)
    return written


def _noted(mark: str) -> str:
    """A footnote's mark, so that it is shown and is no part of the words."""
    return f"<span {_NOTE}>{mark}</span>"


def _write(root: Any, written: _Written) -> None:
    """Write a tree; without recursion, since pages nest as deep as they like."""
    left = MOST_NODES
    waiting: list[Any] = [root]  # nodes to be written, and ends of those that were begun
    silent = 0  # how many elements around are no part of the words
    while waiting:
        node = waiting.pop()
        if isinstance(node, _End):
            silent -= node.silent
            written.tag(node.tag)
            if node.gap:
                written.part(node.gap)
            continue
        left -= 1
        if left < 0:
            written.cut = True
            continue
        if node.type == TEXT:
            if silent:
                written.tag(html.escape(node.value, quote=False))
            else:
                written.text(node.value)
        elif node.type == ELEMENT:
            end = _begin(node, written)
            if end is not None:
                silent += end.silent
                waiting.append(end)
                waiting += _children(node)[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """What is to be written after an element's children."""

    tag: str
    gap: str = ""
    silent: bool = False


def _children(node: Any) -> list[Any]:
    found, child = [], node.first_child
    while child is not None:
        found.append(child)
        child = child.next
    return found


def _begin(node: Any, written: _Written) -> _End | None:
    """Write the beginning of an element; None where nothing of it is shown."""
    name = node.tag.lower()
    if name in _LEFT_OUT or node.hasattr("hidden"):
        return None
    if name == "img":
        alternative = " ".join((node.getattr("alt") or "").split())[:200]
        told = f": {alternative}" if alternative else ""
        written.tag(f'<span class="picture">[picture{html.escape(told)}]</span>')
        return None
    name = _OTHER_NAMES.get(name, name)
    if name in _EMPTY:
        written.tag(f"<{name}>")
        if name != "wbr":
            written.part("\n")
        return None
    gap = "\n" if name in _BLOCKS else "\t" if name in _CELLS else ""
    if gap:
        written.part(gap)
    silent = node.hasattr(_NOTE)
    if name in _BLOCKS or name in _CELLS or name in _INLINE:
        written.tag(f"<{name}{_attributes(node, name)}>")
        return _End(tag=f"</{name}>", gap=gap, silent=silent)
    return _End(tag="", silent=silent)


def _attributes(node: Any, name: str) -> str:
    """The few attributes that are kept, with values that can only mean what they should."""
    kept = {}
    anchor = node.getattr("id") or (node.getattr("name") if name == "a" else "")
    if anchor:
        kept["id"] = f"p-{anchor}"
    if name == "a":
        target = (node.getattr("href") or "").strip()
        if target.startswith("#") and len(target) > 1:
            kept["href"] = f"#p-{target[1:]}"
        elif _WEB.fullmatch(target):
            kept["title"] = target
    if lang := _language(node):
        kept["lang"] = lang
    direction = (node.getattr("dir") or "").lower()
    if direction in _DIRECTIONS:
        kept["dir"] = direction
    for number in ("colspan", "rowspan") if name in _CELLS else ("start",) if name == "ol" else ():
        value = node.getattr(number) or ""
        if _NUMBER.fullmatch(value):
            kept[number] = value
    return "".join(f' {key}="{html.escape(value)}"' for key, value in kept.items())


def _language(node: Any) -> str:
    found = (node.getattr("lang") or "").strip()
    return found if _LANGUAGE.fullmatch(found) else ""
