"""What the markup of a page says of the page itself: its lines, headings, scripts and refreshes.

Made to tell a page from what only looks like one, in a few milliseconds and in time linear to
its length; what a reader sees of it, word for word, is :mod:`verifier.text`'s to say.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import urljoin

from verifier.text import decoded, encoding_of

MOST = 200_000
"""Bytes that are looked at: pages that only pretend are far shorter."""

SHORT_RECORD = 2_000
"""Bytes up to which a record (JSON) is looked into: it may only say that there is none."""

PROSE = 90
"""Characters from which a line outside of navigation, headers and footers is prose: shorter
ones are headings, menus and buttons."""

_TAG = re.compile(
    r"""<!--|<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*)"""
    r"""(?P<attributes>(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>"""
    r"""|<(?P<close2>/?)(?P<name2>[a-zA-Z][a-zA-Z0-9:-]*)(?P<attributes2>[^<>]*)>|<[!?][^<>]*>"""
)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z][a-zA-Z0-9:_-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?"""
)
_REFRESH = re.compile(r"\s*(\d{1,6})(?:\.\d*)?\s*(?:[;,\s]\s*(?:url\s*=\s*)?(.*))?", re.I | re.S)
_SENDS = re.compile(
    r"""\blocation(?:\.href)?\s*(?:=|\.(?:replace|assign)\()\s*["']([^"'\s]{1,2000})["']\s*(?![+\s])"""
)
_CHOOSES = re.compile(r"\bif\s*\(|\?[^:]{0,200}:\s*[\"']|cookie", re.IGNORECASE)
_PLAIN_SCRIPT = 2_000
_NO_PROSE = re.compile(
    "cookie|copyright|©|all rights reserved|alle rechte|tous droits|derechos reservados"
    "|direitos reservados|diritti riservati|rechten voorbehouden|wszelkie prawa|všechna práva"
    "|все права|всі права|tüm hakları|جميع الحقوق|כל הזכויות|تمامی حقوق|著作権|版权所有|版權所有"
    "|저작권|personal data|personenbezogen|données personnelles|privacy policy|datenschutzerkl",
    re.IGNORECASE,
)
"""What stands under every page of a site, at length, and is not what the page says."""

_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp "
    "small span strike strong sub sup time tt u var wbr".split()
)
_RAW = frozenset(["script", "style", "textarea", "template", "svg", "select", "noscript"])
_ASIDE = frozenset(["nav", "header", "footer", "aside", "form", "button"])
_SHOWN = frozenset(["img", "picture", "iframe", "frame", "object", "embed", "video", "audio"])
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_HIDDEN = re.compile(r"\shidden(?:[\s=]|$)|display\s*:\s*none", re.IGNORECASE)
_TRIM = " \t.!?…:;,-–—|\"'«»„“”()[]¡¿。！？、，؟،۔।"


def fold(text: str) -> str:
    """*text* as the lists of marks have it: lower case, one kind of quotes and spaces."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'").casefold()
    return " ".join(plain.replace("\u200b", "").split()).strip(_TRIM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands in the markup of a page.

    Attributes:
        title: As it stands there, spaces joined.
        headings: Of the first two levels, as they stand there; the first eight.
        lines: Visible lines, folded; without headers' and menus' marks.
        size: Visible characters.
        prose: Characters in lines that are long enough to be sentences, outside of navigation.
        lang: The language that the page claims, lower case, or "".
        refresh: Absolute address to which the page sends its readers by itself, or "".
        sends: The same of a script that does nothing else, or "".
        scripts: How many scripts it has.
        loads: Addresses of scripts, frames and images, lower case.
        links: Targets of its links, as they stand there; the first 200.
        noscript: What it says to those without scripts, folded.
        shows: It has a picture, a frame or a film.
        password: It has a field for a password.
        html: It is a page of the web, not a plain text.
    """

    title: str = ""
    headings: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    size: int = 0
    prose: int = 0
    lang: str = ""
    refresh: str = ""
    sends: str = ""
    scripts: int = 0
    loads: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    noscript: str = ""
    shows: bool = False
    password: bool = False
    html: bool = True


def is_prose(line: str) -> bool:
    """Whether a line is long enough to be a sentence, and not one of those under every page."""
    return len(line) >= PROSE and not _NO_PROSE.search(line)


@dataclass(slots=True)
class _Reader:
    """What has been seen so far."""

    url: str
    title: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    lines: list[tuple[str, bool]] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    heading: list[str] | None = None
    titled: bool | None = None
    aside: list[str] = field(default_factory=list)
    linked: int = 0
    shown: int = 0
    lang: str = ""
    refresh: str = ""
    sends: str = ""
    scripts: int = 0
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    noscript: str = ""
    shows: bool = False
    password: bool = False
    endless: set[str] = field(default_factory=set)

    def text(self, words: str) -> None:
        """Visible words, or the title's."""
        if self.titled:
            self.title.append(words)
            return
        if self.heading is not None:
            self.heading.append(words)
        self.line.append(words)
        if not self.linked:
            self.shown += len(words)

    def end_line(self) -> None:
        """What follows stands in another line."""
        if self.line:
            words = " ".join(html.unescape("".join(self.line)).split())
            if words:
                # A line that is mostly link is a menu or a teaser, not prose of this page.
                own = not self.aside and 2 * self.shown >= len(words)
                self.lines.append((words, own))
            self.line.clear()
        self.shown = 0

    def open(self, name: str, attributes: str) -> None:
        """An element begins."""
        if name not in _INLINE:
            self.end_line()
        if name == "title":
            self.titled = self.titled is None
        elif name in ("h1", "h2"):
            self.heading = []
        elif name in _ASIDE:
            self.aside.append(name)
        elif name == "a":
            self.linked += 1
            if len(self.links) < 200 and (target := _value(attributes, "href")):
                self.links.append(html.unescape(target))
        else:
            self.note(name, attributes)

    def note(self, name: str, attributes: str) -> None:
        """An element that tells of the page without beginning a part of it."""
        if name == "html":
            self.lang = self.lang or _value(attributes, "lang").lower()
        elif name == "meta":
            self.meta(attributes)
        elif name == "input":
            self.password = self.password or _value(attributes, "type").lower() == "password"
        elif name in _SHOWN:
            self.shows = True
            self.load(attributes)

    def meta(self, attributes: str) -> None:
        """A refresh, if it is one that leads elsewhere."""
        if _value(attributes, "http-equiv").lower() != "refresh" or self.refresh:
            return
        found = _REFRESH.match(html.unescape(_value(attributes, "content")))
        target = found[2].strip(" \t\r\n\"'") if found and found[2] else ""
        if target:
            self.refresh = _joined(self.url, target)

    def script(self, inner: str) -> None:
        """Where a script sends the page's readers, when it plainly does so and no more."""
        if self.sends or len(inner) > _PLAIN_SCRIPT or _CHOOSES.search(inner):
            return
        if found := _SENDS.search(inner):
            self.sends = _joined(self.url, found[1].replace("\\/", "/"))

    def load(self, attributes: str) -> None:
        """Note where a script, a frame or a picture comes from."""
        source = _value(attributes, "src") or _value(attributes, "data")
        if source and len(self.loads) < 200:
            self.loads.append(html.unescape(source).lower())

    def close(self, name: str) -> None:
        """An element ends."""
        if name not in _INLINE:
            self.end_line()
        if name == "title":
            self.titled = False
        elif name in ("h1", "h2") and self.heading is not None:
            words = " ".join(html.unescape("".join(self.heading)).split())
            if words and len(self.headings) < 8:
                self.headings.append(words)
            self.heading = None
        elif name in self.aside:
            while self.aside.pop() != name:
                pass
        elif name == "a":
            self.linked = max(0, self.linked - 1)

    def page(self) -> Page:
        """All of it."""
        self.end_line()
        return Page(
            title=" ".join(html.unescape("".join(self.title)).split())[:300],
            headings=tuple(self.headings),
            lines=tuple(fold(words) for words, _ in self.lines),
            size=sum(len(words) for words, _ in self.lines),
            prose=sum(len(words) for words, own in self.lines if own and is_prose(words)),
            lang=self.lang,
            refresh=self.refresh,
            sends=self.sends,
            scripts=self.scripts,
            loads=tuple(self.loads),
            links=tuple(self.links),
            noscript=self.noscript,
            shows=self.shows,
            password=self.password,
        )


def is_markup(content: bytes, content_type: str) -> bool:
    """Whether the bytes are a page of the web: told by themselves, then by their label."""
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<title", b"<body", b"<script")):
        return True
    if start.startswith((b"%pdf-", b"{", b"[")):
        return False
    if start.startswith(b"<?xml"):
        return b"<html" in start
    return ("html" in content_type.lower() and start.startswith(b"<")) or b"<html" in start


_TITLE = re.compile(rb"<title[^<>]{0,200}>([^<]{0,2000})", re.IGNORECASE)
_HEADING = re.compile(rb"<h1[^<>]{0,400}>(.{0,600})", re.IGNORECASE | re.DOTALL)


def glimpse(content: bytes, content_type: str) -> tuple[str, str]:
    """Title and first heading of a page, without reading the rest of it; "" where there is none."""
    title, heading = _TITLE.search(content[:20_000]), _HEADING.search(content[:MOST])
    if title is None and heading is None:
        return "", ""
    name = encoding_of(content[:20_000], content_type)
    first = _words(title[1], name) if title else ""
    inner = re.split(rb"</h1", heading[1], maxsplit=1, flags=re.IGNORECASE)[0] if heading else b""
    return first, _words(re.sub(rb"<[^<>]*>", b" ", inner), name)


def _words(raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding, "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    return " ".join(html.unescape(text).split())[:300]


_PARAGRAPH = re.compile(rb"<p(?:\s[^<>]{0,300})?>([^<>]{150,})", re.IGNORECASE)


def is_prosy(content: bytes) -> bool:
    """Whether there is so much text in plain paragraphs that the page is an article for sure.

    Told from the bytes, without reading the page: 4,000 are a thousand characters in any
    encoding, which is more than :func:`read_page` would need to say so.
    """
    total = 0
    for found in _PARAGRAPH.finditer(content, 0, MOST):
        total += len(found[1])
        if total > 4_000:
            return True
    return False


def read_page(content: bytes, content_type: str, url: str) -> Page | None:
    """What the markup says, or what a plain text does; None for other kinds (PDF, pictures).

    Args:
        url: Where the page came from; addresses in it are relative to it.
    """
    media = content_type.partition(";")[0].strip().lower()
    if not is_markup(content, content_type):
        xml = content.lstrip()[:5] == b"<?xml"
        plain = media.startswith("text/") or media in ("", "application/xml")
        plain = plain or (media.endswith("json") and len(content) <= SHORT_RECORD)
        if not (plain or xml) or b"\0" in content[:1024] or content.startswith(b"%PDF-"):
            return None
        words = decoded(content[:MOST], content_type)
        if xml:
            words = re.sub(r"<[^<>]*>", "\n", words)
        lines = [line for line in map(str.strip, words.splitlines()) if line]
        return Page(
            lines=tuple(map(fold, lines)),
            size=sum(map(len, lines)),
            prose=sum(len(line) for line in lines if len(line) >= PROSE),
            html=False,
        )
    return _walk(decoded(content[:MOST], content_type), url)


def _walk(markup: str, url: str) -> Page:
    reader, place, lower = _Reader(url=url), 0, markup.lower()
    while (tag := _TAG.search(markup, place)) is not None:
        if tag.start() > place:
            reader.text(markup[place : tag.start()])
        place = tag.end()
        if tag[0] == "<!--":
            end = -1 if "!" in reader.endless else markup.find("-->", place)
            reader.endless.update(["!"] if end < 0 else [])
            place = end + 3 if end >= 0 else place
            continue
        name = (tag["name"] or tag["name2"] or "").lower()
        if not name:
            continue
        attributes = tag["attributes"] or tag["attributes2"] or ""
        if tag["close"] or tag["close2"]:
            reader.close(name)
        elif name in _RAW:
            place = _skip_raw(reader, markup, lower, name, attributes, place)
        elif _is_hidden(name, attributes) and name not in reader.endless:
            reader.end_line()
            skipped = _end_of_element(markup, name, place)
            place = place if skipped is None else skipped
            reader.endless.update([name] if skipped is None else [])
        else:
            reader.open(name, attributes)
    reader.text(markup[place:])
    return reader.page()


def _skip_raw(
    reader: _Reader, markup: str, lower: str, name: str, attributes: str, place: int
) -> int:
    """Where an element ends whose content is not read as text; notes what it is."""
    # What once was not closed is not searched for again: that would be quadratic.
    end = -1 if name in reader.endless else lower.find(f"</{name}", place)
    if end < 0:
        reader.endless.add(name)
    inner = markup[place : max(end, place)]
    if name == "script":
        reader.scripts += "ld+json" not in attributes
        reader.load(attributes)
        reader.script(inner)
    elif name == "noscript":
        reader.noscript += " " + fold(re.sub(r"<[^<>]*>", " ", html.unescape(inner)))
    elif name == "svg":
        reader.shows = True
    if end < 0:
        return len(markup) if name in ("script", "style") else place
    return end


def _is_hidden(name: str, attributes: str) -> bool:
    # Pages hide their whole body until a script shows it; that is no hidden text.
    if name in _VOID or name in ("html", "body"):
        return False
    return _HIDDEN.search(attributes) is not None


def _end_of_element(markup: str, name: str, place: int) -> int | None:
    """Where an element ends that is not shown; None when it never does."""
    depth = 1
    for tag in re.compile(rf"<(/?){re.escape(name)}\b[^<>]*>", re.I).finditer(markup, place):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end()
    return None


def _value(attributes: str, name: str) -> str:
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return (found[2] or found[3] or found[4] or "").strip()
    return ""


def _joined(base: str, target: str) -> str:
    try:
        joined = urljoin(base, target)
    except ValueError:
        return ""
    return joined if joined.lower().startswith(("http://", "https://")) else ""
